"""PTX instructions on bits as LLVM instructions; see instructions.py."""

from __future__ import annotations

from tests.ptxsim.instructions import family, sources
from tests.ptxsim.parse import SIZES, Instruction
from tests.ptxsim.writer import TYPES, Writer


@family("and or xor")
def logic(writer: Writer, instruction: Instruction, kind: str) -> None:
    x, y = sources(writer, instruction, kind, 2)
    writer.write(instruction.operands[0], writer.value(f"{instruction.words[0]} {TYPES[kind]} {x}, {y}"), kind)


@family("not")
def invert(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    writer.write(instruction.operands[0], writer.value(f"xor {TYPES[kind]} {x}, -1"), kind)


@family("shl shr")
def shift(writer: Writer, instruction: Instruction, kind: str) -> None:
    """Shifts by the width or more leave nothing, or the sign."""
    target, value, count = instruction.operands
    name, bits = TYPES[kind], SIZES[kind] * 8
    x, by = writer.read(value, kind), writer.read(count, "u32")
    far = writer.value(f"icmp uge i32 {by}, {bits}")
    by = writer.convert(writer.value(f"and i32 {by}, {bits - 1}"), "i32", name)
    signed = kind[0] == "s" and instruction.words[0] == "shr"
    operation = "shl" if instruction.words[0] == "shl" else "ashr" if signed else "lshr"
    rest = writer.value(f"ashr {name} {x}, {bits - 1}") if signed else "0"
    result = writer.value(f"{operation} {name} {x}, {by}")
    writer.write(target, writer.value(f"select i1 {far}, {name} {rest}, {name} {result}"), kind)


@family("shf", "l r wrap clamp")
def funnel_shift(writer: Writer, instruction: Instruction, _: str) -> None:
    low, high, by = sources(writer, instruction, "b32", 3)
    low, high, by = (writer.value(f"zext i32 {x} to i64") for x in (low, high, by))
    both = writer.value(f"or i64 {writer.value(f'shl i64 {high}, 32')}, {low}")
    if "wrap" in instruction.words:
        by = writer.value(f"and i64 {by}, 31")
    else:
        by = writer.call("umin", "i64", by, "32")
    if instruction.words[1] == "l":
        both = writer.value(f"lshr i64 {writer.value(f'shl i64 {both}, {by}')}, 32")
    else:
        both = writer.value(f"lshr i64 {both}, {by}")
    writer.write(instruction.operands[0], writer.value(f"trunc i64 {both} to i32"), "b32")


def field(writer: Writer, position: str, length: str, kind: str) -> tuple[str, str, str]:
    """Type of twice the bits, and position and length of a bit field in it, at most the bits."""
    bits = SIZES[kind] * 8
    wide, places = f"i{2 * bits}", []
    for operand in (position, length):
        byte = writer.value(f"and i32 {writer.read(operand, 'u32')}, 255")
        places.append(writer.call("umin", wide, writer.convert(byte, "i32", wide), str(bits)))
    return wide, places[0], places[1]


@family("bfe")
def extract_field(writer: Writer, instruction: Instruction, kind: str) -> None:
    target, source, *place = instruction.operands
    wide, position, length = field(writer, place[0], place[1], kind)
    whole = 2 * SIZES[kind] * 8
    value = writer.extend(writer.read(source, kind), kind, whole)
    left = writer.value(f"sub {wide} {whole}, {length}")
    moved = writer.value(f"{'ashr' if kind[0] == 's' else 'lshr'} {wide} {value}, {position}")
    moved = writer.value(f"shl {wide} {moved}, {left}")
    moved = writer.value(f"{'ashr' if kind[0] == 's' else 'lshr'} {wide} {moved}, {left}")
    nothing = writer.value(f"icmp eq {wide} {length}, 0")
    moved = writer.value(f"select i1 {nothing}, {wide} 0, {wide} {moved}")
    writer.write(target, writer.convert(moved, wide, TYPES[kind]), kind)


@family("bfi")
def insert_field(writer: Writer, instruction: Instruction, kind: str) -> None:
    target, source, base, *place = instruction.operands
    wide, position, length = field(writer, place[0], place[1], kind)
    name = TYPES[kind]
    ones = writer.value(f"sub {wide} {writer.value(f'shl {wide} 1, {length}')}, 1")
    mask = writer.convert(writer.value(f"shl {wide} {ones}, {position}"), wide, name)
    value = writer.value(f"shl {wide} {writer.convert(writer.read(source, kind), name, wide)}, {position}")
    value = writer.value(f"and {name} {writer.convert(value, wide, name)}, {mask}")
    rest = writer.value(f"and {name} {writer.read(base, kind)}, {writer.value(f'xor {name} {mask}, -1')}")
    writer.write(target, writer.value(f"or {name} {value}, {rest}"), kind)


@family("bfind", "shiftamt")
def find_leading(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    name, bits = TYPES[kind], SIZES[kind] * 8
    if kind[0] == "s":
        x = writer.value(f"xor {name} {x}, {writer.value(f'ashr {name} {x}, {bits - 1}')}")
    zeros = writer.convert(writer.value(f"call {name} @llvm.ctlz.{name}({name} {x}, i1 false)"), name, "i32")
    result = zeros if "shiftamt" in instruction.words else writer.value(f"sub i32 {bits - 1}, {zeros}")
    nothing = writer.value(f"icmp eq {name} {x}, 0")
    writer.write(instruction.operands[0], writer.value(f"select i1 {nothing}, i32 -1, i32 {result}"), "b32")


@family("popc clz")
def count_bits(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    name = TYPES[kind]
    if instruction.words[0] == "popc":
        count = writer.call("ctpop", name, x)
    else:
        count = writer.value(f"call {name} @llvm.ctlz.{name}({name} {x}, i1 false)")
    writer.write(instruction.operands[0], writer.convert(count, name, "i32"), "u32")


@family("brev")
def reverse_bits(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    writer.write(instruction.operands[0], writer.call("bitreverse", TYPES[kind], x), kind)


@family("lop3")
def three_input_logic(writer: Writer, instruction: Instruction, kind: str) -> None:
    """The OR of those of the eight products of inputs or their contraries that the table's bits name."""
    target, *inputs, table = instruction.operands
    values = [writer.read(operand, kind) for operand in inputs]
    contraries = [writer.value(f"xor i32 {x}, -1") for x in values]
    result = "0"
    for row in range(8):
        if int(table, 0) >> row & 1:
            a, b, c = ((values if row >> 2 - i & 1 else contraries)[i] for i in range(3))
            term = writer.value(f"and i32 {writer.value(f'and i32 {a}, {b}')}, {c}")
            result = writer.value(f"or i32 {result}, {term}")
    writer.write(target, result, "b32")


@family("prmt")
def permute_bytes(writer: Writer, instruction: Instruction, _: str) -> None:
    """Each byte of the result is one of the eight of two words, or its sign, as a hexadecimal digit says."""
    low, high, selector = sources(writer, instruction, "b32", 3)
    low, high = (writer.value(f"zext i32 {x} to i64") for x in (low, high))
    both = writer.value(f"or i64 {writer.value(f'shl i64 {high}, 32')}, {low}")
    result = "0"
    for i in range(4):
        digit = writer.value(f"lshr i32 {selector}, {4 * i}")
        place = writer.value(f"shl i32 {writer.value(f'and i32 {digit}, 7')}, 3")
        place = writer.value(f"zext i32 {place} to i64")
        byte = writer.value(f"trunc i64 {writer.value(f'lshr i64 {both}, {place}')} to i8")
        sign = writer.value(f"icmp ne i32 {writer.value(f'and i32 {digit}, 8')}, 0")
        byte = writer.value(f"select i1 {sign}, i8 {writer.value(f'ashr i8 {byte}, 7')}, i8 {byte}")
        moved = writer.value(f"shl i32 {writer.value(f'zext i8 {byte} to i32')}, {8 * i}")
        result = writer.value(f"or i32 {result}, {moved}")
    writer.write(instruction.operands[0], result, "b32")
