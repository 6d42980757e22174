"""``python -m bench.checkpointing``: memory and time of the gradient of a scan, plain and with ``checkpoint=True``.

A state of s bytes goes through n steps of ``tanh(w * state) + x``. The derivative of a step reads the state and the
tanh. Plain, both are kept of every step: 2·n·s bytes. With checkpoints the states before √n segments are kept, and
both of the steps of one segment: 3·√n·s bytes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from math import sqrt
from statistics import median
from typing import Any

import fnad
import numpy as np

from bench import report
from bench.options import at_least_one
from bench.process_worker import resident
from bench.runner import ROOT, environment, limit_processors

SIZE = 100_000
"""Elements of the state, float64."""
WARM_UP = 2
LENGTHS = (16, 64, 256, 1024)
Numbers = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every length both ways, in a fresh process each, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.checkpointing", description=__doc__)
    add = parser.add_argument
    add("lengths", nargs="*", type=at_least_one, metavar="n", help=f"steps (default: {' '.join(map(str, LENGTHS))})")
    add("--size", type=at_least_one, default=SIZE, help=f"float64 elements of the state (default: {SIZE})")
    add("--rounds", type=at_least_one, default=3, help="processes for each number (default: 3)")
    add("--measure", choices=("plain", "checkpoint"), help="measure one length in this process and print JSON")
    options = parser.parse_args(arguments)
    if options.measure:
        print(json.dumps(measure(options.lengths[0], options.size, options.measure == "checkpoint")))
        return 0
    print(", ".join(f"{key} {value}" for key, value in report.machine().items()), end="\n\n")
    print(table(options.lengths or LENGTHS, options.size, options.rounds))
    return 0


def measure(length: int, size: int, checkpoint: bool) -> Numbers:
    """Bytes that the jitted gradient takes at its peak beyond what its first steps took, and its seconds."""

    def loss(w: Any, state: Any, xs: Any) -> Any:
        last, _ = fnad.scan(lambda s, x: (np.tanh(w * s) + x, None), state, xs, checkpoint=checkpoint)
        return np.sum(last)

    gradient = fnad.jit(fnad.grad(loss, (0, 1)))
    w, state, xs = np.full(size, 0.9), np.linspace(-1, 1, size), np.linspace(0, 1, length)
    gradient(w, state, xs[:WARM_UP])
    before = resident("VmRSS")
    begin = time.perf_counter()
    gradient(w, state, xs)
    first = time.perf_counter() - begin
    begin = time.perf_counter()
    gradient(w, state, xs)
    return {"bytes": resident("VmHWM") - before, "first": first, "seconds": time.perf_counter() - begin}


def in_fresh_process(length: int, size: int, way: str) -> Numbers:
    """The same, where nothing ran before."""
    command = [sys.executable, "-m", "bench.checkpointing", str(length), "--size", str(size), "--measure", way]
    done = subprocess.run(
        command,
        env=environment(threads=1, small=False),
        preexec_fn=lambda: limit_processors(1),
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    return json.loads(done.stdout)


def table(lengths: Sequence[int], size: int, rounds: int) -> str:
    """A row for each length, medians of the rounds."""
    state = 8 * size
    lines = [
        f"The state is {state / 1e6:.3g} MB.",
        "",
        "| steps n | plain, MB | ÷ n·s | plain, ms | checkpoint, MB | ÷ √n·s | checkpoint, ms | memory, times less |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for n in lengths:
        seen: dict[str, list[Numbers]] = {"plain": [], "checkpoint": []}
        for _ in range(rounds):
            for way, numbers in seen.items():
                numbers.append(in_fresh_process(n, size, way))
        plain, kept = (median(numbers["bytes"] for numbers in seen[way]) for way in seen)
        plain_ms, kept_ms = (1e3 * min(numbers["seconds"] for numbers in seen[way]) for way in seen)
        lines.append(
            f"| {n} | {plain / 1e6:.1f} | {plain / (n * state):.2f} | {plain_ms:.1f} "
            f"| {kept / 1e6:.1f} | {kept / (sqrt(n) * state):.2f} | {kept_ms:.1f} | {plain / kept:.1f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
