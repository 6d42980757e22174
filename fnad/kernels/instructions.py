"""LLVM's own functions of numbers, for the CPU and for GPUs.

NVVM, which compiles for NVIDIA's GPUs, knows few of them, and some by other names. All that differs between the
targets in the writing of numbers is here.
"""

from llvmlite import ir

_NVVM = {
    "llvm.fabs": ("llvm.nvvm.fabs.f", "llvm.nvvm.fabs.d"),
    "llvm.rint": ("llvm.nvvm.round.f", "llvm.nvvm.round.d"),  # ties to even (cvt.rni)
    "frem": ("__nv_fmodf", "__nv_fmod"),  # libdevice's, which is exact; what NVVM makes of the instruction is not
}
"""For names that NVVM does not know, those of the same function of float32 and of float64."""


def for_gpu(module: ir.Module) -> bool:
    """Whether a module is compiled for a GPU of NVIDIA's."""
    return module.triple.startswith("nvptx")


def call(builder: ir.IRBuilder, name: str, *values: ir.Value) -> ir.Value:
    """The result of one of LLVM's functions of floats, such as llvm.sqrt, or of the instruction frem."""
    module, number = builder.module, values[0].type
    routine = ir.FunctionType(number, [number] * len(values))
    if for_gpu(module) and name in _NVVM:
        single, double = _NVVM[name]
        return builder.call(_declared(module, single if number == ir.FloatType() else double, routine), values)
    if name == "frem":
        return builder.frem(*values)
    return builder.call(module.declare_intrinsic(name, [number], routine), values)


def negative(builder: ir.IRBuilder, value: ir.Value) -> ir.Value:
    """A float with the other sign; NVVM, for the older GPUs, does not know the instruction."""
    return builder.fsub(ir.Constant(value.type, -0.0), value) if for_gpu(builder.module) else builder.fneg(value)


def _declared(module: ir.Module, name: str, routine: ir.FunctionType) -> ir.Function:
    known = module.globals.get(name)
    return ir.Function(module, routine, name) if known is None else known
