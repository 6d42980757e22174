"""What a traced value answers to Python and to NumPy: conversions, protocols, errors that say what to do."""

from __future__ import annotations

import copy
import inspect
from array import array
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.errors import ConcreteValueError, CutGradientError, InPlaceError
from fnad.numpy import protocols
from fnad.numpy.dispatch import RULES

from tests.numpy.comparing import assert_like_numpy, run_traced

X = np.array([3.0, 1.0, 2.0])

# Python's own protocols, on known values.
PYTHON: list[Callable[[Any], Any]] = [
    lambda x: len(x), lambda x: [r * 2 for r in x], lambda x: 2.0 in x, lambda x: 5.0 in x,
    lambda x: len(f"{x[0]:.3f}"), lambda x: bool(x[0] > 2), lambda x: int(x[0]), lambda x: float(x[0]),
    lambda x: x[0].item(), lambda x: x.tolist(), lambda x: np.asarray(x), lambda x: list(range(int(x[1]))),
    lambda x: max(x[0], x[1]), lambda x: sum(x), lambda x: x[int(x[1])], lambda x: [1, 2, 3][x.argmin()],
    lambda x: sorted(x.tolist()), lambda x: copy.copy(x), lambda x: copy.deepcopy(x), lambda x: [v for v in x.flat],
    lambda x: abs(-x), lambda x: divmod(x, 2), lambda x: x if x.sum() > 5 else -x,
    lambda x: reversed(x).__next__() if hasattr(reversed(x), "__next__") else None, lambda x: round(x[0]),
]


@pytest.mark.parametrize("f", PYTHON)
def test_pythons_protocols(f: Any) -> None:
    assert_like_numpy(f, X, known=True)


UNLIKE_NUMBERS = [None, "a", b"a", {}, {1.0}, len, float, ..., slice(1), object()]


@pytest.mark.parametrize("other", UNLIKE_NUMBERS, ids=lambda other: type(other).__name__)
@pytest.mark.parametrize("of", [lambda x: x, lambda x: x[:0], lambda x: x[0]], ids=["vector", "empty", "scalar"])
def test_what_is_unlike_numbers_is_unequal_to_each_element(other: Any, of: Callable[[Any], Any]) -> None:
    for f in (lambda x: of(x) == other, lambda x: of(x) != other, lambda x: np.where(of(x) == other, 1.0, of(x))):
        assert_like_numpy(f, X)
    assert_like_numpy(lambda x: other in x, X)


EQUAL_PERHAPS = [Decimal(1), Fraction(1), range(3), bytearray(3), memoryview(b"abc"), deque([3.0, 1.0, 2.0])]


@pytest.mark.parametrize("other", EQUAL_PERHAPS, ids=lambda other: type(other).__name__)
def test_what_may_be_equal_to_a_number_is_to_be_converted(other: Any) -> None:
    for f in (lambda x: x == other, lambda x: x != other, lambda x: other in x):
        with pytest.raises(TypeError, match=r"^np\.(not_)?equal: requires arrays and numbers, got \w+, which may be"):
            run_traced(f, X)


@pytest.mark.parametrize(
    ("function", "name", "got"),
    [
        (lambda v: v + None, "add", "NoneType"), (lambda v: None - v, "subtract", "NoneType"),
        (lambda v: v < "a", "less", "str"), (lambda v: {} | v, "bitwise_or", "dict"),
        (lambda v: v @ None, "matmul", "NoneType"), (lambda v: b"" @ v, "matmul", "bytes"),
    ],
)
def test_an_operator_refuses_what_is_no_number(function: Any, name: str, got: str) -> None:
    with pytest.raises(TypeError, match=f"np.{name}: requires arrays and numbers, got {got}.(.|\n)*test_protocols"):
        fnad.jit(function)(np.ones(3))


@pytest.mark.parametrize("other", ["a", b"a", bytearray(3), deque([1.0]), array("d", [1.0])], ids=repr)
def test_a_product_with_what_python_repeats_is_refused(other: Any) -> None:
    def in_place(x: Any) -> Any:
        x *= other
        return x

    for f in (lambda x: x * other, lambda x: other * x, lambda x: x[0] * other, in_place):
        with pytest.raises(TypeError, match=rf"^np\.multiply: requires arrays .*, got {type(other).__name__}\. Conv"):
            run_traced(f, X)


