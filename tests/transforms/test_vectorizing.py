"""`vectorize` broadcasts as NumPy's generalized ufuncs do."""

from __future__ import annotations

import pickle
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import vectorize

from tests.surface.laws import LAWS, Row

RANDOM = np.random.default_rng(0)
MATRICES, VECTORS = RANDOM.normal(size=(2, 1, 3, 3)), RANDOM.normal(size=(4, 3))
ROWS = [
    Row("matvec", vectorize(lambda a, x: a @ x, signature="(n,m),(m)->(n)"), (MATRICES, VECTORS),
        lambda a, x: np.matvec(a, x)),
    Row("scalars", vectorize(lambda x, y: np.hypot(x, y) * x), (MATRICES[:, 0, 0], 2.5),
        lambda x, y: np.hypot(x, y) * x),
    Row("two results", vectorize(lambda x: (x.sum(), x * 2.0), signature="(n)->(),(n)"), (VECTORS,),
        lambda x: (x.sum(-1), x * 2.0)),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_laws(row: Row, law: Any) -> None:
    law(row)


def power(x: Any, n: Any, kind: str = "") -> Any:
    return x**n if kind == "power" and n > 1 else x


def test_what_is_excluded_is_given_as_it_is() -> None:
    f = vectorize(power, excluded={1, "kind"})
    np.testing.assert_array_equal(f(VECTORS, 2, kind="power"), VECTORS**2)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(f))(VECTORS, 2, kind="power"), VECTORS**2)
    assert vectorize(lambda: np.ones(2), signature="->(n)")().shape == (2,)
    assert vectorize(np.sin)(np.ones((0, 3))).shape == (0, 3) and vectorize(np.sin)([0.0, 0.0]).shape == (2,)


MISTAKES = {
    "no signature": (lambda: vectorize(np.dot, signature="(n)(n)->"), ValueError, "a signature such as"),
    "no function": (lambda: vectorize(3), TypeError, "a function"),
    "too few axes": (lambda: vectorize(np.dot, signature="(n),(n)->()")(VECTORS, 1.0), ValueError, "core axes"),
    "two sizes": (lambda: vectorize(np.dot, signature="(n),(n)->()")(VECTORS, np.ones(2)), ValueError, "got 3 and 2"),
    "an argument too many": (lambda: vectorize(np.sum, signature="(n)->()")(VECTORS, 1.0), TypeError, "1 arguments"),
    "another result": (lambda: vectorize(np.sin, signature="(n)->()")(VECTORS), ValueError, "a result of the core"),
    "two results": (lambda: vectorize(np.sin, signature="(n)->(n),(n)")(VECTORS), TypeError, "2 results"),
    "a keyword": (lambda: vectorize(power)(VECTORS, n=2), TypeError, "by position, got n"),
    "no common shape": (lambda: vectorize(np.add)(np.ones(2), np.ones(3)), ValueError, "broadcast"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    call, error, words = MISTAKES[name]
    with pytest.raises(error, match=words):
        call()
