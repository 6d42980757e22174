"""Values passed from thread to thread of a warp, its lanes, without memory.

All 32 lanes call together; a lane that is asked for a value gives its own argument. Values of any dtype are taken:
narrow ones travel in a word of 32 bits, wide and complex ones in several.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import cuda, types

from fnad.kernels.cuda.sizes import WARP, WARP_BITS
from fnad.kernels.cuda.words import inlined, word

_BY_NUMBER, _UP, _XOR = 0, 1, 3  # modes of the instruction `shfl.sync`
_BITS = ir.IntType(32)
_ALL = ir.Constant(_BITS, -1)


def _call(builder: ir.IRBuilder, name: str, result: ir.Type, *arguments: ir.Value) -> ir.Value:
    """The result of one of NVVM's functions."""
    routine = ir.FunctionType(result, [argument.type for argument in arguments])
    function = builder.module.globals.get(name) or ir.Function(builder.module, routine, name)
    return builder.call(function, arguments)


def _moved(builder: ir.IRBuilder, pick: Callable[[ir.Value], ir.Value], value: ir.Value) -> ir.Value:
    """A value of any type from another lane, by a function that picks 32 bits there."""
    kind = value.type
    if isinstance(kind, ir.LiteralStructType):  # a complex number
        for part in range(len(kind.elements)):
            value = builder.insert_value(value, _moved(builder, pick, builder.extract_value(value, part)), part)
        return value
    if not isinstance(kind, ir.IntType):
        bits = _BITS if isinstance(kind, ir.FloatType) else ir.IntType(64)
        return builder.bitcast(_moved(builder, pick, builder.bitcast(value, bits)), kind)
    if kind.width <= 32:
        return builder.trunc(pick(builder.zext(value, _BITS)), kind)
    half = ir.Constant(kind, 32)
    low, high = pick(builder.trunc(value, _BITS)), pick(builder.trunc(builder.lshr(value, half), _BITS))
    return builder.or_(builder.shl(builder.zext(high, kind), half), builder.zext(low, kind))


def _shuffle(name: str, mode: int, clamp: int, meaning: str) -> Callable:
    """The word `name(value, lane)` of a mode of the instruction."""

    def resolve(typing_context: Any, value: types.Type, lane: types.Type) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            how, other, end = ir.Constant(_BITS, mode), builder.trunc(args[1], _BITS), ir.Constant(_BITS, clamp)
            result = ir.LiteralStructType([_BITS, ir.IntType(1)])

            def pick(bits: ir.Value) -> ir.Value:
                called = _call(builder, "llvm.nvvm.shfl.sync.i32", result, _ALL, how, bits, other, end)
                return builder.extract_value(called, 0)

            return _moved(builder, pick, args[0])

        dtype = types.unliteral(value)
        return dtype(dtype, types.int64), generate

    resolve.__doc__ = meaning
    return word(resolve, name)


shuffle = _shuffle("shuffle", _BY_NUMBER, 0x1F, "The value of the lane of this number.")
shuffle_up = _shuffle("shuffle_up", _UP, 0, "The value of the lane so many below; this lane's where there is none.")
shuffle_xor = _shuffle("shuffle_xor", _XOR, 0x1F, "The value of the lane whose number differs in these bits.")


@word
def ballot(typing_context: Any, holds: types.Type) -> Any:
    """The lanes where a condition holds, as the bits of a number."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return _call(builder, "llvm.nvvm.vote.ballot.sync", _BITS, _ALL, args[0])

    return types.uint32(types.boolean), generate


@word
def warp_barrier(typing_context: Any) -> Any:
    """Wait for the other lanes; what they wrote is seen from then on."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        _call(builder, "llvm.nvvm.bar.warp.sync", ir.VoidType(), _ALL)
        return context.get_dummy_value()

    return types.void(), generate


@inlined
def lane_number():
    """This thread's place in its warp, in a block whose rows are of whole warps."""
    return cuda.threadIdx.x & (WARP - 1)


@inlined
def warp_number():
    """The place of this thread's warp in its row of the block."""
    return cuda.threadIdx.x >> WARP_BITS
