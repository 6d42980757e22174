"""``r_``, ``c_``, ``mgrid`` and ``ogrid``: arrays from what stands between brackets, traced numbers among it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.arrays import PYTHON_SCALARS
from fnad.numpy.creation import array, linspace
from fnad.numpy.dispatch import RULES
from fnad.numpy.promotion import builder_of, is_traced, operand, result_dtype, spread_to, traced
from fnad.numpy.ranges import arange
from fnad.numpy.shaping import reshaped


def _meets_traced(key: Any) -> bool:
    parts = [p for k in (key if type(key) is tuple else (key,))
             for p in ((k.start, k.stop, k.step) if isinstance(k, slice) else (k,))]
    return is_traced(parts)


def _range(part: slice) -> Any:
    """The numbers of a slice; a step of so many times 1j is their number."""
    start, step = 0 if part.start is None else part.start, 1 if part.step is None else part.step
    if isinstance(step, (complex, np.complexfloating)):
        return linspace(start, part.stop, int(abs(step)))
    return arange(start, part.stop, step)


class Joined:
    """``r_[x, 1.0, y]`` and ``c_[x, y]``, also of traced values; as NumPy's for all others.

    >>> from fnad.numpy import r_, c_
    >>> r_[1.0, 2:4], c_[[1, 2], [3, 4]].tolist()
    (array([1., 2., 3.]), [[1, 3], [2, 4]])
    """

    def __init__(self, original: Any) -> None:
        self.original = original
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.original, name)

    def __getitem__(self, key: Any) -> Any:
        items = list(key) if type(key) is tuple else [key]
        if not _meets_traced(key):
            return self.original[key]
        own = self.original
        axis, ndmin, trans1d = own.axis, own.ndmin, own.trans1d
        if isinstance(items[0], str):
            axis, ndmin, trans1d = _directive(items.pop(0), axis, ndmin, trans1d)
        parts = [self._part(item, ndmin, trans1d) for item in items]
        builder = builder_of(*parts)
        kinds = [operand(builder, i if _is_scalar(i) else p) for i, p in zip(items, parts)]
        return RULES[np.concatenate](parts, axis, dtype=result_dtype(*kinds))

    def _part(self, item: Any, ndmin: int, trans1d: int) -> Any:
        if isinstance(item, slice):
            made = array(_range(item), ndmin=ndmin)
            return made.swapaxes(-1, trans1d) if ndmin > 1 and trans1d != -1 else made
        given = array(item)
        made, ndim = array(given, ndmin=ndmin), given.ndim
        if _is_scalar(item) or trans1d == -1 or ndim >= ndmin:
            return made
        left = ndmin - ndim
        first = trans1d if trans1d >= 0 else trans1d + left + 1
        axes = list(range(ndmin))
        return made.transpose(axes[:first] + axes[left:] + axes[first:left])


def _is_scalar(item: Any) -> bool:
    return type(item) in PYTHON_SCALARS or not isinstance(item, (slice, list, tuple)) and np.ndim(item) == 0


def _directive(text: str, axis: int, ndmin: int, trans1d: int) -> tuple[int, int, int]:
    """The axis, the least number of axes, and where the axis of a vector comes, as a text tells."""
    if text in ("r", "c"):
        raise TypeError(f"r_[{text!r}, ...]: requires parts that are not traced, for a matrix. Use np.stack.")
    numbers = [int(part) for part in text.split(",")]
    return (*numbers, *(axis, ndmin, trans1d)[len(numbers):])[:3]  # type: ignore[return-value]


class Grid:
    """``mgrid[0:x:3j, 0:2]`` and ``ogrid``, also to traced ends; as NumPy's for all others.

    >>> from fnad.numpy import mgrid
    >>> mgrid[0:2, 0:2].tolist()
    [[[0, 0], [1, 1]], [[0, 1], [0, 1]]]
    """

    def __init__(self, original: Any) -> None:
        self.original = original
        self.names: set[str] = set()

    def __getitem__(self, key: Any) -> Any:
        if not _meets_traced(key):
            return self.original[key]
        if isinstance(key, slice):
            return _range(key)
        axes = [_range(part) for part in key]
        builder = builder_of(*axes)
        dtype = np.result_type(*[a.dtype for a in axes])
        lines = [traced(builder, a).astype(dtype) for a in axes]
        open_ = [reshaped(a, tuple([a.size if i == k else 1 for i in range(len(lines))])) for k, a in enumerate(lines)]
        return tuple(open_) if self.original.sparse else RULES[np.stack](_filled(open_))


def _filled(lines: Sequence[Any]) -> list[Any]:
    shape = np.broadcast_shapes(*[a.shape for a in lines])
    return [spread_to(a, shape) for a in lines]


r_, c_, mgrid, ogrid = Joined(np.r_), Joined(np.c_), Grid(np.mgrid), Grid(np.ogrid)
