"""Choosing among arrays, elements that fulfil a condition, and functions along axes."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, assert_same
from tests.surface.laws import LAWS, Row

X = np.array([[0.3, -0.7, 1.1], [1.4, 0.2, -0.6]])
Y = np.array([2.0, 0.5, -1.5])
I = np.array([[1, 0, 1], [0, 0, 1]])  # noqa: E741
MASK = np.array([True, False, True])

ROWS = [
    Row("choose", lambda i, x, y: np.choose(i, [x, y]), (I, X, Y)),
    Row("choose/wrap", lambda x: np.choose([[7, -1, 0], [1, 1, 1]], [x, 2.0], mode="wrap"), (X,)),
    Row("choose/clip", lambda i, x: np.choose(i * 5 - 2, x, mode="clip"), (I[0], X)),
    Row("compress", lambda x: np.compress([True, False, True], x, axis=1), (X,)),
    Row("compress/size", lambda m, x: fnp.compress(m, x, axis=1, size=3, fill_value=5.0), (MASK, X),
        lambda m, x: np.stack([x[:, 0], x[:, 2], np.full(2, 5.0, x.dtype)], 1)),
    Row("compress/known", lambda x: np.compress(x[0] > 0, x, axis=1), (X,), known=True),
    Row("extract", lambda x: np.extract(x > 0, x), (X,), known=True),
    Row("extract/size", lambda x: fnp.extract(x > 0, x, size=3), (X,), lambda x: x[x > 0][:3]),
    Row("piecewise", lambda x: np.piecewise(x, [x < 0, x > 1], [lambda v: v * v, 3.0, lambda v: -v]), (X,)),
    Row("piecewise/one", lambda x: np.piecewise(x, x < 0, [np.exp, np.sin]), (Y,)),
    Row("piecewise/arguments", lambda x: np.piecewise(x, [x < 0], [lambda v, a, b: a * v + b], 2.0, b=1.0), (X,)),
    Row("apply_along_axis", lambda x: np.apply_along_axis(lambda v: v * v[0], 0, x), (X,)),
    Row("apply_along_axis/matrix", lambda x: np.apply_along_axis(np.diag, 1, x), (X,)),
    Row("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x, [0, -1]), (X,)),
    Row("isposinf", np.isposinf, (np.array([np.inf, -np.inf, np.nan, 1.0]),), order=0),
    Row("isneginf", np.isneginf, (np.array([np.inf, -np.inf, np.nan, 1.0]),), order=0),
    Row("iscomplex", np.iscomplex, (np.array([1j, 1.0]),), order=0, host=frozenset({"imag"})),
    Row("isreal", np.isreal, (X,), order=0),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


LIKE_NUMPY = {
    "choose beyond": lambda x: np.choose([0, 2, 1], [x, x]), "choose below": lambda x: np.choose([-1], [x, x]),
    "choose mode": lambda x: np.choose([0], [x], mode="near"), "choose floats": lambda x: np.choose(x, [1, 2]),
    "choose shapes": lambda x: np.choose([0, 1], [x, x[:2, :2]]), "method": lambda x: x.compress([True, False], axis=0),
    "compress deep": lambda x: np.compress([[True]], x), "compress short": lambda x: np.compress([0, 1], x),
    "compress long": lambda x: np.compress([0, 0, 1], x, axis=0),
    "compress axis": lambda x: np.compress([1], x, axis=2),
    "extract deep": lambda x: np.extract([[True, False], [False, True]], x), "isreal": lambda x: np.isreal(x + 0j),
    "piecewise few": lambda x: np.piecewise(x, [x > 0], []), "of integers": lambda x: np.isposinf(x.astype(int)),
    "along no lines": lambda x: np.apply_along_axis(np.sum, 0, x[:, :0]), "complex": lambda x: np.isneginf(x + 1j),
    "over": lambda x: np.apply_over_axes(lambda a, i: np.sum(a), x, [0, 1]),
    "along": lambda x: np.apply_along_axis(lambda v, k, s=0: v[:k] + s, -1, x, 2, s=1.0),
    "close": lambda x: np.real_if_close(x + 1e-20j), "not close": lambda x: np.real_if_close(x + 1e-3j),
    "tolerance": lambda x: np.real_if_close(x + 1e-3j, tol=0.1), "real": np.real_if_close,
    "piecewise of integers": lambda x: np.piecewise(x.astype(int), [x > 0.5], [2.7, -1.2]),
    "a number": lambda x: np.piecewise(x[0, 0], [x[0, 0] > 0], [lambda v: v * 2]),
}


@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_results_and_errors_are_numpys(name: str) -> None:
    assert_like_numpy(LIKE_NUMPY[name], X, known=True)


def test_a_traced_choice_that_is_none_is_an_error() -> None:
    choose = fnad.jit(lambda i, x: np.choose(i, [x, x]))
    for place in (2, -1):
        with pytest.raises(IndexError):
            choose(np.array([place, 0, 0]), Y)


def test_what_a_condition_leaves_out_has_no_slope() -> None:
    f = fnad.grad(lambda x: np.piecewise(x, [x > 0], [np.sqrt, 0.0]).sum())
    np.testing.assert_array_equal(f(np.array([0.0, 4.0, -1.0])), [0.0, 0.25, 0.0])


def test_selection_of_values_that_are_not_traced() -> None:
    assert_same(fnp.extract([True, False, True], Y, size=1), Y[:1])
