"""Exceptions that arrive at any time: the next call works and is right, and nothing is left as it should not be."""

from __future__ import annotations

import itertools
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tracing
from fnad.errors import PACKAGE
from fnad.ir import evaluate

from tests.profiles import is_deep

X = np.linspace(0.5, 2.0, 4)


class Alarm(BaseException):
    """What is thrown in, past every ``except Exception``."""


def staged_in_many_ways() -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """A function that takes most of what stages and compiles, made afresh and cold, and what it comes to."""

    @fnad.custom_vjp
    def halved(x: Any) -> Any:
        return x / 2.0

    halved.defvjp(lambda x: (halved(x), None), lambda _, g: (g / 2.0,))
    inner = fnad.jit(lambda x: np.tanh(x) * x)

    def loss(x: Any) -> Any:
        y = halved(inner(x)) + np.sin(x)
        if np.sum(y) > 0.0:
            y = y * 2.0
        total, _ = fnad.scan(lambda c, v: (c * 0.5 + v, None), np.zeros(()), y)
        x = fnad.checkpoint(lambda v: v * v)(x)
        return total + fnad.cond(total > 0.0, lambda v: np.sum(v), lambda v: -np.sum(v), x)

    return fnad.jit(fnad.value_and_grad(loss)), fnad.value_and_grad(loss)


def events(happens: Callable[[int], None]) -> Callable[[FrameType, str, Any], None]:
    """A profiler that counts the moments in the library's code at which Python looks for interrupts: when a function
    begins, and when a call has returned."""
    count = itertools.count()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event != "c_call" and event != "c_exception" and frame.f_code.co_filename.startswith(PACKAGE):
            happens(next(count))

    return profile


def interrupted(work: Callable[[], Any], at: int) -> bool:
    """Whether work came to the moment at which an exception is raised."""

    def happens(number: int) -> None:
        if number == at:
            raise Alarm

    try:
        sys.setprofile(events(happens))
        work()
    except Alarm:
        return True
    finally:
        sys.setprofile(None)
    return False


def moments(work: Callable[[], Any]) -> int:
    """How many there are."""
    seen = [0]

    def happens(number: int) -> None:
        seen[0] = number

    sys.setprofile(events(happens))
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen[0] + 1


def require_all_as_before(quiet: Any) -> None:
    """Nothing is being staged or watched, and NumPy's settings are those from before."""
    assert not tracing.is_staging() and not tracing.is_recording() and tracing._thread.enclosing is None
    assert not evaluate.is_watched()
    assert np.geterr() == quiet


def test_an_interrupt_at_any_moment_of_staging() -> None:
    f, plain = staged_in_many_ways()
    expected = plain(X)
    other = fnad.jit(lambda x: x * 3.0)
    f(X)  # so that kernels are compiled, and modules imported
    total, before = moments(lambda: staged_in_many_ways()[0](X)), np.geterr()
    count = 2000 if is_deep() else 40
    for at in np.linspace(0, total - 1, count).astype(int):
        f, plain = staged_in_many_ways()
        assert interrupted(lambda: f(X), int(at)) or at > total * 0.9, f"at {at} of {total}"
        require_all_as_before(before)
        np.testing.assert_allclose(f(X)[1], expected[1], rtol=1e-13, err_msg=f"at {at} of {total}")
        np.testing.assert_array_equal(other(X), X * 3.0)
        np.testing.assert_allclose(plain(X)[1], expected[1], rtol=1e-13)
