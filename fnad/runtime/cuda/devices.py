"""The devices that there are, why one is not usable, and the one that a function runs on.

Nothing is loaded and no driver is asked before the first question about a GPU.
"""

from __future__ import annotations

import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from fnad import config
from fnad.errors import DeviceError, boundary, warn
from fnad.lazy import LazyModule
from fnad.runtime.cuda.runtime import Runtime, Unusable
from fnad.shield import renewed

hardware = LazyModule("fnad.runtime.cuda.hardware")
simulator = LazyModule("fnad.runtime.cuda.simulator")
logging = LazyModule("logging")


@dataclass(frozen=True)
class Device:
    """A processor that functions may run on.

    Attributes:
        name: what it is called by: ``"cpu"``, ``"cuda:0"``, or ``"cuda"`` where there is no GPU.
        kind: ``"cpu"`` or ``"cuda"``.
        usable: whether functions run on it.
        reason: why not, and what to do, in words.
        details: what it is, in words.
    """

    name: str
    kind: str
    usable: bool
    reason: str = ""
    details: str = ""

    def __str__(self) -> str:
        said = self.details if self.usable else ", ".join(filter(None, [self.details, "not usable"]))
        return f"{self.name}: {said}" + (f": {self.reason}" if self.reason else "")

    def __repr__(self) -> str:
        return f"<{self}>"


@boundary
def devices() -> list[Device]:
    """The devices of this machine: the CPU, and each GPU, or why there is none.

    Functions run on the first GPU that is usable; the environment variable ``CUDA_VISIBLE_DEVICES`` chooses the GPUs
    that there are. The first call loads the driver, where there is one.

    Returns:
        A list of objects with a ``name``, a ``kind``, whether one is ``usable``, and if not the ``reason``.

    >>> import fnad
    >>> fnad.devices()[0].name
    'cpu'
    """
    return [_cpu(), *_gpus()]


def _cpu() -> Device:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return Device("cpu", "cpu", True, details=f"{platform.machine() or 'CPU'}, {usable} threads")


def _gpus() -> list[Device]:
    if _installed:
        return [_described(_installed[-1])]
    if is_simulated():
        opened = _open()
        return [Device("cuda", "cuda", False, opened.reason) if opened.runtime is None else _described(opened.runtime)]
    try:
        found = hardware.find_gpus()
    except Unusable as unusable:
        return [Device("cuda", "cuda", False, str(unusable))]
    failed = _known[0].reason if _known else ""
    reasons = [gpu.reason or failed for gpu in found]
    return [Device(f"cuda:{g.ordinal}", "cuda", not reason, reason, g.details) for g, reason in zip(found, reasons)]


def _described(runtime: Runtime) -> Device:
    major, minor = runtime.capability
    details = f"{runtime.name}, compute capability {major}.{minor}"
    return Device(f"cuda:{runtime.ordinal}", "cuda", True, details=details)


def chosen(device: Any = None) -> Device:
    """The device that functions run on by what a user says; see `choose`."""
    return _cpu() if choose(device) == "cpu" else _described(current())


def is_simulated() -> bool:
    """Whether numba's simulator stands for the GPU, as numba's environment variable says."""
    return os.environ.get("NUMBA_ENABLE_CUDASIM", "0") not in ("", "0")


# --- The GPU in use


class _Opened(NamedTuple):
    """The outcome of the first search for a GPU."""

    runtime: Runtime | None
    reason: str = ""


_installed: list[Runtime] = []
_known: list[_Opened] = []
_lock = renewed(threading.RLock())


def _open() -> _Opened:
    if _installed:
        return _Opened(_installed[-1])
    if not _known:
        with _lock:
            if not _known:
                try:
                    _known.append(_Opened((simulator if is_simulated() else hardware).open_runtime()))
                except Unusable as unusable:
                    _known.append(_Opened(None, str(unusable)))
    return _known[0]


def opened() -> Runtime | None:
    """The GPU in use, if it has been asked for before."""
    return _installed[-1] if _installed else _known[0].runtime if _known else None


