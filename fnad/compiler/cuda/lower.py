"""What a GPU runs for the steps of a schedule: launches of generated kernels and of those of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from fnad.compiler.cuda import layers, library, products
from fnad.compiler.cuda.loops import emit_loop, emit_rows
from fnad.compiler.passes import lowering
from fnad.compiler.passes.lowering import Emitter
from fnad.ir.program import Equation
from fnad.runtime.plan import Copy, GridLaunch, Instruction, Multiply, View

Row = Callable[..., list[GridLaunch | Copy] | None]
ROWS: dict[str, Row] = {**library.LAUNCHES, **layers.LAUNCHES, **products.LAUNCHES}


def _launches(
    eqn: Equation, inputs: Sequence[View], outputs: Sequence[View], workspace: Callable[[int], int],
) -> list[Instruction] | None:
    """What the library runs for an equation; ``None`` where it has nothing for these operands."""
    row = ROWS.get(eqn.primitive.name)
    made = None if row is None else row(inputs, outputs, workspace, **eqn.params)
    return made if made is None or eqn.primitive.name not in _PRODUCTS else _offered(eqn, inputs, outputs, made)


_PRODUCTS = {"matmul": 0.0, "matmul_add": 1.0}
"""What a library may do in the place of our kernels, and how much of the result's memory it keeps."""


def _offered(
    eqn: Equation, inputs: Sequence[View], outputs: Sequence[View], made: list[GridLaunch | Copy],
) -> list[Instruction]:
    """A product's launches, or in their place what multiplies matrices on the device."""
    factors = eqn.params.get("alpha", 1.0), _PRODUCTS[eqn.primitive.name]
    product = products.multiplication(*inputs[-2:], *outputs, *factors)
    if product is None:
        return made
    copies = [i for i in made if isinstance(i, Copy)]
    return [*copies, Multiply(product, tuple([i for i in made if isinstance(i, GridLaunch)]))]


EMITTER = Emitter(
    loop=lambda loop, place: [emit_loop(loop, place)], rows=lambda rows, place: [emit_rows(rows, place)],
    call=_launches,
)


def has_code(eqn: Equation) -> bool:
    """Whether an equation runs on the device without being written in simpler primitives."""
    row = ROWS.get(eqn.primitive.name)
    return lowering.has_code(eqn, None if row is None else partial(row, workspace=lambda nbytes: 0, **eqn.params))
