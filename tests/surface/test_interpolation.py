"""Linear interpolation: between knots, at them, beyond them, around a period, and where values are infinite."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy
from tests.surface.laws import LAWS, Row

X = np.array([[0.4, -1.0, 2.25], [1.6, 5.0, 0.9]])
XP = np.array([0.0, 1.0, 2.0, 4.0])
FP = np.array([1.0, 3.0, -1.0, 0.5])

ROWS = [
    Row("interp", np.interp, (X, XP, FP)),
    Row("interp/ends", lambda x, a: np.interp(x, XP, FP, left=a, right=2 * a), (X, np.array(7.0))),
    Row("interp/period", lambda x, xp, fp: np.interp(x, xp, fp, period=3.5), (X, XP[::-1] * 0.7 + 0.03, FP)),
    Row("interp/number", lambda x: np.interp(x, [0.0, 1.0], [2.0, 3.0]), (np.array(0.3),)),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_laws(row: Row, law: Any) -> None:
    law(row)


AT = np.array([-1.0, -0.0, 0.3, 1.0, 1.5, 2.0, 3.0, 4.0, 4.5, np.nan, np.inf, -np.inf])
KNOTS = {
    "plain": (XP, FP), "infinite": (XP, [1.0, np.inf, np.inf, -np.inf]), "nan": (XP, [1.0, np.nan, 2.0, np.nan]),
    "jump": ([0.0, 1.0, 1.0, 4.0], FP), "jumps": ([1.0, 1.0, 1.0, 1.0], FP), "one": ([1.0], [2.0]),
    "far": ([-np.inf, 0.0, 1.0, np.inf], FP),
    "complex": (XP, FP + 1j * FP[::-1]), "integers": ([0, 1, 2, 4], [1, 3, -1, 2]),
    "empty": ([], []), "lengths": ([0.0, 1.0], FP), "deep": ([XP], [FP]), "complex knots": (XP + 0j, FP),
}


@pytest.mark.parametrize("name", KNOTS)
def test_values_and_errors_are_numpys(name: str) -> None:
    xp, fp = map(np.asarray, KNOTS[name])
    for x in (AT, AT.astype(np.float32), np.arange(-1, 6), np.zeros((2, 0))):
        assert_like_numpy(lambda x, xp, fp: np.interp(x, xp, fp), x, xp, fp)
    assert_like_numpy(lambda x: np.interp(x, xp, fp, left=-9.0, right=9.0), AT)
    if name not in ("far", "infinite", "complex knots"):
        assert_like_numpy(lambda x: np.interp(x, xp, fp, period=-3), AT[:-2])


def test_periods_that_are_none() -> None:
    assert_like_numpy(lambda x: np.interp(x, XP, FP, period=0), AT)
    assert_like_numpy(lambda x: np.interp(x + 1j, XP, FP), AT)


@pytest.mark.parametrize("jit", [lambda f: f, fnad.jit], ids=["interpreted", "compiled"])
def test_at_a_knot_it_is_the_mean_of_both_slopes(jit: Any) -> None:
    slopes = jit(fnad.grad(lambda x: np.interp(x, XP, FP).sum()))(np.array([0.0, 1.0, 2.0, 4.0, -1.0, 9.0, 0.5]))
    np.testing.assert_allclose(slopes, [1.0, -1.0, (-4.0 + 0.75) / 2, 0.375, 0.0, 0.0, 2.0])
    of_knots, of_values = jit(fnad.grad(lambda xp, fp: np.interp(1.0, xp, fp), (0, 1)))(XP, FP)
    np.testing.assert_allclose(of_knots, [0.0, 1.0, 0.0, 0.0])
    np.testing.assert_allclose(of_values, [0.0, 1.0, 0.0, 0.0])
    jump = jit(fnad.grad(lambda x: np.interp(x, [0.0, 1.0, 1.0, 3.0], [0.0, 2.0, 5.0, 5.0])))
    assert [float(jump(x)) for x in (0.5, 1.0, 1.5)] == [2.0, 0.0, 0.0]


def test_nan_hides_no_slope() -> None:
    np.testing.assert_array_equal(fnad.grad(lambda x: np.interp(x, XP, FP).sum())(np.array([np.nan, 0.5])), [1.0, 2.0])
