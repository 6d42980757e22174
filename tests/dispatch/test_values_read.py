"""A function that reads a value is staged anew for every other value, which is said at the second one."""

from __future__ import annotations

import inspect
import math
import warnings
from typing import Any

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import scipy.stats
from fnad import jit, primitive

X = np.array([0.1, 0.5, 0.2, 0.9])
READING = {
    "stats": lambda x: scipy.stats.zscore(x),
    "float": lambda x: x * float(np.sum(x)),
    "math": lambda x: x * math.exp(float(x[0])),
    "item": lambda x: x * x[1].item(),
    "tolist": lambda x: x * sum(x.tolist()),
    "array": lambda x: x * x.__array__(),
    "format": lambda x: x * float(f"{x[0].item():.3f}"),
}


@pytest.mark.parametrize("name", READING)
def test_the_second_value_is_warned_of_at_the_users_line(name):
    f = READING[name]
    compiled, line = jit(f), inspect.getsourcelines(f)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(compiled(X), f(X))
        np.testing.assert_allclose(compiled(X), f(X))  # the same value
    with pytest.warns(RuntimeWarning) as caught:
        np.testing.assert_allclose(compiled(X + 1.0), f(X + 1.0))
    (warning,) = caught
    text = str(warning.message)
    assert "is staged anew for every other value" in text and f"{__file__}:{line}" in text and "scipy/" not in text
    assert warning.filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # once
        np.testing.assert_allclose(compiled(X + 2.0), f(X + 2.0))


def test_truths_and_integers_are_conditions_and_no_reason_to_warn():
    def f(x: Any, n: Any) -> Any:
        for _ in range(int(n)):
            x = x * 2.0 * n.item() + len((x > 0.3 / n).tolist()) + sum(x[x > 0.3])
        return x if np.sum(x) > 3.0 else -x

    compiled = jit(f)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in (1, 2, 3, 4):
            np.testing.assert_allclose(compiled(X, np.int64(n)), f(X, np.int64(n)))


def test_a_call_by_another_library_is_warned_of_at_the_users_line():
    compiled = jit(lambda x: float(x[0]) * x[0])
    with pytest.warns(RuntimeWarning, match="is staged anew for every other value") as caught:
        scipy.optimize.approx_fprime(np.array([1.0]), compiled)
    assert caught[0].filename == __file__


def test_the_way_out_is_a_primitive():
    row = primitive(lambda x: scipy.special.logsumexp(x), shape=lambda x: ((), x.dtype), name="logsumexp_row")
    compiled = jit(lambda x: x * row(x))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for shift in (0.0, 1.0, 2.0):
            np.testing.assert_allclose(compiled(X + shift), (X + shift) * scipy.special.logsumexp(X + shift))
    assert compiled.cache_info().stagings == 1
