"""The base of the NumPy surface: operands, NEP 50 promotion, broadcasting, axes.

Here the lenient becomes strict: values of any kind become traced values of one shape and dtype.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index, normalize_axis_tuple

from fnad.arrays import PYTHON_SCALARS, Unfit, is_array, is_numeric
from fnad.ir.program import Literal
from fnad.ir.types import BOOL, INDEX, ArrayType, Shape
from fnad.ops.elementwise import convert, minimum, ne
from fnad.ops.shaping import broadcast, concatenate, reshape
from fnad.tracing.builder import Builder
from fnad.tracing.tracer import Tracer

Axes = tuple[int, ...]
MOST_SHAPES = 4096
"""Of how many shapes it is remembered how they broadcast."""

# --- Operands


def is_traced(value: Any) -> bool:
    """Whether a value is traced, or is a list or tuple with a traced value in it."""
    if type(value) is Tracer:
        return True
    return isinstance(value, (list, tuple)) and any([is_traced(v) for v in value])


def traced_in(value: Any) -> list[Tracer]:
    """The traced values in a value or in nested lists and tuples of them."""
    if isinstance(value, (list, tuple)):
        return [t for v in value for t in traced_in(v)]
    return [value] if type(value) is Tracer else []


def builder_of(*values: Any) -> Builder:
    """The innermost builder among values, of which one is traced."""
    found: Any = None
    for value in values:
        for t in (value,) if type(value) is Tracer else traced_in(value):
            if found is None or t.builder.level > found.level:
                found = t.builder
    assert found is not None
    return found


def operand(builder: Builder, value: Any) -> Any:
    """A value as a tracer of the builder, or as the Python number that it is."""
    kind = type(value)
    if kind in PYTHON_SCALARS:
        return value
    if kind is Tracer:
        return value if value.builder is builder else builder.tracer(value)
    return builder.tracer(_as_array(builder, value))


def _as_array(builder: Builder, value: Any) -> Any:
    if isinstance(value, (list, tuple)) and is_traced(value):
        return stacked(builder, value)
    array = value if is_array(value) else np.asarray(value)
    if not is_numeric(array.dtype):
        raise Unfit(array)
    return array


def stacked(builder: Builder, nested: Any) -> Tracer:
    """Nested lists of numbers and arrays as one array."""
    parts = [traced(builder, v) for v in nested]
    shapes = {p.shape for p in parts}
    if len(shapes) > 1:
        raise ValueError(
            "setting an array element with a sequence. The requested array has an inhomogeneous shape: "
            f"its parts have the shapes {', '.join(map(str, sorted(shapes)))}."
        )
    dtype = np.result_type(*[_promoting(v) if type(v) is Tracer else traced(builder, v).dtype for v in nested])
    rows = [reshape(cast(p, dtype), shape=(1, *p.shape)) for p in parts]
    return concatenate(*rows, axis=0)


def traced(builder: Builder, value: Any) -> Tracer:
    """A value as a tracer that is no weak scalar any more."""
    x = operand(builder, value)
    if type(x) in PYTHON_SCALARS:
        dtype = np.result_type(type(x))
        return constant(builder, x, (), dtype)
    return strong(x)


def array_of(a: Any) -> Tracer:
    """An argument, of which a part is traced, as a traced array."""
    return a if type(a) is Tracer and not a.atom.type.weak else traced(builder_of(a), a)


def arrays_of(*values: Any) -> list[Any]:
    """Arguments, of which a part is traced, as traced arrays; those that are ``None`` stay."""
    builder = builder_of(*values)
    return [None if value is None else traced(builder, value) for value in values]


def strong(x: Tracer) -> Tracer:
    """The value as NumPy gives it back: no Python number, whose dtype would yield."""
    return convert(x, dtype=x.dtype) if x.type.weak else x


def constant(builder: Builder, value: Any, shape: Shape, dtype: np.dtype) -> Tracer:
    """A number filled to a shape."""
    return Tracer(builder, Literal(dtype.type(value), ArrayType(shape, dtype)))


# --- Promotion


def is_weak(x: Any) -> bool:
    """Whether an operand is a Python number, or a traced one, so that its dtype yields."""
    return x.atom.type.weak if type(x) is Tracer else type(x) is not bool


_WEAK_KINDS = {"i": int, "f": float, "c": complex}


def _promoting(x: Any) -> Any:
    """The stand-in for an operand in promotion: its dtype, or the Python type of a weak one."""
    if type(x) is Tracer:
        t = x.atom.type
        return _WEAK_KINDS[t.dtype.kind] if t.weak else t.dtype
    return BOOL if type(x) is bool else type(x)


def result_dtype(*operands: Any) -> np.dtype:
    """The dtype to which operands promote."""
    key = tuple([_promoting(x) for x in operands])
    known = _promoted.get(key)
    if known is None:
        known = _promoted[key] = np.result_type(*[d(0) if isinstance(d, type) else d for d in key])
    return known


_promoted: dict[Any, np.dtype] = {}
_loops: dict[Any, tuple[np.dtype, ...]] = {}


def loop_dtypes(ufunc: np.ufunc, *operands: Any, **how: Any) -> tuple[np.dtype, ...]:
    """The dtypes in which NumPy would run a ufunc: one for each operand, then those of the results."""
    key = (ufunc, *[_promoting(x) for x in operands])
    if how:
        return ufunc.resolve_dtypes((*key[1:], *[None] * ufunc.nout), **how)
    known = _loops.get(key)
    if known is None:
        known = _loops[key] = ufunc.resolve_dtypes((*key[1:], *[None] * ufunc.nout))
    return known


def loop_with_result(ufunc: np.ufunc, dtype: np.dtype, operands: Sequence[Any]) -> tuple[np.dtype, ...]:
    """The same where the dtype of the results is given."""
    signature = (*[None] * ufunc.nin, *[dtype] * ufunc.nout)
    given = (*map(_promoting, operands), *[None] * ufunc.nout)
    return ufunc.resolve_dtypes(given, signature=signature, casting="same_kind")


def cast(x: Any, dtype: np.dtype) -> Any:
    """``x`` in a dtype."""
    if x.dtype == dtype:
        return x
    if type(x.atom) is Literal or dtype == BOOL and x.dtype.kind == "c":
        return ne(x, 0) if dtype == BOOL else convert(x, dtype=dtype)
    return x.builder.emit(convert, (x.atom,), {"dtype": dtype}, ArrayType(x.atom.type.shape, dtype))


MOST = np.iinfo(INDEX).max


def as_places(x: Any) -> Any:
    """Integers as int64, for indices; the unsigned ones beyond it as its largest, which is out of bounds as well."""
    if type(x) is not Tracer:
        return (np.minimum(x, MOST) if x.dtype == np.uint64 else x).astype(INDEX)
    return cast(minimum(x, MOST) if x.dtype == np.uint64 else x, INDEX)


# --- Broadcasting


def broadcast_shapes(*shapes: Shape) -> Shape:
    """The common shape of several, or NumPy's error."""
    first = shapes[0]
    return first if all([s == first for s in shapes]) else _broadcast_shapes(shapes)


