"""Factorizations and triangular solves: by LAPACK, and small ones by loops."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np

from fnad.compiler.cpu.chunks import PER_MULTIPLICATION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.ir.primitive import Primitive
from fnad.ops import linalg as ops
from fnad.runtime.cpu import blas
from fnad.runtime.failures import Failure, NoMemory, WrongMatrix
from fnad.runtime.plan import Launch, View

DTYPES = {np.dtype(name) for name in blas.LETTERS}
"""The dtypes that LAPACK knows."""

SMALL = 8
"""Rows up to which loops of a known length are quicker than calls of LAPACK."""


def cholesky(a: View, out: View) -> Launch:
    """out = L with A = L Lᴴ, from the lower triangles of matrices (..., n, n)."""
    n = a.shape[-1]
    fails = WrongMatrix(a.shape[:-2], (ops.INDEFINITE,))
    return _launch("cholesky", {"a": a, "out": out}, {"n": n}, n**3 / 3, n, fails)


def triangular_solve(a: View, b: View, out: View, lower: bool, adjoint: bool, unit: bool, strict: bool) -> Launch:
    """out = A⁻¹ B, or A⁻ᴴ B, for triangles (..., n, n) and matrices (..., n, m)."""
    n, m = b.shape[-2:]
    told = {"n": n, "m": m, "lower": lower, "adjoint": adjoint, "unit": unit, "strict": strict and not unit}
    fails = WrongMatrix(a.shape[:-2], (ops.SINGULAR,))
    return _launch("triangular_solve", {"a": a, "b": b, "out": out}, told, n * n * m, n, fails)


def lu(a: View, factors: View, pivots: View) -> Launch:
    """The factors of matrices (..., n, n), by columns, and the pivots (..., n)."""
    n = a.shape[-1]
    return _launch("lu", {"a": a, "factors": factors, "pivots": pivots}, {"n": n}, 2 * n**3 / 3, n)


def lu_solve(a: View, factors: View, pivots: View, b: View, out: View, adjoint: bool, strict: bool) -> Launch:
    """out = A⁻¹ B, or A⁻ᴴ B, for matrices (..., n, m)."""
    n, m = b.shape[-2:]
    return _launch(
        "lu_solve", {"factors": factors, "pivots": pivots, "b": b, "out": out},
        {"n": n, "m": m, "adjoint": adjoint, "strict": strict}, 2 * n * n * m, n,
        WrongMatrix(b.shape[:-2], (ops.SINGULAR,)),
    )


def permutation(pivots: View, order: View, inverse: bool) -> Launch:
    """The orders of rows (..., n) that swaps lead to."""
    n, batch = pivots.shape[-1], prod(pivots.shape[:-1])
    call = f"permutation(pivots, order, n, {inverse}, lo, hi)"
    return launch("permutation", call, {"pivots": pivots, "order": order}, {"n": n}, batch, chunk_of(batch, n))


def _launch(
    name: str, operands: Mapping[str, View], constants: Mapping[str, int | bool], multiplications: float, n: int,
    fails: Failure = NoMemory(),
) -> Launch:
    """The launch of a kernel over a batch of matrices of n rows; its flags and what is small are in its source."""
    first = next(iter(operands.values()))
    batch = prod(first.shape[:-2])
    chunk = chunk_of(batch, PER_MULTIPLICATION * multiplications * first.dtype.itemsize / 4 + 20.0)
    told = {k: repr(v) if isinstance(v, bool) or n <= SMALL and k == "n" else k for k, v in constants.items()}
    numbers = {k: v for k, v in constants.items() if told[k] == k}
    arguments = [*operands, *told.values(), "lo", "hi"]
    if n <= SMALL:
        return launch(f"small {name}", f"small_{name}({', '.join(arguments)})", operands, numbers, batch, chunk, fails)
    numbers["routines"] = blas.lapack_routines(first.dtype.name)
    return launch(name, f"{name}(routines, {', '.join(arguments)})", operands, numbers, batch, chunk, fails)


LAUNCHES: dict[Primitive, Row] = {
    ops.cholesky: row(cholesky, DTYPES), ops.triangular_p: row(triangular_solve, DTYPES), ops.lu: row(lu, DTYPES),
    ops.lu_solve: row(lu_solve, DTYPES), ops.permutation: row(permutation, {ops.PIVOT}),
}
