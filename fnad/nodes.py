"""Classes as nodes of pytrees: dataclasses become nodes when one is first met, their fields of words static data."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np
import optree

NAMESPACE = "fnad"
registered: set[type] = set()


def register_if_dataclass(cls: type) -> bool:
    """Make a dataclass a node of pytrees; whether it was a dataclass that was none."""
    if cls in registered or not dataclasses.is_dataclass(cls):
        return False
    names = tuple([field.name for field in dataclasses.fields(cls)])
    declared = _static_fields(cls)

    def unflatten_dataclass(static: Any, children: Iterable[Any]) -> Any:
        # Without __init__: a field with init=False or a validating __post_init__ must not get in the way.
        instance = object.__new__(cls)
        fixed = dict(static or ())
        for name, child in [*fixed.items(), *zip([name for name in names if name not in fixed], children)]:
            object.__setattr__(instance, name, child)
        return instance

    def flatten_dataclass(instance: Any) -> tuple[list[Any], Any, Sequence[str]]:
        fixed = {name: getattr(instance, name) for name in declared}
        if declared:
            fixed = {k: v for k, v in fixed.items() if isinstance(v, _STATIC) or declared[k] and not has_array(v)}
        rest = [name for name in names if name not in fixed] if fixed else names
        return [getattr(instance, name) for name in rest], tuple(fixed.items()) or None, rest

    optree.register_pytree_node(
        cls,
        flatten_dataclass,
        unflatten_dataclass,
        path_entry_type=optree.GetAttrEntry,
        namespace=NAMESPACE,
    )
    registered.add(cls)
    return True


_STATIC = (str, bytes, Enum, type(None))


def _static_fields(cls: type) -> dict[str, bool]:
    """The fields of a dataclass that are part of its structure, and whether they are marked so: those of words.

    A field is marked by ``field(metadata={"static": True})``, and a field of words made a leaf by ``False``.
    """
    try:
        hints = get_type_hints(cls)
    except Exception:  # an annotation that names what is not there, or is not meant to be read
        hints = {}
    found = {}
    for field in dataclasses.fields(cls):
        marked = field.metadata.get("static")
        if marked or marked is None and _is_word(hints.get(field.name, field.type)):
            found[field.name] = bool(marked)
    return found


def _is_word(annotation: Any) -> bool:
    """Whether an annotation is of text or of names, which have no derivative and can be no arrays."""
    if get_origin(annotation) in (Union, UnionType):
        parts = [part for part in get_args(annotation) if part is not type(None)]
        return bool(parts) and all(map(_is_word, parts))
    if isinstance(annotation, str):
        return annotation in ("str", "bytes")
    return annotation in (str, bytes) or get_origin(annotation) is Literal or (
        isinstance(annotation, type) and issubclass(annotation, Enum)
    )


def has_array(static: Any) -> bool:
    """Whether static data holds an array, alone or in tuples, lists and dicts."""
    if isinstance(static, (tuple, list, dict)):
        return any([has_array(part) for part in (static.values() if isinstance(static, dict) else static)])
    return hasattr(type(static), "__array__") and not isinstance(static, np.generic)
