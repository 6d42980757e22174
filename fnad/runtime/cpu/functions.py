"""Calls of fnad/kernels/cpu's @njit functions by kernels.

numba would optimize and emit every function on its own, again at each level of calls. Here a
function is only typed and lowered; its code is linked into the kernel, where all is optimized
once, together. The @njit function itself is untouched and can still be called from Python.
"""

from collections.abc import Iterator
from functools import cache, cached_property
from types import CellType, FunctionType
from typing import Any

import llvmlite.binding as llvm
from llvmlite.binding.ffi import ObjectRef
from numba import types
from numba.core import errors
from numba.core.codegen import CPUCodeLibrary
from numba.core.compiler import CompilerBase, CompileResult, Flags, compile_extra
from numba.core.compiler_machinery import PassManager
from numba.core.datamodel import models
from numba.core.dispatcher import Dispatcher
from numba.core.imputils import lower_constant
from numba.core.registry import cpu_target
from numba.core.typed_passes import (
    IRLegalization,
    NativeLowering,
    NoPythonBackend,
    NopythonTypeInference,
    PreLowerStripPhis,
)
from numba.core.typing.templates import Signature
from numba.core.untyped_passes import FixupArgs, IRProcessing, ReconstructSSA, TranslateByteCode
from numba.extending import register_model, typeof_impl


class _Passes(CompilerBase):
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


def free_pass_manager(manager: Any) -> None:
    """Free a pass manager of llvmlite's.

    What it has worked with stays in memory otherwise, 0.2 MB a kernel: in llvmlite 0.50, the `_dispose` of an
    `ObjectRef`, which does nothing, hides its own.
    """
    own = [c for c in type(manager).__mro__ if "_dispose" in vars(c) and c is not ObjectRef]
    if own and not manager.closed:
        own[0]._dispose(manager)
        manager.detach()


class _Codegen:
    """numba's code generator, which remembers the pass managers that it makes, so that they can be freed."""

    def __init__(self, codegen: Any) -> None:
        self.codegen = codegen
        self.made: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.codegen, name)

    def _module_pass_manager(self, **options: Any) -> Any:
        made = self.codegen._module_pass_manager(**options)
        self.made.append(made[0])
        return made

    def free(self) -> None:
        """Free what has been made."""
        for manager in self.made:
            free_pass_manager(manager)


class Library(CPUCodeLibrary):
    """Code as lowered, and what it calls; never given to numba's engine."""

    def _optimize_final_module(self) -> None:
        codegen = self._codegen
        self._codegen = remembering = _Codegen(codegen)
        try:
            super()._optimize_final_module()
        finally:
            self._codegen = codegen
            remembering.free()

    def _optimize_functions(self, ll_module: llvm.ModuleRef) -> None:
        """Nothing: a whole kernel is optimized at once."""

    def add_linking_library(self, library: CPUCodeLibrary) -> None:
        self._linking_libraries.append(library)

    def link_all(self) -> None:
        """Bring the code of everything called into this library."""
        for library in dict.fromkeys(self._called()):
            own = isinstance(library, Library)
            module = library._final_module if own else library._get_module_for_linking()
            self._final_module.link_in(module, preserve=True)

    def _called(self) -> Iterator[CPUCodeLibrary]:
        for library in self._linking_libraries:
            yield library
            if isinstance(library, Library):
                yield from library._called()


def lower(function: FunctionType, arguments: tuple, options: dict, result: Any) -> CompileResult:
    """Type and lower a function for the argument types into a library of its own."""
    flags = Flags()
    flags.fastmath = options.get("fastmath", False)
    flags.no_compile = flags.no_cpython_wrapper = flags.no_cfunc_wrapper = True
    flags.error_model = "numpy"
    typing, target = cpu_target.typing_context, cpu_target.target_context
    library = Library(target.codegen(), function.__qualname__)
    return compile_extra(typing, target, function, arguments, result, flags, {}, library, _Passes)


class KernelFunction:
    """An @njit function as kernels see it: compiled as part of the kernel that calls it."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher
        self._signatures: dict[tuple, Signature] = {}

    def signature(self, arguments: tuple) -> Signature:
        """The signature for the argument types; the code is lowered when first asked for."""
        if arguments not in self._signatures:
            lowered = lower(self._function, arguments, self._dispatcher.targetoptions, None)
            target = cpu_target.target_context
            target.insert_user_function((self, arguments), lowered.fndesc, [lowered.library])
            self._signatures[arguments] = lowered.signature
        return self._signatures[arguments]

    @cached_property
    def _function(self) -> FunctionType:
        """The Python function, with kernel functions for the @njit functions that it names."""
        given = self._dispatcher.py_func
        closure = given.__closure__
        if closure is not None:
            closure = tuple(CellType(as_kernels_see(cell.cell_contents)) for cell in closure)
        names = _namespaces.setdefault(id(given.__globals__), {})
        names.update((n, as_kernels_see(v)) for n, v in given.__globals__.items())
        function = FunctionType(given.__code__, names, given.__name__, None, closure)
        function.__qualname__, function.__module__ = given.__qualname__, given.__module__
        return function


_namespaces: dict[int, dict[str, Any]] = {}
"""For each module's names, by identity, the same names as kernels see them."""


@cache
def _kernel_function(dispatcher: Dispatcher) -> KernelFunction:
    return KernelFunction(dispatcher)


def as_kernels_see(value: Any) -> Any:
    """The kernel function of an @njit function; any other value as it is."""
    return _kernel_function(value) if isinstance(value, Dispatcher) else value


class KernelFunctionType(types.Callable, types.Dummy):
    """The type of one kernel function."""

    def __init__(self, function: KernelFunction) -> None:
        self.function = function
        super().__init__(f"KernelFunction({function._dispatcher.__qualname__}, {id(function)})")

    def get_call_type(self, context: Any, args: tuple, kws: dict) -> Signature:
        if kws:
            raise errors.TypingError("kernels call functions with positional arguments only")
        return self.function.signature(tuple(types.unliteral(dtype) for dtype in args))

    def get_call_signatures(self) -> tuple[list[Signature], bool]:
        return list(self.function._signatures.values()), True

    def get_impl_key(self, sig: Signature) -> tuple:
        return self.function, sig.args


register_model(KernelFunctionType)(models.OpaqueModel)


@typeof_impl.register(KernelFunction)
def _type_of(value: KernelFunction, context: Any) -> KernelFunctionType:
    return KernelFunctionType(value)


@lower_constant(KernelFunctionType)
def _constant(context: Any, builder: Any, dtype: types.Type, value: Any) -> Any:
    return context.get_dummy_value()
