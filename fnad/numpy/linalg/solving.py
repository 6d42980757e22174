"""Solutions, inverses, determinants and Cholesky's factors."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.linalg import LinAlgError

from fnad.numpy.contractions import dot, matmul_rule
from fnad.numpy.dispatch import implements, refuse_out
from fnad.numpy.linalg.matrices import (
    common, filled_with, flattened, in_batch, in_common_dtype, raise_as, require_square, result_class, square,
)
from fnad.numpy.promotion import broadcast_shapes, builder_of, size_of, traced
from fnad.numpy.shaping import permuted, reshaped
from fnad.ops import determinants
from fnad.ops import linalg as ops
from fnad.ops.contractions import adjoint
from fnad.tracing.tracer import Tracer

SlogdetResult = result_class(np.linalg.slogdet)


@implements(np.linalg.solve)
def solve(a: Any, b: Any) -> Any:
    """The error of a singular matrix says of which one of a stack it is.

    Dtypes: numbers. Derivative: inv(a).T @ g in b, and minus the outer product of that with the solution in a.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
    array([0.5 , 0.25])
    """
    return solution(*common(a, b))


def solution(x: Tracer, y: Tracer) -> Tracer:
    """The solution of a system, for arguments that are traced arrays."""
    require_square(x)
    x, y = in_common_dtype(x, y)
    if y.ndim == 0 or y.shape[-1 if y.ndim == 1 else -2] != x.shape[-1]:
        raise_as(np.linalg.solve, x.shape, y.shape)
    if y.ndim == 1:
        column = reshaped(y, (*y.shape, 1))
        solution = _solved(x, column)
        return reshaped(solution, solution.shape[:-1])
    return _solved(x, y)


def _solved(a: Tracer, b: Tracer) -> Tracer:
    factors = ops.factored(a)
    if a.ndim == 2 < b.ndim:
        flat = reshaped(b, (size_of(b.shape[:-2]), *b.shape[-2:]))
        mapped = (False, False, False, True)
        return reshaped(ops.columns_batch(ops.lu_solve, mapped, *factors, flat, adjoint=False, strict=True), b.shape)
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    hints = [in_batch(x, batch, own) for x, own in zip(factors, (2, 2, 1))]
    return ops.lu_solve(*hints, in_batch(b, batch), adjoint=False, strict=True)


@implements(np.linalg.inv)
def inv(a: Any) -> Any:
    """Dtypes: numbers. Derivative: -y.T @ g @ y.T for the result y and its cotangent g.

    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return ops.inverse(square(a))


@implements(np.linalg.det)
def det(a: Any) -> Any:
    """Of singular matrices there are two derivatives, and no more.

    Dtypes: numbers. Derivative: the cofactors, which are exact where the matrix is singular.

    >>> det([[1.0, 2.0], [2.0, 4.0]])
    np.float64(0.0)
    """
    return determinants.det(*ops.factored(square(a)))


