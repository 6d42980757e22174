"""The runtime of a GPU, on a driver that is made up: what it asks, in which order, and what it says when that fails."""

from __future__ import annotations

import gc
import inspect
import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceError, DeviceMemoryError
from fnad.runtime.cache import DiskCache
from fnad.runtime.cuda import devices, driver, hardware, loader
from fnad.runtime.cuda.arrays import uploaded
from fnad.runtime.cuda.driver import LOST, started
from fnad.runtime.cuda.hardware import DriverRuntime, entry_name
from fnad.runtime.cuda.runtime import fetch
from fnad.runtime.plan import GridKernel, GridLaunch

from tests.cuda.fake_driver import FakeDriver, bindings

real = bindings()

PTX = ".version 8.0\n.target sm_80\n.visible .entry kernel_1(\n.param .u64 a)\n{ ret; }"
KERNEL = GridKernel("double", "def kernel(x, n): pass", ("float32",), 1, (128, 1, 1))
LAUNCH = GridLaunch(KERNEL, (), (3,), (2, 1, 1))


@pytest.fixture
def fake() -> FakeDriver:
    return FakeDriver(real)


@pytest.fixture
def runtime(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> DriverRuntime:
    monkeypatch.setattr(hardware, "loader", _Toolchain)
    monkeypatch.setattr(hardware, "machine_code", lambda ptx, capability: ptx.encode())
    return opened(fake)


class _Toolchain:
    ptx_of = staticmethod(lambda kernel, capability: PTX)
    code_of = staticmethod(lambda ptx, capability, link: link(ptx, capability))


def opened(fake: FakeDriver) -> DriverRuntime:
    asked = started(fake)
    return DriverRuntime(asked, driver.find_gpus(asked)[0])


# --- The made-up driver is like the real one


@pytest.mark.parametrize("name", [name for name in vars(FakeDriver) if name.startswith("cu")])
def test_the_driver_has_the_function_and_its_parameters(name: str) -> None:
    signature = (getattr(real, name).__doc__ or "").partition("\n")[0]
    names = re.findall(r"(\w+)(?=[,)]|: )", signature.partition("(")[2])
    ours = list(inspect.signature(getattr(FakeDriver, name)).parameters)[1:]
    assert [n for n in names if n in ours] == ours and signature.count(",") == max(len(ours) - 1, 0)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("cuStreamCreate", (real.CUstream_flags.CU_STREAM_DEFAULT,)),
        ("cuStreamCreate", (real.CUstream_flags.CU_STREAM_NON_BLOCKING,)),
        ("cuMemFree", (4096,)),
        ("cuMemcpyHtoDAsync", (4096, np.zeros(1).ctypes.data, 8, real.CUstream(3))),
        ("cuPointerGetAttribute", (real.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE, 4096)),
        ("cuMemcpyDtoHAsync", (np.zeros(1).ctypes.data, 4096, 8, real.CUstream(3))),
        ("cuMemcpyDtoDAsync", (4096, 8192, 8, real.CUstream(3))),
        ("cuModuleLoadData", (b"image",)),
        ("cuModuleGetFunction", (real.CUmodule(3), b"kernel")),
        ("cuLaunchKernel", (real.CUfunction(3), 1, 1, 1, 32, 1, 1, 0, real.CUstream(3), 0, 4096)),
        ("cuEventCreate", (real.CUevent_flags.CU_EVENT_DISABLE_TIMING,)),
        ("cuEventRecord", (real.CUevent(3), 1)),
        ("cuStreamWaitEvent", (real.CUstream(3), real.CUevent(3), 0)),
        ("cuStreamBeginCapture", (real.CUstream(3), real.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED)),
        ("cuGraphInstantiate", (real.CUgraph(3), 0)),
        ("cuGraphLaunch", (real.CUgraphExec(3), real.CUstream(3))),
    ],
)
def test_the_driver_takes_our_kinds_of_arguments(name: str, arguments: tuple[Any, ...]) -> None:
    """Without a driver, they get as far as loading it."""
    try:
        real.cuDriverGetVersion()
    except RuntimeError:
        with pytest.raises(RuntimeError, match="driver library"):
            getattr(real, name)(*arguments)
    else:
        pytest.skip("a driver is here, and the handles are made up; the tests on hardware call it")


def test_names_of_lost_devices_are_the_drivers() -> None:
    assert LOST | set(driver._ADVICE) <= {code.name for code in real.CUresult}


