"""Typed memory and arithmetic for kernels: the words that generated kernel source is written in.

A kernel turns an address into a typed pointer, `x = as_float32(address, 0)`, and reads and
writes elements with `x[i]` and `x[i] = v`; `x + n` points n elements on. The second argument is the operand's scope, a literal
number: LLVM may assume that pointers of different scopes never overlap, so a loop over many
operands vectorizes without run-time checks. Memory that two operands share (an output written in
place of an input) must be one variable, read and written through the same pointer. A pointer
made without a scope may overlap anything.
"""

import operator
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

SCOPES = 32
"""Scope numbers run from 0 to SCOPES - 1."""


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


_scope_nodes: WeakKeyDictionary = WeakKeyDictionary()


def _mark_scope(builder: ir.IRBuilder, access: ir.Instruction, scope: int | None) -> None:
    """Tell LLVM that `access` belongs to `scope` and overlaps no other scope."""
    if scope is None:
        return
    module = builder.module
    nodes = _scope_nodes.get(module)
    if nodes is None:
        domain = module.add_metadata(["fnad"])
        nodes = [module.add_metadata([f"operand {k}", domain]) for k in range(SCOPES)]
        _scope_nodes[module] = nodes
    access.set_metadata("alias.scope", module.add_metadata([nodes[scope]]))
    access.set_metadata("noalias", module.add_metadata(nodes[:scope] + nodes[scope + 1 :]))


