"""Elements of arrays of booleans: a byte in memory, a truth in a register, which numba-cuda's pointers confuse."""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba import types
from numba.cuda.extending import lower_builtin

_POINTER = types.CPointer(types.boolean)


@lower_builtin(operator.getitem, _POINTER, types.Integer)
def _load(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    byte = builder.load(builder.gep(args[0], [args[1]]))
    return builder.icmp_unsigned("!=", byte, byte.type(0))


@lower_builtin(operator.setitem, _POINTER, types.Integer, types.Any)
def _store(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> None:
    pointer, index, value = args
    if value.type == ir.IntType(1):
        value = builder.zext(value, ir.IntType(8))
    builder.store(value, builder.gep(pointer, [index]))
