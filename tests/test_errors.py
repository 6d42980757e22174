"""Mistakes: each is one clear error that names the user's own file and line, without a frame of the library.

In each example the line at fault ends with ``# !``.
"""

from __future__ import annotations

import inspect
import math
import pickle
import traceback
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.special
from fnad import grad, jit, make_program, stop_gradient, value_and_grad, vjp
from fnad.errors import ConcreteValueError, CutGradientError, EscapedTracerError, InPlaceError, is_library_file
from fnad.testing import check_grads

X = np.array([1.0, 2.0, 3.0])


@dataclass
class Mistake:
    function: Callable[[], Any]
    error: type[Exception]
    message: str

    def line(self) -> int:
        """The line at fault."""
        lines, start = inspect.getsourcelines(self.function)
        return start + next(i for i, text in enumerate(lines) if text.rstrip().endswith("# !"))


MISTAKES: dict[str, Mistake] = {}


def mistake(error: type[Exception], message: str) -> Callable[[Callable[[], Any]], None]:
    def note(function: Callable[[], Any]) -> None:
        assert function.__name__ not in MISTAKES
        MISTAKES[function.__name__] = Mistake(function, error, message)

    return note


# --- grad and vjp


@mistake(TypeError, r"grad: requires a function that returns a scalar, got f64\[3\] of shape \(3,\)\. .* np\.sum")
def a_loss_that_is_no_scalar() -> None:
    grad(lambda x: x * 2)(X)  # !


@mistake(TypeError, r"grad: requires a function that returns a scalar, got f64\[1\] of shape \(1,\)")
def a_loss_of_one_element() -> None:
    value_and_grad(lambda x: x[:1])(X)  # !


@mistake(TypeError, r"grad: requires a function that returns a real scalar, got NoneType\. ")
def a_loss_that_is_none() -> None:
    grad(lambda x: None)(X)  # !


@mistake(TypeError, r"grad: requires a function that returns a real scalar, got tuple\. .*has_aux=True")
def a_loss_that_is_a_pair_without_has_aux() -> None:
    grad(lambda x: (np.sum(x), x))(X)  # !


@mistake(TypeError, r"grad: requires a function that returns a real float, got i64\[\]\. ")
def a_loss_that_is_an_integer() -> None:
    grad(lambda x: np.argmax(x))(X)  # !


@mistake(TypeError, r"grad: requires a function that returns a real float, got c128\[\]\. .*np\.abs")
def a_loss_that_is_complex() -> None:
    grad(lambda x: np.sum(x * 1j))(X)  # !


@mistake(TypeError, r"grad: requires float or complex leaves, got i64\[\]\* at n\. ")
def an_argument_that_is_an_integer() -> None:
    grad(lambda n: n * 2.0)(3)  # !


@mistake(TypeError, r"grad: requires float or complex leaves, got i32\[3\] at params\['table'\]\[1\]\. ")
def a_leaf_that_is_an_integer() -> None:
    def loss(scale: Any, params: Any) -> Any:
        return np.sum(params["table"][0]) * scale

    grad(loss, argnums=1)(1.0, {"table": [X, np.arange(3, dtype=np.int32)]})  # !


@mistake(TypeError, r"grad: requires arrays or numbers, got str at params\['name'\]\. ")
def a_leaf_that_is_no_array() -> None:
    grad(lambda params: np.sum(params["w"]))({"w": X, "name": "layer"})  # !


@mistake(TypeError, r"vjp: requires arrays or numbers, got str at primals\[1\]\. ")
def a_primal_that_is_no_array() -> None:
    vjp(lambda x, name: x, X, "text")  # !


@mistake(TypeError, r"grad: requires NumPy arrays of numbers, got dtype object at x\. Convert it")
def an_array_of_objects() -> None:
    grad(lambda x: np.sum(x))(np.array([None, "a"], dtype=object))  # !


@mistake(ValueError, r"grad: requires argnums of positional arguments that are given, got argnums=2 for 1 of them\. ")
def argnums_out_of_range() -> None:
    grad(lambda x: np.sum(x), argnums=2)(X)  # !


