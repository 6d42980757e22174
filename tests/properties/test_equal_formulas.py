"""Equal formulas have equal values, gradients and curvatures, interpreted and compiled."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit, value_and_grad, vjp
from fnad.testing.strategies import arrays
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

Formula = Callable[[Any], Any]
SHAPE = (3, 4)


def sigmoid(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def by_rows(x: Any) -> Any:
    return np.stack([np.sum(row) for row in x])


# Formulas of a (3, 4) array; each group is equal on positive numbers without ties.
EQUAL: dict[str, list[Formula]] = {
    "relu": [
        lambda x: np.maximum(x - 1, 0), lambda x: np.where(x > 1, x - 1, 0), lambda x: (x - 1) * (x > 1),
        lambda x: (x - 1 + abs(x - 1)) / 2, lambda x: np.clip(x - 1, 0, None),
    ],
    "softplus": [
        lambda x: np.logaddexp(x, 0), lambda x: np.log1p(np.exp(x)), fnad.numpy.softplus,
        lambda x: np.maximum(x, 0) + np.log1p(np.exp(-abs(x))),
    ],
    "norm": [
        lambda x: np.linalg.norm(x, axis=1) ** 2, lambda x: np.sum(x * x, axis=1),
        lambda x: np.einsum("ij,ij->i", x, x), lambda x: np.diagonal(x @ x.T),
        lambda x: np.stack([np.dot(row, row) for row in x]),
    ],
    "prod": [
        lambda x: np.prod(x, axis=1), lambda x: np.exp(np.sum(np.log(x), axis=1)),
        lambda x: np.cumprod(x, axis=1)[:, -1], lambda x: x[:, 0] * x[:, 1] * x[:, 2] * x[:, 3],
    ],
    "square": [
        np.square, lambda x: x * x, lambda x: x**2, lambda x: x**2.0, lambda x: np.power(x, 2),
        lambda x: np.abs(x) ** 2,
    ],
    "root": [np.sqrt, lambda x: x**0.5, lambda x: np.exp(np.log(x) / 2), lambda x: np.hypot(x, 0) ** 0.5],
    "sigmoid": [sigmoid, lambda x: (1 + np.tanh(x / 2)) / 2, lambda x: np.exp(-np.logaddexp(0, -x))],
    "sum": [
        lambda x: np.sum(x, axis=1), lambda x: x.sum(1), lambda x: x @ np.ones(4),
        lambda x: np.cumsum(x, axis=1)[:, -1], lambda x: np.mean(x, axis=1) * 4, by_rows,
        lambda x: np.einsum("ij->i", x), lambda x: np.add.reduce(x, axis=1),
    ],
    "variance": [
        lambda x: np.var(x, axis=0), lambda x: np.mean(x**2, axis=0) - np.mean(x, axis=0) ** 2,
        lambda x: np.std(x, axis=0) ** 2, lambda x: np.mean((x - np.mean(x, axis=0)) ** 2, axis=0),
    ],
    "extreme": [
        lambda x: np.max(x, axis=1), lambda x: -np.min(-x, axis=1), lambda x: np.sort(x, axis=1)[:, -1],
        lambda x: np.take_along_axis(x, np.argmax(x, axis=1)[:, None], 1)[:, 0], lambda x: np.maximum.reduce(x, axis=1),
        lambda x: np.maximum(np.maximum(x[:, 0], x[:, 1]), np.maximum(x[:, 2], x[:, 3])),
    ],
    "log of a sum": [
        lambda x: np.log(np.sum(np.exp(x), axis=1)), lambda x: fnad.numpy.logsumexp(x, axis=1),
        lambda x: np.logaddexp(np.logaddexp(x[:, 0], x[:, 1]), np.logaddexp(x[:, 2], x[:, 3])),
    ],
    "tangent": [np.tan, lambda x: np.sin(x) / np.cos(x)],
    "logarithms": [
        np.log1p, lambda x: np.log(1 + x), lambda x: np.log2(1 + x) * np.log(2), lambda x: np.log10(1 + x) * np.log(10),
    ],
    "exponentials": [
        np.expm1, lambda x: np.exp(x) - 1, lambda x: 2 ** (x / np.log(2)) - 1, lambda x: np.exp2(x / np.log(2)) - 1,
    ],
    "hyperbolic": [np.sinh, lambda x: (np.exp(x) - np.exp(-x)) / 2, lambda x: np.tanh(x) * np.cosh(x)],
    "angle": [lambda x: np.arctan2(x, 2), lambda x: np.arctan(x / 2), lambda x: np.pi / 2 - np.arctan(2 / x)],
    "product": [
        lambda x: x @ x.T, lambda x: np.einsum("ij,kj->ik", x, x), lambda x: np.tensordot(x, x, (1, 1)),
        lambda x: np.sum(x[:, None] * x[None], axis=-1), lambda x: np.inner(x, x), lambda x: np.dot(x, np.transpose(x)),
        lambda x: (x[None] @ x.T[None])[0],
    ],
    "placement": [
        lambda x: x[::-1, 1:], lambda x: np.flip(x, 0)[:, 1:], lambda x: x[[2, 1, 0]][:, [1, 2, 3]],
        lambda x: np.roll(x[::-1], -1, axis=1)[:, :3], lambda x: np.stack([x[2, 1:], x[1, 1:], x[0, 1:]]),
        lambda x: np.pad(x, ((0, 1), (0, 0)))[-2::-1, 1:], lambda x: np.concatenate([x[2:], x[1:2], x[:1]])[:, 1:4],
    ],
    "copies": [
        lambda x: np.tile(x, (2, 1)), lambda x: np.concatenate([x, x]), lambda x: np.vstack([x, x]),
        lambda x: np.broadcast_to(x, (2, 3, 4)).reshape(6, 4), lambda x: np.repeat(x[None], 2, axis=0).reshape(-1, 4),
        lambda x: x[[0, 1, 2, 0, 1, 2]],
    ],
    "writes": [
        lambda x: x.at[1].set(0.0), lambda x: x * np.array([[1.0], [0.0], [1.0]]), lambda x: x.at[1].add(-x[1]),
        lambda x: np.where(np.arange(3)[:, None] == 1, 0.0, x), lambda x: np.stack([x[0], 0 * x[1], x[2]]),
    ],
    "triangles": [lambda x: np.tril(x), lambda x: x * np.tri(3, 4), lambda x: x - np.triu(x, 1)],
}
PAIRS = [pytest.param(name, i, id=f"{name}-{i}") for name, formulas in EQUAL.items() for i in range(1, len(formulas))]

# Without ties and away from 1, where the ramps have their kink.
POINTS = hnp.arrays(np.float64, SHAPE, elements=st.integers(2, 40).map(lambda k: k / 16 + 0.03), unique=True)


@cache
def derivatives(formula: Formula) -> Callable[..., Any]:
    """Value, gradient and curvature along a direction of a weighted sum of a formula."""

    def loss(x: Any) -> Any:
        y = formula(x)
        return np.sum(np.sin(y) * np.arange(1.0, y.size + 1).reshape(y.shape))

    def of(x: Any, v: Any) -> Any:
        return vjp(formula, x)[0], value_and_grad(loss)(x), grad(lambda z: np.sum(grad(loss)(z) * v))(x)

    return of


@settings(max_examples=max(settings.default.max_examples // 4, 1))
@pytest.mark.parametrize(("name", "i"), PAIRS)
@given(x=POINTS, v=arrays(SHAPE))
def test_equal_formulas_agree(name: str, i: int, x: np.ndarray, v: np.ndarray) -> None:
    expected, got = (derivatives(EQUAL[name][k])(x, v) for k in (0, i))
    assert_close(got, expected)
    if name != "writes":  # x.at is no NumPy
        np.testing.assert_allclose(got[0], EQUAL[name][i](x), rtol=1e-12)


@pytest.mark.parametrize(("name", "i"), [*PAIRS, *[pytest.param(name, 0, id=f"{name}-0") for name in EQUAL]])
def test_compiled_formulas_are_the_interpreted_ones(name: str, i: int) -> None:
    x, v = np.random.default_rng(0).uniform(0.2, 3.0, (2, *SHAPE))
    of = derivatives(EQUAL[name][i])
    assert_close(jit(of)(x, v), of(x, v))


def assert_close(got: Any, expected: Any) -> None:
    (got_y, (got_loss, got_g), got_h), (y, (loss, g), h) = got, expected
    for a, b in zip((got_y, got_loss, got_g, got_h), (y, loss, g, h)):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * (1 + np.max(np.abs(b))))
