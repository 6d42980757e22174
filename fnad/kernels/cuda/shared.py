"""Memory that the threads of a block share, of the dtype of a value."""

from itertools import count
from typing import Any

from llvmlite import ir
from numba import types

from fnad.kernels.cuda.sizes import WIDEST
from fnad.kernels.cuda.words import word

_SHARED = 3  # NVVM's address space
_numbers = count()


@word
def shared_like(typing_context: Any, value: types.Type, length: types.Type) -> Any:
    """A pointer to `length` elements, a literal number, of a value's dtype. Each call in the source is other memory."""
    dtype = types.unliteral(value)
    if not isinstance(length, types.IntegerLiteral):
        return None

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        array = ir.ArrayType(context.get_data_type(dtype), length.literal_value)
        name = f"_shared_{next(_numbers)}"
        memory = ir.GlobalVariable(builder.module, array, name, _SHARED)
        memory.initializer, memory.align = ir.Constant(array, ir.Undefined), WIDEST
        memory.linkage = "internal"
        return builder.addrspacecast(memory, context.get_value_type(sig.return_type))

    return types.CPointer(dtype)(dtype, length), generate
