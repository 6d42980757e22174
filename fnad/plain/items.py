"""``data[i]`` of an ordinary array at a traced index.

NumPy's code in C asks the index for an integer. Where that is not known, or would become a guard, the staging is
repeated with a detour for traced keys in the place of that code (fnad/runtime/cpu/detour.py).
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from fnad.arrays import is_numeric
from fnad.instructions import is_reading
from fnad.ir.program import Literal, Var
from fnad.lazy import LazyModule
from fnad.numpy.indexing import getitem
from fnad.numpy.promotion import builder_of, traced_in
from fnad.plain.stand_ins import is_users, meets_traced
from fnad.shield import undisturbed
from fnad.tracing.builder import Builder
from fnad.tracing.state import is_recording, thread
from fnad.tracing.tracer import Tracer
from fnad.tracing.values import inputs_of

_native = LazyModule("fnad.runtime.cpu.detour")
_original = np.ndarray.__getitem__


def detour() -> Any:
    """The detour for traced keys, which `put` and `take` have in its place; ``None`` where there can be none."""
    return undisturbed(lambda: _native.detour(Tracer, _item))


def _item(array: Any, key: Any) -> Any:
    """``array[key]`` for a key with lists or traced values in it."""
    if thread.builder is None or type(array) is not np.ndarray or not is_numeric(array.dtype):
        return _original(array, key)
    frame = sys._getframe(1)
    is_own = is_users(frame) and is_reading(frame) and meets_traced([key], {})
    if not is_own or _is_known(key) and not is_recording():
        return _original(array, key)
    builder = builder_of(key)
    return getitem(builder.tracer(array), key)


def _is_known(key: Any) -> bool:
    """Whether Python may ask for a key without more ado: then it reads the array itself."""
    return all([_has_value(x.builder, x.atom) for x in traced_in(key)])


def _has_value(builder: Builder, atom: Any) -> bool:
    if type(atom) is Literal:
        return True
    return all([_stands_for_value(builder, v) for v in inputs_of(builder, atom)])


def _stands_for_value(builder: Builder, v: Var) -> bool:
    value = builder.outer_values.get(v, builder.stands_for.get(v))
    return value is not None and (type(value) is not Tracer or _has_value(value.builder, value.atom))
