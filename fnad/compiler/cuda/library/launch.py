"""Launches of the families' kernels, with operands and numbers by name, on grids that cover them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from math import prod
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from fnad.kernels.cuda.sizes import THREADS, WARP
from fnad.kernels.cuda.writing import Source
from fnad.kernels.dtypes import dtype_word
from fnad.runtime.failures import Failure
from fnad.runtime.plan import Copy, GridKernel, GridLaunch, Multiply, Place, View

MOST_ALONG_Y = 65535
"""Blocks of a grid along y, at most."""

Triple = tuple[int, int, int]
Launches = list[GridLaunch | Copy | Multiply]
Workspace = Callable[[int], int]
"""Gives the number of a buffer of so many bytes, which the launches may use."""

Row = Callable[..., Launches | None]
"""(input views, output views, workspace, **params) -> launches, or None where the library has nothing for them."""


def launch(
    label: str, call: str, operands: dict[str, View], numbers: dict[str, int], grid: Triple,
    block: Triple = (THREADS, 1, 1), fails: Failure | None = None, storage: Mapping[str, str] = MappingProxyType({}),
) -> GridLaunch:
    """A launch of the kernel that makes one call, whose arguments are operands and numbers by their names.

    The kernel takes the elements of an operand that is in `storage` for those of the dtype there.
    """
    pointers = tuple([storage.get(operand, dtype_word(view.dtype)) for operand, view in operands.items()])
    names = [*operands, *numbers, *(("status", "number") if fails else ())]
    source = f"def kernel({', '.join(names)}):\n    {call}\n"
    name = "_".join([label.replace(" ", "_"), *dict.fromkeys(pointers)])
    kernel = GridKernel(name, source, pointers, len(numbers), block, reports=fails is not None)
    return GridLaunch(kernel, tuple(operands.values()), tuple(numbers.values()), grid, label, fails)


class WrittenKernel(NamedTuple):
    """A kernel that is written line by line, whose operands are of one dtype, and the names of its numbers."""

    kernel: GridKernel
    numbers: tuple[str, ...]

    @staticmethod
    def of(source: Source, name: str, dtype: str, threads: int = THREADS, min_blocks: int = 0) -> WrittenKernel:
        pointers, count = (dtype,) * len(source.pointers), len(source.numbers)
        kernel = GridKernel(f"{name}_{dtype}", source.text, pointers, count, (threads, 1, 1), min_blocks)
        return WrittenKernel(kernel, source.numbers)

    def launch(self, label: str, operands: Sequence[View], numbers: Mapping[str, int], blocks: int) -> GridLaunch:
        """A launch on so many blocks; the kernel takes what it wants of the numbers."""
        params = tuple([numbers[name] for name in self.numbers])
        return GridLaunch(self.kernel, tuple(operands), params, (blocks, 1, 1), label)


def grid_of_threads(rows: int, columns: int) -> tuple[Triple, Triple]:
    """The grid and the block that cover a matrix with threads, as fnad/kernels/cuda/grids.py says."""
    across = min(THREADS, power_of_2_from(columns))
    down = THREADS // across
    return _grid(-(-rows // down), -(-columns // across)), (across, down, 1)


def grid_of_warps(rows: int, columns: int) -> tuple[Triple, Triple]:
    """The same with warps."""
    across = min(THREADS // WARP, power_of_2_from(columns))
    down = THREADS // WARP // across
    return _grid(-(-rows // down), -(-columns // across)), (WARP, across, down)


def _grid(down: int, across: int) -> Triple:
    along_y = min(across, MOST_ALONG_Y)
    return down, along_y, -(-across // along_y)


def power_of_2_from(n: int) -> int:
    """The smallest power of 2 that is not less than n > 0."""
    return 1 << (n - 1).bit_length()


def power_of_2_to(n: int) -> int:
    """The largest power of 2 that is not more than n > 0."""
    return 1 << n.bit_length() - 1


def row(made: Callable[..., Launches], dtypes: Collection[np.dtype], takes_workspace: bool = False) -> Row:
    """The row of what makes launches of the operands, a workspace behind them, and params, for first operands of
    some dtypes.
    """

    def launches(
        inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, **params: object
    ) -> Launches | None:
        operands = [*inputs, *outputs, *([workspace] if takes_workspace else [])]
        return made(*operands, **params) if inputs[0].dtype in dtypes else None

    return launches


def copied(x: View, out: View) -> Launches:
    """The copy of a C-contiguous array, unless it is there."""
    places, nbytes = [Place(view.buffer, view.offset) for view in (x, out)], prod(x.shape) * x.dtype.itemsize
    return [Copy(*places, nbytes)] if nbytes and places[0] != places[1] else []
