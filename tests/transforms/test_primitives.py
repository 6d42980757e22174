"""Operations that users declare from NumPy functions: like built-in ones in every transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import checkpoint, grad, hessian, jit, jvp, make_program, primitive, vjp
from fnad.ir.primitive import REGISTRY
from fnad.testing import check_grads
from numpy.typing import NDArray

X = np.array([0.5, 1.5, 2.5])


def same(x: Any, **params: Any) -> Any:
    return x.shape, x.dtype


def opaque(function: Callable[..., Any]) -> Callable[..., NDArray[Any]]:
    """The function, of arrays only: it could not be traced."""

    def only_arrays(*xs: Any, **params: Any) -> Any:
        assert all(type(x) is np.ndarray for x in xs)
        return function(*xs, **params)

    return only_arrays


sine = primitive(opaque(np.sin), shape=same, vjp=lambda g, y, x: (g * cosine(x),), name="my_sin")
cosine = primitive(opaque(np.cos), shape=same, vjp=lambda g, y, x: (-g * sine(x),), name="my_cos")
scaled = primitive(
    opaque(lambda x, y, times: (x * y * times, x.sum(keepdims=True))),
    shape=lambda x, y, times: [(x.shape, x.dtype), ((1,) * len(x.shape), x.dtype)],
    vjp=lambda g, y, a, b, times: (g[0] * b * times + g[1], g[0] * a * times), name="scaled",
)
# What is declared here is no part of the library, whose tests go through the registry.
for _name in ("my_sin", "my_cos", "scaled"):
    del REGISTRY[_name]


def test_values_of_arrays_numbers_and_lists() -> None:
    np.testing.assert_array_equal(sine(X), np.sin(X))
    assert sine(0.5) == np.sin(0.5) and sine([0.5])[0] == np.sin(0.5)
    first, second = scaled(X, X, times=2)
    np.testing.assert_array_equal(first, 2 * X * X)
    assert second == X.sum()


def test_every_transform() -> None:
    for got in (grad(lambda x: np.sum(sine(x))), jit(grad(lambda x: np.sum(sine(x)))),
                grad(jit(lambda x: np.sum(sine(x)))),
                lambda x: jvp(sine, (x,), (np.ones(3),))[1], lambda x: vjp(jit(sine), x)[1](np.ones(3))[0],
                jit(grad(checkpoint(lambda x: np.sum(sine(x)))))):
        np.testing.assert_allclose(got(X), np.cos(X), rtol=1e-12)
    np.testing.assert_allclose(jit(hessian(lambda x: np.sum(sine(x))))(X), -np.diag(np.sin(X)), rtol=1e-12)
    np.testing.assert_array_equal(jit(sine)(X), np.sin(X))


def test_derivatives_of_any_order() -> None:
    check_grads(sine, (X,), order=3)
    check_grads(lambda x, y: scaled(x, y, times=3), (X, X + 1), order=2)
    assert grad(lambda x: scaled(x, 2.0, times=5)[0])(3.0) == 10.0


def test_without_a_rule_no_derivative_flows() -> None:
    rank = primitive(opaque(lambda x: np.argsort(np.argsort(x)).astype(float)), shape=same)
    np.testing.assert_array_equal(grad(lambda x: np.sum(rank(x) * x))(X), [0.0, 1.0, 2.0])
    partly = primitive(opaque(lambda x, n: x * n), shape=lambda x, n: same(x), vjp=lambda g, y, x, n: (g * n, None))
    assert grad(lambda x, y: partly(x, y) + partly(x, 3), (0, 1))(2.0, 5.0) == (8.0, 0.0)


def test_names_are_free() -> None:
    one, two = (primitive(np.sinh, shape=same, name="my_name") for _ in range(2))
    text = str(make_program(lambda x: one(x) + two(x))(X))
    assert "my_name a" in text and "my_name_2 a" in text
    np.testing.assert_array_equal(jit(primitive(opaque(np.exp2), shape=same, name="sin"))(X), np.exp2(X))


def with_rule(vjp: Any) -> Any:
    return grad(lambda x: np.sum(primitive(np.sin, shape=same, vjp=vjp, name="mine")(x)))(X)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: primitive(3, shape=same), TypeError, "primitive: requires a function as function, got int"),
        (lambda: primitive(np.sin, shape=(3,)), TypeError, "primitive: requires a function as shape, got tuple"),
        (lambda: sine("a"), TypeError, "my_sin: requires arrays or numbers, got str as argument 0"),
        (lambda: primitive(np.sin, shape=lambda x: x.shape, name="mine")(X), TypeError,
         r"mine\w*: requires a shape rule that returns \(shape, dtype\)"),
        (lambda: primitive(np.sum, shape=same, name="mine")(X), TypeError,
         r"requires results as its shape rule says, f64\[3\], got f64\[\]"),
        (lambda: with_rule(lambda g, y, x: g), TypeError, "a tuple of 1 cotangents, one for each input, got Tracer"),
        (lambda: with_rule(lambda g, y, x: (g, g)), TypeError, "got 2 of them"),
        (lambda: with_rule(lambda g, y, x: (g[:1],)), ValueError, r"f64\[3\] at vjp's result\[0\], got f64\[1\]"),
    ],
)
def test_wrong_declarations_are_errors(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
