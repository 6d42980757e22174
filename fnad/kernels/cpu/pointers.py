"""Typed memory and arithmetic for kernels: the words that generated kernel source is written in.

A kernel turns an address into a typed pointer, `x = as_float32(address, 0)`, and reads and
writes elements with `x[i]` and `x[i] = v`. The second argument is the operand's scope, a literal
number: LLVM may assume that pointers of different scopes never overlap, so a loop over many
operands vectorizes without run-time checks. Memory that two operands share (an output written in
place of an input) must be one variable, read and written through the same pointer. A pointer
made without a scope may overlap anything.
"""

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, register_model

SCOPES = 64
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


def _mark_scope(builder: ir.IRBuilder, access: ir.Instruction, scope: int | None) -> None:
    """Tell LLVM that `access` belongs to `scope` and overlaps no other scope."""
    if scope is None:
        return
    module = builder.module
    domain = module.add_metadata(["fnad"])
    nodes = [module.add_metadata([f"operand {k}", domain]) for k in range(SCOPES)]
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


@intrinsic
def radd(typing_context: Any, a: types.Type, b: types.Type) -> Any:
    """a + b in a sum whose terms may be taken in any order, so that it vectorizes."""
    if not _same((a, b)):
        return None

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        if a == types.boolean:
            return builder.or_(*args)
        if isinstance(a, types.Integer):
            return builder.add(*args)
        pairs = zip(_parts(builder, a, args[0]), _parts(builder, a, args[1]), strict=True)
        sums = [builder.fadd(x, y, flags=("reassoc",)) for x, y in pairs]
        return _whole(builder, args[0], sums)

    return a(a, a), generate


@intrinsic
def rmul(typing_context: Any, a: types.Type, b: types.Type) -> Any:
    """a * b in a product of real factors that may be taken in any order."""
    if not _same((a, b)) or isinstance(a, types.Complex):
        return None

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        if a == types.boolean:
            return builder.and_(*args)
        if isinstance(a, types.Integer):
            return builder.mul(*args)
        return builder.fmul(*args, flags=("reassoc",))

    return a(a, a), generate


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
