"""``python -m bench.roofline [FILE]``: what the kernels of the CUDA target could at best take, as `docs/roofline.md`.

Nothing runs: the kernels are compiled to machine code, and a model of two GPUs says what their registers, their shared
memory and the figures of the data sheets allow. It needs the packages of the tests and of the CUDA target.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

from fnad.runtime.plan import GridKernel, GridLaunch, View
from tests.cuda.budgets import Facts, dense, matmul, measure, relu_backward_sum

PREAMBLE = """# Roofline of the CUDA target's kernels

**Computed, not measured: nothing here ran on a GPU.** The times are the least that a model allows, from the figures of
data sheets and from the machine code that ptxas makes; what a GPU takes is more. The page is made by
`python -m bench.roofline docs/roofline.md`.

For each launch: the operations on floats, the bytes of its operands, each moved once, and their ratio. For each GPU:
how many blocks a multiprocessor (SM) holds at a time, by its registers, shared memory and threads, and the time in
microseconds, the longer one of
- *compute*: the operations of the busiest SM at its share of the peak; an SM whose blocks have fewer than four warps
  together uses as many of its four schedulers, each of which starts one instruction a cycle, so that the other
  instructions of a product's main loop take their part where an SM has units for a whole warp (H100, float32);
- *memory*: the bytes at the full bandwidth.

