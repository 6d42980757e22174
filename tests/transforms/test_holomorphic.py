"""Derivatives in the complex sense: what mathematicians write as f'(z)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import grad, hessian, jacfwd, jacobian, jacrev, jit, value_and_grad, vmap

Z = np.array([1 + 2j, 0.3 - 1j, 2j])
RUN = [pytest.param(lambda f: f, id="plain"), pytest.param(jit, id="jit")]

# f and f', of one number.
FUNCTIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "power": (lambda z: z**3, lambda z: 3 * z**2),
    "product": (lambda z: np.exp(z) * np.sin(z), lambda z: np.exp(z) * (np.sin(z) + np.cos(z))),
    "quotient": (lambda z: np.log(z) / (1 + z), lambda z: 1 / z / (1 + z) - np.log(z) / (1 + z) ** 2),
    "root": (lambda z: np.sqrt(1 - z**2), lambda z: -z / np.sqrt(1 - z**2)),
    "tangent": (lambda z: np.arctan(z) + np.tanh(z), lambda z: 1 / (1 + z**2) + 1 - np.tanh(z) ** 2),
    "of exponents": (lambda z: 2**z + z**z, lambda z: np.log(2) * 2**z + z**z * (np.log(z) + 1)),
}


def product_and_more(z: Any) -> Any:
    return np.array([z[0] * z[1], z[1] ** 2 + 1j * z[2], 1 / z[2]])


JACOBIAN = np.array([[Z[1], Z[0], 0], [0, 2 * Z[1], 1j], [0, 0, -1 / Z[2] ** 2]])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_gradients_are_derivatives(name: str) -> None:
    function, derivative = FUNCTIONS[name]
    first = grad(function, holomorphic=True)
    np.testing.assert_allclose(vmap(first)(Z), derivative(Z), rtol=1e-13)
    h = 1e-6
    second = (derivative(Z[0] + h) - derivative(Z[0] - h)) / (2 * h)
    np.testing.assert_allclose(grad(first, holomorphic=True)(Z[0]), second, rtol=1e-8)
    assert grad(function, holomorphic=True)(np.complex64(Z[0])).dtype == np.complex64


@pytest.mark.parametrize("run", RUN)
def test_every_transform_takes_it(run: Any) -> None:
    total = lambda z: np.sum(np.exp(z) * np.sin(z))  # noqa: E731
    value, gradient = run(value_and_grad(total, holomorphic=True))(Z)
    np.testing.assert_allclose(value, total(Z))
    np.testing.assert_allclose(gradient, FUNCTIONS["product"][1](Z))
    for transform in (jacfwd, jacrev, jacobian):
        np.testing.assert_allclose(run(transform(product_and_more, holomorphic=True))(Z), JACOBIAN)
    found = run(hessian(total, holomorphic=True))(Z)
    np.testing.assert_allclose(found, np.diag(2 * np.exp(Z) * np.cos(Z)), atol=1e-14)


def test_pytrees_and_aux() -> None:
    function = lambda p, s: (p["a"] ** 2 * p["b"] * s, {"seen": p["b"]})  # noqa: E731
    params = {"a": 1j, "b": 2 + 0j}
    (value, aux), gradients = value_and_grad(function, (0,), has_aux=True, holomorphic=True)(params, 3.0)
    assert (value, aux["seen"]) == (-6, 2) and gradients == ({"a": 12j, "b": -3},)
    assert grad(function, 0, True, True)(params, 3.0)[0] == {"a": 12j, "b": -3}


def test_a_real_function_has_the_conjugate_of_what_its_holomorphic_part_has() -> None:
    f, derivative = FUNCTIONS["product"]
    np.testing.assert_allclose(grad(lambda z: np.real(f(z)))(Z[0]), np.conj(derivative(Z[0])))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: grad(np.sum, holomorphic=True)(np.ones(3)), r"grad: requires complex .*, got f64\[3\] at args\[0\]\. "),
    (lambda: grad(lambda z: abs(z), 0, False, True)(1j), r"grad: requires complex .*, got f64\[\]\* at the result\. "),
    (lambda: grad(lambda z: z, holomorphic=True)(Z), r"grad: requires a function that returns a scalar, got"),
    (lambda: jacfwd(np.exp, holomorphic=True)(1.0), r"jacfwd: requires complex .* at args\[0\]\. "),
    (lambda: jacrev(abs, holomorphic=True)(Z), r"jacrev: requires complex .*, got f64\[3\] at output 0\. "),
    (lambda: jacrev(np.exp)(Z), r"jacrev: requires a real argument, .* or holomorphic=True"),
    (lambda: grad(np.exp)(1j), r"grad: requires a function that returns a real float, .* or say holomorphic=True"),
    (lambda: grad(np.exp, holomorphic=1), r"grad: requires holomorphic to be True or False, got 1"),
])
def test_real_numbers_are_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()
