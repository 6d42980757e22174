"""`while_loop` and `fori_loop` are the loops written out, in every transform and whatever their number of steps."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import fori_loop, grad, jit, make_program, scan, vmap, while_loop
from fnad.interpreter.evaluate import evaluate
from hypothesis import given
from hypothesis import strategies as st
from tests.control.comparing import TRANSFORMS, assert_close

module = import_module("fnad.control.loops")
ROW = np.array([0.3, -0.2])


def grown(x: Any, row: Any) -> Any:
    """A number of steps that depends on the values; a condition and a body that close over some."""
    limit = 3.0 + 0.1 * x

    def body(state: Any) -> Any:
        total, v, steps = state
        return total + np.sum(v * v) * x + 0.2, np.sin(v) + row * x, steps + 1

    total, v, steps = while_loop(lambda s: s[0] < limit, body, (x, row * 2.0, 0))
    return total * np.sum(v) + steps


def written_out(x: Any, row: Any) -> Any:
    total, v, steps = x, row * 2.0, 0
    while total < 3.0 + 0.1 * x:
        total, v, steps = total + np.sum(v * v) * x + 0.2, np.sin(v) + row * x, steps + 1
    return total * np.sum(v) + steps


@pytest.mark.parametrize("compiled", [False, True], ids=["interpreted", "jit"])
@pytest.mark.parametrize("x", [0.4, 2.5, 5.0], ids=["many steps", "few steps", "no step"])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_while_loop_is_the_loop_written_out(name: str, x: float, compiled: bool) -> None:
    transform = TRANSFORMS[name]
    got = transform(grown)
    assert_close((jit(got) if compiled else got)(x, ROW), transform(written_out)(x, ROW), rtol=1e-9)


@pytest.mark.parametrize("name", ["value", "grad", "jvp", "hessian"])
@pytest.mark.parametrize("axes", [(0, None), (0, 0), (None, 0)])
def test_examples_of_a_batch_end_each_at_its_own_step(name: str, axes: Any) -> None:
    x = np.array([0.4, 5.0, 2.5]) if axes[0] == 0 else 0.4
    row = np.stack([ROW, ROW * 0.5, -ROW]) if axes[1] == 0 else ROW
    f = TRANSFORMS[name]
    one_by_one = [f(written_out)(x[i] if axes[0] == 0 else x, row[i] if axes[1] == 0 else row) for i in range(3)]
    expected = fnad.tree.map(lambda *r: np.stack(r), *one_by_one)
    assert_close(vmap(f(grown), in_axes=axes)(x, row), expected, rtol=1e-9)


def test_a_batch_with_one_condition_for_all() -> None:
    f = lambda n, x: while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] * x), (0, x))[1]  # noqa: E731
    np.testing.assert_allclose(vmap(f, in_axes=(None, 0))(3, np.array([1.0, 2.0])), [1.0, 16.0])


@pytest.mark.parametrize("slots", [(8, 1), (8, 0), (512, 1 << 22)])
@pytest.mark.parametrize("steps", [0, 1, 2, 7, 8, 9, 17, 63, 64, 65, 130])
def test_the_way_back_for_any_number_of_steps(steps: int, slots: tuple[int, int], monkeypatch: Any) -> None:
    """Also in loops as a compiler sees them, with so few checkpoints that both levels are used."""
    monkeypatch.setattr(module, "MOST_STATES", slots[0])
    monkeypatch.setattr(module, "MOST_BYTES", slots[1])
    f = lambda x, n: fori_loop(0, n, lambda i, c: np.sin(c * x) + c, x)  # noqa: E731
    expected = grad(lambda x: fori_loop(0, steps, lambda i, c: np.sin(c * x) + c, x))(1.1)
    program = make_program(grad(f))(1.1, np.int64(steps))
    assert_close(jit(grad(f))(1.1, np.int64(steps)), expected)
    assert_close(evaluate(program, [np.float64(1.1), np.int64(steps)])[0], expected)


@given(lower=st.integers(-3, 3), steps=st.integers(-1, 4))
def test_a_for_loop_counts_like_range(lower: int, steps: int) -> None:
    upper = lower + steps
    expected = 0.5
    for i in range(lower, upper):
        expected = expected * 0.5 + i
    body = lambda i, c: c * 0.5 + i  # noqa: E731
    assert fori_loop(lower, upper, body, 0.5) == expected
    program = make_program(lambda a, b: fori_loop(a, b, body, 0.5))(lower, upper)
    assert program.equations[-1].primitive.name == "while_loop"
    assert jitted_for(lower, upper) == expected


jitted_for = jit(lambda a, b: fori_loop(a, b, lambda i, c: c * 0.5 + i, 0.5))


def test_the_steps_of_a_for_loop_are_integers() -> None:
    assert fori_loop(np.int32(0), 3, lambda i, c: c + i, np.int64(0)) == 3
    assert fori_loop(0, 3, lambda i, c: c.at[i].set(i * 2.0), np.zeros(3)).tolist() == [0.0, 2.0, 4.0]


def test_newton_in_a_loop_has_the_derivative_of_the_root() -> None:
    root = lambda a: while_loop(lambda x: abs(x * x - a) > 1e-14, lambda x: (x + a / x) / 2, a)  # noqa: E731
    for f in (root, jit(root)):
        assert grad(f)(2.0) == pytest.approx(0.5 / np.sqrt(2.0))


def test_a_carry_that_nobody_needs_is_not_computed() -> None:
    f = lambda x: while_loop(lambda s: s[0] < 3.0, lambda s: (s[0] + 1.0, np.tan(s[1])), (x, x))[0]  # noqa: E731
    assert " tan " not in str(make_program(grad(f))(0.5))


def test_a_loop_that_makes_no_step_does_nothing_that_can_fail() -> None:
    loop = jit(lambda row, i, n: while_loop(lambda c: c[0] < n, lambda c: (c[0] + 1, row[i]), (0, 1.0))[1])
    assert loop(ROW, np.int64(7), np.int64(0)) == 1.0
    assert loop(ROW, np.int64(1), np.int64(2)) == ROW[1]
    power = lambda n, limit: while_loop(lambda c: c[0] < limit, lambda c: (c[0] + 1, 2**n), (0, 1))[1]  # noqa: E731
    assert jit(power)(-1, 0) == power(-1, 0) == 1 and jit(power)(3, 2) == 8
    many = jit(vmap(power, (0, 0)))
    assert many(np.array([-1, 3, -2]), np.array([0, 2, 0])).tolist() == [1, 8, 1]
    with pytest.raises(ValueError, match="negative"):
        many(np.array([-1, 3]), np.array([1, 2]))
    empty = jit(lambda row, i: scan(lambda c, _: (c + row[i], ()), 0.0, length=0)[0])
    assert empty(ROW, np.int64(7)) == 0.0


MISTAKES = {
    "shape": (lambda: while_loop(lambda c: True, lambda c: np.stack([c, c]), 1.0), "keeps its shape.*at init"),
    "structure": (lambda: while_loop(lambda c: True, lambda c: (c,), 1.0), "trees of equal structure"),
    "condition": (lambda: while_loop(lambda c: c, lambda c: c, 1.0), r"one boolean, got f64\[\]"),
    "many conditions": (lambda: while_loop(lambda c: c > 0, lambda c: c, ROW), r"one boolean, got bool\[2\]"),
    "leaf": (lambda: while_loop(lambda c: True, lambda c: c, "a"), "got str at init"),
    "function": (lambda: while_loop(True, lambda c: c, 1.0), "requires a function, got bool"),
    "bound": (lambda: fori_loop(0, 2.5, lambda i, c: c, 1.0), "integer scalars as bounds.*as upper"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(TypeError, match=message) as caught:
        call()
    assert "test_while_loop.py" in str(caught.value)


def test_a_value_that_python_asks_for() -> None:
    with pytest.raises(fnad.ConcreteValueError, match="another one at each step"):
        while_loop(lambda c: c < 3, lambda c: c + 1 if c > 0 else c + 2, 0)


@pytest.mark.parametrize(("first", "last", "total", "count"), [
    (np.int64(-3), np.uint64(2), -5.0, 5), (np.uint64(2**63), 3, 0.0, 0), (2**63 - 2, 2**63 - 1, 2.0**63, 1),
    (np.uint64(2**64 - 3), np.uint64(2**64 - 1), 2.0**65, 2), (np.int8(126), np.int8(127), 126.0, 1),
    (np.int32(0), np.uint64(3), 3.0, 3),
])
def test_bounds_of_every_integer_dtype(first: Any, last: Any, total: float, count: int) -> None:
    def loop(first: Any, last: Any) -> Any:
        return fori_loop(first, last, lambda i, state: (state[0] + i, state[1] + 1), (0.0, 0))

    for run in loop, jit(loop):
        found, counted = run(first, last)
        np.testing.assert_allclose(found, total)
        assert counted == count
