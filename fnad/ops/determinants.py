"""Determinants by LU, and their derivatives: the cofactors, which are exact where the matrix is singular too.

The matrix of cofactors is a polynomial of the matrix. For more than three rows it is made by singular values: products
of all of them but one (and, for its derivative, but two) need no division.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import INDEX, ArrayType
from fnad.ops.contractions import adjoint, matmul
from fnad.ops.elementwise import abs_, choose, conj, convert, exp, guarded_mul, imag, log, mul, ne, neg, sign, sub, unit
from fnad.ops.linalg import (
    array_like, diagonal_of, factored, inverse, lu_solve, over_matrices, require_square, scaled_columns, swapped_axes,
)
from fnad.ops.operands import rule
from fnad.ops.reductions import reduce_prod
from fnad.ops.shaping import batch_as_it_is, broadcast, concatenate, flip, reduce_sum, slice_
from fnad.ops.spectral import svd


def over_elements(factor: Any, x: Any) -> Any:
    """A number for each matrix, over all its elements."""
    return broadcast(factor, shape=x.shape, dims=tuple(range(x.ndim - 2)))


# --- Sign and logarithm


def _slogdet_type(a: ArrayType, factors: ArrayType, pivots: ArrayType) -> tuple[ArrayType, ArrayType]:
    require_square("slogdet", a)
    batch = a.shape[:-2]
    return ArrayType(batch, a.dtype), ArrayType(batch, np.empty(0, a.dtype).real.dtype)


def _slogdet(a: Any, factors: Any, pivots: Any) -> tuple[Any, Any]:
    diagonal, last = diagonal_of(factors), (a.ndim - 2,)
    rows = array_like(pivots, np.arange(a.shape[-1], dtype=pivots.dtype))
    swapped = ne(pivots, broadcast(rows, shape=pivots.shape, dims=last))
    signs = convert(sub(1, mul(convert(swapped, dtype=INDEX), 2)), dtype=a.dtype)
    direction = unit(diagonal) if a.dtype.kind == "c" else sign(diagonal)
    return reduce_prod(mul(signs, direction), axes=last), reduce_sum(log(abs_(diagonal)), axes=last)


@rule
def _slogdet_vjp(i: int, g: Any, y: Any, a: Any, factors: Any, pivots: Any) -> Any:
    weight = convert(g[1], dtype=a.dtype)
    if a.dtype.kind == "c":
        weight = weight - convert(imag(conj(g[0]) * y[0]), dtype=a.dtype) * 1j
    identity = over_matrices(np.eye(a.shape[-1], dtype=a.dtype), a)
    inverted = lu_solve(a, factors, pivots, identity, adjoint=True, strict=False)
    return guarded_mul(over_elements(weight, a), inverted)


# The sign of the determinant and the logarithm of its size, by the factors of A, of which nothing else depends.
slogdet = Primitive(
    "slogdet", _slogdet_type, _slogdet, expand=_slogdet, vjp=_slogdet_vjp, differentiable=(0,), batch=batch_as_it_is,
    total=True,
)


def _det(a: Any, factors: Any, pivots: Any) -> Any:
    direction, size = slogdet(a, factors, pivots)
    return mul(direction, convert(exp(size), dtype=a.dtype))


@rule
def _det_vjp(i: int, g: Any, y: Any, a: Any, factors: Any, pivots: Any) -> Any:
    return over_elements(g, a) * conj(cofactors(a))


det = Primitive(
    "det", lambda *types: _slogdet_type(*types)[0], _det, expand=_det, vjp=_det_vjp, differentiable=(0,),
    batch=batch_as_it_is, total=True,
)

# --- Cofactors


def cofactors(a: Any) -> Any:
    """The derivative of the determinant in each element."""
    n = a.shape[-1]
    if n > 3:
        return cofactors_p(a)
    if n < 2:
        return over_matrices(np.ones((n, n), a.dtype), a)
    if n == 2:
        return mul(flip(a, axes=(a.ndim - 2, a.ndim - 1)), over_matrices(np.array([[1, -1], [-1, 1]], a.dtype), a))
    return sub(mul(_turned(a, 1, 1), _turned(a, 2, 2)), mul(_turned(a, 1, 2), _turned(a, 2, 1)))


def _turned(x: Any, rows: int, columns: int) -> Any:
    """Matrices whose first rows and columns are moved behind the others."""
    for axis, count in ((x.ndim - 2, rows), (x.ndim - 1, columns)):
        ends = [(0, count), (count, x.shape[axis])]
        first, rest = [slice_(
            x, starts=tuple([start if i == axis else 0 for i in range(x.ndim)]),
            stops=tuple([stop if i == axis else n for i, n in enumerate(x.shape)]), steps=(1,) * x.ndim,
        ) for start, stop in ends]
        x = concatenate(rest, first, axis=axis)
    return x


def _framed(a: Any) -> tuple[Any, Any, Any]:
    """Singular values and vectors, of which the first ones are turned so that their frames have one orientation."""
    u, s, vh = svd(a, full=False)
    turn = mul(slogdet(*factored(u))[0], slogdet(*factored(vh))[0])
    return u, s, (vh, turn)


def _from_frame(u: Any, inner: Any, rest: tuple[Any, Any]) -> Any:
    vh, turn = rest
    return mul(over_elements(turn, vh), matmul(matmul(conj(u), inner), conj(vh)))


def _without(s: Any, count: int) -> Any:
    """Products of all numbers but one, or but two, by their places."""
    n, axes = s.shape[-1], range(s.ndim - 1, s.ndim - 1 + count)
    places = np.indices((n,) * (count + 1))
    left_out = np.any([places[i] == places[count] for i in range(count)], axis=0)
    shape = (*s.shape[:-1], *[n] * (count + 1))
    spread = broadcast(s, shape=shape, dims=(*range(s.ndim - 1), len(shape) - 1))
    mask = broadcast(array_like(s, left_out), shape=shape, dims=(*axes, len(shape) - 1))
    return reduce_prod(choose(mask, 1, spread), axes=(len(shape) - 1,))


def _cofactors(a: Any) -> Any:
    u, s, rest = _framed(a)
    identity = over_matrices(np.eye(a.shape[-1], dtype=a.dtype), a)
    return _from_frame(u, scaled_columns(identity, convert(_without(s, 1), dtype=a.dtype)), rest)


@rule
def _cofactors_vjp(i: int, g: Any, y: Any, a: Any) -> Any:
    return conj(cofactors_slope(a, conj(g)))


def _same_type(name: str, *types: ArrayType) -> ArrayType:
    require_square(name, types[0])
    if any([t.strong != types[0].strong for t in types]):
        raise ValueError(f"{name}: requires matrices of one type, got {', '.join(map(str, types))}.")
    return types[0].strong


cofactors_p = Primitive(
    "cofactors", lambda a: _same_type("cofactors", a), _cofactors, expand=_cofactors, vjp=_cofactors_vjp,
    batch=batch_as_it_is,
)


def _slope(a: Any, g: Any) -> Any:
    u, s, rest = _framed(a)
    n = a.shape[-1]
    inner = matmul(matmul(adjoint(u), g), adjoint(rest[0]))
    products = mul(_without(s, 2), over_matrices(1 - np.eye(n, dtype=s.dtype), a))
    products = convert(products, dtype=a.dtype)
    lines = broadcast(diagonal_of(inner), shape=a.shape, dims=(*range(a.ndim - 2), a.ndim - 1))
    sums = reduce_sum(mul(products, lines), axes=(a.ndim - 1,))
    on_diagonal = scaled_columns(over_matrices(np.eye(n, dtype=a.dtype), a), sums)
    return _from_frame(u, sub(on_diagonal, mul(products, swapped_axes(inner))), rest)


@rule
def _slope_vjp(i: int, g: Any, y: Any, a: Any, direction: Any) -> Any:
    return conj(cofactors_slope(a, conj(g)) if i == 1 else _curvature(a, direction, conj(g)))


# The derivative of the cofactors in a direction, which is bilinear in that and in what it is multiplied with.
cofactors_slope = Primitive(
    "cofactors_slope", lambda *types: _same_type("cofactors_slope", *types), _slope, expand=_slope, vjp=_slope_vjp,
    batch=batch_as_it_is,
)


def _curvature(a: Any, g: Any, h: Any) -> Any:
    """The second derivative of the cofactors in two directions; only this one needs that A is regular."""
    x = inverse(a, strict=False)
    xg, xh = matmul(x, g), matmul(x, h)
    trace_g, trace_h, trace_gh = (
        over_elements(reduce_sum(diagonal_of(m), axes=(a.ndim - 2,)), a) for m in (xg, xh, matmul(xg, xh))
    )
    gx, hx = matmul(xg, x), matmul(xh, x)
    total = (trace_g * trace_h - trace_gh) * x - trace_g * hx - trace_h * gx + matmul(xg, hx) + matmul(xh, gx)
    return over_elements(det(*factored(a)), a) * swapped_axes(total)
