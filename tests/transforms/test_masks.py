"""No nan comes from behind a mask: formulas as they are written, in every mode to second order.

Each is looked at where what the mask hides is infinite, nan or out of domain. Its derivatives are compared with
differences, and those of the jitted function with these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import checkpoint, control, grad, jacfwd, jit, make_program, nn, vmap

from tests.profiles import is_deep
from tests.transforms.hiding import Formula, assert_right, total

INF, NAN = np.inf, np.nan
A, B = np.array([1.0, 2.0, 3.0, 0.5]), np.array([0.5, NAN, 2.0, -INF])
OK = np.isfinite(B)
X = np.array([[1.0, 2.0, 0.5], [NAN, 1.0, 2.0], [0.3, -1.0, 1.0], [1.0, NAN, 0.0]])
ROWS = np.isfinite(X).all(axis=1)
Y = np.array([[0.1, 0.2], [1.0, NAN], [0.7, -0.4], [0.0, 1.0]])


@checkpoint
def recomputed(x: Any) -> Any:
    return np.log1p(np.exp(x))


@jit
def jitted(x: Any) -> Any:
    return np.log1p(np.exp(x))


@fnad.custom_vjp
def custom(x: Any) -> Any:
    return np.log1p(np.exp(x))


custom.defvjp(lambda x: (custom(x), x), lambda x, g: (g / (1.0 + np.exp(x)) * np.exp(x),))


def safe_norm(x: Any) -> Any:
    square = np.sum(x * x, axis=-1)
    return np.where(square > 0, np.sqrt(square), 0.0)


def attention(x: Any) -> Any:
    """Queries and keys of which the last are padding, with numbers that must not count."""
    allowed = np.tril(np.ones((3, 3), bool))
    allowed[:, 2] = False
    keys = x * np.array([[1.0], [1.0], [INF]])
    scores = np.where(allowed, x @ keys.T, -1e9)
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return (weights / np.sum(weights, axis=-1, keepdims=True))[:2] @ x


def masked_softmax(x: Any) -> Any:
    mask = np.array([[True, True, False], [False, False, False]])
    exponentials = np.where(mask, np.exp(x), 0.0)
    total = np.sum(exponentials, axis=-1, keepdims=True)
    return np.where(mask, exponentials / total, 0.0)


def log_sum_exp(x: Any) -> Any:
    mask = np.array([True, False, True, True])
    top = np.max(np.where(mask, x, -INF))
    return np.log(np.sum(np.where(mask, np.exp(x - top), 0.0))) + top


def written(x: Any) -> Any:
    y = 1.0 / x
    y[np.array([False, True, False])] = 3.0
    return y * y


def written_in_places(x: Any) -> Any:
    y = np.exp(x) ** 2
    y[np.array([0, 2])] = np.array([1.0, 2.0])
    y[3] = 0.0
    return np.log1p(y)


def written_in_a_window(x: Any) -> Any:
    y = np.exp(x) ** 2
    y[2:] = x[2:] ** 2
    return y


def stepped(x: Any) -> Any:
    def step(carry: Any, z: Any) -> Any:
        carry = carry + np.where(z < 20, np.log1p(np.exp(z)) * carry, z)
        return carry, np.where(z > 0, np.sqrt(z), 0.0)

    last, ys = control.scan(step, 1.0, x)
    return last * ys


FORMULAS: dict[str, Formula] = {
    "softplus": Formula(lambda x: np.where(x < 20, np.log1p(np.exp(x)), x), [-2.0, 0.5, 1000.0]),
    "softplus by log": Formula(lambda x: np.where(x < 20, np.log(1 + np.exp(x)), x), [-2.0, 0.5, 1000.0]),
    "softplus by minimum": Formula(lambda x: np.where(x < 20, np.log1p(np.exp(np.minimum(x, 20))), x), [0.5, 1000.0]),
    "sigmoid of two sides": Formula(
        lambda x: np.where(x >= 0, 1 / (1 + np.exp(-x)), np.exp(x) / (1 + np.exp(x))), [-1000.0, -1.0, 2.0, 1000.0],
    ),
    "square root": Formula(lambda x: np.where(x > 0, np.sqrt(x), 0.0), [4.0, 0.0, -1.0]),
    "square root of a product": Formula(lambda x: np.where(x > 0, np.sqrt(x * x * x), 0.0), [2.0, 0.0, -1.0]),
    "reciprocal": Formula(lambda x: np.where(x != 0, 1 / x, 0.0), [2.0, 0.0, -1.0]),
    "safe division": Formula(lambda x: np.where(x != 0, np.sin(x) * x / x**2, 1.0), [2.0, 0.0]),
    "division by two": Formula(lambda x: np.where(x[1] != 0, x[0] / x[1], 0.0), [[1.0, 0.0], [2.0, 0.0]]),
    "sinc by hand": Formula(lambda x: np.where(x == 0, 1.0, np.sin(x) / np.where(x == 0, 1.0, x)), [2.0, 0.0]),
    "logarithm": Formula(lambda x: np.where(x > 0, np.log(x), 0.0), [2.0, 0.0, -1.0]),
    "entropy": Formula(lambda x: np.where(x > 0, -x * np.log(x), 0.0), [0.5, 0.0]),
    "logarithm of a logarithm": Formula(lambda x: np.where(x > 1, np.log(np.log(x)), 0.0), [3.0, 1.0, 0.5, 0.0]),
    "arcsin": Formula(lambda x: np.where(np.abs(x) < 1, np.arcsin(x), x), [0.5, 1.0, -1.0, 2.0]),
    "arccos of a quotient": Formula(lambda x: np.where(x > 1, np.arccos(1 / x), 0.0), [2.0, 1.0, 0.0, 0.5]),
    "arccosh": Formula(lambda x: np.where(x > 1, np.arccosh(x) ** 2, 0.0), [2.0, 1.0, 0.5]),
    "arctanh": Formula(lambda x: np.where(np.abs(x) < 1, np.arctanh(x), 0.0), [0.5, 1.0, 3.0]),
    "tangent at a pole": Formula(lambda x: np.where(np.abs(x) < 1.5, np.tan(x), 1 / x), [0.5, np.pi / 2, 3.0]),
    "power of a negative": Formula(lambda x: np.where(x > 0, x**1.7, 0.0), [2.0, 0.0, -1.0]),
    "power and exponent": Formula(lambda x: np.where(x > 0, x**x, 1.0), [2.0, 0.0, -1.5]),
    "potential": Formula(lambda r: np.where(r < 3, 4 * (r**-12 - r**-6), 0.0), [1.2, 2.0, 5.0]),
    "potential at 0": Formula(lambda r: np.where(r > 0, 4 * (r**-12.0 - r**-6.0), 0.0), [1.2, 0.0]),
    "pairs of distances": Formula(
        lambda x: np.where(~np.eye(2, dtype=bool), 1 / np.sqrt(np.sum((x[:, None] - x) ** 2, -1)), 0.0),
        [[0.0, 1.0], [2.0, 0.5]],
    ),
    "safe norm": Formula(safe_norm, [[0.0, 0.0], [3.0, 4.0]]),
    "huber": Formula(lambda x: np.where(np.abs(x) < 1, x**2 / 2, np.abs(x) - 0.5), [0.3, -2.0, 1e200]),
    "gaussian": Formula(lambda x: np.where(np.abs(x) < 5, np.exp(-(x**2)), 0.0), [0.3, 1e200, INF]),
    "exponential chain": Formula(lambda x: np.where(x < 2, np.exp(np.exp(np.exp(x))), x), [1.0, 800.0]),
    "hyperbolic": Formula(lambda x: np.where(x < 20, np.sinh(x) / np.cosh(x), 1.0), [1.0, 800.0]),
    "nested": Formula(
        lambda x: np.where(x < 20, np.where(x > 0, np.log(x), np.exp(x)), np.sqrt(x)), [1.0, -1.0, 0.0, 30.0, 800.0],
    ),
    "where in where": Formula(
        lambda x: np.where(x > 0, np.sqrt(np.where(x > 1, np.log(x), 1 / x)), 0.0), [2.0, 0.0, 0.5],
    ),
    "select": Formula(
        lambda x: np.select([x < 0, x == 0, x < 5], [np.exp(1 / x), 2.0, 1 / x**2], np.log(x)), [-1.0, 0.0, 2.0, 9.0],
    ),
    "piecewise product": Formula(lambda x: np.where(x > 0, np.log(x), 0.0) * np.where(x < 0, 1 / x, x), [2.0, -1.0]),
    "nansum": Formula(lambda w: np.nansum(np.exp(w * A - np.where(OK, B, NAN))), [1.0, 0.5, 0.1, 2.0]),
    "nanmean of squares": Formula(lambda w: np.nanmean((w * A - np.where(OK, B, NAN)) ** 2), [1.0, 0.5, 0.1, 2.0]),
    "nanmean of a scalar's residuals": Formula(lambda w: np.nanmean((w * A - np.where(OK, B, NAN)) ** 2), 2.0),
    "nan variance": Formula(lambda w: np.var(w * np.where(OK, B, NAN), where=OK) + w**2, 2.0),
    "nan deviation": Formula(lambda w: np.std(w**2 * B, where=OK), [1.0, 2.0, 1.5, 1.0]),
    "nanmax": Formula(lambda w: np.nanmax(w * np.where(OK, B, NAN)) ** 2, 1.5),
    "nanprod": Formula(lambda w: np.nanprod(w * np.where(OK, B, NAN)), [1.5, 1.0, 2.0, 3.0]),
    "mean where": Formula(lambda w: np.mean((w * B) ** 2, where=OK), [1.5, 1.0, 2.0, 3.0]),
    "sum where": Formula(lambda w: np.sum(np.exp(w * B), where=OK), 0.5),
    "residuals of a line": Formula(
        lambda w: np.sum(np.where(ROWS[:, None], X @ w - Y, 0.0) ** 2), [[1.0, 0.5], [0.2, 1.0], [2.0, 0.1]],
    ),
    "residuals of a vector": Formula(lambda w: np.mean(np.where(ROWS, X @ w, 0.0) ** 2), [1.0, 0.5, 0.2]),
    "nanmean of a line": Formula(
        lambda w: np.nanmean((X @ w - Y) ** 2), [[1.0, 0.5], [0.2, 1.0], [2.0, 0.1]],
    ),
    "einsum of rows": Formula(lambda w: np.sum(np.where(ROWS, np.einsum("ij,j->i", X, w), 0.0) ** 3), [1.0, 0.5, 0.2]),
    "two layers": Formula(
        lambda w: np.sum(np.where(ROWS[:, None], np.tanh(X @ w) @ w.T, 0.0) ** 2), [[1.0, 0.5], [0.2, 1.0], [2.0, 0.1]],
    ),
    "masked cross-entropy": Formula(
        lambda w: np.sum(np.where(ROWS, np.log(np.sum(np.exp(X @ w), -1)), 0.0)), [[1.0, 0.5], [0.2, 1.0], [2.0, 0.1]],
    ),
    "masked softmax": Formula(masked_softmax, [[1.0, 2.0, 1000.0], [1.0, 2.0, 3.0]]),
    "softmax where": Formula(lambda x: fnp.softmax(x, where=np.array([True, False, True])) ** 2, [1.0, NAN, 2.0]),
    "log-sum-exp": Formula(log_sum_exp, [1.0, 2000.0, 0.5, -1.0]),
    "log-sum-exp of rows": Formula(
        lambda x: np.where(np.array([True, False]), fnp.logsumexp(x, axis=1), 0.0), [[1.0, 2.0], [INF, -INF]],
    ),
    "attention": Formula(attention, [[1.0, 0.5], [0.2, -1.0], [3.0, 4.0]]),
    "cumulated": Formula(lambda x: np.where(np.arange(3) < 2, np.cumsum(1 / x), 0.0), [1.0, 2.0, 0.0]),
    "cumulated product": Formula(
        lambda x: np.where(np.arange(4) < 2, np.cumprod(np.log(x)), 0.0), [3.0, 2.0, 0.0, 0.0],
    ),
    "product": Formula(lambda x: np.prod(np.where(x > 0, np.log(x), 2.0)), [3.0, 2.0, 0.0]),
    "norm of rows": Formula(
        lambda x: np.where(np.array([True, False]), np.linalg.norm(1 / x, axis=1), 0.0), [[1.0, 2.0], [0.0, 0.0]],
    ),
    "largest": Formula(lambda x: np.max(np.where(x > 0, 1 / x, -INF)) ** 2, [0.5, 0.0, 2.0]),
    "minimum of an overflow": Formula(lambda x: np.minimum(np.exp(x) ** 2, 50.0), [1.0, 1000.0]),
    "clipped": Formula(lambda x: np.clip(np.exp(np.exp(x)), 0.0, 9.0), [0.5, 1000.0]),
    "clipped from below": Formula(lambda x: np.clip(-np.exp(np.exp(x)), -9.0, 0.0), [0.5, 1000.0]),
    "extremes in a row": Formula(
        lambda x: np.minimum(np.maximum(np.minimum(-np.exp(np.exp(x)), x), -9.0), 20.0), [0.5, 1000.0],
    ),
    "ReLU that is cut": Formula(lambda x: np.minimum(nn.relu(9.0 - np.exp(np.exp(x))), 5.0), [0.5, 1000.0]),
    "maximum of a quotient": Formula(lambda x: np.maximum(-np.exp(x), -x), [1000.0, -1.0]),
    "relu of an overflow": Formula(lambda x: nn.relu(5.0 - np.exp(x) ** 2), [0.5, 1000.0]),
    "smallest of all": Formula(lambda x: np.min(np.exp(x) ** 2), [1.0, 1000.0]),
    "sorted": Formula(lambda x: np.where(np.arange(3) < 2, np.sort(np.exp(x)), 0.0) ** 2, [1.0, 1000.0, 0.5]),
    "written": Formula(written, [2.0, 0.0, -1.0]),
    "written in places": Formula(written_in_places, [1000.0, 0.5, 900.0, 800.0, 0.1]),
    "written in a window": Formula(written_in_a_window, [0.5, 0.1, 1000.0]),
    "picked": Formula(lambda x: (np.exp(x) ** 2)[np.array([True, False, True])], [2.0, 800.0, 0.5]),
    "picked by two masks": Formula(
        lambda x: (np.exp(x) ** 2)[np.array([True, False]), 1:][:, np.array([True, False])] + x[0, 0],
        [[1000.0, 0.5, 900.0], [800.0, 1000.0, 2000.0]],
    ),
    "gathered": Formula(lambda x: np.where(np.array([True, False]), np.log(x)[np.array([0, 1])], 0.0), [2.0, 0.0]),
    "checkpoint": Formula(lambda x: np.where(x < 20, recomputed(x) ** 2, x), [0.5, 1000.0]),
    "jitted inside": Formula(lambda x: np.where(x < 20, jitted(x * x) ** 2, x), [0.5, 1000.0]),
    "custom rule": Formula(lambda x: np.where(x < 20, custom(x) ** 2, x), [0.5, 1000.0]),
    "for each example": Formula(vmap(lambda x: np.where(x < 20, np.log1p(np.exp(x)), x)), [0.5, 1000.0]),
    "loop behind a mask": Formula(
        lambda x: np.where(x < 20, control.scan(lambda c, i: (np.exp(c), c * c), x / 10, np.arange(3))[0], x),
        [0.5, 1000.0],
    ),
    "loop that computes again": Formula(
        lambda x: np.where(
            x < 20, control.scan(lambda c, i: (np.exp(c), c * c), x / 10, np.arange(4), checkpoint=2)[0] / 1e4, x,
        ), [0.5, 1000.0],
    ),
    "branch behind a mask": Formula(
        lambda x: np.where(x < 20, control.cond(x[0] > 0, lambda x: np.exp(x) ** 2, lambda x: x, x), x), [0.5, 1000.0],
    ),
    "batch of matrices": Formula(
        lambda w: np.where(ROWS[None, :, None], np.stack([X, 2 * X]) @ w, 0.0) ** 2,
        [[1.0, 0.5], [0.2, 1.0], [2.0, 0.1]],
    ),
    "nan_to_num": Formula(lambda x: np.where(x > 0, np.nan_to_num(np.log(x) / x, nan=0.0), 1.0), [0.5, 0.0, -1.0]),
    "steps of a loop": Formula(stepped, [0.5, 0.1, 1000.0]),
    "loop behind a flag": Formula(
        lambda x: np.where(x[0] > 0, 0.0, control.scan(lambda c, z: (np.log(z) * c, c), 1.0, x)[0]) + x**2, [2.0, 0.0],
    ),
    "branch": Formula(
        lambda x: control.cond(x[0] > 0, lambda x: np.where(x < 9, np.exp(x) ** 2, x), lambda x: x, x), [2.0, 800.0],
    ),
    "complex": Formula(lambda x: np.where(x > 0, np.abs(1 / (x + 0j)), 0.0), [2.0, 0.0]),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_has_the_derivatives_of_what_its_masks_show(name: str) -> None:
    assert_right(FORMULAS[name])


COMPILED = list(FORMULAS) if is_deep() else ["softplus", "residuals of a line"]


@pytest.mark.parametrize("name", COMPILED)
def test_a_compiled_formula_has_the_same_derivatives(name: str) -> None:
    function, x = total(FORMULAS[name].function), np.asarray(FORMULAS[name].at, float)
    for derivative in (grad(function), jacfwd(grad(function))):
        np.testing.assert_allclose(jit(derivative)(x), derivative(x), rtol=1e-9, atol=1e-12)


# --- What no mask hides, and what costs nothing


def names(function: Callable[..., Any], *args: Any) -> list[str]:
    """The operations of a function's Program."""
    return [eqn.primitive.name for eqn in make_program(function)(*args).equations]


