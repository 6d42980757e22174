"""Integers at the edges of their ranges: compiled, interpreted and NumPy's are the same, and conversions too."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree

from tests.profiles import is_deep
from tests.properties.edges import BEYOND, COMPLEX, FLOATS, INTEGERS, edges, pairs
from tests.properties.running import interpreted

Function = Callable[..., Any]
TRIED = INTEGERS if is_deep() else ("int8", "int64", "uint32", "uint64")

UFUNCS = (
    np.negative, np.positive, np.absolute, np.sign, np.square, np.reciprocal, np.invert, np.isnan, np.isfinite,
    np.floor, np.logical_not, np.conjugate, np.sqrt, np.bitwise_count,
)
OF_ONE: dict[str, Function] = {u.__name__: u for u in UFUNCS} | {
    # What is true of numbers without end, but not of integers that wrap.
    "x + 1 > x": lambda x: x + 1 > x, "x - 1 < x": lambda x: x - 1 < x, "2x // 2": lambda x: x * 2 // 2,
    "|x| < 0": lambda x: abs(x) < 0, "3x - 2x": lambda x: x * 3 - x * 2, "x x >= 0": lambda x: x * x >= 0,
    "x**0": lambda x: x**0, "x**1": lambda x: x**1, "x**2": lambda x: x**2, "x**3": lambda x: x**3,
    "x**4": lambda x: x**4, "x**5": lambda x: x**5, "x**63": lambda x: x**63, "2**x": lambda x: 2 ** (x & 7),
    "x**-1": lambda x: x**-1, "x << 1": lambda x: x << 1, "x << 7": lambda x: x << 7, "x << 100": lambda x: x << 100,
    "x >> 1": lambda x: x >> 1, "x >> 100": lambda x: x >> 100,
    "clip": lambda x: np.clip(x, 3, 7), "clip beyond": lambda x: np.clip(x, -5, 2**70),
    "x < 2**70": lambda x: x < 2**70, "x > -2**70": lambda x: x > -(2**70), "x + 2**70": lambda x: x + 2**70,
    "x + 300": lambda x: x + 300,
    "x - 1": lambda x: x - 1, "where": lambda x: np.where(x > 3, x, 300),
    "select": lambda x: np.select([x > 3], [x], -1),
    "sum": np.sum, "prod": np.prod, "mean": np.mean, "max": np.max, "min": np.min, "var": np.var, "ptp": np.ptp,
    "cumsum": np.cumsum, "cumprod": np.cumprod, "diff": np.diff, "median": np.median, "argmax": np.argmax,
    "sort": np.sort, "sum as it is": lambda x: np.sum(x, dtype=x.dtype),
    "mean as int64": lambda x: np.mean(x, dtype=int),
    "prod as it is": lambda x: np.prod(x, dtype=x.dtype), "cumsum as int8": lambda x: np.cumsum(x, dtype=np.int8),
    "cumprod as it is": lambda x: np.cumprod(x, dtype=x.dtype), "sum as float32": lambda x: np.sum(x, dtype=np.float32),
    "dot": lambda x: np.dot(x, x), "outer": lambda x: np.outer(x, x), "matmul": lambda x: x[:4, None] @ x[None, -4:],
    "einsum": lambda x: np.einsum("i,i->", x, x), "inner": lambda x: np.inner(x[::2], x[::2]),
}
UFUNCS_OF_TWO = (
    np.add, np.subtract, np.multiply, np.floor_divide, np.remainder, np.fmod, np.divmod, np.true_divide, np.maximum,
    np.minimum, np.fmax, np.fmin, np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift, np.right_shift, np.logical_xor, np.power, np.gcd,
    np.lcm,
)
OF_TWO: dict[str, Function] = {u.__name__: u for u in UFUNCS_OF_TWO} | {
    "x**|y|": lambda x, y: x ** np.where(y > 0, y, 0), "x - y > 0": lambda x, y: x - y > 0,
    "x + y - y": lambda x, y: x + y - y, "x y // y": lambda x, y: x * y // y,
    "where": lambda x, y: np.where(x > y, x, y),
}


def outcome(function: Function, *args: Any) -> Any:
    """The leaves of a result, or the type of an exception."""
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(y) for y in tree.leaves(function(*args))]
    except Exception as error:
        return type(error)


def together(functions: dict[str, Function]) -> Function:
    """One function that computes all of them: one compilation."""
    return lambda *xs: [function(*xs) for function in functions.values()]


def assert_numpys(functions: dict[str, Function], *args: np.ndarray) -> None:
    expected = {name: outcome(function, *args) for name, function in functions.items()}
    fails = {name: functions[name] for name, found in expected.items() if type(found) is type}
    for name, function in fails.items():
        for run in interpreted(function), fnad.jit(function):
            assert outcome(run, *args) is expected[name], name
    works = {name: function for name, function in functions.items() if name not in fails}
    leaves = [(name, leaf) for name in works for leaf in expected[name]]
    for run in interpreted(together(works)), fnad.jit(together(works)):
        with np.errstate(all="ignore"):
            found = tree.leaves(run(*args))
        assert len(found) == len(leaves)
        for (name, wanted), got in zip(leaves, found):
            assert_equal(name, np.asarray(got), wanted)


def assert_equal(name: str, got: np.ndarray, wanted: np.ndarray) -> None:
    assert (got.dtype, got.shape) == (wanted.dtype, wanted.shape), name
    if wanted.dtype.kind == "f":
        np.testing.assert_allclose(got, wanted, rtol=1e-6 if wanted.dtype == np.float32 else 1e-14, err_msg=name)
    else:
        np.testing.assert_array_equal(got, wanted, err_msg=name)


@pytest.mark.parametrize("dtype", TRIED)
def test_operations(dtype: str) -> None:
    assert_numpys(OF_ONE, edges(dtype))
    assert_numpys(OF_TWO, *pairs(dtype))


def test_truth_values() -> None:
    # NumPy subtracts no truth values and compares them with no integer that int64 cannot hold.
    left_out = ("x - 1 < x", "x - 1", "clip", "clip beyond", "x < 2**70", "x > -2**70")
    assert_numpys({name: f for name, f in OF_ONE.items() if name not in left_out}, edges(bool))
    assert_numpys(OF_TWO, *pairs(bool))


SIGNED_AND_NOT = [
    ("int64", "uint64"), ("int8", "uint8"), ("int32", "uint64"), ("int64", "float32"), ("uint64", "float64"),
]


@pytest.mark.parametrize(("one", "other"), SIGNED_AND_NOT if is_deep() else SIGNED_AND_NOT[:1])
def test_operands_of_two_dtypes(one: str, other: str) -> None:
    x, y = edges(one), edges(other)
    ufuncs = (np.add, np.multiply, np.less, np.less_equal, np.equal, np.greater, np.not_equal, np.maximum, np.where)
    functions = {u.__name__: u for u in ufuncs if u is not np.where}
    assert_numpys(functions | {"x < y": lambda x, y: y < x}, np.repeat(x, y.size), np.tile(y, x.size))


# --- Conversions


def one_by_one(x: np.ndarray, dtype: str) -> np.ndarray:
    """What NumPy converts single elements to; where it takes many at once, it has other numbers at times."""
    real = x.real if dtype != "bool" else x
    return np.array([real[i : i + 1].astype(dtype)[0] for i in range(x.size)], dtype)


def sizes() -> list[int]:
    return [*range(1, 71), 1000] if is_deep() else [1, 3, 8, 15, 16, 17, 31, 37, 64, 70]


@pytest.mark.parametrize("dtype", [*FLOATS, *COMPLEX])
def test_conversions_from_floats(dtype: str) -> None:
    """The same for each element, wherever it stands in the loop's vectors."""
    targets = (*INTEGERS, "bool")
    with np.errstate(all="ignore"):
        numbers = BEYOND.astype(dtype)
        expected = [one_by_one(numbers, target) for target in targets]
    convert = lambda x: [x.astype(target) for target in targets]  # noqa: E731
    for size in sizes():
        compiled = fnad.jit(convert)
        for offset in range(3):
            at = (7 * np.arange(size) + 3 * size + offset) % numbers.size
            x = np.concatenate([np.zeros(offset, dtype), numbers[at]])[offset:]
            for run in compiled, interpreted(convert):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
                    found = outcome(run, x)
                assert type(found) is list, found
                for target, got, wanted in zip(targets, found, expected):
                    assert got.dtype == target
                    np.testing.assert_array_equal(got, wanted[at], err_msg=f"{target} {size} {offset}")


