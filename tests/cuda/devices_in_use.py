"""Running functions on a device of PTX, and comparing them with the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
from fnad import tree
from fnad.runtime.cuda import devices

from tests.ptxsim.runtime import PtxRuntime


def on_device(
    function: Callable[..., Any], *args: Any, order: str = "rev", **options: Any
) -> tuple[list[np.ndarray], PtxRuntime]:
    """The leaves of what a compiled function gives on a new device, and the device, which counts."""
    runtime = PtxRuntime(order=order)
    with devices.use(runtime):
        return [np.asarray(y) for y in tree.leaves(fnad.jit(function, device="cuda", **options)(*args))], runtime


def assert_as_on_cpu(
    function: Callable[..., Any], *args: Any, rtol: float = 0.0, order: str = "rev", **options: Any
) -> PtxRuntime:
    """Require the results of the CPU of the same dtypes and shapes, and arguments that stay what they are."""
    expected = [np.asarray(y) for y in tree.leaves(fnad.jit(function, device="cpu")(*args))]
    before = [x.copy() for x in tree.leaves(args) if isinstance(x, np.ndarray)]
    got, runtime = on_device(function, *args, order=order, **options)
    assert len(got) == len(expected)
    for g, e in zip(got, expected):
        assert (g.dtype, g.shape) == (e.dtype, e.shape)
        np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol * max([1, *np.abs(e).ravel()]) if rtol else 0)
    for x, old in zip([x for x in tree.leaves(args) if isinstance(x, np.ndarray)], before):
        np.testing.assert_array_equal(x, old)
    return runtime