def test_without_a_choice_the_way_back_has_no_masks() -> None:
    x = np.ones((3, 4))

    def loss(w: Any) -> Any:
        hidden = np.maximum(x @ w + 0.1, 0.0) ** 2
        scores = nn.relu(hidden @ w.T + 0.2)
        return np.sum(np.log(np.sum(np.exp(scores - np.max(scores, axis=1, keepdims=True)), axis=1)))

    masked = {"ne", "not", "reduce_or"}
    found = names(grad(loss), np.ones((4, 2)))
    assert found.count("ne") == names(loss, np.ones((4, 2))).count("ne") + 1  # of the extreme's own rule
    assert masked.isdisjoint(names(grad(lambda w: np.sum(np.tanh(x @ w) ** 2)), np.ones((4, 2))))


def test_a_mask_costs_one_select_for_a_chain() -> None:
    program = names(grad(lambda x: np.sum(np.where(x > 0, np.exp(np.sin(np.log(x)) ** 2), 0.0))), np.ones(3))
    assert program.count("select") == 3  # the function's, its transpose, and one at the end of the chain


def test_nan_stays_where_nobody_has_chosen() -> None:
    assert np.isnan(grad(lambda x: np.log1p(np.exp(x)))(1000.0))
    assert np.isnan(grad(lambda x: np.sqrt(x * x))(0.0))
    assert np.isnan(grad(lambda x: np.sum(0.0 * np.exp(x) ** 2))(np.array([1000.0]))).all()
    assert np.isnan(grad(lambda w: np.sum((w * A - np.where(OK, B, NAN)) ** 2))(2.0))
    assert np.isnan(grad(lambda x: np.where(x > 0, np.log1p(np.exp(x)), 0.0))(1000.0))
    assert np.isnan(grad(lambda w: np.sum(np.where(ROWS, 1.0, 2.0) * (X @ w)))(np.ones(3)))[0]
