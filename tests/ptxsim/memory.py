"""PTX instructions that move data and control, and at which threads meet; see instructions.py."""

from __future__ import annotations

from tests.ptxsim.context import (
    AT_BARRIER, AT_SHUFFLE, AT_VOTE, AT_WARP_BARRIER, ATOMIC, IN_SHARED, LANES, LOAD, MODE, REDUCTION, REDUCTIONS,
    SECOND, SHARED, SHUFFLES, STORE, THIRD, TRAPPED, VALUE, VOTES,
)
from tests.ptxsim.instructions import family, least_or_greatest
from tests.ptxsim.parse import SIZES, Instruction
from tests.ptxsim.writer import FLOATS, TYPES, Writer

SPACES = "global shared local param const"
# How memory is ordered and cached, which makes no difference when one thread runs at a time.
HINTS = "volatile weak relaxed acquire release acq_rel cta cluster gpu sys nc ca cg cs cv lu wb wt"
HINTS += " L1::no_allocate L1::evict_first L1::evict_last L1::evict_normal L2::64B L2::128B L2::256B"


def space_of(instruction: Instruction) -> str:
    return next((word for word in instruction.words if word in SPACES.split()), "generic")


def access(kind: int, space: str) -> int:
    return kind + IN_SHARED * (space == "shared")


def elements(operand: str) -> list[str]:
    """The registers of a vector, or of one."""
    return [part.strip() for part in operand.strip("{} ").split(",")]


# Moving


@family("ld ldu", f"{SPACES} {HINTS} v2 v4 v8")
def load(writer: Writer, instruction: Instruction, kind: str) -> None:
    targets, space, size = elements(instruction.operands[0]), space_of(instruction), SIZES[kind]
    if space == "param":
        base, offset = writer.address(instruction.operands[1])
        place = writer.entry.parameters[base][0] + offset
        pointer = writer.value(f"getelementptr i8, ptr %parameters, i64 {place}")
    else:
        pointer = writer.pointer(instruction.operands[1], space, size, access(LOAD, space), len(targets))
    for i, target in enumerate(targets):
        value = writer.value(f"load {TYPES[kind]}, ptr {writer.offset(pointer, i * size)}, align 1")
        writer.write(target, value, kind)


@family("st", f"{SPACES} {HINTS} v2 v4 v8")
def store(writer: Writer, instruction: Instruction, kind: str) -> None:
    space, size = space_of(instruction), SIZES[kind]
    values = [writer.read(element, kind) for element in elements(instruction.operands[1])]
    pointer = writer.pointer(instruction.operands[0], space, size, access(STORE, space), len(values))
    for i, value in enumerate(values):
        writer.emit(f"store {TYPES[kind]} {value}, ptr {writer.offset(pointer, i * size)}, align 1")


UPDATES = "add exch cas min max and or xor"


@family("atom red", f"{UPDATES} {SPACES} {HINTS}")
def update(writer: Writer, instruction: Instruction, kind: str) -> None:
    target, operands = "_", instruction.operands
    if instruction.words[0] == "atom":
        target, *operands = operands
    space, name = space_of(instruction), TYPES[kind]
    pointer = writer.pointer(operands[0], space, SIZES[kind], access(ATOMIC, space))
    old = writer.value(f"load {name}, ptr {pointer}, align 1")
    values = [writer.read(operand, kind) for operand in operands[1:]]
    operation = next(word for word in instruction.words if word in UPDATES.split())
    new = updated(writer, operation, kind, old, values)
    writer.emit(f"store {name} {new}, ptr {pointer}, align 1")
    writer.write(target, old, kind)


def updated(writer: Writer, operation: str, kind: str, old: str, values: list[str]) -> str:
    """What an atomic operation leaves in memory."""
    name = TYPES[kind]
    if operation == "cas":
        expected, new = values
        same = writer.value(f"icmp eq {name} {old}, {expected}")
        return writer.value(f"select i1 {same}, {name} {new}, {name} {old}")
    (value,) = values
    if operation == "exch":
        return value
    if operation in ("min", "max"):
        return least_or_greatest(writer, operation, kind, old, value)
    return writer.value(f"{'f' * (kind in FLOATS)}{operation} {name} {old}, {value}")


