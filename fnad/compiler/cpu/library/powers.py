"""Powers of integers, whose exponents may be negative, which is an error."""

from __future__ import annotations

from math import prod

from fnad.compiler.cpu.chunks import LANES, PER_FUNCTION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import INTEGERS
from fnad.ops import elementwise as ops
from fnad.runtime.failures import NegativePower
from fnad.runtime.plan import Launch, View


def integer_powers(x: View, y: View, out: View) -> Launch:
    """out = x ** y, element by element, of integers of one dtype; all C-contiguous."""
    size, operands = prod(out.shape), {"x": x, "y": y, "out": out}
    chunk = chunk_of(size, PER_FUNCTION, LANES)
    return launch("power", "integer_powers(x, y, out, lo, hi)", operands, {}, size, chunk, NegativePower())


LAUNCHES: dict[Primitive, Row] = {ops.power: row(integer_powers, INTEGERS)}
