"""What stands for NumPy's functions while one is staged: nobody else sees it, and nothing of it is left."""

from __future__ import annotations

import cmath
import inspect
import math
import os
import pickle
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import sin
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
from fnad import grad, jit, vmap
from numba import njit
from numpy import zeros

MODULES = (np, np.linalg, math, cmath)
BEFORE = [dict(vars(m)) for m in MODULES]
OWN = (zeros, sin)


def require_all_as_before() -> None:
    """NumPy's modules and the names of this one hold what they held."""
    for module, before in zip(MODULES, BEFORE):
        now = vars(module)
        assert [name for name, value in before.items() if now.get(name) is not value] == []
    assert zeros is OWN[0] and sin is OWN[1]


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    yield
    require_all_as_before()


def written(x: Any) -> Any:
    y = zeros(3)
    y[0] = sin(x)
    return np.sum(np.array([x, 2.0]) * y[0])


def test_names_are_given_back_after_each_way_to_end() -> None:
    def ends(x: Any, error: BaseException) -> Any:
        assert np.array is not BEFORE[0]["array"]
        written(x)
        raise error

    written_slope = grad(written)(0.5)
    require_all_as_before()
    for error in (ValueError("mine"), KeyboardInterrupt(), SystemExit()):
        for around in (lambda f: grad(f), lambda f: jit(f), lambda f: lambda x: vmap(f)(np.array([x]))):
            with pytest.raises(type(error)):
                around(lambda x: ends(x, error))(0.5)
            require_all_as_before()
    assert grad(written)(0.5) == written_slope


def test_nested_stagings_and_calls_by_handlers() -> None:
    def outer(x: Any) -> Any:
        inner = jit(grad(written))(2.0)  # of a number that is not traced
        slopes = vmap(grad(written))(np.array([x, x * 2.0]))
        assert hasattr(np.array, "__wrapped__")
        return np.sum(np.array([inner, x]) * slopes)

    step = 1e-6
    expected = (outer_value(0.5 + step) - outer_value(0.5 - step)) / (2 * step)
    np.testing.assert_allclose(grad(outer)(0.5), expected, rtol=1e-6)
    np.testing.assert_allclose(jit(grad(outer))(0.5), expected, rtol=1e-6)


def outer_value(x: float) -> float:
    slope = lambda x: (x + 2.0) * math.cos(x) + math.sin(x)  # noqa: E731 - the derivative of `written`
    return slope(2.0) * slope(x) + x * slope(2.0 * x)


@contextmanager
def another_thread(work: Callable[[], None]) -> Iterator[list[BaseException]]:
    errors: list[BaseException] = []
    goes_on = True

    def run() -> None:
        while goes_on and not errors:
            try:
                work()
            except BaseException as error:
                errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield errors
    finally:
        goes_on = False
        thread.join()
    assert errors == []


def test_another_thread_sees_numpy_all_the_while() -> None:
    data, seen = np.arange(6.0), []

    def work() -> None:
        y = np.zeros(3)
        y[0] = math.sin(0.5)
        assert type(y) is type(np.array([1.0, 2.0])) is np.ndarray and y[0] == 0.479425538604203
        assert np.sum([1.0, 2.0]) == 3.0 and data[[1, 2]].tolist() == [1.0, 2.0] and data[2:4].sum() == 5.0
        seen.append(np.array is not BEFORE[0]["array"])

    def slow(x: Any) -> Any:
        time.sleep(0.002)  # so that the other one goes on meanwhile
        return written(x)

    with another_thread(work):
        for k in range(30):
            assert np.isfinite(grad(lambda x: slow(x) + k)(0.5))
            assert vmap(lambda i: data[i] + k)(np.arange(2)).tolist() == [k, k + 1.0]
    assert any(seen)  # and it had stand-ins before it


def test_two_threads_stage_at_once() -> None:
    def work() -> None:
        assert float(grad(lambda x: written(x) * 2.0)(0.5)) == 2.0 * expected

    expected = float(grad(written)(0.5))
    with another_thread(work):
        for _ in range(30):
            assert float(jit(grad(lambda x: written(x)))(0.5)) == pytest.approx(expected, rel=1e-12)


