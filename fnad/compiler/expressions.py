"""Scalar expressions of primitives as kernel source.

An expression such as ``select({0} > 0, {1}, 0)`` names no dtype. Here each of its operations is
written so that the result keeps the operands' dtype, where numba's own operators would widen it, and
has NumPy's meaning.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from fnad.ir.primitive import Kind
from fnad.ir.program import Equation, Literal, is_total
from fnad.ir.types import BOOL
from fnad.kernels.dtypes import COMPUTED, dtype_word
from fnad.kernels.elementary import COMPLEX_ULPS, ULPS
from fnad.ops.elementwise import power

_INTRINSICS = {
    "sqrt", "floor", "ceil", "trunc", "rint", "copysign", "maximum", "minimum", "fmod", "floor_divide", "select",
    "gcd",
}
_RENAMED = {"mod": "remainder", "shift_left": "left_shift", "shift_right": "right_shift"}
_CHEAP = {"select", "maximum", "minimum", "fmax", "fmin", "isfinite"}
_ON_FLOATS = {
    "abs": "fabs({0})",
    "sign": "select({0} == {zero}, {zero}, select({0} > {zero}, {one}, select({0} < {zero}, -{one}, {0})))",
    "fmax": "select({0} != {0}, {1}, select({1} != {1}, {0}, maximum({0}, {1})))",
    "fmin": "select({0} != {0}, {1}, select({1} != {1}, {0}, minimum({0}, {1})))",
    "isnan": "({0} != {0})",
    "isinf": "(fabs({0}) == {inf})",
    "isfinite": "(fabs({0}) < {inf})",
    "signbit": "(bitcast({0}, {int}) < 0)",
}
_ON_INTEGERS = {
    "abs": "select({0} < {zero}, negate({0}), {0})",
    "sign": "select({0} == {zero}, {zero}, select({0} > {zero}, {one}, negate({one})))",
    "fmax": "maximum({0}, {1})",
    "fmin": "minimum({0}, {1})",
    "pow": "integer_power({0}, {1})",
    "not_": "{word}(~{0})",
    "isnan": "({0} != {0})",
}
_ON_BOOLEANS = {
    "abs": "{0}", "fmax": "add({0}, {1})", "fmin": "multiply({0}, {1})", "maximum": "add({0}, {1})",
    "minimum": "multiply({0}, {1})", "not_": "({0} == False)",
}
# In terms of the parts, and of other operations: by NumPy's order, which goes by the real part first.
_ON_COMPLEX = {
    "abs": "hypot(real({0}), imag({0}))",
    "conjugate": "complex(real({0}), -imag({0}))",
    "isnan": "isnan(real({0})) | isnan(imag({0}))",
    "isinf": "isinf(real({0})) | isinf(imag({0}))",
    "isfinite": "isfinite(real({0})) & isfinite(imag({0}))",
    "==": "(real({0}) == real({1})) & (imag({0}) == imag({1}))",
    "!=": "(real({0}) != real({1})) | (imag({0}) != imag({1}))",
} | {
    symbol: f"select(real({{0}}) == real({{1}}), imag({{0}}) {symbol} imag({{1}}), "
    f"(real({{0}}) {symbol[0]} real({{1}})) & ~isnan(imag({{0}})) & ~isnan(imag({{1}})))"
    for symbol in ("<", "<=", ">", ">=")
}
_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}
_BOOLEAN_OPERATORS = {"+": "add", "*": "multiply", "&": "multiply", "|": "add"}
_INTEGER_OPERATORS = {"+": "add", "-": "subtract", "*": "multiply"}
_COMPLEX_OPERATORS = _INTEGER_OPERATORS | {"/": "divide"}
_COMPLEX_WORDS = {word: word for word in _INTEGER_OPERATORS.values()}


def has_source(eqn: Equation) -> bool:
    """Whether an elementwise equation can be written as kernel source."""
    dtypes = [a.type.dtype for a in (*eqn.inputs, *eqn.outputs)]
    if eqn.primitive.expression is None or not COMPUTED.issuperset(dtypes) or not is_total(eqn):
        return False  # an error is nothing that a loop has a way for
    try:
        source_of(eqn, ["x"] * len(eqn.inputs))
    except KeyError:
        return False
    return True


def _expression(eqn: Equation) -> str:
    """The scalar expression, in which the name of a function may be a parameter."""
    return eqn.primitive.expression.replace("{function}", eqn.params.get("function", ""))


@cache
def _functions(expression: str) -> frozenset[str]:
    """The functions in a scalar expression."""
    return frozenset(re.findall(r"([a-z]\w*)\(", expression))


def is_elementary(eqn: Equation) -> bool:
    """Whether an equation computes an elementary function, which takes much longer than arithmetic."""
    return eqn.primitive.is_elementwise and not _functions(_expression(eqn)).isdisjoint(ULPS)


def takes_any_number(eqn: Equation) -> bool:
    """Whether an elementwise equation runs the same, and as fast, whatever the numbers are that it takes."""
    return eqn.primitive.is_elementwise and _functions(_expression(eqn)) <= _CHEAP


def _is_root(eqn: Equation) -> bool:
    """Whether it is a power by the number 0.5, which NumPy computes as a root, with other values at -0 and -inf."""
    if eqn.primitive is not power or eqn.outputs[0].type.dtype not in (np.float32, np.float64):
        return False
    return isinstance(eqn.inputs[1], Literal) and eqn.inputs[1].value == 0.5


def source_of(eqn: Equation, operands: Sequence[str]) -> str:
    """An elementwise equation as an expression of kernel source; ``KeyError`` for an operation without one."""
    assert eqn.primitive.expression is not None
    dtypes = tuple([a.type.dtype for a in eqn.inputs])
    expression = "sqrt({0})" if _is_root(eqn) else _expression(eqn)
    return _template(expression, dtypes, eqn.outputs[0].type.dtype)[0].format(*operands)


def constant(value: Any, dtype: np.dtype) -> str:
    """A number of a dtype."""
    if dtype.kind == "b":
        return str(bool(value))
    if dtype.kind in "iu":
        return f"{dtype_word(dtype)}({int(value)})"
    if dtype.kind == "V":
        return f"({', '.join([f'uint64({word})' for word in value.item()])})"
    if dtype.kind == "c":
        return f"{dtype_word(dtype)}(complex({_float(value.real)}, {_float(value.imag)}))"
    return f"{dtype_word(dtype)}({_float(value)})"


def _float(value: Any) -> str:
    """A float as Python writes it, with what it has no literal for spelled out."""
    if np.isnan(value):
        nan = "(1e999 - 1e999)"
        return nan if np.signbit(value) == np.signbit(eval(nan)) else f"-{nan}"
    if np.isinf(value):
        return f"{'-' if value < 0 else ''}1e999"
    return repr(float(value))


@cache
def _template(expression: str, dtypes: tuple[np.dtype, ...], result: np.dtype) -> tuple[str, np.dtype]:
    """An expression as source with places for the operands, and its dtype; ``result`` is that of numbers alone."""
    names = [f"operand{i}" for i in range(len(dtypes))]
    body = ast.parse(expression.format(*names), mode="eval").body
    writer = _Writer(dict(zip(names, dtypes)), result)
    text, dtype = writer.write(body)
    if dtype is None:
        text, dtype = constant(float(text), result), result
    for i, name in enumerate(names):
        text = text.replace(name, f"{{{i}}}")
    return text, dtype


Written = tuple[str, np.dtype | None]
"""Source, and its dtype; ``None`` for a number that takes the dtype of its company."""


class _Writer:
    def __init__(self, operands: dict[str, np.dtype], result: np.dtype) -> None:
        self.operands, self.result = operands, result

    def write(self, node: ast.expr) -> Written:
        return getattr(self, f"write_{type(node).__name__.lower()}")(node)

    def write_name(self, node: ast.Name) -> Written:
        return node.id, self.operands[node.id]

    def write_constant(self, node: ast.Constant) -> Written:
        return repr(node.value), None

    def write_unaryop(self, node: ast.UnaryOp) -> Written:
        text, dtype = self.write(node.operand)
        if isinstance(node.op, ast.Invert):
            return self._call("not_", [(text, dtype)])
        if dtype is None or dtype.kind == "f":
            return f"(-{text})", dtype
        return f"negate({text})", dtype

    def write_binop(self, node: ast.BinOp) -> Written:
        symbol = _OPERATORS[type(node.op)]
        (left, right), dtype = self._together([self.write(node.left), self.write(node.right)])
        if dtype == BOOL:
            if symbol == "^":
                return f"({left} != {right})", dtype
            return f"{_BOOLEAN_OPERATORS[symbol]}({left}, {right})", dtype
        if dtype.kind == "c":
            return self._call(_COMPLEX_OPERATORS[symbol], [(left, dtype), (right, dtype)])
        if dtype.kind in "iu" and symbol in _INTEGER_OPERATORS:
            return f"{_INTEGER_OPERATORS[symbol]}({left}, {right})", dtype
        text = f"({left} {symbol} {right})"
        return (text if dtype.kind == "f" else f"{dtype_word(dtype)}{text}"), dtype

    def write_compare(self, node: ast.Compare) -> Written:
        pair, dtype = self._together([self.write(node.left), self.write(node.comparators[0])])
        symbol = _OPERATORS[type(node.ops[0])]
        return _by_parts(symbol, pair, dtype) if dtype.kind == "c" else (f"({pair[0]} {symbol} {pair[1]})", BOOL)

    def write_call(self, node: ast.Call) -> Written:
        name = node.func.id  # type: ignore[attr-defined]
        return self._call(name, [self.write(a) for a in node.args])

    def _call(self, name: str, arguments: list[Written]) -> Written:
        if name == "convert":
            return self._converted(*arguments[0]), self.result
        if name == "bitcast":
            return f"bitcast({arguments[0][0]}, {dtype_word(self.result)})", self.result
        if name == "select":
            condition, *chosen = arguments
            texts, dtype = self._together(chosen)
            return f"select({condition[0]}, {texts[0]}, {texts[1]})", dtype
        texts, dtype = self._together(arguments)
        if name in ("real", "imag"):
            return f"{name}({texts[0]})", _part(dtype)
        if name == "complex":
            return f"complex_of({', '.join(texts)})", np.result_type(dtype, np.complex64)
        if dtype.kind == "c" and name in _ON_COMPLEX:
            return _by_parts(name, texts, dtype)
        found = _special(name, dtype)
        if found is None:
            return f"{_function(name, dtype)}({', '.join(texts)})", dtype
        return found.format(*texts, **_constants(dtype)), BOOL if name.startswith("is") or name == "signbit" else dtype

    def _converted(self, text: str, dtype: np.dtype | None) -> str:
        if dtype.kind == "c" and self.result.kind in "iuf":
            return self._converted(f"real({text})", _part(dtype))
        if self.result == BOOL and dtype.kind == "c":
            return _by_parts("!=", [text, constant(0, dtype)], dtype)[0]
        if self.result == BOOL:
            return f"({text} != {constant(0, dtype)})" if dtype != BOOL else text
        if dtype == BOOL:
            return f"select({text}, {constant(1, self.result)}, {constant(0, self.result)})"
        word = dtype_word(self.result)
        if self.result.kind == "c" and dtype.kind != "c":
            part = _part(self.result)
            return f"complex_of({dtype_word(part)}({text}), {constant(0, part)})"
        return f"truncated({text}, {word})" if dtype.kind == "f" and self.result.kind in "iu" else f"{word}({text})"

    def _together(self, written: list[Written]) -> tuple[list[str], np.dtype]:
        """Operands of one operation; numbers among them take the others' dtype, or the result's."""
        dtype = next((d for _, d in written if d is not None), self.result)
        return [t if d is not None else constant(float(t), dtype) for t, d in written], dtype


def _part(dtype: np.dtype) -> np.dtype:
    """The dtype of a complex dtype's parts."""
    return dtype.type(0).real.dtype


