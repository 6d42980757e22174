"""NVIDIA's driver, through the package cuda-bindings: is it there, which GPUs has it, and what do its errors say.

Every function of the driver gives a tuple whose first element is a result code.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from fnad.errors import DeviceError
from fnad.runtime.cuda.pool import OutOfMemory
from fnad.runtime.cuda.runtime import Unusable

OLDEST_CAPABILITIES = {12: ((7, 0), "Volta"), 13: ((7, 5), "Turing")}
"""The least capability that a CUDA version's packages compile for, and the GPUs that have it first."""
_EXTRA = "fnad[cuda13]"
LOST = {
    "CUDA_ERROR_ILLEGAL_ADDRESS", "CUDA_ERROR_LAUNCH_FAILED", "CUDA_ERROR_LAUNCH_TIMEOUT", "CUDA_ERROR_ASSERT",
    "CUDA_ERROR_HARDWARE_STACK_ERROR", "CUDA_ERROR_ILLEGAL_INSTRUCTION", "CUDA_ERROR_MISALIGNED_ADDRESS",
    "CUDA_ERROR_INVALID_ADDRESS_SPACE", "CUDA_ERROR_INVALID_PC", "CUDA_ERROR_ECC_UNCORRECTABLE",
    "CUDA_ERROR_NVLINK_UNCORRECTABLE", "CUDA_ERROR_CONTAINED", "CUDA_ERROR_CONTEXT_IS_DESTROYED",
    "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA_ERROR_TENSOR_MEMORY_LEAK", "CUDA_ERROR_MPS_CLIENT_TERMINATED",
    "CUDA_ERROR_UNKNOWN",
}
"""Errors after which a process can do nothing more with the device."""
_ADVICE = {
    "CUDA_ERROR_INVALID_CONTEXT": "If another library has reset the GPU, as numba.cuda.close() does, start anew.",
    "CUDA_ERROR_NOT_INITIALIZED": "A forked process cannot use the GPU of its parent: start processes by spawn.",
    "CUDA_ERROR_DEINITIALIZED": "The process is ending.",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION": "Update the driver, or install the package nvidia-nvjitlink.",
    "CUDA_ERROR_INVALID_PTX": "Update the driver, or install the package nvidia-nvjitlink.",
    "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES": "The kernel needs more registers than a block may have on this GPU.",
    "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED": "While launches are recorded, nothing may be asked of the host.",
    "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED": "While launches are recorded, nothing may be asked of the host.",
}
_LOST_ADVICE = (
    "The device is lost to this process, and what it held with it; arrays on the host are as they were. "
    "Start the process anew; NVIDIA's compute-sanitizer says which kernel it was."
)


class Driver:
    """The driver's functions, by name, with errors in words."""

    def __init__(self, api: Any) -> None:
        self.api = api
        self.lost: str | None = None
        """The error that lost it."""
        self.renew: Callable[[], Any] | None = None
        """Makes the GPU's context this thread's; another library may have chosen another one."""

    def __call__(self, name: str, *arguments: Any) -> Any:
        """A function's results besides its code; an error if that is one."""
        function = getattr(self.api, name)
        code, *values = function(*arguments)
        if code:
            if self.renew is not None and name != "cuCtxSetCurrent" and code in self._wrong_context:
                self.renew()
                code, *values = function(*arguments)
            if code:
                raise self.error(code, name)
        return values[0] if len(values) == 1 else tuple(values) or None

    @property
    def _wrong_context(self) -> tuple[Any, Any]:
        results = self.api.CUresult
        return results.CUDA_ERROR_INVALID_CONTEXT, results.CUDA_ERROR_INVALID_HANDLE

    def error(self, code: Any, name: str) -> Exception:
        """The error of a result code."""
        if code == self.api.CUresult.CUDA_ERROR_OUT_OF_MEMORY:
            return OutOfMemory("it has no free memory")
        word = self.word(code)
        if word in LOST:
            self.lost = word
            advice = _LOST_ADVICE
        else:
            advice = _ADVICE.get(word, "nvidia-smi tells the state of the GPU and of the driver.")
        return DeviceError(f"device: requires a GPU that works, got {word} ({self.text(code)}) from {name}. {advice}")

    def word(self, code: Any) -> str:
        """The driver's name of a result."""
        return self._told("cuGetErrorName", code) or f"error {int(code)}"

    def text(self, code: Any) -> str:
        """The driver's text on a result."""
        return self._told("cuGetErrorString", code) or "no description"

    def _told(self, function: str, code: Any) -> str:
        result, text = getattr(self.api, function)(code)
        return "" if result or not text else text.decode(errors="replace")


