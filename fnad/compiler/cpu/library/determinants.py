"""Cofactors of determinants."""

from __future__ import annotations

from math import prod

from fnad.compiler.cpu.chunks import PER_OPERATION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.compiler.cpu.library.linalg import DTYPES
from fnad.ir.primitive import Primitive
from fnad.ops import determinants as ops
from fnad.runtime.failures import NoMemory
from fnad.runtime.plan import Launch, View


def cofactors(a: View, out: View) -> Launch:
    """The matrices (..., n, n) of cofactors."""
    n, batch = a.shape[-1], prod(a.shape[:-2])
    chunk = chunk_of(batch, 4 * PER_OPERATION * n**3)
    return launch("cofactors", "cofactors(a, out, n, lo, hi)", {"a": a, "out": out}, {"n": n}, batch, chunk, NoMemory())


LAUNCHES: dict[Primitive, Row] = {ops.cofactors_p: row(cofactors, DTYPES)}