@mistake(ValueError, r"grad: requires argnums of positional arguments that are given, got argnums=0 for 0 of them\. ")
def an_argument_by_name_only() -> None:
    grad(lambda x: np.sum(x))(x=X)  # !


@mistake(ValueError, r"grad: requires argnums without repetition, got \(0, -2\)\. ")
def argnums_twice() -> None:
    grad(lambda x, y: np.sum(x), argnums=(0, -2))(X, X)  # !


@mistake(TypeError, r"grad: requires argnums to be an integer or a sequence of integers, got 'x'\. ")
def argnums_by_name() -> None:
    grad(lambda x: np.sum(x), argnums="x")  # type: ignore[arg-type] # !


@mistake(TypeError, r"grad: requires argnums to be an integer or a sequence of integers, got \(\)\. ")
def argnums_of_nothing() -> None:
    grad(lambda x: np.sum(x), argnums=())  # !


@mistake(TypeError, r"grad: requires a function, got float\. ")
def a_function_that_is_none() -> None:
    grad(3.0)  # type: ignore[arg-type] # !


@mistake(TypeError, r"grad: requires a function that returns \(out, aux\) with has_aux=True, got Tracer\. ")
def an_aux_that_is_no_pair() -> None:
    grad(lambda x: np.sum(x), has_aux=True)(X)  # !


@mistake(TypeError, r"vjp: requires a function that returns \(out, aux\) with has_aux=True, got a tuple of 3\. ")
def an_aux_of_three() -> None:
    vjp(lambda x: (x, x, x), X, has_aux=True)  # !


@mistake(ValueError, r"pullback: requires trees of equal structure, got one without tree\['b'\]\. ")
def a_cotangent_of_another_structure() -> None:
    _, pullback = vjp(lambda x: {"a": x, "b": 2 * x}, X)
    pullback({"a": X})  # !


@mistake(ValueError, r"pullback: requires a cotangent like the result, f64\[3\] at cotangent\[1\], got f64\[2\]\. ")
def a_cotangent_of_another_shape() -> None:
    _, pullback = vjp(lambda x: (x, x), X)
    pullback((X, X[:2]))  # !


@mistake(ValueError, r"pullback: requires a cotangent like the result, f64\[3\] at cotangent, got c128\[3\]\. ")
def a_cotangent_of_another_kind() -> None:
    _, pullback = vjp(lambda x: x, X)
    pullback(X * 1j)  # !


@mistake(TypeError, r"pullback: requires arrays or numbers, got str at cotangent\[0\]\.")
def a_cotangent_that_is_no_array() -> None:
    _, pullback = vjp(lambda x: [x], X)
    pullback(["text"])  # !


# --- Operations inside the function


@mistake(ValueError, r"shapes \(3,\) \(4,\)")
def shapes_that_do_not_broadcast() -> None:
    def loss(x: Any) -> Any:
        y = x * 2.0
        return np.sum(y + np.ones(4))  # !

    grad(loss)(X)


@mistake(ValueError, r"matmul")
def shapes_that_do_not_multiply() -> None:
    def loss(w: Any) -> Any:
        return np.sum(np.ones((2, 3)) @ w)  # !

    grad(loss)(np.ones((2, 3)))


@mistake(ValueError, r"reshape")
def a_reshape_to_another_size() -> None:
    def loss(x: Any) -> Any:
        return np.sum(x.reshape(2, 2))  # !

    grad(loss)(X)


@mistake(IndexError, r"out of bounds")
def an_index_out_of_bounds() -> None:
    def loss(x: Any) -> Any:
        return x[3]  # !

    grad(loss)(X)


@mistake(ValueError, r"axis 1 is out of bounds for array of dimension 1")
def an_axis_out_of_bounds() -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.sum(x, axis=1))  # !

    grad(loss)(X)


@mistake(TypeError, r"len: requires an array with a first axis")
def the_length_of_a_scalar() -> None:
    def loss(x: Any) -> Any:
        return x * len(x)  # !

    grad(loss)(1.0)


@mistake(ValueError, r"bool: requires an array of one element, got shape \(3,\)\. Use np\.any")
def the_truth_of_an_array() -> None:
    def loss(x: Any) -> Any:
        return np.sum(x) if x > 0 else 0.0  # !

    grad(loss)(X)


