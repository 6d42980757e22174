"""The line of the user's code that is running: asked for every equation, so each line is looked up once."""

from __future__ import annotations

import sys
import threading
from types import CodeType, FrameType
from typing import NamedTuple

from fnad.errors import is_library_file, is_numpy_file, own_frame


class Source(NamedTuple):
    """The line of the user's code behind an equation."""

    file: str
    line: int
    function: str
    backward: bool = False
    """Whether the equation is part of a derivative of what the line says."""
    scope: str = ""
    """The names that the user has given to the part of the work, from the outermost one."""

    def __str__(self) -> str:
        words = [self.function, *["backward"] * self.backward, *filter(None, [self.scope])]
        return f"{self.file}:{self.line} ({', '.join(words)})"


class Scopes(threading.local):
    """The names that a thread's work goes by."""

    path: str = ""


scopes = Scopes()


MOST_CODES = 4096
"""Code objects that are remembered."""
_codes: dict[int, CodeType] = {}  # kept alive, so that an id stays its owner's
_library: set[int] = set()  # which of them are the library's own code, by id
_lines: dict[int, dict[int, Source]] = {}  # of the others, the lines that were seen, by instruction


def current_source() -> Source | None:
    """The user's line that is running; what called the caller is the library's."""
    frame: FrameType | None = sys._getframe(3)
    while frame is not None:
        code = frame.f_code
        if id(code) not in _library:
            sources = _lines.get(id(code))
            if sources is None:
                sources = _note(code)
            if sources is not None:
                source = sources.get(frame.f_lasti) or sources.setdefault(
                    frame.f_lasti, Source(code.co_filename, frame.f_lineno, code.co_name)
                )
                return source._replace(scope=scopes.path) if scopes.path else source
        frame = frame.f_back
    return None


def own_source() -> Source | None:
    """The user's line that is running, also where a function of another library is what it has called."""
    frame = own_frame(sys._getframe(1))
    return None if frame is None else Source(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)


def _note(code: CodeType) -> dict[int, Source] | None:
    """Remember a code object; gives its lines unless it is the library's."""
    if len(_codes) >= MOST_CODES:
        for known in (_library, _lines, _codes):  # ids first, while their owners are alive
            known.clear()
    _codes[id(code)] = code
    if is_library_file(code.co_filename) or is_numpy_file(code.co_filename):
        _library.add(id(code))
        return None
    return _lines.setdefault(id(code), {})
