"""A GPU by its driver: one stream on which everything happens in the order of asking.

The primary context is used, as other libraries do, so that they may read each other's memory. The stream is an
ordinary one: what the driver's default stream is given, which those libraries use, is in order with it too.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from fnad.errors import DeviceError, DeviceMemoryError
from fnad.runtime.cuda import cublas, loader
from fnad.runtime.cuda import driver as drivers
from fnad.runtime.cuda.driver import Driver, Gpu
from fnad.runtime.cuda.failures import Failures
from fnad.runtime.cuda.pool import OutOfMemory, Piece, Pool
from fnad.runtime.cuda.runtime import Runtime, Unusable
from fnad.runtime.plan import GridKernel, GridLaunch
from fnad.shield import renewed


def find_gpus() -> list[Gpu]:
    """The GPUs of this machine.

    Raises:
        Unusable: none can be used, whatever it is.
    """
    driver = drivers.started(drivers.load())
    drivers.require_compiler(driver)
    return drivers.find_gpus(driver)


def open_runtime() -> DriverRuntime:
    """The first GPU that is usable, ready to work.

    Raises:
        Unusable: there is none.
    """
    driver = drivers.started(drivers.load())
    drivers.require_compiler(driver)
    gpus = drivers.find_gpus(driver)
    usable = [gpu for gpu in gpus if not gpu.reason]
    if not usable:
        raise Unusable(gpus[0].reason)
    try:
        return DriverRuntime(driver, usable[0])
    except (DeviceError, OutOfMemory) as error:
        raise Unusable(f"{usable[0].name} does not start: {error}") from None


class Function:
    """A kernel on the device, with the memory that its launches pass their arguments in."""

    __slots__ = ("handle", "block", "words", "extra", "_parts")

    def __init__(self, handle: Any, kernel: GridKernel, api: Any) -> None:
        self.handle = handle
        self.block = kernel.block
        count = len(kernel.pointers) + kernel.numbers + 2 * kernel.reports
        self.words = np.zeros(max(count, 1), np.int64)
        size = np.array([8 * count], np.int64)
        # The driver reads the arguments in one piece: each takes 8 bytes, so none is padded.
        extra = np.array([
            api.CU_LAUNCH_PARAM_BUFFER_POINTER_AS_INT, self.words.ctypes.data,
            api.CU_LAUNCH_PARAM_BUFFER_SIZE_AS_INT, size.ctypes.data, api.CU_LAUNCH_PARAM_END_AS_INT,
        ], np.int64)
        self.extra = extra.ctypes.data
        self._parts = size, extra


class Graph:
    """Launches that were recorded, made again by a single call."""

    def __init__(self, runtime: DriverRuntime, recorded: Any) -> None:
        self._runtime = runtime
        try:
            self._handle = runtime.ask("cuGraphInstantiate", recorded, 0)
        finally:
            runtime.driver.api.cuGraphDestroy(recorded)

    def launch(self) -> None:
        """Make the launches, on the addresses and numbers that they were recorded with."""
        self._runtime._in_turn("cuGraphLaunch", self._handle)

    def __del__(self) -> None:
        handle = getattr(self, "_handle", None)
        if handle is not None:
            self._runtime.driver.api.cuGraphExecDestroy(handle)


class DriverRuntime(Runtime):
    """A GPU. FNAD_CUDA_GRAPHS=0 in the environment keeps it from recording launches."""

    def __init__(self, driver: Driver, gpu: Gpu) -> None:
        self.driver = driver
        shared = driver.api.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES
        self._shares_pages = bool(driver("cuDeviceGetAttribute", shared, gpu.handle))
        self.name, self.capability, self.ordinal = gpu.name, gpu.capability, gpu.ordinal
        self.records = os.environ.get("FNAD_CUDA_GRAPHS", "1") != "0"
        self.failures = Failures()
        self._context = driver("cuDevicePrimaryCtxRetain", gpu.handle)
        self._enter()
        driver.renew = self._enter
        flags = driver.api.CUstream_flags
        self.handle = driver("cuStreamCreate", flags.CU_STREAM_DEFAULT)
        # While an ordinary stream records, the driver refuses what other threads give its default stream.
        self._recorder = driver("cuStreamCreate", flags.CU_STREAM_NON_BLOCKING)
        self._current = self.handle
        """The stream that takes what is asked for."""
        self.stream = int(self.handle)
        # Held while launches are recorded, so that nothing else gets among them.
        self._lock = renewed(threading.RLock())
        self.blas = cublas.start(self.stream, self._turn)
        self.pool = Pool(self._allocate, self._free, self._available)
        self._functions: dict[GridKernel, Function] = {}

    def _enter(self) -> None:
        self.driver("cuCtxSetCurrent", self._context)

    def ask(self, name: str, *arguments: Any) -> Any:
        """A driver function's result; errors are in words, and a lost device stays so."""
        if self.driver.lost:
            raise DeviceError(
                f"device: requires a GPU that works, got {self.name}, which was lost by {self.driver.lost} before. "
                "Start the process anew; arrays on the host are as they were."
            )
        try:
            return self.driver(name, *arguments)
        except OutOfMemory:
            free, total = self._available()
            raise DeviceMemoryError(
                f"device: requires more device memory for {name}, got {free} bytes free of {total}. "
                "Use smaller batches, or drop device arrays that are no longer needed."
            ) from None

    def _in_turn(self, name: str, *arguments: Any) -> Any:
        """Ask for something on the stream, its last argument, not while another thread records what it launches."""
        with self._lock:
            return self.ask(name, *arguments, self._current)

    def _now(self) -> Any:
        """The stream, when no other thread records: for what may wait for the device, which nobody else has to."""
        with self._lock:
            return self._current

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """The time in which a library of the device's own may give the stream something."""
        with self._lock:
            self._enter()  # it asks the driver itself, for the GPU of whatever context is this thread's
            yield

    # Memory

    def allocate(self, nbytes: int) -> Piece:
        """A piece of memory, of any content."""
        return self.pool.take(nbytes)

    def _allocate(self, nbytes: int) -> int:
        if self.driver.lost:
            self.ask("cuMemAlloc", nbytes)
        self._enter()
        return int(self.driver("cuMemAlloc", nbytes))

    def _free(self, address: int) -> None:
        if not self.driver.lost:
            self._enter()
            self.ask("cuMemFree", address)

    def _available(self) -> tuple[int, int]:
        self._enter()
        return self.driver("cuMemGetInfo")

    def upload(self, address: int, array: np.ndarray) -> None:
        """Copy a C-contiguous array of the host to the device; it may be changed right after."""
        if array.nbytes:
            self.ask("cuMemcpyHtoDAsync", address, array.ctypes.data, array.nbytes, self._now())
            if self._reads_later(array):
                self.synchronize()

    def _reads_later(self, array: np.ndarray) -> bool:
        """Whether the device reads the host's memory itself: the driver copies ordinary memory before it returns.

        It is so of memory that the driver knows, as other libraries' pinned arrays, and of all memory on machines
        where GPU and CPU have the same page tables.
        """
        if self._shares_pages:
            return True
        api = self.driver.api
        kind = api.CUpointer_attribute.CU_POINTER_ATTRIBUTE_MEMORY_TYPE
        return not api.cuPointerGetAttribute(kind, array.ctypes.data)[0]

    def download(self, address: int, array: np.ndarray) -> None:
        """Fill a C-contiguous array of the host from the device, when all that was asked before is done."""
        if array.nbytes:
            self.ask("cuMemcpyDtoHAsync", array.ctypes.data, address, array.nbytes, self._now())
        self.synchronize()

    def copy(self, target: int, source: int, nbytes: int) -> None:
        """Copy bytes within the device."""
        if nbytes:
            self._in_turn("cuMemcpyDtoDAsync", target, source, nbytes)

    # Kernels

    def load(self, kernel: GridKernel) -> Function:
        """A kernel, compiled for the device, which keeps it: plans have many launches of few kernels."""
        if kernel in self._functions:
            return self._functions[kernel]
        ptx = loader.ptx_of(kernel, self.capability)
        self._enter()
        module = self.ask("cuModuleLoadData", loader.code_of(ptx, self.capability, machine_code))
        function = Function(self.ask("cuModuleGetFunction", module, entry_name(ptx)), kernel, self.driver.api)
        return self._functions.setdefault(kernel, function)

    def launch(self, function: Function, launch: GridLaunch, words: np.ndarray) -> None:
        """Run a kernel with its arguments, int64 words, which the caller may change right after."""
        self.launcher(function, launch)(words)

    def launcher(self, function: Function, launch: GridLaunch) -> Callable[[np.ndarray], None]:
        """A kernel's launcher: all but its words is ready, so that Python does the least for a launch."""
        before = function.handle, *launch.grid, *function.block, 0
        call, lock, driver = self.driver.api.cuLaunchKernel, self._lock, self.driver

        def run(words: np.ndarray) -> None:
            with lock:
                function.words[:] = words  # the function is kept with what `given` only has addresses of
                given = (*before, self._current, 0, function.extra)
                if call(*given)[0] or driver.lost:
                    self.ask("cuLaunchKernel", *given)

        return run

    def synchronize(self) -> None:
        """Wait until all that was asked before is done."""
        self.ask("cuStreamSynchronize", self._now())

    def wait_for(self, stream: int) -> None:
        """Let what is asked from now on happen after what another stream was given."""
        self._enter()  # an event belongs to the context that it is made in
        event = self.ask("cuEventCreate", self.driver.api.CUevent_flags.CU_EVENT_DISABLE_TIMING)
        try:
            self.ask("cuEventRecord", event, stream)
            with self._lock:
                self.ask("cuStreamWaitEvent", self._current, event, 0)
        finally:
            self.driver.api.cuEventDestroy(event)

    # Recorded launches

    def begin_capture(self) -> None:
        """Record what is launched and copied on the device from now on, in place of doing it.

        Memory that the recorded launches use must be kept as long as the graph.
        """
        self._lock.acquire()  # until the recording ends
        mode = self.driver.api.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        try:
            self.ask("cuStreamBeginCapture", self._recorder, mode)
            self._give_to(self._recorder)
        except BaseException:
            self._current = self.handle
            self._lock.release()
            raise

    def end_capture(self) -> Graph:
        """The record since `begin_capture`."""
        try:
            self._give_to(self.handle)
            return Graph(self, self.ask("cuStreamEndCapture", self._recorder))
        finally:
            self._lock.release()

    def _give_to(self, stream: Any) -> None:
        """Let a stream take what is asked for from now on."""
        self._current = stream
        if self.blas is not None:
            self.blas.give_to(int(stream))


def entry_name(ptx: str) -> bytes:
    """The name of the kernel in PTX."""
    return re.search(r"\.entry\s+([\w$]+)", ptx)[1].encode()


def machine_code(ptx: str, capability: tuple[int, int]) -> bytes:
    """A kernel as the driver takes it: machine code by nvJitLink, or PTX where that is missing or too old for the GPU.

    Machine code runs on every driver of the same major version, while PTX may be newer than the driver knows.
    """
    text = ptx.encode() + b"\0"
    try:
        linker = import_module("cuda.bindings.nvjitlink")
        handle = linker.create(1, [f"-arch=sm_{capability[0]}{capability[1]}"])
    except Exception:  # of whatever class: the library cannot be loaded, or is too old for the GPU
        return text
    try:
        linker.add_data(handle, linker.InputType.PTX, text, len(text), "kernel")
        linker.complete(handle)
        code = bytearray(linker.get_linked_cubin_size(handle))
        linker.get_linked_cubin(handle, code)
        return bytes(code)
    except linker.nvJitLinkError:
        return text
    finally:
        linker.destroy(handle)