@mistake(ValueError, r"zero-size array to reduction operation maximum which has no identity")
def the_maximum_of_nothing() -> None:
    def loss(x: Any) -> Any:
        return np.max(x)  # !

    grad(loss)(np.ones(0))


@mistake(TypeError, r"packbits")
def a_numpy_function_that_is_not_supported() -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.packbits(x))  # !

    grad(loss)(X)


@mistake(TypeError, r"isnat")
def a_ufunc_that_is_not_supported() -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.isnat(x))  # !

    grad(loss)(X)


# --- Tracers that escape


def escaped() -> Any:
    kept: list[Any] = []
    grad(lambda x: kept.append(x * 2.0) or np.sum(x))(X)
    return kept[0]


@mistake(EscapedTracerError, r"inside the function that it belongs to, got one whose function has returned")
def an_escaped_tracer_in_an_operation() -> None:
    y = escaped()
    y + 1.0  # !


@mistake(EscapedTracerError, r"Return it from the function instead of keeping it in a global")
def an_escaped_tracer_in_another_function() -> None:
    y = escaped()

    def loss(x: Any) -> Any:
        return np.sum(x * y)  # !

    grad(loss)(X)


@mistake(EscapedTracerError, r"whose function has returned")
def an_escaped_tracer_as_an_argument() -> None:
    y = escaped()
    grad(lambda x: np.sum(x))(y)  # !


@mistake(EscapedTracerError, r"whose function has returned")
def an_escaped_tracer_returned_later() -> None:
    y = escaped()
    jit(lambda x: (x, y))(X)  # !


# --- Writes


@mistake(InPlaceError, r"array\[\.\.\.\] = x: requires a value that is known and .*differentiated.* np\.zeros\(n\)")
def a_write_of_a_traced_value_into_an_array() -> None:
    table = np.zeros(3)

    def loss(x: Any) -> Any:
        table[0] = x[0]  # !
        return np.sum(table)

    grad(loss)(X)


@mistake(InPlaceError, r"array\[\.\.\.\] = x: requires .*fnad\.numpy\.at\(y\)\[\.\.\.\]\.set\(x\)")
def a_write_under_jit() -> None:
    @jit
    def f(x: Any) -> Any:
        table = np.random.default_rng(0).normal(size=(2, 3))
        table[1:2] = x  # !
        return table

    f(X)


@mistake(InPlaceError, r"x\[i\] = v: requires an array of the function .* a function around it.* return the new one")
def a_write_into_an_array_of_a_function_around() -> None:
    def loss(x: Any) -> Any:
        def inner(y: Any) -> Any:
            x[0] = y  # !
            return np.sum(x)

        return grad(inner)(2.0)

    grad(loss)(X)


@mistake(ValueError, r"x \+= v: requires an array that can be written to, got a read-only view.* x\.copy\(\)")
def a_write_to_a_read_only_view() -> None:
    def loss(x: Any) -> Any:
        y = np.broadcast_to(x, (2, 3))
        y += 1.0  # !
        return np.sum(y)

    grad(loss)(X)


@mistake(TypeError, r"Cannot cast ufunc 'add' output .* 'same_kind'\. Write y = y \+ v")
def an_addition_in_place_that_loses_the_fraction() -> None:
    def f(n: Any) -> Any:
        n += 0.5  # !
        return n

    jit(f)(np.arange(3))


@mistake(InPlaceError, r"a traced array to write .* np\.array\(y\)")
def an_addition_in_place_to_an_array() -> None:
    y = np.zeros(3)

    def loss(x: Any) -> Any:
        total = y
        total += x  # !
        return np.sum(total)

    grad(loss)(X)


@mistake(InPlaceError, r"out=")
def an_out_argument() -> None:
    y = np.empty(3)

    def loss(x: Any) -> Any:
        np.multiply(x, 2.0, out=y)  # !
        return np.sum(y)

    grad(loss)(X)


# --- Conversions that would cut a gradient


@mistake(CutGradientError, r"float\(\.\.\.\): requires a value that is not being differentiated, got a traced f64\[\]")
def a_float_of_what_is_differentiated() -> None:
    def loss(x: Any) -> Any:
        return float(x) * x  # !

    grad(loss)(2.0)


