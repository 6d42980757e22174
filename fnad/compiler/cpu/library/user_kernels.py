"""Launches of kernels that users write: functions of NumPy arrays that numba compiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fnad.compiler.cpu.library.launch import Row, Workspace
from fnad.compiler.cpu.params import Params, kernel_source
from fnad.ir.primitive import Primitive
from fnad.kernels.dtypes import NUMBERS, dtype_word
from fnad.ops.strides import is_contiguous
from fnad.runtime.failures import Raised
from fnad.runtime.plan import Kernel, Launch, View
from fnad.transforms.per_example import per_example as per_example_p

DTYPES = {"bool", *NUMBERS}
"""The names of the dtypes of arrays that numba knows."""


def launch(
    primitive: Primitive, params: dict[str, Any], inputs: Sequence[View], outputs: Sequence[View],
    mapped: Sequence[bool] | None = None, size: int = 1,
) -> list[Launch] | None:
    """The launch of a primitive's own kernel, for a batch on each of ``size`` examples.

    ``mapped`` says which inputs of a batch have the batch axis in front; the outputs all have it. ``None`` where
    the primitive has no kernel, or numba no arrays of these dtypes.
    """
    operands = [*inputs, *outputs]
    if primitive.kernel is None or not DTYPES.issuperset([view.dtype.name for view in operands]):
        return None
    assert all(map(is_contiguous, operands))
    flags = [False] * len(operands) if mapped is None else [*mapped, *[True] * len(outputs)]
    named, arrays, types = Params(), [], []
    for k, (view, has_axis) in enumerate(zip(operands, flags)):
        arrays.append(_array(named, k, view, has_axis))
        types.append(f"array_type({dtype_word(view.dtype)}, {len(view.shape) - has_axis})")
    source = f"# function is the kernel of {primitive}\n" + _source(named.lines, arrays, types, list(params))
    names = [("function", primitive.kernel), *[(f"p{k}", value) for k, value in enumerate(params.values())]]
    return [Launch(Kernel(primitive.name, source, tuple(names)), tuple(named.words), size, primitive.name,
                   fails=Raised(primitive.name))]


def per_example(
    inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, of: Primitive, mapped: Sequence[bool],
    size: int, params: tuple[tuple[str, Any], ...],
) -> list[Launch] | None:
    """The launch of a primitive's kernel on each example in turn."""
    return launch(of, dict(params), inputs, outputs, mapped, size)


def _array(named: Params, k: int, view: View, has_axis: bool) -> str:
    """The array number k of example i, whose place, bytes between examples and extents are named."""
    dtype, extents = dtype_word(view.dtype), [f"n{k}_{axis}" for axis in range(len(view.shape) - has_axis)]
    named.pointer(f"x{k}", view, dtype, k)
    named.number(f"step{k}", view.strides[0] if has_axis else 0)
    for name, extent in zip(extents, view.shape[has_axis:]):
        named.number(name, extent)
    return f"array_at(address_of(x{k}) + i * step{k}, ({''.join([f'{name}, ' for name in extents])}), {dtype})"


def _source(named: Sequence[str], arrays: Sequence[str], types: Sequence[str], params: Sequence[str]) -> str:
    """A kernel that calls ``function`` on arrays, and on constants ``p0``, ``p1``, ... by their names."""
    operands = [f"x{k}" for k in range(len(arrays))]
    arguments = ", ".join([*operands, *[f"{name}=p{k}" for k, name in enumerate(params)]])
    # Compiled for its types at once, so that what numba refuses of it is told by itself.
    call = f"""\
@njit(({", ".join(types)},))
def call({", ".join(operands)}):
    function({arguments})

"""
    lines = [f"        {array}," for array in arrays]
    loop = ["for i in range(lo, hi):", "    if raises(call, (", *lines, "    )):", "        return 1", "return 0"]
    return call + kernel_source([*named, *loop])


LAUNCHES: dict[Primitive, Row] = {per_example_p: per_example}