Last comes the share of the GPU's peak at that time. Not in the model: the start of a launch (about 2 to 5 µs unless
launches are recorded in a graph), latencies, which decide where an SM has few warps, conflicts in shared memory, and
caches that hold operands from before.
"""


@dataclass(frozen=True)
class Gpu:
    """The figures of a data sheet: operations and bytes a second, and what a multiprocessor holds."""

    name: str
    capability: tuple[int, int]
    multiprocessors: int
    operations: dict[str, float]
    lanes: dict[str, int]
    """Units of a multiprocessor that do a multiply-add a cycle."""
    bandwidth: float
    shared: int
    registers: int = 65536
    threads: int = 2048
    blocks: int = 32


GPUS = (
    Gpu(
        "A100", (8, 0), 108, {"float32": 19.5e12, "float64": 9.7e12}, {"float32": 64, "float64": 32}, 1555e9,
        164 * 1024,
    ),
    Gpu(
        "H100 SXM", (9, 0), 132, {"float32": 66.9e12, "float64": 33.5e12}, {"float32": 128, "float64": 64}, 3350e9,
        228 * 1024,
    ),
)

SCHEDULERS, WARP = 4, 32
RESERVED = 1024
"""Bytes of shared memory that each block takes beside its own."""


@dataclass(frozen=True)
class Work:
    """A launch, and the operations on floats that it does."""

    name: str
    launch: GridLaunch
    operations: int

    @property
    def bytes(self) -> int:
        return sum(_extent(view) * view.dtype.itemsize for view in self.launch.operands)

    @property
    def word(self) -> str:
        return self.launch.operands[0].dtype.name


def _extent(view: View) -> int:
    """Elements of a view; those of an axis of stride 0 are one."""
    return prod(n for n, stride in zip(view.shape, view.strides) if stride)


def products() -> Iterator[Work]:
    sizes = [
        ("forward", (128, 784, 256)), ("forward", (128, 256, 10)), ("forward", (1024, 1024, 1024)),
        ("forward", (4096, 4096, 4096)),
    ]
    for what, (m, k, n) in sizes:
        yield from _works(f"dense relu, {what}", (m, k, n), dense(m, k, n))
    for name, kept, (m, k, n) in [
        ("cotangent of x", "NT", (128, 256, 784)), ("cotangent of w", "TN", (784, 128, 256)),
        ("cotangent of w", "TN", (256, 128, 10)), ("cotangent of w, long", "TN", (256, 65536, 256)),
        ("cotangent of x", "NT", (4096, 4096, 4096)), ("cotangent of w", "TN", (4096, 4096, 4096)),
        ("by a vector", "NN", (4096, 4096, 1)),
    ]:
        yield from _works(f"matmul, {name}", (m, k, n), matmul(m, k, n, kept=kept))
    for m, k, n in ((1024, 1024, 1024), (4096, 4096, 4096)):
        yield from _works("matmul, float64", (m, k, n), matmul(m, k, n, "float64"))


def _works(name: str, sizes: tuple[int, int, int], launches: Sequence[GridLaunch]) -> Iterator[Work]:
    m, k, n = sizes
    main, *rest = launches
    yield Work(f"{name} {m}x{k}x{n}", main, 2 * m * k * n)
    for launch in rest:
        yield Work(f"... the sum of its {launch.operands[0].shape[0]} pieces", launch, _extent(launch.operands[0]))


def others() -> Iterator[Work]:
    for m, n in ((128, 256), (4096, 4096)):
        main, *rest = relu_backward_sum(m, n)
        yield Work(f"relu_backward_sum {m}x{n}", main, 2 * m * n)
        for launch in rest:
            yield Work(f"... the sum of its {launch.operands[0].shape[0]} pieces", launch, _extent(launch.operands[0]))


# --- the model --------------------------------------------------------------------------------


@cache
def facts(kernel: GridKernel, capability: tuple[int, int]) -> Facts:
    return measure(kernel, capability)


def resident(kernel: GridKernel, found: Facts, gpu: Gpu) -> int:
    """The blocks that a multiprocessor holds at a time."""
    warps = -(-prod(kernel.block) // WARP)
    per_warp = -(-found["registers"] * WARP // 256) * 256
    return min(
        gpu.blocks, gpu.threads // (warps * WARP), gpu.registers // (per_warp * warps),
        gpu.shared // (found["shared"] + RESERVED),
    )


@dataclass(frozen=True)
class Estimate:
    blocks: int
    compute: float
    memory: float

    @property
    def time(self) -> float:
        return max(self.compute, self.memory)


def estimate(work: Work, gpu: Gpu) -> Estimate:
    kernel, grid = work.launch.kernel, prod(work.launch.grid)
    found = facts(kernel, gpu.capability)
    held = resident(kernel, found, gpu)
    busiest = -(-grid // gpu.multiprocessors)
    warps = min(busiest, held) * -(-prod(kernel.block) // WARP)
    share = found["fused in it"] / found["main loop"] if found["main loop"] else 1
    started = share * SCHEDULERS * WARP / gpu.lanes[work.word]
    rate = gpu.operations[work.word] / gpu.multiprocessors * min(1, warps / SCHEDULERS) * min(1, started)
    return Estimate(held, busiest * work.operations / grid / rate, work.bytes / gpu.bandwidth)


# --- the page ---------------------------------------------------------------------------------


def page(works: Sequence[Work]) -> str:
    heads = ["launch", "blocks x threads", "MFLOP", "MB", "FLOP/byte"]
    for gpu in GPUS:
        heads += [f"{gpu.name}: blocks/SM", "µs", "bound by", "of peak"]
    rows = [[work.name, *_figures(work), *(cell for gpu in GPUS for cell in _cells(work, gpu))] for work in works]
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return PREAMBLE + "\n" + "\n".join(f"| {' | '.join(row)} |" for row in [heads, rule, *rows]) + "\n"


def _figures(work: Work) -> list[str]:
    grid, block = prod(work.launch.grid), prod(work.launch.kernel.block)
    megas = (f"{work.operations / 1e6:.4g}", f"{work.bytes / 1e6:.3g}", f"{work.operations / work.bytes:.3g}")
    return [f"{grid} x {block}", *megas]


def _cells(work: Work, gpu: Gpu) -> list[str]:
    found = estimate(work, gpu)
    share = work.operations / found.time / gpu.operations[work.word]
    bound = "compute" if found.compute >= found.memory else "memory"
    return [str(found.blocks), f"{found.time * 1e6:.3g}", bound, f"{share:.0%}"]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.roofline", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="where to write the page; else it is printed")
    file = parser.parse_args(arguments).file
    text = page([*products(), *others()])
    if file:
        file.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main(sys.argv[1:])