@mistake(CutGradientError, r"Compute with x itself, by NumPy's functions")
def a_function_of_math_that_is_kept() -> None:
    kept = {"sin": math.sin}

    def loss(x: Any) -> Any:
        return kept["sin"](x)  # !

    grad(loss)(2.0)


@mistake(CutGradientError, r"fnad\.stop_gradient\(x\) where the cut is meant")
def an_array_that_python_makes() -> None:
    def loss(x: Any) -> Any:
        return sum(array("d", [x, 2 * x]))  # !

    grad(loss)(2.0)


@mistake(CutGradientError, r"item\(\): requires")
def an_item_of_what_is_differentiated() -> None:
    def loss(x: Any) -> Any:
        return np.sum(x).item()  # !

    grad(loss)(X)


@mistake(CutGradientError, r"tolist\(\): requires")
def a_list_of_what_is_differentiated() -> None:
    def loss(x: Any) -> Any:
        return sum(x.tolist())  # !

    grad(loss)(X)


@mistake(CutGradientError, r"float\(\.\.\.\): requires")
def a_float_of_what_an_outer_gradient_differentiates() -> None:
    def outer(x: Any) -> Any:
        def inner(y: Any) -> Any:
            return y * float(x)  # !

        return grad(inner)(1.0)

    grad(outer)(2.0)


# --- Under jit


@mistake(ConcreteValueError, r"np\.array\(\.\.\.\): requires a known value, got a traced f64\[65\] whose .* np\.where")
def a_large_array_under_jit() -> None:
    @jit
    def f(x: Any) -> Any:
        return x.__array__()  # !

    f(np.ones(65))


@mistake(ConcreteValueError, r"mask as an index: requires a known value, got a traced bool\[65\] .* static_argnums")
def a_large_mask_under_jit() -> None:
    @jit
    def f(x: Any) -> Any:
        return x[x > 0]  # !

    f(np.ones(65))


@mistake(CutGradientError, r"float\(\.\.\.\): requires a value that is not being differentiated")
def a_float_of_what_is_differentiated_through_jit() -> None:
    @jit
    def f(x: Any) -> Any:
        return x * float(x)  # !

    f(2.0)
    grad(f)(2.0)


@mistake(InPlaceError, r"array\[\.\.\.\] = x: requires a value that is known")
def a_write_of_a_traced_value_under_jit() -> None:
    @jit
    def f(x: Any) -> Any:
        a = np.random.default_rng(0).normal(size=3)
        a[0] = x  # !
        return x + a

    f(2.0)


@mistake(ValueError, r"cannot convert float NaN to integer")
def an_integer_of_nan_under_jit() -> None:
    @jit
    def f(x: Any) -> Any:
        return x * int(x)  # !

    f(2.0)
    f(np.nan)


@mistake(EscapedTracerError, r"requires to be used inside the function")
def a_condition_on_an_escaped_tracer() -> None:
    kept: list[Any] = []
    jit(lambda x: kept.append(x) or x * 2.0)(1.0)
    if kept[0]:  # !
        pass


@mistake(ValueError, r"jit: requires max_branches to be a positive integer, got 0\. ")
def a_jit_without_branches() -> None:
    jit(lambda x: x, max_branches=0)  # !


@mistake(TypeError, r"jit: requires .*hashable constants, got list \[1, 2\]\. ")
def a_static_argument_that_is_not_hashable() -> None:
    jit(lambda x, sizes: x, static_argnums=1)(X, [1, 2])  # !


@mistake(TypeError, r"jit: requires a function, got float\. ")
def a_jit_of_no_function() -> None:
    jit(3.0)  # !


@mistake(ValueError, r"jit: requires static and donated arguments to differ")
def a_static_argument_that_is_donated() -> None:
    jit(lambda x: x, static_argnums=0, donate_argnums=0)  # !


@mistake(TypeError, r"jit: requires static_argnums to be integers, got 'n'\. ")
def a_static_argument_by_a_wrong_name() -> None:
    jit(lambda n: n, static_argnums="n")  # !