class Gpu(NamedTuple):
    """A GPU that the driver knows."""

    ordinal: int
    handle: Any
    name: str
    capability: tuple[int, int]
    nbytes: int
    """Its memory."""
    version: int
    """The CUDA version of the packages, its first number."""

    @property
    def reason(self) -> str:
        """The reason it is unusable."""
        oldest, family = OLDEST_CAPABILITIES.get(self.version, OLDEST_CAPABILITIES[max(OLDEST_CAPABILITIES)])
        if self.capability >= oldest:
            return ""
        ours, least = (".".join(map(str, c)) for c in (self.capability, oldest))
        older = [v for v, (capability, _) in OLDEST_CAPABILITIES.items() if self.capability >= capability]
        advice = f" Try: pip install 'fnad[cuda{older[-1]}]'." if older else ""
        return f"kernels need compute capability {least} ({family}) or newer, and this GPU has {ours}.{advice}"

    @property
    def details(self) -> str:
        major, minor = self.capability
        return f"{self.name}, compute capability {major}.{minor}, {self.nbytes / 2**30:.0f} GiB"


def load() -> Any:
    """The module of the driver's functions; no driver is asked yet."""
    if find_spec("numba_cuda") is None:
        raise Unusable(f"the package numba-cuda is not installed. Try: pip install '{_EXTRA}'.")
    try:
        return import_module("cuda.bindings.driver")
    except ImportError as error:
        raise Unusable(
            f"the package cuda-bindings cannot be imported ({_line(error)}). Try: pip install '{_EXTRA}'."
        ) from None


def started(api: Any) -> Driver:
    """The driver, ready to be asked."""
    driver = Driver(api)
    try:
        code = api.cuInit(0)[0]
    except Exception:  # of whatever class: the library cannot be loaded
        raise Unusable("no NVIDIA driver is installed. Install the one for your GPU from nvidia.com.") from None
    if code == api.CUresult.CUDA_ERROR_NO_DEVICE:
        raise Unusable(
            "the NVIDIA driver finds no GPU. Look at what nvidia-smi lists and at the environment variable "
            "CUDA_VISIBLE_DEVICES."
        )
    if code:
        raise Unusable(
            f"the NVIDIA driver does not start: {driver.word(code)} ({driver.text(code)}). Try nvidia-smi; after an "
            "update of the driver, start the machine anew."
        )
    _require_version(driver)
    return driver


def _require_version(driver: Driver) -> None:
    """Kernels of a CUDA version run on drivers of the same major version, and on newer ones."""
    has, needs = driver("cuDriverGetVersion"), driver.api.CUDA_VERSION
    if has // 1000 < needs // 1000:
        raise Unusable(
            f"the NVIDIA driver is for CUDA {_version(has)}, and the installed packages are for CUDA "
            f"{_version(needs)}. Update the driver, or try: pip install 'fnad[cuda{has // 1000}]'."
        )


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def require_compiler(driver: Driver) -> None:
    """Raise where a library that compiles kernels is missing."""
    pathfinder = import_module("cuda.pathfinder")
    for library in ("nvvm", "nvrtc"):
        try:
            pathfinder.load_nvidia_dynamic_lib(library)
        except Exception as error:  # of whatever class: the library cannot be loaded
            raise Unusable(
                f"the library {library}, which compiles kernels, is not found ({_line(error)}). "
                f"Try: pip install 'fnad[cuda{driver.api.CUDA_VERSION // 1000}]'."
            ) from None


def find_gpus(driver: Driver) -> list[Gpu]:
    """All GPUs that this process may use."""
    attribute = driver.api.CUdevice_attribute
    found = []
    for ordinal in range(driver("cuDeviceGetCount")):
        handle = driver("cuDeviceGet", ordinal)
        name = driver("cuDeviceGetName", 256, handle).split(b"\0")[0].decode(errors="replace")
        major = driver("cuDeviceGetAttribute", attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, handle)
        minor = driver("cuDeviceGetAttribute", attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, handle)
        nbytes, version = driver("cuDeviceTotalMem", handle), driver.api.CUDA_VERSION // 1000
        found.append(Gpu(ordinal, handle, name, (major, minor), nbytes, version))
    if not found:
        raise Unusable("the NVIDIA driver lists no GPU. Look at the environment variable CUDA_VISIBLE_DEVICES.")
    return found


def _line(error: Exception) -> str:
    """The first line of an error's message."""
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__
