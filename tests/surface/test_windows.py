"""Window functions, and the Bessel function that one of them is made of."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, run_numpy, run_traced
from tests.surface.laws import LAWS, Row

X = np.array([0.3, -2.5, 0.0, 9.5])
ROWS = [
    Row("np.i0", np.i0, (X,)),
    Row("np.kaiser", lambda beta: fnp.kaiser(6, beta), (2.5,)),
    *[Row(f"np.{name}", lambda x, name=name: getattr(fnp, name)(5) * x, (1.5,))
      for name in ("bartlett", "blackman", "hamming", "hanning")],
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_windows(law: Any, row: Row) -> None:
    law(row)


@pytest.mark.parametrize("name", ["bartlett", "blackman", "hamming", "hanning"])
def test_any_number_of_points(name: str) -> None:
    for count in (0, 1, 2, 5, -3, 6.5):
        assert_like_numpy(getattr(np, name), count, known=True)
        assert getattr(fnp, name)(count).tolist() == getattr(np, name)(count).tolist()


def test_kaiser_of_any_number_of_points() -> None:
    for count in (0, 1, 2, 5, 6.5):
        for beta in (0.0, 3.0, np.float32(3), 14):
            expected = run_numpy(np.kaiser, count, beta)
            got = run_traced(lambda b: fnp.kaiser(count, b), beta)
            assert got.dtype == expected.dtype
            np.testing.assert_allclose(got, expected, rtol=1e-14)


def test_a_window_can_be_written_to() -> None:
    def f(x: Any) -> Any:
        window = fnp.hanning(4)
        window[1] = x
        return window.sum()

    assert fnad.grad(f)(2.0) == 1.0


@pytest.mark.parametrize("x", [np.arange(3), np.array([True]), np.array([1j]), np.float16([1, 9])], ids=str)
def test_i0_of_other_dtypes(x: Any) -> None:
    assert_like_numpy(np.i0, x)
