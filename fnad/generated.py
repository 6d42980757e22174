"""Functions written out as source, for what would be a walk at each call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def define(source: str, words: Mapping[str, Any]) -> Callable[..., Any]:
    """The function ``function`` of a source in which words stand for values.

    >>> define("def function(x): return x + w0", {"w0": 2})(1)
    3
    """
    namespace = dict(words)
    exec(compile(source, "<generated>", "exec"), namespace)
    return namespace.pop("function")  # else each would hold the other until the collector comes by


def word(words: dict[str, Any], value: Any) -> str:
    """The name of a value in source; it is kept among the words where source cannot spell it."""
    if type(value) in (str, int):
        return repr(value)
    name = f"w{len(words)}"
    words[name] = value
    return name
