"""The names that code loads: of globals, closed-over variables, attributes and modules."""

from __future__ import annotations

import dis
from types import CodeType
from typing import NamedTuple

from fnad.memo import Memo


class Code(NamedTuple):
    """The names a function's code, and that of functions written in it, may read."""

    globals: tuple[str, ...]
    cells: frozenset[str]
    attributes: frozenset[str]
    filled: frozenset[str]
    """Of all these the names that are loaded for nothing but `FILLING`."""
    imports: tuple[tuple[str, int], ...]
    """Modules that it imports, each with the level of a relative import."""
    is_dynamic: bool
    """Whether it reads attributes by names that are made while it runs."""
    is_matching: bool
    """Whether it has ``case Class(...)`` patterns."""


FILLING = {"append", "appendleft", "extend", "extendleft", "insert", "add", "clear"}
"""Methods of containers that read nothing of them: a list to which a function only appends is no input of it."""
OF_FUNCTIONS = {"__name__", "__qualname__", "__module__", "__doc__", "__annotations__"}
"""Attributes that every function has."""
MAKING = {"__init__", "__post_init__"}
"""Methods that run when an object is made, and not otherwise."""
_WHERE = ("globals", "cells", "attributes")
_KINDS = {
    **dict.fromkeys(("LOAD_GLOBAL", "LOAD_NAME"), "globals"),
    **dict.fromkeys(("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF"), "cells"),
    **dict.fromkeys(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR", "DELETE_ATTR", "IMPORT_FROM"), "attributes"),
}
_DYNAMIC = {"getattr", "hasattr", "vars", "globals", "eval", "exec", "attrgetter", "methodcaller", "__dict__",
            "__getattribute__", "dir", "getmembers"}
_codes = Memo(4096)


def read_by(code: CodeType) -> Code:
    """The names that code loads."""
    return _codes.get(code, lambda: _read_by(code))


def _read_by(code: CodeType) -> Code:
    names, cells, attributes = found = {}, {}, {}
    filled, read, imports = set(), set(), {}
    is_dynamic = is_matching = False
    instructions = list(dis.get_instructions(code))
    for i, (instruction, following) in enumerate(zip(instructions, [*instructions[1:], None])):
        name, kind = instruction.argval, _KINDS.get(instruction.opname)
        literal = _literal(instructions[i + 1 :]) if name in ("getattr", "hasattr") and kind == "globals" else None
        if literal is not None:
            attributes[literal] = None
            read.add(literal)
        if kind is not None:
            found[_WHERE.index(kind)][name] = None
            is_dynamic |= name in _DYNAMIC and literal is None
            is_filled = following is not None and _KINDS.get(following.opname) == "attributes"
            (filled if is_filled and following.argval in FILLING else read).add(name)
        elif instruction.opname == "IMPORT_NAME":
            imports[name, instructions[i - 2].argval] = None  # before it are loaded the level and a list of names
        elif instruction.opname == "MATCH_CLASS":
            is_matching = True
            attributes.update(dict.fromkeys(instructions[i - 1].argval))
            read.update(instructions[i - 1].argval)
    for inner in [read_by(c) for c in code.co_consts if isinstance(c, CodeType)]:
        names.update(dict.fromkeys(inner.globals))
        cells.update(dict.fromkeys(inner.cells))
        attributes.update(dict.fromkeys(inner.attributes))
        filled |= inner.filled
        read |= {*inner.globals, *inner.cells, *inner.attributes} - inner.filled
        imports.update(dict.fromkeys(inner.imports))
        is_dynamic |= inner.is_dynamic
        is_matching |= inner.is_matching
    return Code(tuple(names), frozenset(cells), frozenset(attributes), frozenset(filled - read), tuple(imports),
                is_dynamic, is_matching)


def _literal(following: list[dis.Instruction]) -> str | None:
    """The name that ``getattr(x, "name")`` is given, from what follows where ``getattr`` is loaded."""
    depth, given = 0, None
    for instruction in following:
        name, argument = instruction.opname, instruction.argval
        if name in ("PRECALL", "CALL") and argument in (2, 3) and depth == argument:
            return given
        if "JUMP" in name:
            return None
        if depth == 1 and name == "LOAD_CONST" and type(argument) is str:
            given = argument
        depth += dis.stack_effect(instruction.opcode, instruction.arg, jump=False)
        if depth < 2:
            given = None
    return None