@mistake(TypeError, r"hash: requires a value that is known, got a traced f64\[3\]\. Keep traced values in a list")
def a_set_of_traced_values() -> None:
    @jit
    def f(x: Any) -> Any:
        return {x}  # !

    f(X)


@mistake(ValueError, r"jit: requires donate_argnums of parameters, got \[5\] of 1\. ")
def a_donated_argument_that_is_not_there() -> None:
    jit(lambda x: x, donate_argnums=5)  # !


@mistake(ValueError, r"jit: requires static_argnums without repetition, got \(0, 0\)\. ")
def a_static_argument_twice() -> None:
    jit(lambda x: x, static_argnums=(0, 0))  # !


@mistake(ValueError, r"jit: requires static_argnums without repetition, got \(1, 1\)\. ")
def a_static_argument_twice_counted_from_both_ends() -> None:
    jit(lambda x, n: x, static_argnums=(1, -1))  # !


@mistake(TypeError, r"scan: requires a carry that keeps .*, got f64\[\]\* at init that comes back as bool")
def a_carry_that_its_number_does_not_fit_into() -> None:
    fnad.scan(lambda c, x: (c > x, x), 0.5, X)  # !


@mistake(TypeError, r"while_loop: requires a carry that keeps .*, got f64\[\]\* at init that comes back as i64")
def a_carry_of_a_while_loop_that_its_number_does_not_fit_into() -> None:
    fnad.while_loop(lambda c: c < 3, lambda c: np.floor(c).astype(int) + 1, 0.5)  # !


@mistake(ValueError, r"linear_transpose: requires a function that is 0 at 0, got one whose output 0 has a constant")
def the_transpose_of_an_affine_map() -> None:
    fnad.linear_transpose(lambda x: 2.0 * x + 1.0, X)  # !


@mistake(ValueError, r"linear_transpose: requires a function that is 0 at 0")
def the_transpose_of_an_affine_map_with_a_traced_constant() -> None:
    @jit
    def f(c: Any) -> Any:
        return fnad.linear_transpose(lambda x: 2.0 * x + c, X)(X)[0]  # !

    f(X)


@mistake(TypeError, r"nondiff_argnums: requires arguments that are known .*, got a traced value as argument 1")
def a_traced_value_as_an_argument_without_derivative() -> None:
    def scaled(x: Any, n: Any) -> Any:
        return x * n

    function = fnad.custom_vjp(scaled, nondiff_argnums=1)
    function.defvjp(lambda x, n: (x * n, None), lambda n, _, g: (g * n,))
    grad(lambda x: function(x, x * 2.0))(1.0)  # !


class Holder:
    def __init__(self, value: Any) -> None:
        self.value = value


@mistake(TypeError, r"result: requires arrays, .* got a Holder that holds traced values\. .* fnad\.tree\.register")
def a_result_of_a_class_that_is_no_pytree() -> None:
    jit(lambda x: Holder(x * 2.0))(X)  # !


@mistake(TypeError, r"result: requires arrays, .* got a map that holds traced values\. Return list")
def a_result_that_is_an_iterator() -> None:
    jit(lambda x: map(np.sin, [x]))(X)  # !


@mistake(TypeError, r"result: requires arrays, .* got a generator that holds traced values\. Return list")
def a_result_that_is_a_generator() -> None:
    grad(lambda x: (np.sum(x), (x for _ in range(3))), has_aux=True)(X)  # !


@mistake(TypeError, r"result: requires arrays, .* got a function that holds traced values\. Return the arrays")
def a_result_that_is_a_function_of_traced_values() -> None:
    jit(lambda x: lambda y: x * y)(X)  # !


@dataclass
class Activated:
    w: Any
    activation: Any = np.tanh


@mistake(TypeError, r"got ufunc at model\.activation\. Pass .*, or, in a dataclass, make it static by field\(metadata=")
def a_field_that_is_a_function() -> None:
    grad(lambda model: np.sum(model.activation(model.w)))(Activated(X))  # !


@mistake(TypeError, r"pickle: requires a value that is known, got a traced f64\[3\]\. Return it")
def a_traced_value_that_is_pickled() -> None:
    @jit
    def f(x: Any) -> Any:
        return pickle.dumps(x)  # !

    f(X)


