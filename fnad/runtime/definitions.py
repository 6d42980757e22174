"""Kernels' source text made functions, for whichever compiler takes them."""

from __future__ import annotations

import linecache
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType
from typing import Any


@contextmanager
def defined(name: str, source: str, words: Mapping[str, Any]) -> Iterator[FunctionType]:
    """The function `kernel` of a source, which errors of compilers can quote as long as the context lasts."""
    filename = f"<kernel {name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace = dict(words)
    try:
        exec(compile(source, filename, "exec"), namespace)
        yield namespace.pop("kernel")
    finally:
        linecache.cache.pop(filename, None)
