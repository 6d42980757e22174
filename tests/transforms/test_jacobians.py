"""Jacobians and Hessians: JAX's block structure, both modes alike, eager and compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import grad, hessian, hvp, jacfwd, jacobian, jacrev, jit, make_program, tree
from fnad.compiler.compile import compile_program
from fnad.transforms import jacobians

X = np.array([0.5, 1.5, 2.5])
M = np.arange(6.0).reshape(2, 3) / 4
ALL = [jacfwd, jacrev, jacobian]


@pytest.mark.parametrize("transform", ALL)
def test_the_shape_is_that_of_the_result_and_that_of_the_argument(transform: Any) -> None:
    got = transform(lambda m: np.sin(m).T @ m)(M)
    assert got.shape == (3, 3, 2, 3)
    step = np.zeros_like(M)
    step[1, 2] = 1e-6
    difference = (np.sin(M + step).T @ (M + step) - np.sin(M - step).T @ (M - step)) / 2e-6
    np.testing.assert_allclose(got[:, :, 1, 2], difference, atol=1e-8)


@pytest.mark.parametrize("transform", ALL)
def test_blocks_of_pytrees(transform: Any) -> None:
    def f(params: Any, x: Any) -> Any:
        return {"y": params["w"] @ x, "parts": (params["b"] * x[0], np.sum(x))}

    params = {"w": M, "b": 2.0}
    got = transform(f)(params, X)
    assert tree.structure(got) == tree.structure({"y": params, "parts": (params, params)})
    assert got["y"]["w"].shape == (2, 2, 3) and got["y"]["b"].shape == (2,)
    np.testing.assert_array_equal(got["y"]["w"][1, 1], X)
    assert got["parts"][0]["b"] == X[0]
    one, two = transform(f, argnums=(0, -1))(params, X)["y"]
    np.testing.assert_array_equal(one["w"], got["y"]["w"])
    np.testing.assert_array_equal(two, M)
    (alone,) = transform(f, argnums=[1])(params, X)["parts"][1]
    np.testing.assert_array_equal(alone, np.ones(3))


@pytest.mark.parametrize("transform", ALL)
def test_aux_and_keywords(transform: Any) -> None:
    got, aux = transform(lambda x, scale: (scale * x**2, {"x": x, "name": 1}), has_aux=True)(X, scale=2.0)
    np.testing.assert_allclose(got, np.diag(4 * X))
    np.testing.assert_array_equal(aux["x"], X)
    assert aux["name"] == 1


@pytest.mark.parametrize("transform", ALL)
def test_compiled_and_nested(transform: Any) -> None:
    def f(x: Any) -> Any:
        return np.tanh(M @ x) * np.sum(x**2)

    expected = transform(f)(X)
    np.testing.assert_allclose(jit(transform(f))(X), expected, rtol=1e-12)
    np.testing.assert_allclose(transform(jit(f))(X), expected, rtol=1e-12)
    np.testing.assert_allclose(
        grad(lambda x: np.sum(transform(f)(x) ** 2))(X), grad(lambda x: np.sum(jacrev(f)(x) ** 2))(X), rtol=1e-12
    )
    for inner in ALL:
        np.testing.assert_allclose(transform(inner(f))(X), jacfwd(jacfwd(f))(X), rtol=1e-12)


@pytest.mark.parametrize("transform", ALL)
def test_dtypes_and_degenerate_shapes(transform: Any) -> None:
    assert transform(lambda x: x * 2)(X.astype(np.float32)).dtype == np.float32
    assert transform(lambda x: x * 2)(np.ones((0, 2))).shape == (0, 2, 0, 2)
    assert transform(lambda x: x[:0])(X).shape == (0, 3)
    assert transform(lambda x: x**2)(3.0) == 6.0
    np.testing.assert_array_equal(transform(lambda x: np.ones(2))(X), np.zeros((2, 3)))
    got = transform(lambda x: x)(X)
    got[0, 0] = 5.0  # an array of its own
    with pytest.raises(TypeError, match=f"{transform.__name__}: requires a real argument"):
        transform(lambda x: x)(X + 1j)


@pytest.mark.parametrize("transform", ALL)
def test_all_directions_are_one_batch(transform: Any) -> None:
    def f(x: Any) -> Any:
        return np.tanh(x @ np.ones((len(x), len(x)))) * x

    counts = [len(make_program(transform(f))(np.ones(n)).equations) for n in (2, 50)]
    assert counts[0] == counts[1]


@pytest.mark.parametrize("transform", ALL)
@pytest.mark.parametrize("most", [1, 6, 7])
def test_a_batch_of_directions_is_bounded(transform: Any, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def f(x: Any) -> Any:
        return np.outer(np.tanh(x), x) @ x

    expected = transform(f)(np.arange(5.0))
    monkeypatch.setattr(jacobians, "MOST_ELEMENTS", most)
    np.testing.assert_allclose(transform(f)(np.arange(5.0)), expected, rtol=1e-14)
    np.testing.assert_allclose(jit(transform(f))(np.arange(5.0)), expected, rtol=1e-12)


def test_a_complex_result_is_differentiated_forward() -> None:
    for transform in (jacfwd, jacobian):
        np.testing.assert_allclose(transform(lambda x: np.exp(1j * x))(X), np.diag(1j * np.exp(1j * X)))
    with pytest.raises(TypeError, match="jacrev: requires a real result"):
        jacrev(lambda x: np.exp(1j * x))(X)


def test_hessians() -> None:
    def f(x: Any) -> Any:
        return np.sum(np.exp(x) * x[::-1]) + np.prod(x)

    got = hessian(f)(X)
    np.testing.assert_allclose(got, got.T, rtol=1e-12)
    for row, e in zip(got, np.eye(3)):
        np.testing.assert_allclose(row, hvp(f, (X,), (e,))[0], rtol=1e-12)
    np.testing.assert_allclose(jit(hessian(f))(X), got, rtol=1e-12)
    np.testing.assert_allclose(jacrev(jacfwd(f))(X), got, rtol=1e-12)


def test_hessian_blocks_and_aux() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(x["a"] ** 2 * y), "aux"

    got, aux = hessian(f, argnums=(0, 1), has_aux=True)({"a": X}, 2 * X)
    assert aux == "aux"
    np.testing.assert_allclose(got[0]["a"][0]["a"], np.diag(4 * X))
    np.testing.assert_allclose(got[0]["a"][1], np.diag(2 * X))
    np.testing.assert_allclose(got[1][0]["a"], np.diag(2 * X))
    np.testing.assert_allclose(got[1][1], np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jacfwd(3), TypeError, "jacfwd: requires a function, got int"),
        (lambda: jacrev(np.sin, argnums=1.5), TypeError, "jacrev: requires argnums to be an integer"),
        (lambda: jacobian(np.sin, argnums=1)(X), ValueError, "jacobian: requires argnums of positional arguments"),
        (lambda: jacfwd(lambda p: p["n"])({"n": 3}), TypeError, r"jacfwd: requires float or complex .* at p\['n'\]"),
        (lambda: jacfwd(lambda x: {"n": x > 0})(X), TypeError, r"jacfwd: .*got bool\[3\] at result\['n'\]"),
        (lambda: jacrev(lambda x: (x, "a"))(X), TypeError, r"jacrev: .*got str at result\[1\]"),
        (lambda: jacrev(lambda x: x, has_aux=True)(X), TypeError, r"jacrev: requires .* that returns \(out, aux\)"),
    ],
)
def test_wrong_use_is_an_error(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_the_directions_of_a_basis_cost_no_product() -> None:
    """A product with all of them at once is one with the identity."""
    x = np.arange(12.0).reshape(4, 3)
    hessian_of = make_program(hessian(lambda w: np.sum(np.exp(x @ w))))(np.ones(3))
    products = [i for i in compile_program(hessian_of).plan.instructions if getattr(i, "label", "") == "matmul"]
    assert len(products) == 2, "x w, and the Hessian itself"
