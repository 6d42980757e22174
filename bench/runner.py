"""Times libraries against each other: a process each, results checked first, then turn by turn.

The libraries take turns (A B C A B C ...), so that a slow moment of the machine falls on all
of them, and a ratio compares two turns of the same round.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from bench.case import SMALL

ROOT = Path(__file__).parents[1]
LIMIT = "limit"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class BenchError(Exception):
    """A library failed, or came to other results than the rest."""


@dataclass
class Timing:
    """One library's turns on one workload."""

    library: str
    version: str
    threads: str
    note: str
    steps: int
    seconds: list[float] = field(default_factory=list)  # per step, a turn each


@dataclass
class Outcome:
    """One workload's timings and its limit's, the libraries that were skipped, and how far the results lay apart."""

    workload: str
    timings: list[Timing]
    skipped: dict[str, str]
    difference: float
    limit: Timing | None = None


class Worker:
    """The process of one library, from here."""

    def __init__(self, library: str, workload: str, threads: int, small: bool = False, device: str = "cpu") -> None:
        self.library = library
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", library, workload, device],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads, small),
            preexec_fn=lambda: limit_processors(threads),
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def hear(self) -> dict[str, Any]:
        """The next answer."""
        line = self._process.stdout.readline()
        if not line:
            raise BenchError(
                f"{self.library}: requires a worker that answers, got one that ended. "
                "See its error above."
            )
        return json.loads(line)

    def ask(self, request: str, **values: Any) -> Any:
        """Send a request and wait for the one value of its answer."""
        self._process.stdin.write(json.dumps({"request": request, **values}) + "\n")
        self._process.stdin.flush()
        (value,) = self.hear().values()
        return value


def environment(threads: int, small: bool) -> dict[str, str]:
    """The variables of a process that has some threads and finds this package."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    count = dict.fromkeys(THREAD_VARIABLES, str(threads))
    return os.environ | count | {SMALL: "1" if small else "", "PYTHONPATH": path}


def limit_processors(threads: int) -> None:
    """Tie this process to as many processors as it may have threads."""
    # XLA has no variable for it: it makes a thread for each processor it may run on.
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:threads])


def run(
    workload: str,
    libraries: Sequence[str],
    tolerance: float,
    check_steps: int,
    rounds: int,
    turn_seconds: float,
    threads: int,
    small: bool = False,
    device: str = "cpu",
) -> Outcome:
    """Check and time one workload, a module, in all libraries that are installed; on the CPU its limit too."""
    names = (*libraries, LIMIT) if device == "cpu" else libraries
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(name, workload, threads, small, device)) for name in names]
        hellos = {worker.library: worker.hear() for worker in workers}
        skipped = {name: hello["skipped"] for name, hello in hellos.items() if "skipped" in hello}
        workers = [worker for worker in workers if worker.library not in skipped]
        difference = check([worker for worker in workers if worker.library != LIMIT], check_steps, tolerance)
        timings = [
            Timing(worker.library, **hellos[worker.library], steps=worker.ask("calibrate", seconds=turn_seconds))
            for worker in workers
        ]
        for _ in range(rounds):
            for worker, timing in zip(workers, timings):
                timing.seconds.append(worker.ask("time", steps=timing.steps) / timing.steps)
    skipped.pop(LIMIT, None)
    limit = timings.pop() if timings and timings[-1].library == LIMIT else None
    return Outcome(workload, timings, skipped, difference, limit)


def check(workers: Sequence[Worker], steps: int, tolerance: float) -> float:
    """The largest relative difference of any library's results from the first one's; too large a one is an error."""
    results = {worker.library: _results(worker, steps) for worker in workers}
    differences = {name: _difference(result, results[workers[0].library]) for name, result in results.items()}
    for name, difference in differences.items():
        if not difference <= tolerance:
            raise BenchError(
                f"{name}: requires the results of {workers[0].library} within {tolerance:g}, "
                f"got a relative difference of {difference:g} in {steps} steps. Only equal work can be compared."
            )
    return max(differences.values(), default=0.0)


def _results(worker: Worker, steps: int) -> list[np.ndarray]:
    """Of each leaf of the results, its numbers: (steps, numbers). They may be too many for a line of JSON."""
    with tempfile.TemporaryDirectory() as folder:
        with np.load(worker.ask("check", steps=steps, file=f"{folder}/results.npz")) as stored:
            return list(stored.values())


def _difference(got: list[np.ndarray], expected: list[np.ndarray]) -> float:
    """Relative to the largest number of a leaf, so that gradients near zero do not count as differences.

    A leaf that is small beside the others, such as a gradient that is zero but for rounding, is held to less.
    """
    if [leaf.shape for leaf in got] != [leaf.shape for leaf in expected]:
        return float("inf")
    scales = [np.abs(leaf).max(axis=1, keepdims=True) for leaf in expected]
    floor = 1e-6 * np.max(scales, axis=0)
    return max(float((np.abs(a - b) / np.maximum(scale, floor)).max()) for a, b, scale in zip(got, expected, scales))
