"""fnad, arrays put on the GPU once: functions run where their arrays are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad

from bench.case import Case
from bench.libraries.fnad import MODULES as MODULES
from bench.libraries.fnad import VERSION as VERSION
from bench.libraries.fnad import threads as threads

_GPUS = [device for device in fnad.devices() if device.kind == "cuda"]
if not any([gpu.usable for gpu in _GPUS]):
    raise ImportError("; ".join([gpu.reason.rstrip(".") for gpu in _GPUS]))


def placed(build: Callable[[], Case]) -> Case:
    """Batches are put on the GPU here, the start anew for every turn, since a step may take it over."""
    case = build()
    batches = fnad.device_put(case.batches, "cuda")

    def start() -> Any:
        return fnad.device_put(case.start(), "cuda")

    _, result = case.step(start(), *batches[0])
    is_there = all([isinstance(leaf, fnad.DeviceArray) for leaf in fnad.tree.leaves(result)])
    note = case.note if is_there else "computes this workload on the host: only compiled functions run on the GPU"
    return case._replace(start=start, batches=batches, note=note)


def finish(result: Any) -> None:
    """Wait: a call returns before its work is done. Work is done in order, so the last array is there last."""
    arrays = [leaf for leaf in fnad.tree.leaves(result) if isinstance(leaf, fnad.DeviceArray)]
    if arrays:
        arrays[-1].wait()