@lower_builtin(operator.getitem, Pointer, types.intp)
def _load(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    pointer = sig.args[0]
    data = builder.load(builder.gep(args[0], [args[1]], inbounds=True))
    _mark_scope(builder, data, pointer.scope)
    return context.data_model_manager[pointer.dtype].from_data(builder, data)


@lower_builtin(operator.setitem, Pointer, types.intp, types.Any)
def _store(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
    pointer = sig.args[0]
    data = context.data_model_manager[pointer.dtype].as_data(builder, args[2])
    access = builder.store(data, builder.gep(args[0], [args[1]], inbounds=True))
    _mark_scope(builder, access, pointer.scope)
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
        pointer = Pointer(dtype, getattr(scope, "literal_value", None))

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


# --- arithmetic -------------------------------------------------------------------------------


def _parts(builder: ir.IRBuilder, dtype: types.Type, value: ir.Value) -> list[ir.Value]:
    """A value's real and imaginary part, or the value alone."""
    if not isinstance(dtype, types.Complex):
        return [value]
    return [builder.extract_value(value, k) for k in (0, 1)]


def _whole(builder: ir.IRBuilder, like: ir.Value, parts: list[ir.Value]) -> ir.Value:
    """The inverse of `_parts`."""
    if len(parts) == 1:
        return parts[0]
    pair = ir.Constant(like.type, ir.Undefined)
    return builder.insert_value(builder.insert_value(pair, parts[0], 0), parts[1], 1)


def _same(types_given: tuple) -> bool:
    return all(types.unliteral(t) == types.unliteral(types_given[0]) for t in types_given)


def _add(builder: ir.IRBuilder, dtype: types.Type, args: tuple, flags: tuple) -> ir.Value:
    if dtype == types.boolean:
        return builder.or_(*args)
    if isinstance(dtype, types.Integer):
        return builder.add(*args)
    pairs = zip(_parts(builder, dtype, args[0]), _parts(builder, dtype, args[1]), strict=True)
    return _whole(builder, args[0], [builder.fadd(x, y, flags=flags) for x, y in pairs])


def _multiply(builder: ir.IRBuilder, dtype: types.Type, args: tuple, flags: tuple) -> ir.Value:
    if dtype == types.boolean:
        return builder.and_(*args)
    if isinstance(dtype, types.Integer):
        return builder.mul(*args)
    if isinstance(dtype, types.Float):
        return builder.fmul(*args, flags=flags)
    (a, b), (c, d) = (_parts(builder, dtype, value) for value in args)
    real = builder.fsub(builder.fmul(a, c), builder.fmul(b, d))
    imaginary = builder.fadd(builder.fmul(a, d), builder.fmul(b, c))
    return _whole(builder, args[0], [real, imaginary])


def _in_dtype(operation: Callable, flags: tuple[str, ...], meaning: str) -> Callable:
    """An operation of two values of one dtype whose result is of that dtype."""

    @intrinsic
    def binary(typing_context: Any, a: types.Type, b: types.Type) -> Any:
        if not _same((a, b)):
            return None

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return operation(builder, sig.args[0], args, flags)

        return a(a, a), generate

    binary.__doc__ = meaning
    return binary


add = _in_dtype(_add, (), "a + b: integers wrap, booleans are or-ed.")
multiply = _in_dtype(_multiply, (), "a * b: integers wrap, booleans are and-ed.")
# `reassoc` on these instructions alone lets LLVM split a sum into lanes, and nothing else.
radd = _in_dtype(_add, ("reassoc",), "A term of a sum that may be taken in any order.")
rmul = _in_dtype(_multiply, ("reassoc",), "A factor of a product that may be taken in any order.")


def _extreme(integer_test: str, float_test: str, intrinsic_name: str | None) -> Callable:
    """The larger or smaller of two values; NaN if either is NaN."""

    @intrinsic
    def extreme(typing_context: Any, a: types.Type, b: types.Type) -> Any:
        if not _same((a, b)):
            return None

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            if isinstance(a, types.Integer | types.Boolean):
                signed = isinstance(a, types.Integer) and a.signed
                compare = builder.icmp_signed if signed else builder.icmp_unsigned
                return builder.select(compare(integer_test, *args), *args)
            if intrinsic_name is not None:
                name = builder.module.declare_intrinsic(intrinsic_name, [args[0].type])
                return builder.call(name, args)
            chosen = builder.select(builder.fcmp_ordered(float_test, *args), *args)
            return builder.select(builder.fcmp_unordered("uno", args[0], args[0]), args[0], chosen)

        return a(a, a), generate

    return extreme


maximum = _extreme(">", ">", None)
minimum = _extreme("<", "<", None)
rmax = _extreme(">", ">", "llvm.maximum")
rmin = _extreme("<", "<", "llvm.minimum")


@intrinsic
def select(typing_context: Any, condition: types.Type, a: types.Type, b: types.Type) -> Any:
    """a where the condition holds, else b; both are computed, there is no branch."""
    if condition != types.boolean or not _same((a, b)):
        return None

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        x, y = (_parts(builder, a, value) for value in args[1:])
        chosen = [builder.select(args[0], p, q) for p, q in zip(x, y, strict=True)]
        return _whole(builder, args[1], chosen)

    return a(condition, a, a), generate


@intrinsic
def bitcast(typing_context: Any, value: types.Type, dtype: types.Type) -> Any:
    """The bits of a number read as another dtype of the same size: `bitcast(x, int32)`."""
    target = dtype.dtype

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        return builder.bitcast(args[0], context.get_value_type(target))

    return target(value, dtype), generate


def _unary(name: str) -> Callable:
    @intrinsic
    def unary(typing_context: Any, x: types.Type) -> Any:
        if not isinstance(x, types.Float):
            return None

        def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
            return builder.call(builder.module.declare_intrinsic(name, [args[0].type]), args)

        return x(x), generate

    return unary


sqrt, fabs = _unary("llvm.sqrt"), _unary("llvm.fabs")
floor, ceil = _unary("llvm.floor"), _unary("llvm.ceil")
trunc, rint = _unary("llvm.trunc"), _unary("llvm.rint")


@intrinsic
def copysign(typing_context: Any, x: types.Type, sign: types.Type) -> Any:
    """The magnitude of x with the sign of `sign`."""
    if not isinstance(x, types.Float) or not _same((x, sign)):
        return None

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        name = builder.module.declare_intrinsic("llvm.copysign", [args[0].type])
        return builder.call(name, args)

    return x(x, x), generate


@intrinsic
def fma(typing_context: Any, x: types.Type, y: types.Type, z: types.Type) -> Any:
    """x * y + z, rounded once."""
    if not isinstance(x, types.Float) or not _same((x, y, z)):
        return None

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        name = builder.module.declare_intrinsic("llvm.fma", [args[0].type])
        return builder.call(name, args)

    return x(x, x, x), generate


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


@intrinsic
def operand(typing_context: Any, buffers: types.Type, params: types.Type, k: types.Type) -> Any:
    """The address that words k and k + 1 of `params` name: a buffer's number, and a byte offset."""

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        table, words, at = args
        number = builder.load(builder.gep(words, [at]))
        offset = builder.load(builder.gep(words, [builder.add(at, at.type(1))]))
        return builder.add(builder.load(builder.gep(table, [number])), offset)

    return types.int64(buffers, params, types.int64), generate
