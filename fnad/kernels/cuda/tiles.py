"""Tiles of matrices: pieces of 16 bytes with guarded edges, and sums of outer products in registers."""

from typing import Any

from llvmlite import ir
from numba import cuda, types
from numba.cuda import cgutils

from fnad.kernels.cuda.pointers import load_float32x4, load_float64x2, store_float32x4, store_float64x2
from fnad.kernels.cuda.words import word


@word
def add_outer(typing_context: Any, totals: types.Type, x: types.Type, y: types.Type) -> Any:
    """The totals, row by row in one tuple, plus x[i] y[j], each rounded once."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        totals, x, y = (cgutils.unpack_tuple(builder, value) for value in args)
        number = totals[0].type
        fma = builder.module.declare_intrinsic("llvm.fma", [number], ir.FunctionType(number, [number] * 3))
        pairs = [(a, b) for a in x for b in y]
        return cgutils.pack_array(builder, [builder.call(fma, [a, b, t]) for (a, b), t in zip(pairs, totals)])

    return totals(totals, x, y), generate


@cuda.jit(device=True)
def fetch_float32x4(p, at, count, zero):
    """Four elements, or zeros where there are none; `count` is how many there are, a multiple of 4."""
    if count > 0:
        return load_float32x4(p, at)
    return zero, zero, zero, zero


@cuda.jit(device=True)
def fetch_float64x2(p, at, count, zero):
    """Two elements, or zeros where there are none; `count` is how many there are, a multiple of 2."""
    if count > 0:
        return load_float64x2(p, at)
    return zero, zero


@cuda.jit(device=True)
def fetch_each_float64x2(p, at, count, zero):
    """Two elements, zero from the `count`-th on."""
    x = y = zero
    if count > 0:
        x = p[at]
    if count > 1:
        y = p[at + 1]
    return x, y


@cuda.jit(device=True)
def fetch_each_float32x4(p, at, count, zero):
    """Four elements, zero from the `count`-th on."""
    x = y = z = w = zero
    if count > 0:
        x = p[at]
    if count > 1:
        y = p[at + 1]
    if count > 2:
        z = p[at + 2]
    if count > 3:
        w = p[at + 3]
    return x, y, z, w


@cuda.jit(device=True)
def put_float32x4(p, at, count, values):
    """Store four elements if there is room, `count`, which is a multiple of 4."""
    if count > 0:
        store_float32x4(p, at, values[0], values[1], values[2], values[3])


@cuda.jit(device=True)
def put_float64x2(p, at, count, values):
    """Store two elements if there is room, `count`, which is a multiple of 2."""
    if count > 0:
        store_float64x2(p, at, values[0], values[1])


@cuda.jit(device=True)
def put_each_float64x2(p, at, count, values):
    """Store the first `count` of two elements."""
    if count > 0:
        p[at] = values[0]
    if count > 1:
        p[at + 1] = values[1]


@cuda.jit(device=True)
def put_each_float32x4(p, at, count, values):
    """Store the first `count` of four elements."""
    if count > 0:
        p[at] = values[0]
    if count > 1:
        p[at + 1] = values[1]
    if count > 2:
        p[at + 2] = values[2]
    if count > 3:
        p[at + 3] = values[3]