# --- The laws of all of them


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_clear_error(name: str) -> None:
    example = MISTAKES[name]
    with pytest.raises(example.error, match=f"(?s){example.message}") as caught:
        example.function()
    message = "\n".join([str(caught.value), *getattr(caught.value, "__notes__", [])])
    assert f'"{__file__}", line {example.line()}' in message
    assert message.count(__file__) == 1


# Python itself calls the operator of a traced value, so only there is a frame of the library at the end.
OUTSIDE = {"an_escaped_tracer_in_an_operation", "a_condition_on_an_escaped_tracer"}


@pytest.mark.parametrize("name", [name for name in MISTAKES if name not in OUTSIDE])
def test_a_mistake_shows_no_frame_of_the_library(name: str) -> None:
    example = MISTAKES[name]
    with pytest.raises(example.error) as caught:
        example.function()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert [frame.filename for frame in frames if is_library_file(frame.filename)] == []
    assert frames[-1].lineno == example.line()
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_what_holds_traced_values_of_another_function_may_be_a_result() -> None:
    def f(x: Any) -> Any:
        _, held = grad(lambda y: (np.sum(y), Holder(x)), has_aux=True)(x)
        return held.value, np.sin, Holder, "text", lambda y: y

    assert jit(f)(X)[0].tolist() == X.tolist()


def test_errors_of_the_users_own_pass_unchanged() -> None:
    def loss(x: Any) -> Any:
        raise KeyError("mine")

    nested = (grad(grad(loss)), jit(grad(jit(loss))))
    for function in (grad(loss), jit(loss), make_program(loss), lambda x: vjp(loss, x), *nested):
        with pytest.raises(KeyError) as caught:
            function(1.0)
        assert caught.value.args == ("mine",)
        assert not any(is_library_file(f.filename) for f in traceback.extract_tb(caught.value.__traceback__))


def test_causes_are_kept() -> None:
    def loss(x: Any) -> Any:
        try:
            raise KeyError("first")
        except KeyError as error:
            raise ValueError("second") from error

    with pytest.raises(ValueError, match="second") as caught:
        grad(loss)(1.0)
    assert isinstance(caught.value.__cause__, KeyError)


def test_the_ways_out_that_errors_name_work() -> None:
    np.testing.assert_allclose(jit(fnad.numpy.erf)(X), scipy.special.erf(X))
    np.testing.assert_array_equal(fnad.linear_transpose(lambda x: 2.0 * x + 0.0, X)(X)[0], 2 * X)
    np.testing.assert_array_equal(jit(lambda c: fnad.linear_transpose(lambda x: c * x, X)(X)[0])(X), X * X)
    assert grad(lambda x: x * float(stop_gradient(x)))(3.0) == 3.0
    np.testing.assert_allclose(grad(lambda x: np.sum(np.stack([x, 2 * x])))(3.0), 3.0)
    np.testing.assert_allclose(grad(lambda x: np.sin(x))(0.0), 1.0)
    np.testing.assert_allclose(grad(lambda x: np.sum(x.at[0].set(2.0)))(X), [0.0, 1.0, 1.0])
    assert jit(lambda x, n: x * n if n > 2 else x, static_argnums=1)(2.0, 3) == 6.0
    np.testing.assert_array_equal(jit(lambda x: np.where(x > 0, x, 0.0))(np.ones(65)), np.ones(65))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: check_grads(np.sin, (X,), modes=("up",)), ValueError, "check_grads: requires modes .*, got 'up'"),
        (lambda: check_grads(np.sin, (X,), order=0), ValueError, "check_grads: requires an order of at least 1, got 0"),
        (lambda: check_grads(np.negative, (3,)), TypeError, "check_grads: requires a float or complex leaf in args"),
    ],
)
def test_check_grads_refuses_what_it_cannot_do(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_every_exception_says_cause_and_way_out() -> None:
    for error in (ConcreteValueError, CutGradientError, EscapedTracerError, InPlaceError):
        assert issubclass(error, (TypeError, RuntimeError))
        assert len(error.__doc__.split("\n\n")) >= 2
    assert fnad.errors.ConcreteValueError is ConcreteValueError
