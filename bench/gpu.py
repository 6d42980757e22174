"""The GPU that all libraries run on, for ``--device cuda``."""

from __future__ import annotations

import re
from pathlib import Path

import fnad
from fnad.runtime.cuda import devices

from bench.runner import BenchError

DRIVER = Path("/proc/driver/nvidia/version")


def found() -> dict[str, str]:
    """The GPU, its driver, and how it is timed; an error says why there is none."""
    if devices.is_simulated():
        raise BenchError("--device cuda: requires a GPU, got numba's simulator. Unset NUMBA_ENABLE_CUDASIM.")
    gpus = [device for device in fnad.devices() if device.kind == "cuda"]
    usable = [gpu for gpu in gpus if gpu.usable]
    if not usable:
        reasons = " ".join([gpu.reason for gpu in gpus])
        raise BenchError(f"--device cuda: requires a GPU that works, got none: {reasons}")
    return {
        "GPU": usable[0].details,
        "NVIDIA driver": driver_version(DRIVER.read_text() if DRIVER.exists() else ""),
        "timing": "every turn ends when the GPU has done its work",
    }


def driver_version(text: str) -> str:
    """The number in what the kernel module says of itself."""
    match = re.search(r"Kernel Module.*?\s(\d+\.[\d.]+)\s", text)
    return match[1] if match else "of unknown version"
