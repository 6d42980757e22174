"""The process of one library on one workload: answers requests on standard input, a JSON line each.

Run by ``runner.py`` as ``python -m bench.worker LIBRARY WORKLOAD DEVICE``, where a workload is a module and, after
colons, what its functions take besides a library, and a device is ``cpu`` or ``cuda``. Standard output carries the
answers only; whatever a library prints goes to standard error.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from itertools import cycle, islice
from types import ModuleType
from typing import Any, TextIO

import numpy as np

from bench.case import Case

Answer = dict[str, Any]


def main() -> None:
    """Say hello, then answer requests until standard input ends."""
    library_name, workload, device = sys.argv[1:]
    workload_name, *arguments = workload.split(":")
    answers = _own_stdout()
    try:
        library = import_library(library_name, device)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError)
        return _send(answers, {"skipped": f"no module named {error.name}" if missing else str(error)})
    build = getattr(importlib.import_module(workload_name), library_name, None)
    if build is None:
        return _send(answers, {"skipped": f"not part of {workload_name}"})
    case = make_case(library, partial(build, *library.MODULES, *arguments))
    _send(answers, {"version": library.VERSION, "threads": library.threads(), "note": case.note})
    for line in sys.stdin:
        _send(answers, _answer(library, case, **json.loads(line)))


def import_library(name: str, device: str) -> ModuleType:
    """The file of a library; an ``ImportError`` says what it lacks to run on a device."""
    if device == "cpu":
        return importlib.import_module(f"bench.libraries.{name}")
    module = f"bench.libraries.{device}.{name}"
    if find_spec(module) is None:
        raise ImportError("runs on the CPU only")
    return importlib.import_module(module)


def make_case(library: ModuleType, build: partial[Case]) -> Case:
    """A workload in a library, with its arrays where the library computes."""
    return library.placed(build) if hasattr(library, "placed") else build()


def _own_stdout() -> TextIO:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return answers


def _send(answers: TextIO, answer: Answer) -> None:
    print(json.dumps(answer), file=answers, flush=True)


def _answer(
    library: ModuleType, case: Case, request: str, steps: int = 0, seconds: float = 0.0, file: str = ""
) -> Answer:
    if request == "check":
        np.savez(file, *[np.stack(leaf) for leaf in zip(*map(leaves, results(case, steps)))])
        return {"file": file}
    if request == "calibrate":
        return {"steps": steps_within(library, case, seconds)}
    return {"seconds": time_steps(library, case, steps)}


def results(case: Case, steps: int) -> Iterator[Any]:
    """The result of each step from the start on."""
    state = case.start()
    for batch in islice(cycle(case.batches), steps):
        state, result = case.step(state, *batch)
        yield result


def leaves(result: Any) -> list[np.ndarray]:
    """The numbers of each array of a pytree, in the order of sorted keys."""
    if isinstance(result, dict):
        result = [result[key] for key in sorted(result)]
    if isinstance(result, (list, tuple)):
        return [leaf for part in result for leaf in leaves(part)]
    return [np.asarray(result).astype(np.float64).ravel()]


def time_steps(library: ModuleType, case: Case, steps: int) -> float:
    """Seconds of some steps from the start on, waited for once, after the last; the start is there before."""
    state, step = case.start(), case.step
    batches = list(islice(cycle(case.batches), steps))
    library.finish(state)
    gc.collect()
    gc.disable()
    begin = time.perf_counter()
    for batch in batches:
        state, result = step(state, *batch)
    library.finish((state, result))
    end = time.perf_counter()
    gc.enable()
    return end - begin


def steps_within(library: ModuleType, case: Case, seconds: float) -> int:
    """How many steps fill some seconds, found by doubling; compiles and warms up on the way."""
    steps = 1
    while time_steps(library, case, steps) < seconds:
        steps *= 2
    return steps


if __name__ == "__main__":
    main()
