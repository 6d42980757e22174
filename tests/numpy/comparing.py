"""Run a function of NumPy on arrays and on traced values, and compare: values, dtypes, shapes, exceptions."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from fnad import tree
from fnad.interpreter.evaluate import evaluate
from fnad.ir.check import check
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

Function = Callable[..., Any]


def run_traced(f: Function, *args: Any, known: bool = False) -> Any:
    """The result of a function staged on types alone (or, if ``known``, on values), then interpreted."""
    staged = stage(f, [value_type(a) for a in args], args if known else None)
    check(staged.program)
    values = [np.asarray(a) for a in [*args, *staged.captured]]
    return staged.restore(evaluate(staged.program, values))


def run_numpy(f: Function, *args: Any) -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return f(*args)


def assert_like_numpy(f: Function, *args: Any, known: bool = False, message: bool = False) -> None:
    """The same leaves, or an exception of the same type (and, if asked for, with NumPy's message)."""
    try:
        expected = run_numpy(f, *args)
    except Exception as error:
        _assert_same_error(f, args, known, error, message)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        got = run_traced(f, *args, known=known)
    assert_same(got, expected)


def _assert_same_error(f: Function, args: Any, known: bool, error: Exception, message: bool) -> None:
    try:
        got = run_traced(f, *args, known=known)
    except type(error) as ours:
        assert not message or str(ours).strip() == str(error).strip()
    except Exception as ours:
        raise AssertionError(f"expected {type(error).__name__}: {error}; got {type(ours).__name__}: {ours}") from ours
    else:
        raise AssertionError(f"expected {type(error).__name__}: {error}; got {got}")


def assert_same(got: Any, expected: Any) -> None:
    ours, theirs = tree.leaves(got), tree.leaves(expected)
    assert len(ours) == len(theirs), f"{len(ours)} results, NumPy has {len(theirs)}"
    for x, y in zip(ours, theirs):
        x, y = np.asarray(x), np.asarray(y)
        assert (x.dtype, x.shape) == (y.dtype, y.shape), f"{x.dtype}{x.shape}, NumPy has {y.dtype}{y.shape}"
        inexact = x.dtype.kind in "fc"
        rtol = 8 * float(np.finfo(x.dtype).eps) if inexact else 0
        scale = float(np.max(np.abs(y[np.isfinite(y)]), initial=0)) if inexact else 0
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol * scale)
