"""NumPy arrays over memory that a plan owns, for kernels that users write as functions of arrays."""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array, populate_array


@intrinsic
def array_at(typing_context: Any, address: types.Type, shape: types.Type, dtype: types.Type) -> Any:
    """The C-contiguous array of a shape, a tuple of int64, and a dtype that starts at an address."""
    array = types.Array(dtype.dtype, len(shape), "C")

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        extents = cgutils.unpack_tuple(builder, args[1], len(shape))
        itemsize = ir.Constant(ir.IntType(64), context.get_abi_sizeof(context.get_data_type(dtype.dtype)))
        strides, step = [], itemsize
        for extent in reversed(extents):
            strides.insert(0, step)
            step = builder.mul(step, extent)
        made = make_array(array)(context, builder)
        data = builder.inttoptr(args[0], made.data.type)
        populate_array(made, data=data, shape=extents, strides=strides, itemsize=itemsize, meminfo=None)
        return made._getvalue()

    return array(address, shape, dtype), generate


@intrinsic
def raises(typing_context: Any, function: types.Type, operands: types.Type) -> Any:
    """Call an @njit function on a tuple of operands: whether it raised an exception, which goes no further.

    What ``try`` costs numba to compile is many times the kernel.
    """
    called = function.get_call_type(typing_context, tuple(operands), {})

    def generate(context: Any, builder: ir.IRBuilder, sig: Any, args: tuple) -> ir.Value:
        compiled = function.dispatcher.overloads[called.args]
        context.add_linking_libs([compiled.library])
        values = cgutils.unpack_tuple(builder, args[1], len(operands))
        status, _ = context.call_internal_no_propagate(builder, compiled.fndesc, compiled.signature, values)
        return status.is_error

    return types.boolean(function, operands), generate
