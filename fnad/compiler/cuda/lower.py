"""What a GPU runs for the steps of a schedule: launches of generated kernels and of those of the library."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fnad.compiler import views
from fnad.compiler.control import is_control, takes_slices
from fnad.compiler.cuda import cublas, layers, library, products
from fnad.compiler.cuda.loops import emit_loop, emit_rows
from fnad.compiler.lowering import Emitter, is_loop
from fnad.compiler.plan import Copy, GridLaunch, Instruction, Multiply, View
from fnad.compiler.schedule import Abilities
from fnad.compiler.views import matrix_layout
from fnad.ir.program import Equation

Row = Callable[..., list[GridLaunch | Copy] | None]
ROWS: dict[str, Row] = {**library.LAUNCHES, **layers.LAUNCHES, **products.LAUNCHES}

failure = layers.failure
"""The error that the code means which a launch's kernel has reported."""


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
    product = cublas.multiplication(*inputs[-2:], *outputs, *factors)
    if product is None:
        return made
    copies = [i for i in made if isinstance(i, Copy)]
    return [*copies, Multiply(product, tuple([i for i in made if isinstance(i, GridLaunch)]))]


def _takes(eqn: Equation, i: int, view: View) -> bool:
    if eqn.primitive.name in ("matmul", "dense") or eqn.primitive.name == "matmul_add" and i > 0:
        return len(view.shape) >= 2 and matrix_layout(view) is not None
    return takes_slices(eqn, i, view)


ABILITIES = Abilities(is_loop, _takes)
EMITTER = Emitter(
    loop=lambda loop, place: [emit_loop(loop, place)], rows=lambda rows, place: [emit_rows(rows, place)],
    call=_launches,
)


def has_code(eqn: Equation) -> bool:
    """Whether an equation runs on the device without being written in simpler primitives."""
    if is_control(eqn) or is_loop(eqn):
        return True
    if eqn.primitive.name not in ROWS:
        return False
    atoms = [*eqn.inputs, *eqn.outputs]
    operands = [views.whole(k, a.type.shape, a.type.dtype) for k, a in enumerate(atoms)]
    inputs, outputs = operands[: len(eqn.inputs)], operands[len(eqn.inputs) :]
    return ROWS[eqn.primitive.name](inputs, outputs, lambda nbytes: len(atoms), **eqn.params) is not None
