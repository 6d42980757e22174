"""Borders around arrays are NumPy's: every mode, width and option; their derivatives follow."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.testing import check_grads
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.numpy.comparing import assert_like_numpy, run_traced

STATISTICS = ["maximum", "mean", "median", "minimum"]
MODES = ["constant", "edge", "linear_ramp", *STATISTICS, "reflect", "symmetric", "wrap", "empty"]
NUMBER = st.sampled_from([0, 1, -3, 2.5, 7])
LENGTH = st.integers(0, 4)


def pairs(number: Any, ndim: int) -> Any:
    """All forms that a number for each side of each axis may have."""
    pair = st.tuples(number, number)
    return st.one_of(number, pair, st.tuples(pair), st.lists(pair, min_size=ndim, max_size=ndim))


def _options(mode: str, ndim: int) -> Any:
    if mode == "constant":
        return st.fixed_dictionaries({"constant_values": pairs(NUMBER, ndim)})
    if mode == "linear_ramp":
        return st.fixed_dictionaries({"end_values": pairs(NUMBER, ndim)})
    if mode in STATISTICS:
        return st.fixed_dictionaries({"stat_length": st.one_of(st.none(), pairs(st.integers(0, 9), ndim))})
    if mode in ("reflect", "symmetric"):
        return st.fixed_dictionaries({"reflect_type": st.sampled_from(["even", "odd"])})
    return st.just({})


@st.composite
def calls(draw: Any) -> tuple[Any, ...]:
    shape = draw(st.lists(st.sampled_from([0, 1, 2, 3, 4, 2, 3]), max_size=3))
    ndim, dtype = len(shape), draw(st.sampled_from(["f8", "f4", "i8", "u1", "i1", "?"]))
    x = np.random.default_rng(draw(st.integers(0, 99))).integers(-9, 9, shape) * (0.5 if dtype in ("f8", "f4") else 1)
    by_axis = st.dictionaries(st.integers(-ndim, ndim - 1), st.one_of(LENGTH, st.tuples(LENGTH, LENGTH)), max_size=1)
    width = draw(st.one_of(pairs(LENGTH, ndim), st.integers(5, 17), by_axis if ndim else st.just(0)))
    mode = draw(st.sampled_from(MODES))
    return np.asarray(x.astype(dtype)), width, mode, draw(st.one_of(st.just({}), _options(mode, ndim)))


@settings(max_examples=settings.default.max_examples * 10)
@given(calls())
def test_values_and_errors(call: Any) -> None:
    x, width, mode, options = call
    if mode == "empty":
        assert_like_numpy(lambda x: np.zeros_like(np.pad(x, width, mode)), x)
    elif x.size or mode == "constant":
        assert_like_numpy(lambda x: np.pad(x, width, mode, **options), x)
    else:
        assert_like_numpy(lambda x: np.pad(x, width, mode), x)


X = np.arange(6.0).reshape(2, 3)
MISTAKES = [
    ((-1,), {}), ((1.5,), {}), ((True,), {}), (("a",), {}), ((None,), {}), (((1, 2, 3),), {}), (({5: 1},), {}),
    ((1, "other"), {}), ((1, "edge"), {"constant_values": 1}), ((1, "mean"), {"stat_length": -1}),
    ((1, "maximum"), {"stat_length": 0}), ((1,), {"constant_values": (1, 2, 3)}), ((1, "linear_ramp"), {"end": 1}),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=repr)
def test_mistakes(mistake: Any) -> None:
    args, kwargs = mistake
    with pytest.raises(Exception):
        np.pad(X, *args, **kwargs)
    assert_like_numpy(lambda x: np.pad(x, *args, **kwargs), X, message=True)


def _frame(vector: Any, width: Any, axis: int, kwargs: Any) -> None:
    vector[: width[0]] = kwargs["scale"] * vector[width[0]] + axis
    if width[1]:
        vector[-width[1] :] = vector[-width[1] - 1] ** 2


@pytest.mark.parametrize("width", [1, (2, 0), ((0, 1), (3, 2)), 0])
@pytest.mark.parametrize("x", [X, X[0], X.astype(int)], ids=["matrix", "vector", "integers"])
def test_a_function_writes_the_border(x: Any, width: Any) -> None:
    width = width if x.ndim == 2 or np.ndim(width) < 2 else 2
    assert_like_numpy(lambda x: np.pad(x, width, _frame, scale=3), x)


def test_values_that_are_traced() -> None:
    values = np.array([[1.0, 2.0], [3.0, 4.0]])
    for given_ in (values, values[:1], values[0], values[0, 0], values[:, :1]):
        assert_like_numpy(lambda x, v: np.pad(x, 1, constant_values=v), X, given_)
        assert_like_numpy(lambda x, v: np.pad(x, 1, "linear_ramp", end_values=v), X, given_)
        assert_like_numpy(lambda v: fnp.pad(X, 1, constant_values=v), given_)


OPTIONS = {"reflect": {"reflect_type": "odd"}, "symmetric": {"reflect_type": "odd"}, "mean": {"stat_length": 2}}
BORDERS = [(mode, {}) for mode in MODES if mode != "empty"] + [*OPTIONS.items()]
WEIGHTS = np.cos(np.arange(9.0))


def _bordered(x: Any) -> Any:
    """A function of three numbers by borders of all modes, which reflect more than once."""
    return sum([np.sum(WEIGHTS * np.pad(x, (2, 4), mode, **options) ** 2) for mode, options in BORDERS])


def test_derivatives_batches_and_compiled_code() -> None:
    x = np.array([0.3, -1.2, 0.7])
    check_grads(_bordered, (x,), order=1)
    batch = np.stack([x, x[::-1] * 2, x + 1])
    values, slopes = fnad.jit(fnad.vmap(fnad.value_and_grad(_bordered)))(batch)
    for row, value, slope in zip(batch, values, slopes):
        np.testing.assert_allclose(value, _bordered(row), rtol=1e-12)
        np.testing.assert_allclose(slope, fnad.grad(_bordered)(row), rtol=1e-10)


def test_a_border_is_an_array_of_its_own() -> None:
    def f(x: Any) -> Any:
        y = fnp.pad(x, 0, "edge")
        y[0] = 5.0
        return x

    np.testing.assert_array_equal(run_traced(f, X), X)