def test_conversions_from_integers() -> None:
    """Large ones are rounded to the nearest float; small ones are cut off."""
    targets = (*INTEGERS, "bool", *FLOATS, *COMPLEX)
    for dtype in (*TRIED, "bool"):
        halves = [2**53 + 1, 2**53 + 3, 2**24 + 1, 2**24 + 3, 2**63 + 1025, 2**62 + 513]
        fitting = [n for n in halves if dtype != "bool" and n <= np.iinfo(dtype).max]
        x = np.append(edges(dtype), np.array(fitting, dtype))
        convert = lambda x: [x.astype(target) for target in targets]  # noqa: E731
        expected = outcome(convert, x)
        for run in interpreted(convert), fnad.jit(convert):
            for got, wanted in zip(outcome(run, x), expected):
                assert got.dtype == wanted.dtype
                np.testing.assert_array_equal(got, wanted)


def test_the_power_of_an_integer_to_a_negative_one_is_refused_at_its_line() -> None:
    power = fnad.jit(lambda x, y: x**y)
    assert power(np.array([2, -3]), np.array([62, 39])).tolist() == [2**62, -(3**39)]
    with pytest.raises(ValueError, match=r"(?s)negative integer powers.*test_integers.py"):
        power(np.array([2, 3]), np.array([1, -1]))
