"""Launches of the families' kernels, with operands and numbers by name."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from fnad.compiler.cpu.divide import chunk_of_loop
from fnad.compiler.cpu.loops import emit_loop
from fnad.compiler.cpu.params import Params, kernel_source
from fnad.compiler.passes.lowering import copying
from fnad.kernels.dtypes import dtype_word
from fnad.runtime.failures import Failure
from fnad.runtime.plan import Kernel, Launch, View

Workspace = Callable[[int], int]
"""Gives the number of a buffer of so many bytes, which the launches may use."""

Row = Callable[..., list[Launch] | None]
"""(input views, output views, workspace, **params) -> launches, or None where the library has nothing for them."""

NOTHING: Mapping[str, Any] = MappingProxyType({})


def launch(
    label: str, call: str, operands: Mapping[str, View], numbers: Mapping[str, int | Sequence[int]], extent: int,
    chunk: int = 0, fails: Failure | None = None, storage: Mapping[str, str] = NOTHING,
    scopes: Mapping[str, int] = NOTHING,
) -> Launch:
    """A launch of the kernel that makes one call, whose arguments are operands and numbers by their names, lo and hi.

    Several numbers under one name are given as a pointer to the first. The kernel takes the elements of an operand
    that is in `storage` for those of the dtype there. Each operand has a scope of its own, the numbers 0, 1, ...,
    but for those in `scopes`: a tuple of pointers has one scope.
    """
    params, dtypes = Params(), {name: storage.get(name, dtype_word(view.dtype)) for name, view in operands.items()}
    for k, (name, view) in enumerate(operands.items()):
        params.pointer(name, view, dtypes[name], scopes.get(name, k))
    for name, given in numbers.items():
        params.number(name, given) if isinstance(given, int) else params.table(name, given)
    name = "_".join([label.replace(" ", "_"), *dict.fromkeys(dtypes.values())])
    kernel = Kernel(name, kernel_source([*params.lines, f"return {call}"]))
    return Launch(kernel, tuple(params.words), extent, label, chunk, fails)


def row(made: Callable[..., Launch], dtypes: Collection[np.dtype], takes_workspace: bool = False) -> Row:
    """The row of what makes a launch of the operands, a workspace behind them, and params, for first operands of
    some dtypes.
    """

    def launches(
        inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, **params: object
    ) -> list[Launch] | None:
        operands = [*inputs, *outputs, *([workspace] if takes_workspace else [])]
        return [made(*operands, **params)] if inputs[0].dtype in dtypes else None

    return launches


def copied(x: View, out: View) -> list[Launch]:
    """The copy of an array, unless it is there."""
    loop = copying(x, out)
    if loop is None:
        return []
    loop.chunk = chunk_of_loop(loop)
    return [emit_loop(loop, lambda view: view)]