@lru_cache(MOST_SHAPES)
def _broadcast_shapes(shapes: tuple[Shape, ...]) -> Shape:
    ndim = max([len(s) for s in shapes])
    common = [1] * ndim
    for s in shapes:
        for i, n in enumerate(s, ndim - len(s)):
            if n != 1 and common[i] not in (1, n):
                raise ValueError(f"operands could not be broadcast together with shapes {shapes_text(shapes)} ")
            common[i] = common[i] if n == 1 else n
    return tuple(common)


def shapes_text(shapes: Sequence[Shape]) -> str:
    """Shapes as NumPy's errors write them."""
    return " ".join([str(s).replace(" ", "") for s in shapes])


def spread_to(x: Tracer, shape: Shape) -> Tracer:
    """``x`` broadcast to a shape that is known to fit."""
    atom, builder = x.atom, x.builder
    t = atom.type
    if t.shape == shape:
        return x
    if type(atom) is Literal:
        return Tracer(builder, Literal(atom.value, ArrayType(shape, t.dtype, t.weak)))
    squeezed, dims = _spread_plan(t.shape, shape)
    if squeezed != t.shape:
        atom = builder.emit(reshape, (atom,), {"shape": squeezed}, ArrayType(squeezed, t.dtype, t.weak)).atom
    return builder.emit(broadcast, (atom,), {"shape": shape, "dims": dims}, ArrayType(shape, t.dtype, t.weak))


@lru_cache(MOST_SHAPES)
def _spread_plan(shape: Shape, target: Shape) -> tuple[Shape, Axes]:
    """The shape without the axes that get longer, and where the others go."""
    lead = len(target) - len(shape)
    kept = [i for i, n in enumerate(shape) if n == target[lead + i]]
    return tuple([shape[i] for i in kept]), tuple([lead + i for i in kept])


def size_of(shape: Shape) -> int:
    """The number of elements of an array of a shape."""
    size = 1
    for n in shape:
        size *= n
    return size


def fit(builder: Builder, x: Any, dtype: np.dtype, shape: Shape) -> Tracer:
    """An operand in a dtype and, by broadcasting, a shape."""
    if type(x) is Tracer:
        return spread_to(cast(x, dtype), shape)
    return constant(builder, x, shape, dtype)


def shape_of(x: Any) -> Shape:
    """The shape of an operand."""
    return x.atom.type.shape if type(x) is Tracer else ()


# --- Axes


def one_axis(axis: Any, ndim: int) -> int:
    """An axis counted from the front, or NumPy's error."""
    _require_no_truth(axis)
    return normalize_axis_index(axis, ndim)


def _require_no_truth(axis: Any) -> None:
    """Raise for True, which NumPy's functions in C do not take for 1."""
    if type(axis) is bool:
        raise TypeError("an integer is required for the axis")


def all_axes(axis: Any, ndim: int) -> Axes:
    """Axes counted from the front and sorted; ``None`` stands for all of them."""
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int and -ndim <= axis < ndim:
        return (axis % ndim,)
    if isinstance(axis, Tracer):
        axis = operator.index(axis)  # NumPy would hide what this says of a value that is not known
    _require_no_truth(axis)
    axes = normalize_axis_tuple(axis, ndim, allow_duplicate=True)
    if len(set(axes)) < len(axes):
        raise ValueError("duplicate value in 'axis'")
    return tuple(sorted(axes))
