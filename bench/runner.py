"""Times libraries against each other: a process each, results checked first, then turn by turn.

The libraries take turns (A B C A B C ...), so that a slow moment of the machine falls on all
of them, and a ratio compares two turns of the same round.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


class BenchError(Exception):
    """A library failed, or came to other results than the rest."""


@dataclass
class Timing:
    """One library's turns on one workload."""

    library: str
    version: str
    threads: str
    steps: int
    seconds: list[float] = field(default_factory=list)  # per step, a turn each


@dataclass
class Outcome:
    """One workload's timings, the libraries that were skipped, and how far the results lay apart."""

    workload: str
    timings: list[Timing]
    skipped: dict[str, str]
    difference: float


class Worker:
    """The process of one library, from here."""

    def __init__(self, library: str, workload: str, threads: int) -> None:
        self.library = library
        count = dict.fromkeys(THREAD_VARIABLES, str(threads))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.worker", library, workload],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | count | {"PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            preexec_fn=lambda: _limit_processors(threads),
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


def _limit_processors(threads: int) -> None:
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
) -> Outcome:
    """Check and time one workload, named by its module, in all libraries that are installed."""
    with ExitStack() as stack:
        workers = [stack.enter_context(Worker(library, workload, threads)) for library in libraries]
        hellos = {worker.library: worker.hear() for worker in workers}
        skipped = {name: hello["skipped"] for name, hello in hellos.items() if "skipped" in hello}
        workers = [worker for worker in workers if worker.library not in skipped]
        difference = check(workers, check_steps, tolerance)
        timings = [
            Timing(worker.library, **hellos[worker.library], steps=worker.ask("calibrate", seconds=turn_seconds))
            for worker in workers
        ]
        for _ in range(rounds):
            for worker, timing in zip(workers, timings):
                timing.seconds.append(worker.ask("time", steps=timing.steps) / timing.steps)
    return Outcome(workload, timings, skipped, difference)


def check(workers: Sequence[Worker], steps: int, tolerance: float) -> float:
    """The largest relative difference of any library's results from the first one's; too large a one is an error."""
    results = {worker.library: np.array(worker.ask("check", steps=steps)) for worker in workers}
    differences = {name: _difference(result, results[workers[0].library]) for name, result in results.items()}
    for name, difference in differences.items():
        if not difference <= tolerance:
            raise BenchError(
                f"{name}: requires the results of {workers[0].library} within {tolerance:g}, "
                f"got a relative difference of {difference:g} in {steps} steps. Only equal work can be compared."
            )
    return max(differences.values(), default=0.0)


def _difference(got: np.ndarray, expected: np.ndarray) -> float:
    """Relative to the largest number of a step, so that gradients near zero do not count as differences."""
    if got.shape != expected.shape:
        return float("inf")
    scale = np.abs(expected).max(axis=1, keepdims=True)
    return float((np.abs(got - expected) / scale).max())