def test_what_somebody_else_puts_there_stays() -> None:
    calls = []

    def mine(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return original(*args, **kwargs)

    def patched(x: Any) -> Any:
        np.array = mine
        return x * np.array([2.0])[0]

    original = np.array
    try:
        assert grad(patched)(1.0) == 2.0
        assert np.array is mine
        before = len(calls)
        assert grad(lambda x: x * np.array([4.0])[0])(1.0) == 4.0
        assert np.array is mine and len(calls) > before
    finally:
        np.array = original


def test_a_stand_in_that_is_put_back_too_late_goes_with_the_next() -> None:
    kept = []
    grad(lambda x: kept.append(np.array) or x)(1.0)
    np.array = kept[0]
    assert np.array([1.0]).tolist() == [1.0]
    grad(lambda x: x)(1.0)
    require_all_as_before()


def test_a_stand_in_is_like_the_original() -> None:
    def look(x: Any) -> Any:
        for name in ("array", "sum", "zeros", "concatenate"):
            now, before = getattr(np, name), BEFORE[0][name]
            assert now == before and hash(now) == hash(before) and {before: 1}[now] == 1 and {now: 1}[before] == 1
            assert now.__name__ == name and now.__doc__ == before.__doc__ and repr(now) == repr(before)
            assert now.__wrapped__ is before and pickle.loads(pickle.dumps(now)) is before
            assert isinstance(now, type(before))
        assert inspect.signature(np.sum) == inspect.signature(BEFORE[0]["sum"])
        assert isinstance(math.sin, types.BuiltinFunctionType) and math.sin != math.cos
        return x

    grad(look)(1.0)


def test_other_libraries_see_no_difference() -> None:
    """Code in C and for numba, that looks up NumPy's functions in its module, where traced arrays are made."""
    def uses(x: Any) -> Any:
        noise = np.random.default_rng(0).normal(size=(2, 3))  # which calls np.empty, by its name
        table = np.empty(2)
        table[:] = x

        @njit
        def compiled(a: Any) -> Any:
            return np.sum(np.zeros(2) + a) + math.sin(a)

        root = scipy.optimize.brentq(lambda t: math.cos(t) - t, 0.0, 1.0)
        return table @ scipy.linalg.inv(np.eye(2) * 2.0) @ noise[:, 0] + x * compiled(1.0) + x * root

    expected = uses(2.0)
    np.testing.assert_allclose(fnad.value_and_grad(uses)(2.0), (expected, expected / 2.0), rtol=1e-12)
    np.testing.assert_allclose(jit(uses)(2.0), expected, rtol=1e-12)


def test_an_error_of_the_users_is_not_taken_for_the_end_of_a_staging() -> None:
    def careful(x: Any) -> Any:
        y = np.zeros(2)
        try:
            y[0] = x
        except Exception:
            return x * 0.0
        try:
            y[1:] = x * x
        except BaseException:
            return x * 0.0
        return np.sum(y)

    assert grad(careful)(2.0) == jit(grad(careful))(2.0) == vmap(grad(careful))(np.array([2.0]))[0] == 5.0


def test_rules_of_the_users_too() -> None:
    @fnad.custom_vjp
    def twice(x: Any) -> Any:
        return 2.0 * x

    def forward(x: Any) -> Any:
        kept = np.zeros(2)
        kept[0] = x
        return twice(x), kept

    def backward(kept: Any, g: Any) -> Any:
        slope = np.zeros(1)
        slope[0] = g * 2.0 + kept[1]
        return (np.sum(np.array([slope[0], 0.0])),)

    twice.defvjp(forward, backward)
    assert grad(twice)(3.0) == jit(grad(twice))(3.0) == 2.0


def test_arrays_are_taken_as_they_are_when_traced_values_meet_them() -> None:
    """What a function writes to its own arrays later does not change what it has computed of them."""
    def summed(x: Any) -> Any:
        work, total = np.ones(3), 0.0
        for k in range(3):
            work[:] = k
            total = total + np.sum(work * x) + work[1:] @ np.array([x, 1.0])
            work += 1.0
        return total

    for f in (lambda x: fnad.value_and_grad(summed)(x)[0], jit(summed), lambda x: vmap(summed)(np.array([x]))[0]):
        assert f(2.0) == summed(2.0)


def test_what_is_made_once_is_made_for_every_later_call() -> None:
    stagings = []

    def counted(x: Any) -> Any:
        stagings.append(1)
        y = np.zeros(2)
        y[0] = x
        return np.sum(y)

    grad(counted)(1.0)
    first = len(stagings)
    grad(counted)(2.0)
    assert (first, len(stagings)) == (2, 3)


OUTSIDE = np.zeros(3)


def _into_outside(x: Any) -> Any:
    OUTSIDE[0] = x
    return x


def _into_a_copy(x: Any) -> Any:
    y = OUTSIDE.copy()
    y[0] = x
    return x


KEPT = {"sin": math.sin, "array": np.array}


@pytest.mark.parametrize(("f", "error", "message"), [
    (_into_outside, fnad.InPlaceError, r"np\.zeros\(n\) or np\.array\(y\)"),
    (_into_a_copy, fnad.InPlaceError, r"np\.zeros\(n\) or np\.array\(y\)"),
    (lambda x: KEPT["sin"](x), fnad.CutGradientError, "would cut its gradient"),
    (lambda x: KEPT["array"]([x, x])[0], fnad.CutGradientError, "would cut its gradient"),
])
def test_what_cannot_be_is_a_clear_error(f: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        grad(f)(2.0)
    assert __file__ in str(caught.value)
    assert OUTSIDE.tolist() == [0.0, 0.0, 0.0]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes are forked here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork")
def test_a_child_has_numpy_as_it_is() -> None:
    """Forked while another thread stages, which is not there in the child."""
    inside, leave = threading.Event(), threading.Event()

    def slow(x: Any) -> Any:
        inside.set()
        leave.wait(20.0)
        return x

    thread = threading.Thread(target=lambda: grad(slow)(1.0))
    thread.start()
    inside.wait(20.0)
    try:
        child = os.fork()
        if child == 0:
            try:
                require_all_as_before()
                ok = float(grad(written)(0.5)) > 0.0
                require_all_as_before()
                os._exit(0 if ok else 1)
            except BaseException:
                os._exit(2)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        leave.set()
        thread.join()
