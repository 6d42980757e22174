"""What the CPU runs for the steps of a schedule: launches of generated kernels and of those of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from fnad.compiler.cpu import foreign, layers, library
from fnad.compiler.cpu.divide import chunk_of_loop
from fnad.compiler.cpu.loops import emit_loop, emit_rows
from fnad.compiler.passes import lowering
from fnad.compiler.passes.lowering import COMPUTED, COPIED, Emitter, Workspace, copying
from fnad.ir.program import Equation
from fnad.kernels.dtypes import DTYPES
from fnad.runtime.plan import Launch, View

Row = Callable[..., list[Launch] | None]


def _launches(
    eqn: Equation, inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace | None = None,
) -> list[Launch] | None:
    """What the library runs for an equation; ``None`` where it has nothing for these operands."""
    row = ROWS.get(eqn.primitive.name)
    return foreign.launch(eqn.primitive, eqn.params, inputs, outputs) if row is None else row(
        inputs, outputs, **eqn.params
    )


def _copy(source: View, target: View) -> list[Launch]:
    loop = copying(source, target)
    if loop is None:
        return []
    loop.chunk = chunk_of_loop(loop)
    return [emit_loop(loop, lambda view: view)]


# --- What runs as a kernel of the library: (input views, output views, **params) -> launches, or None


def _matmul(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    a, b = inputs
    return [library.matmul(a, b, outputs[0])] if a.dtype in COMPUTED and a.dtype != bool else None


def _matmul_add(inputs: Sequence[View], outputs: Sequence[View], alpha: float) -> list[Launch] | None:
    c, a, b = inputs
    (out,) = outputs
    return [*_copy(c, out), library.matmul(a, b, out, alpha, beta=1.0)] if out.dtype in DTYPES else None


def _power(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    takes = outputs[0].dtype.kind in "iu" and outputs[0].dtype in DTYPES
    return [library.integer_powers(*inputs, *outputs)] if takes else None


def _gather(inputs: Sequence[View], outputs: Sequence[View]) -> list[Launch] | None:
    x, *indices = inputs
    return [library.gather(x, indices, outputs[0])] if x.dtype in COPIED else None


def _scatter(inputs: Sequence[View], outputs: Sequence[View], mode: str) -> list[Launch] | None:
    x, updates, *indices = inputs
    (out,) = outputs
    if out.dtype not in COMPUTED:
        return None
    return [*_copy(x, out), library.scatter(out, indices, updates, mode)]


def _cumulative(combine: str) -> Row:
    def row(inputs: Sequence[View], outputs: Sequence[View], axis: int) -> list[Launch] | None:
        return [library.cumulative(*inputs, *outputs, axis, combine)] if outputs[0].dtype in COMPUTED else None

    return row


def _recurrence(inputs: Sequence[View], outputs: Sequence[View], axis: int) -> list[Launch] | None:
    return [library.recurrence(*inputs, *outputs, axis)] if outputs[0].dtype in DTYPES else None


def _extreme_place(name: str) -> Row:
    def row(inputs: Sequence[View], outputs: Sequence[View], axis: int) -> list[Launch] | None:
        return [library.extreme_place(*inputs, *outputs, axis, name)] if inputs[0].dtype in DTYPES else None

    return row


ROWS: dict[str, Row] = {
    "power": _power,
    "matmul": _matmul, "matmul_add": _matmul_add, "gather": _gather, "scatter": _scatter, "cumsum": _cumulative("add"),
    "cumprod": _cumulative("multiply"), "recurrence": _recurrence, "argmax": _extreme_place("argmax"),
    "argmin": _extreme_place("argmin"), "per_example": foreign.per_example, **layers.LAUNCHES,
}


EMITTER = Emitter(
    loop=lambda loop, place: [emit_loop(loop, place)], rows=lambda rows, place: [emit_rows(rows, place)],
    call=_launches,
)


def has_code(eqn: Equation) -> bool:
    """Whether an equation runs as native code without being written in simpler primitives."""
    row = ROWS.get(eqn.primitive.name)
    return lowering.has_code(eqn, None if row is None else partial(row, **eqn.params))
