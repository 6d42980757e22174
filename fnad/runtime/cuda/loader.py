"""The PTX of a kernel: from memory, from disk, or compiled now, which alone brings numba-cuda in. Then its code."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from functools import cache
from importlib import metadata

from fnad.lazy import LazyModule
from fnad.runtime.cache import COUNTS, DiskCache, shared_disk
from fnad.runtime.cpu.loader import CompileError
from fnad.runtime.fingerprint import Sources, kernel_files, settings
from fnad.runtime.plan import GridKernel
from fnad.shield import undisturbed
from fnad.version import __version__

toolchain = LazyModule("fnad.runtime.cuda.toolchain")

PACKAGES = ("numba-cuda", "numba", "llvmlite", "numpy", "cuda-bindings", "nvidia-nvvm", "nvidia-cuda-nvcc-cu12")
"""The compiler's packages, where installed."""

LINKERS = ("nvidia-nvjitlink", "nvidia-nvjitlink-cu12")
"""The packages that make machine code of PTX, if installed."""

MOST_KNOWN = 1024
"""Texts that are kept in memory; the oldest goes first."""
_known: dict[str, str] = {}


_HERE = os.path.dirname(__file__)
SOURCES = Sources([
    *(os.path.join(_HERE, name) for name in ("../definitions.py", "passes.py", "toolchain.py")),
    *kernel_files(but="cpu"),
])


@cache
def environment() -> bytes:
    """A hash of everything but a kernel's own text and the settings that decides its PTX."""
    digest = hashlib.sha256(__version__.encode())
    for package in PACKAGES:
        digest.update(f"\0{package} {_version(package)}".encode())
    return hashlib.sha256(digest.digest() + SOURCES.digest()).digest()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def kernel_key(kernel: GridKernel, capability: tuple[int, int]) -> str:
    """The content address of a kernel's PTX for a compute capability."""
    text = repr((kernel.source, kernel.pointers, kernel.numbers, kernel.block, kernel.min_blocks, kernel.reports))
    return hashlib.sha256(environment() + settings() + f"{capability}\0{text}".encode()).hexdigest()


def _disk() -> DiskCache:
    disk = shared_disk()
    disk.require_unchanged(SOURCES)
    return disk


def ptx_of(kernel: GridKernel, capability: tuple[int, int]) -> str:
    """A kernel as PTX for devices of a compute capability."""
    key = kernel_key(kernel, capability)
    ptx = _known.get(key)
    if ptx is None:
        return undisturbed(_found, key, kernel, capability)
    COUNTS.memory_hits += 1
    return ptx


def _found(key: str, kernel: GridKernel, capability: tuple[int, int]) -> str:
    """The PTX of a kernel that is not known, or that another thread has just found."""
    if key in _known:
        COUNTS.memory_hits += 1
        return _known[key]
    entry = _disk().get(key)
    if entry is not None:
        COUNTS.disk_hits += 1
        ptx = entry.decode()
    else:
        started = time.perf_counter()
        compile_ptx = toolchain.ptx_of  # whose import may fail for reasons of its own
        try:
            ptx = compile_ptx(kernel, capability)
        except Exception as error:
            raise CompileError(kernel) from error
        COUNTS.compiled += 1
        COUNTS.compile_seconds += time.perf_counter() - started
        if key == kernel_key(kernel, capability):  # else the settings have changed meanwhile
            _disk().put(key, ptx.encode())
    _known[key] = ptx
    for oldest in list(_known)[:-MOST_KNOWN]:
        del _known[oldest]  # one thread at a time comes here
    return ptx


def code_of(ptx: str, capability: tuple[int, int], link: Callable[[str, tuple[int, int]], bytes]) -> bytes:
    """The machine code that ``link`` makes of a kernel's PTX for a capability, kept on disk, as PTX is."""
    versions = [_version(package) for package in LINKERS]
    key = hashlib.sha256(f"{versions}\0{capability}\0{ptx}".encode()).hexdigest()
    code = _disk().get(key)
    if code is None:
        code = link(ptx, capability)
        if code.startswith(MACHINE_CODE):  # another time there may be a linker
            _disk().put(key, code)
    return code


MACHINE_CODE = b"\x7fELF"
"""Machine code's start."""
