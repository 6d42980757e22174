"""PTX instructions as LLVM instructions: a function for each family, in the table FAMILIES.

Each is called with the writer, the instruction, and the PTX type that it works in. A modifier that a family does not
list is an error, so that nothing is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Callable

from tests.ptxsim.parse import SIZES, Instruction, PtxError
from tests.ptxsim.writer import FLOATS, TYPES, Writer, width

Family = Callable[[Writer, Instruction, str], None]
FAMILIES: dict[str, Family] = {}
MODIFIERS: dict[str, frozenset[str]] = {}


def family(names: str, modifiers: str = "") -> Callable[[Family], Family]:
    """Put a function into the table, for some operations, with the modifiers that it knows."""

    def register(function: Family) -> Family:
        for name in names.split():
            FAMILIES[name], MODIFIERS[name] = function, frozenset(modifiers.split())
        return function

    return register


def translate(writer: Writer, instruction: Instruction) -> None:
    """Write one instruction, which a guard may skip."""
    operation, *rest = instruction.words
    known = MODIFIERS.get(operation)
    if known is None or any(word not in known and word not in TYPES and word for word in rest):
        raise PtxError(f"an instruction that is not modelled: {instruction}")
    kind = next((word for word in reversed(rest) if word in TYPES), "")
    try:
        if instruction.guard:
            guarded(writer, instruction, kind)
        else:
            FAMILIES[operation](writer, instruction, kind)
    except (KeyError, IndexError, ValueError, StopIteration) as error:
        raise PtxError(f"an instruction that is not modelled: {instruction} ({error!r})") from error


def guarded(writer: Writer, instruction: Instruction, kind: str) -> None:
    condition = writer.read(instruction.guard, "pred")
    inside, after = writer.new_label(), writer.new_label()
    writer.emit(f"br i1 {condition}, label %{inside}, label %{after}")
    writer.place(inside)
    FAMILIES[instruction.words[0]](writer, instruction, kind)
    writer.emit(f"br label %{after}")
    writer.place(after)


def sources(writer: Writer, instruction: Instruction, kind: str, count: int) -> list[str]:
    """The values of the operands after the first; there must be so many."""
    if len(instruction.operands) != count + 1:
        raise ValueError(f"{count} operands")
    return [writer.read(operand, kind) for operand in instruction.operands[1:]]


def flushed(writer: Writer, value: str, words: tuple[str, ...], kind: str) -> str:
    """A result after .ftz and .sat."""
    if "ftz" in words and kind == "f32":
        small = writer.value(f"fcmp olt float {writer.call('fabs', 'float', value)}, 0x3810000000000000")
        zero = writer.call("copysign", "float", "0.0", value)
        value = writer.value(f"select i1 {small}, float {zero}, float {value}")
    if "sat" in words and kind in FLOATS:
        value = writer.call("maxnum", TYPES[kind], value, "0.0")
        value = writer.call("minnum", TYPES[kind], value, "1.0")
    return value


def rounded(writer: Writer, value: str, mode: str) -> str:
    """A double as a float, rounded to zero (rz) or down (rm)."""
    near = writer.value(f"fptrunc double {value} to float")
    back = writer.value(f"fpext float {near} to double")
    if mode == "rm":
        beyond = writer.value(f"fcmp ogt double {back}, {value}")
    else:
        sizes = [writer.call("fabs", "double", x) for x in (back, value)]
        beyond = writer.value(f"fcmp ogt double {sizes[0]}, {sizes[1]}")
    bits, step = writer.value(f"bitcast float {near} to i32"), "-1"
    if mode == "rm":
        negative = writer.value(f"icmp slt i32 {bits}, 0")
        step = writer.value(f"select i1 {negative}, i32 1, i32 -1")
    bits = writer.value(f"add i32 {bits}, {step}")
    return writer.value(f"select i1 {beyond}, float {writer.value(f'bitcast i32 {bits} to float')}, float {near}")


def directed(words: tuple[str, ...], kind: str) -> str:
    """The rounding mode where it is not to the nearest."""
    mode = next((word for word in words if word in ("rz", "rm", "rp")), "")
    if mode and (kind != "f32" or mode == "rp"):
        raise ValueError(mode)
    return mode


# Arithmetic of floats and integers


@family("add sub mul", "rn rz rm ftz sat lo hi wide cc")
def arithmetic(writer: Writer, instruction: Instruction, kind: str) -> None:
    operation, words = instruction.words[0], instruction.words
    if kind not in FLOATS:
        return integer_arithmetic(writer, instruction, kind)
    x, y = sources(writer, instruction, kind, 2)
    mode = directed(words, kind)
    if mode:
        x, y = (writer.value(f"fpext float {v} to double") for v in (x, y))
        result = rounded(writer, writer.value(f"f{operation} double {x}, {y}"), mode)
    else:
        result = writer.value(f"f{operation} {TYPES[kind]} {x}, {y}")
    writer.write(instruction.operands[0], flushed(writer, result, words, kind), kind)


def integer_arithmetic(writer: Writer, instruction: Instruction, kind: str) -> None:
    words, target = instruction.words, instruction.operands[0]
    if "sat" in words:
        raise ValueError("sat")
    if "cc" in words:
        return with_carry(writer, instruction, kind)
    x, y = sources(writer, instruction, kind, 2)
    if words[0] == "mul":
        return writer.write(target, *product(writer, x, y, words, kind))
    writer.write(target, writer.value(f"{words[0]} {TYPES[kind]} {x}, {y}"), kind)


def product(writer: Writer, x: str, y: str, words: tuple[str, ...], kind: str) -> tuple[str, str]:
    """The low or high half or the whole of a product of integers, and its PTX type."""
    bits = SIZES[kind] * 8
    if "wide" not in words and "hi" not in words:
        return writer.value(f"mul {TYPES[kind]} {x}, {y}"), kind
    x, y = (writer.extend(v, kind, 2 * bits) for v in (x, y))
    whole = writer.value(f"mul i{2 * bits} {x}, {y}")
    if "wide" in words:
        return whole, f"{kind[0]}{2 * bits}"
    high = writer.value(f"lshr i{2 * bits} {whole}, {bits}")
    return writer.value(f"trunc i{2 * bits} {high} to i{bits}"), kind


@family("mad", "lo hi wide cc")
def multiply_add(writer: Writer, instruction: Instruction, kind: str) -> None:
    if "cc" in instruction.words:
        return with_carry(writer, instruction, kind)
    target, *factors, addend = instruction.operands
    x, y = (writer.read(operand, kind) for operand in factors)
    value, kind = product(writer, x, y, instruction.words, kind)
    writer.write(target, writer.value(f"add {TYPES[kind]} {value}, {writer.read(addend, kind)}"), kind)


@family("addc madc", "lo hi cc")
def with_carry(writer: Writer, instruction: Instruction, kind: str) -> None:
    """Sums of more than 64 bits: .cc keeps the carry, addc and madc add it."""
    operation, words = instruction.words[0], instruction.words
    if operation not in ("add", "addc", "mad", "madc") or "wide" in words:
        raise ValueError("cc")
    bits = SIZES[kind] * 8
    wide = f"i{2 * bits}"
    values = sources(writer, instruction, kind, 3 if operation.startswith("mad") else 2)
    if operation.startswith("mad"):
        values[:2] = [product(writer, *values[:2], words, kind)[0]]
    x, y = (writer.value(f"zext i{bits} {v} to {wide}") for v in values)
    total = writer.value(f"add {wide} {x}, {y}")
    if operation.endswith("c"):
        carry = writer.value(f"zext i1 {writer.value('load i1, ptr %carry')} to {wide}")
        total = writer.value(f"add {wide} {total}, {carry}")
    if "cc" in words:
        carry = writer.value(f"trunc {wide} {writer.value(f'lshr {wide} {total}, {bits}')} to i1")
        writer.emit(f"store i1 {carry}, ptr %carry")
    writer.write(instruction.operands[0], writer.value(f"trunc {wide} {total} to i{bits}"), kind)


@family("fma", "rn rz rm ftz sat")
def fused(writer: Writer, instruction: Instruction, kind: str) -> None:
    values = sources(writer, instruction, kind, 3)
    mode = directed(instruction.words, kind)
    if mode:
        values = [writer.value(f"fpext float {v} to double") for v in values]
        result = rounded(writer, writer.call("fma", "double", *values), mode)
    else:
        result = writer.call("fma", TYPES[kind], *values)
    writer.write(instruction.operands[0], flushed(writer, result, instruction.words, kind), kind)


@family("div", "rn approx full ftz")
def divide(writer: Writer, instruction: Instruction, kind: str) -> None:
    x, y = sources(writer, instruction, kind, 2)
    if kind in FLOATS:
        result = flushed(writer, writer.value(f"fdiv {TYPES[kind]} {x}, {y}"), instruction.words, kind)
    else:
        result = integer_division(writer, "div", kind, x, y)
    writer.write(instruction.operands[0], result, kind)


@family("rem")
def remainder(writer: Writer, instruction: Instruction, kind: str) -> None:
    x, y = sources(writer, instruction, kind, 2)
    writer.write(instruction.operands[0], integer_division(writer, "rem", kind, x, y), kind)


def integer_division(writer: Writer, operation: str, kind: str, x: str, y: str) -> str:
    """A quotient or remainder that does not stop the CPU: x / 0 is all ones, and the least number / -1 wraps."""
    name, signed = TYPES[kind], kind[0] == "s"
    zero = writer.value(f"icmp eq {name} {y}, 0")
    minus = writer.value(f"icmp eq {name} {y}, -1") if signed else "false"
    odd = writer.value(f"or i1 {zero}, {minus}")
    divisor = writer.value(f"select i1 {odd}, {name} 1, {name} {y}")
    result = writer.value(f"{'s' if signed else 'u'}{operation} {name} {x}, {divisor}")
    if operation == "rem":
        return writer.value(f"select i1 {zero}, {name} {x}, {name} {result}")
    negated = writer.value(f"sub {name} 0, {x}")
    result = writer.value(f"select i1 {minus}, {name} {negated}, {name} {result}")
    return writer.value(f"select i1 {zero}, {name} -1, {name} {result}")


@family("neg", "ftz")
def negate(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    result = writer.value(f"fneg {TYPES[kind]} {x}" if kind in FLOATS else f"sub {TYPES[kind]} 0, {x}")
    writer.write(instruction.operands[0], flushed(writer, result, instruction.words, kind), kind)


@family("abs", "ftz")
def absolute(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    name = TYPES[kind]
    result = writer.call("fabs", name, x) if kind in FLOATS else writer.value(
        f"call {name} @llvm.abs.{name}({name} {x}, i1 false)")
    writer.write(instruction.operands[0], flushed(writer, result, instruction.words, kind), kind)


@family("min max", "ftz NaN")
def extremum(writer: Writer, instruction: Instruction, kind: str) -> None:
    x, y = sources(writer, instruction, kind, 2)
    result = least_or_greatest(writer, instruction.words[0], kind, x, y, "NaN" in instruction.words)
    writer.write(instruction.operands[0], flushed(writer, result, instruction.words, kind), kind)


def least_or_greatest(writer: Writer, operation: str, kind: str, x: str, y: str, nan: bool = False) -> str:
    if kind in FLOATS:
        return writer.call(f"{operation}{'imum' if nan else 'num'}", TYPES[kind], x, y)
    return writer.call(f"{'s' if kind[0] == 's' else 'u'}{operation}", TYPES[kind], x, y)


@family("copysign")
def copy_sign(writer: Writer, instruction: Instruction, kind: str) -> None:
    sign, size = sources(writer, instruction, kind, 2)
    writer.write(instruction.operands[0], writer.call("copysign", TYPES[kind], size, sign), kind)


@family("rcp sqrt rsqrt ex2 lg2 sin cos tanh", "rn approx ftz")
def function(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    name, words = instruction.words[0], instruction.words
    x = flushed(writer, x, words, kind)
    writer.write(instruction.operands[0], flushed(writer, function_value(writer, name, kind, x), words, kind), kind)


def function_value(writer: Writer, name: str, kind: str, x: str) -> str:
    if name == "rcp":
        return writer.value(f"fdiv {TYPES[kind]} 1.0, {x}")
    if name == "tanh":
        return writer.value(f"call float @tanhf(float {x})")
    if name == "rsqrt":
        wide = writer.value(f"fpext float {x} to double") if kind == "f32" else x
        result = writer.value(f"fdiv double 1.0, {writer.call('sqrt', 'double', wide)}")
        return writer.value(f"fptrunc double {result} to float") if kind == "f32" else result
    return writer.call({"ex2": "exp2", "lg2": "log2"}.get(name, name), TYPES[kind], x)


# Comparison and choice

FLOAT_COMPARISONS = {
    **{name: "o" + name for name in ("eq", "ne", "lt", "le", "gt", "ge")}, "num": "ord", "nan": "uno",
    **{name + "u": "u" + name for name in ("eq", "ne", "lt", "le", "gt", "ge")},
}
UNSIGNED_COMPARISONS = {"lo": "ult", "ls": "ule", "hi": "ugt", "hs": "uge", "eq": "eq", "ne": "ne"}


@family("setp", f"{' '.join(FLOAT_COMPARISONS)} {' '.join(UNSIGNED_COMPARISONS)} and or xor ftz")
def compare(writer: Writer, instruction: Instruction, kind: str) -> None:
    operands, words = instruction.operands, instruction.words
    x, y = writer.read(operands[1], kind), writer.read(operands[2], kind)
    if kind in FLOATS:
        x, y = flushed(writer, x, words, kind), flushed(writer, y, words, kind)
        result = writer.value(f"fcmp {FLOAT_COMPARISONS[words[1]]} {TYPES[kind]} {x}, {y}")
    else:
        sign = "s" if kind[0] == "s" else "u"
        result = writer.value(f"icmp {UNSIGNED_COMPARISONS.get(words[1], sign + words[1])} {TYPES[kind]} {x}, {y}")
    targets, other = [target.strip() for target in operands[0].split("|")], ""
    if len(targets) > 1:
        other = writer.value(f"xor i1 {result}, true")
    if len(operands) > 3:
        combine, third = next(word for word in words if word in ("and", "or", "xor")), writer.read(operands[3], "pred")
        result = writer.value(f"{combine} i1 {result}, {third}")
        other = other and writer.value(f"{combine} i1 {other}, {third}")
    for target, value in zip(targets, (result, other)):
        writer.write(target, value, "pred")


@family("selp")
def choose(writer: Writer, instruction: Instruction, kind: str) -> None:
    target, *choices, condition = instruction.operands
    x, y = (writer.read(choice, kind) for choice in choices)
    chosen = writer.value(f"select i1 {writer.read(condition, 'pred')}, {TYPES[kind]} {x}, {TYPES[kind]} {y}")
    writer.write(target, chosen, kind)


# The bits of LLVM's is.fpclass: both nans; both infinities; normal, subnormal and zero of both signs.
CLASSES = {"notanumber": 0x3, "infinite": 0x204, "number": 0x3FC, "finite": 0x1F8, "normal": 0x168, "subnormal": 0x90}


@family("testp", " ".join(CLASSES))
def classify(writer: Writer, instruction: Instruction, kind: str) -> None:
    (x,) = sources(writer, instruction, kind, 1)
    name, bits = TYPES[kind], CLASSES[instruction.words[1]]
    result = writer.value(f"call i1 @llvm.is.fpclass.{kind}({name} {x}, i32 {bits})")
    writer.write(instruction.operands[0], result, "pred")


# Conversion

ROUNDINGS = {"rni": "roundeven", "rzi": "trunc", "rmi": "floor", "rpi": "ceil"}


@family("cvt", f"{' '.join(ROUNDINGS)} rn rz ftz sat")
def change_type(writer: Writer, instruction: Instruction, _: str) -> None:
    words = instruction.words
    target, source = (word for word in words if word in TYPES)
    value = writer.read(instruction.operands[1], source)
    if source in FLOATS and "ftz" in words:
        value = flushed(writer, value, ("ftz",), source)
    whole = next((ROUNDINGS[word] for word in words if word in ROUNDINGS), "")
    if whole:
        value = writer.call(whole, TYPES[source], value)
    if target in FLOATS:
        result = flushed(writer, to_float(writer, value, source, target, words), words, target)
    elif "sat" in words:
        raise ValueError("sat")
    elif source in FLOATS:
        result = float_to_integer(writer, value, source, target)
    elif SIZES[target] > SIZES[source]:
        result = writer.extend(value, source, width(TYPES[target]))
    else:
        result = writer.convert(value, TYPES[source], TYPES[target])
    writer.write(instruction.operands[0], result, target)


def to_float(writer: Writer, value: str, source: str, target: str, words: tuple[str, ...]) -> str:
    """A float from a float, the conversion rounded to the nearest or to zero, or from an integer."""
    have, want = TYPES[source], TYPES[target]
    if "rz" in words:
        if (source, target) != ("f64", "f32"):
            raise ValueError("rz")
        return rounded(writer, value, "rz")
    if source not in FLOATS:
        return writer.value(f"{'s' if source[0] == 's' else 'u'}itofp {have} {value} to {want}")
    if SIZES[source] == SIZES[target]:
        return value
    return writer.value(f"{'fpext' if SIZES[target] > SIZES[source] else 'fptrunc'} {have} {value} to {want}")


def float_to_integer(writer: Writer, value: str, source: str, target: str) -> str:
    """An integer from a whole float: the nearest there is; from nan, zero, or for 64 bits on a side the least."""
    have, want = TYPES[source], TYPES[target]
    operation = f"fpto{'s' if target[0] == 's' else 'u'}i"
    result = writer.value(f"call {want} @llvm.{operation}.sat.{want}.{source}({have} {value})")
    if source != "f64" and SIZES[target] < 8:
        return result
    nan, least = writer.value(f"fcmp uno {have} {value}, {value}"), 1 << width(want) - 1
    return writer.value(f"select i1 {nan}, {want} {least}, {want} {result}")
