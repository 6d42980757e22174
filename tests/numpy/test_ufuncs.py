"""Every ufunc means what NumPy means, for all dtypes, shapes and Python numbers, as a function and as an operator."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest
from fnad.errors import InPlaceError
from fnad.numpy.ufuncs import RULES
from fnad.testing.strategies import arrays, broadcastable_shapes, numbers
from hypothesis import given
from hypothesis import strategies as st

from tests.numpy.comparing import assert_like_numpy, run_traced

DTYPES = (
    "bool", "int8", "int32", "int64", "uint8", "uint64", "float16", "float32", "float64", "complex64", "complex128",
)
dtypes = st.sampled_from(DTYPES)
python_numbers = st.one_of(st.booleans(), st.integers(-3, 3), st.sampled_from([0.0, -0.5, 1.0, 2.0]), st.just(1j))


@st.composite
def operands(draw: Any, count: int) -> list[Any]:
    """Operands whose shapes broadcast, Python numbers among them, and at least one array."""
    shapes = draw(broadcastable_shapes(count=count, max_side=3))
    values = [_array(draw, shape) for shape in shapes]
    if count > 1 and draw(st.booleans()):
        values[draw(st.integers(0, count - 1))] = draw(python_numbers)
    return values


def _array(draw: Any, shape: Any) -> np.ndarray:
    dtype = draw(dtypes)
    special = np.dtype(dtype).kind == "f" and draw(st.booleans())
    return draw(arrays(shape=shape, dtype=dtype, elements=numbers(dtype, special_values=special, low=-3, high=3)))


def _defined(ufunc: Any, values: list[Any]) -> list[Any]:
    """Keep to what NumPy defines and we have: no negative shifts, no complex inverse functions."""
    if ufunc in (np.left_shift, np.right_shift):
        return [v if i == 0 else abs(v) for i, v in enumerate(values)]
    if ufunc is np.reciprocal:
        values = [v + (v == 0).astype(v.dtype) if v.dtype.kind in "iu" else v for v in values]
    if ufunc in REAL_ONLY:
        return [v.real if np.iscomplexobj(v) else v for v in values]
    return values


REAL_ONLY = (
    np.arcsin, np.arccos, np.arctan, np.arcsinh, np.arccosh, np.arctanh, np.power, np.float_power, np.reciprocal,
)


@pytest.mark.parametrize("ufunc", RULES, ids=lambda u: u.__name__)
@given(data=st.data())
def test_ufuncs_are_numpys(ufunc: Any, data: st.DataObject) -> None:
    values = _defined(ufunc, data.draw(operands(ufunc.nin)))
    places = [i for i, v in enumerate(values) if isinstance(v, np.ndarray)]

    def f(*traced: Any) -> Any:
        given = dict(zip(places, traced))
        return ufunc(*[given.get(i, v) for i, v in enumerate(values)])

    assert_like_numpy(f, *[values[i] for i in places])


OPERATORS = {name: getattr(operator, name) for name in (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "eq", "ne", "lt", "le", "gt", "ge",
)}


@pytest.mark.parametrize("name", OPERATORS)
@given(data=st.data())
def test_operators_are_numpys(name: str, data: st.DataObject) -> None:
    x, y = data.draw(operands(2).filter(lambda values: name != "pow" or not np.iscomplexobj(values[1])))
    traced_first = isinstance(x, np.ndarray) and (not isinstance(y, np.ndarray) or data.draw(st.booleans()))
    fixed = y if traced_first else x
    f = (lambda a: OPERATORS[name](a, fixed)) if traced_first else (lambda a: OPERATORS[name](fixed, a))
    assert_like_numpy(f, x if traced_first else y)


@pytest.mark.parametrize("name", ["neg", "pos", "abs", "invert"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_operators_of_one_operand_are_numpys(name: str, dtype: str) -> None:
    assert_like_numpy(getattr(operator, name), np.arange(3).astype(dtype))


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, 4, 5, -1, -2, -3, 0.5, 2.0, 1.5, True])
@pytest.mark.parametrize("dtype", ["bool", "int32", "uint8", "float32", "float64", "complex64"])
def test_static_powers_are_numpys(exponent: Any, dtype: str) -> None:
    x = np.array([0, 1, 2, 3]).astype(dtype)
    assert_like_numpy(lambda a: a**exponent, x)
    assert_like_numpy(lambda a: np.power(a, exponent), x)


# Python numbers stay Python numbers, and yield, as long as only operators touch them.
WEAK = [
    lambda s, x: s * x, lambda s, x: (s * s + 1) * x, lambda s, x: -s / 3 * x, lambda s, x: s**2 * x,
    lambda s, x: x - abs(s), lambda s, x: np.sin(s) * x, lambda s, x: np.add(s, s) * x, lambda s, x: np.add(s, x),
    lambda s, x: np.sum(s) * x, lambda s, x: np.where(x > 0, s, x), lambda s, x: np.maximum(x, s),
    lambda s, x: np.reshape(s, (1,)) * x, lambda s, x: np.stack([s, s]), lambda s, x: np.clip(x, -s, s),
    lambda s, x: x.sum() * s, lambda s, x: divmod(s, 2)[0] * x,
]


@pytest.mark.parametrize("f", WEAK)
@pytest.mark.parametrize("scalar", [2, 2.5, np.float32(2), np.float64(2.5), np.int64(3)], ids=repr)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_python_numbers_yield_as_numpys(f: Any, scalar: Any, dtype: str) -> None:
    assert_like_numpy(f, scalar, np.ones(3, dtype))


ERRORS = [
    (lambda x, y: x + y, np.ones(3), np.ones(4)),
    (lambda x, y: np.maximum(x, y), np.ones((2, 3)), np.ones((3, 2))),
    (lambda x, y: x - y, np.ones(3, bool), np.ones(3, bool)),
    (lambda x, y: x & y, np.ones(3), np.ones(3)),
    (lambda x, y: x + 300, np.ones(3, "u1"), 0),
    (lambda x, y: x - 129, np.ones(3, "i1"), 0),
    (lambda x, y: x ** -1, np.ones(3, int), 0),
    (lambda x, y: -x, np.ones(3, bool), 0),
    (lambda x, y: np.arctan2(x, y), np.ones(3, complex), np.ones(3)),
    (lambda x, y: x @ y, np.ones(3), np.ones(4)),
]


@pytest.mark.parametrize(("f", "x", "y"), ERRORS)
def test_errors_have_numpys_type_and_text(f: Any, x: Any, y: Any) -> None:
    assert_like_numpy(f, x, y, message=True)


@pytest.mark.parametrize("ufunc", [np.less, np.greater_equal, np.equal, np.not_equal])
@pytest.mark.parametrize("other", [300, -1, 2**70, -(2**70), np.uint64(2**63), np.array([-1, 0, 5], "i8")], ids=repr)
@pytest.mark.parametrize("dtype", ["uint8", "int64", "uint64"])
def test_comparisons_with_numbers_beyond_the_dtype(ufunc: Any, other: Any, dtype: str) -> None:
    x = np.array([0, 1, np.iinfo(dtype).max], dtype)
    assert_like_numpy(lambda a: ufunc(a, other), x)
    assert_like_numpy(lambda a: ufunc(other, a), x)


METHODS = [
    lambda x: np.add.reduce(x), lambda x: np.add.reduce(x, axis=1), lambda x: np.multiply.reduce(x, axis=(0, 1)),
    lambda x: np.maximum.reduce(x, axis=None), lambda x: np.minimum.reduce(x, axis=-1, keepdims=True),
    lambda x: np.logical_and.reduce(x, axis=1), lambda x: np.logical_or.reduce(x),
    lambda x: np.add.accumulate(x, axis=1), lambda x: np.multiply.accumulate(x), lambda x: np.subtract.outer(x, x[0]),
    lambda x: np.add(x, 1, dtype=np.float32), lambda x: np.add(x, x, where=True, out=None),
    lambda x: np.float32(2) * x, lambda x: np.arange(3.0) + x, lambda x: [1, 2, 3] * x,
]


@pytest.mark.parametrize("f", METHODS)
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_methods_and_keywords_of_ufuncs(f: Any, dtype: str) -> None:
    assert_like_numpy(f, np.arange(6).reshape(2, 3).astype(dtype))


OUTSIDE = np.zeros(3)


def _into(x: Any) -> Any:
    a = OUTSIDE
    a += x
    return a


REFUSED = [
    (InPlaceError, "out=", _into),
    (InPlaceError, "out=", lambda x: np.sin(x, out=OUTSIDE)),
    (InPlaceError, "np.add.at", lambda x: np.add.at(OUTSIDE, [0], x[0])),
    (TypeError, "np.isnat", lambda x: np.isnat(x)),
    (TypeError, "np.greater.reduce", lambda x: np.greater.reduce(x)),
    (TypeError, "NoneType", lambda x: x + None),
    (TypeError, "dtype str32", lambda x: np.add(x, "a")),
]


@pytest.mark.parametrize(("error", "text", "f"), REFUSED, ids=[r[1] for r in REFUSED])
def test_what_is_refused_says_so(error: Any, text: str, f: Any) -> None:
    with pytest.raises(error, match=text):
        run_traced(f, np.ones(3))
