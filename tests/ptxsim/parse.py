"""The text of PTX as data: the entry's parameters, registers and variables, and its statements in order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# The bytes of each fundamental type. Packed pairs of floats appear as instruction types only.
SIZES = {"pred": 1, "f16": 2, "f32": 4, "f64": 8, "f32x2": 8}
SIZES |= {f"{kind}{bits}": bits // 8 for kind in "usb" for bits in (8, 16, 32, 64)}

COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.S)
ENTRY = re.compile(r"\.entry\s+([\w$.]+)\s*\((.*?)\)(.*?)\{", re.S)
PARAMETER = re.compile(r"\.param\s+(?:\.align\s+\d+\s+)?\.(\w+)\s+(?:\.ptr\s.*?)?([\w$.]+)$", re.S)
BLOCK_LIMIT = re.compile(r"\.(?:maxntid|reqntid)\s+(\d+)(?:\s*,\s*(\d+))?(?:\s*,\s*(\d+))?")
VARIABLE = re.compile(
    r"\.(shared|global|const|local)\s+(?:\.align\s+(\d+)\s+)?\.(\w+)\s+([\w$.]+)(?:\[(\d*)\])?"
    r"(?:\s*=\s*(\{[^}]*\}|[^;]+))?\s*(?:;|$)"
)
# A label; or a brace that opens or closes a scope; or a statement, which may hold vectors in braces.
PIECE = re.compile(r"\s*(?:([\w$]+)\s*:(?!:)|([{}])|([^;]*);)")
REGISTERS = re.compile(r"\.reg\s+\.(\w+)\s+(.*)$", re.S)
MANY_REGISTERS = re.compile(r"(%?[\w$]+)<(\d+)>")
INSTRUCTION = re.compile(r"(?:@(!?)(%?[\w$]+)\s+)?([\w.:]+)\s*(.*)$", re.S)
OPERAND = re.compile(r"\{[^}]*\}|\[[^\]]*\]|[^,\s][^,]*")
NAME = re.compile(r"(?<![\w$%.])%?[A-Za-z_$][\w$]*")
IGNORED = (".loc", ".pragma", ".file")


class PtxError(RuntimeError):
    """PTX that is not modelled, a launch that a GPU would refuse, or a mistake that a check found."""


@dataclass(frozen=True)
class Variable:
    """Memory that the PTX declares; `dynamic` shared memory has the size that the launch gives it."""

    space: str
    alignment: int
    name: str
    nbytes: int
    dynamic: bool
    initial: bytes


@dataclass(frozen=True)
class Instruction:
    """`guard` is the predicate that it needs, with "!" where it needs the contrary; "" for none."""

    guard: str
    words: tuple[str, ...]
    operands: tuple[str, ...]

    def __str__(self) -> str:
        return f"{'.'.join(self.words)} {', '.join(self.operands)}"


@dataclass
class Entry:
    """One kernel: where its parameters lie, the types of its registers, its variables, and its code.

    A string in the code is a label. `block_limit` is the number of threads that a block may have.
    """

    name: str
    parameters: dict[str, tuple[int, str]]
    block_limit: int
    registers: dict[str, str] = field(default_factory=dict)
    variables: list[Variable] = field(default_factory=list)
    code: list[Instruction | str] = field(default_factory=list)

    @property
    def parameter_bytes(self) -> int:
        return max((offset + SIZES[kind] for offset, kind in self.parameters.values()), default=0)


def parse(ptx: str) -> Entry:
    """The first entry of PTX text."""
    ptx = COMMENT.sub("", ptx)
    found = ENTRY.search(ptx)
    if not found:
        raise PtxError("there is no .entry")
    end = closing_brace(ptx, found.end())
    limit = BLOCK_LIMIT.search(found.group(3))
    most = min(1024, int(limit[1]) * int(limit[2] or 1) * int(limit[3] or 1)) if limit else 1024
    entry = Entry(found.group(1), parameters(found.group(2)), most)
    for outside in (ptx[: found.start()], ptx[end:]):
        entry.variables += [variable(*match.groups()) for match in VARIABLE.finditer(outside)]
    read_body(entry, ptx[found.end() : end - 1])
    return entry


def closing_brace(text: str, start: int) -> int:
    """The end of what a brace before `start` opens."""
    depth = 1
    for match in re.compile(r"[{}]").finditer(text, start):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.end()
    raise PtxError("the body of the entry has no end")


def parameters(text: str) -> dict[str, tuple[int, str]]:
    """Offset and type of each parameter, laid out as in C."""
    places, offset = {}, 0
    for declaration in filter(None, (part.strip() for part in text.split(","))):
        match = PARAMETER.match(declaration)
        if not match or match[1] not in SIZES:
            raise PtxError(f"a parameter that is not modelled: {declaration}")
        size = SIZES[match[1]]
        offset = -(-offset // size) * size
        places[match[2]] = (offset, match[1])
        offset += size
    return places


def variable(
    space: str, alignment: str | None, kind: str, name: str, count: str | None, initial: str | None
) -> Variable:
    size = SIZES[kind]
    dynamic = space == "shared" and count in ("", "0")
    nbytes = size * int(count or 1)
    return Variable(space, int(alignment or size), name, 0 if dynamic else nbytes, dynamic, contents(initial, kind))


def contents(initial: str | None, kind: str) -> bytes:
    """The bytes that a variable starts with."""
    words = [word.strip() for word in (initial or "").strip("{} \n\t").split(",")]
    try:
        return b"".join(literal(word).to_bytes(8, "little")[: SIZES[kind]] for word in words if word)
    except ValueError:
        raise PtxError(f"a variable starts with what is not modelled: {initial}") from None


def literal(word: str) -> int:
    """The bits of a number, integer or float, in 64 bits."""
    if word[:2] in ("0f", "0F", "0d", "0D"):
        return int(word[2:], 16)
    return int(word.rstrip("U"), 0) & (1 << 64) - 1


def read_body(entry: Entry, body: str) -> None:
    """Put the declarations and statements of a body into the entry.

    Inner scopes may declare registers of a name that is taken (inline assembly does): those of a scope, and those
    without a percent sign, are renamed.
    """
    scopes: list[dict[str, str]] = [{}]
    opened = 0
    for label, brace, statement in PIECE.findall(body):
        if label:
            entry.code.append(label)
        elif brace == "{":
            opened += 1
            scopes.append({})
        elif brace == "}":
            scopes.pop()
        elif match := REGISTERS.match(text := statement.strip()):
            for name in register_names(match[2]):
                plain = name.startswith("%") and len(scopes) == 1
                unique = name if plain else f"%{name.lstrip('%')}__{opened}"
                if not plain:
                    scopes[-1][name] = unique
                entry.registers[unique] = match[1]
        elif match := VARIABLE.match(text):
            entry.variables.append(variable(*match.groups()))
        elif text and not text.startswith(IGNORED):
            entry.code.append(instruction(renamed(text, scopes)))


def register_names(text: str) -> Iterator[str]:
    """The names in `%r<3>, %p`: %r0, %r1, %r2, %p."""
    for part in (part.strip() for part in text.split(",")):
        many = MANY_REGISTERS.fullmatch(part)
        yield from (f"{many[1]}{i}" for i in range(int(many[2]))) if many else (part,)


def renamed(text: str, scopes: list[dict[str, str]]) -> str:
    """A statement with the registers of scopes by their own names, the innermost first."""
    if not any(scopes):
        return text
    names = {old: new for scope in scopes for old, new in scope.items()}
    return NAME.sub(lambda match: names.get(match[0], match[0]), text)


def instruction(text: str) -> Instruction:
    match = INSTRUCTION.match(text)
    if not match:
        raise PtxError(f"not an instruction: {text}")
    negated, guard, words, operands = match.groups()
    parts = tuple(part.strip() for part in OPERAND.findall(operands))
    return Instruction(f"{negated or ''}{guard or ''}", tuple(words.split(".")), parts)
