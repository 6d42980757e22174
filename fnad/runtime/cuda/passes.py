"""A compilation by numba-cuda, without what kernels never use.

Its own list of passes has many that look for what kernel source does not contain, its typing asks all templates of an
operator again each time that the operator occurs, and NVVM reads all of libdevice though few kernels call it. Without
these a kernel compiles in less than half of the time, to the same PTX.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from numba.core.types.functions import BaseFunction
from numba.cuda import compiler
from numba.cuda.compiler import CreateLibrary, CUDABackend, CUDACompiler, CUDANativeLowering, CUDATranslateBytecode
from numba.cuda.core.compiler_machinery import PassManager
from numba.cuda.core.typed_passes import IRLegalization, NopythonTypeInference, PreLowerStripPhis
from numba.cuda.core.untyped_passes import (
    DeadBranchPrune, FixupArgs, GenericRewrites, IRProcessing, ReconstructSSA, RewriteSemanticConstants,
)
from numba.cuda.cudadrv import nvrtc, nvvm

PASSES = (
    CUDATranslateBytecode, FixupArgs, IRProcessing, RewriteSemanticConstants, DeadBranchPrune, GenericRewrites,
    ReconstructSSA, NopythonTypeInference, PreLowerStripPhis, IRLegalization, CreateLibrary, CUDANativeLowering,
    CUDABackend,
)


class _Compiler(CUDACompiler):
    def define_pipelines(self) -> list[PassManager]:
        passes = PassManager("kernel")
        for step in PASSES:
            passes.add_pass(step, step.__name__)
        passes.finalize()
        return [passes]


_resolve = BaseFunction.get_call_type
_resolved: dict[tuple[Any, ...], tuple[Any, ...]] = {}


def _get_call_type(self: BaseFunction, context: Any, args: Sequence[Any], kws: Mapping[str, Any]) -> Any:
    """The signature of a function for these types, which stays what it was."""
    key = id(self), id(context), tuple(args), tuple(kws.items())
    if key not in _resolved:
        _resolved[key] = _resolve(self, context, args, kws), self, context  # which keeps their ids theirs
    return _resolved[key][0]


@contextmanager
def only_what_kernels_use() -> Iterator[None]:
    """Let numba-cuda compile like this while the context lasts; one thread at a time."""
    compiler.CUDACompiler, BaseFunction.get_call_type = _Compiler, _get_call_type
    try:
        yield
    finally:
        compiler.CUDACompiler, BaseFunction.get_call_type = CUDACompiler, _resolve


def ptx(modules: Sequence[str], capability: tuple[int, int]) -> str:
    """NVVM's PTX of modules of LLVM; products and sums are not contracted."""
    arch = "compute_{}{}".format(*nvrtc.find_closest_arch(capability))  # GPUs newer than the compiler run it too
    unit = nvvm.CompilationUnit({"opt": 3, "arch": arch, "fma": False})
    for text in map(nvvm.llvm_replace, modules):
        unit.add_module(text.encode())
    unit.verify()
    if any(["__nv_" in text for text in modules]):
        unit.lazy_add_module(nvvm.LibDevice().get())  # after it was verified, which it would not pass
    return unit.compile().decode().strip("\0").strip()
