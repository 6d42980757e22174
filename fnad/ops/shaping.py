"""Primitives that move elements without computing: all of them linear."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import filled
from fnad.ir.types import ArrayType, Shape
from fnad.ops import strides
from fnad.ops.families import linear, literal_value

Ints = tuple[int, ...]
Mapped = tuple[bool, ...]

# --- broadcast and sum: each other's transposes. Axis i of x becomes axis dims[i] of the broadcast result,
# whose other axes repeat it; a sum drops its axes


def _broadcast_type(x: ArrayType, shape: Shape, dims: Ints) -> ArrayType:
    if len(dims) != x.ndim or list(dims) != sorted(set(dims)) or x.shape != tuple([shape[d] for d in dims]):
        raise ValueError(f"broadcast: requires increasing dims whose sizes in {shape} are {x.shape}, got dims {dims}.")
    return ArrayType(shape, x.dtype, x.weak)


def _broadcasts(given: Shape, shape: Shape, dims: Ints) -> Shape:
    """The shape that NumPy broadcasts by itself."""
    expanded = [1] * len(shape)
    for d, n in zip(dims, given):
        expanded[d] = n
    return tuple(expanded)


def _broadcast_evaluate(x: Any, shape: Shape, dims: Ints) -> np.ndarray:
    x = np.asarray(x)
    return np.broadcast_to(x.reshape(_broadcasts(x.shape, shape, dims)), shape)


def _broadcast_transpose(g: Any, x: Any, shape: Shape, dims: Ints) -> Any:
    return reduce_sum(g, axes=tuple([i for i in range(len(shape)) if i not in dims]))


def _broadcast_batch(op: Primitive, mapped: Mapped, x: Any, shape: Shape, dims: Ints) -> Any:
    return op(x, shape=(x.shape[0], *shape), dims=(0, *up(dims)))


broadcast = linear(
    "broadcast", _broadcast_type, _broadcast_evaluate, _broadcast_transpose, _broadcast_batch, view=strides.broadcast,
    broadcasts=_broadcasts,
)

# --- Batches, on which the rules of all families stand


def up(axes: Ints) -> Ints:
    """The axes of an example as axes of a batch."""
    return tuple([a + 1 for a in axes])


def over_batch(x: Any, is_mapped: bool, size: int) -> Any:
    """An operand with the batch axis in front: one without it is repeated."""
    if is_mapped:
        return x
    shape = (size, *x.shape)
    value = literal_value(x)
    if value is not None:
        return x.builder.tracer(filled(value, ArrayType(shape, x.dtype)))
    return broadcast(x, shape=shape, dims=tuple(range(1, len(shape))))


def all_over_batch(mapped: Mapped, inputs: Sequence[Any]) -> list[Any]:
    """All operands with the batch axis in front."""
    size = inputs[mapped.index(True)].shape[0]
    return [over_batch(x, is_mapped, size) for x, is_mapped in zip(inputs, mapped)]


def batch_as_it_is(op: Primitive, mapped: Mapped, *inputs: Any, **params: Any) -> Any:
    """The batching rule of an operation that takes further axes in front."""
    return op(*all_over_batch(mapped, inputs), **params)


def batch_along_axes(op: Primitive, mapped: Mapped, x: Any, axes: Ints, **others: Any) -> Any:
    """The batching rule of an operation along some axes."""
    return op(x, axes=up(axes), **others)


def batch_along_axis(op: Primitive, mapped: Mapped, *inputs: Any, axis: int) -> Any:
    """The batching rule of an operation along one axis."""
    return op(*all_over_batch(mapped, inputs), axis=axis + 1)


def merge_batch(x: Any) -> Any:
    """The examples one after the other along their first axis."""
    return reshape(x, shape=(x.shape[0] * x.shape[1], *x.shape[2:]))


# --- sum


def kept_axes(ndim: int, axes: Ints) -> Ints:
    """The axes that a reduction over ``axes`` keeps."""
    return tuple([i for i in range(ndim) if i not in axes])


def reduced_type(name: str, kinds: str, x: ArrayType, axes: Ints) -> ArrayType:
    """The type of a reduction of ``x``; ``name`` and the ``kinds`` of dtype it takes are for its errors."""
    if any([not 0 <= a < x.ndim for a in axes]):
        raise ValueError(f"{name}: requires axes of an array of shape {x.shape}, got axes {axes}.")
    if x.dtype.kind not in kinds:
        raise TypeError(f"{name}: requires a dtype of kind {kinds}, got {x.dtype}.")
    return ArrayType(tuple([x.shape[i] for i in kept_axes(x.ndim, axes)]), x.dtype)


def spread(y: Any, x: Any, axes: Ints) -> Any:
    """A reduced value, back over the axes that the reduction dropped."""
    return broadcast(y, shape=x.shape, dims=kept_axes(x.ndim, axes))


reduce_sum = linear(
    "reduce_sum", lambda x, axes: reduced_type("sum", "iufc", x, axes),
    lambda x, axes: np.add.reduce(x, axis=axes, dtype=x.dtype), spread, batch_along_axes,
    kind=Kind.REDUCTION, combine="add",
)

# The identity, which is computed no earlier than it stands and is never made one with another: what is computed
# from its result is computed anew.
barrier = linear(
    "barrier", lambda x: x, lambda x: x, lambda g, x: g, lambda op, mapped, x: op(x), view=lambda view: view,
    pinned=True,
)

# --- reshape, transpose


def _reshape_type(x: ArrayType, shape: Shape) -> ArrayType:
    result = ArrayType(shape, x.dtype, x.weak)
    if x.size != result.size:
        raise ValueError(
            f"reshape: requires a shape of {x.size} elements, got {shape} "
            f"for an array of shape {x.shape}."
        )
    return result


reshape = linear(
    "reshape", _reshape_type, lambda x, shape: np.reshape(x, shape), lambda g, x, shape: reshape(g, shape=x.shape),
    lambda op, mapped, x, shape: op(x, shape=(x.shape[0], *shape)), view=strides.reshape,
)


def _transpose_type(x: ArrayType, perm: Ints) -> ArrayType:
    if sorted(perm) != list(range(x.ndim)):
        raise ValueError(f"transpose: requires a permutation of {x.ndim} axes, got {perm}.")
    return ArrayType(tuple([x.shape[p] for p in perm]), x.dtype, x.weak)


def inverse_permutation(perm: Ints) -> Ints:
    return tuple(sorted(range(len(perm)), key=perm.__getitem__))


transpose = linear(
    "transpose", _transpose_type, lambda x, perm: np.asarray(x).transpose(perm),
    lambda g, x, perm: transpose(g, perm=inverse_permutation(perm)),
    lambda op, mapped, x, perm: op(x, perm=(0, *up(perm))), view=strides.transpose,
)

# --- flip


def _flip_type(x: ArrayType, axes: Ints) -> ArrayType:
    if any(not 0 <= a < x.ndim for a in axes):
        raise ValueError(f"flip: requires axes of an array of shape {x.shape}, got {axes}.")
    return x


flip = linear(
    "flip", _flip_type, lambda x, axes: np.flip(x, axes), lambda g, x, axes: flip(g, axes=axes), batch_along_axes,
    view=strides.flip,
)

# --- slice: its transpose is a pad


def _slice_type(x: ArrayType, starts: Ints, stops: Ints, steps: Ints) -> ArrayType:
    for n, start, stop, step in zip(x.shape, starts, stops, steps, strict=True):
        if not (0 <= start <= stop <= n and step > 0):
            raise ValueError(
                f"slice: requires 0 <= start <= stop <= {n} and a positive step, "
                f"got {start}:{stop}:{step}."
            )
    shape = tuple([-((start - stop) // step) for start, stop, step in zip(starts, stops, steps)])
    return ArrayType(shape, x.dtype, x.weak)


def _slice_evaluate(x: Any, starts: Ints, stops: Ints, steps: Ints) -> np.ndarray:
    return np.asarray(x)[tuple([slice(*s) for s in zip(starts, stops, steps)])]


def _slice_transpose(g: Any, x: Any, starts: Ints, stops: Ints, steps: Ints) -> Any:
    ends = [start + max((m - 1) * step + 1, 0) for start, step, m in zip(starts, steps, g.shape)]
    high = tuple([n - end for n, end in zip(x.shape, ends)])
    return pad(g, low=starts, high=high, interior=tuple([s - 1 for s in steps]))


def _slice_batch(op: Primitive, mapped: Mapped, x: Any, starts: Ints, stops: Ints, steps: Ints) -> Any:
    return op(x, starts=(0, *starts), stops=(x.shape[0], *stops), steps=(1, *steps))


slice_ = linear("slice", _slice_type, _slice_evaluate, _slice_transpose, _slice_batch, view=strides.slice_)


# --- set_slice: another value in a window


def _set_slice_type(x: ArrayType, value: ArrayType, starts: Ints, stops: Ints, steps: Ints) -> ArrayType:
    window = _slice_type(x, starts, stops, steps)
    if value.strong != window.strong:
        raise ValueError(f"set_slice: requires a value of the window's type {window}, got {value}.")
    return ArrayType(x.shape, x.dtype)


def _set_slice_evaluate(x: Any, value: Any, starts: Ints, stops: Ints, steps: Ints) -> np.ndarray:
    result = np.array(x)
    result[tuple([slice(*s) for s in zip(starts, stops, steps)])] = value
    return result


def _set_slice_vjp(i: int, g: Any, y: Any, x: Any, value: Any, **window: Ints) -> Any:
    return slice_(g, **window) if i == 1 else set_slice(g, filled(0, value.type.strong), **window)


def _set_slice_batch(
    op: Primitive, mapped: Mapped, x: Any, value: Any, starts: Ints, stops: Ints, steps: Ints
) -> Any:
    x, value = all_over_batch(mapped, (x, value))
    return op(x, value, starts=(0, *starts), stops=(x.shape[0], *stops), steps=(1, *steps))


def _set_slice_windows(view: Any, x: Any, value: Any, **window: Ints) -> list[tuple[Any, Any]]:
    return [(x, view), (value, strides.slice_(view, **window))]


# x with the elements of its slice replaced by those of value.
set_slice = Primitive(
    "set_slice", _set_slice_type, _set_slice_evaluate, vjp=_set_slice_vjp, batch=_set_slice_batch,
    windows=_set_slice_windows, overwrites=0,
)

# --- pad: zeros around (and, with interior, between) the elements


def _pad_type(x: ArrayType, low: Ints, high: Ints, interior: Ints) -> ArrayType:
    shape = []
    for n, lo, hi, gap in zip(x.shape, low, high, interior, strict=True):
        if lo < 0 or hi < 0 or gap < 0:
            raise ValueError(f"pad: requires widths that are not negative, got {low}, {high}, {interior}.")
        shape.append(lo + max((n - 1) * (gap + 1) + 1, 0) + hi)
    return ArrayType(tuple(shape), x.dtype)


def pad_window(x: Any, low: Ints, interior: Ints) -> tuple[Ints, Ints, Ints]:
    """Starts, stops and steps of the elements of ``x`` within its padded array."""
    steps = tuple([gap + 1 for gap in interior])
    stops = tuple([lo + max((n - 1) * step + 1, 0) for n, lo, step in zip(x.shape, low, steps)])
    return low, stops, steps


def _pad_evaluate(x: Any, low: Ints, high: Ints, interior: Ints) -> np.ndarray:
    x = np.asarray(x)
    result = np.zeros(_pad_type(ArrayType(x.shape, x.dtype), low, high, interior).shape, x.dtype)
    result[tuple([slice(*s) for s in zip(*pad_window(x, low, interior))])] = x
    return result


def _pad_transpose(g: Any, x: Any, low: Ints, high: Ints, interior: Ints) -> Any:
    starts, stops, steps = pad_window(x, low, interior)
    return slice_(g, starts=starts, stops=stops, steps=steps)


def _pad_batch(op: Primitive, mapped: Mapped, x: Any, low: Ints, high: Ints, interior: Ints) -> Any:
    return op(x, low=(0, *low), high=(0, *high), interior=(0, *interior))


def _pad_windows(view: Any, x: Any, low: Ints, high: Ints, interior: Ints) -> list[tuple[Any, Any]]:
    zeros = filled(0, ArrayType(view.shape, view.dtype))
    return [(zeros, view), (x, strides.slice_(view, *pad_window(x.type, low, interior)))]


pad = linear("pad", _pad_type, _pad_evaluate, _pad_transpose, _pad_batch, windows=_pad_windows)

# --- concatenate


def _concatenate_type(*xs: ArrayType, axis: int) -> ArrayType:
    first = xs[0]
    for x in xs:
        same = x.shape[:axis] == first.shape[:axis] and x.shape[axis + 1 :] == first.shape[axis + 1 :]
        if x.ndim != first.ndim or x.dtype != first.dtype or not same:
            raise ValueError(
                f"concatenate: requires arrays of one dtype that differ along axis {axis} only, got "
                f"{', '.join(map(str, xs))}."
            )
    shape = (*first.shape[:axis], sum([x.shape[axis] for x in xs]), *first.shape[axis + 1 :])
    return ArrayType(shape, first.dtype)


# All parts at once: a rule for each of many would count again and again where it begins.
def _concatenate_forward(active: tuple[bool, ...], *xs: Any, axis: int) -> tuple[Any, Any]:
    return concatenate(*xs, axis=axis), (active, [x.shape[axis] for x in xs])


def _concatenate_backward(residuals: Any, g: Any, axis: int) -> list[Any]:
    active, extents = residuals
    parts = zip(active, extents, accumulate(extents))
    return [_part(g, axis, stop - extent, stop) if wanted else None for wanted, extent, stop in parts]


def _part(x: Any, axis: int, start: int, stop: int) -> Any:
    """A range of one axis."""
    return slice_(x, **_range(x.shape, axis, start, stop))


def _range(shape: Shape, axis: int, start: int, stop: int) -> dict[str, Ints]:
    """The slice that is a range of one axis."""
    starts = tuple([start if a == axis else 0 for a in range(len(shape))])
    stops = tuple([stop if a == axis else n for a, n in enumerate(shape)])
    return {"starts": starts, "stops": stops, "steps": (1,) * len(shape)}


def _concatenate_windows(view: Any, *xs: Any, axis: int) -> list[tuple[Any, Any]]:
    ends = list(accumulate([x.type.shape[axis] for x in xs]))
    ranges = [_range(view.shape, axis, *ends_of) for ends_of in zip([0, *ends], ends)]
    return [(x, strides.slice_(view, **window)) for x, window in zip(xs, ranges)]


concatenate = Primitive(
    "concatenate", _concatenate_type, lambda *xs, axis: np.concatenate(xs, axis=axis),
    vjp_forward=_concatenate_forward, vjp_backward=_concatenate_backward, batch=batch_along_axis,
    windows=_concatenate_windows,
)
