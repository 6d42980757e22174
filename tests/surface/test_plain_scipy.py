"""SciPy's own functions and distributions in functions that are staged: fnad.scipy's stand for them."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import fnad
import fnad.scipy.fft as fsp_fft
import fnad.scipy.interpolate as fsp_interpolate
import fnad.scipy.special as fsp
import fnad.scipy.stats as fst
import numpy as np
import pytest
import scipy.fft
import scipy.interpolate
import scipy.optimize
import scipy.special as sp
import scipy.stats as st
from scipy.special import logsumexp
from scipy.stats import norm

X = np.array([0.3, 0.6, 1.1])
SPLINE = scipy.interpolate.CubicSpline(np.arange(3.0), X)
CALLS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "a function": (lambda x: sp.logsumexp(x), fsp.logsumexp),
    "a function of a name of its own": (lambda x: logsumexp(x, axis=0), fsp.logsumexp),
    "a list": (lambda x: sp.logsumexp([x[0], x[1]]), lambda x: fsp.logsumexp(x[:2])),
    "a density": (lambda x: st.gamma.logpdf(x, 1.5, scale=2.0), lambda x: fst.gamma.logpdf(x, 1.5, 0.0, 2.0)),
    "a distribution of a name of its own": (lambda x: norm.logcdf(x), fst.norm.logcdf),
    "a frozen distribution": (lambda x: st.norm(0.5, 2.0).logpdf(x), lambda x: fst.norm.logpdf(x, 0.5, 2.0)),
    "traced parameters": (lambda x: st.poisson(x[0]).logpmf(2), lambda x: fst.poisson.logpmf(2, x[0])),
    "a transform": (lambda x: abs(scipy.fft.rfft(x)), lambda x: abs(fsp_fft.rfft(x))),
    "an interpolant": (
        lambda x: scipy.interpolate.CubicSpline(np.arange(3.0), x)(1.5),
        lambda x: fsp_interpolate.CubicSpline(np.arange(3.0), x)(1.5),
    ),
    "an interpolant of what is known": (
        lambda x: scipy.interpolate.CubicSpline(np.arange(3.0), [1.0, 2.0, 5.0])(x),
        lambda x: fsp_interpolate.CubicSpline(np.arange(3.0), np.array([1.0, 2.0, 5.0]))(x),
    ),
    "a distribution of vectors": (
        lambda x: st.multivariate_normal.logpdf(x, np.zeros(3), np.eye(3)),
        lambda x: fst.multivariate_normal.logpdf(x, np.zeros(3), np.eye(3)),
    ),
}


@pytest.mark.parametrize(("plain", "ours"), CALLS.values(), ids=CALLS)
def test_calls_by_scipys_names(plain: Callable[..., Any], ours: Callable[..., Any]) -> None:
    np.testing.assert_array_equal(fnad.jit(plain)(X), fnad.jit(ours)(X))
    got, expected = (fnad.grad(lambda x, f=f: np.sum(f(x)))(X) for f in (plain, ours))
    np.testing.assert_array_equal(got, expected)


def test_what_runs_a_function_of_the_users() -> None:
    root = lambda a: scipy.optimize.root_scalar(lambda x: x * x - a, bracket=(0.0, 3.0)).root  # noqa: E731
    np.testing.assert_allclose(fnad.grad(root)(2.0), 0.5 / np.sqrt(2.0), rtol=1e-9)


def test_values_that_are_not_traced_are_scipys_own() -> None:
    seen: list[Any] = []

    @fnad.jit
    def f(x: Any) -> Any:
        seen.extend([sp.logsumexp([0.5, 1.5]), st.norm.logpdf(0.5), st.norm.rvs(random_state=0)])
        seen.append(sp.logsumexp == logsumexp)
        seen.append([kind for kind in (st.norm.name, st.norm.shapes, st.norm.a)])
        return x

    f(X)
    assert seen[:2] == [logsumexp([0.5, 1.5]), norm.logpdf(0.5)] and isinstance(seen[2], float)
    assert seen[3:] == [True, ["norm", None, -np.inf]]


def test_a_class_stays_one() -> None:
    seen: list[Any] = []

    @fnad.jit
    def f(x: Any) -> Any:
        class Own(scipy.interpolate.PPoly):
            pass

        kind, known = scipy.interpolate.CubicSpline, SPLINE
        seen.extend([isinstance(known, kind), isinstance(1.0, kind), issubclass(Own, scipy.interpolate.PPoly)])
        return x

    f(X)
    assert seen == [True, False, True]


def test_they_are_taken_away() -> None:
    before = sp.logsumexp, st.norm, sp.softmax

    @fnad.jit
    def f(x: Any) -> Any:
        other: list[Any] = []
        thread = threading.Thread(target=lambda: other.append(sp.logsumexp(X)))
        thread.start()
        thread.join()
        assert other == [logsumexp(X)] and pickle.loads(pickle.dumps(sp.softmax)) is before[2]
        return sp.softmax(x)

    f(X)
    assert (sp.logsumexp, st.norm, sp.softmax) == before and type(sp.softmax) is type(before[2])
    assert sp.logsumexp is before[0] and st.norm is before[1] and sp.softmax is before[2]


def test_modules_that_come_later() -> None:
    code = """
import fnad, numpy as np
fnad.jit(lambda x: x)(1.0)
import scipy.special, scipy.stats
print(fnad.grad(lambda x: scipy.special.logsumexp(x) + scipy.stats.norm.logpdf(x[0]))(np.zeros(2)))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[0.5 0.5]"
