"""Covariances and correlations of variables."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from fnad.numpy.contractions import dot
from fnad.numpy.diagonals import diag
from fnad.numpy.dispatch import implements
from fnad.numpy.elementwise import clip
from fnad.numpy.joining import concatenate
from fnad.numpy.promotion import arrays_of, cast, is_traced
from fnad.numpy.shaping import atleast_2d, squeeze
from fnad.numpy.statistics import average
from fnad.ops.complexes import complex_
from fnad.ops.elementwise import conj, imag, real
from fnad.tracing.tracer import Tracer

FLOAT = np.dtype(np.float64)


@implements(np.cov)
def cov(
    m: Any, y: Any = None, rowvar: Any = True, bias: Any = False, ddof: Any = None, fweights: Any = None,
    aweights: Any = None, *, dtype: Any = None,
) -> Any:
    """Dtypes: numbers. Derivative: (x - mean(x)) / (n - ddof) of each variable in the other.

    >>> cov([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]])
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    if ddof is not None and ddof != int(ddof):
        raise ValueError("ddof must be integer")
    _require_counts(fweights), _require_not_negative("aweights", aweights)
    given, other, counts, weights = arrays_of(m, y, fweights, aweights)
    x = _variables(given, other, rowvar, dtype)
    if not x.shape[0]:
        return np.zeros((0, 0))
    ddof = int(bias == 0) if ddof is None else ddof
    for name, w in (("fweights", counts), ("aweights", weights)):
        _require_one_each(name, w, x.shape[1])
    w = _product(*[None if v is None else cast(v, FLOAT) for v in (counts, weights)])
    mean, total = average(x, axis=1, weights=w, returned=True)
    divisor = x.shape[1] - ddof if w is None else _divisor(total[0], w, weights, ddof)
    centered = x - mean[:, None]
    c = dot(centered, conj(centered if w is None else centered * w).T)
    return squeeze(cast(c * np.true_divide(1, _positive(divisor)), c.dtype))


def _variables(m: Tracer, y: Tracer | None, rowvar: Any, dtype: Any) -> Tracer:
    """All variables as rows."""
    for name, x in (("m", m), ("y", y)):
        if x is not None and x.ndim > 2:
            raise ValueError(f"{name} has more than 2 dimensions")
    given = [m] if y is None else [m, y]
    dtype = np.result_type(*[v.dtype for v in given], FLOAT) if dtype is None else np.dtype(dtype)
    rows = atleast_2d(cast(m, dtype))
    rows = rows if rowvar or m.ndim == 1 else rows.T
    if y is None or not rows.shape[0]:
        return rows
    more = atleast_2d(cast(y, dtype))
    return concatenate([rows, more if rowvar or more.shape[0] == 1 else more.T], 0)


def _require_counts(fweights: Any) -> None:
    if fweights is not None and not is_traced(fweights):
        given = np.asarray(fweights, dtype=float)
        if not np.all(given == np.around(given)):
            raise TypeError("fweights must be integer")
    _require_not_negative("fweights", fweights)


def _require_not_negative(name: str, weights: Any) -> None:
    if weights is not None and not is_traced(weights) and np.ndim(weights) < 2 and np.any(np.less(weights, 0)):
        raise ValueError(f"{name} cannot be negative")


def _require_one_each(name: str, w: Tracer | None, n: int) -> None:
    if w is not None and w.ndim > 1:
        raise RuntimeError(f"cannot handle multidimensional {name}")
    if w is not None and w.shape[0] != n:
        raise RuntimeError(f"incompatible numbers of samples and {name}")


def _product(a: Any, b: Any) -> Any:
    return b if a is None else a if b is None else a * b


def _divisor(total: Tracer, w: Tracer, weights: Tracer | None, ddof: Any) -> Any:
    if ddof == 0:
        return total
    return total - ddof if weights is None else total - ddof * np.sum(w * cast(weights, FLOAT)) / total


def _positive(divisor: Any) -> Any:
    """What to divide by, 0 where it would be negative."""
    if type(divisor) is Tracer:
        return np.where(divisor <= 0, 0.0, divisor)
    if divisor <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=2)
    return np.float64(max(divisor, 0))


@implements(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: Any = True, *, dtype: Any = None) -> Any:
    """Dtypes: numbers. Derivative: that of the covariance over the deviations, and 0 for a variable with itself.

    >>> corrcoef([0.0, 1.0, 2.0], [2.0, 1.0, 0.0])
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.ndim:
        return c / c
    deviation = np.sqrt(real(diag(c)) if c.dtype.kind == "c" else diag(c))
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind == "c":
        return complex_(clip(real(c), -1, 1), clip(imag(c), -1, 1))
    return clip(c, -1, 1)