# --- Memory


def test_arrays_go_to_the_device_and_come_back(runtime: DriverRuntime) -> None:
    x = np.arange(1000.0)
    memory = runtime.allocate(x.nbytes)
    runtime.upload(memory.address, x)
    x[:] = 0  # what is changed later is not what was sent
    back = np.empty_like(x)
    runtime.download(memory.address, back)
    assert (back == np.arange(1000.0)).all()


@pytest.mark.parametrize("is_pinned", [True, False])
def test_memory_that_the_device_reads_itself_is_read_before_it_changes(fake: FakeDriver, is_pinned: bool) -> None:
    fake.shares_pages = not is_pinned
    runtime, x = opened(fake), np.arange(3.0)
    fake.pinned = {x.ctypes.data} if is_pinned else set()
    memory, back = runtime.allocate(x.nbytes), np.empty_like(x)
    runtime.upload(memory.address, x)
    x[:] = 0
    runtime.download(memory.address, back)
    assert back.tolist() == [0, 1, 2]


def test_copies_within_the_device_are_in_order(runtime: DriverRuntime) -> None:
    x = uploaded(runtime, np.arange(5))
    y = x.copy()
    runtime.upload(x.address, np.zeros(5, int))
    assert y.tolist() == [0, 1, 2, 3, 4] and x.tolist() == [0] * 5


def test_nothing_is_asked_for_empty_arrays(runtime: DriverRuntime, fake: FakeDriver) -> None:
    x = uploaded(runtime, np.zeros((0, 3)))
    assert x.copy().tolist() == [] and not {"cuMemcpyHtoDAsync", "cuMemcpyDtoDAsync"} & set(fake.calls)


def test_memory_is_asked_of_the_driver_once(runtime: DriverRuntime, fake: FakeDriver) -> None:
    for _ in range(5):
        uploaded(runtime, np.ones(100))
    assert fake.calls["cuMemAlloc"] == 1


def test_out_of_memory_is_in_words_and_passes(runtime: DriverRuntime, fake: FakeDriver) -> None:
    x = np.ones(1 << 20)
    fake.gpus = [("Fake GPU", (8, 0), 10_000_000)]
    first = uploaded(runtime, x)
    with pytest.raises(DeviceMemoryError, match=r"requires 8388608 more bytes .* got 1611392 free of 10000000"):
        uploaded(runtime, x)
    assert (np.asarray(first) == x).all()
    del first
    assert (np.asarray(uploaded(runtime, x)) == x).all()


@pytest.mark.parametrize("n", [1, 2, 3])
def test_the_nth_allocation_fails_and_the_next_attempt_helps(runtime: DriverRuntime, fake: FakeDriver, n: int) -> None:
    fake.faults["cuMemAlloc", n] = "CUDA_ERROR_OUT_OF_MEMORY"
    arrays = [uploaded(runtime, np.full(1000 * k, k)) for k in range(1, 5)]
    assert [int(np.asarray(a)[-1]) for a in arrays] == [1, 2, 3, 4]


def test_out_of_memory_of_another_kind_is_in_words(runtime: DriverRuntime, fake: FakeDriver) -> None:
    fake.faults["cuModuleLoadData", 1] = "CUDA_ERROR_OUT_OF_MEMORY"
    with pytest.raises(DeviceMemoryError, match="requires more device memory for cuModuleLoadData"):
        runtime.load(KERNEL)


# --- Kernels


def test_a_launch_passes_its_words_in_one_piece(runtime: DriverRuntime, fake: FakeDriver) -> None:
    function = runtime.load(KERNEL)
    words = np.array([4096, 3], np.int64)
    runtime.launch(function, LAUNCH, words)
    words[:] = 0
    runtime.launch(function, LAUNCH, words + 1)
    assert fake.launched == []  # nobody waited
    runtime.synchronize()
    assert [launched.words.tolist() for launched in fake.launched] == [[4096, 3], [1, 1]]
    assert fake.launched[0].grid == (2, 1, 1) and fake.launched[0].block == (128, 1, 1)


def test_a_launch_is_one_call(runtime: DriverRuntime, fake: FakeDriver) -> None:
    function, words = runtime.load(KERNEL), np.zeros(2, np.int64)
    before = fake.calls.total()
    run = runtime.launcher(function, LAUNCH)
    for _ in range(10):
        runtime.launch(function, LAUNCH, words)
        run(words)
    assert fake.calls.total() - before == 20


