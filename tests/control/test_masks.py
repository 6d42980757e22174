"""What a mask hides in and around a loop whose number of steps is found as it runs, in every mode to second order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import checkpoint, control, grad, jit, jvp, make_program, vmap

from tests.transforms.hiding import Formula, assert_close, assert_right, differences

X = np.array([[1.0, 2.0, 0.5], [np.nan, 1.0, 2.0], [0.3, -1.0, 1.0]])
ROWS = np.isfinite(X).all(axis=1)


def looped(step: Callable[[Any], Any], x: Any, condition: Callable[[Any], Any] = lambda i: i < 3) -> Any:
    """Some steps of a loop that does not know how many there will be."""
    return control.while_loop(lambda s: condition(s[0]), lambda s: (s[0] + 1, step(s[1])), (0, x))[1]


def grown(x: Any) -> Any:
    return np.where(x < 20, looped(lambda c: np.exp(c) ** 2 / 10, x / 10), x) ** 2


def stepped_on(x: Any) -> Any:
    """A sum over the elements, read at a place that the loop counts."""
    def step(i: Any, carry: Any) -> Any:
        total, product = carry
        z = fnp.array(x)[i]
        return total + np.where(z < 20, np.log1p(np.exp(z)) * product, z), np.where(z > 0, np.sqrt(z), 1.0) * product

    return np.stack(control.fori_loop(0, np.sum(x > -9.0), step, (0.0, x[0])))


def handed_on(x: Any) -> Any:
    """The mask begins in a step, for what the step before it has made."""
    def step(carry: Any) -> Any:
        a, b = carry
        return np.where(x > 2, b, 0.0), np.log(x - 2.0) * b * x

    return looped(step, (x, x))[0]


WHILE_LOOPS: dict[str, Formula] = {
    "around": Formula(grown, [0.5, 1.0, 1000.0]),
    "inside": Formula(lambda x: looped(lambda c: np.where(x < 20, np.log1p(np.exp(x)) * c, c + x), x), [0.5, 1000.0]),
    "inside, of the carry": Formula(
        lambda x: looped(lambda c: np.where(x < 20, np.log1p(np.exp(c)), c), x), [0.5, 1000.0],
    ),
    "by a flag": Formula(lambda x: np.where(x[0] > 0, 0.0, looped(lambda c: np.log(x) * c, x)) + x**2, [3.0, 0.0]),
    "element by element": Formula(stepped_on, [0.5, 1000.0, 0.1]),
    "from step to step": Formula(handed_on, [3.0, 2.0, 1.0]),
    "of a product of matrices": Formula(
        lambda w: looped(lambda v: v - 0.1 * np.tanh(v) * np.sum(np.where(ROWS, X @ v, 0.0) ** 2), w), [0.1, 0.2, 0.3],
    ),
    "of another": Formula(
        lambda x: looped(lambda c: c + np.where(x < 20, looped(np.exp, x / 10), x), x), [0.5, 1000.0],
    ),
    "around another": Formula(
        lambda x: np.where(x < 20, looped(lambda c: looped(np.exp, c - 2, lambda i: i < 2) / 10, x), x), [0.5, 1000.0],
    ),
    "with a scan inside": Formula(
        lambda x: np.where(
            x < 20, looped(lambda c: control.scan(lambda d, j: (np.exp(d), d * d), c / 10, np.arange(2))[0], x), x,
        ), [0.5, 1000.0],
    ),
    "with a branch and a checkpoint inside": Formula(
        lambda x: np.where(
            x < 20, looped(lambda c: checkpoint(lambda c: control.cond(c[0] < 3, np.exp, np.sqrt, c))(c / 10), x), x,
        ), [0.5, 1000.0],
    ),
    "in a scan": Formula(
        lambda x: control.scan(lambda c, _: (c + grown(x) * c, c), x, np.arange(2))[0], [0.5, 1000.0],
    ),
    "in a branch and a checkpoint": Formula(
        lambda x: control.cond(x[0] > 0, checkpoint(grown), lambda x: x, x), [0.5, 1000.0],
    ),
    "of each example": Formula(vmap(grown), [0.5, 1000.0]),
    "of each example to its own end": Formula(
        lambda x: vmap(lambda x, n: np.where(x < 20, looped(np.exp, x / 10, lambda i: i < n), x))(x, np.arange(3)),
        [0.5, 0.1, 1000.0],
    ),
}


@pytest.mark.parametrize("name", WHILE_LOOPS)
def test_a_mask_and_a_loop_with_an_end(name: str) -> None:
    assert_right(WHILE_LOOPS[name])


def test_a_mask_inside_of_a_derivative_for_each_example() -> None:
    x = np.array([0.5, 1.0, 1000.0])
    slopes = vmap(grad(grown))
    expected = differences(slopes, x).diagonal()
    assert_close(grad(lambda x: np.sum(slopes(x)))(x), expected, "reverse")
    for run in (lambda f: f, jit):
        assert_close(run(lambda x: jvp(slopes, (x,), (np.ones(3),))[1])(x), expected, "forward")


def test_a_second_derivative_of_a_loop_is_no_longer_than_twice_the_first() -> None:
    def loss(x: Any) -> Any:
        return np.sum(looped(np.sin, x) ** 2)

    lines = [len(str(make_program(f)(np.ones(2))).splitlines()) for f in (grad(loss), grad(lambda x: grad(loss)(x)[0]))]
    assert lines[1] < 2 * lines[0] + 10
