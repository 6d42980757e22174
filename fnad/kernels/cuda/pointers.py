"""Memory for kernels: vectors of elements, pointers that move, and the report of a failure.

A kernel's pointers are numba's `CPointer`s: `x[i]` is an element, `x + n` points n elements on. A vector is what
a thread reads or writes at once, up to 16 bytes; it starts at a multiple of its size, in memory that a pointer
points to or in a flat shared array with `alignment=16`:

    a, b, c, d = load_float32x4(x, i)
    store_float32x4(x, i, a, b, c, d)
    store_vector(mask, i, load_vector(flags, i, 8))
"""

import operator
from collections.abc import Sequence
from functools import reduce
from typing import Any

from llvmlite import ir
from numba.cuda import cgutils, types
from numba.cuda.extending import lower_builtin
from numba.cuda.typing.templates import AbstractTemplate, infer_global, signature

from fnad.kernels.cuda.words import word

LARGEST = 16
"""Bytes that a thread can read or write at once."""


@infer_global(operator.add)
class _Offset(AbstractTemplate):
    def generic(self, args: tuple, kws: dict) -> Any:
        if isinstance(args[0], types.CPointer) and isinstance(args[1], types.Integer):
            return signature(args[0], args[0], types.intp)
        return None


@lower_builtin(operator.add, types.CPointer, types.intp)
def _offset(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    return builder.gep(args[0], args[1:])


@word
def zero_of(typing_context: Any, pointer: types.Type) -> Any:
    """Zero in the dtype that a pointer points to."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return ir.Constant(context.get_value_type(pointer.dtype), None)

    return pointer.dtype(pointer), generate


# --- vectors ----------------------------------------------------------------------------------


def _has_vectors(memory: types.Type, count: int) -> bool:
    """Whether there are vectors of so many elements in memory of a type."""
    if not isinstance(memory, types.CPointer | types.Array) or getattr(memory, "ndim", 1) != 1:
        return False
    number = isinstance(memory.dtype, types.Float | types.Integer | types.Boolean)
    return number and count in (2, 4, 8, 16) and count * _size(memory.dtype) <= LARGEST


def _size(dtype: types.Type) -> int:
    return 1 if isinstance(dtype, types.Boolean) else dtype.bitwidth // 8


def _as_value(context: Any, builder: ir.IRBuilder, dtype: types.Type, data: ir.Value) -> ir.Value:
    """An element in memory as a value: they differ for booleans, which are bytes in memory."""
    return context.data_model_manager[dtype].from_data(builder, data)


def _as_data(context: Any, builder: ir.IRBuilder, dtype: types.Type, value: ir.Value) -> ir.Value:
    return context.data_model_manager[dtype].as_data(builder, value)


def _per_part(dtype: types.Type, count: int) -> int:
    """Elements in each of the parts of a vector: not more than four can be moved, so small ones go as 32 bits."""
    return 4 // _size(dtype) if count > 4 else 1


def _place(context: Any, builder: ir.IRBuilder, memory: types.Type, args: tuple, count: int) -> ir.Value:
    """A pointer to the vector of parts that starts at an element, given the memory and the element's number."""
    start = args[0]
    if isinstance(memory, types.Array):
        start = context.make_array(memory)(context, builder, value=start).data
    element, inside = builder.gep(start, [args[1]]), _per_part(memory.dtype, count)
    part = ir.IntType(32) if inside > 1 else element.type.pointee
    return builder.bitcast(element, ir.VectorType(part, count // inside).as_pointer(element.type.addrspace))


def _lane(k: int) -> ir.Constant:
    return ir.Constant(ir.IntType(32), k)


def _unpacked(builder: ir.IRBuilder, part: ir.Value, inside: int) -> list[ir.Value]:
    """The elements of a part, the lowest bits first."""
    if inside == 1:
        return [part]
    bits = 32 // inside
    return [builder.trunc(builder.lshr(part, _lane(bits * k)), ir.IntType(bits)) for k in range(inside)]


def _packed(builder: ir.IRBuilder, elements: Sequence[ir.Value]) -> ir.Value:
    """The part of these elements."""
    if len(elements) == 1:
        return elements[0]
    bits, word = 32 // len(elements), ir.IntType(32)
    shifted = [builder.shl(builder.zext(element, word), _lane(bits * k)) for k, element in enumerate(elements)]
    return reduce(builder.or_, shifted)


def _loading(memory: types.Type, count: int, *literal: types.Type) -> Any:
    if not _has_vectors(memory, count):
        return None
    dtype = memory.dtype

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        vector = builder.load(_place(context, builder, memory, args, count), align=count * _size(dtype))
        parts = [builder.extract_element(vector, _lane(k)) for k in range(vector.type.count)]
        elements = [data for part in parts for data in _unpacked(builder, part, count // len(parts))]
        return cgutils.pack_array(builder, [_as_value(context, builder, dtype, data) for data in elements])

    return types.UniTuple(dtype, count)(memory, types.int64, *literal), generate


def _storing(memory: types.Type, values: Sequence[types.Type], *given: types.Type) -> Any:
    """The store of values that are given one by one, or as the tuple of a type."""
    count = len(values)
    if not _has_vectors(memory, count):
        return None
    dtype, inside = memory.dtype, _per_part(memory.dtype, count)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        numbers = cgutils.unpack_tuple(builder, args[2], count) if given else args[2:]
        elements = [_as_data(context, builder, dtype, number) for number in numbers]
        place = _place(context, builder, memory, args, count)
        vector = ir.Constant(place.type.pointee, ir.Undefined)
        for k in range(count // inside):
            part = _packed(builder, elements[inside * k : inside * (k + 1)])
            vector = builder.insert_element(vector, part, _lane(k))
        builder.store(vector, place, align=count * _size(dtype))
        return context.get_dummy_value()

    return types.void(memory, types.int64, *(given or [dtype] * count)), generate


@word
def load_vector(typing_context: Any, memory: types.Type, i: types.Type, count: types.Type) -> Any:
    """The elements i, i + 1, ... as a tuple; their number is literal."""
    return _loading(memory, getattr(count, "literal_value", 0), count)


@word
def store_vector(typing_context: Any, memory: types.Type, i: types.Type, values: types.Type) -> Any:
    """Set the elements i, i + 1, ... to those of a tuple."""
    if not isinstance(values, types.BaseTuple):
        return None
    return _storing(memory, tuple(values), types.UniTuple(memory.dtype, len(values)))


@word
def load_float32x4(typing_context: Any, memory: types.Type, i: types.Type) -> Any:
    """Four elements as a tuple."""
    return _loading(memory, 4) if memory.dtype == types.float32 else None


@word
def load_float64x2(typing_context: Any, memory: types.Type, i: types.Type) -> Any:
    """Two elements as a tuple."""
    return _loading(memory, 2) if memory.dtype == types.float64 else None


@word
def store_float32x4(
    typing_context: Any, memory: types.Type, i: types.Type,
    a: types.Type, b: types.Type, c: types.Type, d: types.Type,
) -> Any:
    """Set four elements."""
    return _storing(memory, (a, b, c, d)) if memory.dtype == types.float32 else None


@word
def store_float64x2(typing_context: Any, memory: types.Type, i: types.Type, a: types.Type, b: types.Type) -> Any:
    """Set two elements."""
    return _storing(memory, (a, b)) if memory.dtype == types.float64 else None


# --- failures ---------------------------------------------------------------------------------


@word
def report(typing_context: Any, status: types.Type, number: types.Type, code: types.Type) -> Any:
    """Say that the launch with a number, not 0, failed, and how: `status` keeps both for the first one to say so."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        zero = ir.Constant(args[1].type, 0)
        found = builder.cmpxchg(args[0], zero, args[1], "monotonic", "monotonic")
        with builder.if_then(builder.extract_value(found, 1)):
            builder.store(args[2], builder.gep(args[0], [ir.Constant(args[1].type, 1)]))
        return context.get_dummy_value()

    return types.void(types.CPointer(types.int64), types.int64, types.int64), generate
