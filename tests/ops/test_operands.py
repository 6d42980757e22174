"""Python's operators in derivative rules are operations, and nothing besides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import make_program
from fnad.ops import elementwise as ops
from fnad.ops.operands import Operand, rule
from fnad.ops.reductions import reduce_max

X, Y, BITS = np.array([1.0, -2.0]), np.array([3.0, 0.5]), np.array([True, False])
SAME = {
    "-x": ops.neg, "abs(x)": ops.abs_, "x + y": ops.add, "x - y": ops.sub, "x * y": ops.mul, "x / y": ops.div,
    "x // y": ops.floor_div, "x % y": ops.mod, "x**y": ops.power, "x**2": lambda x: ops.square(x), "x == y": ops.eq,
    "x != y": ops.ne, "x < y": ops.lt, "x <= y": ops.le, "x > y": ops.gt, "x >= y": ops.ge,
    "x + 1": lambda x: ops.add(x, 1), "1 - x": lambda x: ops.sub(1, x), "1 / x": lambda x: ops.div(1, x),
    "y - x / 2": lambda x, y: ops.sub(y, ops.div(x, 2)), "a - x": lambda x: ops.sub(Y, x),
    "2**x": lambda x: ops.power(2, x), "1 < x": lambda x: ops.gt(x, 1),
}


def written(text: str, *names: str) -> Callable[..., Any]:
    return rule(eval(f"lambda {', '.join(names)}: {text}", {"a": Y}))


@pytest.mark.parametrize("text", SAME)
def test_an_operator_is_an_operation(text: str) -> None:
    names = ["x", "y"] if "y" in text else ["x"]
    args = [X, Y][: len(names)]
    assert str(make_program(written(text, *names))(*args)) == str(make_program(SAME[text])(*args))


@pytest.mark.parametrize(("text", "operation"), [("x & y", ops.and_), ("x | y", ops.or_), ("~x", ops.not_)])
def test_an_operator_of_bits_is_an_operation(text: str, operation: Callable[..., Any]) -> None:
    names = ["x", "y"] if "y" in text else ["x"]
    args = [BITS] * len(names)
    assert str(make_program(written(text, *names))(*args)) == str(make_program(operation)(*args))


def test_a_rule_is_as_strict_as_its_operations() -> None:
    with pytest.raises(TypeError, match="mul: requires .* operands of one shape and dtype"):
        make_program(rule(lambda x, y: x * y))(X, np.float32(2))
    with pytest.raises(TypeError, match="rule: requires a choice by elements"):
        make_program(rule(lambda x: x if x > 0 else -x))(1.0)
    with pytest.raises(AttributeError):
        make_program(rule(lambda x: x.sum()))(X)


def test_a_rule_takes_and_gives_traced_values_one_or_several() -> None:
    seen: list[Any] = []

    @rule
    def swapped(pair: Any, n: int) -> Any:
        seen.extend([*pair, n])
        return pair[1] * n, reduce_max(pair[0], axes=(0,)), None

    def function(x: Any, y: Any) -> Any:
        first, second, none = swapped((x, y), 3)
        assert type(first) is type(x) and none is None
        return np.add(first, second)

    program = make_program(function)(X, Y)
    assert [type(v) for v in seen] == [Operand, Operand, int]
    assert [e.primitive.name for e in program.equations] == ["mul", "reduce_max", "broadcast", "add"]
