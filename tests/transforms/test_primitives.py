"""Operations that users declare from NumPy functions: like built-in ones in every transform."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import checkpoint, explain, grad, hessian, jacobian, jit, jvp, make_program, primitive, scan, tree, vjp, vmap
from fnad.compiler.compile import compile_program
from fnad.ir.primitive import REGISTRY
from fnad.runtime.plan import HostStep, Launch
from fnad.testing import check_grads
from hypothesis import given
from hypothesis import strategies as st
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


# --- One operation, batched in each way, with and without a kernel


def plain(x: Any, w: Any, times: Any) -> Any:
    """A row and its weighted sum, of one row or, as a ufunc would, of many."""
    return x * w[..., None] * times, np.sum(x, axis=-1) + w


def plain_vjp(g: Any, y: Any, x: Any, w: Any, times: Any) -> Any:
    return g[0] * w[..., None] * times + g[1][..., None], np.sum(g[0] * x * times, axis=-1) + g[1]


def fill(x: Any, w: Any, scaled_out: Any, sum_out: Any, times: Any) -> None:
    total = w.item()
    for i in range(len(x)):
        scaled_out[i] = x[i] * w.item() * times
        total += x[i]
    sum_out[()] = total


def fill_rows(x: Any, w: Any, scaled_out: Any, sum_out: Any, times: Any) -> None:
    n, weights, sums = x.shape[-1], w.ravel(), sum_out.reshape(-1)
    rows, out = x.reshape((-1, n)), scaled_out.reshape((-1, n))
    for k in range(len(weights)):
        sums[k] = weights[k]
        for i in range(n):
            out[k, i] = rows[k, i] * weights[k] * times
            sums[k] += rows[k, i]


def batch_rule(size: int, mapped: Any, x: Any, w: Any, times: Any) -> Any:
    assert x.shape[0] == size if mapped[0] else w.shape == (size,)
    w = w if mapped[1] else np.broadcast_to(w, (size,))
    return plain(x if mapped[0] else np.broadcast_to(x, (size, *x.shape)), w, times)


def weigh(batch: Any, kernel: Any = None, function: Any = plain) -> Any:
    shape = lambda x, w, times: [(x.shape, x.dtype), (x.shape[:-1], x.dtype)]
    made = primitive(opaque(function), shape=shape, vjp=plain_vjp, batch=batch, kernel=kernel, name="weigh")
    return lambda x, w: made(x, w, times=3)


BATCHES = {"loop": weigh("loop"), "broadcast": weigh("broadcast"), "rule": weigh(batch_rule)}
KERNELS = {"loop": weigh("loop", fill), "broadcast": weigh("broadcast", fill_rows), "rule": weigh(batch_rule, fill)}

# What is declared here is no part of the library, whose tests go through the registry.
for _name in [name for name in REGISTRY if name.startswith(("my_sin", "my_cos", "scaled", "weigh"))]:
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


def test_what_is_declared_piecewise_constant_has_no_derivative() -> None:
    rank = primitive(opaque(lambda x: np.argsort(np.argsort(x)).astype(float)), shape=same, differentiable=False)
    np.testing.assert_array_equal(grad(lambda x: np.sum(rank(x) * x))(X), [0.0, 1.0, 2.0])
    partly = primitive(opaque(lambda x, n: x * n), shape=lambda x, n: same(x), vjp=lambda g, y, x, n: (g * n, None))
    assert grad(lambda x, y: partly(x, y) + partly(x, 3), (0, 1))(2.0, 5.0) == (8.0, 0.0)


def test_names_are_free() -> None:
    one, two = (primitive(np.sinh, shape=same, name="my_name") for _ in range(2))
    text = str(make_program(lambda x: one(x) + two(x))(X))
    assert "my_name a" in text and "my_name_2 a" in text
    np.testing.assert_array_equal(jit(primitive(opaque(np.exp2), shape=same, name="sin"))(X), np.exp2(X))


# --- Batches


def loss(f: Callable[..., Any]) -> Callable[..., Any]:
    def total(x: Any, w: Any) -> Any:
        y, s = f(x, w)
        return np.sum(np.cos(y)) + np.sum(s**2)

    return total


NESTINGS: dict[str, Callable[..., Any]] = {
    "vmap": lambda f, axes: vmap(f, axes),
    "vmap grad": lambda f, axes: vmap(grad(loss(f), (0, 1)), axes),
    "grad vmap": lambda f, axes: grad(loss(vmap(f, axes)), (0, 1)),
    "vjp vmap": lambda f, axes: lambda x, w: vjp(lambda *a: vmap(f, axes)(*a)[0] ** 2, x, w)[1](
        vmap(f, axes)(x, w)[0]),
    "jvp vmap": lambda f, axes: lambda x, w: jvp(vmap(f, axes), (x, w), (np.cos(x), np.sin(w))),
    "grad vmap grad": lambda f, axes: grad(lambda x, w: np.sum(vmap(grad(loss(f)), axes)(x, w) ** 2), (0, 1)),
    "vmap checkpoint": lambda f, axes: grad(loss(vmap(checkpoint(f), axes)), (0, 1)),
    "vmap vmap": lambda f, axes: lambda x, w: vmap(vmap(f, axes), (0, None))(np.stack([x, 2 * x, 0 * x]), w),
    "vmap grad vmap": lambda f, axes: lambda x, w: vmap(grad(loss(vmap(f, axes)), (0, 1)), (None, 0))(
        x, np.stack([w, 2 * w])),
}


def assert_nested_alike(name: str, f: Any, axes: Any, x: Any, w: Any, run: Callable[..., Any] = lambda f: f) -> None:
    """Require that a transform of an operation is that of the same written in NumPy."""
    got, expected = (
        tree.leaves(run(NESTINGS[name](g, axes))(x, w)) for g in (f, lambda x, w: plain(x, w, 3))
    )
    assert len(got) == len(expected)
    for one, two in zip(got, expected):
        assert one.shape == two.shape and one.dtype == two.dtype
        np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-12)


AXES = [(0, 0), (0, None), (None, 0)]


def sample(axes: Any, size: int, n: int) -> Any:
    generator = np.random.default_rng(size + 7 * n)
    return [generator.normal(size=shape if axis is None else (size, *shape)) for shape, axis in zip([(n,), ()], axes)]


@pytest.mark.parametrize("name", NESTINGS)
@pytest.mark.parametrize("batch", BATCHES)
@given(axes=st.sampled_from(AXES), size=st.integers(0, 3), n=st.integers(0, 3))
def test_a_batch_is_what_the_operation_means(batch: str, name: str, axes: Any, size: int, n: int) -> None:
    assert_nested_alike(name, BATCHES[batch], axes, *sample(axes, size, n))


@pytest.mark.parametrize("name", ["vmap", "grad vmap", "vmap grad", "jvp vmap", "vmap vmap", "vmap grad vmap"])
@pytest.mark.parametrize("batch", KERNELS)
def test_a_compiled_batch_is_the_same(batch: str, name: str) -> None:
    for axes in AXES:
        for variants in (BATCHES, KERNELS):
            assert_nested_alike(name, variants[batch], axes, *sample(axes, 2, 3), jit)


WRONG = {
    "one example for all": weigh(lambda size, mapped, x, w, times: plain(x * 0 + x[:1], w, times)),
    "examples exchanged": weigh(lambda size, mapped, x, w, times: plain(x, w[::-1], times)),
    "a kernel that does something else": weigh("loop", lambda x, w, y, s, times: None),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_law_of_batches_finds_wrong_rules(name: str) -> None:
    with pytest.raises(AssertionError):
        assert_nested_alike("vmap", WRONG[name], (0, 0), *sample((0, 0), 2, 3), jit)


def test_second_derivatives_and_jacobians_of_batches() -> None:
    x = X.reshape(1, 3) * np.ones((2, 1))
    check_grads(vmap(sine), (x,), order=3)
    for run in (lambda f: f, jit):
        np.testing.assert_allclose(run(vmap(hessian(lambda x: np.sum(sine(x)))))(x)[1], -np.diag(np.sin(X)), rtol=1e-12)
        np.testing.assert_allclose(run(jacobian(sine))(X), np.diag(np.cos(X)), rtol=1e-12)


def test_without_a_rule_a_derivative_is_an_error_that_says_how_to_give_one() -> None:
    bare = primitive(opaque(np.sin), shape=same, name="bare")
    message = r"bare: requires a derivative where it is differentiated, got .* vjp=\.\.\., or say differentiable=False"
    loss = lambda x: np.sum(bare(x) * x)  # noqa: E731
    for differentiate in (
        lambda: grad(loss)(X), lambda: jit(grad(loss))(X), lambda: vmap(grad(lambda x: bare(x) * x))(X),
        lambda: grad(lambda x: np.sum(vmap(bare)(x)))(X), lambda: jvp(bare, (X,), (X,)),
        lambda: scan(lambda c, x: (c, grad(loss)(x)), 0.0, np.stack([X])),
    ):
        with pytest.raises(TypeError, match=message):
            differentiate()
    np.testing.assert_array_equal(jit(loss)(X), np.sum(np.sin(X) * X))
    np.testing.assert_array_equal(grad(lambda x: np.sum(np.where(bare(x) > 0.5, x, 0.0)))(X), np.sin(X) > 0.5)
    with pytest.raises(ValueError, match="requires no vjp with differentiable=False"):
        primitive(np.sin, shape=same, vjp=lambda g, y, x: (g,), differentiable=False)


def test_no_derivative_flows_through_a_batch_of_what_is_piecewise_constant() -> None:
    rank = primitive(opaque(lambda x: np.argsort(np.argsort(x)).astype(float)), shape=same, differentiable=False)
    ranks = np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 2.0]])
    for f in (grad(lambda x: np.sum(vmap(rank)(x) * x)), vmap(grad(lambda x: np.sum(rank(x) * x)))):
        np.testing.assert_array_equal(f(ranks * 3), ranks)


def test_a_batch_of_results_of_several_dtypes() -> None:
    f = primitive(lambda x, n: (x * n, n + 1), shape=lambda x, n: [same(x), same(n)],
                  vjp=lambda g, y, x, n: (g[0] * n, None))
    y, n = vmap(f)(X, np.arange(3))
    np.testing.assert_array_equal(y, X * np.arange(3))
    np.testing.assert_array_equal(n, np.arange(1, 4))
    np.testing.assert_array_equal(grad(lambda x: np.sum(vmap(f)(x, np.arange(3))[0]))(X), np.arange(3.0))


# --- Kernels


def instructions(f: Callable[..., Any], *args: Any) -> list[Any]:
    return list(compile_program(make_program(f)(*args)).plan.instructions)


def test_a_kernel_is_a_launch_and_a_batch_of_it_one_too() -> None:
    (single,) = instructions(KERNELS["loop"], X, 2.0)
    assert isinstance(single, Launch) and single.extent == 1 and single.label.startswith("weigh")
    (batched,) = instructions(vmap(KERNELS["loop"]), np.ones((5, 3)), np.ones(5))
    assert isinstance(batched, Launch) and batched.extent == 5 and batched.kernel == single.kernel
    (host,) = instructions(vmap(BATCHES["loop"]), np.ones((5, 3)), np.ones(5))
    assert isinstance(host, HostStep)


def test_a_kernel_takes_arrays_of_every_layout_and_dtype(capsys: pytest.CaptureFixture[str]) -> None:
    def double(x: Any, out: Any) -> None:
        for i in range(len(x)):
            for j in range(x.shape[1]):
                out[i, j] = x[i, j] + x[i, j]

    f = primitive(lambda x: x + x, shape=same, kernel=double, name="double")
    g = jit(lambda x: f(x.T)[::-1])
    for dtype in ("float32", "int8", "uint64", "complex128", "bool", "float16"):
        x = np.arange(6).reshape(2, 3).astype(dtype)
        for layout in (x, np.asfortranarray(x), x[:, ::-1], x[:0]):
            np.testing.assert_array_equal(g(layout), (layout.T + layout.T)[::-1])
    explain(f)(np.ones((2, 3)))
    assert "double over 1" in capsys.readouterr().out


def test_parameters_are_constants_of_the_kernel() -> None:
    def power(x: Any, out: Any, exponent: Any, name: Any) -> None:
        for i in range(len(x)):
            out[i] = x[i] ** exponent if name == "a" else x[i]

    f = primitive(lambda x, exponent, name: x**exponent if name == "a" else x,
                  shape=lambda x, **params: same(x), kernel=power)
    for exponent in (2, 2.5, True):
        np.testing.assert_allclose(jit(lambda x: f(x, exponent=exponent, name="a"))(X), X**exponent, rtol=1e-15)
    np.testing.assert_array_equal(jit(lambda x: f(x, exponent=2, name="b"))(X), X)

    def add(x: Any, out: Any, table: Any) -> None:
        for i in range(len(x)):
            out[i] = x[i] + table[i]

    f = primitive(lambda x, table: x + table, shape=lambda x, **params: same(x), kernel=add)
    for table in (X, 2 * X):
        np.testing.assert_array_equal(jit(lambda x: f(x, table=table))(X), X + table)


def test_equal_parameters_of_different_types_are_not_mixed_up() -> None:
    f = primitive(lambda x, n: x * n, shape=lambda x, n: (x.shape, np.result_type(x.dtype, type(n))))
    for run in (vmap, jit):
        assert [run(lambda x: f(x, n=n))(np.arange(3)).dtype for n in (2, 2.0)] == [np.int64, np.float64]
    assert [y.dtype for y in jit(lambda x: [f(x, n=2), f(x, n=2.0)])(np.arange(3))] == [np.int64, np.float64]


def test_a_kernel_may_be_one_of_numbas() -> None:
    numba = pytest.importorskip("numba")

    @numba.njit
    def helper(x: Any) -> Any:
        return x[0] * 2

    @numba.njit
    def kernel(x: Any, out: Any) -> None:
        out[0] = helper(x)

    assert jit(primitive(lambda x: x[:1] * 2, shape=lambda x: ((1,), x.dtype), kernel=kernel))(X) == [1.0]


def raising(x: Any, out: Any) -> None:
    if x[0] > 0:
        raise ValueError("positive")
    out[:] = x


def test_an_exception_in_a_kernel_is_an_error_at_the_line_of_the_operation() -> None:
    f = primitive(lambda x: x, shape=same, kernel=raising, name="raising")
    step = jit(lambda x: f(x) * 2)
    np.testing.assert_array_equal(step(-X), -2 * X)
    with pytest.raises(RuntimeError, match=r"raising\w*: requires a kernel that raises .*\n.*test_primitives.py"):
        step(X)
    with pytest.raises(RuntimeError, match="raising"):
        jit(vmap(f))(np.stack([-X, X]))
    np.testing.assert_array_equal(step(-X), -2 * X)


def unknown_name(x: Any, out: Any) -> None:
    out[:] = nowhere(x)  # noqa: F821


def wrong_index(x: Any, out: Any) -> None:
    out[:] = x["a"]


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (unknown_name, r"got: NameError: name 'nowhere' is not defined"),
        (wrong_index, r"found for signature: getitem\(array\(float64, 1d, C\).* \(line \d+ of test_primitives.py\)"),
        (lambda x: None, "too many positional arguments"),
    ],
)
def test_what_numba_refuses_is_a_clear_error(kernel: Any, message: str) -> None:
    f = primitive(lambda x: x, shape=same, kernel=kernel, name="refused")
    with pytest.raises(TypeError, match=r"refused\w*: requires a kernel that numba compiles, .*" + message) as caught:
        jit(f)(X)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__
    assert "test_primitives.py" in str(caught.value) and "pipeline" not in str(caught.value)
    np.testing.assert_array_equal(f(X), X)  # what is not compiled needs no kernel


# --- Wrong use


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
        (lambda: primitive(np.sin, shape=same, kernel=3), TypeError, "requires a function as kernel, got int"),
        (lambda: primitive(np.sin, shape=same, batch="all"), ValueError,
         "requires batch to be 'loop', 'broadcast' or a function, got 'all'"),
        (lambda: vmap(primitive(np.sin, shape=same, batch=lambda n, mapped, x: x[0], name="mine"))(X), ValueError,
         r"mine\w*: requires a result for each example along a first axis, f64\[3\] at batch's result\[0\], got"),
        (lambda: vmap(primitive(np.sin, shape=same, batch=lambda n, mapped, x: (x, x), name="mine"))(X), TypeError,
         "requires a batch rule that returns the 1 results of the shape rule, got 2"),
        (lambda: with_rule(lambda g, y, x: g), TypeError, "a tuple of 1 cotangents, one for each input, got Tracer"),
        (lambda: with_rule(lambda g, y, x: (g, g)), TypeError, "got 2 of them"),
        (lambda: with_rule(lambda g, y, x: (g[:1],)), ValueError, r"f64\[3\] at vjp's result\[0\], got f64\[1\]"),
    ],
)
def test_wrong_declarations_are_errors(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("one, other", [(1, True), (0.0, -0.0), (2, 2.0), ((1,), (True,))])
def test_parameters_that_are_equal_but_not_the_same(one: Any, other: Any) -> None:
    told = primitive(lambda x, n: x + len(repr(n)), shape=lambda x, n: (x.shape, x.dtype))
    f = lambda x: told(x, n=one) - told(x, n=other)  # noqa: E731
    assert jit(f)(1.0) == f(1.0) == len(repr(one)) - len(repr(other))
