"""Powers of integers, whose exponents may be negative, which is an error."""

from __future__ import annotations

from math import prod

from fnad.compiler.cuda.library.launch import Launches, Row, grid_of_threads, launch, row
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import INTEGERS
from fnad.ops import elementwise as ops
from fnad.runtime.failures import NegativePower
from fnad.runtime.plan import View


def integer_powers(x: View, y: View, out: View) -> Launches:
    """out = x ** y, element by element, of integers of one dtype; all C-contiguous."""
    size = prod(out.shape)
    if size == 0:
        return []
    call = "integer_powers(x, y, out, n, status, number)"
    operands = {"x": x, "y": y, "out": out}
    return [launch("power", call, operands, {"n": size}, *grid_of_threads(size, 1), fails=NegativePower())]


LAUNCHES: dict[Primitive, Row] = {ops.power: row(integer_powers, INTEGERS)}
