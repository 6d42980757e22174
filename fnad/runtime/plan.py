"""A compiled program as data: buffers, and the instructions that fill them in order.

Buffers are numbered inputs first, then outputs, then constants and temporaries. A plan holds
no machine code and names no target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal

import numpy as np

from fnad.runtime.failures import Failure
from fnad.sources import Source


ARENA_ALIGNMENT = 64
"""Bytes that the arena, and whatever lies in it, starts at a multiple of."""


@dataclass(frozen=True)
class Buffer:
    """A piece of memory: the caller's (input, output), the plan's own array, or in the arena.

    `nbytes` is its size in bytes. `offset` places a temporary in the arena, in bytes from its
    start; temporaries that are never alive together may overlap. `value` is a
    constant's C-contiguous array.
    """

    nbytes: int
    kind: Literal["input", "output", "constant", "temporary"]
    offset: int = 0
    value: np.ndarray | None = None


@dataclass(frozen=True)
class View:
    """A strided array inside a buffer; `offset` and `strides` are in bytes.

    `alignment` divides the address of the buffer in the memory of a device.
    """

    buffer: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype
    alignment: int = ARENA_ALIGNMENT


@dataclass(frozen=True)
class Kernel:
    """Source text of a function `kernel(buffers, params, lo, hi) -> status`.

    The name is for people; the source alone decides the machine code, but for a kernel that a user
    wrote: its source calls a Python function, which is among the `words`, other names and values.
    """

    name: str
    source: str
    words: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class Launch:
    """Run a kernel with `params` over the outer index range [0, extent)."""

    kernel: Kernel
    params: tuple[int, ...]
    extent: int
    label: str = ""
    """The instruction's work, for people."""
    chunk: int = 0
    """Indices that a thread takes at a time; 0: the range is not divided."""
    fails: Failure | None = None
    """The failure for a kernel's status other than 0."""
    calls_scipy: bool = False
    """Whether it calls functions of SciPy, whose warnings and errors nobody wants."""


@dataclass(frozen=True)
class GridKernel:
    """Source text of a function `kernel(...)` that each thread of a GPU's grid runs.

    Its arguments are pointers to elements of the dtypes `pointers`, then so many int64 `numbers`. One that `reports`
    failures is given two more, which its source passes to `report`.
    """

    name: str
    source: str
    pointers: tuple[str, ...]
    numbers: int
    block: tuple[int, int, int]
    """Threads of a block."""
    min_blocks: int = 0
    """Blocks that a multiprocessor is to hold at a time; 0: it does not matter."""
    reports: bool = False


@dataclass(frozen=True)
class GridLaunch:
    """Run a kernel on a grid of blocks: on the addresses of the operands' first elements, and on numbers."""

    kernel: GridKernel
    operands: tuple[View, ...]
    params: tuple[int, ...]
    grid: tuple[int, int, int]
    label: str = ""
    """The instruction's work, for people."""
    fails: Failure | None = None
    """The failure for the code of a kernel that `reports`."""


@dataclass(frozen=True)
class Multiply:
    """A matrix product on a GPU, by a library of the device's own where there is one, else by launches.

    `product` describes it as that library takes it.
    """

    product: Any
    launches: tuple[GridLaunch, ...]
    label: str = "matmul"


@dataclass(frozen=True)
class HostStep:
    """Call `function(*input_arrays)` from Python and copy the arrays it returns into `outputs`.

    The function is given copies, so it may keep or change them.
    """

    name: str
    function: Callable[..., Sequence[np.ndarray]]
    inputs: tuple[View, ...]
    outputs: tuple[View, ...]


@dataclass(frozen=True)
class Place:
    """A place in memory: a buffer, and bytes from its start."""

    buffer: int
    offset: int


@dataclass(frozen=True)
class Copy:
    """Copy bytes from one place to another, unless they are the same."""

    source: Place
    target: Place
    nbytes: int


# Instructions that hold plans. An inner plan has buffers of its own, and its inputs and outputs lie
# in memory of the outer one.


@dataclass(frozen=True)
class Inner:
    """A plan inside of another.

    `places` says where its inputs, then its outputs, lie in the outer plan when it starts. `arena`
    is the outer buffer that its temporaries share.
    """

    plan: Plan
    places: tuple[Place, ...]
    arena: int


@dataclass(frozen=True)
class DoubleBuffer:
    """Numbers of an input and an output of a loop's body whose memory is two pieces that change places.

    After each step the output's memory becomes the input's, and the next output goes to the memory
    of the one before; the first one before lies at `other`.
    """

    input: int
    output: int
    other: Place


@dataclass(frozen=True)
class Scan:
    """Run `body` `length` times, at least once.

    After each step the inputs and outputs in `advances` lie so many bytes further on; they are
    numbered together, inputs first. Every other input that changes has its new value written over it.
    """

    length: int
    body: Inner
    advances: tuple[tuple[int, int], ...]
    double_buffers: tuple[DoubleBuffer, ...]


@dataclass(frozen=True)
class While:
    """Run `body` as long as the one boolean that `condition` gives is true.

    `watched` pairs inputs of the condition with those of the body that they are. `results` are the
    body's inputs to copy at the end: number, target, bytes.
    """

    condition: Inner
    body: Inner
    double_buffers: tuple[DoubleBuffer, ...]
    watched: tuple[tuple[int, int], ...]
    results: tuple[tuple[int, Place, int], ...]


@dataclass(frozen=True)
class Switch:
    """Run the branch that an index names, the nearest where there is none."""

    index: View
    branches: tuple[Inner, ...]


Instruction = Launch | GridLaunch | Multiply | HostStep | Copy | Scan | While | Switch


@dataclass(frozen=True)
class Plan:
    """Instructions over a table of buffers.

    `inputs` and `outputs` are buffer numbers in the order of the caller's arrays: 0, 1, ... for
    the inputs, then the outputs. `arena_bytes` is the room that the temporaries take together.
    `sources` are the user's lines that the instructions come from.
    """

    buffers: tuple[Buffer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    arena_bytes: int
    instructions: tuple[Instruction, ...]
    sources: tuple[Source | None, ...] = ()


def inner_plans(instruction: Instruction) -> dict[str, Plan]:
    """The plans that an instruction runs, by what they are."""
    if isinstance(instruction, Scan):
        return {"body": instruction.body.plan}
    if isinstance(instruction, While):
        return {"condition": instruction.condition.plan, "body": instruction.body.plan}
    if isinstance(instruction, Switch):
        return {f"branch {k}": branch.plan for k, branch in enumerate(instruction.branches)}
    return {}


def kernels_of(plan: Plan) -> Iterator[Kernel | GridKernel]:
    """The kernels that a plan and those in it launch."""
    for instruction, _ in walk(plan):
        if isinstance(instruction, Multiply):
            yield from [launch.kernel for launch in instruction.launches]
        elif isinstance(instruction, (Launch, GridLaunch)):
            yield instruction.kernel


def walk(plan: Plan) -> Iterator[tuple[Instruction, Source | None]]:
    """All instructions of a plan and of the plans in it, and their sources."""
    for instruction, source in zip_longest(plan.instructions, plan.sources):
        yield instruction, source
        for inner in inner_plans(instruction).values():
            yield from walk(inner)
