"""Typed memory for kernels, and calls by address.

A kernel turns an address into a typed pointer, `x = as_float32(address, 0)`, and reads and
writes elements with `x[i]` and `x[i] = v`; `x + n` points n elements on. The second argument is
the operand's scope, a literal number: LLVM may assume that pointers of different scopes never
overlap, so a loop over many operands vectorizes without run-time checks. Memory that two operands
share (an output written in place of an input) must be one variable, read and written through the
same pointer. A pointer made without a scope may overlap anything.

The pattern of a generated kernel, whose params hold a buffer number and a byte offset for each operand:

    def kernel(buffers, params, lo, hi):
        x = as_float32(operand(buffers, params, 0), 0)
        y = as_float32(operand(buffers, params, 2), 1)
        total = float32(0)
        for i in range(lo, hi):
            y[i] = maximum(x[i], float32(0))
            total = radd(total, y[i])
        ...
        return 0
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

from fnad.kernels.scopes import SCOPES, mark_scope


class Pointer(types.Type):
    """A pointer to elements of `dtype`; `scope` is None when it may overlap any other."""

    def __init__(self, dtype: types.Type, scope: int | None) -> None:
        self.dtype, self.scope = dtype, scope
        super().__init__(name=f"Pointer({dtype}, {scope})")


@register_model(Pointer)
class _PointerModel(models.PointerModel):
    """In memory and in registers a plain machine pointer."""


@infer_global(operator.getitem)
class _GetItem(AbstractTemplate):
    def generic(self, args: tuple, kws: dict) -> Any:
        if isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(args[0].dtype, args[0], types.intp)
        return None


@infer_global(operator.setitem)
class _SetItem(AbstractTemplate):
    def generic(self, args: tuple, kws: dict) -> Any:
        if isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(types.void, args[0], types.intp, args[0].dtype)
        return None


@lower_builtin(operator.getitem, Pointer, types.intp)
def _load(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    pointer = sig.args[0]
    data = builder.load(builder.gep(args[0], [args[1]], inbounds=True))
    mark_scope(builder, data, pointer.scope)
    return context.data_model_manager[pointer.dtype].from_data(builder, data)


@lower_builtin(operator.setitem, Pointer, types.intp, types.Any)
def _store(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    pointer = sig.args[0]
    data = context.data_model_manager[pointer.dtype].as_data(builder, args[2])
    access = builder.store(data, builder.gep(args[0], [args[1]], inbounds=True))
    mark_scope(builder, access, pointer.scope)
    return context.get_dummy_value()


@infer_global(operator.add)
class _Offset(AbstractTemplate):
    def generic(self, args: tuple, kws: dict) -> Any:
        if isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(args[0], args[0], types.intp)
        return None


@lower_builtin(operator.add, Pointer, types.intp)
def _offset(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    return builder.gep(args[0], [args[1]], inbounds=True)


def _cast(dtype: types.Type) -> Callable:
    """The intrinsic `as_<dtype>(address, scope=None)`."""

    @intrinsic(prefer_literal=True)
    def cast(typing_context: Any, address: types.Type, scope: types.Type = types.none) -> Any:
        number = getattr(scope, "literal_value", SCOPES)
        pointer = Pointer(dtype, number if number < SCOPES else None)

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return builder.inttoptr(args[0], context.get_value_type(pointer))

        return pointer(types.int64, scope), generate

    return cast


as_boolean = _cast(types.boolean)
as_int8, as_int16 = _cast(types.int8), _cast(types.int16)
as_int32, as_int64 = _cast(types.int32), _cast(types.int64)
as_uint8, as_uint16 = _cast(types.uint8), _cast(types.uint16)
as_uint32, as_uint64 = _cast(types.uint32), _cast(types.uint64)
as_float32, as_float64 = _cast(types.float32), _cast(types.float64)
as_complex64, as_complex128 = _cast(types.complex64), _cast(types.complex128)
as_void128, as_void256 = _cast(types.UniTuple(types.uint64, 2)), _cast(types.UniTuple(types.uint64, 4))


@intrinsic
def address_of(typing_context: Any, pointer: types.Type) -> Any:
    """The address that a pointer holds, as int64."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.int64(pointer), generate


@intrinsic
def zero_of(typing_context: Any, pointer: types.Type) -> Any:
    """Zero in the dtype that a pointer points to."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return ir.Constant(context.get_value_type(pointer.dtype), None)

    return pointer.dtype(pointer), generate


@intrinsic
def itemsize_of(typing_context: Any, pointer: types.Type) -> Any:
    """The bytes of an element that a pointer points to."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return ir.Constant(ir.IntType(64), context.get_abi_sizeof(context.get_value_type(pointer.dtype)))

    return types.int64(pointer), generate


