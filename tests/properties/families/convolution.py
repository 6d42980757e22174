"""The rows of sums of products of windows with weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.properties.row import Case, Domain, Sample


def correlated(x: Any, w: Any, axes: int) -> Any:
    """By the definition, a place at a time."""
    sizes, taps = np.shape(x)[np.ndim(x) - axes :], np.shape(w)[np.ndim(w) - axes :]
    shape = [n - k + 1 for n, k in zip(sizes, taps)]
    last = tuple(range(-axes, 0))
    places = [
        np.sum(x[(..., *[slice(i, i + k) for i, k in zip(at, taps)])] * w, axis=last, dtype=x.dtype)
        for at in np.ndindex(*shape)
    ]
    return np.stack(places, -1).reshape(*places[0].shape, *shape).astype(x.dtype)


def two(x: tuple[int, ...], w: tuple[int, ...], axes: int) -> Sample:
    return Sample((x, w), {"axes": axes})


SHARED = (two((2, 7), (2,), 1), two((5,), (2, 3), 1), two((2, 5), (2, 5), 1), two((2, 4, 3), (2, 2, 2), 2))
FINITE = Domain(exact=True)

ROWS = [
    Case(
        "correlate", (FINITE, Domain(offset=0.1, exact=True)), (*SHARED, two((3, 2, 3, 2), (2, 1, 2), 3)), correlated,
        reorders=True,
    ),
    Case(
        "correlate/windows", (FINITE,),
        (two((40,), (33,), 1), two((2, 7, 6), (6, 6), 2), two((1, 2, 2, 2, 2), (1,) * 4, 4)),
        correlated, reorders=True, order=1, dtypes=("float32", "float64"),
    ),
]
