"""The functions of `math` and `cmath` on traced numbers: their values, the kinds of their results, their slopes."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import grad, jit, make_program, tree, vmap
from fnad.plain.numbers import RULES
from fnad.testing import check_grads

# Called with the first of these that they take.
SAMPLES: list[list[Any]] = [
    [0.3], [-1.7], [2.6], [0.3, 1.7], [5.3, 2.0], [-5.5, 2.0], [5.0, 2.0], [1.0, 2.0, 3.0], [[1.0, 2.0], [3.0, 5.0]],
    [[1.0, 2.0, 3.0]], [7], [12, 18], [48], [0.75, 3], [math.inf], [math.nan], [0.3 + 0.4j], [-1.5 - 0.5j],
]
# Known as integers alone, and so guards where a value may be asked for.
LEFT = {"comb", "factorial", "perm"}


def called(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function by its name in the module, as a program has it."""
    module = {"math": math, "cmath": cmath}[function.__module__]

    def call(*args: Any) -> Any:
        by_name = getattr(module, function.__name__)
        return by_name(*args)

    return call


def results(value: Any) -> list[np.ndarray]:
    return [np.asarray(v) for v in tree.leaves(value)]


@pytest.mark.parametrize("function", RULES, ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_a_function_is_that_of_python(function: Callable[..., Any]) -> None:
    tried = 0
    for args in SAMPLES:
        try:
            expected = results(function(*args))
        except (TypeError, ValueError, OverflowError):
            continue
        tried += 1
        leaves, treedef = tree.flatten(args)
        batch = [np.array([x]) for x in leaves]
        found = results(vmap(lambda *xs: called(function)(*tree.unflatten(treedef, xs)))(*batch))
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(f[0], e, rtol=4e-15, atol=1e-15)
            assert f.dtype.kind == e.dtype.kind
    assert tried


def test_all_functions_of_numbers_are_there() -> None:
    for module in (math, cmath):
        names = {name for name, value in vars(module).items() if callable(value) and not name.startswith("_")}
        assert names - {f.__name__ for f in RULES if f.__module__ == module.__name__} <= LEFT


SMOOTH: dict[str, Callable[[Any], Any]] = {
    "elementary": lambda x: math.exp(math.sin(x)) + math.log(x, 3.0) * math.atan2(x, 2.0) + math.pow(x, 2.5),
    "several": lambda x: math.hypot(x, 2.0, x * x) + math.dist([x, 1.0], [2.0, x]) + math.fsum([x, 2.0, x * x]),
    "products": lambda x: math.prod([x, 2.0, x]) + math.degrees(x) + math.fabs(-x) + math.expm1(x) + math.cbrt(x),
    "pieces": lambda x: math.fmod(x, 0.7) + math.modf(x)[0] + math.copysign(x, -1.0) + math.remainder(x, 0.7),
    "complex": lambda x: abs(cmath.exp(1j * x) * cmath.sqrt(x + 1j)) + cmath.phase(cmath.rect(2.0, x)),
    "error function": lambda x: math.erf(x) + math.erfc(x) * math.tanh(x),
}


@pytest.mark.parametrize("name", SMOOTH)
def test_slopes(name: str) -> None:
    f, x, step = SMOOTH[name], 1.3, 1e-6
    expected = (f(x + step) - f(x - step)) / (2.0 * step)
    np.testing.assert_allclose(grad(f)(x), expected, rtol=1e-7)
    np.testing.assert_allclose(jit(grad(f))(x), expected, rtol=1e-7)
    check_grads(f, (x,), order=2)


def test_results_are_numbers_of_pythons() -> None:
    """They yield to the dtype of an array, and a rounded one is an integer, which is known where it may be."""
    single = np.float32(2.0)
    assert jit(lambda x: math.sqrt(x) * single)(single).dtype == np.float32
    assert jit(lambda x: np.ones(2, np.float32) * math.floor(x))(2.5).dtype == np.float32
    assert jit(lambda x: sum([x for _ in range(math.ceil(x))]))(2.5) == 7.5
    assert make_program(lambda x: cmath.sqrt(x))(-1.0).output_types[0].dtype == np.complex128


@pytest.mark.parametrize(("f", "message"), [
    (lambda x: math.sin(np.array([x, x])), "only 0-dimensional arrays"), (lambda x: math.sin(x * 1j), "must be real"),
    (lambda x: math.gcd(x, 2), "cannot be interpreted as an integer"), (lambda x: math.sin(x, x), "argument"),
    (lambda x: math.dist([x], [1.0, 2.0]), "same number of dimensions"),
])
def test_what_python_refuses(f: Callable[..., Any], message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=message):
        vmap(f)(np.ones(2))