@intrinsic
def call_kernel(
    typing_context: Any,
    address: types.Type,
    buffers: types.Type,
    params: types.Type,
    lo: types.Type,
    hi: types.Type,
) -> Any:
    """Call the kernel at `address`; `buffers` and `params` are addresses too."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        word = ir.IntType(64)
        kernel = ir.FunctionType(word, [word] * 4).as_pointer()
        return builder.call(builder.inttoptr(args[0], kernel), args[1:])

    return types.int64(*[types.int64] * 5), generate


@intrinsic
def copy_bytes(typing_context: Any, target: types.Type, source: types.Type, count: types.Type) -> Any:
    """Copy bytes from one address to another; the two pieces may overlap."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        byte_pointer = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(address, byte_pointer) for address in args[:2])
        cgutils.raw_memmove(builder, target, source, args[2], 1)
        return context.get_dummy_value()

    return types.void(*[types.int64] * 3), generate


@intrinsic
def call_by_reference(typing_context: Any, address: types.Type, operands: types.Type) -> Any:
    """Call a Fortran subroutine: numbers are passed by their address, pointers as they are."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        byte_pointer = ir.IntType(8).as_pointer()
        references = []
        for k, dtype in enumerate(operands.types):
            value = builder.extract_value(args[1], k)
            if not isinstance(dtype, Pointer):
                value = cgutils.alloca_once_value(builder, value)
            references.append(builder.bitcast(value, byte_pointer))
        routine = ir.FunctionType(ir.VoidType(), [byte_pointer] * len(references)).as_pointer()
        builder.call(builder.inttoptr(args[0], routine), references)
        return context.get_dummy_value()

    return types.void(types.int64, operands), generate


@intrinsic(prefer_literal=True)
def local_words(typing_context: Any, count: types.Type) -> Any:
    """A pointer to so many words, a literal number, that are there as long as the function runs."""
    words = Pointer(types.int64, None)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return cgutils.alloca_once(builder, ir.IntType(64), count.literal_value)

    return words(count), generate


@intrinsic
def store_addresses(typing_context: Any, words: types.Type, pointers: types.Type) -> Any:
    """Write the addresses that a tuple of pointers holds to words that follow each other."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        for k in range(len(pointers)):
            address = builder.ptrtoint(builder.extract_value(args[1], k), ir.IntType(64))
            builder.store(address, builder.gep(args[0], [ir.Constant(ir.IntType(64), k)]))
        return context.get_dummy_value()

    return types.void(words, pointers), generate


@intrinsic
def call_loop(
    typing_context: Any, address: types.Type, operands: types.Type, dimensions: types.Type, steps: types.Type,
    data: types.Type,
) -> Any:
    """Call the inner loop of a ufunc."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        word = ir.IntType(64)
        function = ir.FunctionType(ir.VoidType(), [word.as_pointer()] * 3 + [word]).as_pointer()
        words = [builder.bitcast(pointer, word.as_pointer()) for pointer in args[1:4]]
        builder.call(builder.inttoptr(args[0], function), [*words, args[4]])
        return context.get_dummy_value()

    return types.void(types.int64, operands, dimensions, steps, types.int64), generate


@intrinsic
def call_for_int(typing_context: Any, address: types.Type) -> Any:
    """Call a function of C that takes nothing and gives an int."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        function = ir.FunctionType(ir.IntType(32), []).as_pointer()
        return builder.call(builder.inttoptr(args[0], function), [])

    return types.int32(types.int64), generate


@intrinsic
def call_with_int(typing_context: Any, address: types.Type, number: types.Type) -> Any:
    """Call a function of C that takes an int."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        function = ir.FunctionType(ir.VoidType(), [ir.IntType(32)]).as_pointer()
        builder.call(builder.inttoptr(args[0], function), [builder.trunc(args[1], ir.IntType(32))])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), generate


@intrinsic
def allocate(typing_context: Any, nbytes: types.Type) -> Any:
    """The address of so many bytes, to be given back by `release`; 0 if there are not as many."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        word = ir.IntType(64)
        malloc = cgutils.get_or_insert_function(builder.module, ir.FunctionType(word, [word]), "malloc")
        return builder.call(malloc, args)

    return types.int64(types.int64), generate


@intrinsic
def release(typing_context: Any, address: types.Type) -> Any:
    """Give back what `allocate` gave."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        free = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.VoidType(), [ir.IntType(64)]), "free")
        builder.call(free, args)
        return context.get_dummy_value()

    return types.void(types.int64), generate


@intrinsic
def as_pointer_like(typing_context: Any, address: types.Type, pointer: types.Type) -> Any:
    """An address as a pointer to elements of the dtype that another one points to; it may overlap any other."""
    made = Pointer(pointer.dtype, None)

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.inttoptr(args[0], context.get_value_type(made))

    return made(types.int64, pointer), generate


@intrinsic
def operand(typing_context: Any, buffers: types.Type, params: types.Type, k: types.Type) -> Any:
    """The address that words k and k + 1 of `params` name: a buffer's number, and a byte offset."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        table, words, at = args
        number = builder.load(builder.gep(words, [at]))
        offset = builder.load(builder.gep(words, [builder.add(at, at.type(1))]))
        return builder.add(builder.load(builder.gep(table, [number])), offset)

    return types.int64(buffers, params, types.int64), generate


@intrinsic
def words_from(typing_context: Any, params: types.Type, k: types.Type) -> Any:
    """The words of `params` from number k on."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.gep(args[0], [args[1]])

    return params(params, types.int64), generate
