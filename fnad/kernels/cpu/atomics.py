"""Words that several threads read and write, by their addresses, and locks to sleep on.

All of it is sequentially consistent. A lock is one of Python's own, whose functions need no interpreter
and come by their addresses; it is locked from the start, so that to acquire it waits for a release.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_WORD = ir.IntType(64)
_ORDER = "seq_cst"
_PAUSES = {"x86_64": ("llvm.x86.sse2.pause", []), "aarch64": ("llvm.aarch64.hint", [1])}
"""LLVM's name for the instruction by which a thread says that it waits, and its operands, by processor."""


def _pointer(builder: ir.IRBuilder, address: ir.Value) -> ir.Value:
    return builder.inttoptr(address, _WORD.as_pointer())


@intrinsic
def load_word(typing_context: Any, address: types.Type) -> Any:
    """The word at an address."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.load_atomic(_pointer(builder, args[0]), _ORDER, 8)

    return types.int64(types.int64), generate


@intrinsic
def store_word(typing_context: Any, address: types.Type, value: types.Type) -> Any:
    """Set the word at an address."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        builder.store_atomic(args[1], _pointer(builder, args[0]), _ORDER, 8)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def add_to_word(typing_context: Any, address: types.Type, value: types.Type) -> Any:
    """Add to the word at an address; gives what it was before."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.atomic_rmw("add", _pointer(builder, args[0]), args[1], _ORDER)

    return types.int64(types.int64, types.int64), generate


@intrinsic
def replace_word(typing_context: Any, address: types.Type, old: types.Type, new: types.Type) -> Any:
    """Set the word at an address to ``new`` if it is ``old``: whether it was."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        found = builder.cmpxchg(_pointer(builder, args[0]), args[1], args[2], _ORDER, _ORDER)
        return builder.extract_value(found, 1)

    return types.boolean(*[types.int64] * 3), generate


@intrinsic
def pause(typing_context: Any) -> Any:
    """Tell the processor that this thread is waiting in a loop."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        name, operands = _PAUSES.get(builder.module.triple.partition("-")[0], (None, []))
        if name is not None:
            number = ir.IntType(32)
            native = ir.FunctionType(ir.VoidType(), [number] * len(operands))
            builder.call(cgutils.get_or_insert_function(builder.module, native, name), [number(n) for n in operands])
        return context.get_dummy_value()

    return types.void(), generate


@intrinsic
def acquire_lock(typing_context: Any, function: types.Type, lock: types.Type) -> Any:
    """Wait for a lock; `function` is the address of PyThread_acquire_lock."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        wait = ir.IntType(32)
        native = ir.FunctionType(wait, [_WORD, wait]).as_pointer()
        builder.call(builder.inttoptr(args[0], native), [args[1], wait(1)])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def release_lock(typing_context: Any, function: types.Type, lock: types.Type) -> Any:
    """Let one that waits for a lock go on; `function` is the address of PyThread_release_lock."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        native = ir.FunctionType(ir.VoidType(), [_WORD]).as_pointer()
        builder.call(builder.inttoptr(args[0], native), [args[1]])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def give_way(typing_context: Any, function: types.Type) -> Any:
    """Let another thread have the processor, if one waits for it; `function` is the address of sched_yield."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        native = ir.FunctionType(ir.IntType(32), []).as_pointer()
        builder.call(builder.inttoptr(args[0], native), [])
        return context.get_dummy_value()

    return types.void(types.int64), generate