def _by_parts(name: str, texts: list[str], dtype: np.dtype) -> Written:
    """An operation on complex numbers, written in others."""
    template, result = _template(_ON_COMPLEX[name], (dtype,) * len(texts), dtype)
    return template.format(*texts), result


def _special(name: str, dtype: np.dtype) -> str | None:
    if dtype.kind == "c":
        return None
    table = _ON_FLOATS if dtype.kind == "f" else _ON_BOOLEANS if dtype == BOOL else _ON_INTEGERS
    return table.get(name)


def _function(name: str, dtype: np.dtype) -> str:
    """The word of kernel source that computes a function of a dtype."""
    if dtype.kind == "c":
        return f"{name}_{dtype_word(dtype)}" if name in COMPLEX_ULPS else _COMPLEX_WORDS[name]
    if name in ULPS and dtype.kind == "f":
        return f"{name}_{dtype_word(dtype)}"
    if name in _INTRINSICS:
        return name
    return _RENAMED[name]


def _constants(dtype: np.dtype) -> dict[str, str]:
    words = {"zero": constant(0, dtype), "one": constant(1, dtype), "word": dtype_word(dtype)}
    if dtype.kind == "f":
        words |= {"inf": constant(np.inf, dtype), "int": f"int{8 * dtype.itemsize}"}
    return words


