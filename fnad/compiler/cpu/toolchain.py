"""Source text to object code: the one file of the compiler that brings numba in.

A kernel's object defines a single symbol that carries its key, so objects of different kernels,
also ones compiled by other processes, live in one engine without clashing.
"""

import ctypes
import importlib
import linecache
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from numba import types
from numba.core.ccallback import _CFuncCompiler
from numba.core.compiler import Compiler
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.registry import cpu_target
from numba.extending import _Intrinsic

import fnad.kernels.cpu

_TABLE = types.CPointer(types.int64)
SIGNATURE = types.int64(_TABLE, _TABLE, types.int64, types.int64)
"""kernel(buffers, params, lo, hi) -> status"""


@dataclass(frozen=True)
class ObjectCode:
    """Machine code that defines `symbol` and calls the `external` functions.

    `portable` says that another process can load it: it needs the C library and nothing else.
    """

    symbol: str
    external: tuple[str, ...]
    code: bytes
    portable: bool


def _words() -> dict[str, Any]:
    """What kernel source may use: the public functions of the kernel modules, and dtypes."""
    words: dict[str, Any] = {"boolean": np.bool_}
    for name in "int8 int16 int32 int64 uint8 uint16 uint32 uint64".split():
        words[name] = getattr(np, name)
    for name in "float32 float64 complex64 complex128".split():
        words[name] = getattr(np, name)
    for found in pkgutil.iter_modules(fnad.kernels.cpu.__path__):
        module = importlib.import_module(f"fnad.kernels.cpu.{found.name}")
        for name, value in vars(module).items():
            if not name.startswith("_") and isinstance(value, Dispatcher | _Intrinsic):
                words[name] = value
    return words


_WORDS = _words()


def _define(key: str, source: str) -> Callable:
    """Execute the source; its function `kernel` becomes `kernel_<key>`."""
    filename = f"<kernel {key[:12]}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    namespace = dict(_WORDS, __name__="fnad.kernel")
    exec(compile(source, filename, "exec"), namespace)
    function = namespace["kernel"]
    function.__name__ = function.__qualname__ = f"kernel_{key}"
    return function


@global_compiler_lock
def _machine_code(function: Callable) -> tuple[str, llvm.ModuleRef, bytes]:
    """Compile one function alone, outside numba's own engine: its symbol, module and object."""
    options = {"nopython": True, "error_model": "numpy"}
    compiler = _CFuncCompiler(function, cpu_target, options, {}, Compiler)
    result = compiler.compile(SIGNATURE.args, SIGNATURE.return_type)
    library, symbol = result.library, result.fndesc.llvm_cfunc_wrapper_name
    for linked in dict.fromkeys(library._linking_libraries):
        library._final_module.link_in(linked._get_module_for_linking(), preserve=True)
    for defined in library._final_module.functions:
        if not defined.is_declaration and defined.name != symbol:
            defined.linkage = "internal"
    library._optimize_final_module()
    library._final_module.verify()
    module = library._final_module
    return symbol, module, library._codegen._tm.emit_object(module)


def compile_kernel(key: str, source: str) -> ObjectCode:
    """Object code of the function `kernel` that the source defines."""
    symbol, module, code = _machine_code(_define(key, source))
    external = tuple(
        function.name
        for function in module.functions
        if function.is_declaration and not function.name.startswith("llvm.")
    )
    return ObjectCode(symbol, external, code, all(map(_in_c_library, external)))


def _in_c_library(symbol: str) -> bool:
    library = ctypes.CDLL(None) if hasattr(ctypes, "pythonapi") and _POSIX else ctypes.cdll.msvcrt
    return hasattr(library, symbol) and not symbol.startswith(("Py", "_Py"))


_POSIX = not hasattr(ctypes, "windll")
