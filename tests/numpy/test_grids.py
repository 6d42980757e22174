"""What stands between brackets: r_, c_, mgrid and ogrid of traced numbers and arrays, as NumPy has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import jit, vmap
from fnad.testing import check_grads

CALLS: dict[str, Callable[..., Any]] = {
    "row": lambda np, x: np.r_[x, 1.0, [x, 2 * x], np.arange(2)], "slices": lambda np, x: np.r_[x, 1:4, 0:x:3j],
    "columns": lambda np, x: np.c_[[x, 2.0], [3.0, x]], "a scalar alone": lambda np, x: np.r_[x],
    "matrices": lambda np, x: np.c_[np.array([[x, 1.0]]), [[2, 3]]],
    "axes": lambda np, x: np.r_["0,2", [x, 1.0], [2.0, x]], "turned": lambda np, x: np.r_["1,2,0", [x, 1.0], [2.0, x]],
    "last": lambda np, x: np.r_["-1", [[x, 1.0]], [[2.0, 3.0]]],
    "grid": lambda np, x: np.mgrid[0:x:3j, 0:2], "grid of one": lambda np, x: np.mgrid[0:x:4j],
    "open": lambda np, x: np.ogrid[0:x:3j, 0:2][0] * np.ogrid[0:x:3j, 0:2][1],
}


@pytest.mark.parametrize("name", CALLS)
def test_it_is_numpys(name: str) -> None:
    call = CALLS[name]
    expected = call(np, 1.75)
    for namespace in (np, fnp):
        found = jit(lambda x: call(namespace, x))(1.75)
        np.testing.assert_allclose(found, expected, rtol=1e-15)
        assert found.dtype == expected.dtype and found.shape == expected.shape
    np.testing.assert_array_equal(call(fnp, 1.75), expected)
    np.testing.assert_allclose(vmap(lambda x: call(np, x))(np.array([1.75, 0.5]))[1], call(np, 0.5), rtol=1e-15)
    check_grads(lambda x: call(np, x), (1.75,), order=2)


def test_a_number_takes_the_dtype_of_an_array() -> None:
    x = np.ones(2, np.float32)
    assert jit(lambda x: np.r_[x, 1.0])(x).dtype == np.r_[x, 1.0].dtype == np.float32


def test_a_matrix_is_refused() -> None:
    with pytest.raises(TypeError, match="requires parts that are not traced, for a matrix"):
        jit(lambda x: np.r_["r", [x, x]])(1.0)
