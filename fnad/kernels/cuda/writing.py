"""Source of matrix kernels, line by line, where their shape depends on dtypes, layouts and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

WIDTHS = {"float32": 4, "float64": 2}
"""Elements in 16 bytes."""
LOAD = {"float32": "load_float32x4", "float64": "load_float64x2"}
STORE = {"float32": "store_float32x4", "float64": "store_float64x2"}


class Source(NamedTuple):
    """A kernel as text, and the names of its pointers and numbers."""

    text: str
    pointers: tuple[str, ...]
    numbers: tuple[str, ...]


def written(pointers: Sequence[str], numbers: Sequence[str], lines: Sequence[str]) -> Source:
    """A kernel of these lines."""
    text = "\n    ".join([f"def kernel({', '.join([*pointers, *numbers])}):", *lines]) + "\n"
    return Source(text, tuple(pointers), tuple(numbers))


# --- what happens to a sum before it is stored ------------------------------------------------


@dataclass(frozen=True)
class Epilogue:
    """The value stored for a sum, and the pointers and numbers a kernel needs for it."""

    pointers: tuple[str, ...]
    numbers: tuple[str, ...]
    formula: str
    """Of the sum {x}, what C holds {old}, and an element of the bias {bias}."""


EPILOGUES = {
    "": Epilogue((), (), "{x}"),
    "scaled": Epilogue((), ("alpha_bits", "beta_bits"), "fma(alpha, {x}, beta * {old})"),
    "bias": Epilogue(("bias",), (), "{x} + {bias}"),
    "bias_relu": Epilogue(("bias",), (), "relu({x} + {bias})"),
}


def scales(word: str) -> list[str]:
    """The lines that take alpha and beta from the bits of numbers of the dtype."""
    bits = "int32" if word == "float32" else "int64"
    return [f"{name} = bitcast({bits}({name}_bits), {word})" for name in ("alpha", "beta")]


def steps(axes: int, operands: str) -> list[str]:
    """The names of the numbers that tell a batch: for each axis its extent, and the operands' elements to the next."""
    return [f"{name}{axis}" for axis in range(axes) for name in ("extent", *(f"{p}_step" for p in operands))]


def batch_lines(axes: int, operands: str) -> list[str]:
    """The lines that move the operands' starts to the matrix number `batch`, and leave there what is over."""
    lines = []
    for axis in reversed(range(axes)):
        lines += [f"{p}_at += batch % extent{axis} * {p}_step{axis}" for p in operands]
        lines += [f"batch //= extent{axis}"]
    return lines


def in_a_tree(count: int, place: str, lines: Sequence[str]) -> list[str]:
    """The lines that add `count` parts of places 0, 1, ... up: `lines` add to a part the one `step` places on."""
    return [
        f"step = {count // 2}",
        "while step > 0:",
        f"    if {place} < step:",
        *(f"        {line}" for line in lines),
        "    cuda.syncthreads()",
        "    step //= 2",
    ]


OLD_LINES = ["old = zero", "if beta != zero:", "    old = c[c_at]"]
"""The lines that read what C holds, where it counts."""
