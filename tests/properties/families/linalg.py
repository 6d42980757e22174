"""Linear algebra: matrices that are well-conditioned, Hermitian or triangular, made of what is drawn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from fnad.ops import linalg, spectral
from fnad.ops.elementwise import conj, mul
from scipy import linalg as scipy_linalg

from tests.properties.row import INEXACT, Case, Domain, Sample, listed

GIVEN, OTHER = Domain(-1.0, 1.0, exact=True), Domain(-1.0, 1.0, offset=0.1, exact=True)


@dataclass(frozen=True, repr=False, eq=False)
class Matrices(Case):
    """A row of which the first input becomes a matrix with eigenvalues and singular values apart from 0 and each other.

    Attributes:
        run: what is tried, where that is not the operation itself but what is smooth of it.
    """

    run: Callable[..., Any] | None = None
    dtypes: tuple[str, ...] = INEXACT
    reorders: bool = True

    def call(self, *inputs: Any, sample: Sample) -> list[Any]:
        return listed((self.run or self.primitive)(*inputs, **sample.params))

    def arranged(self, drawn: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [_apart(drawn[0]), *drawn[1:]]


def _apart(x: np.ndarray) -> np.ndarray:
    """A matrix near a diagonal one of the numbers 2, 4, ..."""
    rows, columns = x.shape[-2:]
    return (x / 4 + 2 * np.eye(rows, columns) * (1 + np.arange(columns))).astype(x.dtype)


def _part(a: Any) -> Any:
    return (a + np.conj(np.swapaxes(a, -1, -2))) / 2


def _hermitian(operation: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a, **params: operation(linalg.hermitian_part(a), **params)


def _sizes(*outputs: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Of vectors only the squares of sizes, which no signs and phases are in."""

    def of(operation: Callable[..., Any]) -> Callable[..., Any]:
        def run(*args: Any, **params: Any) -> Any:
            return tuple([_size(y) if i in outputs else y for i, y in enumerate(operation(*args, **params))])

        return run

    return of


def _size(x: Any) -> Any:
    return mul(x, conj(x))


def _cholesky(a: Any) -> Any:
    return np.linalg.cholesky(_part(a)).astype(a.dtype)


def _triangular(a: Any, b: Any, lower: bool, adjoint: bool, unit: bool, strict: bool) -> Any:
    part = np.tril(a) if lower else np.triu(a)
    if unit:
        part = part * (1 - np.eye(len(a))) + np.eye(len(a))
    return np.linalg.solve(np.conj(part).T if adjoint else part, b).astype(b.dtype)


def _packed(a: Any) -> Any:
    return np.swapaxes(scipy_linalg.lu_factor(a)[0], -1, -2)


def _order(pivots: Any, inverse: bool) -> Any:
    rows = list(range(len(pivots)))
    for i, j in enumerate(pivots):
        rows[i], rows[j] = rows[j], rows[i]
    return np.argsort(rows) if inverse else np.array(rows)


def _one(*shape: int, **params: Any) -> Sample:
    return Sample((shape,), params)


SQUARE = (_one(3, 3), _one(2, 3, 3), _one(1, 1))
HALVES = tuple(_one(*s.shapes[0], lower=lower) for s in SQUARE for lower in (True, False))
RECTANGLES = ((3, 2), (2, 3), (2, 3, 3))
TRIANGLES = tuple(
    Sample(((3, 3), (3, m)), {"lower": lower, "adjoint": adjoint, "unit": unit, "strict": lower})
    for m, lower, adjoint, unit in ((2, True, False, False), (1, False, True, False), (2, True, True, True),
                                    (0, True, False, False))
)

ROWS = [
    Matrices("cholesky", (GIVEN,), SQUARE, _cholesky, run=_hermitian(linalg.cholesky)),
    Matrices("triangular_solve", (GIVEN, OTHER), TRIANGLES, _triangular),
    Matrices("lu", (GIVEN,), SQUARE, _packed, run=lambda a: linalg.lu(a)[0]),
    Case("permutation", (Domain(2, 2, dtype="int32", exact=True),), (_one(3, inverse=False), _one(3, inverse=True)),
         _order, dtypes=("int32",)),
    Matrices("qr", (GIVEN,), tuple(_one(*s, complete=False) for s in RECTANGLES),
             lambda a, complete: tuple(np.linalg.qr(a))),
    Matrices("householder", (GIVEN,), tuple(_one(*s) for s in RECTANGLES), lambda a: np.linalg.qr(a, "raw")),
    Matrices("eigh", (GIVEN,), HALVES, _sizes(1)(lambda a, lower: np.linalg.eigh(_part(a))),
             run=_sizes(1)(_hermitian(spectral.eigh))),
    Matrices("eigvalsh", (GIVEN,), HALVES, lambda a, lower: np.linalg.eigvalsh(_part(a)),
             run=_hermitian(spectral.eigvalsh)),
    Matrices("svd", (GIVEN,), tuple(_one(*s, full=False) for s in RECTANGLES),
             _sizes(0, 2)(lambda a, full: np.linalg.svd(a, full)), run=_sizes(0, 2)(spectral.svd)),
    Matrices("svdvals", (GIVEN,), tuple(_one(*s) for s in RECTANGLES), np.linalg.svdvals),
    Matrices("eigvals", (GIVEN,), SQUARE, lambda a: np.linalg.eigvals(a + 0j),
             dtypes=("float64", "complex128")),
]
# What takes factors as hints, and vectors whose sizes are complex.
OTHERWISE = {
    **dict.fromkeys(["lu_solve", "slogdet", "det", "eig", "pinv"], "tests/surface/test_linalg.py"),
    **dict.fromkeys(["polar", "sylvester", "sqrtm", "logm"], "tests/surface/test_scipy_linalg.py"),
    **dict.fromkeys(["cofactors", "cofactors_slope"], "tests/numpy/test_linalg_edges.py"),
}
