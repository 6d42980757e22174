"""NVIDIA's driver as cuda-bindings shows it, over memory of the host: what the runtime asks of it, it does.

As on a GPU, what a stream is given happens later: here, when somebody waits for it. Failures are injected by the
number of a call, and a device that is lost stays so. Kernels are handed to `execute`, with their PTX.
"""

from __future__ import annotations

import ctypes
import os
import re
import threading
from collections import Counter
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np
import pytest
from fnad.runtime.cuda.driver import LOST
from fnad.runtime.cuda.host import HostMemory

_ENUMS = (
    "CUresult", "CUdevice_attribute", "CUpointer_attribute", "CUstream_flags", "CUstreamCaptureMode", "CUevent_flags",
)
_CONSTANTS = (
    "CUDA_VERSION", "CU_LAUNCH_PARAM_BUFFER_POINTER_AS_INT", "CU_LAUNCH_PARAM_BUFFER_SIZE_AS_INT",
    "CU_LAUNCH_PARAM_END_AS_INT",
)


def bindings() -> Any:
    """The real module; where it is not installed, the test file is skipped, but not in continuous integration."""
    try:
        return import_module("cuda.bindings.driver")
    except ImportError:
        if os.environ.get("FNAD_REQUIRE_CUDA_STATIC") == "1":
            raise
        pytest.skip("cuda-bindings is not there; pip install 'fnad[cuda-static]'", allow_module_level=True)


class Launched(NamedTuple):
    """A launch that the driver was given."""

    image: bytes
    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    words: np.ndarray


class Fault(Exception):
    """The result code of a call that fails."""


