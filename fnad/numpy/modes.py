"""What indices mean that lie beyond an array: the modes of reading and writing at computed places.

Those that are to be left out read from, or write to, one more slice that the array has meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.numpy.indexing import axes_of, index_array, is_truth
from fnad.numpy.joining import concatenate
from fnad.numpy.promotion import as_places, constant, traced
from fnad.ops.elementwise import add, and_, ge, lt, maximum, minimum, mod, select
from fnad.tracing.tracer import Tracer


def within(x: Tracer, index: tuple[Any, ...], mode: str, fill: Any = 0) -> tuple[Tracer, tuple[Any, ...]]:
    """An array and an index into it whose places lie in it, for an index into ``x``.

    Negative indices count from the end first, but for "wrap". For "fill" and "drop" the array is ``x`` with a slice of
    ``fill`` at the end of each axis that has an index of integers: that is where those beyond lead.
    """
    if mode not in MODES:
        raise ValueError(f"x.at[i]: requires a mode among {', '.join(MODES)}, got {mode!r}. Leave it away for errors.")
    place = MODES[mode]
    kept: list[Any] = []
    for part, axis in zip(index, _first_axes(index, x.ndim)):
        if axis is None or place is None or not _is_integers(part):
            kept.append(part)
            continue
        kept.append(place(as_places(traced(x.builder, index_array(part))), x.shape[axis]))
        if mode in ("fill", "drop"):
            shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
            x = concatenate.__wrapped__([x, constant(x.builder, fill, shape, x.dtype)], axis)
    return x, tuple(kept)


def _first_axes(index: Sequence[Any], ndim: int) -> list[int | None]:
    """The axis that each part of an index begins at; none for new axes and what takes none."""
    takes_none = [part is None or part is Ellipsis or is_truth(part) for part in index]
    sizes = [0 if none else 1 if isinstance(part, slice) else axes_of(part) for part, none in zip(index, takes_none)]
    left, axis, found = ndim - sum(sizes), 0, []  # type: int, int, list[int | None]
    for part, size in zip(index, sizes):
        found.append(axis if size else None)
        axis += left if part is Ellipsis else size
    return found


def _is_integers(part: Any) -> bool:
    return not isinstance(part, slice) and index_array(part).dtype.kind != "b"


def _counted(index: Tracer, n: int) -> Tracer:
    """Places, of which negative ones have counted from the end."""
    return select(lt(index, 0), add(index, n), index)


def _clipped(index: Tracer, n: int) -> Tracer:
    return maximum(minimum(_counted(index, n), n - 1), 0)


def _wrapped(index: Tracer, n: int) -> Tracer:
    return mod(index, max(n, 1))


def _or_beyond(index: Tracer, n: int) -> Tracer:
    """Places, of which those beyond lead to the slice after the last one."""
    counted = _counted(index, n)
    return select(and_(ge(counted, 0), lt(counted, n)), counted, n)


MODES: dict[str, Callable[[Tracer, int], Tracer] | None] = {
    "clip": _clipped, "wrap": _wrapped, "fill": _or_beyond, "drop": _or_beyond, "promise_in_bounds": None,
}


def filling(dtype: np.dtype) -> Any:
    """What "fill" reads where nothing is said: nan, True, and of integers one at the end of what they hold."""
    if dtype.kind in "fc":
        return np.nan
    return True if dtype.kind == "b" else np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max
