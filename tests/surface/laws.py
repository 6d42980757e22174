"""The laws of functions that are made of operations: a row is a way of calling one, and all laws are tried on it.

A test of a family declares its rows and says ``@pytest.mark.parametrize("law", LAWS)``. Functions are called as users
call them, by NumPy's or SciPy's name on traced values, so the same call on ordinary arrays is the library's own.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import fnad
import numpy as np
from fnad import tree
from fnad.compiler.compile import compile_program
from fnad.ir.types import is_inexact
from fnad.runtime.plan import HostStep, walk
from fnad.testing import check_grads
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

from tests.numpy.comparing import run_numpy, run_traced


@dataclass(frozen=True, eq=False)
class Row:
    """A way of calling a function.

    Attributes:
        name: the function's, and after a slash what is special.
        call: ``(*inputs) -> pytree of arrays``, with the function that is tried.
        inputs: arrays or numbers, at which it is smooth.
        reference: what it should be on ordinary arrays, where that is not ``call`` itself.
        order: the highest order of derivative that is checked; 0 where there is none.
        rtol: how far values may be from the reference, in units of the largest result; None is 64 roundings.
        grad_rtol: the same for derivatives against differences.
        known: whether it may ask for the values of its inputs, as functions whose results' sizes depend on them do.
        host: the host steps that it needs, by the names of their operations.
        batch: whether it is tried under `vmap`.
        single: whether float32 is tried.
    """

    name: str
    call: Callable[..., Any]
    inputs: tuple[Any, ...]
    reference: Callable[..., Any] | None = None
    order: int = 2
    rtol: float | None = None
    grad_rtol: float | None = None
    known: bool = False
    host: frozenset[str] = frozenset()
    batch: bool = True
    single: bool = True

    def __str__(self) -> str:
        return self.name

    @property
    def expected(self) -> Callable[..., Any]:
        return self.reference or self.call

    def loss(self, *inputs: Any) -> Any:
        """A real number that every element of the results is weighted in."""
        total: Any = 0.0
        for k, y in enumerate(tree.leaves(self.call(*inputs))):
            if is_inexact(y.dtype):
                total = total + (y.real * weights(y.shape, k)).sum()
                total = total + ((y.imag * weights(y.shape, k + 7)).sum() if y.dtype.kind == "c" else 0.0)
        return total

    def smooth(self) -> tuple[int, ...]:
        """The inputs that have derivatives."""
        return tuple([i for i, x in enumerate(self.inputs) if is_inexact(np.asarray(x).dtype)])


def weights(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape)


def assert_alike(got: Any, expected: Any, rtol: float | None, dtypes: bool = True) -> None:
    """Results of the same structure, shapes, dtypes and values."""
    ours, theirs = (list(map(np.asarray, tree.leaves(results))) for results in (got, expected))
    assert len(ours) == len(theirs), f"{len(ours)} results in place of {len(theirs)}"
    for x, y in zip(ours, theirs):
        assert x.shape == y.shape and (x.dtype == y.dtype or not dtypes), f"{x.dtype}{x.shape}, not {y.dtype}{y.shape}"
        if not is_inexact(y.dtype):
            np.testing.assert_array_equal(x, y)
            continue
        tolerance = (64 * float(np.finfo(y.dtype).eps)) if rtol is None else max(rtol, float(np.finfo(y.dtype).eps))
        scale = float(np.max(np.abs(y[np.isfinite(y)]), initial=0))
        np.testing.assert_allclose(x, y, rtol=tolerance, atol=tolerance * scale)


# --- The laws


def values(row: Row) -> None:
    """Traced, it has the values, dtypes and shapes of the reference, and leaves its inputs alone."""
    before = [np.array(x) for x in row.inputs]
    assert_alike(run_traced(row.call, *row.inputs, known=row.known), run_numpy(row.expected, *row.inputs), row.rtol)
    for x, y in zip(row.inputs, before):
        np.testing.assert_array_equal(x, y)


def single_precision(row: Row) -> None:
    """Of float32 (and complex64), too, with few digits."""
    if not row.single:
        return
    inputs = [_single(x) for x in row.inputs]
    expected = run_numpy(row.expected, *inputs)
    assert_alike(run_traced(row.call, *inputs, known=row.known), expected, max(row.rtol or 0, 1e-4))


def _single(x: Any) -> Any:
    narrow = {np.dtype(np.float64): np.float32, np.dtype(np.complex128): np.complex64}
    return x if not isinstance(x, np.ndarray) else x.astype(narrow.get(x.dtype, x.dtype))


def derivatives(row: Row) -> None:
    """Forward and reverse derivatives are the differences', to the row's order."""
    if not row.order:
        return
    check_grads(row.call, row.inputs, order=row.order, rtol=row.grad_rtol, atol=row.grad_rtol)


def no_derivative(row: Row) -> None:
    """Where there is none, the gradient is 0."""
    if row.order or row.known or not row.smooth():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        gradients = fnad.grad(row.loss, argnums=row.smooth())(*row.inputs)
    assert all([not np.any(g) for g in gradients])


def batches(row: Row) -> None:
    """A batch is a loop."""
    if not row.batch or row.known:
        return
    stacked = [np.stack([np.asarray(x), _next(x)]) for x in row.inputs]
    got = tree.leaves(fnad.vmap(row.call)(*stacked))
    each = [tree.leaves(run_traced(row.call, *[x[i] for x in stacked])) for i in range(2)]
    assert_alike(got, [np.stack([np.asarray(y) for y in pair]) for pair in zip(*each)], row.rtol)


def _next(x: Any) -> np.ndarray:
    """An input near another one, at which a function is as smooth."""
    x = np.asarray(x)
    return x * x.dtype.type(0.99) if is_inexact(x.dtype) else x


def compiled(row: Row) -> None:
    """Compiled, values and gradients are the interpreter's, by native code alone."""
    smooth = row.smooth() if row.order else ()

    def both(*inputs: Any) -> Any:
        return row.call(*inputs), fnad.grad(row.loss, argnums=smooth)(*inputs) if smooth else ()

    expected = run_traced(both, *row.inputs, known=row.known)
    assert_alike(fnad.jit(both)(*row.inputs), expected, max(row.rtol or 0, 1e-9))
    if not row.known:
        program = stage(both, [value_type(x) for x in row.inputs]).program
        steps = {i.name for i, _ in walk(compile_program(program).plan) if isinstance(i, HostStep)}
        assert steps <= row.host, f"host steps {sorted(steps)}"


LAWS = [values, single_precision, derivatives, no_derivative, batches, compiled]
