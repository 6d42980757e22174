"""A kernel's machine code: from memory, from disk, or compiled now.

Only a kernel that neither this process nor the disk knows brings numba in; loading from disk
needs llvmlite alone.
"""

import atexit
import ctypes
import hashlib
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any
from weakref import WeakValueDictionary

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from fnad.lazy import LazyModule
from fnad.memo import Memo
from fnad.runtime.cache import COUNTS, DiskCache, Statistics, shared_disk
from fnad.runtime.fingerprint import CPU_SOURCES, Sources, settings
from fnad.runtime.plan import Kernel
from fnad.shield import soon, undisturbed
from fnad.version import __version__


toolchain = LazyModule("fnad.runtime.cpu.toolchain")


class CompileError(RuntimeError):
    """A kernel that numba refused; numba's own words are the cause."""

    def __init__(self, kernel: Kernel) -> None:
        super().__init__(
            f"kernel {kernel.name}: requires source that compiles, got\n{kernel.source}\n"
            "This is a defect of fnad: please report it with the error above."
        )
        self.kernel = kernel


@cache
def environment(sources: Sources = CPU_SOURCES) -> bytes:
    """A hash of everything that decides machine code but a kernel's source and the settings, which may change."""
    versions = (
        __version__,
        llvmlite.__version__,
        np.__version__,
        str(sys.implementation.cache_tag),
        llvm.get_process_triple(),
        llvm.get_host_cpu_name(),
        llvm.get_host_cpu_features().flatten(),
    )
    return hashlib.sha256("\0".join(versions).encode() + sources.digest()).digest()


def kernel_key(source: str) -> str:
    """The content address of a kernel's machine code."""
    return hashlib.sha256(environment() + settings() + source.encode()).hexdigest()


MOST_RECENT = 256
"""Kernels that are kept though nobody uses them any more."""


_unused: deque[Any] = deque()


class MachineCode:
    """A kernel in memory, at an address that is valid as long as this object lives.

    Attributes:
        address: that of `kernel(buffers, params, lo, hi)`.
        owner: what gives the memory back; LLVM does so where nothing else works with it, now or later.
    """

    __slots__ = ("address", "owner", "__weakref__")

    def __init__(self, address: int, owner: Any) -> None:
        self.address, self.owner = address, owner

    def __del__(self, unused: deque[Any] = _unused, soon: Callable[..., None] = soon) -> None:
        unused.append(self.owner)
        if len(unused) == 1:
            soon(unused.clear)  # not here, where an interrupt could leave LLVM's lock held for ever


class Loader:
    """Kernels by source. What uses one holds it, and the last ones that were asked for are kept for a while."""

    def __init__(self, disk: DiskCache, counts: Statistics = COUNTS) -> None:
        self.disk, self.counts = disk, counts
        self._loaded: WeakValueDictionary[str, MachineCode] = WeakValueDictionary()
        self._recent: OrderedDict[str, MachineCode] = OrderedDict()
        self._kept: list[MachineCode] = []
        self._foreign = Memo()
        environment()
        disk.require_unchanged(CPU_SOURCES)

    def load(self, kernel: Kernel) -> MachineCode:
        """A kernel's machine code."""
        known = None if kernel.words else self._loaded.get(kernel.source)
        if known is None:
            return undisturbed(self._found, kernel)
        self.counts.memory_hits += 1
        self._keep(kernel.source, known)
        return known

    def _found(self, kernel: Kernel) -> MachineCode:
        """The machine code of a kernel that is not known, or that another thread has just found."""
        _unused.clear()
        if kernel.words:
            return self._foreign_code(kernel)
        code = self._loaded.get(kernel.source)
        if code is not None:
            self.counts.memory_hits += 1
        else:
            key = kernel_key(kernel.source)
            code = self._loaded[kernel.source] = self._from_disk(key) or self._compiled(key, kernel)
        self._keep(kernel.source, code)
        return code

    def _keep(self, source: str, code: MachineCode) -> None:
        """Keep a kernel for a while; threads may do so at the same time, each of these steps is one for them."""
        self._recent[source] = code
        with suppress(KeyError):
            self._recent.move_to_end(source)
            while len(self._recent) > MOST_RECENT:
                self._recent.popitem(last=False)

    def address(self, kernel: Kernel) -> int:
        """The address of a kernel that is never given back."""
        code = self.load(kernel)
        self._kept.append(code)
        return code.address

    def _foreign_code(self, kernel: Kernel) -> MachineCode:
        """That of a kernel that calls a Python function, which only this process knows."""
        # Constants that are equal may still compile to other code, as 1, 1.0 and True do.
        key = kernel, tuple([repr(value) for _, value in kernel.words])
        return self._foreign.get(key, lambda: self._compile_foreign(kernel))

    def _compile_foreign(self, kernel: Kernel) -> MachineCode:
        started = time.perf_counter()
        made = toolchain.compile_foreign(kernel)
        self.counts.compiled += 1
        self.counts.compile_seconds += time.perf_counter() - started
        return MachineCode(made.address, made)

    def _from_disk(self, key: str) -> MachineCode | None:
        entry = self.disk.get(key)
        if entry is None:
            return None
        external, _, code = entry.partition(b"\n")
        if not all(map(llvm.address_of_symbol, external.decode().split())):
            return None
        self.counts.disk_hits += 1
        return _linked(key, code)

    def _compiled(self, key: str, kernel: Kernel) -> MachineCode:
        started = time.perf_counter()
        compile_kernel = toolchain.compile_kernel  # whose import may fail for reasons of its own
        try:
            made = compile_kernel(key, kernel.source)
        except Exception as error:
            raise CompileError(kernel) from error
        self.counts.compiled += 1
        self.counts.compile_seconds += time.perf_counter() - started
        self.disk.require_unchanged(CPU_SOURCES)
        if made.portable and key == kernel_key(kernel.source):  # else the settings have changed meanwhile
            self.disk.put(key, " ".join(made.external).encode() + b"\n" + made.code)
        return _linked(key, made.code)


def _linked(key: str, code: bytes) -> MachineCode:
    """An object file in memory; an engine cannot forget a single one, so each has an engine of its own."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    empty = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(empty, llvm.Target.from_default_triple().create_target_machine())
    engine.remove_module(empty)  # which would be compiled, in ten times the time that the rest takes
    loaded = llvm.ObjectFileRef.from_data(code)
    engine.add_object_file(loaded)
    engine.finalize_object()
    return MachineCode(engine.get_function_address(f"kernel_{key}"), (engine, loaded))


_shared: list[Loader] = []


def loader() -> Loader:
    """The process's loader, over the folder that the environment asks for."""
    if not _shared:
        undisturbed(_share)
    return _shared[0]


@atexit.register
def _keep() -> None:
    """At the end of the process, keep all code where it is: threads may be running it until the very end."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object([(known, *known._loaded.values()) for known in _shared]))


def _share() -> None:
    if not _shared:
        _shared.append(Loader(shared_disk()))
