"""What staging, transforming and compiling costs grows with the size of a program, not with its square."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest

Case = tuple[Callable[..., Any], tuple[Any, ...]]


def rolled(n: int, x: np.ndarray) -> Case:
    """A long chain of loops, none of which can be joined with the next."""

    def chain(x: Any) -> Any:
        for _ in range(n):
            x = np.sin(x) + 0.1 * np.roll(x, 1)
        return np.sum(x)

    return fnad.grad(chain), (x,)


def elementwise(n: int, x: np.ndarray) -> Case:
    """A long chain that is cut into loops."""

    def chain(x: Any) -> Any:
        for _ in range(2 * n):
            x = x * 0.99 + x
        return x

    return chain, (x,)


def leaves(n: int, x: np.ndarray) -> Case:
    """The update of a tree of many leaves by a gradient."""

    def loss(p: Any) -> Any:
        return sum([np.sum(v**2) for v in p.values()])

    def update(p: Any) -> Any:
        return fnad.tree.map(lambda v, g: v - 0.1 * g, p, fnad.grad(loss)(p))

    return update, ({f"p{i}": x + i for i in range(n)},)


def parts(n: int, x: np.ndarray) -> Case:
    """An array put together of many, and its gradient."""
    return fnad.grad(lambda xs: np.sum(np.stack(xs) ** 2) + np.sum(np.concatenate(xs))), ([x + i for i in range(n)],)


def fan_out(n: int, x: np.ndarray) -> Case:
    """One value that many loops use, each with an array of its own."""
    return fnad.grad(lambda x, ys: sum([np.sum(np.exp(x) * y) for y in ys])), (x, [x + i for i in range(n)])


def products(n: int, x: np.ndarray) -> Case:
    """Calls of the library, whose results live till the backward pass."""

    def loss(x: Any, w: Any) -> Any:
        for _ in range(n):
            x = np.tanh(w @ x)
        return np.sum(x)

    return fnad.grad(loss, (0, 1)), (x, np.outer(x, x))


def pullback(n: int, x: np.ndarray) -> Case:
    """From many leaves to many leaves, both ways."""

    def function(p: Any) -> Any:
        return [np.sin(v) for v in p]

    def both(p: Any) -> Any:
        out, back = fnad.vjp(function, p)
        return back(out), fnad.jvp(function, (p,), (p,))[1]

    return both, ([x + i for i in range(n)],)


def carries(n: int, x: np.ndarray) -> Case:
    """A loop that carries many arrays, and its gradient."""

    def loss(p: Any) -> Any:
        end, _ = fnad.scan(lambda c, _: ([0.5 * v for v in c], None), p, None, length=2)
        return sum([np.sum(v) for v in end])

    return fnad.grad(loss), ([x + i for i in range(n)],)


def states(n: int, x: np.ndarray) -> Case:
    """A loop of unknown length that carries many arrays, of which some stay the same."""

    def loop(p: Any) -> Any:
        step = lambda c: [c[0] - 1.0, *[v if k % 2 else 0.5 * v for k, v in enumerate(c[1:])]]  # noqa: E731
        return fnad.while_loop(lambda c: np.sum(c[0]) > 0, step, p)

    return loop, ([x + i for i in range(n)],)


def batches(n: int, x: np.ndarray) -> Case:
    """A chain under vmap."""
    function, (x,) = rolled(n, x)
    return fnad.vmap(function), (np.stack([x, x]),)


def branches(n: int, x: np.ndarray) -> Case:
    """Switches in a row, each with the result of the one before."""

    def chain(x: Any) -> Any:
        for _ in range(n):
            x = fnad.cond(x[0] > 0, np.sin, np.cos, x)
        return x

    return chain, (x,)


CASES = [rolled, elementwise, leaves, parts, fan_out, products, pullback, carries, states, batches, branches]
LARGE = 2000
"""A size at which the work that grows with its square is to be the smaller part."""


def lines_run(function: Callable[[], Any]) -> int:
    """How many lines of Python a call runs, the rounds of loops among them."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_work_is_linear(case: Callable[..., Case]) -> None:
    def work(n: int) -> int:
        for size in (5, 6):  # of another size: kernels are known by then, but not what was staged
            function, arguments = case(n, np.linspace(0.1, 1.0, size))
            jitted = fnad.jit(function)
            lines = lines_run(lambda: jitted(*arguments)) if size == 6 else jitted(*arguments)
        return lines

    step = 30
    one, two, three = work(step), work(2 * step), work(3 * step)
    # The work is a + b n + c n², whose c is seen in small sizes, since lines are counted exactly.
    square = (three - 2 * two + one) / (2 * step**2)
    linear = (two - one) / step - 3 * step * square
    assert square * LARGE < 0.5 * linear, f"{linear:.0f} lines an element, and {square:.2f} for each pair of them"
