"""Gradients: nested to any depth and never confused, of any pytree and argument, through Python's own control flow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import fnad
import numpy as np
import pytest
from fnad import grad, make_program, stop_gradient, tree, value_and_grad
from fnad.arguments import argument_name
from fnad.testing import check_grads

# --- Nesting


def derivative(function: Callable[..., Any], order: int) -> Callable[..., Any]:
    for _ in range(order):
        function = grad(function)
    return function


@pytest.mark.parametrize("order", range(7))
def test_gradients_nest_to_any_depth(order: int) -> None:
    x = 0.7
    np.testing.assert_allclose(derivative(np.sin, order)(x), np.sin(x + order * np.pi / 2), rtol=1e-12)
    np.testing.assert_allclose(derivative(np.exp, order)(x), np.exp(x), rtol=1e-12)
    falling = np.prod([6.0 - k for k in range(order)])
    np.testing.assert_allclose(derivative(lambda y: y**6, order)(x), falling * x ** (6 - order), rtol=1e-12)


def x_at(x: Any) -> Callable[[Any], Any]:
    return lambda y: x * y


def derivative_of_loop(x: Any) -> Any:
    total = 0.0
    for k in range(1, 4):
        total = total + grad(lambda y: y**k * x)(x)
    return total


# Functions whose inner derivative closes over the outer variable: (function, point, derivative there).
CONFUSING: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "sum": (lambda x: x * grad(lambda y: x + y)(1.0), 1.0, 1.0),
    "product": (lambda x: x * grad(lambda y: x * y)(2.0), 3.0, 6.0),
    "at itself": (lambda x: grad(lambda y: x * y**2)(x), 3.0, 12.0),
    "power": (lambda x: grad(lambda y: y**3 * x)(x) * x, 2.0, 96.0),
    "inner ignores its variable": (lambda x: x * grad(lambda y: x * x)(2.0), 3.0, 0.0),
    "inner ignores the outer one": (lambda x: x * grad(lambda y: y**3)(2.0), 3.0, 12.0),
    "three deep": (lambda x: grad(lambda y: grad(lambda z: x * y**2 * z**3)(y))(x), 2.0, 12 * 4 * 8.0),
    "three deep with uses": (lambda x: x * grad(lambda y: y * grad(lambda z: x * y * z)(1.0))(2.0), 3.0, 4 * 2 * 3.0),
    "function made outside": (lambda x: grad(x_at(x))(5.0) * x, 3.0, 6.0),
    "captured at two levels": (lambda x: grad(lambda y: grad(lambda z: x * z + y * z)(1.0) * y)(x), 2.0, 3.0),
    "value of the inner": (lambda x: value_and_grad(lambda y: x * y)(x)[0], 3.0, 6.0),
    "in a loop": (derivative_of_loop, 2.0, 1 + 2 * 2 * 2 + 3 * 3 * 4),
    "inner stops": (lambda x: grad(lambda y: y * stop_gradient(x * y))(x), 3.0, 0.0),
    "inner of a captured result": (lambda x: (lambda s: grad(lambda y: s * y)(1.0))(np.sin(x)), 0.5, np.cos(0.5)),
}


@pytest.mark.parametrize("name", CONFUSING)
def test_nested_gradients_are_not_confused(name: str) -> None:
    function, x, expected = CONFUSING[name]
    np.testing.assert_allclose(grad(function)(x), expected, rtol=1e-12)
    if name != "inner stops":
        check_grads(function, (x,))


def test_a_gradient_of_a_gradient_step() -> None:
    def meta(rate: Any) -> Any:
        w = np.array([1.0, -2.0])
        for _ in range(3):
            w = w - rate * grad(lambda v: np.sum(v**4))(w)
        return np.sum(w**2)

    check_grads(meta, (0.01,))


# --- Pytrees


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Layer:
    weights: Any
    bias: Any = None


class Polar:
    """A class registered as a node."""

    def __init__(self, radius: Any, angle: Any) -> None:
        self.radius, self.angle = radius, angle


tree.register(Polar, lambda p: ((p.radius, p.angle), None), lambda _, children: Polar(*children))

W, B = np.array([[1.0, 2.0], [3.0, -4.0]]), np.array([0.5, -0.5], np.float32)
TREES = {
    "array": W,
    "number": 3.0,
    "NumPy scalar": np.float32(2.0),
    "dict": {"w": W, "b": B},
    "list": [W, B],
    "tuple": (W, (B,)),
    "namedtuple": Point(W, B),
    "dataclass": Layer(W, B),
    "dataclass with None": Layer(W),
    "None inside": [None, W, {"a": None}],
    "registered class": Polar(W, B),
    "all of them": {"a": [Layer(W, Point(B, None))], "b": (1.5, Polar(W, [B]))},
    "no leaf": {"a": [], "b": None},
}


def sum_of_cubes(value: Any) -> Any:
    total = 0.0
    for leaf in tree.leaves(value):
        total = total + np.sum(leaf**3)
    return total


@pytest.mark.parametrize("name", TREES)
def test_the_gradient_is_a_tree_like_the_argument(name: str) -> None:
    value = TREES[name]
    got = grad(sum_of_cubes)(value)
    assert type(got) is type(value) or not tree.structure(value).num_children
    assert tree.structure(got) == tree.structure(value)
    for g, x in zip(tree.leaves(got), tree.leaves(value)):
        assert g.dtype == np.asarray(x).dtype and g.shape == np.shape(x)
        np.testing.assert_allclose(g, 3 * np.asarray(x) ** 2, rtol=1e-6)


def test_gradients_are_arrays_of_their_own() -> None:
    x, same = W.copy(), W.copy()
    first, second = grad(lambda a, b: np.sum(a + b), (0, 1))(x, same)
    assert not np.shares_memory(first, second)
    first[...] = 0.0
    np.testing.assert_array_equal(second, np.ones((2, 2)))
    np.testing.assert_array_equal(x, W)
    x.flags.writeable = False
    np.testing.assert_array_equal(grad(np.sum)(x), np.ones((2, 2)))


def test_unused_parameters_have_zero_gradients_of_their_type() -> None:
    params = {"used": 2.0, "unused": [W, B], "number": 1.0}
    got = grad(lambda p: p["used"] ** 2)(params)
    assert got["used"] == 4.0 and got["number"] == 0.0
    for g, x in zip(got["unused"], params["unused"]):
        assert (g.dtype, g.shape) == (x.dtype, x.shape) and not g.any()
        assert g.flags.writeable
    assert not grad(lambda x: 1.0)(W).any()


# --- Arguments


def f(x: Any, y: Any, z: Any = 2.0) -> Any:
    return np.sum(x * y**2 * z**3)


@pytest.mark.parametrize(
    ("argnums", "expected"),
    [(0, 72.0), (1, 48.0), (2, 108.0), (-1, 108.0), (-3, 72.0), ((0,), (72.0,)), ((2, 0), (108.0, 72.0)),
     ([1, -1], (48.0, 108.0)), (np.int64(1), 48.0)],
)
def test_argnums_choose_arguments(argnums: Any, expected: Any) -> None:
    got = grad(f, argnums)(1.0, 3.0, 2.0)
    assert type(got) is tuple if isinstance(expected, tuple) else np.shape(got) == ()
    np.testing.assert_allclose(got, expected)


def test_keyword_arguments_are_passed_on() -> None:
    assert grad(f)(1.0, 3.0, z=1.0) == 9.0
    assert grad(lambda x, *rest, k, **more: x * rest[0] * k * more["m"])(1.0, 2.0, k=3.0, m=np.float64(5.0)) == 30.0


def test_what_is_not_differentiated_may_be_anything() -> None:
    def loss(x: Any, name: str, count: int, table: dict) -> Any:
        return x * count * len(name) + table["k"](x)

    assert grad(loss)(2.0, "abc", 4, {"k": np.square}) == 16.0


def test_methods_partials_and_callable_objects_are_functions() -> None:
    class Model:
        scale = 3.0

        def loss(self, x: Any) -> Any:
            return self.scale * x**2

        def __call__(self, x: Any) -> Any:
            return self.loss(x)

    assert grad(Model().loss)(2.0) == grad(Model())(2.0) == 12.0


# --- Values and aux


def test_value_and_grad_gives_both() -> None:
    value, g = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0], np.float32))
    assert value == 5.0 and value.dtype == g.dtype == np.float32
    np.testing.assert_array_equal(g, [2.0, 4.0])


AUX: dict[str, Callable[[Any], Any]] = {
    "traced": lambda x: x * 2,
    "tree": lambda x: {"a": [x, None], "b": (1, "text")},
    "text": lambda x: "converged",
    "None": lambda x: None,
    "object": lambda x: AUX,
    "integers": lambda x: np.arange(3),
    "comparison": lambda x: x > 1,
    "pair": lambda x: (x, x),
    "empty": lambda x: [],
}


@pytest.mark.parametrize("name", AUX)
def test_aux_is_any_tree(name: str) -> None:
    aux = AUX[name]
    expected = aux(np.float64(3.0))
    (value, got), g = value_and_grad(lambda x: (x**2, aux(x)), has_aux=True)(3.0)
    assert (value, g) == (9.0, 6.0)
    assert tree.structure(got) == tree.structure(expected)
    for a, b in zip(tree.leaves(got), tree.leaves(expected)):
        assert np.array_equal(a, b) if isinstance(b, np.ndarray) else a == b
        assert not isinstance(a, fnad.tracing.tracer.Tracer)
    assert grad(lambda x: (x**2, aux(x)), has_aux=True)(3.0)[0] == 6.0


def test_aux_is_not_differentiated_but_an_outer_gradient_flows_through_it() -> None:
    def outer(x: Any) -> Any:
        g, aux = grad(lambda y: (y**2, y**3), has_aux=True)(x)
        return g * aux

    np.testing.assert_allclose(grad(outer)(2.0), 8 * 2.0**3)


# --- Python while staging


def power(x: Any, n: int) -> Any:
    result = 1.0
    while n > 0:
        result, n = result * x, n - 1
    return result


def newton(a: Any) -> Any:
    x = a
    while abs(x * x - a) > 1e-12:
        x = 0.5 * (x + a / x)
    return x


def collatz(x: Any) -> Any:
    return x**3 if x > 1 else (2 * x if x == 1 else -x)


PYTHON: dict[str, tuple[Callable[[Any], Any], float, float]] = {
    "while": (lambda x: power(x, 4), 2.0, 32.0),
    "while on a value": (newton, 2.0, 0.5 / np.sqrt(2.0)),
    "if": (collatz, 2.0, 12.0),
    "else if": (collatz, 1.0, 2.0),
    "else": (collatz, -5.0, -1.0),
    "int": (lambda x: x ** int(x), 3.0, 27.0),
    "range of int": (lambda x: sum((x * k for k in range(int(x))), 0.0), 4.0, 6.0),
    "and or not": (lambda x: x**2 if x > 0 and not x > 5 else x, 2.0, 4.0),
    "max of Python": (lambda x: max(x, 1.0) * x, 3.0, 6.0),
    "sorted": (lambda x: sorted([x, 2 * x, -x])[0] * x, 3.0, -6.0),
    "comprehension": (lambda x: sum([x**k for k in range(4)]), 2.0, 17.0),
    "list index": (lambda x: [1.0, x, x**2][int(x)], 2.0, 4.0),
    "recursion": (lambda x: (lambda r: r(r, x, 3))(lambda r, y, n: y if n == 0 else y * r(r, y, n - 1)), 2.0, 32.0),
    "exception": (lambda x: raising(x), 2.0, 3.0),
    "assert": (lambda x: checking(x), 2.0, 4.0),
}


def raising(x: Any) -> Any:
    try:
        if x > 1:
            raise ValueError
        return x
    except ValueError:
        return 3 * x


def checking(x: Any) -> Any:
    assert x > 0 and bool(np.isfinite(x))
    return x**2


@pytest.mark.parametrize("name", PYTHON)
def test_python_control_flow_works_without_jit(name: str) -> None:
    function, x, expected = PYTHON[name]
    np.testing.assert_allclose(grad(function)(x), expected, rtol=1e-9)


def test_conditions_on_elements_and_iteration_over_rows() -> None:
    def loss(xs: Any) -> Any:
        total = 0.0
        for x in xs:
            total = total + (x**2 if x > 0 else -x)
        return total

    np.testing.assert_array_equal(grad(loss)(np.array([1.0, -1.0, 3.0])), [2.0, -1.0, 6.0])


def test_values_are_known_in_inner_gradients_too() -> None:
    def inner(x: Any) -> Callable[[Any], Any]:
        return lambda y: x * y**2 if x > y else y

    assert grad(lambda x: grad(inner(x))(1.0) * x)(3.0) == 12.0
    assert grad(lambda x: grad(inner(x))(4.0) * x)(3.0) == 1.0


def test_a_function_runs_once_for_a_gradient() -> None:
    calls = []
    value_and_grad(lambda x: calls.append(1) or x**2)(2.0)
    assert calls == [1]


# --- What does not flow


def test_stop_gradient_is_the_identity_without_a_derivative() -> None:
    x = {"a": W, "b": [2.0, None]}
    kept = stop_gradient(x)
    assert kept["a"] is W and kept["b"] == [2.0, None]
    got = grad(lambda p: np.sum(p["a"] * stop_gradient(p)["a"]) + p["b"][0] * stop_gradient(p["b"][0] ** 2))(x)
    np.testing.assert_array_equal(got["a"], W)
    assert got["b"][0] == 4.0


def test_float_of_what_is_not_differentiated_is_allowed() -> None:
    def loss(x: Any, y: Any) -> Any:
        return x * float(np.sum(y)) * float(stop_gradient(x)) * np.array([int(x > 0), 2]).sum()

    assert grad(loss)(2.0, np.ones(3)) == 18.0


def test_integers_and_comparisons_carry_no_derivative() -> None:
    def loss(x: Any) -> Any:
        return np.sum(x * (x > 0)) + np.sum(x.astype(np.int64)) + np.argmax(x) * x[0]

    np.testing.assert_array_equal(grad(loss)(np.array([1.5, -2.0, 3.0])), [3.0, 0.0, 1.0])


def test_captured_arrays_are_read_at_every_call() -> None:
    data = np.array([1.0, 2.0])
    gradient = grad(lambda x: np.sum(x * data))
    np.testing.assert_array_equal(gradient(np.zeros(2)), [1.0, 2.0])
    data[0] = 5.0
    np.testing.assert_array_equal(gradient(np.zeros(2)), [5.0, 2.0])


def test_captured_arrays_are_inputs_and_no_constants() -> None:
    data = np.arange(1000.0)
    program = make_program(grad(lambda x: np.sum(x * data + data)))(np.ones(1000))
    assert [str(t) for t in program.input_types] == ["f64[1000]", "f64[1000]"]


# --- Complex numbers: a gradient points along the steepest ascent


REAL_OF_COMPLEX: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "real": (np.real, lambda z: 1.0),
    "imag": (np.imag, lambda z: 1j),
    "abs": (np.abs, lambda z: z / abs(z)),
    "square of abs": (lambda z: np.abs(z) ** 2, lambda z: 2 * z),
    "z conj z": (lambda z: np.real(z * np.conj(z)), lambda z: 2 * z),
    "real of a square": (lambda z: np.real(z * z), lambda z: 2 * np.conj(z)),
    "real of exp": (lambda z: np.real(np.exp(z)), lambda z: np.conj(np.exp(z))),
    "imag of a quotient": (lambda z: np.imag(1 / z), lambda z: 1j * np.conj(-1 / z**2)),
}


@pytest.mark.parametrize("name", REAL_OF_COMPLEX)
@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_gradients_point_uphill(name: str, dtype: Any) -> None:
    function, expected = REAL_OF_COMPLEX[name]
    z = dtype(0.6 - 0.8j)
    got = grad(function)(z)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected(z), rtol=1e-5)
    check_grads(function, (z,), order=2 if dtype is np.complex128 else 1)
    step = 1e-3 * got / abs(got)
    assert function(z + step) > function(z)


def test_a_real_argument_of_a_complex_function_has_a_real_gradient() -> None:
    g = grad(lambda x: np.abs(np.sum(x * np.exp(1j * x))))(np.array([0.1, 0.2]))
    assert g.dtype == np.float64
    check_grads(lambda x: np.abs(np.sum(x * np.exp(1j * x))), (np.array([0.1, 0.2]),))


# --- A gradient is a Program


def test_a_gradient_is_a_program_without_python() -> None:
    def loss(w: Any, x: Any) -> Any:
        return np.sum(np.maximum(x @ w, 0.0) ** 2)

    program = make_program(grad(loss))(np.ones((3, 2), np.float32), np.ones((4, 3), np.float32))
    text = str(program)
    assert text.startswith("program(a: f32[3,2], b: f32[4,3]):") and "matmul" in text and "max_weight" in text
    assert [str(t) for t in program.output_types] == ["f32[3,2]"]
    for equation in program.equations:
        assert equation.source is not None and equation.source.file == __file__ and equation.source.function == "loss"


def test_float32_stays_float32() -> None:
    def loss(x: Any) -> Any:
        return np.mean(np.tanh(x * 2.0 + 1) ** 3 / 0.5 - x) * np.pi

    program = make_program(grad(grad_of_sum(loss)))(np.ones(3, np.float32))
    dtypes = {v.type.dtype.name for equation in program.equations for v in equation.outputs}
    assert dtypes <= {"float32", "bool"}


def grad_of_sum(loss: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: np.sum(grad(loss)(x) ** 2)


def test_arguments_are_named_as_the_user_has_named_them() -> None:
    class Model:
        def loss(self, weights: Any, x: Any) -> Any:
            return np.sum(weights * x)

    for function in (Model().loss, fnad.jit(Model().loss), fnad.grad(Model().loss)):
        assert [argument_name(function, i) for i in range(3)] == ["weights", "x", "args[2]"]


@pytest.mark.parametrize("wrap", [lambda f: f, fnad.jit], ids=["called", "compiled"])
def test_integers_may_be_among_the_leaves(wrap: Any) -> None:
    params = {"w": np.ones(2), "n": np.arange(2), "b": True}

    def loss(p: Any) -> Any:
        return np.sum(p["w"] ** 2 * p["n"])

    value, gradients = wrap(fnad.value_and_grad(loss, allow_int=True))(params)
    assert value == 1 and gradients["w"].tolist() == [0, 2] and gradients["n"].tolist() == [0, 0]
    assert gradients["n"].dtype == np.int64 and gradients["b"].dtype == bool and not gradients["b"]
    assert wrap(fnad.grad(lambda n: 2.0 * n, allow_int=True))(3) == 0
    with pytest.raises(TypeError, match="requires float or complex leaves"):
        fnad.grad(loss)(params)
