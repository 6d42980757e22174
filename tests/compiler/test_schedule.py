"""Which equations run together, what is stored, and whose memory a result takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import fnad
from fnad.compiler.cpu.lower import has_code
from fnad.compiler.passes.lowering import ABILITIES
from fnad.compiler.passes.memory import Layout, plan_memory
from fnad.compiler.passes.schedule import make_schedule
from fnad.compiler.passes.simplify import simplify
from fnad.compiler.steps import Call, Loop, Schedule
from fnad.ir.check import check
from fnad.ops.contractions import matmul
from fnad.ops.elementwise import add, exp, mul, sub
from fnad.ops.reductions import cumsum, reduce_max
from fnad.ops.shaping import broadcast, concatenate, pad, reduce_sum, reshape, transpose

X = np.ones((4, 3), np.float32)


def schedule_of(function: Callable[..., Any], *args: np.ndarray) -> Schedule:
    program = check(simplify(fnad.make_program(function)(*args), has_code))
    return make_schedule(program, ABILITIES)


def kinds(schedule: Schedule) -> list[str]:
    """A word for each step: the primitives of a loop, or the name of a call."""
    return [
        "+".join(e.primitive.name for e in step.equations) if isinstance(step, Loop) else step.equation.primitive.name
        for step in schedule.steps
    ]


def layout_of(schedule: Schedule, donated: tuple[int, ...] = ()) -> Layout:
    return plan_memory(schedule, donated)


CASES = {
    "elementwise work is one loop": (lambda x: mul(exp(x), add(x, 1.0)), ["exp+add+mul"]),
    "a reduction joins the loop that makes its operand": (
        lambda x: reduce_sum(mul(x, x), axes=(0,)),
        ["mul+reduce_sum"],
    ),
    "what reads a reduction waits for it": (
        lambda x: sub(x, broadcast(reduce_max(x, axes=(1,)), shape=(4, 3), dims=(0,))),
        ["reduce_max", "sub"],
    ),
    "moves cost nothing": (lambda x: exp(transpose(reshape(x, shape=(3, 4)), perm=(1, 0))), ["exp"]),
    "a transposed operand of a product is read as it lies": (
        lambda x: matmul(transpose(x, perm=(1, 0)), x),
        ["matmul"],
    ),
    "a loop does not cross what it depends on": (
        lambda x: add(exp(x), cumsum(exp(x), axis=0)),
        ["exp", "cumsum", "add"],
    ),
    "loops that read the same array join": (lambda x: (exp(x), cumsum(x, axis=0), mul(x, x)), ["exp+mul", "cumsum"]),
    "parts are written where they belong": (
        lambda x: concatenate(x, exp(x), axis=0),
        ["exp", "copy", "copy"],
    ),
    "padding is filled and written over": (
        lambda x: pad(x, low=(1, 0), high=(0, 0), interior=(0, 0)),
        ["copy", "copy"],
    ),
    "a result that is an argument is copied": (lambda x: (x, x), ["copy+copy"]),
    "a reshaped result is not": (lambda x: reshape(exp(x), shape=(12,)), ["exp"]),
    "a constant result is filled": (lambda x: np.float32(2.0), ["copy"]),
}


@pytest.mark.parametrize(("function", "expected"), CASES.values(), ids=CASES.keys())
def test_steps(function: Callable[..., Any], expected: list[str]) -> None:
    found = kinds(schedule_of(function, X))
    assert found == expected


def test_only_what_is_read_later_is_stored() -> None:
    (loop,) = schedule_of(lambda x: mul(exp(x), add(x, 1.0)), X).steps
    assert isinstance(loop, Loop) and len(loop.writes) == 1 and len(loop.reads) == 1


def test_a_result_is_written_over_an_operand_that_dies() -> None:
    schedule = schedule_of(lambda x: exp(matmul(x, transpose(x, perm=(1, 0)))), X)
    layout = layout_of(schedule)
    assert layout.arena_bytes == 0
    assert isinstance(schedule.steps[0], Call)


def test_a_result_takes_the_memory_of_a_donated_argument() -> None:
    schedule = schedule_of(lambda p, g: (sub(p, g), reduce_sum(p, axes=(0, 1))), X, X)
    assert layout_of(schedule, (0,)).donated == {0: 0}
    assert layout_of(schedule).donated == {}


def test_donated_memory_is_not_written_while_it_is_read_later() -> None:
    schedule = schedule_of(lambda p: (exp(p), cumsum(exp(p), axis=0), matmul(p, transpose(p, perm=(1, 0)))), X)
    assert layout_of(schedule, (0,)).donated == {}


def test_donated_memory_is_not_written_where_another_element_is_read() -> None:
    square = np.ones((3, 3))
    schedule = schedule_of(lambda p: add(p, transpose(p, perm=(1, 0))), square)
    assert layout_of(schedule, (0,)).donated == {}


def test_temporaries_that_are_alive_together_do_not_overlap() -> None:
    def chain(x: Any) -> Any:
        a = cumsum(x, axis=0)
        b = cumsum(a, axis=0)
        c = cumsum(b, axis=1)
        return cumsum(add(b, c), axis=0)

    schedule = schedule_of(chain, X)
    layout = layout_of(schedule)
    temporaries = [b for b in layout.buffers if b.kind == "temporary"]
    assert 0 < layout.arena_bytes <= 3 * 64 and len(temporaries) >= 2


SIMPLER = {
    "equal equations": (lambda x: add(exp(x), exp(x)), 2),
    "equal up to order": (lambda x: add(mul(x, exp(x)), mul(exp(x), x)), 3),
    "times one": (lambda x: mul(exp(x), 1.0), 1),
    "minus zero": (lambda x: sub(exp(x), 0.0), 1),
    "there and back": (lambda x: exp(transpose(transpose(x, perm=(1, 0)), perm=(1, 0))), 1),
    "two reshapes": (lambda x: exp(reshape(reshape(x, shape=(3, 4)), shape=(12,))), 2),
    "nothing needs it": (lambda x: (exp(x), mul(x, 2.0))[0], 1),
    "constants": (lambda x: add(x, mul(np.float32(2.0), np.float32(3.0))) if x.shape == () else exp(x), 1),
}


@pytest.mark.parametrize(("function", "count"), SIMPLER.values(), ids=SIMPLER.keys())
def test_simplify(function: Callable[..., Any], count: int) -> None:
    assert len(simplify(fnad.make_program(function)(X), has_code).equations) == count


def test_adding_zero_is_kept_since_it_changes_minus_zero() -> None:
    program = simplify(fnad.make_program(lambda x: add(x, 0.0))(X), has_code)
    assert len(program.equations) == 1


def test_loops_on_their_way_to_one_result_become_one() -> None:
    def moments(m: Any, g: Any) -> Any:
        decayed = mul(m, 0.9)
        gradient = matmul(g, transpose(g, perm=(1, 0)))
        return add(decayed, mul(gradient, 0.1))

    square = np.ones((3, 3))
    assert kinds(schedule_of(moments, square, square)) == ["matmul", "mul+mul+add"]


@pytest.mark.parametrize("dtype", [float, np.int32, bool])
def test_a_small_array_of_single_elements_is_part_of_a_loop(dtype: Any) -> None:
    x, y = np.array([1], dtype), np.array([0], dtype)
    joined = lambda x, y: concatenate(x, y, x, axis=0)  # noqa: E731
    padded = lambda x, y: pad(x, low=(1,), high=(2,), interior=(0,))  # noqa: E731
    for function, expected in ((joined, [1, 0, 1]), (padded, [0, 1, 0, 0])):
        assert len(schedule_of(function, x, y).steps) == 1
        result = fnad.jit(function)(x, y)
        assert result.dtype == dtype and result.tolist() == expected


def test_nothing_clears_the_checkpoints_of_a_loop() -> None:
    f = lambda x, n: fnad.fori_loop(0, n, lambda i, c: np.sin(c * x) + c, x)  # noqa: E731
    schedule = schedule_of(fnad.grad(f), np.array(1.1), np.array(3))
    assert not [step for step in schedule.steps if isinstance(step, Loop) and step.space == (512,)]
    assert (512,) in [view.shape for step in schedule.steps for view in step.inputs]
