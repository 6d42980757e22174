"""Loads and calls of code, as chains of names: ``np.random.rand``, ``Path(...).read_text``.

The code is run through without its values: a chain stands for what would lie on the stack, where it can be told.
"""

from __future__ import annotations

import dis
from collections.abc import Mapping
from types import CodeType
from typing import Any, NamedTuple

from fnad.memo import Memo


class Chain(NamedTuple):
    """A name, an attribute of what another chain gives, or what a call of that gives."""

    how: str
    """``global``, ``cell``, ``module``, ``constant``, ``attribute``, ``call``, or ``unknown``."""
    name: Any = None
    of: Chain | None = None

    def __str__(self) -> str:
        if self.how == "call":
            return f"{self.of}(...)"
        if self.how == "attribute":
            return f"{self.of}.{self.name}"
        return str(self.name[0] if self.how == "module" else self.name)


class Use(NamedTuple):
    """A load of what a chain gives, or a call of it."""

    code: CodeType
    offset: int
    line: int
    is_call: bool
    is_bare: bool
    """Whether it is called without arguments, or with nothing but None."""


UNKNOWN = Chain("unknown")
_NULL = Chain("null")
_NONE = Chain("constant", None)
_GETATTR = Chain("global", "getattr")
_codes = Memo(4096)
_KEEPING = {"RESUME", "NOP", "CACHE", "PRECALL", "KW_NAMES", "EXTENDED_ARG", "MAKE_CELL", "COPY_FREE_VARS",
            "RETURN_GENERATOR", "NOT_TAKEN"}
"""Instructions that leave the stack as it is."""
_FINAL = ("JUMP_FORWARD", "JUMP_BACKWARD", "RETURN_", "RAISE_VARARGS", "RERAISE")
"""After these the code does not go on with the next instruction."""
_POPPING = ("POP_", "STORE_", "DELETE_", "END_", "LIST_", "SET_", "DICT_", "MAP_ADD", *_FINAL)


def uses_in(code: CodeType) -> Mapping[Chain, list[Use]]:
    """The chains that code, and the functions written in it, load and call."""
    return _codes.get(code, lambda: _Walk(code, {}).uses)