def function(body: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """A function of the driver: its result code, then what it gives."""

    @wraps(body)
    def call(self: FakeDriver, *arguments: Any) -> tuple[Any, ...]:
        name = body.__name__
        self.calls[name] += 1
        try:
            if self.lost is not None and name not in _TELLING:
                raise Fault(self.lost)
            injected = self.faults.get((name, self.calls[name]))
            if injected is not None:
                self.lost = injected if injected in LOST else None
                raise Fault(injected)
            return self.CUresult.CUDA_SUCCESS, *body(self, *arguments)
        except Fault as fault:
            return getattr(self.CUresult, str(fault)), None

    return call


_TELLING = {"cuGetErrorName", "cuGetErrorString"}


class FakeDriver:
    """The functions of `cuda.bindings.driver`, by the same names.

    `faults` maps the name and the number of a call to the name of the result that it has. `gpus` are the names,
    capabilities and bytes of memory of the GPUs. `pinned` are addresses of host memory that the device reads itself.
    """

    def __init__(self, real: Any, execute: Callable[[Launched, FakeDriver], None] | None = None) -> None:
        for name in (*_ENUMS, *_CONSTANTS):
            setattr(self, name, getattr(real, name))
        self.gpus = [("Fake GPU", (8, 0), 1 << 30)]
        self.version = self.CUDA_VERSION
        self.faults: dict[tuple[str, int], str] = {}
        self.has_library = True
        self.shares_pages = False
        self.pinned: set[int] = set()
        self.execute = execute or (lambda launched, driver: None)
        self.calls: Counter[str] = Counter()
        self.lost: str | None = None
        self.launched: list[Launched] = []
        self.memory: dict[int, HostMemory] = {}
        self.images: dict[int, bytes] = {}
        self.functions: dict[int, bytes] = {}
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.pending: list[Callable[[], None]] = []
        self.streams: dict[int, Any] = {}
        self.recorder: int | None = None
        self.recording: list[Callable[[], None]] = []
        self._handles = 1000
        self._thread = threading.local()

    def _handle(self) -> int:
        self._handles += 1
        return self._handles

    def _require_context(self) -> None:
        if getattr(self._thread, "context", None) is None:
            raise Fault("CUDA_ERROR_INVALID_CONTEXT")

    def _later(self, stream: int, work: Callable[[], None]) -> None:
        """Do something when the stream comes to it."""
        self._require_context()
        if stream not in self.streams:
            raise Fault("CUDA_ERROR_INVALID_HANDLE")
        (self.pending if stream != self.recorder else self.recording).append(work)

    def _at(self, address: int, nbytes: int) -> int:
        """An address whose bytes are the device's."""
        if not any([m.address <= address and address + nbytes <= m.address + m.nbytes for m in self.memory.values()]):
            raise Fault("CUDA_ERROR_ILLEGAL_ADDRESS")
        return address

    # What there is

    @function
    def cuInit(self, Flags: int) -> tuple[Any, ...]:
        if not self.has_library:
            raise RuntimeError("libcuda.so.1 cannot be loaded")
        if not self.gpus:
            raise Fault("CUDA_ERROR_NO_DEVICE")
        return ()

    @function
    def cuDriverGetVersion(self) -> tuple[Any, ...]:
        return (self.version,)

    @function
    def cuDeviceGetCount(self) -> tuple[Any, ...]:
        return (len(self.gpus),)

    @function
    def cuDeviceGet(self, ordinal: int) -> tuple[Any, ...]:
        return (ordinal,)

    @function
    def cuDeviceGetName(self, length: int, dev: int) -> tuple[Any, ...]:
        return (self.gpus[dev][0].encode().ljust(length, b"\0"),)

    @function
    def cuDeviceGetAttribute(self, attrib: Any, dev: int) -> tuple[Any, ...]:
        known, (major, minor) = self.CUdevice_attribute, self.gpus[dev][1]
        return ({
            known.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: major,
            known.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: minor,
            known.CU_DEVICE_ATTRIBUTE_PAGEABLE_MEMORY_ACCESS_USES_HOST_PAGE_TABLES: int(self.shares_pages),
        }[attrib],)

    @function
    def cuDeviceTotalMem(self, dev: int) -> tuple[Any, ...]:
        return (self.gpus[dev][2],)

    @function
    def cuGetErrorName(self, error: Any) -> tuple[Any, ...]:
        return (error.name.encode(),)

    @function
    def cuGetErrorString(self, error: Any) -> tuple[Any, ...]:
        return (b"what the driver says",)

    # Context and streams

    @function
    def cuDevicePrimaryCtxRetain(self, dev: int) -> tuple[Any, ...]:
        return (self._handle(),)

    @function
    def cuCtxSetCurrent(self, ctx: int) -> tuple[Any, ...]:
        self._thread.context = ctx
        return ()

    @function
    def cuStreamCreate(self, Flags: Any) -> tuple[Any, ...]:
        self._require_context()
        stream = self._handle()
        self.streams[stream] = Flags
        return (stream,)

    @function
    def cuStreamSynchronize(self, hStream: int) -> tuple[Any, ...]:
        if hStream == self.recorder:
            raise Fault("CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED")
        self._later(hStream, lambda: None)
        while self.pending:
            self.pending.pop(0)()
        return ()

    @function
    def cuEventCreate(self, Flags: Any) -> tuple[Any, ...]:
        return (self._handle(),)

    @function
    def cuEventRecord(self, hEvent: int, hStream: int) -> tuple[Any, ...]:
        return ()

    @function
    def cuStreamWaitEvent(self, hStream: int, hEvent: int, Flags: int) -> tuple[Any, ...]:
        self._later(hStream, lambda: None)
        return ()

    @function
    def cuEventDestroy(self, hEvent: int) -> tuple[Any, ...]:
        return ()

    # Memory

    @function
    def cuMemAlloc(self, bytesize: int) -> tuple[Any, ...]:
        self._require_context()
        if bytesize > self._free_bytes():
            raise Fault("CUDA_ERROR_OUT_OF_MEMORY")
        memory = HostMemory(bytesize)
        memory.bytes[:] = 0xFF
        self.memory[memory.address] = memory
        return (memory.address,)

    @function
    def cuMemFree(self, dptr: int) -> tuple[Any, ...]:
        if dptr not in self.memory:
            raise Fault("CUDA_ERROR_INVALID_VALUE")
        while self.pending:  # the driver waits for the device
            self.pending.pop(0)()
        del self.memory[dptr]
        return ()

    def _free_bytes(self) -> int:
        return self.gpus[0][2] - sum([m.nbytes for m in self.memory.values()])

    @function
    def cuMemGetInfo(self) -> tuple[Any, ...]:
        return self._free_bytes(), self.gpus[0][2]

    @function
    def cuMemcpyHtoDAsync(self, dstDevice: int, srcHost: int, ByteCount: int, hStream: int) -> tuple[Any, ...]:
        is_read_later = self.shares_pages or srcHost in self.pinned
        given = srcHost if is_read_later else ctypes.string_at(srcHost, ByteCount)
        target = self._at(dstDevice, ByteCount)
        self._later(hStream, lambda: ctypes.memmove(target, given, ByteCount))
        return ()

    @function
    def cuPointerGetAttribute(self, attribute: Any, ptr: int) -> tuple[Any, ...]:
        self._require_context()
        if ptr not in self.pinned:
            raise Fault("CUDA_ERROR_INVALID_VALUE")
        return (1,)

    @function
    def cuMemcpyDtoHAsync(self, dstHost: int, srcDevice: int, ByteCount: int, hStream: int) -> tuple[Any, ...]:
        source = self._at(srcDevice, ByteCount)
        self._later(hStream, lambda: ctypes.memmove(dstHost, source, ByteCount))
        return ()

    @function
    def cuMemcpyDtoDAsync(self, dstDevice: int, srcDevice: int, ByteCount: int, hStream: int) -> tuple[Any, ...]:
        target, source = self._at(dstDevice, ByteCount), self._at(srcDevice, ByteCount)
        self._later(hStream, lambda: ctypes.memmove(target, source, ByteCount))
        return ()

    # Kernels

    @function
    def cuModuleLoadData(self, image: bytes) -> tuple[Any, ...]:
        self._require_context()
        handle = self._handle()
        self.images[handle] = image
        return (handle,)

    @function
    def cuModuleGetFunction(self, hmod: int, name: bytes) -> tuple[Any, ...]:
        if not re.search(rb"\.entry\s+" + re.escape(name) + rb"\(", self.images[hmod]):
            raise Fault("CUDA_ERROR_NOT_FOUND")
        handle = self._handle()
        self.functions[handle] = self.images[hmod]
        return (handle,)

    @function
    def cuLaunchKernel(
        self, f: int, gridDimX: int, gridDimY: int, gridDimZ: int, blockDimX: int, blockDimY: int, blockDimZ: int,
        sharedMemBytes: int, hStream: int, kernelParams: Any, extra: int,
    ) -> tuple[Any, ...]:
        grid, block = (gridDimX, gridDimY, gridDimZ), (blockDimX, blockDimY, blockDimZ)
        if min(*grid, *block) < 1 or kernelParams:
            raise Fault("CUDA_ERROR_INVALID_VALUE")
        launched = Launched(self.functions[f], grid, block, self._words(extra))
        self._later(hStream, lambda: self._run(launched))
        return ()

    def _words(self, extra: int) -> np.ndarray:
        """The arguments, which the driver copies at once."""
        begin, address, size, where, end = (ctypes.c_uint64 * 5).from_address(extra)
        expected = (
            self.CU_LAUNCH_PARAM_BUFFER_POINTER_AS_INT, self.CU_LAUNCH_PARAM_BUFFER_SIZE_AS_INT,
            self.CU_LAUNCH_PARAM_END_AS_INT,
        )
        if (begin, size, end) != expected:
            raise Fault("CUDA_ERROR_INVALID_VALUE")
        nbytes = ctypes.c_uint64.from_address(where).value
        return np.frombuffer(ctypes.string_at(address, nbytes), np.int64)

    def _run(self, launched: Launched) -> None:
        self.launched.append(launched)
        self.execute(launched, self)

    # Graphs

    @function
    def cuStreamBeginCapture(self, hStream: int, mode: Any) -> tuple[Any, ...]:
        if self.streams[hStream] != self.CUstream_flags.CU_STREAM_NON_BLOCKING:
            raise Fault("CUDA_ERROR_STREAM_CAPTURE_IMPLICIT")  # for whoever uses the default stream now
        self.recorder, self.recording = hStream, []
        return ()

    @function
    def cuStreamEndCapture(self, hStream: int) -> tuple[Any, ...]:
        if hStream != self.recorder:
            raise Fault("CUDA_ERROR_ILLEGAL_STATE")
        handle, self.recorder = self._handle(), None
        self.graphs[handle] = self.recording
        return (handle,)

    @function
    def cuGraphInstantiate(self, hGraph: int, flags: int) -> tuple[Any, ...]:
        handle = self._handle()
        self.graphs[handle] = list(self.graphs[hGraph])
        return (handle,)

    @function
    def cuGraphLaunch(self, hGraphExec: int, hStream: int) -> tuple[Any, ...]:
        for work in self.graphs[hGraphExec]:
            self._later(hStream, work)
        return ()

    @function
    def cuGraphDestroy(self, hGraph: int) -> tuple[Any, ...]:
        del self.graphs[hGraph]
        return ()

    @function
    def cuGraphExecDestroy(self, hGraphExec: int) -> tuple[Any, ...]:
        del self.graphs[hGraphExec]
        return ()
