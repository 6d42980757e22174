"""Values passed from thread to thread of a warp, its lanes, without memory.

All 32 lanes call together; a lane that is asked for a value gives its own argument. Values of any dtype are taken:
narrow ones travel in a word of 32 bits, wide and complex ones in several.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import cuda, types
from numba.cuda.extending import intrinsic

from fnad.kernels.cuda.words import inlined

WARP_BITS = 5
WARP = 1 << WARP_BITS
"""Lanes of a warp."""

_BY_NUMBER, _UP, _XOR = 0, 1, 3  # modes of the instruction `shfl.sync`
_WORD = ir.IntType(32)


def _shuffle(mode: int, clamp: int, meaning: str) -> Callable:
    """The word `shuffle(value, lane)` of a mode of the instruction."""

    def pick(builder: ir.IRBuilder, word: ir.Value, lane: ir.Value) -> ir.Value:
        """A word of 32 bits from another lane."""
        result = ir.LiteralStructType([_WORD, ir.IntType(1)])
        routine = ir.FunctionType(result, [_WORD] * 5)
        name = "llvm.nvvm.shfl.sync.i32"
        function = builder.module.globals.get(name) or ir.Function(builder.module, routine, name)
        constants = [ir.Constant(_WORD, number) for number in (-1, mode, clamp)]
        call = builder.call(function, [*constants[:2], word, lane, constants[2]])
        return builder.extract_value(call, 0)

    def move(builder: ir.IRBuilder, value: ir.Value, lane: ir.Value) -> ir.Value:
        """A value of any type from another lane."""
        if isinstance(value.type, ir.LiteralStructType):  # a complex number
            result = value
            for part in range(len(value.type.elements)):
                moved = move(builder, builder.extract_value(value, part), lane)
                result = builder.insert_value(result, moved, part)
            return result
        if isinstance(value.type, ir.FloatType | ir.DoubleType):
            bits = _WORD if isinstance(value.type, ir.FloatType) else ir.IntType(64)
            return builder.bitcast(move(builder, builder.bitcast(value, bits), lane), value.type)
        if value.type.width < 32:
            return builder.trunc(pick(builder, builder.zext(value, _WORD), lane), value.type)
        if value.type.width == 32:
            return pick(builder, value, lane)
        half = ir.Constant(value.type, 32)
        low = pick(builder, builder.trunc(value, _WORD), lane)
        high = pick(builder, builder.trunc(builder.lshr(value, half), _WORD), lane)
        wide = builder.shl(builder.zext(high, value.type), half)
        return builder.or_(wide, builder.zext(low, value.type))

    @intrinsic
    def shuffle(typing_context: Any, value: types.Type, lane: types.Type) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return move(builder, args[0], builder.trunc(args[1], _WORD))

        dtype = types.unliteral(value)
        return dtype(dtype, types.int64), generate

    shuffle.__doc__ = meaning
    return shuffle


shuffle = _shuffle(_BY_NUMBER, 0x1F, "The value of the lane of this number.")
shuffle_up = _shuffle(_UP, 0, "The value of the lane so many below; of this lane where there is none.")
shuffle_xor = _shuffle(_XOR, 0x1F, "The value of the lane whose number differs in these bits.")


@inlined
def lane_number():
    """This thread's place in its warp, in a block whose rows are of whole warps."""
    return cuda.threadIdx.x & (WARP - 1)


@inlined
def warp_number():
    """The place of this thread's warp in its row of the block."""
    return cuda.threadIdx.x >> WARP_BITS