def current(what: str = "device") -> Runtime:
    """The GPU in use; an error says why there is none."""
    runtime, reason = _open()
    if runtime is None:
        raise _missing(what, reason)
    return runtime


def _missing(what: str, reason: str) -> DeviceError:
    return DeviceError(f"{what}: requires a GPU that works, got none: {reason} fnad.devices() lists what there is.")


@contextmanager
def use(runtime: Runtime) -> Iterator[Runtime]:
    """Let another device be the GPU in use while the context lasts."""
    _installed.append(runtime)
    config.note_change()
    try:
        yield runtime
    finally:
        _installed.remove(runtime)
        config.note_change()


# --- The choice


@boundary
def default_device(device: str | None = None) -> Any:
    """Choose where functions run that do not say: ``"cpu"``, ``"cuda"``, or ``"auto"``, a GPU where one works.

    The choice is the whole process's. In a ``with`` statement it lasts for the block. It is first what the environment
    variable ``FNAD_DEVICE`` says, or else ``"cpu"``.

    Args:
        device: one of these names, or a `Device` of `devices`; without it nothing is chosen.

    Returns:
        A context manager that ends the choice, or without an argument the present choice.

    Raises:
        ValueError: there is no such device.

    >>> import fnad
    >>> fnad.default_device()
    'cpu'
    >>> with fnad.default_device("auto"):
    ...     fnad.default_device()
    'auto'
    """
    before = config.default_device
    if device is None:
        return before
    config.default_device = device.kind if isinstance(device, Device) else device
    return _Until(before)


class _Until:
    """A choice that the end of a block takes back."""

    def __init__(self, before: str) -> None:
        self._before = before

    def __enter__(self) -> None:
        pass

    def __exit__(self, *raised: Any) -> None:
        config.default_device = self._before

    def __repr__(self) -> str:
        return f"<device {config.default_device!r}, before {self._before!r}>"


def choose(device: Any = None) -> str:
    """The target, ``"cpu"`` or ``"cuda"``, by what a user says; the default device if that is nothing.

    Without a GPU that works it is the CPU: ``"auto"`` then logs why, and ``"cuda"`` warns, each once in a process.

    Raises:
        ValueError: there is no such device.
        DeviceError: ``"cuda"`` is asked for, none works, and ``config.strict_device`` is set.
    """
    name = config.default_device if device is None else device
    if isinstance(name, Device):
        name = name.name
    if name == "cpu":
        return "cpu"
    ordinal = _ordinal(name)
    runtime, reason = _open()
    if runtime is None:
        _explain(name, reason)
        return "cpu"
    if ordinal not in (None, runtime.ordinal):
        raise ValueError(
            f"device: requires cuda:{runtime.ordinal}, the GPU in use, got {name!r}. "
            "Choose another one by the environment variable CUDA_VISIBLE_DEVICES."
        )
    return "cuda"


def require_name(device: Any) -> None:
    """Raise for what names no device, whether it is there or not."""
    if not isinstance(device, Device) and not (isinstance(device, str) and device == "cpu"):
        _ordinal(device)


def _ordinal(name: Any) -> int | None:
    """The number of a GPU that is asked for, if any."""
    if isinstance(name, str) and name in ("cuda", "auto"):
        return None
    kind, _, number = name.partition(":") if isinstance(name, str) else ("", "", "")
    if kind != "cuda" or not number.isdecimal():
        raise ValueError(f"device: requires 'cpu', 'cuda', 'auto' or a device of fnad.devices(), got {name!r:.60}. "
                         "Pass the name of one.")
    return int(number)


_said: set[str] = set()


def _explain(name: str, reason: str) -> None:
    """Tell, once in a process, that the CPU is taken and why; where that is not wanted, it is an error."""
    if name != "auto" and config.strict_device:
        raise _missing("device", reason)
    kind = "auto" if name == "auto" else "cuda"
    if kind in _said:
        return
    _said.add(kind)
    if kind == "auto":
        logging.getLogger("fnad").warning("device auto: the CPU, since %s", reason)
        return
    warn(
        f"device {name}: requires a GPU that works, got none: {reason} The CPU is used instead. "
        "Set FNAD_STRICT_DEVICE=1 to make this an error."
    )