@implements(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Dtypes: numbers. Derivative: inv(a).T of the logarithm.

    >>> slogdet([[2.0, 0.0], [0.0, 0.5]])
    SlogdetResult(sign=np.float64(1.0), logabsdet=np.float64(0.0))
    """
    return SlogdetResult(*determinants.slogdet(*ops.factored(square(a))))


@implements(np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """One triangle is read, as NumPy does; the derivative is symmetric, for a matrix that is.

    Dtypes: numbers. Derivative: a solution by the factor on both sides.

    >>> cholesky([[4.0, 2.0], [2.0, 5.0]])
    array([[2., 0.],
           [1., 2.]])
    """
    x = square(a)
    return adjoint(ops.cholesky(adjoint(x))) if upper else ops.cholesky(x)


@implements(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    """Dtypes: numbers. Derivative: as of `solve`.

    >>> tensorsolve(2.0 * np.eye(4).reshape(2, 2, 2, 2), [[2.0, 4.0], [6.0, 8.0]])
    array([[1., 2.],
           [3., 4.]])
    """
    x, y = common(a, b)
    if axes is not None:
        order = list(range(x.ndim))
        for k in axes:
            order.remove(k)
            order.insert(x.ndim, k)
        x = permuted(x, tuple(order))
    shape = x.shape[-(x.ndim - y.ndim) :]
    size = size_of(shape)
    if x.size != size**2:
        raise_as(lambda a, b: np.linalg.tensorsolve(a, b, None), x.shape, y.shape)
    return reshaped(solution(reshaped(x, (size, size)), flattened(y)), shape)


@implements(np.linalg.tensorinv)
def tensorinv(a: Any, ind: Any = 2) -> Any:
    """Dtypes: numbers. Derivative: as of `inv`.

    >>> tensorinv(2.0 * np.eye(4).reshape(4, 2, 2), ind=1).shape
    (2, 2, 4)
    """
    (x,) = common(a)
    if not ind > 0:
        raise ValueError("Invalid ind argument.")
    rest, first = x.shape[ind:], x.shape[:ind]
    rows = size_of(rest)
    return reshaped(inv(reshaped(x, (rows, x.size // rows if rows else 0))), (*rest, *first))


@implements(np.linalg.matrix_power)
def matrix_power(a: Any, n: Any) -> Any:
    """Dtypes: numbers. Derivative: as of the products, and of `inv` for negative powers.

    >>> matrix_power([[1.0, 1.0], [0.0, 1.0]], 3)
    array([[1., 3.],
           [0., 1.]])
    >>> matrix_power([[1.0, 1.0], [0.0, 1.0]], -1)
    array([[ 1., -1.],
           [ 0.,  1.]])
    """
    (x,) = common(a)
    require_square(x)
    try:
        n = operator.index(n)
    except TypeError as error:
        raise TypeError("exponent must be an integer") from error
    if n == 0:
        return filled_with(x, np.eye(x.shape[-1], dtype=x.dtype))
    base = inv(x) if n < 0 else x
    powers = [base]  # the squares of the squares, of which the product of some is wanted
    while 2 ** len(powers) <= abs(n):
        powers.append(matmul_rule(powers[-1], powers[-1]))
    wanted = [power for i, power in enumerate(powers) if abs(n) >> i & 1]
    return reduce(matmul_rule, wanted)


@implements(np.linalg.multi_dot)
def multi_dot(arrays: Any, *, out: Any = None) -> Any:
    """Dtypes: numbers. Derivative: as of `dot`.

    >>> multi_dot([[1.0, 2.0], [[1.0, 0.0], [0.0, 2.0]], [1.0, 1.0]])
    np.float64(5.0)
    """
    refuse_out("np.linalg.multi_dot", out)
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    builder = builder_of(*arrays)
    given = [traced(builder, a) for a in arrays]
    if len(given) == 2:
        return dot(*given)
    first, last = given[0], given[-1]
    rows = reshaped(first, (1, *first.shape)) if first.ndim == 1 else first
    columns = reshaped(last, (*last.shape, 1)) if last.ndim == 1 else last
    matrices = [rows, *given[1:-1], columns]
    for x in matrices:
        if x.ndim != 2:
            raise LinAlgError(f"{x.ndim}-dimensional array given. Array must be two-dimensional")
    product = _chain(matrices, _splits([x.shape[0] for x in matrices] + [columns.shape[1]]), 0, len(matrices) - 1)
    kept = [n for n, x in zip(product.shape, (first, last)) if x.ndim == 2]
    return reshaped(product, tuple(kept))


def _splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """After which factor a chain of products is cheapest to split, by its first and last one."""
    count = len(sizes) - 1
    cost, split = {(i, i): 0 for i in range(count)}, {}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            ways = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            split[i, j] = min(ways, key=ways.__getitem__)
            cost[i, j] = ways[split[i, j]]
    return split


def _chain(factors: Sequence[Tracer], split: dict[tuple[int, int], int], i: int, j: int) -> Tracer:
    if i == j:
        return factors[i]
    k = split[i, j]
    return dot(_chain(factors, split, i, k), _chain(factors, split, k + 1, j))
