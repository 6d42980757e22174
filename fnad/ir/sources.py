"""Which line of the user's code is running: asked for every equation, so each line is looked up once."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import NamedTuple

from fnad.errors import is_library_file, is_numpy_file
from fnad.ir.program import Source


class _Lines(NamedTuple):
    """The lines that a code object has been seen at, by its instruction; ``None`` for the library's own code."""

    code: CodeType  # kept alive, so that its id stays its own
    sources: dict[int, Source] | None


_lines: dict[int, _Lines] = {}
MOST_CODES = 4096
"""Code objects that are remembered."""


def current_source() -> Source | None:
    """The user's line that is running."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        known = _lines.get(id(code)) or _note(code)
        if known.sources is not None:
            source = known.sources.get(frame.f_lasti)
            if source is None:
                source = known.sources[frame.f_lasti] = Source(code.co_filename, frame.f_lineno, code.co_name)
            return source
        frame = frame.f_back
    return None


def _note(code: CodeType) -> _Lines:
    if len(_lines) >= MOST_CODES:
        _lines.clear()
    is_users = not (is_library_file(code.co_filename) or is_numpy_file(code.co_filename))
    known = _lines[id(code)] = _Lines(code, {} if is_users else None)
    return known
