"""Rows of searching in what is sorted."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.properties.row import Case, Domain, Sample


class Sorted(Case):
    """A row whose first input is sorted."""

    def inputs(self, sample: Sample, dtype: str, wild: bool = False) -> st.SearchStrategy[list[np.ndarray]]:
        return super().inputs(sample, dtype, wild).map(lambda xs: [np.sort(xs[0]), *xs[1:]])


def _places(a: Any, v: Any, side: str) -> Any:
    """Where a stable sort puts each element among the others."""
    found = np.zeros(v.shape, np.int64)
    for at in np.ndindex(v.shape):
        row, x = a[at[:-1]], v[at][None]
        both = np.concatenate([x, row] if side == "left" else [row, x])
        found[at] = np.argsort(both, kind="stable").tolist().index(0 if side == "left" else len(row))
    return found


ROWS = [
    Sorted("searchsorted", (Domain(),), tuple(
        Sample(shapes, {"side": side})
        for shapes in (((5,), (4,)), ((2, 3), (2, 2)), ((0,), (2,)), ((3,), (0,))) for side in ("left", "right")
    ), _places),
]
OTHERWISE = {"shared": "tests/surface/test_sets.py"}
