"""Examples whose loop is over while others go on run nothing any more: no index check, call, write or inner loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import cond, fori_loop, grad, jit, scan, tree, vjp, vmap, while_loop
from fnad.ir.primitive import REGISTRY

from tests.profiles import is_deep

Function = Callable[..., Any]
TABLE = np.array([1.5, -0.5, 2.0])
LOG: list[Any] = []


def _note(*values: Any) -> None:
    LOG.append(tuple([float(v) for v in values]))


def _called(x: Any) -> np.ndarray:
    """A function of NumPy arrays alone, which notes its calls and refuses what is no state of a running loop."""
    _note(x)
    if not x < 3:
        raise ValueError("an example whose loop is over")
    return np.asarray(x * 0.5)


SHAPE = {"shape": lambda x: (x.shape, x.dtype), "vjp": lambda g, y, x: (g * 0.5,)}
ONE_BY_ONE = fnad.primitive(_called, name="noted", **SHAPE)
BY_RULE = fnad.primitive(_called, name="noted_by_rule", batch=lambda size, mapped, x: x * 0.5, **SHAPE)
for _primitive in ("noted", "noted_by_rule"):  # no part of the library, whose tests go through the registry
    del REGISTRY[_primitive]


@fnad.custom_vjp
def custom(x: Any, i: Any) -> Any:
    fnad.debug.callback(_note, i)
    return np.sin(x) * fnp.array(TABLE)[i]


custom.defvjp(
    lambda x, i: (custom(x, i), (x, i)), lambda kept, g: (g * np.cos(kept[0]) * fnp.array(TABLE)[kept[1]], None)
)


# Bodies from the number of the step and a value to the next value; none may be run with i > 2.
def _reads(i: Any, x: Any) -> Any:
    return np.sin(x) + fnp.array(TABLE)[i]


def _writes(i: Any, x: Any) -> Any:
    y = fnp.array(TABLE) * x
    y[i] = x**2
    y[-i] += 1.0
    return np.sum(np.tanh(y))


def _prints(i: Any, x: Any) -> Any:
    fnad.debug.callback(_note, i, x)
    return np.sin(x)


def _prints_alike(i: Any, x: Any) -> Any:
    fnad.debug.callback(_note, 0.0)
    return np.sin(x)


def _loops(i: Any, x: Any) -> Any:
    """Its inner loop would not end for i = 3."""
    return while_loop(lambda s: s[0] != 2, lambda s: (s[0] + 1, _reads(s[0], s[1])), (i + 0, x))[1] * 0.5


def _scans(i: Any, x: Any) -> Any:
    return scan(lambda c, t: (np.sin(c) + fnp.array(TABLE)[i] * t, c), x, np.arange(2.0))[0]


def _chooses(i: Any, x: Any) -> Any:
    return cond(x > 0, lambda x: _reads(i, x), lambda x: _prints(i, x) * 2.0, x)


def _calls_jit(i: Any, x: Any) -> Any:
    return jit(_reads)(i, x)


def _checkpoints(i: Any, x: Any) -> Any:
    return fnad.checkpoint(_reads)(i, x)


def _differentiates(i: Any, x: Any) -> Any:
    return grad(lambda x: _loops(i, x))(x) + x


def _classifies(i: Any, x: Any) -> Any:
    return fnad.nn.softmax_cross_entropy(fnp.array(TABLE)[None] * x, i[None])


def _reads_an_empty_row(i: Any, x: Any) -> Any:
    return x * 0.5 + np.sum(fnp.array(TABLE)[3:][np.repeat(i, 0)])


BODIES: list[Function] = [
    _reads, _writes, _prints, _prints_alike, _loops, _scans, _chooses, _calls_jit, _checkpoints, _differentiates,
    _classifies, _reads_an_empty_row, lambda i, x: ONE_BY_ONE(i * 1.0) + x, lambda i, x: BY_RULE(i * 1.0) * x,
    lambda i, x: custom(x, i),
]
PRIMITIVES = BODIES[-3:-1]
NAMES = [getattr(b, "__name__", "").strip("_") for b in BODIES[:-3]] + ["primitive", "primitive by rule", "custom"]
STEPS, STARTS = np.array([3, 1, 0, 2]), np.array([0.3, -1.0, 0.7, 1.2])


def looped(body: Function) -> Function:
    """So many steps of a body, of which the last one is the last that it can do."""
    def function(n: Any, x: Any) -> Any:
        def step(state: Any) -> Any:
            return state[0] + 1, body(state[0], state[1])

        return while_loop(lambda s: s[0] < len(TABLE), step, (len(TABLE) - n, x))[1]

    return function


def one_by_one(function: Function, *batches: Any) -> tuple[Any, list[Any]]:
    """What a function gives for each example by itself, and what it notes."""
    LOG.clear()
    results = [function(*example) for example in zip(*batches)]
    return tree.map(lambda *each: np.stack(each), *results), sorted(LOG)


def together(function: Function, *batches: Any) -> tuple[Any, list[Any]]:
    LOG.clear()
    result = function(*batches)
    return result, sorted(LOG)


def _slopes(function: Function) -> Function:
    return lambda n, x: vjp(lambda x: function(n, x), x)[1](np.ones_like(x))[0]


@pytest.mark.parametrize("body", BODIES, ids=NAMES)
def test_an_example_that_has_ended_runs_nothing(body: Function) -> None:
    function = looped(body)
    expected, notes = one_by_one(function, STEPS, STARTS)
    slopes, more = one_by_one(_slopes(function), STEPS, STARTS)
    batched = vmap(function)
    ways = {
        "vmap": (batched, expected), "vmap of grad": (vmap(_slopes(function)), slopes),
        "grad of vmap": (_slopes(batched), slopes),
        "vmap of vmap": (lambda n, x: vmap(batched)(n.reshape(2, 2), x.reshape(2, 2)).reshape(4), expected),
        "jvp": (lambda n, x: fnad.jvp(lambda x: batched(n, x), (x,), (np.ones(4),))[1], slopes),
    }
    for name in ["vmap"] if body is _differentiates and not is_deep() else ways:
        way, values = ways[name]
        got, noted = together(way, STEPS, STARTS)
        np.testing.assert_allclose(got, values, rtol=1e-12, atol=1e-14, err_msg=name)
        if name in ("vmap", "vmap of vmap"):
            assert noted == notes, name
        elif body not in PRIMITIVES:  # which the backward pass calls as often as it needs them
            assert noted == more, name


@pytest.mark.parametrize("body", [_reads, _prints, _loops, BODIES[-3]], ids=["reads", "prints", "loops", "primitive"])
def test_compiled_too(body: Function) -> None:
    function = looped(body)
    expected, notes = one_by_one(function, STEPS, STARTS)
    slopes, _ = one_by_one(_slopes(function), STEPS, STARTS)
    got, noted = together(jit(vmap(function)), STEPS, STARTS)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert noted == notes
    np.testing.assert_allclose(jit(vmap(_slopes(function)))(STEPS, STARTS), slopes, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(jit(_slopes(vmap(function)))(STEPS, STARTS), slopes, rtol=1e-12, atol=1e-14)


def test_a_for_loop_with_bounds_of_its_own() -> None:
    def function(n: Any, x: Any) -> Any:
        return fori_loop(0, n, _prints, x)

    expected, notes = one_by_one(function, STEPS, STARTS)
    got, noted = together(jit(vmap(function)), STEPS, STARTS)
    np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert noted == notes


def test_a_condition_is_not_asked_again() -> None:
    def function(n: Any, x: Any) -> Any:
        def goes_on(state: Any) -> Any:
            fnad.debug.callback(_note, *state)
            return fnp.array([0.0, 1.0, 2.0, 3.0])[state[0]] < n

        return while_loop(goes_on, lambda s: (s[0] + 1, np.sin(s[1])), (0, x))[1]

    expected, notes = one_by_one(function, STEPS, STARTS)
    for way in (vmap(function), jit(vmap(function))):
        got, noted = together(way, STEPS, STARTS)
        np.testing.assert_allclose(got, expected, rtol=1e-12)
        assert noted == notes


def test_calls_come_step_by_step_and_in_each_in_the_order_of_the_examples() -> None:
    LOG.clear()
    vmap(looped(_prints))(STEPS, STARTS)
    assert [i for i, _ in LOG] == [0, 2, 1, 1, 2, 2]
    assert [x for _, x in LOG[:3]] == [0.3, -1.0, 1.2]


def test_an_index_that_is_wrong_while_a_loop_goes_on_is_an_error() -> None:
    for way in (vmap, lambda f: jit(vmap(f))):
        with pytest.raises(IndexError, match="out of bounds"):
            way(looped(lambda i, x: _reads(i + 1, x)))(STEPS, STARTS)


def test_what_cannot_be_noticed_runs_for_all_examples_at_once() -> None:
    program = fnad.make_program(vmap(looped(lambda i, x: np.sin(x) * i)))(STEPS, STARTS)
    (loop,) = [e for e in program.equations if e.primitive.name == "while_loop"]
    assert not {"switch", "scan"} & {e.primitive.name for e in loop.params["body"].equations}


def test_a_slope_that_is_infinite_where_a_loop_has_ended() -> None:
    """The step beyond the last one would have the slope of the root at 0."""
    function = looped(lambda i, x: np.sqrt(x - 1.0))
    steps, starts = np.array([1, 2]), np.array([2.0, 5.0])
    expected = [0.5, 0.25 * 0.5]
    for way in (vmap(_slopes(function)), _slopes(vmap(function)), jit(_slopes(vmap(function)))):
        np.testing.assert_allclose(way(steps, starts), expected, rtol=1e-12)
