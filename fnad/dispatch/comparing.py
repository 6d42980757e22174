"""Whether what was found outside is what it was: values, items, keys, arrays."""

from __future__ import annotations

import decimal
import operator
from collections.abc import Collection
from types import CellType
from typing import Any

import numpy as np

from fnad.dispatch.kinds import is_foreign, is_special, kind_of, taken
from fnad.sameness import typed


def same(a: Any, b: Any) -> bool:
    """Whether two values are the same to Python."""
    if a is b:
        return True
    try:
        return type(a) is type(b) and typed(a) == typed(b)
    except Exception:  # it cannot be hashed, or compared
        return False


def same_items(a: Any, b: Any, kept: Any) -> bool:
    """Whether the items of a long container are as they were."""
    if type(a) is not type(b) or len(a) != len(kept):
        return False
    if isinstance(a, (set, frozenset)):
        return a == kept and {_key(x) for x in a} == {_key(x) for x in kept}
    items = [*a, *a.values()] if isinstance(a, dict) else a
    known = [*kept, *kept.values()] if isinstance(kept, dict) else kept
    return all(map(operator.is_, items, known)) or all(map(same, items, known))


def same_keys(items: Any, kept: list[Any]) -> bool:
    """Whether the keys of a dictionary are as they were, and in their order."""
    return len(items) == len(kept) and all([a is b or _key(a) == _key(b) for a, b in zip(items, kept)])


def _key(item: Any) -> Any:
    """By what a key of a dictionary, or an item of a set, is known: an object by itself, whatever it says it is."""
    return typed(item) if kind_of(item) in (None, "sequence", "flat") else id(item)


def unchanged(array: Any, kept: np.ndarray) -> bool:
    """Whether an array holds what it held."""
    array = taken(array) if is_foreign(array) else array
    if isinstance(array, np.ma.MaskedArray) and not unchanged(np.ma.getmaskarray(array), np.ma.getmaskarray(kept)):
        return False
    array, kept = np.asarray(array), np.asarray(kept)
    if array.dtype.char == "T":  # whose memory holds where the texts are
        return array.shape == kept.shape and bool((array == kept).all())
    if array.nbytes <= 4096:
        return array.tobytes() == kept.tobytes()
    return array.shape == kept.shape and bool((_bits(array) == _bits(kept)).all())


def _bits(array: np.ndarray) -> np.ndarray:
    """An array's memory, in which nan is equal to itself and -0.0 is not 0.0."""
    size = array.dtype.itemsize
    array = np.ascontiguousarray(array)
    return array.view(f"u{size}") if size in (1, 2, 4, 8) else array.view(np.uint8)


def is_unassigned(cell: CellType) -> bool:
    """Whether a closed-over variable has no value yet."""
    try:
        cell.cell_contents
    except ValueError:
        return True
    return False


def has_new(names: Collection[str], known: Collection[str], attributes: Collection[str]) -> bool:
    """Whether a class or module has come to have attributes that may be read."""
    return any([n not in known and (n in attributes or is_special(n)) for n in names])


def arithmetic() -> tuple[Any, ...]:
    """The settings of decimal numbers on this thread."""
    context = decimal.getcontext()
    return (context.prec, context.rounding, context.Emin, context.Emax, context.capitals, context.clamp,
            *context.traps.values())
