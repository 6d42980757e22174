"""The launches on the CPU for a schedule's steps, of generated kernels and of the library's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from fnad.compiler.cpu.library import (
    axes, convolution, dense, determinants, fft, filters, indexing, linalg, losses, matmul, powers, random, searching,
    spectral, ufuncs, user_kernels,
)
from fnad.compiler.cpu.library.launch import Row, Workspace
from fnad.compiler.cpu.loops import emit_loop, emit_rows
from fnad.compiler.passes import lowering
from fnad.compiler.passes.lowering import Emitter
from fnad.ir.primitive import Primitive
from fnad.ir.program import Equation
from fnad.runtime.plan import Launch, View

FAMILIES = (
    axes, convolution, dense, determinants, fft, filters, indexing, linalg, losses, matmul, powers, random, searching,
    spectral, ufuncs, user_kernels,
)

LAUNCHES: dict[Primitive, Row] = {primitive: row for family in FAMILIES for primitive, row in family.LAUNCHES.items()}
"""The rows of all families."""

STRIDED = {*fft.LAUNCHES, *ufuncs.LAUNCHES}
"""Operations whose launches read their operands through any strides."""


def _launches(
    eqn: Equation, inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace,
) -> list[Launch] | None:
    """The library's launches for an equation; ``None`` where it has none for these operands."""
    row = LAUNCHES.get(eqn.primitive)
    return user_kernels.launch(eqn.primitive, eqn.params, inputs, outputs) if row is None else row(
        inputs, outputs, workspace, **eqn.params
    )


def _takes(eqn: Equation, i: int, view: View) -> bool:
    return eqn.primitive in STRIDED or lowering.ABILITIES.takes(eqn, i, view)


ABILITIES = replace(lowering.ABILITIES, takes=_takes)
EMITTER = Emitter(
    loop=lambda loop, place: [emit_loop(loop, place)], rows=lambda rows, place: [emit_rows(rows, place)],
    call=_launches,
)


def has_code(eqn: Equation) -> bool:
    """Whether an equation runs as native code without being written in simpler primitives."""
    row = LAUNCHES.get(eqn.primitive)
    return lowering.has_code(eqn, None if row is None else partial(row, workspace=lambda nbytes: 0, **eqn.params))