@family("mov")
def move(writer: Writer, instruction: Instruction, kind: str) -> None:
    target, source = instruction.operands
    name, bits = TYPES[kind], SIZES[kind] * 8
    if target.startswith("{"):
        value, parts = writer.read(source, kind), elements(target)
        size = bits // len(parts)
        for i, part in enumerate(parts):
            piece = writer.value(f"lshr {name} {value}, {i * size}")
            writer.write(part, writer.value(f"trunc {name} {piece} to i{size}"), f"b{size}")
    elif source.startswith("{"):
        parts, result = elements(source), "0"
        size = bits // len(parts)
        for i, part in enumerate(parts):
            piece = writer.value(f"zext i{size} {writer.read(part, f'b{size}')} to {name}")
            result = writer.value(f"or {name} {result}, {writer.value(f'shl {name} {piece}, {i * size}')}")
        writer.write(target, result, kind)
    else:
        writer.write(target, writer.read(source, kind), kind)


@family("cvta", "to global shared local const")
def convert_address(writer: Writer, instruction: Instruction, kind: str) -> None:
    """Addresses are the same in every space but in shared memory, where they are offsets."""
    target, source = instruction.operands
    value = writer.read(source, kind)
    if "shared" in instruction.words:
        operation = "sub" if "to" in instruction.words else "add"
        value = writer.value(f"{operation} i64 {value}, {writer.word(SHARED)}")
    writer.write(target, value, kind)


# Control


@family("bra", "uni")
def branch(writer: Writer, instruction: Instruction, _: str) -> None:
    writer.emit(f'br label %"{instruction.operands[0]}"')
    writer.place(writer.new_label())


@family("ret exit", "uni")
def leave(writer: Writer, instruction: Instruction, _: str) -> None:
    writer.emit("br label %finish")
    writer.place(writer.new_label())


@family("trap")
def trap(writer: Writer, instruction: Instruction, _: str) -> None:
    writer.emit(f"store i64 1, ptr {writer.value(f'getelementptr i64, ptr %context, i64 {TRAPPED}')}")
    leave(writer, instruction, "")


@family("membar fence prefetch nanosleep", f"{HINTS} gl sc global L1 L2")
def nothing(writer: Writer, instruction: Instruction, _: str) -> None:
    """One thread runs at a time, and sees what those before it did."""


# Meetings


@family("bar barrier", "sync red warp aligned cta popc and or")
def barrier(writer: Writer, instruction: Instruction, _: str) -> None:
    operands, words = instruction.operands, instruction.words
    if "warp" in words:
        writer.tell(LANES, writer.read(operands[0], "b32"))
        return writer.suspend(AT_WARP_BARRIER)
    if "red" in words:
        return reducing_barrier(writer, instruction)
    if "sync" not in words or operands != ("0",):
        raise ValueError("of a part of the block")
    writer.tell(REDUCTION, "0")
    writer.suspend(AT_BARRIER)


def reducing_barrier(writer: Writer, instruction: Instruction) -> None:
    """A barrier that tells all threads in how many, in all or in any of them a predicate holds."""
    target, number, condition = instruction.operands
    if number != "0":
        raise ValueError(number)
    reduction = next(word for word in instruction.words if word in REDUCTIONS)
    writer.tell(VALUE, writer.value(f"zext i1 {writer.read(condition, 'pred')} to i32"))
    writer.tell(REDUCTION, str(REDUCTIONS[reduction]))
    writer.suspend(AT_BARRIER)
    result = writer.told(VALUE)
    if reduction == "popc":
        writer.write(target, result, "u32")
    else:
        writer.write(target, writer.value(f"trunc i32 {result} to i1"), "pred")


@family("shfl", f"sync {' '.join(SHUFFLES)}")
def shuffle(writer: Writer, instruction: Instruction, _: str) -> None:
    targets, *operands = instruction.operands
    for index, operand in zip((VALUE, SECOND, THIRD, LANES), operands, strict=True):
        writer.tell(index, writer.read(operand, "b32"))
    writer.tell(MODE, str(SHUFFLES[instruction.words[2]]))
    writer.suspend(AT_SHUFFLE)
    value, *within = (target.strip() for target in targets.split("|"))
    writer.write(value, writer.told(VALUE), "b32")
    for target in within:
        writer.write(target, writer.value(f"trunc i32 {writer.told(SECOND)} to i1"), "pred")


@family("vote", f"sync {' '.join(VOTES)}")
def vote(writer: Writer, instruction: Instruction, _: str) -> None:
    target, condition, lanes = instruction.operands
    writer.tell(VALUE, writer.value(f"zext i1 {writer.read(condition, 'pred')} to i32"))
    writer.tell(LANES, writer.read(lanes, "b32"))
    writer.tell(MODE, str(VOTES[instruction.words[2]]))
    writer.suspend(AT_VOTE)
    if instruction.words[2] == "ballot":
        writer.write(target, writer.told(VALUE), "b32")
    else:
        writer.write(target, writer.value(f"trunc i32 {writer.told(VALUE)} to i1"), "pred")
