"""The address of a kernel's machine code: from memory, from disk, or compiled now.

Only a kernel that neither this process nor the disk knows brings numba in; loading from disk
needs llvmlite alone.
"""

import hashlib
import sys
import time
from functools import cache
from typing import Any

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from fnad.compiler.cache import COUNTS, DiskCache, Statistics, shared_disk
from fnad.compiler.fingerprint import CPU_SOURCES, Sources, settings
from fnad.compiler.plan import Kernel
from fnad.lazy import LazyModule
from fnad.memo import Memo
from fnad.shield import undisturbed
from fnad.version import __version__


toolchain = LazyModule("fnad.compiler.cpu.toolchain")


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


class Loader:
    """Kernels by source; one engine holds the machine code of all of them."""

    def __init__(self, disk: DiskCache, counts: Statistics = COUNTS) -> None:
        self.disk, self.counts = disk, counts
        self._addresses: dict[str, int] = {}
        self._objects: list[llvm.ObjectFileRef] = []
        self._engine: llvm.ExecutionEngine | None = None
        self._foreign = Memo()
        self._kept: list[Any] = []  # plans hold addresses of it
        environment()
        disk.require_unchanged(CPU_SOURCES)

    def address(self, kernel: Kernel) -> int:
        """The address of `kernel(buffers, params, lo, hi)`."""
        known = None if kernel.words else self._addresses.get(kernel.source)
        if known is None:
            return undisturbed(self._found, kernel)
        self.counts.memory_hits += 1
        return known

    def _found(self, kernel: Kernel) -> int:
        """The address of a kernel that is not known, or that another thread has just found."""
        if kernel.words:
            return self._foreign_address(kernel)
        address = self._addresses.get(kernel.source)
        if address is not None:
            self.counts.memory_hits += 1
            return address
        key = kernel_key(kernel.source)
        address = self._addresses[kernel.source] = self._from_disk(key) or self._compiled(key, kernel)
        return address

    def _foreign_address(self, kernel: Kernel) -> int:
        """The address of a kernel that calls a Python function, which only this process knows."""
        # Constants that are equal may still compile to other code, as 1, 1.0 and True do.
        key = kernel, tuple([repr(value) for _, value in kernel.words])
        return self._foreign.get(key, lambda: self._compile_foreign(kernel))

    def _compile_foreign(self, kernel: Kernel) -> int:
        started = time.perf_counter()
        made = toolchain.compile_foreign(kernel)
        self._kept.append(made)
        self.counts.compiled += 1
        self.counts.compile_seconds += time.perf_counter() - started
        return made.address

    def _from_disk(self, key: str) -> int | None:
        entry = self.disk.get(key)
        if entry is None:
            return None
        external, _, code = entry.partition(b"\n")
        if not all(map(llvm.address_of_symbol, external.decode().split())):
            return None
        self.counts.disk_hits += 1
        return self._load(key, code)

    def _compiled(self, key: str, kernel: Kernel) -> int:
        started = time.perf_counter()
        try:
            made = toolchain.compile_kernel(key, kernel.source)
        except Exception as error:
            raise CompileError(kernel) from error
        self.counts.compiled += 1
        self.counts.compile_seconds += time.perf_counter() - started
        self.disk.require_unchanged(CPU_SOURCES)
        if made.portable and key == kernel_key(kernel.source):  # else the settings have changed meanwhile
            self.disk.put(key, " ".join(made.external).encode() + b"\n" + made.code)
        return self._load(key, made.code)

    def _load(self, key: str, code: bytes) -> int:
        if self._engine is None:
            self._engine = _new_engine()
        self._objects.append(llvm.ObjectFileRef.from_data(code))
        self._engine.add_object_file(self._objects[-1])
        self._engine.finalize_object()
        return self._engine.get_function_address(f"kernel_{key}")


def _new_engine() -> llvm.ExecutionEngine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    return llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)


_shared: list[Loader] = []


def loader() -> Loader:
    """The process's loader, over the folder that the environment asks for."""
    if not _shared:
        undisturbed(_share)
    return _shared[0]


def _share() -> None:
    if not _shared:
        _shared.append(Loader(shared_disk()))
