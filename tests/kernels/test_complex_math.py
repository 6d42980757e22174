"""Functions of complex numbers against mpmath; tests/properties/test_complex.py has infinities, nan and zeros."""

import mpmath
import numpy as np
import pytest
from mpmath import mpc

from fnad.kernels.elementary import COMPLEX_ULPS
from tests.kernels.accuracy import BINARY, run

PLACES = 200

# What NumPy computes by formulas that lose digits is computed by the same ones: exp2, expm1, log1p near 0.
REFERENCES = {
    "divide": lambda x, y: x / y, "reciprocal": lambda x: 1 / x, "unit": lambda x: x / abs(x), "exp": mpmath.exp,
    "exp2": lambda x: mpmath.power(2, x), "expm1": mpmath.expm1, "log": mpmath.log, "log2": lambda x: mpmath.log(x, 2),
    "log10": lambda x: mpmath.log(x, 10), "log1p": mpmath.log1p, "sqrt": mpmath.sqrt, "pow": mpmath.power,
    "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan, "sinh": mpmath.sinh, "cosh": mpmath.cosh,
    "tanh": mpmath.tanh, "arcsin": mpmath.asin, "arccos": mpmath.acos, "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh, "arccosh": mpmath.acosh, "arctanh": mpmath.atanh,
}
LOSING = {"exp2", "expm1", "log1p"}


def numbers(dtype: str, op: str) -> np.ndarray:
    """Numbers of all sizes, and such as lie near the unit circle, 1 and i."""
    rng = np.random.default_rng(0)
    plain = rng.standard_normal(PLACES) + 1j * rng.standard_normal(PLACES)
    if op in LOSING | {"pow"}:
        return (plain + 3).astype(dtype)
    circle = np.exp(2j * np.pi * rng.random(PLACES)) * (1 + 1e-3 * rng.standard_normal(PLACES))
    near = rng.choice([1, -1, 1j, -1j], PLACES) + plain * 10.0 ** rng.uniform(-6, 0, PLACES)
    sizes = plain * 10.0 ** rng.uniform(-12, 1.2, PLACES)
    return np.concatenate([plain, circle, near, sizes]).astype(dtype)


def worst(op: str, got: np.ndarray, *inputs: np.ndarray) -> float:
    """The largest error, in units of the last place of the result's larger part."""
    found = 0.0
    for y, *xs in zip(got, *inputs, strict=True):
        exact = REFERENCES[op](*[mpc(complex(x)) for x in xs])
        unit = np.spacing(got.real.dtype.type(max(abs(exact.real), abs(exact.imag))))
        found = max(found, float(abs(mpc(complex(y)) - exact) / mpmath.mpf(float(unit))))
    return found


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
@pytest.mark.parametrize("op", COMPLEX_ULPS)
def test_accuracy(op: str, dtype: str) -> None:
    x = numbers(dtype, op)
    inputs = [x, np.roll(x, 1)] if op in BINARY else [x]
    with mpmath.workdps(50):
        assert worst(op, run(op, *inputs), *inputs) <= COMPLEX_ULPS[op]


def test_the_measure_sees_an_error() -> None:
    x = numbers("complex128", "sqrt")
    right = run("sqrt", x)
    assert worst("sqrt", right, x) <= COMPLEX_ULPS["sqrt"] < worst("sqrt", right * (1 + 1e-14), x)


@pytest.mark.parametrize("op", COMPLEX_ULPS)
@np.errstate(all="ignore")
def test_huge_and_tiny_numbers(op: str) -> None:
    ends = [1e-300, 1e-160, 1e160, 1e300, 1.7e308, 0.0, 1.0, 709.9, 745.0]
    x = np.array([complex(a, b) for a in ends for b in ends if a or b])
    inputs = [x, np.full_like(x, 0.5)] if op in BINARY else [x]
    got, expected = run(op, *inputs), ({"unit": np.sign, "pow": np.power}.get(op) or getattr(np, op))(*inputs)
    parts = np.array([expected.real, expected.imag])
    size = np.where(np.isfinite(parts), abs(parts), 0).max(axis=0)
    for part, own in zip((got.real, got.imag), parts, strict=True):
        close = np.abs(part - own) <= 1e-12 * size + 1e-307
        assert (close | (part == own) | (np.isnan(part) & np.isnan(own))).all(), op
