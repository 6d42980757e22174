"""What the user's code is doing just now, by the instruction that its frame has come to."""

from __future__ import annotations

import dis
import sys
from types import CodeType, FrameType
from typing import Any

from fnad.errors import user_frame

_STORES = [dis.opmap[name] for name in ("STORE_SUBSCR", "STORE_SLICE") if name in dis.opmap]
_READS = [dis.opmap[name] for name in ("BINARY_SUBSCR", "BINARY_SLICE") if name in dis.opmap]
_SUBSCRIPT = [i for i, (name, _) in enumerate(dis._nb_ops) if name == "NB_SUBSCR"]  # type: ignore[attr-defined]
"""From Python 3.14 on x[i] is one of the binary operations."""


def is_storing() -> bool:
    """Whether it is ``x[i] = v``."""
    frame = user_frame(sys._getframe(1))
    return frame is not None and frame.f_code.co_code[frame.f_lasti] in _STORES


def is_reading(frame: FrameType | None = None) -> bool:
    """Whether it, or what this frame does, is ``x[i]``."""
    frame = user_frame(sys._getframe(1)) if frame is None else frame
    if frame is None:
        return False
    operation, argument = frame.f_code.co_code[frame.f_lasti :][:2]
    return operation in _READS or operation == dis.opmap["BINARY_OP"] and argument in _SUBSCRIPT


MOST_CODES = 10_000
_callees: dict[int, tuple[CodeType, dict[int, str]]] = {}


def callees(code: CodeType) -> dict[int, str]:
    """The names of what code calls, by the places of the calls: where Python's compiler has noted their columns."""
    known = _callees.get(id(code))
    if known is None:
        if len(_callees) >= MOST_CODES:
            _callees.clear()
        known = _callees[id(code)] = code, _found_in(code)
    return known[1]


def _found_in(code: CodeType) -> dict[int, str]:
    loaded: dict[Any, list[tuple[Any, str]]] = {}
    found = {}
    for instruction in dis.get_instructions(code):
        line, end_line, column, end_column = instruction.positions or (None,) * 4
        if column is None or end_column is None:
            continue
        start, end = (line, column), (end_line, end_column)
        if instruction.opname.startswith("LOAD_") and isinstance(instruction.argval, str):
            loaded.setdefault(start, []).append((end, instruction.argval))
        elif instruction.opname.startswith("CALL"):
            named = [pair for pair in loaded.get(start, ()) if pair[0] < end]  # np, np.f in np.f(x)
            if named:
                found[instruction.offset] = max(named)[1]
    return found
