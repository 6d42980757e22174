"""What a GPU's runtime must do: on a GPU where there is one, and else on the made-up driver with kernels as PTX."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceMemoryError
from fnad.runtime.cuda import devices, driver, hardware
from fnad.runtime.cuda.arrays import uploaded
from fnad.runtime.cuda.hardware import DriverRuntime
from fnad.runtime.plan import GridKernel, GridLaunch

from tests.cuda.executing import execute_ptx
from tests.cuda.fake_driver import FakeDriver, bindings
from tests.cuda.requirements import needs_cuda_compiler

real = bindings()
pytestmark = needs_cuda_compiler

DOUBLE = GridKernel(
    "double", """\
def kernel(x, n):
    i = int64(cuda.blockIdx.x) * int64(128) + int64(cuda.threadIdx.x)
    if i < n:
        x[i] = x[i] * float32(2)
""", ("float32",), 1, (128, 1, 1),
)
CHECK = GridKernel(
    "check", """\
def kernel(x, n, status, number):
    i = int64(cuda.blockIdx.x) * int64(128) + int64(cuda.threadIdx.x)
    if i < n and x[i] < float32(0):
        report(status, number, int64(7))
""", ("float32",), 1, (128, 1, 1), reports=True,
)


@cache
def no_gpu() -> str:
    """Why the tests do not run on a GPU here."""
    try:
        return "" if any([not gpu.reason for gpu in hardware.find_gpus()]) else "no GPU is new enough"
    except hardware.Unusable as unusable:
        return str(unusable)


@pytest.fixture(params=["made-up driver", pytest.param("gpu", marks=pytest.mark.gpu)])
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[DriverRuntime]:
    if request.param == "gpu":
        reason = no_gpu()
        if reason:
            pytest.skip(f"requires a GPU, got none: {reason} The same test ran on PTX that a CPU executed.")
        yield devices.current()
        return
    monkeypatch.setattr(hardware, "machine_code", lambda ptx, capability: ptx.encode())
    asked = driver.started(FakeDriver(real, execute_ptx))
    with devices.use(DriverRuntime(asked, driver.find_gpus(asked)[0])) as runtime:
        yield runtime


def launched(runtime: DriverRuntime, kernel: GridKernel, x: fnad.DeviceArray, *more: int) -> Any:
    """A call that runs a kernel on all elements of an array."""
    launch = GridLaunch(kernel, (), (x.size,), (-(-x.size // 128), 1, 1))
    run, words = runtime.launcher(runtime.load(kernel), launch), np.array([x.address, x.size, *more], np.int64)
    return lambda: run(words)


@pytest.mark.parametrize("count", [0, 1, 1000, 300_001])
def test_values_survive_the_way_there_and_back(runtime: DriverRuntime, count: int) -> None:
    values = np.random.default_rng(0).normal(size=count)
    x = uploaded(runtime, values)
    values_before, values[:] = values.copy(), 0
    y = x.copy()
    runtime.upload(x.address, values)
    assert (np.asarray(y) == values_before).all() and not np.asarray(x).any()


def test_kernels_run_in_order(runtime: DriverRuntime) -> None:
    x = uploaded(runtime, np.arange(1000, dtype=np.float32))
    double = launched(runtime, DOUBLE, x)
    for _ in range(5):
        double()
    y = x.copy()
    double()
    assert (np.asarray(y) == 32 * np.arange(1000)).all() and (np.asarray(x) == 64 * np.arange(1000)).all()


def test_recorded_launches_run_as_often_as_they_are_asked_for(runtime: DriverRuntime) -> None:
    x = uploaded(runtime, np.ones(300, np.float32))
    double = launched(runtime, DOUBLE, x)
    runtime.begin_capture()
    double(), double()
    graph = runtime.end_capture()
    assert (np.asarray(x) == 1).all()
    for _ in range(3):
        graph.launch()
    assert (np.asarray(x) == 64).all()


def test_a_recording_keeps_the_arguments_of_each_launch(runtime: DriverRuntime) -> None:
    """All launches of a kernel are given to the driver in the same memory of the host."""
    x, y, z = (uploaded(runtime, np.full(300, value, np.float32)) for value in (1, 2, 3))
    runtime.begin_capture()
    for array in (x, y):
        launched(runtime, DOUBLE, array)()
    graph = runtime.end_capture()
    launched(runtime, DOUBLE, z)()
    graph.launch()
    assert [float(np.asarray(array)[-1]) for array in (x, y, z)] == [2, 4, 6]


def test_pinned_memory_is_read_before_it_changes(runtime: DriverRuntime) -> None:
    torch = pytest.importorskip("torch")
    pinned = torch.ones(1 << 24).pin_memory().numpy()
    x = uploaded(runtime, pinned)
    pinned[:] = 0
    assert (np.asarray(x) == 1).all()


def test_the_first_failure_is_raised_when_data_is_brought_back(runtime: DriverRuntime) -> None:
    good, bad = uploaded(runtime, np.ones(300, np.float32)), uploaded(runtime, np.full(300, -1, np.float32))
    first = runtime.failures.register(lambda code: ValueError(f"the first, {code}"))
    second = runtime.failures.register(lambda code: ValueError(f"the second, {code}"))
    status = runtime.failures.expect(runtime)
    for array, number in ((good, second), (bad, first), (bad, second)):
        launched(runtime, CHECK, array, status, number)()
    with pytest.raises(ValueError, match="the first, 7"):
        np.asarray(good)
    assert (np.asarray(good) == 1).all()


def test_too_much_memory_is_an_error_and_the_device_goes_on(runtime: DriverRuntime) -> None:
    with pytest.raises(DeviceMemoryError, match="requires 1125899906842624 more bytes of device memory, got"):
        runtime.allocate(1 << 50)
    assert float(uploaded(runtime, np.ones(()))) == 1


def test_functions_run_on_it(runtime: DriverRuntime) -> None:
    x = np.linspace(-3, 3, 1000, dtype=np.float32)
    function = fnad.jit(lambda x: (np.exp(x) * 2 + np.abs(x), np.maximum(x, 0)), device="cuda")
    for ours, theirs in zip(function(x), (np.exp(x) * 2 + np.abs(x), np.maximum(x, 0))):
        assert np.allclose(ours, theirs, rtol=1e-6)


# --- Only on hardware


@pytest.fixture
def gpu() -> DriverRuntime:
    reason = no_gpu()
    if reason:
        pytest.skip(f"requires a GPU, got none: {reason}")
    return devices.current()


@pytest.mark.gpu
@pytest.mark.parametrize("library", ["torch", "cupy"])
def test_other_libraries_share_the_memory(gpu: DriverRuntime, library: str) -> None:
    module = pytest.importorskip(library)
    if library == "torch" and not module.cuda.is_available():
        pytest.skip("requires a torch for this GPU")
    x = fnad.device_put(np.arange(1024, dtype=np.float32), "cuda")
    seen = module.from_dlpack(x)
    assert float((seen * 2).sum()) == 1023 * 1024
    back = fnad.from_dlpack(seen)
    assert back.address == x.address and back.tolist() == x.tolist()
    made = module.ones(1024, dtype=module.float32, **({"device": "cuda"} if library == "torch" else {})) * 3
    assert (np.asarray(fnad.device_put(made, "cuda")) == 3).all()


@pytest.mark.gpu
def test_a_bad_address_loses_the_device_and_is_told(gpu: DriverRuntime) -> None:
    """In a process of its own, which can do nothing more with the GPU."""
    code = (
        "import numpy as np\n"
        "from fnad import DeviceError\n"
        "from fnad.runtime.cuda import devices\n"
        "from tests.cuda.test_on_gpu import DOUBLE, GridLaunch\n"
        "runtime = devices.current()\n"
        "runtime.launch(runtime.load(DOUBLE), GridLaunch(DOUBLE, (), (1,), (1, 1, 1)), np.array([16, 1], np.int64))\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        runtime.synchronize()\n"
        "    except DeviceError as error:\n"
        "        print(error)\n"
    )
    root = Path(fnad.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=root, timeout=300)
    first, second = done.stdout.splitlines()
    assert "CUDA_ERROR_ILLEGAL_ADDRESS" in first and "was lost by CUDA_ERROR_ILLEGAL_ADDRESS before" in second


def test_kernels_become_machine_code_before_the_driver_sees_them() -> None:
    try:
        pytest.importorskip("cuda.pathfinder").load_nvidia_dynamic_lib("nvJitLink")
    except RuntimeError:
        pytest.skip("requires the package nvidia-nvjitlink")
    code = hardware.machine_code(hardware.loader.ptx_of(DOUBLE, (8, 0)), (8, 0))
    assert code.startswith(b"\x7fELF")
