"""View operations, which move no elements, as arithmetic on views.

A view is a dataclass with ``offset``, ``shape``, ``strides`` (both in bytes) and ``dtype``. Each function takes the
view of an operand and gives the view of the result, in the same memory.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

Ints = tuple[int, ...]


def contiguous_strides(shape: Ints, itemsize: int) -> Ints:
    """The strides in bytes of a C-contiguous array."""
    strides = [itemsize] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        strides[axis - 1] = strides[axis] * max(shape[axis], 1)
    return tuple(strides)


def is_contiguous(view: Any) -> bool:
    """Whether the elements lie one after another in C order."""
    if 0 in view.shape:
        return True
    expected = contiguous_strides(view.shape, view.dtype.itemsize)
    return all([n == 1 or s == e for n, s, e in zip(view.shape, view.strides, expected)])


def broadcast(view: Any, shape: Ints, dims: Ints) -> Any:
    strides = [0] * len(shape)
    for d, stride, n in zip(dims, view.strides, view.shape):
        strides[d] = stride if n != 1 else 0
    return replace(view, shape=shape, strides=tuple(strides))


def transpose(view: Any, perm: Ints) -> Any:
    shape, strides = ([given[p] for p in perm] for given in (view.shape, view.strides))
    return replace(view, shape=tuple(shape), strides=tuple(strides))


def slice_(view: Any, starts: Ints, stops: Ints, steps: Ints) -> Any:
    shape = tuple([-((start - stop) // step) for start, stop, step in zip(starts, stops, steps)])
    offset = view.offset + sum([start * stride for start, stride in zip(starts, view.strides)])
    return replace(view, offset=offset, shape=shape, strides=tuple([s * t for s, t in zip(view.strides, steps)]))


def flip(view: Any, axes: Ints) -> Any:
    offset = view.offset + sum([max(view.shape[a] - 1, 0) * view.strides[a] for a in axes])
    strides = tuple([-s if a in axes else s for a, s in enumerate(view.strides)])
    return replace(view, offset=offset, strides=strides)


def reshape(view: Any, shape: Ints) -> Any:
    """The view of another shape; ``None`` where the elements would have to move."""
    if 0 in shape or is_contiguous(view):
        return replace(view, shape=shape, strides=contiguous_strides(shape, view.dtype.itemsize))
    merged = _merged_axes(view)
    strides: list[int] = []
    for n in reversed(shape):
        # Fill the axes of the result from the last one, each out of the last merged axis that has room.
        if n == 1:
            strides.append(0)
            continue
        if not merged or merged[-1][0] % n:
            return None
        extent, stride = merged.pop()
        strides.append(stride)
        if extent > n:
            merged.append((extent // n, stride * n))
    return replace(view, shape=shape, strides=tuple(reversed(strides)))


def _merged_axes(view: Any) -> list[tuple[int, int]]:
    """Extents and strides with neighbouring axes made one where they lie like one."""
    merged: list[tuple[int, int]] = []
    for n, stride in zip(view.shape, view.strides):
        if n == 1:
            continue
        if merged and merged[-1][1] == n * stride:
            merged[-1] = (merged[-1][0] * n, stride)
        else:
            merged.append((n, stride))
    return merged
