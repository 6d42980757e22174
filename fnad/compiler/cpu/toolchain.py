"""Source text to object code: the one file of the compiler that brings numba in.

numba's front end types and lowers the source; the rest of numba, its own engine and its wrappers
for Python, is left out. An object defines one symbol, `kernel_<key>`, so objects of different
kernels, also ones that other processes compiled, live in one engine without clashing.
"""

import ctypes
import importlib
import linecache
import pkgutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import types
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler import CompilerBase, Flags, compile_extra
from numba.core.compiler_lock import global_compiler_lock
from numba.core.compiler_machinery import PassManager
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.extending import _Intrinsic

import fnad.kernels.cpu

_TABLE = types.CPointer(types.int64)
ARGUMENTS, STATUS = (_TABLE, _TABLE, types.int64, types.int64), types.int64
"""kernel(buffers, params, lo, hi) -> status"""

RAISED = -1
"""The status of a kernel that raised an exception in numba's sense."""

_DTYPES = (
    "int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128"
).split()


@dataclass(frozen=True)
class ObjectCode:
    """Machine code of a kernel, and the outside functions that it calls.

    `portable` says that another process can load it: it needs the C library and nothing else.
    """

    code: bytes
    external: tuple[str, ...]
    portable: bool


def _words() -> dict[str, Any]:
    """What kernel source may name: dtypes, and the public functions of the kernel modules."""
    words: dict[str, Any] = {name: getattr(np, name) for name in _DTYPES}
    words["boolean"] = np.bool_
    for found in pkgutil.iter_modules(fnad.kernels.cpu.__path__):
        module = importlib.import_module(f"fnad.kernels.cpu.{found.name}")
        for name, value in vars(module).items():
            if not name.startswith("_") and isinstance(value, Dispatcher | _Intrinsic):
                words[name] = value
    return words


_WORDS = _words()


class _KernelPipeline(CompilerBase):
    """numba's passes without those for what kernels never use."""

    def define_pipelines(self) -> list[PassManager]:
        passes = PassManager("kernel")
        for step in (
            TranslateByteCode,
            FixupArgs,
            IRProcessing,
            ReconstructSSA,
            NopythonTypeInference,
            PreLowerStripPhis,
            IRLegalization,
            NativeLowering,
            NoPythonBackend,
        ):
            passes.add_pass(step, step.__name__)
        passes.finalize()
        return [passes]


class _KernelLibrary(CPUCodeLibrary):
    """Collects a kernel's code and compiles it once, outside numba's engine."""

    def _optimize_functions(self, ll_module: llvm.ModuleRef) -> None:
        """Nothing: the whole kernel is optimized at the end."""

    def emit(self, symbol: str) -> tuple[llvm.ModuleRef, bytes]:
        """The optimized module, in which only `symbol` can be seen from outside, and its object."""
        module = self._final_module
        for library in dict.fromkeys(self._linking_libraries):
            module.link_in(library._get_module_for_linking(), preserve=True)
        for defined in [*module.functions, *module.global_variables]:
            if not defined.is_declaration and defined.name != symbol:
                defined.linkage = "internal"
        self._optimize_final_module()
        module.verify()
        return module, self._codegen._tm.emit_object(module)


def compile_kernel(key: str, source: str) -> ObjectCode:
    """Object code of the function `kernel` that the source defines, as symbol `kernel_<key>`."""
    module, code = _emit(_define(key, source), f"kernel_{key}")
    external = tuple(
        function.name
        for function in module.functions
        if function.is_declaration and not function.name.startswith("llvm.")
    )
    return ObjectCode(code, external, all(map(_in_c_library, external)))


def _define(key: str, source: str) -> FunctionType:
    """The function `kernel` of the source, which numba's errors can quote."""
    filename = f"<kernel {key[:12]}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace = dict(_WORDS)
    exec(compile(source, filename, "exec"), namespace)
    return namespace["kernel"]


@global_compiler_lock
def _emit(function: FunctionType, symbol: str) -> tuple[llvm.ModuleRef, bytes]:
    flags = Flags()
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    typing, target = cpu_target.typing_context, cpu_target.target_context
    library = _KernelLibrary(target.codegen(), symbol)
    result = compile_extra(
        typing, target, function, ARGUMENTS, STATUS, flags, {}, library, _KernelPipeline
    )
    library.add_ir_module(_entry(symbol, result.fndesc, target))
    return library.emit(symbol)


def _entry(symbol: str, function: Any, target: Any) -> ir.Module:
    """A function of the C calling convention around numba's own."""
    module = target.create_module(symbol)
    native = target.call_conv.get_function_type(function.restype, function.argtypes)
    callee = ir.Function(module, native, function.llvm_func_name)
    argument_types = [target.get_value_type(dtype) for dtype in ARGUMENTS]
    entry_type = ir.FunctionType(target.get_value_type(STATUS), argument_types)
    entry = ir.Function(module, entry_type, symbol)
    builder = ir.IRBuilder(entry.append_basic_block())
    status, value = target.call_conv.call_function(
        builder, callee, function.restype, function.argtypes, entry.args
    )
    builder.ret(builder.select(status.is_error, ir.Constant(value.type, RAISED), value))
    return module


_C_LIBRARY = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)


def _in_c_library(symbol: str) -> bool:
    return hasattr(_C_LIBRARY, symbol) and not symbol.startswith(("Py", "_Py"))
