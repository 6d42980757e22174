"""Where elements lie: the operations that move elements, as arithmetic on views.

Each function takes the view of an operand and gives the view of the result, in the same memory.
"""

from __future__ import annotations

import numpy as np

from fnad.runtime.plan import View

Ints = tuple[int, ...]


def contiguous_strides(shape: Ints, itemsize: int) -> Ints:
    """The strides in bytes of a C-contiguous array."""
    strides = [itemsize] * len(shape)
    for axis in range(len(shape) - 1, 0, -1):
        strides[axis - 1] = strides[axis] * max(shape[axis], 1)
    return tuple(strides)


def whole(buffer: int, shape: Ints, dtype: np.dtype) -> View:
    """A buffer that holds one C-contiguous array."""
    return View(buffer, 0, shape, contiguous_strides(shape, dtype.itemsize), dtype)


def is_contiguous(view: View) -> bool:
    """Whether the elements lie one after another in C order."""
    if 0 in view.shape:
        return True
    expected = contiguous_strides(view.shape, view.dtype.itemsize)
    return all([n == 1 or s == e for n, s, e in zip(view.shape, view.strides, expected)])


def is_aligned(view: View, nbytes: int) -> bool:
    """Whether the first element's address in the memory of a device is a multiple of so many bytes."""
    return view.offset % nbytes == 0 and view.alignment % nbytes == 0


def broadcast(view: View, shape: Ints, dims: Ints) -> View:
    strides = [0] * len(shape)
    for d, stride, n in zip(dims, view.strides, view.shape):
        strides[d] = stride if n != 1 else 0
    return View(view.buffer, view.offset, shape, tuple(strides), view.dtype)


def transpose(view: View, perm: Ints) -> View:
    shape, strides = ([given[p] for p in perm] for given in (view.shape, view.strides))
    return View(view.buffer, view.offset, tuple(shape), tuple(strides), view.dtype)


def slice_(view: View, starts: Ints, stops: Ints, steps: Ints) -> View:
    shape = tuple([-((start - stop) // step) for start, stop, step in zip(starts, stops, steps)])
    offset = view.offset + sum([start * stride for start, stride in zip(starts, view.strides)])
    return View(view.buffer, offset, shape, tuple([s * t for s, t in zip(view.strides, steps)]), view.dtype)


def flip(view: View, axes: Ints) -> View:
    offset = view.offset + sum([max(view.shape[a] - 1, 0) * view.strides[a] for a in axes])
    strides = tuple([-s if a in axes else s for a, s in enumerate(view.strides)])
    return View(view.buffer, offset, view.shape, strides, view.dtype)


def reshape(view: View, shape: Ints) -> View | None:
    """The view of another shape; ``None`` where the elements would have to move."""
    if 0 in shape or is_contiguous(view):
        return View(view.buffer, view.offset, shape, contiguous_strides(shape, view.dtype.itemsize), view.dtype)
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
    return View(view.buffer, view.offset, shape, tuple(reversed(strides)), view.dtype)


def _merged_axes(view: View) -> list[tuple[int, int]]:
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


def is_by_rows(view: View, nbytes: int) -> bool:
    """Whether index i of the first axis shows elements of the i-th of as many equal pieces of ``nbytes`` bytes."""
    rows = view.shape[0] if view.shape else 0
    if rows == 0 or nbytes % rows or min(view.strides) < 0:
        return False
    inside = view.offset + sum([(n - 1) * s for n, s in zip(view.shape[1:], view.strides[1:])]) + view.dtype.itemsize
    return view.strides[0] == nbytes // rows and inside <= nbytes // rows


def matrix_layout(view: View) -> tuple[bool, int] | None:
    """Whether the last two axes are kept transposed, and the elements between kept rows.

    None where neither axis is contiguous, as matrix products want one to be: such a view must be copied.
    """
    (rows, columns), itemsize = view.shape[-2:], view.dtype.itemsize
    if rows == 0 or columns == 0:
        return False, max(columns, 1)
    row = view.strides[-2] if rows > 1 else columns * itemsize
    column = view.strides[-1] if columns > 1 else rows * itemsize
    if row % itemsize or column % itemsize:
        return None
    row, column = row // itemsize, column // itemsize
    if (column == 1 or columns == 1) and row >= columns:
        return False, row
    if (row == 1 or rows == 1) and column >= rows:
        return True, column
    return None


def require_matrix_layout(view: View) -> tuple[bool, int]:
    """The layout of a view that a matrix product takes."""
    layout = matrix_layout(view)
    if layout is None:
        raise ValueError(f"matmul: requires views with a contiguous axis, got {view}. Copy it first.")
    return layout
