"""One fresh process of ``bench.process``: imports a library, runs a workload's first step, prints a JSON line.

Run as ``python -m bench.process_worker LIBRARY WORKLOAD [resize] [memory]``. Nothing that takes long is
imported before the clock runs.
"""

import importlib
import json
import os
import sys
import time
from typing import Any

MEMORY_STEPS = 4
"""Steps after which a step's memory is what it will stay."""


def main() -> None:
    """Answer with seconds, and what else was asked for."""
    library_name, workload_name, *requests = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    begin = time.perf_counter()
    library = importlib.import_module(f"bench.libraries.{library_name}")
    answer: dict[str, Any] = {"import": time.perf_counter() - begin}
    workload = importlib.import_module(workload_name)
    case = getattr(workload, library_name)(*library.MODULES)
    answer["before"] = resident("VmRSS")
    state, answer["first"] = step(library, case, case.start(), case.batches[0])
    if "resize" in requests:
        answer |= resize(library, case, state)
    if "memory" in requests:
        for i in range(MEMORY_STEPS):
            state, _ = step(library, case, state, case.batches[i % len(case.batches)])
        answer["peak"] = resident("VmHWM")
    print(json.dumps(answer), file=answers, flush=True)


def step(library: Any, case: Any, state: Any, batch: Any) -> tuple[Any, float]:
    """The next state, and seconds until the result was there."""
    begin = time.perf_counter()
    state, result = case.step(state, *batch)
    library.finish((state, result))
    return state, time.perf_counter() - begin


def resize(library: Any, case: Any, state: Any) -> dict[str, Any]:
    """Seconds of the first step with three quarters of a batch, and kernels compiled for it where they are counted."""
    state, _ = step(library, case, state, case.batches[0])
    count = getattr(library, "compiled", lambda: None)
    before = count()
    smaller = [array[: len(array) * 3 // 4] for array in case.batches[0]]
    library.finish(smaller)
    _, seconds = step(library, case, state, smaller)
    return {"resized": seconds, "compiled": None if before is None else count() - before}


def resident(field: str) -> int:
    """Bytes of memory that the process holds (VmRSS), or held at its peak (VmHWM)."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith(field + ":"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main()
