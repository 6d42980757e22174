"""The row of recursive filters."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.properties.row import Case, Domain, Sample


def all_pole(a: Any, x: Any) -> Any:
    """By the inverse of the matrix of the recurrence."""
    n, rows = x.shape[-1], np.broadcast_to(a, (*x.shape[:-1], a.shape[-1]))
    shifted = [rows[..., i, None, None] * np.eye(n, k=-i - 1) for i in range(a.shape[-1])]
    return np.linalg.solve(np.eye(n) + sum(shifted), x[..., None])[..., 0].astype(x.dtype)


def two(a: tuple[int, ...], x: tuple[int, ...]) -> Sample:
    return Sample((a, x))


SAMPLES = (two((2,), (2, 5)), two((3, 1), (3, 4)), two((4,), (3,)), two((2,), (0, 3)))

DOMAINS = (Domain(-0.5, 0.5, exact=True), Domain(offset=0.1, exact=True))

ROWS = [Case("all_pole", DOMAINS, SAMPLES, all_pole, reorders=True)]
