"""Source text to object code: what brings numba in.

An object defines one symbol, `kernel_<key>`, so objects of different kernels, also ones that
other processes compiled, live in one engine without clashing.
"""

import ctypes
import importlib
import os
import pkgutil
import re
import sys
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.core.compiler_lock import global_compiler_lock
from numba.core.dispatcher import Dispatcher
from numba.core.errors import NumbaError
from numba.core.registry import cpu_target
from numba.extending import _Intrinsic
from numba.np.numpy_support import from_dtype

import fnad.kernels.cpu
from fnad.kernels.dtypes import NUMBERS
from fnad.runtime.cpu.functions import as_kernels_see, lower
from fnad.runtime.definitions import defined
from fnad.runtime.plan import Kernel

_TABLE = types.CPointer(types.int64)
ARGUMENTS, STATUS = (_TABLE, _TABLE, types.int64, types.int64), types.int64
"""kernel(buffers, params, lo, hi) -> status"""

RAISED = -1
"""The status of a kernel that raised an exception in numba's sense."""

_C_LIBRARY = ctypes.cdll.msvcrt if sys.platform == "win32" else ctypes.CDLL(None)


@dataclass(frozen=True)
class ObjectCode:
    """Machine code of a kernel, and the outside functions that it calls.

    `portable` says that another process can load it: it needs the C library and nothing else.
    """

    code: bytes
    external: tuple[str, ...]
    portable: bool


def _words() -> dict[str, Any]:
    """The names for kernel source: dtypes, and the public functions of the kernel modules."""
    words: dict[str, Any] = {name: getattr(np, name) for name in NUMBERS}
    words["boolean"] = np.bool_
    for found in pkgutil.walk_packages(fnad.kernels.cpu.__path__, "fnad.kernels.cpu."):
        for name, value in vars(importlib.import_module(found.name)).items():
            if not name.startswith("_") and isinstance(value, Dispatcher | _Intrinsic):
                words[name] = as_kernels_see(value)
    return words


_WORDS = _words()


@global_compiler_lock
def compile_kernel(key: str, source: str) -> ObjectCode:
    """Object code of the function `kernel` that the source defines, as symbol `kernel_<key>`."""
    module = optimized_module(key, source)
    declared = [function.name for function in module.functions if function.is_declaration]
    external = tuple(name for name in declared if not name.startswith("llvm."))
    machine = cpu_target.target_context.codegen()._tm
    portable = all(hasattr(_C_LIBRARY, name) for name in external)
    return ObjectCode(machine.emit_object(module), external, portable)


def optimized_module(key: str, source: str) -> llvm.ModuleRef:
    """A kernel with all that it calls; only `kernel_<key>` can be seen from outside."""
    symbol = f"kernel_{key}"
    with defined(key[:12], source, _WORDS) as function:
        lowered = lower(function, ARGUMENTS, {}, STATUS)
    library = lowered.library
    library.add_ir_module(_entry(symbol, lowered.fndesc))
    library.link_all()
    module = library._final_module
    for value in [*module.functions, *module.global_variables]:
        if not value.is_declaration and value.name != symbol:
            value.linkage = "internal"
    library._optimize_final_module()
    module.verify()
    return module


def compile_foreign(kernel: Kernel) -> Any:
    """A kernel that calls a Python function, compiled by all of numba's passes: an object with an `address`."""
    words = {name: value if isinstance(value, Dispatcher) or not callable(value) else njit(value)
             for name, value in kernel.words}
    words |= {"njit": njit, "array_type": _array_type}
    try:
        with defined(kernel.name, kernel.source, _WORDS | words) as function:
            return cfunc(STATUS(*ARGUMENTS))(function)
    except NumbaError as error:
        raise TypeError(
            f"{kernel.name}: requires a kernel that numba compiles, got: {_gist(str(error))}. "
            "Change the kernel, or leave it out: the function then runs from Python."
        ) from None


def _array_type(dtype: Any, ndim: int) -> types.Array:
    return types.Array(from_dtype(np.dtype(dtype)), ndim, "C")


_FRAME = re.compile(r'File "(?P<file>[^<"]+)", line (?P<line>\d+)')


def _gist(message: str) -> str:
    """The innermost part of one of numba's long messages, and the user's line."""
    lines = [line.strip() for line in re.sub(r"\x1b\[\d*m", "", message).splitlines()]
    told = [line for line in lines if line and not line.startswith("Failed in nopython mode pipeline")]
    gist = told[0]
    if gist.endswith(":") and len(told) > 1:
        gist = f"{gist} {told[1].removeprefix('>>> ')}"
    place = _FRAME.search(message)
    return gist.rstrip(".") + (f" (line {place['line']} of {os.path.basename(place['file'])})" if place else "")


def _entry(symbol: str, function: Any) -> ir.Module:
    """A function of the C calling convention around numba's own."""
    target = cpu_target.target_context
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
