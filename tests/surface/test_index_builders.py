"""Index arrays of traced arrays' shapes, and of traced places."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy, assert_same
from tests.surface.laws import LAWS, Row

M, I, J = np.arange(12.0).reshape(3, 4), np.array([3, 1, 2]), np.array([[0], [5]])
ROWS = [
    Row("np.tril_indices_from", lambda m: np.tril_indices_from(m, 1), (M,), order=0, batch=False),
    Row("np.triu_indices_from", np.triu_indices_from, (M,), order=0, batch=False),
    Row("np.diag_indices_from", np.diag_indices_from, (M[:, 1:],), order=0, batch=False),
    Row("np.ix_", lambda x, y: np.ix_(x, [1.5, 2.0], y), (M[0], M[1])),
    Row("np.ravel_multi_index", lambda i, j: np.ravel_multi_index((i, j), (7, 6)), (I, J), order=0),
    Row("np.unravel_index", lambda i: np.unravel_index(i, (2, 3, 4), "F"), (I * 5,), order=0),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_index_builders(law: Any, row: Row) -> None:
    law(row)


CALLS = [
    (np.triu_indices_from, I), (np.diag_indices_from, M), (np.ix_, J), (np.ix_, M[0], I),
    (lambda a: np.ix_(a, [True, False, True]), I), (lambda a: np.ix_(a, []), I),
    (lambda a: np.ravel_multi_index((a, 1), (7, 6)), np.uint8(3)),
    (lambda a: np.ravel_multi_index((a, 1), (7, 6)), 3.0),
    (lambda a: np.ravel_multi_index((a,), (7, 6)), 3), (lambda a: np.ravel_multi_index(a, (7, 6, 8), order="F"), I),
    (lambda a: np.ravel_multi_index(a, (2, 2, 2), mode="clip"), I * 3 - 4),
    (lambda a: np.ravel_multi_index(a, (2, 2, 2), ("clip", "wrap", "raise")), np.array([[-3], [5], [1]])),
    (lambda a: np.ravel_multi_index((a, 1), (7, 6), "x"), 3),
    (lambda a: np.ravel_multi_index((a, 1), (7, 6), ("clip",)), 3),
    (lambda a: np.ravel_multi_index((a, 1), (7, 6), order="K"), 3),
    (lambda a: np.ravel_multi_index((a, 1), (7, 6)), True),
    (lambda a: np.unravel_index(a, (6, 7, 8)), I), (lambda a: np.unravel_index(a, (6, 7, 8), "F"), J),
    (lambda a: np.unravel_index(a, (6, 7), order="A"), I), (lambda a: np.unravel_index(a, 5), I),
    (lambda a: np.unravel_index(a, (5, 6)), 1.0), (lambda a: np.unravel_index(a, ()), 0),
    (lambda a: np.unravel_index(a, ()), I), (lambda a: np.unravel_index(a, shape=(5, 6)), True),
    (lambda a: np.unravel_index(a, (0, 6)), np.zeros((2, 0), int)),
    (lambda a: np.unravel_index(a, (5, 6)), np.uint64(7)),
]


@pytest.mark.parametrize("call", CALLS, ids=range(len(CALLS)))
def test_calls(call: Any) -> None:
    assert_like_numpy(*call)


def test_a_mask_is_known() -> None:
    assert_like_numpy(lambda m: np.ix_(m, [0, 2]), np.array([True, False, True]), known=True)


def test_what_has_sizes_alone_is_numpys() -> None:
    calls = [("tril_indices", 3, 1), ("triu_indices", 3, 0, 4), ("diag_indices", 3, 3), ("mask_indices", 3, np.triu, 1),
             ("indices", (2, 3)), ("broadcast_shapes", (3, 1), (2,)), ("fromfunction", np.add, (2, 3))]
    for name, *args in calls:
        assert_same(getattr(fnp, name)(*args), getattr(np, name)(*args))
    assert fnad.grad(lambda x: fnp.fromfunction(lambda i, j: i * x + j, (2, 3)).sum())(1.0) == 3.0
