"""Functions of complex numbers at infinities, nan and zeros of both signs: compiled, interpreted and NumPy's agree."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree

from tests.profiles import is_deep
from tests.properties.edges import COMPLEX, edges
from tests.properties.running import interpreted

TRIED = COMPLEX if is_deep() else ("complex128", "clongdouble")
UFUNCS = (
    np.negative, np.absolute, np.sign, np.square, np.reciprocal, np.sqrt, np.exp, np.exp2, np.expm1, np.log, np.log2,
    np.log10, np.log1p, np.sin, np.cos, np.tan, np.sinh, np.cosh, np.tanh, np.arcsin, np.arccos, np.arctan, np.arcsinh,
    np.arccosh, np.arctanh, np.rint, np.conjugate, np.isnan, np.isinf, np.isfinite, np.angle, np.round, np.nan_to_num,
    np.real, np.imag, np.logical_not, np.sinc,
)
FUNCTIONS = {u.__name__: u for u in UFUNCS} | {
    "x * 1": lambda x: x * 1, "x / 1": lambda x: x / 1, "x - 0": lambda x: x - 0.0, "x**2": lambda x: x**2,
    "x**3": lambda x: x**3, "x**-1": lambda x: x**-1, "x**-2": lambda x: x**-2, "max": np.max, "min": np.min,
    "nanmax": np.nanmax, "max of rows": lambda x: np.max(x.reshape(7, 7), axis=1), "bool": lambda x: x.astype(bool),
    "where": lambda x: np.where(x > 0, x, 0),
}
OF_TWO = {u.__name__: u for u in (
    np.add, np.multiply, np.true_divide, np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.maximum,
    np.minimum, np.fmax, np.fmin, np.power,
)}


def assert_numpys(functions: dict[str, Any], *args: np.ndarray) -> None:
    every = lambda *xs: [f(*xs) for f in functions.values()]  # noqa: E731
    with np.errstate(all="ignore"):
        expected = every(*args)
        results = [interpreted(every)(*args), tree.leaves(fnad.jit(every)(*args))]
    for found, ulp in zip(results, (2, 8)):  # the interpreter's own angles; the compiler's own functions
        for name, got, wanted in zip(functions, found, expected):
            assert_numbers(np.asarray(got), np.asarray(wanted), ulp, name)


def assert_numbers(got: np.ndarray, wanted: np.ndarray, ulp: int, name: str) -> None:
    """Equal infinities, nan and signs of zeros in each part; within so many units of the whole number's last place."""
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape), name
    if got.dtype.kind not in "fc":
        return np.testing.assert_array_equal(got, wanted, err_msg=name)
    parts = wanted.real, wanted.imag
    size = np.max([np.where(np.isfinite(part), abs(part), 0) for part in parts], axis=0)
    for part, own in zip((got.real, got.imag), parts):
        finite = np.isfinite(own)
        np.testing.assert_array_equal(part[~finite], own[~finite], err_msg=name)
        np.testing.assert_array_equal(np.signbit(part[own == 0]), np.signbit(own[own == 0]), err_msg=name)
        allowed = ulp * np.finfo(part.dtype).eps * size[finite]
        assert (np.abs(part[finite] - own[finite]) <= allowed).all(), name


@pytest.mark.parametrize("dtype", TRIED)
def test_functions(dtype: str) -> None:
    x = edges(dtype)
    assert_numpys(FUNCTIONS, x)
    assert_numpys(OF_TWO, np.repeat(x, x.size), np.tile(x, x.size))


@pytest.mark.parametrize("dtype", ["complex128"])
def test_the_absolute_value_at_infinity_has_a_slope(dtype: str) -> None:
    ends = np.array([np.inf, -np.inf, complex(0, np.inf), complex(3, -np.inf)], dtype)
    slope = lambda x: fnad.grad(lambda x: np.sum(abs(x)))(x)  # noqa: E731
    for found in slope(ends), fnad.jit(slope)(ends):
        np.testing.assert_array_equal(found, [1, -1, 1j, -1j])