OUTSIDE = np.zeros((2, 3))


def test_errors_of_conversions() -> None:
    for f in (lambda x: bool(x[0] > 0), lambda x: float(x[0]), lambda x: x.__array__(), lambda x: f"{x[0]:.2f}"):
        with pytest.raises(ConcreteValueError):
            run_traced(f, X)
    with pytest.raises(ValueError, match="one element"):
        run_traced(lambda x: bool(x), X, known=True)
    with pytest.raises(TypeError, match="hash: requires"):
        run_traced(lambda x: {x: 1}, X)
    assert run_traced(lambda x: f"{x}" + repr(x), X) == "<traced f64[3]>" * 2


def _write(x: Any) -> Any:
    OUTSIDE[0, 0] = x[0]
    return OUTSIDE.sum()


def _write_row(x: Any) -> Any:
    OUTSIDE[0] = x
    return OUTSIDE.sum()


@pytest.mark.parametrize(("f", "error"), [
    (_write, InPlaceError), (_write_row, InPlaceError), (lambda x: x.__array__().sum(), CutGradientError),
    (lambda x: float(x[0]), CutGradientError),
])
def test_values_that_leave_a_derivative_say_what_to_do(f: Any, error: Any) -> None:
    with pytest.raises(error, match=r"function(.|\n)*test_protocols.py"):
        fnad.grad(f)(X)


UNSUPPORTED = [
    (lambda x: np.packbits(x), "fnad has no rule"), (lambda x: np.packbits(x), "np.packbits"),
]


@pytest.mark.parametrize(("f", "text"), UNSUPPORTED)
def test_unsupported_functions_are_named(f: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        run_traced(f, X)


def test_numbers_of_other_kinds_are_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        run_traced(lambda x: x + np.array([object()]), X)
    assert_like_numpy(lambda x: x + np.array([1.0, 2.0, 3.0], ">f8"), X)


def test_a_traced_value_of_an_outer_function_is_captured() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(fnad.grad(lambda z: np.sum(np.sin(z) * y + x * z))(x))

    np.testing.assert_allclose(fnad.grad(f)(X, X), -np.sin(X) * X + 1)
    np.testing.assert_allclose(fnad.grad(f, 1)(X, X), np.cos(X))


def test_arrays_that_a_function_closes_over_are_inputs() -> None:
    program = fnad.make_program(lambda x: (x + X) @ X)(X)
    assert len(program.inputs) == 2


def test_every_rule_is_documented_and_public() -> None:
    named = [v for package in (fnp, fnp.linalg, fnp.fft) for v in vars(package).values()]
    public = {id(inspect.unwrap(v)) for v in named if callable(v)}
    for function, rule in RULES.items():
        assert rule.__doc__, function
        assert id(rule) in public or not (function.__module__ or "numpy").startswith("numpy"), function
    assert protocols.CALLS.keys() <= {*fnp_ufuncs()}, "a ufunc without a name in fnad.numpy"


def fnp_ufuncs() -> list[Any]:
    return [getattr(np, name) for name in dir(fnp) if isinstance(getattr(np, name, None), np.ufunc)]


def test_names_are_numpys() -> None:
    own = {"softmax", "log_softmax", "logsumexp", "sigmoid", "softplus", "erf", "erfc", "xlogy", "at"}
    modules = {name for name in dir(fnp) if inspect.ismodule(getattr(fnp, name))}
    names = {name for name in dir(fnp) if not name.startswith("_")} - own - modules
    assert [name for name in sorted(names) if not hasattr(np, name)] == []


@pytest.mark.parametrize("axis", [0, 1, None])
def test_logaddexp_reduce(axis: int | None) -> None:
    x = np.array([[0.0, 1.0, -np.inf], [1000.0, 1000.0, 3.0]])
    run = fnad.jit(lambda x: np.logaddexp.reduce(x, axis=axis))
    np.testing.assert_allclose(run(x), np.logaddexp.reduce(np.logaddexp.reduce(x)) if axis is None else
                               np.logaddexp.reduce(x, axis=axis), rtol=1e-14)


def test_python_integers_compare() -> None:
    for f in (lambda n: n % 2 == 0, lambda n: 3 != n, lambda n: n < 10**30, lambda n: n >= -(10**30), lambda n: n > n):
        assert bool(fnad.jit(f)(6)) == f(6)
