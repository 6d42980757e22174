"""A compiled program as data: buffers, and the instructions that fill them in order.

Buffers are numbered inputs first, then outputs, then constants and temporaries. A plan holds
no machine code and names no target.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Buffer:
    """A piece of memory: the caller's (input, output), the plan's own array, or in the arena.

    `nbytes` is its size in bytes. `offset` places a temporary in the arena, in bytes from its
    64-byte-aligned start; temporaries that are never alive together may overlap. `value` is a
    constant's C-contiguous array.
    """

    nbytes: int
    kind: Literal["input", "output", "constant", "temporary"]
    offset: int = 0
    value: np.ndarray | None = None


@dataclass(frozen=True)
class View:
    """A strided array inside a buffer; `offset` and `strides` are in bytes."""

    buffer: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    dtype: np.dtype


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
    """What the instruction does, for people."""


@dataclass(frozen=True)
class HostStep:
    """Call `function(*input_arrays)` from Python and copy the arrays it returns into `outputs`.

    The function is given copies, so it may keep or change them.
    """

    name: str
    function: Callable[..., Sequence[np.ndarray]]
    inputs: tuple[View, ...]
    outputs: tuple[View, ...]


Instruction = Launch | HostStep


@dataclass(frozen=True)
class Plan:
    """Instructions over a table of buffers.

    `inputs` and `outputs` are buffer numbers in the order of the caller's arrays: 0, 1, ... for
    the inputs, then the outputs. `arena_bytes` is the room that the temporaries take together.
    """

    buffers: tuple[Buffer, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    arena_bytes: int
    instructions: tuple[Instruction, ...]
