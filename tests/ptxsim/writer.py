"""Writing LLVM instructions: PTX registers live in stack slots, which LLVM's first pass turns into values."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tests.ptxsim.context import (
    BLOCK_INDEX, BLOCK_SIZE, DYNAMIC_BYTES, EXCHANGE, EXCHANGE_WORDS, GRID_SIZE, OUT_OF_BOUNDS, SHARED, STATES,
)
from tests.ptxsim.parse import Entry, PtxError

TYPES = {"pred": "i1", "f16": "half", "f32": "float", "f64": "double", "f32x2": "<2 x float>"}
TYPES |= {f"{kind}{bits}": f"i{bits}" for kind in "usb" for bits in (8, 16, 32, 64)}
FLOATS = ("f16", "f32", "f64", "f32x2")
# The suffix of LLVM's intrinsic functions.
SUFFIXES = {"half": "f16", "float": "f32", "double": "f64", "<2 x float>": "v2f32"}

ADDRESS = re.compile(r"\[\s*([^\]+]+?)\s*(?:\+\s*(-?\w+))?\s*\]")
FLOAT = re.compile(r"0[fF][0-9a-fA-F]{8}|0[dD][0-9a-fA-F]{16}")
INTEGER = re.compile(r"-?(0[xX][0-9a-fA-F]+|\d+)U?")
AXIS = re.compile(r"%(tid|ntid|ctaid|nctaid)\.([xyz])")
CONSTANT_REGISTERS = ("%clock", "%clock64", "%smid", "%nsmid", "%globaltimer")


def width(kind: str) -> int:
    """Bits of an LLVM type."""
    return {"half": 16, "float": 32, "double": 64, "<2 x float>": 64}.get(kind) or int(kind[1:])


class Writer:
    """The body of one kernel as LLVM text, in the making.

    `symbols` are the places of variables: an offset for shared memory, else an address. What is marked as meeting
    suspends threads, so that its kernel must be a coroutine.
    """

    def __init__(self, entry: Entry, symbols: Mapping[str, int], checked: bool) -> None:
        self.entry, self.symbols, self.checked = entry, symbols, checked
        self.lines: list[str] = []
        self.meets = False
        self.shared_granule = 4
        self.count = 0
        self.kinds = {name: TYPES[kind] for name, kind in entry.registers.items()}
        self.locals = {v.name: v for v in entry.variables if v.space == "local"}

    # Lines

    def emit(self, line: str) -> None:
        self.lines.append("  " + line)

    def value(self, instruction: str) -> str:
        """The name of what an LLVM instruction gives."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {instruction}")
        return f"%v{self.count}"

    def new_label(self) -> str:
        self.count += 1
        return f"l{self.count}"

    def place(self, label: str) -> None:
        self.lines.append(label + ":")

    def call(self, function: str, kind: str, *arguments: str) -> str:
        """Call an LLVM intrinsic, overloaded by a type that its arguments have."""
        listed = ", ".join(f"{kind} {x}" for x in arguments)
        return self.value(f"call {kind} @llvm.{function}.{SUFFIXES.get(kind, kind)}({listed})")

    def word(self, number: int) -> str:
        """A word of the context."""
        pointer = self.value(f"getelementptr i64, ptr %context, i64 {number}")
        return self.value(f"load i64, ptr {pointer}")

    def convert(self, value: str, source: str, target: str) -> str:
        """The same bits in another LLVM type, cut or filled with zeros."""
        if source == target:
            return value
        have, want = width(source), width(target)
        if have == want:
            return self.value(f"bitcast {source} {value} to {target}")
        if source[0] != "i":
            value = self.value(f"bitcast {source} {value} to i{have}")
        value = self.value(f"{'trunc' if have > want else 'zext'} i{have} {value} to i{want}")
        return value if target[0] == "i" else self.value(f"bitcast i{want} {value} to {target}")

    def extend(self, value: str, kind: str, bits: int) -> str:
        """An integer of a PTX type in more bits."""
        return self.value(f"{'sext' if kind[0] == 's' else 'zext'} {TYPES[kind]} {value} to i{bits}")

    # Operands

    def read(self, operand: str, kind: str) -> str:
        """The value of an operand as a PTX type."""
        want = TYPES[kind]
        if operand.startswith("!"):
            return self.value(f"xor i1 {self.read(operand[1:].strip(), 'pred')}, true")
        if operand in self.kinds:
            have = self.kinds[operand]
            return self.convert(self.value(f"load {have}, ptr {self.slot(operand)}"), have, want)
        if operand.startswith("%"):
            return self.convert(self.special(operand), "i64", want)
        if FLOAT.fullmatch(operand):
            return self.convert(str(int(operand[2:], 16)), f"i{4 * len(operand[2:])}", want)
        if INTEGER.fullmatch(operand):
            return self.integer_constant(int(operand.rstrip("U"), 0), want)
        return self.convert(self.symbol(operand), "i64", want)

    def integer_constant(self, number: int, want: str) -> str:
        if want == "i1":
            return "true" if number else "false"
        bits = width(want)
        text = str(number & (1 << bits) - 1)
        return text if want[0] == "i" else self.value(f"bitcast i{bits} {text} to {want}")

    def symbol(self, name: str) -> str:
        if name in self.locals:
            return self.value(f'ptrtoint ptr %"L{name}" to i64')
        if name in self.symbols:
            return str(self.symbols[name])
        raise PtxError(f"an unknown name: {name}")

    def special(self, register: str) -> str:
        """The value of a special register, as an i64."""
        axis = AXIS.fullmatch(register)
        if axis and axis[1] == "tid":
            return self.value(f"zext i32 %{axis[2]} to i64")
        if axis:
            start = {"ntid": BLOCK_SIZE, "ctaid": BLOCK_INDEX, "nctaid": GRID_SIZE}[axis[1]]
            return self.word(start + "xyz".index(axis[2]))
        if register == "%laneid":
            return self.value("and i64 %thread, 31")
        if register == "%warpid":
            return self.value("lshr i64 %thread, 5")
        if register == "%dynamic_smem_size":
            return self.word(DYNAMIC_BYTES)
        if register in CONSTANT_REGISTERS:
            return "0"
        raise PtxError(f"a special register that is not modelled: {register}")

    def slot(self, register: str) -> str:
        return f'%"{register[1:]}"'

    def write(self, register: str, value: str, kind: str) -> None:
        """Set a register to a value of a PTX type; signed integers are extended by their sign."""
        if register == "_":
            return
        if register not in self.kinds:
            raise PtxError(f"not a register: {register}")
        have, want = TYPES[kind], self.kinds[register]
        if kind[0] == "s" and want[0] == "i" and width(want) > width(have):
            value = self.extend(value, kind, width(want))
        else:
            value = self.convert(value, have, want)
        self.emit(f"store {want} {value}, ptr {self.slot(register)}")

    # Memory

    def address(self, operand: str) -> tuple[str, int]:
        """Base and offset of `[base+offset]`."""
        match = ADDRESS.fullmatch(operand)
        if not match:
            raise PtxError(f"not an address: {operand}")
        return match[1], int(match[2] or "0", 0)

    def pointer(self, operand: str, space: str, size: int, access: int, count: int = 1) -> str:
        """A pointer to what an operand addresses, so many elements of a size, checked before it is used."""
        if space in ("shared", "generic"):
            self.shared_granule = min(self.shared_granule, size)
        base, offset = self.address(operand)
        address = self.read(base, "u64")
        if offset:
            address = self.value(f"add i64 {address}, {offset}")
        if self.checked and space != "local":
            arguments = f"i64 {address}, i64 {size * count}, i64 {access}, i64 %thread, ptr %context"
            found = self.value(f"call i32 @ptxsim_check({arguments})")
            bad, good = self.value(f"icmp eq i32 {found}, {OUT_OF_BOUNDS}"), self.new_label()
            self.emit(f"br i1 {bad}, label %finish, label %{good}")
            self.place(good)
        if space == "shared":
            address = self.value(f"add i64 {address}, {self.word(SHARED)}")
        return self.value(f"inttoptr i64 {address} to ptr")

    def offset(self, pointer: str, nbytes: int) -> str:
        return self.value(f"getelementptr i8, ptr {pointer}, i64 {nbytes}") if nbytes else pointer

    # Meetings

    def suspend(self, state: int) -> None:
        """Wait until the machine lets the thread go on."""
        self.meets = True
        states = self.value(f"inttoptr i64 {self.word(STATES)} to ptr")
        pointer = self.value(f"getelementptr i64, ptr {states}, i64 %thread")
        self.emit(f"store i64 {state}, ptr {pointer}")
        result, after = self.value("call i8 @llvm.coro.suspend(token none, i1 false)"), self.new_label()
        self.emit(f"switch i8 {result}, label %suspended [i8 0, label %{after} i8 1, label %cleanup]")
        self.place(after)

    def exchange(self, index: int) -> str:
        """A pointer to one of the thread's exchange words."""
        words = self.value(f"inttoptr i64 {self.word(EXCHANGE)} to ptr")
        first = self.value(f"mul i64 %thread, {EXCHANGE_WORDS}")
        return self.value(f"getelementptr i32, ptr {words}, i64 {self.value(f'add i64 {first}, {index}')}")

    def tell(self, index: int, value: str) -> None:
        self.emit(f"store i32 {value}, ptr {self.exchange(index)}")

    def told(self, index: int) -> str:
        return self.value(f"load i32, ptr {self.exchange(index)}")
