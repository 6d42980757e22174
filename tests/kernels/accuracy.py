"""How far the elementary functions are from the exact results: references, the measure, and numbers to try."""

import math
from functools import partial

import mpmath
import numpy as np
from mpmath import mpf

from fnad.kernels.elementary import ULPS
from tests.compiler.kernel_running import elementwise

DTYPES = [np.float32, np.float64]
BINARY = ["arctan2", "hypot", "pow", "logaddexp", "logaddexp2", "divide"]


def expression(op: str, dtype: type) -> str:
    return f"{op}_{np.dtype(dtype).name}({'a, b' if op in BINARY else 'a'})"


def run(op: str, *inputs: np.ndarray) -> np.ndarray:
    return elementwise(expression(op, inputs[0].dtype), list(inputs))


def bound(op: str, dtype: type) -> float:
    return ULPS[op][DTYPES.index(dtype)]


# --- references -------------------------------------------------------------------------------


def sigmoid(x):
    power = mpmath.exp(-abs(x))
    return (1 if x >= 0 else power) / (1 + power)


def sinc(angle):
    return mpmath.sin(angle) / angle if angle else mpf(1)


def log_sum(x, y, base):
    return max(x, y) + mpmath.log1p(mpf(base) ** -abs(x - y)) / mpmath.log(base)


def to_power(x, y):
    if x < 0:
        if y != int(y):
            return mpf("nan")
        return (-1) ** (int(y) % 2) * mpmath.power(-x, y)
    return mpmath.power(x, y)


REFERENCES = {
    "exp": mpmath.exp,
    "exp2": lambda x: mpmath.power(2, x),
    "expm1": mpmath.expm1,
    "log": mpmath.log,
    "log2": lambda x: mpmath.log(x) / mpmath.log(2),
    "log10": mpmath.log10,
    "log1p": mpmath.log1p,
    "sigmoid": sigmoid,
    "tanh": mpmath.tanh,
    "sinh": mpmath.sinh,
    "cosh": mpmath.cosh,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
    "tan": mpmath.tan,
    "arcsin": mpmath.asin,
    "arccos": mpmath.acos,
    "arctan": mpmath.atan,
    "arcsinh": mpmath.asinh,
    "arccosh": mpmath.acosh,
    "arctanh": mpmath.atanh,
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "arctan2": mpmath.atan2,
    "hypot": mpmath.hypot,
    "pow": to_power,
    "logaddexp": partial(log_sum, base=mpmath.e),
    "logaddexp2": partial(log_sum, base=2),
    "erf": mpmath.erf,
    "erfc": lambda x: mpmath.erfc(min(x, 1000)),  # mpmath fails for the largest numbers
    "sinc": sinc,
}


def ulps(got: float, want: mpf, dtype: type, scale: mpf | int = 0) -> float:
    """The error in units of the last place of `want`, or of `scale` if that is larger."""
    info = np.finfo(dtype)
    beyond = mpf(2) ** info.maxexp
    if not math.isfinite(got):  # an infinity stands for the number after the largest
        if math.isnan(got):
            return math.inf
        got = math.copysign(1, got) * beyond
    size = max(abs(want), abs(scale))
    if size >= beyond:
        want, size = mpmath.sign(want) * beyond, beyond / 2
    exponent = int(mpmath.frexp(size)[1]) if size else info.minexp
    unit = mpf(2) ** (max(exponent - 1, info.minexp) - info.nmant)
    return float(abs(got - want) / unit)


def worst(op: str, got: np.ndarray, *inputs: np.ndarray) -> float:
    """The largest error where the function is a real number."""
    largest = 0.0
    if op == "sinc":  # of the rounded product, as in NumPy
        with np.errstate(over="ignore"):
            inputs = (inputs[0] * got.dtype.type(np.pi),)
    with mpmath.workdps(50):
        for value, *given_ in zip(got, *inputs, strict=True):
            numbers = [mpf(float(number)) for number in given_]
            want = REFERENCES[op](*numbers)
            if isinstance(want, mpmath.mpc) or mpmath.isnan(want):
                assert np.isnan(value), (given_, value)
                continue
            # the sum of exponentials is only good relative to the exponents
            scale = max(map(abs, numbers)) if op.startswith("logadd") else 0
            largest = max(largest, ulps(float(value), want, got.dtype.type, scale))
    return largest


# --- numbers to try ---------------------------------------------------------------------------

NEAR = (1, -1, 0.5, -0.5, math.pi, math.pi / 2, 0.70710678, 1.41421356, 0.41421356, 0.34657, 1.0397)
FAR = {np.float32: (88.72, 89.41, -87.3, -103.9), np.float64: (709.78, 710.47, -708.4, -745.1)}


def numbers(dtype: type, rng: np.random.Generator, count: int) -> np.ndarray:
    """Numbers of every exponent, of usual sizes, and around where a function changes its ways."""
    word = np.uint32 if dtype == np.float32 else np.uint64
    bits = rng.integers(0, np.iinfo(word).max, count, dtype=word, endpoint=True).view(dtype)
    sizes = rng.uniform(-1, 1, count) * rng.choice([1e-3, 0.1, 1, 3, 30, 300], count)
    apart = 10.0 ** rng.uniform(-16, -1, count) * rng.choice([-1, 1], count)
    around = rng.choice([*NEAR, *FAR[dtype]], count) * (1 + apart)
    found = np.concatenate([bits, sizes.astype(dtype), around.astype(dtype)])
    return found[np.isfinite(found)]


def edges(dtype: type) -> np.ndarray:
    info = np.finfo(dtype)
    positive = [
        *(0.0, math.inf, math.nan, info.max, info.tiny, info.smallest_subnormal, info.eps),
        *(
            info.max / 3,
            info.tiny * 0.75,
            info.smallest_subnormal * 3,
            1 - info.epsneg,
            1 + info.eps,
        ),
        *(0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 7.0, 1e-3, 1e3, 1e5, math.pi, math.pi / 2),
        *(88.7, 104.0, 710.0, 745.0, 2.0**24 - 1, 2.0**24, 2.0**53 - 1, 2.0**53, 2.0**60),
    ]
    return np.array([*positive, *(-x for x in positive)], dtype)


def operands(op: str, dtype: type, count: int = 150) -> list[np.ndarray]:
    rng = np.random.default_rng(list(op.encode()))
    x = numbers(dtype, rng, count)
    if op not in BINARY:
        return [x]
    y = rng.permutation(x)
    if op == "pow":  # most pairs overflow or underflow: here are some that do neither
        most = 700 if dtype == np.float64 else 87
        with np.errstate(all="ignore"):
            logarithms = np.log(np.abs(x.astype(np.float64)))
            close = (rng.uniform(-most, most, x.size) / logarithms).astype(dtype)
        x, y = np.concatenate([x, np.abs(x)]), np.concatenate([y, close])
        usable = np.isfinite(y)
        return [x[usable], y[usable]]
    with np.errstate(over="ignore"):
        close = (x * (1 + rng.normal(size=x.size) * rng.choice([1e-6, 0.1, 3]))).astype(dtype)
    x, y = np.concatenate([x, x]), np.concatenate([y, close])
    return [x[np.isfinite(y)], y[np.isfinite(y)]]
