"""Views of memory: the views of a whole buffer, and what is known of how a view's elements lie."""

from __future__ import annotations

import numpy as np

from fnad.ops.strides import contiguous_strides
from fnad.runtime.plan import View

Ints = tuple[int, ...]


def whole(buffer: int, shape: Ints, dtype: np.dtype) -> View:
    """A buffer that holds one C-contiguous array."""
    return View(buffer, 0, shape, contiguous_strides(shape, dtype.itemsize), dtype)


def is_aligned(view: View, nbytes: int) -> bool:
    """Whether the first element's address in the memory of a device is a multiple of so many bytes."""
    return view.offset % nbytes == 0 and view.alignment % nbytes == 0


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