class _Walk:
    """One pass over the instructions of code; what a local variable is set to last counts as its value."""

    def __init__(self, code: CodeType, outer: Mapping[str, Chain]) -> None:
        self.code, self.outer = code, outer
        self.uses: dict[Chain, list[Use]] = {}
        self.stack: list[Chain] = []
        self._names: dict[str, Chain] = {}
        self._line = code.co_firstlineno
        targets: dict[int, list[Chain]] = {}
        goes_on = True
        for instruction in dis.get_instructions(code):
            if not goes_on:
                self.stack = list(targets.get(instruction.offset, ()))
            self._line = instruction.positions.lineno or self._line
            if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
                effect = dis.stack_effect(instruction.opcode, instruction.arg, jump=True)
                targets.setdefault(instruction.argval, self._resized(effect))
            self._step(instruction)
            goes_on = not instruction.opname.startswith(_FINAL)
        for inner in [c for c in code.co_consts if isinstance(c, CodeType)]:
            for chain, uses in _Walk(inner, {**self.outer, **self._names}).uses.items():
                self.uses.setdefault(chain, []).extend(uses)

    def _step(self, instruction: dis.Instruction) -> None:
        name, argument = instruction.opname, instruction.argval
        if name in _KEEPING:
            return
        if name == "CALL_FUNCTION_EX":
            self._call(instruction, 1 - dis.stack_effect(instruction.opcode, instruction.arg), False)
        elif name in ("CALL", "CALL_KW"):
            given = argument + (name == "CALL_KW")
            is_bare = all([v == _NONE for v in self.stack[len(self.stack) - argument :]])
            self._call(instruction, given + 2, is_bare)
        elif name in ("LOAD_ATTR", "LOAD_METHOD", "IMPORT_FROM"):
            self._attribute(instruction)
        elif name.startswith("STORE_FAST") or name in ("STORE_DEREF", "STORE_NAME"):
            self._store(name, argument if type(argument) is tuple else (argument,))
        elif name == "COPY" and len(self.stack) >= argument:
            self.stack.append(self.stack[-argument])
        elif name == "SWAP" and len(self.stack) >= argument:
            self.stack[-1], self.stack[-argument] = self.stack[-argument], self.stack[-1]
        else:
            loaded = self._loaded(instruction)
            self.stack = self._resized(dis.stack_effect(instruction.opcode, instruction.arg, jump=False))
            if loaded:
                self.stack[len(self.stack) - len(loaded) :] = loaded
            elif self.stack and not name.startswith(_POPPING):
                self.stack[-1] = UNKNOWN

    def _resized(self, effect: int) -> list[Chain]:
        return self.stack[:effect] if effect < 0 else [*self.stack, *[UNKNOWN] * effect]

    def _pop(self) -> Chain:
        return self.stack.pop() if self.stack else UNKNOWN

    def _loaded(self, instruction: dis.Instruction) -> list[Chain]:
        """The chains that an instruction pushes."""
        name, argument = instruction.opname, instruction.argval
        if name in ("LOAD_GLOBAL", "LOAD_NAME"):
            chain = self._used(Chain("global", argument), instruction)
            is_first = name == "LOAD_GLOBAL" and dis.stack_effect(instruction.opcode, instruction.arg) == 2
            return [_NULL, chain] if is_first else [chain]
        if name in ("LOAD_DEREF", "LOAD_CLASSDEREF"):
            known = self._names if argument in self.code.co_cellvars else {"": UNKNOWN, **self.outer}
            return [self._used(known.get(argument, Chain("cell", argument)), instruction)]
        if name.startswith("LOAD_FAST"):
            return [self._names.get(n, UNKNOWN) for n in (argument if type(argument) is tuple else (argument,))]
        if name in ("LOAD_CONST", "LOAD_SMALL_INT"):
            return [Chain("constant", argument) if type(argument) in (int, str, type(None)) else UNKNOWN]
        if name == "PUSH_NULL":
            return [_NULL]
        if name == "IMPORT_NAME":
            level, names = self.stack[-2:]
            is_top = names == _NONE and not level.name  # `import a.b` gives a
            return [Chain("module", (argument.partition(".")[0] if is_top else argument, level.name or 0))]
        return []

    def _used(self, chain: Chain, instruction: dis.Instruction, is_call: bool = False, is_bare: bool = False) -> Chain:
        self.uses.setdefault(chain, []).append(Use(self.code, instruction.offset, self._line, is_call, is_bare))
        return chain

    def _attribute(self, instruction: dis.Instruction) -> None:
        owner = self.stack[-1] if self.stack else UNKNOWN
        made = self._used(Chain("attribute", instruction.argval, owner), instruction)
        if instruction.opname == "IMPORT_FROM":
            self.stack.append(made)
            return
        self._pop()
        is_method = dis.stack_effect(instruction.opcode, instruction.arg) == 1
        self.stack += [made, UNKNOWN] if is_method else [made]

    def _call(self, instruction: dis.Instruction, count: int, is_bare: bool) -> None:
        taken = [self._pop() for _ in range(count)]
        function = taken[-1] if taken[-1] != _NULL else taken[-2]
        self._used(function, instruction, True, is_bare)
        if function == _GETATTR and len(taken) in (4, 5) and type(taken[-4].name) is str:
            self.stack.append(self._used(Chain("attribute", taken[-4].name, taken[-3]), instruction))
            return
        self.stack.append(Chain("call", None, function) if function.how != "unknown" else UNKNOWN)

    def _store(self, name: str, variables: tuple[str, ...]) -> None:
        for k, variable in enumerate(variables):
            if name == "STORE_FAST_LOAD_FAST" and k == 1:
                self.stack.append(self._names.get(variable, UNKNOWN))
            else:
                self._names[variable] = self._pop()