def test_the_entry_is_found() -> None:
    assert entry_name(PTX) == b"kernel_1"
    assert entry_name(".visible .entry _ZN6cudapy$1Ev (\n") == b"_ZN6cudapy$1Ev"


def test_another_thread_may_use_the_runtime(runtime: DriverRuntime, fake: FakeDriver) -> None:
    x, results = uploaded(runtime, np.arange(3)), []
    thread = threading.Thread(target=lambda: results.extend(x.tolist()))
    thread.start()
    thread.join()
    assert results == [0, 1, 2]


def test_a_thread_that_waits_keeps_no_other_from_launching(
    runtime: DriverRuntime, fake: FakeDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, waits, ends = runtime.load(KERNEL), threading.Event(), threading.Event()
    monkeypatch.setattr(fake, "cuStreamSynchronize", lambda stream: (waits.set() or 0 * ends.wait(10),))
    waiting = threading.Thread(target=runtime.synchronize)
    launching = threading.Thread(target=runtime.launch, args=(function, LAUNCH, np.zeros(2, np.int64)), daemon=True)
    waiting.start()
    waits.wait(10)
    launching.start()
    launching.join(10)
    is_launched = not launching.is_alive()
    ends.set()
    waiting.join()
    assert is_launched


def test_recorded_launches_are_made_again(runtime: DriverRuntime, fake: FakeDriver) -> None:
    function = runtime.load(KERNEL)
    x, y = uploaded(runtime, np.arange(4.0)), uploaded(runtime, np.zeros(4))
    runtime.synchronize()
    runtime.begin_capture()
    runtime.launch(function, LAUNCH, np.array([x.address, 4], np.int64))
    runtime.copy(y.address, x.address, 32)
    graph = runtime.end_capture()
    runtime.synchronize()
    assert fake.launched == [] and y.tolist() == [0, 0, 0, 0]
    graph.launch(), graph.launch()
    assert y.tolist() == [0, 1, 2, 3] and len(fake.launched) == 2
    assert fake.calls["cuGraphDestroy"] == 1 and fake.calls["cuGraphLaunch"] == 2
    del graph
    gc.collect()
    assert fake.graphs == {}


def test_waiting_while_launches_are_recorded_is_an_error_in_words(runtime: DriverRuntime) -> None:
    runtime.begin_capture()
    with pytest.raises(DeviceError, match="STREAM_CAPTURE_UNSUPPORTED.* nothing may be asked of the host"):
        runtime.synchronize()
    runtime.end_capture()
    runtime.synchronize()


def test_a_recording_that_does_not_begin_lets_other_threads_go_on(runtime: DriverRuntime, fake: FakeDriver) -> None:
    fake.faults["cuStreamBeginCapture", 1] = "CUDA_ERROR_INVALID_VALUE"
    with pytest.raises(DeviceError, match="cuStreamBeginCapture"):
        runtime.begin_capture()
    thread = threading.Thread(target=runtime.synchronize, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()


def test_a_kernel_is_loaded_once(runtime: DriverRuntime, fake: FakeDriver) -> None:
    assert runtime.load(KERNEL) is runtime.load(replace(KERNEL)) and fake.calls["cuModuleLoadData"] == 1


def test_a_context_that_was_reset_is_an_error_in_words(runtime: DriverRuntime, fake: FakeDriver) -> None:
    x = uploaded(runtime, np.arange(3))
    for n in range(1, 9):
        fake.faults["cuCtxSetCurrent", fake.calls["cuCtxSetCurrent"] + n] = "CUDA_ERROR_INVALID_CONTEXT"
    fake.faults["cuMemcpyDtoHAsync", 1] = "CUDA_ERROR_INVALID_CONTEXT"
    with pytest.raises(DeviceError, match="got CUDA_ERROR_INVALID_CONTEXT .*another library has reset the GPU"):
        x.tolist()


def test_waiting_for_another_stream_is_in_our_context(runtime: DriverRuntime, fake: FakeDriver) -> None:
    fake.cuCtxSetCurrent(1)  # as another library does that works on another GPU
    runtime.wait_for(2)
    assert fake._thread.context == runtime._context and fake.calls["cuStreamWaitEvent"] == 1


# --- Failures


def test_a_lost_device_is_told_with_its_name_and_stays_lost(runtime: DriverRuntime, fake: FakeDriver) -> None:
    x = np.arange(3.0)
    array = uploaded(runtime, x)
    fake.faults["cuStreamSynchronize", 1] = "CUDA_ERROR_ILLEGAL_ADDRESS"
    with pytest.raises(DeviceError) as first:
        np.asarray(array)
    assert "got CUDA_ERROR_ILLEGAL_ADDRESS (what the driver says) from cuStreamSynchronize" in str(first.value)
    assert "arrays on the host are as they were" in str(first.value)
    assert f'at "{__file__}"' in str(first.value)
    with pytest.raises(DeviceError, match="Fake GPU, which was lost by CUDA_ERROR_ILLEGAL_ADDRESS before"):
        uploaded(runtime, np.zeros(10_000))
    with pytest.raises(DeviceError, match="was lost"):
        array.copy()
    del array
    runtime.pool.trim()  # memory of a lost device is nobody's
    assert x.tolist() == [0, 1, 2]


def test_no_frames_of_the_driver_reach_the_user(runtime: DriverRuntime, fake: FakeDriver) -> None:
    array = uploaded(runtime, np.arange(3.0))
    fake.faults["cuMemcpyDtoHAsync", 1] = "CUDA_ERROR_LAUNCH_FAILED"
    with pytest.raises(DeviceError) as raised:
        float(array)
    assert [entry.path.name for entry in raised.traceback] == ["test_hardware.py"]


@pytest.mark.parametrize("word", ["CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "CUDA_ERROR_INVALID_VALUE"])
def test_a_launch_that_fails_is_an_error_and_the_device_goes_on(
    runtime: DriverRuntime, fake: FakeDriver, word: str
) -> None:
    function, words = runtime.load(KERNEL), np.zeros(2, np.int64)
    fake.faults["cuLaunchKernel", 1] = fake.faults["cuLaunchKernel", 2] = word
    with pytest.raises(DeviceError, match=f"got {word}"):
        runtime.launch(function, LAUNCH, words)
    runtime.launch(function, LAUNCH, words)
    runtime.synchronize()
    assert len(fake.launched) == 1


def test_a_forked_process_is_told_to_spawn(runtime: DriverRuntime, fake: FakeDriver) -> None:
    fake.faults["cuMemcpyHtoDAsync", 1] = "CUDA_ERROR_NOT_INITIALIZED"
    with pytest.raises(DeviceError, match="start processes by spawn"):
        uploaded(runtime, np.ones(3))


def test_a_kernel_that_reports_raises_its_error_at_the_next_look(runtime: DriverRuntime, fake: FakeDriver) -> None:
    array = uploaded(runtime, np.ones(3))
    number = runtime.failures.register(lambda code: IndexError(f"index {code} is out of bounds"))
    other = runtime.failures.register(lambda code: ValueError("another one"))
    assert (number, other) == (1, 2)

    def fail(number: int) -> None:
        runtime.upload(runtime.failures.expect(runtime), np.array([number, 7], np.int64))

    fail(number)
    with pytest.raises(IndexError, match="index 7 is out of bounds"):
        np.asarray(array)
    runtime.failures.expect(runtime)
    assert np.asarray(array).tolist() == [1, 1, 1]  # it is told once
    fail(other)
    with pytest.raises(ValueError, match="another one"):
        array.wait()
    fail(other)
    runtime.failures.forget(other)  # its function is gone, and whether it failed is not known yet
    with pytest.raises(ValueError, match="another one"):
        np.asarray(array)
    fail(other)
    with pytest.raises(DeviceError, match="failure 7 of a function that is gone"):
        fetch(runtime, array.address, np.empty(3))


def test_launches_that_cannot_fail_cost_no_look(runtime: DriverRuntime, fake: FakeDriver) -> None:
    array = uploaded(runtime, np.ones(3))
    np.asarray(array), np.asarray(array)
    assert fake.calls["cuMemcpyDtoHAsync"] == 2
    runtime.failures.expect(runtime)
    np.asarray(array), np.asarray(array)
    assert fake.calls["cuMemcpyDtoHAsync"] == 5


# --- Machines on which no GPU is usable


def _without_library(fake: FakeDriver) -> None:
    fake.has_library = False


def _without_gpu(fake: FakeDriver) -> None:
    fake.gpus = []


def _old_driver(fake: FakeDriver) -> None:
    fake.version = 12040


def _mismatched(fake: FakeDriver) -> None:
    fake.faults["cuInit", 1] = fake.faults["cuInit", 2] = "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"


def _old_gpu(fake: FakeDriver) -> None:
    fake.gpus = [("Old GPU", (6, 1), 1 << 33)]


def _volta(fake: FakeDriver) -> None:
    fake.gpus, fake.CUDA_VERSION = [("Tesla V100", (7, 0), 1 << 34)], 13000


def _full(fake: FakeDriver) -> None:
    fake.faults["cuDevicePrimaryCtxRetain", 1] = "CUDA_ERROR_OUT_OF_MEMORY"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_without_library, "no NVIDIA driver is installed"),
        (_without_gpu, "the NVIDIA driver finds no GPU"),
        (_old_driver, "driver is for CUDA 12.4, and the installed packages are for CUDA 13.*'fnad.cuda12.'"),
        (_mismatched, "does not start: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
        (_old_gpu, r"compute capability 7.\d .\w+. or newer, and this GPU has 6.1"),
        (_volta, "compute capability 7.5 .Turing. or newer, and this GPU has 7.0. Try: pip install 'fnad.cuda12.'"),
        (_full, "Fake GPU does not start: it has no free memory"),
    ],
)
def test_what_is_wrong_is_said_in_words(
    fake: FakeDriver, monkeypatch: pytest.MonkeyPatch, spoil: Any, reason: str
) -> None:
    spoil(fake)
    monkeypatch.setattr(driver, "load", lambda: fake)
    monkeypatch.setattr(driver, "require_compiler", lambda driver: None)
    monkeypatch.setattr(devices, "_known", [])
    monkeypatch.setattr(devices, "_said", set())
    with pytest.warns(RuntimeWarning, match=reason):
        assert devices.choose("cuda") == "cpu"
    assert not devices.devices()[1].usable and re.search(reason, devices.devices()[1].reason)


def test_a_machine_with_gpus_is_described_and_chosen(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.gpus = [("Old GPU", (6, 1), 1 << 33), ("New GPU", (9, 0), 80 << 30)]
    monkeypatch.setattr(driver, "load", lambda: fake)
    monkeypatch.setattr(driver, "require_compiler", lambda driver: None)
    monkeypatch.setattr(devices, "_known", [])
    _, old, new = fnad.devices()
    assert str(new) == "cuda:1: New GPU, compute capability 9.0, 80 GiB" and new.usable
    assert str(old).startswith("cuda:0: Old GPU, compute capability 6.1, 8 GiB, not usable: kernels need")
    assert devices.choose("auto") == devices.choose(new) == devices.choose("cuda") == "cuda"
    assert devices.current().ordinal == 1 and fnad.device_put(1.0, "cuda").device == "cuda:1"
    with pytest.raises(ValueError, match="requires cuda:1, the GPU in use, got 'cuda:0'"):
        devices.choose("cuda:0")


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "find_spec", lambda name: None)
    with pytest.raises(hardware.Unusable, match="numba-cuda is not installed. Try: pip install 'fnad.cuda13.'"):
        driver.load()


def test_a_missing_compiler_is_named(fake: FakeDriver, monkeypatch: pytest.MonkeyPatch) -> None:
    pathfinder = pytest.importorskip("cuda.pathfinder")

    def missing(name: str) -> None:
        raise pathfinder.DynamicLibNotFoundError("not here")

    monkeypatch.setattr(pathfinder, "load_nvidia_dynamic_lib", missing)
    with pytest.raises(hardware.Unusable, match="library nvvm, which compiles kernels, is not found .not here."):
        driver.require_compiler(started(fake))


def test_without_a_linker_the_driver_is_given_ptx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    assert hardware.machine_code(PTX, (8, 0)) == PTX.encode() + b"\0"


def test_machine_code_is_kept_on_disk_and_ptx_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    linked, disk = [], DiskCache(tmp_path, 1 << 20)
    monkeypatch.setattr(loader, "_disk", lambda: disk)

    def link(ptx: str, capability: tuple[int, int]) -> bytes:
        linked.append(capability)
        return b"\x7fELF code" if capability == (8, 0) else ptx.encode()

    for capability in ((8, 0), (8, 0), (9, 0), (9, 0)):
        assert loader.code_of(PTX, capability, link).startswith(b"\x7fELF" if capability == (8, 0) else b".version")
    assert linked == [(8, 0), (9, 0), (9, 0)]
