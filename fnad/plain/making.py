"""Functions that make arrays, which a function that is being staged may write traced values to.

An array is ordinary until that happens. Then the place in the code that made it is remembered, and the staging
repeated: what is made there is traced from then on.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from types import CodeType, FrameType
from typing import Any
from weakref import ref

import numpy as np

import fnad.numpy as fnp
from fnad.numpy.creation import writable
from fnad.numpy.dispatch import RULES
from fnad.plain.stand_ins import Function, StandIn, kind_for, meets_traced
from fnad.tracing.state import thread

Site = tuple[CodeType, int]
"""A place in the code: a code object, and an instruction in it."""

MOST_SITES = 10_000


class _Made(threading.local):
    """What was made since the outermost staging of a thread began."""

    def __init__(self) -> None:
        self.arrays: dict[int, tuple[ref[np.ndarray], Site]] = {}
        self.taken: dict[Any, np.ndarray] = {}
        """Copies of arrays as they were when they met traced values, by where and how they lie in memory."""
        self.repeats = 0


_made = _Made()
_traced: dict[tuple[int, int], Site] = {}
"""The sites that make traced arrays, by the code's identity."""


class Maker(StandIn):
    """A function that makes an array: a traced one, by ``make``, where traced values are written to it."""

    __slots__ = ("make",)

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        if thread.builder is None:
            return self.original(*args, **kwargs)
        frame = sys._getframe(1)
        if not self.is_called_by(frame):
            return self.original(*args, **kwargs)
        if meets_traced(args, kwargs):
            return self.rule(*args, **kwargs)
        if (id(frame.f_code), frame.f_lasti) in _traced:
            return self.make(*args, **kwargs)
        made = self.original(*args, **kwargs)
        if type(made) is np.ndarray:
            owner = made if made.base is None else made.base
            _made.arrays[id(owner)] = ref(owner), (frame.f_code, frame.f_lasti)
        return made


def maker(original: Function) -> Maker:
    """The stand-in for a function that makes arrays."""
    rule, make = MAKERS[original]
    made = kind_for(original, Maker)(original, rule)
    made.make = make
    return made


def forget() -> None:
    """Begin with nothing made."""
    _made.arrays.clear()
    _made.taken.clear()
    _made.repeats = 0


def settled(array: Any) -> Any:
    """An array as it is now, if it is one that was made meanwhile, and so may be written to once more."""
    if not _made.arrays or type(array) is not np.ndarray:
        return array
    *_, owner = _owners([array])
    made, _ = _made.arrays.get(id(owner), _NOTHING)
    if made() is not owner:
        return array
    key = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype
    known = _made.taken.get(key)
    if known is None or known.tobytes() != array.tobytes():
        known = _made.taken[key] = array.copy()
    return known


_NOTHING: Any = (lambda: _NOTHING, None)


def may_repeat(most: int) -> bool:
    """Whether the staging may be repeated once more."""
    _made.repeats += 1
    return _made.repeats <= most


def trace(array: Any, frames: Sequence[FrameType]) -> bool:
    """Let what made an array that is written to make traced ones, or else what made those that a frame has names for,
    or all of them: of ``y[i] += v`` the array is a part of y. Whether there is one that has not done so before."""
    named = [value for frame in frames for value in frame.f_locals.values()]
    for owners in ([*_owners([array])], [*_owners(named)], None):
        noted = [(made(), at) for made, at in _made.arrays.values()]
        sites = {at for made, at in noted if owners is None or any([made is owner for owner in owners])}
        fresh = {(id(code), at): (code, at) for code, at in sites if (id(code), at) not in _traced}
        if fresh:
            if len(_traced) > MOST_SITES:
                _traced.clear()
            _traced.update(fresh)
            return True
    return False


def _owners(values: Iterable[Any]) -> Iterator[np.ndarray]:
    """Arrays, and those that own their memory."""
    for value in values:
        while type(value) is np.ndarray:
            yield value
            value = value.base


def _rest(original: Function, *args: Any, **kwargs: Any) -> Any:
    """An ordinary result as one that can be written to; one of the arguments' memory is read anew in every call."""
    made = original(*args, **kwargs)
    is_given = any([isinstance(a, np.ndarray) and np.may_share_memory(a, made) for a in args])
    return thread.builder.tracer(made) if is_given else writable(made)


_FILLED = (np.zeros, np.ones, np.empty, np.full, np.zeros_like, np.ones_like, np.empty_like, np.full_like)
_OF_NUMBERS = (np.arange, np.array, np.asarray, np.asanyarray, np.ascontiguousarray, np.asfortranarray)
_OF_ARRAYS = (
    np.copy, np.linspace, np.diag, np.diagflat, np.tril, np.triu, np.tile, np.repeat, np.concatenate, np.stack,
    np.vstack, np.hstack, np.column_stack, np.outer, np.kron,
)
_KNOWN = (np.eye, np.identity, np.tri, np.vander, np.geomspace, np.logspace, np.fromfunction, np.require)
MAKERS: dict[Function, tuple[Function, Function]] = {
    **{f: (getattr(fnp, f.__name__), getattr(fnp, f.__name__)) for f in _FILLED},
    **{f: (getattr(fnp, f.__name__), partial(_rest, f)) for f in _OF_NUMBERS},
    **{f: (RULES[f], partial(_rest, f)) for f in _OF_ARRAYS},
    **{f: (RULES.get(f, f), partial(_rest, f)) for f in _KNOWN},
}
"""For functions that make arrays, what makes one of traced values, and a traced one of others."""
