"""Transforms in any order over random functions agree with dual numbers over plain NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import cond, grad, jit, jvp, linearize, scan, vjp, vmap, while_loop
from hypothesis import given
from hypothesis import strategies as st

from tests.transforms import duals

SIZE = 3
X = np.array([0.3, -0.7, 0.9])
WEIGHTS = np.array([1.0, -0.5, 0.25])
MATRIX = np.array([[0.2, -0.1, 0.4], [0.3, 0.5, -0.2], [-0.3, 0.1, 0.6]])

# --- Functions from three numbers to three numbers, as terms: an operation and its operands


class Arrays:
    """The operations on arrays and traced values."""

    sin, tanh = np.sin, np.tanh
    reverse = staticmethod(lambda x: x[::-1])
    product = staticmethod(lambda x: MATRIX @ x)
    mean = staticmethod(lambda x: np.mean(x) * np.ones(SIZE))


class Duals:
    """The same on dual numbers."""

    sin, tanh = staticmethod(duals.sin), staticmethod(duals.tanh)
    reverse = staticmethod(lambda x: duals.linear(lambda v: v[::-1], x))
    product = staticmethod(lambda x: duals.linear(lambda v: MATRIX @ v, x))
    mean = staticmethod(lambda x: duals.linear(lambda v: np.mean(v) * np.ones(SIZE), x))


TERMS = st.recursive(
    st.sampled_from(["x", "c"]),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["sin", "tanh", "reverse", "product", "mean"]), inner),
        st.tuples(st.sampled_from(["add", "mul"]), inner, inner),
    ),
    max_leaves=5,
)


def value_of(term: Any, x: Any, ops: type) -> Any:
    if term == "x":
        return x
    if term == "c":
        return WEIGHTS
    name, *operands = term
    values = [value_of(operand, x, ops) for operand in operands]
    if name in ("add", "mul"):
        a, b = values
        return a + b if name == "add" else a * b
    return getattr(ops, name)(*values)


# --- Transforms: each from such a function to another, and what it means

Function = Callable[[Any], Any]


def _batched(f: Function) -> Function:
    return lambda x: np.sum(vmap(f)(np.stack([x, 0.5 * x])), axis=0)


def _examples(f: Function) -> Function:
    return lambda x: f(x) + f(0.5 * x)


def _gradient(f: Function) -> Function:
    return lambda x: _stacked([weighted(duals.pushed(f, x, row)) for row in np.eye(SIZE)])


def weighted(y: Any) -> Any:
    return duals.linear(lambda v: np.sum(v * WEIGHTS), y)


def _stacked(values: list[Any]) -> Any:
    if isinstance(values[0], duals.Dual):
        return duals.Dual(_stacked([v.value for v in values]), _stacked([v.tangent for v in values]))
    return np.stack([np.asarray(v) + 0.0 for v in values])


def _looped(f: Function) -> Function:
    return lambda x: f(f(x) * 0.5) * 0.5


TRANSFORMS: dict[str, tuple[Callable[[Function], Function], Callable[[Function], Function]]] = {
    "jit": (jit, lambda f: f),
    "checkpoint": (fnad.checkpoint, lambda f: f),
    "grad": (lambda f: grad(lambda x: np.sum(f(x) * WEIGHTS)), _gradient),
    "vjp": (lambda f: lambda x: vjp(f, x)[1](WEIGHTS)[0], _gradient),
    "jvp": (lambda f: lambda x: jvp(f, (x,), (WEIGHTS,))[1], lambda f: lambda x: duals.pushed(f, x, WEIGHTS)),
    "linearize": (lambda f: lambda x: linearize(f, x)[1](WEIGHTS), lambda f: lambda x: duals.pushed(f, x, WEIGHTS)),
    "vmap": (_batched, _examples),
    "scan": (lambda f: lambda x: scan(lambda c, _: (f(c) * 0.5, ()), x, length=2)[0], _looped),
    "while": (
        lambda f: lambda x: while_loop(lambda s: s[0] < 2, lambda s: (s[0] + 1, f(s[1]) * 0.5), (0, x))[1], _looped,
    ),
    "cond": (
        lambda f: lambda x: cond(x[0] > 0, f, lambda x: f(2.0 * x), x),
        lambda f: lambda x: f(x) if duals.plain(x)[0] > 0 else f(2.0 * x),
    ),
}


def composed(names: list[str], term: Any) -> tuple[Function, Function]:
    function: Function = lambda x: value_of(term, x, Arrays) + 0.0 * x  # noqa: E731
    meaning: Function = lambda x: value_of(term, x, Duals) + 0.0 * x  # noqa: E731
    for name in names:
        transform, means = TRANSFORMS[name]
        function, meaning = transform(function), means(meaning)
    return function, meaning


def check(names: list[str], term: Any) -> None:
    function, meaning = composed(names, term)
    np.testing.assert_allclose(function(X), meaning(X), rtol=1e-9, atol=1e-10)


ORDERS = st.lists(st.sampled_from(sorted(TRANSFORMS)), min_size=1, max_size=4).filter(
    # Each derivative multiplies the work by its order; loops and batches double it.
    lambda names: sum(name in ("grad", "vjp", "jvp", "linearize") for name in names) <= 3
)


@given(names=ORDERS, term=TERMS)
def test_any_order_of_transforms(names: list[str], term: Any) -> None:
    check(names, term)


@pytest.mark.parametrize("inner", sorted(TRANSFORMS))
@pytest.mark.parametrize("outer", sorted(TRANSFORMS))
def test_every_pair_of_transforms(outer: str, inner: str) -> None:
    check([inner, outer], ("mul", ("sin", ("product", "x")), ("add", ("tanh", "x"), "c")))


def test_a_wrong_transform_is_caught(monkeypatch: Any) -> None:
    right = TRANSFORMS["jvp"]
    monkeypatch.setitem(TRANSFORMS, "jvp", (lambda f: lambda x: 1.001 * right[0](f)(x), right[1]))
    with pytest.raises(AssertionError):
        check(["jvp"], ("sin", "x"))
