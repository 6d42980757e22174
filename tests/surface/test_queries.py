"""What types answer of traced values, and traced values as arrays of some kind."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, run_traced
from tests.surface.laws import LAWS, Row

M = np.arange(6.0).reshape(2, 3)
ROWS = [
    Row("np.array_equiv", np.array_equiv, (M, M[0]), order=0),
    Row("np.asanyarray", fnp.asanyarray, (M,)),
    Row("np.ascontiguousarray", fnp.ascontiguousarray, (1.5,), np.ascontiguousarray),
    Row("np.asfortranarray", fnp.asfortranarray, (M,)),
    Row("np.require", lambda x: fnp.require(x, None, ["C", "O", "W"]), (M,)),
    Row("np.fromiter", lambda x: fnp.fromiter((v * v for v in x), np.float64, 2), (M[0],), single=False),
    Row("np.asarray_chkfinite", fnp.asarray_chkfinite, (M,), known=True),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_conversions(law: Any, row: Row) -> None:
    law(row)


def said(function: Any, *args: Any) -> Any:
    """What a question is answered with while a function is staged."""
    answers: list[Any] = []

    def ask(*xs: Any) -> Any:
        answers.append(function(*xs))
        return xs

    run_traced(ask, *args, known=True)
    return answers[0]


X32, N, Z = np.ones(3, np.float32), np.arange(3), np.ones(2, np.complex64)
QUESTIONS: list[tuple[Any, ...]] = [
    (np.iscomplexobj, Z), (np.isrealobj, Z), (np.ndim, M), (np.shape, M), (np.size, M), (lambda x: np.size(x, 1), M),
    (lambda x: np.size(x, (0, 1)), M),
    (np.result_type, M, X32), (lambda x: np.result_type(x, 2.0), X32), (lambda x: np.can_cast(x, np.float32), M),
    (lambda x: np.can_cast(x, "i4", "unsafe"), M),
    (lambda x: np.can_cast(x, np.float32), np.float64(1)), (np.common_type, X32, N), (np.common_type, X32, Z),
    (np.min_scalar_type, M), (np.min_scalar_type, np.int64(255)), (np.iterable, M), (np.iterable, 1.0),
    (lambda x: np.shares_memory(x[:2], x[1:]), N), (lambda x: np.shares_memory(x[:1], x[1:]), N),
    (lambda x: np.may_share_memory(x, x.copy()), N), (lambda x: np.shares_memory(x, np.ones(3)), N),
    (lambda x: np.shares_memory(x[:0], x), N), (lambda x: np.array_equiv(x, np.ones(4)), N),
    (lambda x: np.array_equal(x, np.ones(4)), N), (lambda x: np.einsum_path("ij,jk,k->i", x, x.T, x[:, 0]), M),
]


@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_questions_are_answered_as_of_arrays(question: Any) -> None:
    function, *args = question
    answer, expected = said(function, *args), function(*args)
    assert answer == expected and type(answer) is type(expected)


OF_OURS: list[tuple[Any, ...]] = [
    (fnp.isfortran, np.isfortran, M), (lambda x: fnp.isfortran(x.T), lambda x: np.isfortran(x.T), M),
    (fnp.isscalar, np.isscalar, 1.0), (fnp.isscalar, np.isscalar, M), (fnp.isscalar, np.isscalar, np.float64(2)),
    (fnp.iterable, np.iterable, M),
]


@pytest.mark.parametrize("question", OF_OURS, ids=range(len(OF_OURS)))
def test_questions_that_numpy_does_not_hand_on(question: Any) -> None:
    ours, numpys, x = question
    assert said(ours, x) is numpys(x)


def test_python_numbers_are_no_values_to_cast() -> None:
    assert_like_numpy(lambda x: np.can_cast(x, np.float32), 1.0)
    assert_like_numpy(np.common_type, np.array([True]))


def test_what_is_required_of_a_view_makes_it_a_copy() -> None:
    def f(x: Any) -> Any:
        y = fnp.require(x[:2], requirements="W")
        z = fnp.require(x[:2], requirements="O")
        y[0], z[0] = 7.0, 8.0
        return x, y, z

    def g(x: Any) -> Any:
        y, z = np.require(x[:2], requirements="W"), np.require(x[:2], requirements="O")
        y[0], z[0] = 7.0, 8.0
        return x, y, z

    for ours, theirs in zip(run_traced(f, np.ones(3)), g(np.ones(3))):
        np.testing.assert_array_equal(ours, theirs)
    for requirements in ("Q", ["C", "F"]):
        assert_like_numpy(lambda x: (np if type(x) is np.ndarray else fnp).require(x, None, requirements), M)


def test_numbers_that_are_not_finite_are_found() -> None:
    check = fnad.jit(fnp.asarray_chkfinite)
    np.testing.assert_array_equal(check(M), M)
    with pytest.raises(ValueError, match="must not contain infs or NaNs"):
        check(M + np.inf)


def test_an_iterator_that_is_too_short_is_told() -> None:
    with pytest.raises(ValueError, match="Expected 5 but iterator had only 3 items"):
        run_traced(lambda x: fnp.fromiter(iter(x), float, 5), X32)
    assert fnp.fromiter([1, 2], float).tolist() == np.fromiter([1, 2], float).tolist()
