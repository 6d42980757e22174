"""numba's simulator in the place of a GPU. It is chosen when a process starts, so each test is one of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import fnad

from tests.cuda.requirements import needs_cuda_compiler

ROOT = Path(fnad.__file__).parent.parent

pytestmark = needs_cuda_compiler


def run(code: str, simulate: str = "1") -> str:
    """What Python code prints in a process with the simulator."""
    environment = os.environ | {"NUMBA_ENABLE_CUDASIM": simulate}
    done = subprocess.run(
        [sys.executable, "-c", "import numpy as np, fnad\n" + code],
        capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_a_device_that_holds_arrays() -> None:
    printed = run(
        "print(fnad.devices()[1], fnad.devices()[1].usable)\n"
        "x = fnad.device_put(np.arange(3.0), 'cuda')\n"
        "print(repr(x), np.from_dlpack(x), repr(fnad.from_dlpack(np.ones(2))))"
    )
    assert printed.splitlines() == [
        "cuda:0: numba simulator, compute capability 8.0 True",
        "DeviceArray([0., 1., 2.], dtype=float64, device='cuda:0') [0. 1. 2.] "
        "DeviceArray([1., 1.], dtype=float64, device='cuda:0')",
    ]


def test_functions_run_on_it() -> None:
    printed = run(
        "x, y = np.linspace(-2, 2, 6, dtype=np.float32).reshape(2, 3), np.arange(3, dtype=np.float32)\n"
        "def f(x, y): return np.where(x > 0, np.exp(x) * y, x / 3), np.maximum(x, y).astype(np.float64)\n"
        "for ours, theirs in zip(fnad.jit(f, device='cuda')(x, y), f(x, y)):\n"
        "    assert type(ours) is fnad.DeviceArray and ours.dtype == theirs.dtype\n"
        "    assert np.allclose(ours, theirs, rtol=1e-6)\n"
        "flags = fnad.jit(lambda x: x > 0, device='cuda')(x)\n"
        "assert np.array_equal(flags, x > 0) and flags.dtype == bool\n"
        "print('equal')"
    )
    assert printed == "equal\n"


def test_a_process_that_began_without_it_is_told() -> None:
    code = "import os; from numba import cuda; cuda.__name__; os.environ['NUMBA_ENABLE_CUDASIM'] = '1'\n"
    printed = run(code + "print(fnad.devices()[1])", simulate="0")
    assert printed.startswith("cuda: not usable: numba was loaded before NUMBA_ENABLE_CUDASIM was set.")
