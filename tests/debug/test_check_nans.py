"""What makes a NaN is found: the operation, the line, the way, the operands."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import NonFiniteError, check_nans, checkpoint, grad, jit, value_and_grad, vmap
from fnad.debug.finite import ADVICE
from fnad.ir.primitive import Primitive

X = np.array([4.0, 0.0, 1.0])


def log_sum(x: Any) -> Any:
    y = x * 1.0
    z = np.log(y)  # the line of the logarithm
    return np.sum(z)


def root_sum(x: Any) -> Any:
    return np.sum(np.sqrt(x))  # the line of the root


def line_of(function: Callable[..., Any], words: str) -> int:
    code = function.__code__
    with open(code.co_filename) as file:
        texts = file.read().splitlines()
    return next(k for k, text in enumerate(texts, 1) if k >= code.co_firstlineno and words in text)


def failure(function: Callable[..., Any], *args: Any) -> str:
    with pytest.raises(NonFiniteError) as caught:
        function(*args)
    return str(caught.value)


@pytest.mark.parametrize("wrapped", [
    log_sum, jit(log_sum), checkpoint(log_sum), grad(log_sum), jit(grad(log_sum)), grad(jit(log_sum)),
    jit(value_and_grad(checkpoint(jit(log_sum)))), lambda x: vmap(log_sum)(x[None]),
    lambda x: fnad.jvp(log_sum, (x,), (x,)),
])
def test_the_first_equation_forward_is_named(wrapped: Any) -> None:
    message = failure(check_nans(wrapped), X)
    elements = "1 of 3 elements of log."
    assert message.startswith(f"check_nans: requires finite values, got inf in {elements}\n")
    assert re.search(r"operand 0: f64\[(1,)?3\], 0 to 4\n", message)
    assert "np.maximum" in message and "backward" not in message
    assert message.endswith(f'at "{__file__}", line {line_of(log_sum, "line of the log")}, in log_sum')


@pytest.mark.parametrize("wrapped", [
    grad(root_sum), jit(grad(root_sum)), grad(jit(root_sum)), grad(checkpoint(root_sum)), value_and_grad(root_sum),
])
def test_the_first_equation_backward_is_named(wrapped: Any) -> None:
    message = failure(check_nans(wrapped), X)
    assert "got inf in 1 of 3 elements of" in message and ", backward, in the derivative of the line below." in message
    assert "operand 1: f64[3], 0 to 4\n" in message
    assert message.endswith(f'at "{__file__}", line {line_of(root_sum, "line of the root")}, in root_sum')


def test_the_bodies_of_loops_are_looked_into(repeat: Callable[..., Any]) -> None:
    def body(x: Any) -> Any:
        return np.log(x)  # inside

    for function in (lambda x: repeat(body, x, 3), jit(lambda x: repeat(body, x, 3))):
        message = failure(check_nans(function), X + 1.0)
        assert "got inf in 1 of 3 elements of log.\n  operand 0: f64[3], 0 to 1.60944\n" in message
        assert message.endswith(f'line {line_of(body, "# inside")}, in body')


def test_finite_functions_give_their_results() -> None:
    def loss(params: dict[str, Any], x: Any, name: str) -> Any:
        if np.sum(x) > 0:
            x = 2.0 * x
        return np.sum(np.tanh(params["w"] * x)) + (0.0 if name == "a" else 1.0)

    params = {"w": X}
    for function in (loss, jit(loss), value_and_grad(loss), jit(value_and_grad(loss))):
        got, expected = check_nans(function)(params, X, "a"), function(params, X, "a")
        fnad.tree.map(lambda g, e: np.testing.assert_allclose(g, e, rtol=1e-12), got, expected)
    assert check_nans(lambda x: {"n": x, "text": "a"})(3) == {"n": 3, "text": "a"}


def test_a_nan_is_found_where_infinities_pass() -> None:
    def difference(x: Any) -> Any:
        y = np.exp(x)
        return np.sum(y - y)

    message = failure(check_nans(difference, inf=False), np.array([1000.0, 1.0]))
    assert "got nan in 1 of 2 elements of sub.\n" in message
    assert "operand 0: f64[2], 2.71828, inf in 1 of 2 elements\n" in message
    assert "elements of exp." in failure(check_nans(difference), np.array([1000.0, 1.0]))
    assert check_nans(log_sum, inf=False)(X) == -np.inf


def test_infinities_that_are_written_down_are_no_error() -> None:
    mask = np.array([0.0, -np.inf, 0.0])

    def attention(x: Any) -> Any:
        scores = np.where(x > 2, x, -np.inf) + mask
        weights = np.exp(scores - np.max(scores))
        return np.sum(weights / np.sum(weights))

    assert check_nans(attention)(X) == 1.0
    assert np.isfinite(check_nans(grad(attention), inf=False)(X)).all()
    # But what is made of them may be one.
    assert "got nan in 1 of 3 elements of sub." in failure(check_nans(lambda x: (x + mask) - mask), X)


def test_arguments_and_constants_are_named_first() -> None:
    bad = {"w": [X, np.array([1.0, np.nan, np.inf])]}
    message = failure(check_nans(lambda scale, params: np.log(scale) * params["w"][0]), 0.0, bad)
    assert "got nan in 1 of 3 elements of the argument params['w'][1]." in message
    assert "inf in 1 of 1 element of the argument x" in failure(check_nans(log_sum), np.inf)
    constant = np.array([np.nan])
    assert "nan in 1 of 1 element of a f64[1] that" in failure(check_nans(lambda x: x * constant), X)


def test_what_python_asks_for_is_looked_at_too() -> None:
    message = failure(check_nans(lambda x: x * int(np.sum(np.log(x)))), X)
    assert "elements of log." in message


def test_complex_values_have_ranges_of_absolute_values() -> None:
    message = failure(check_nans(lambda x: 1.0 / x), np.array([3 + 4j, 0]))
    assert "c128[2], of absolute value 0 to 5" in message


def test_it_is_outermost_and_takes_a_function() -> None:
    with pytest.raises(TypeError, match=r"requires arrays, got traced values. Put it outermost"):
        jit(check_nans(log_sum))(X)
    with pytest.raises(TypeError, match="requires a function, got float64"):
        check_nans(log_sum(X + 1.0))


def test_without_looking_it_is_not_found() -> None:
    """The function itself gives its infinity, and so it does after a check."""
    with pytest.raises(NonFiniteError):
        check_nans(jit(log_sum))(X)
    assert jit(log_sum)(X) == -np.inf and not np.isfinite(grad(root_sum)(X)).all()


MISTAKES = {
    "log": (np.log, -1.0), "log1p": (np.log1p, -2.0), "sqrt": (np.sqrt, -1.0), "exp": (np.exp, 1000.0),
    "div": (lambda x: 1.0 / x, 0.0), "power": (lambda x: x**0.3, -1.0),
}


@pytest.mark.parametrize("primitive", ADVICE, ids=repr)
def test_advice_is_for_a_primitive_and_given(primitive: Primitive) -> None:
    function, x = MISTAKES[primitive.name]
    message = failure(check_nans(function), x)
    assert f" of {primitive}.\n" in message and ADVICE[primitive] in message
