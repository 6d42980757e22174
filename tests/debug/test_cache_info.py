"""Why a compiled function was staged: what is new, in words, and what it took."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad.dispatch.cache_info import MANY_SIGNATURES

X = np.array([1.0, 2.0, 3.0])


def test_a_new_signature_says_what_has_changed() -> None:
    def function(x: Any, params: Any, n: int = 2, *, mode: Any = None) -> Any:
        return x

    jitted = fnad.jit(function, static_argnums=2)
    w = {"w": X, "b": 1.0}
    calls: list[tuple[tuple, dict, str]] = [
        ((X, w), {}, ""),
        ((X[:2], w), {}, "x changed from f64[3] to f64[2]"),
        ((X, {"w": X.astype(np.float32), "b": 1.0}), {}, "params['w'] changed from f64[3] to f32[3]"),
        ((X, {"w": X, "b": 1}), {}, "params['b'] changed from a Python float to a Python int"),
        ((X, w, 3), {}, "static argument n is new"),
        ((X, w, 4), {}, "static argument n changed from 3 to 4"),
        ((X, w, 4), {"mode": X}, "mode is new"),
        ((X, w, 4), {"mode": "fast"}, "mode changed from f64[3] to 'fast'"),
        ((X, w, 4), {"mode": "slow"}, "mode changed from 'fast' to 'slow'"),
        ((X, {"w": X}, 4), {"mode": "slow"}, "params['b'] is gone"),
        ((X.astype(">f8"), w), {}, "x changed from f64[2] to f64[3] in big-endian order"),
        ((np.float64(1), w), {}, "x changed from f64[3] in big-endian order to a NumPy scalar or traced f64[]"),
    ]
    for args, kwargs, expected in calls:
        jitted(*args, **kwargs)
        jitted(*args, **kwargs)
        reason = jitted.cache_info().reasons[-1]
        assert reason == (f"new signature: {expected}" if expected else "new signature")
    info = jitted.cache_info()
    assert info.stagings == len(calls) == len(info.history) and info.signatures == len(calls)


def test_several_changes_against_the_nearest_signature() -> None:
    jitted = fnad.jit(lambda a, b, c, d, e, f: a)
    jitted(X, X, X, X, X, X)
    jitted(1.0, 1.0, 1.0, X, X, X)
    jitted(1.0, 1.0, 1.0, 1.0, X, X)
    assert jitted.cache_info().reasons[-1] == "new signature: d changed from f64[3] to a Python float"
    jitted(*[1] * 6)
    assert jitted.cache_info().reasons[-1].endswith("d changed from a Python float to a Python int and 2 more")


def test_every_staging_has_its_reason_and_costs() -> None:
    scale = np.array([2.0])

    @fnad.jit
    def function(x: Any) -> Any:
        return np.sum(x * scale) if x[0] > 0 else x[1]

    function(X)
    function(-X)
    scale = np.ones(3)
    function(X)
    history = function.cache_info().history
    first, second, third = (staging.reason for staging in history)
    assert first == "new signature" and "was False for the first time" in second and f"{__file__}:" in second
    assert third == "what is read from outside has changed: scale: f64[1] became f64[3]"
    assert all(staging.compile_seconds > 0 and staging.seconds > 0 for staging in history)
    kernels = history[0].kernels
    assert kernels.compiled + kernels.disk_hits + kernels.memory_hits >= 2
    text = str(function.cache_info())
    assert text.startswith("1 signatures, ") and "\n  3. what is read from outside" in text and "from disk" in text


def test_a_staging_that_fails_counts_as_one() -> None:
    jitted = fnad.jit(lambda x: x @ np.ones(4))
    for _ in range(2):
        with pytest.raises(ValueError):
            jitted(X)
    assert jitted.cache_info().stagings == 2 and jitted.cache_info().signatures == 0


def test_what_transforms_have_compiled_is_told() -> None:
    jitted = fnad.jit(lambda x, y: np.sum(np.sin(x) * y))
    fnad.grad(jitted)(X, X)
    fnad.vmap(jitted)(X[None], X[None])
    names = [compilation.what for compilation in jitted.cache_info().derived]
    assert names == ["forward pass for the derivative in arrays 0", "backward pass for the derivative in arrays 0",
                     "batch of 1 under vmap"]
    assert names[0] in str(jitted.cache_info())


def test_one_warning_for_ever_new_signatures() -> None:
    jitted = fnad.jit(lambda x, n: x, static_argnums=1)
    for n in range(MANY_SIGNATURES):
        jitted(X, n)
    with pytest.warns(RuntimeWarning, match=r"got 33 for <lambda>.* static argument n changed from 31 to 32") as caught:
        jitted(X, MANY_SIGNATURES)
    assert len(caught) == 1 and caught[0].filename == __file__
    jitted(X, MANY_SIGNATURES + 1)  # which warns no more: the tests make a warning an error
