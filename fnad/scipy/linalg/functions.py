"""Exponentials, logarithms and roots of matrices, and linear equations of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg

from fnad.control import while_loop
from fnad.numpy.dispatch import implements
from fnad.numpy.linalg.matrices import is_empty
from fnad.numpy.linalg.solving import solution
from fnad.ops import matrix_functions as ops
from fnad.ops.contractions import adjoint
from fnad.ops.elementwise import stop_gradient
from fnad.ops.linalg import inverse
from fnad.scipy.linalg.matrices import in_double, matrices
from fnad.tracing.tracer import Tracer

_WHOLE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)
PADE = tuple([number / _WHOLE[0] for number in _WHOLE])
"""The coefficients of the rational approximation of degree 13 of the exponential function, of which the first is 1."""

THETA = 4.25
"""The norm up to which it is exact to rounding: N. J. Higham, Functions of Matrices, SIAM 2008, algorithm 10.20, as
A. H. Al-Mohy and N. J. Higham, SIAM J. Matrix Anal. Appl. 31 (2009), took it down."""


@implements(scipy.linalg.expm)
def expm(A: Any) -> Any:
    """By scaling and squaring with a rational approximation, for matrices of any norm.

    Dtypes: numbers. Derivative: through the algorithm.

    >>> expm(np.zeros((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    (x,) = matrices(scipy.linalg.expm, A, square=True)
    if is_empty(x):
        return x
    norm = stop_gradient(np.max(np.sum(np.abs(x), -2), -1))
    halvings = np.clip(np.ceil(np.log2(norm / THETA)), 0, np.finfo(norm.dtype).maxexp)
    halvings = np.where(norm > 0, halvings, np.zeros_like(halvings))
    scaled = _rational(x * np.exp2(-halvings)[..., None, None].astype(x.dtype))
    return _squared(scaled, halvings)


def _rational(a: Tracer) -> Tracer:
    b, identity = PADE, np.eye(a.shape[-1], dtype=a.dtype)
    a2 = a @ a
    a4 = a2 @ a2
    a6 = a4 @ a2
    odd = a @ (a6 @ (b[13] * a6 + b[11] * a4 + b[9] * a2) + b[7] * a6 + b[5] * a4 + b[3] * a2 + b[1] * identity)
    even = a6 @ (b[12] * a6 + b[10] * a4 + b[8] * a2) + b[6] * a6 + b[4] * a4 + b[2] * a2 + b[0] * identity
    return solution(even - odd, even + odd)


def _squared(a: Tracer, times: Tracer) -> Tracer:
    """Matrices squared as often as their numbers say."""
    most = np.max(times)

    def step(state: tuple[Any, Any]) -> tuple[Any, Any]:
        i, x = state
        return i + 1, np.where((i < times)[..., None, None], x @ x, x)

    return while_loop(lambda state: state[0] < most, step, (np.zeros((), times.dtype), a))[1]


@implements(scipy.linalg.expm_frechet)
def expm_frechet(A: Any, E: Any, method: Any = None, compute_expm: bool = True, check_finite: bool = True) -> Any:
    """Dtypes: numbers. Derivative: as of `expm`.

    >>> expm_frechet(np.zeros((1, 1)), np.ones((1, 1)))[1]
    array([[1.]])
    """
    a, e = in_double(*matrices(scipy.linalg.expm_frechet, A, E, square=True))
    if a.shape != e.shape:
        raise ValueError("expected A and E to be the same shape")
    n, both = a.shape[-1], expm(ops.with_corner(a, e))
    return (both[..., :n, :n], ops.corner(both)) if compute_expm else ops.corner(both)


@implements(scipy.linalg.logm)
def logm(A: Any) -> Any:
    """Of a traced real matrix whose logarithm is not real it is nan: the dtype does not depend on values.

    Dtypes: numbers. Derivative: by the logarithm of a matrix of twice the size.

    >>> logm(np.eye(2))
    array([[0., 0.],
           [0., 0.]])
    """
    return ops.logm(*in_double(*matrices(scipy.linalg.logm, A, square=True)))


@implements(scipy.linalg.sqrtm)
def sqrtm(A: Any) -> Any:
    """Of a traced real matrix whose root is not real it is nan: the dtype does not depend on values.

    Dtypes: numbers. Derivative: the solution of a linear equation with the root.

    >>> sqrtm(4.0 * np.eye(2))
    array([[2., 0.],
           [0., 2.]])
    """
    (x,) = matrices(scipy.linalg.sqrtm, A, square=True)
    return ops.sqrtm(x)


# --- Linear equations


@implements(scipy.linalg.solve_sylvester)
def solve_sylvester(a: Any, b: Any, q: Any) -> Any:
    """Dtypes: numbers. Derivative: solutions of the adjoint equation.

    >>> solve_sylvester([[1.0]], [[1.0]], [[4.0]])
    array([[2.]])
    """
    return ops.sylvester(*matrices(scipy.linalg.solve_sylvester, a, b, q, square=True))


@implements(scipy.linalg.solve_continuous_lyapunov, scipy.linalg.solve_lyapunov)
def solve_continuous_lyapunov(a: Any, q: Any) -> Any:
    """Dtypes: numbers. Derivative: solutions of the adjoint equation.

    >>> solve_continuous_lyapunov([[1.0]], [[4.0]])
    array([[2.]])
    """
    x, y = matrices(scipy.linalg.solve_continuous_lyapunov, a, q, square=True)
    return ops.sylvester(x, adjoint(x), y)


@implements(scipy.linalg.solve_discrete_lyapunov)
def solve_discrete_lyapunov(a: Any, q: Any, method: str | None = None) -> Any:
    """Dtypes: numbers. Derivative: as of the equations that it is brought to.

    >>> solve_discrete_lyapunov([[0.5]], [[3.0]])
    array([[4.]])
    """
    x, y = in_double(*matrices(scipy.linalg.solve_discrete_lyapunov, a, q, square=True))
    method = ("direct" if x.shape[0] < 10 else "bilinear") if method is None else method.lower()
    if method not in ("direct", "bilinear"):
        raise ValueError(f"Unknown solver {method}")
    n, identity = x.shape[-1], np.eye(x.shape[-1], dtype=x.dtype)
    if method == "direct":
        system = np.eye(n * n, dtype=x.dtype) - np.kron(x, np.conj(x))
        return solution(system, y.reshape(n * n)).reshape(n, n)
    turned = adjoint(x)
    inverted = inverse(turned + identity)
    b = (turned - identity) @ inverted
    c = 2 * inverse(x + identity) @ y @ inverted
    return ops.sylvester(adjoint(b), b, -c)
