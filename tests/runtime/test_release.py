"""What nobody uses any more is given back: functions, Programs, plans, the memory of frames, and machine code."""

from __future__ import annotations

import gc
import linecache
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import fnad
import llvmlite.ir
import numpy as np
import pytest
from fnad.dispatch.jitted import Jitted
from fnad.runtime.cpu import functions, loader, toolchain
from fnad.shield import undisturbed
from hypothesis import settings

X = np.linspace(0.1, 1.0, 7)


def of_the_jitted(jitted: Jitted) -> list[weakref.ref]:
    """References to all that a function which was called has come to."""
    (entry,) = jitted.entries.values()
    compiled = entry.compiled
    executable = compiled.run.executable
    owned = [jitted.function, jitted, entry.staged.program, compiled, executable, executable._code]
    owned += [array for frame in executable._frames for array in (frame.memory, frame.arena)]
    return [weakref.ref(x) for x in owned]


@pytest.mark.parametrize("make", [
    lambda c: fnad.jit(lambda x: np.sum(np.sin(x) * c)),
    lambda c: fnad.jit(fnad.grad(lambda x: np.sum(np.sin(x) * c))),
    lambda c: fnad.jit(fnad.vmap(lambda x: np.sin(x) * c)),
    lambda c: fnad.jit(lambda x: fnad.scan(lambda a, _: (np.sin(a) * c, a), x, None, length=3)),
    lambda c: fnad.jit(lambda x: fnad.cond(x[0] > c, np.sin, np.cos, x)),
    lambda c: fnad.jit(lambda x: np.sort(fnad.checkpoint(lambda y: np.sin(y) * c)(x))),
], ids=["plain", "grad", "vmap", "scan", "cond", "checkpoint"])
def test_a_dropped_function_is_freed_with_all_that_it_has_come_to(make: Callable[[float], Any]) -> None:
    jitted = make(0.5)
    jitted(X)
    references = of_the_jitted(jitted)
    assert len(references) > 7
    del jitted
    gc.collect()
    assert [r() for r in references if r() is not None] == []


def test_a_dropped_function_that_transforms_have_called_is_freed() -> None:
    def called() -> list[weakref.ref]:
        inner = fnad.jit(lambda x: np.sin(x) * 0.5)
        outer = fnad.grad(lambda x: np.sum(inner(x)))
        for _ in range(3):
            outer(X)
        fnad.vmap(inner)(np.stack([X, X]))
        fnad.jvp(inner, (X,), (X,))
        return [weakref.ref(inner), weakref.ref(inner.function)]

    references = called()
    gc.collect()
    assert [r() for r in references if r() is not None] == []


@pytest.fixture
def few_recent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep one kernel that nobody uses."""
    monkeypatch.setattr(loader, "MOST_RECENT", 1)


def codes_of(jitted: Jitted) -> list[Any]:
    (entry,) = jitted.entries.values()
    return list(entry.compiled.run.executable._code.kernels)


@pytest.mark.usefixtures("few_recent")
def test_machine_code_goes_with_the_last_function_that_uses_it() -> None:
    one, two = (fnad.jit(lambda x: np.sin(x) * 0.5 + x) for _ in range(2))
    one(X), two(X)
    (shared,) = codes_of(one)
    assert codes_of(two) == [shared]
    engine, code = weakref.ref(shared.owner[0]), weakref.ref(shared)
    fnad.jit(lambda x: np.cos(x) * 0.25 + x)(X)  # now that is the one which is kept
    del one, shared
    gc.collect()
    np.testing.assert_array_equal(two(X), np.sin(X) * 0.5 + X)
    assert not engine().closed
    del two
    gc.collect()
    undisturbed(loader._unused.clear)  # what another thread is about to do, or does now
    assert engine() is None and code() is None


@pytest.mark.usefixtures("few_recent")
def test_many_dropped_functions_leave_as_many_kernels_as_are_kept() -> None:
    functions = [fnad.jit(lambda x, f=f: f(x) + f(x + 1.0)) for f in (np.sin, np.cos, np.tanh, np.exp, np.sqrt)]
    for function in functions:
        function(X)
    shared = loader.loader()
    gc.collect()
    before = len(shared._loaded)
    del functions, function
    gc.collect()
    assert len(shared._loaded) <= before - 4
    assert len(shared._recent) == 1


def test_recent_kernels_are_found_in_memory() -> None:
    def once() -> None:
        fnad.jit(lambda x: np.arctan(x) * 0.125)(X)

    once()
    before = loader.loader().counts.disk_hits, loader.loader().counts.compiled
    for _ in range(3):
        gc.collect()
        once()
    assert (loader.loader().counts.disk_hits, loader.loader().counts.compiled) == before


def modules() -> int:
    """How many of LLVM's modules there are; a proxy, whose object may be gone, is asked for its own type alone."""
    return sum([issubclass(type(x), llvmlite.ir.Module) for x in gc.get_objects()])


def test_what_a_kernel_was_compiled_with_is_freed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Watched(functions._Codegen):
        def free(self) -> None:
            super().free()
            made.extend(self.made)

    jitted = fnad.jit(lambda x: np.sin(x) * 0.5 + x)
    jitted(X)
    (launch,) = next(iter(jitted.entries.values())).compiled.plan.instructions
    monkeypatch.setattr(functions, "_Codegen", Watched)
    gc.collect()
    before = modules()
    toolchain.compile_kernel("0" * 64, launch.kernel.source)
    gc.collect()
    assert made and all([manager.closed for manager in made])
    assert modules() <= before
    assert not [name for name in linecache.cache if name.startswith("<kernel")]


def alive(kind: str) -> int:
    """How many objects of a kind there are."""
    gc.collect()
    return sum([type(x).__name__ == kind for x in gc.get_objects()])


def test_a_sweep_over_a_number_keeps_nothing() -> None:
    def sweep(count: int) -> None:
        for k in range(count):
            fnad.jit(fnad.grad(lambda x, c=0.3 + 1e-5 * k: np.sum(np.sin(x) * c)))(X)

    sweep(2)
    before = [alive(kind) for kind in ("Jitted", "Executable", "Frame", "MachineCode")]
    sweep(2 * settings.default.max_examples)
    assert [alive(kind) for kind in ("Jitted", "Executable", "Frame", "MachineCode")] == before


def test_many_shapes_keep_as_much_as_there_may_be_of_one_function(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fnad.dispatch.jitted.MOST_ENTRIES", 4)
    jitted = fnad.jit(lambda x: np.sin(x) * 0.3)
    before = alive("Executable")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of many signatures
        for n in range(2, 2 + settings.default.max_examples):
            jitted(np.ones(n))
    assert len(jitted.entries) == 4
    assert alive("Executable") <= before + 2 * 4  # those of the latest calls may be others
