"""Linking: a plan becomes a function of arrays, for the runtime that it is to run on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from fnad.lazy import LazyModule
from fnad.runtime.cpu.executor import Types
from fnad.runtime.cpu.runtime import CPU, CPURuntime, OnCPU
from fnad.runtime.plan import Plan

if TYPE_CHECKING:
    from fnad.runtime.cuda.runtime import Runtime

gpu = LazyModule("fnad.runtime.cuda.executor")


def link(
    plan: Plan, runtime: CPURuntime | Runtime, results: Types, donated: Mapping[int, int], captured: Types = ()
) -> Callable[[list[Any]], list[Any]]:
    """The function of a plan's inputs that gives its results: arrays of the runtime.

    ``results`` are their shapes and dtypes, ``donated`` says which are written into the memory of an input, and
    ``captured`` are the types of the last inputs, which are looked at in each call.
    """
    return OnCPU(plan, results, donated, captured) if runtime is CPU else gpu.OnDevice(plan, runtime, results, donated)