# --- Reductions


class Accumulation(NamedTuple):
    """The words by which a reduction takes a term and joins partial results, and its start."""

    take: str
    join: str
    start: Callable[[np.dtype], str]


def _extreme(sign: int) -> Callable[[np.dtype], str]:
    def start(dtype: np.dtype) -> str:
        if dtype.kind == "f":
            return constant(sign * np.inf, dtype)
        limits = np.iinfo(dtype)
        return constant(limits.max if sign > 0 else limits.min, dtype)

    return start


ACCUMULATIONS = {
    "add": Accumulation("radd", "add", lambda dtype: constant(0, dtype)),
    "multiply": Accumulation("rmul", "multiply", lambda dtype: constant(1, dtype)),
    "maximum": Accumulation("rmax", "maximum", _extreme(-1)),
    "minimum": Accumulation("rmin", "minimum", _extreme(1)),
    "and": Accumulation("multiply", "multiply", lambda dtype: constant(1, dtype)),
    "or": Accumulation("add", "add", lambda dtype: constant(0, dtype)),
}
"""By what a reduction combines elements with."""


def is_reduction(eqn: Equation) -> bool:
    """Whether an equation is a reduction."""
    return eqn.primitive.kind is Kind.REDUCTION


def accumulation_of(eqn: Equation) -> Accumulation:
    """A reduction's parts."""
    return ACCUMULATIONS[eqn.primitive.combine]
