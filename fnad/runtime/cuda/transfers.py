"""Arrays between the host, a device, and other libraries."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from fnad import tree
from fnad.arrays import Unfit, is_array_like
from fnad.errors import boundary
from fnad.kernels.cuda.sizes import WIDEST
from fnad.lazy import LazyModule
from fnad.runtime.cuda import devices
from fnad.runtime.cuda.arrays import DeviceArray, uploaded
from fnad.runtime.cuda.runtime import Runtime
from fnad.tracing.tracer import Tracer

exchange = LazyModule("fnad.runtime.cuda.exchange")


@boundary
def device_put(tree_of_arrays: Any, device: Any = None) -> Any:
    """Bring the arrays and numbers of a pytree to a device.

    Args:
        tree_of_arrays: NumPy arrays, numbers, device arrays, and arrays of other libraries that speak DLPack or have
            ``__cuda_array_interface__``; a list is a tree, whose numbers become arrays each. Arrays that
            are in the device's memory already are not copied, where they are C-contiguous and start at a multiple of
            16 bytes.
        device: ``"cpu"``, ``"cuda"``, ``"auto"`` or a device from ``fnad.devices()``; the default device if not given.
            Without a GPU that works it is the CPU, as with ``jit``.

    Returns:
        The tree of `DeviceArray`, or, for the CPU, of NumPy arrays; shapes and dtypes are those that ``np.asarray``
        gives.

    Raises:
        TypeError: a leaf is no array and no number; the message names its path.
        ValueError: there is no such device.
        DeviceMemoryError: the device has not as much memory.
        DeviceError: there is no GPU that works, and ``fnad.config.strict_device`` is set.

    >>> device_put({"w": np.array([1.0, 2.0]), "n": 3}, "cpu")
    {'w': array([1., 2.]), 'n': array(3)}
    """
    chosen = devices.choose(device)
    leaves, treedef = tree.flatten(tree_of_arrays)
    for i, leaf in enumerate(leaves):
        try:
            fits = type(leaf) in (DeviceArray, Tracer) or _is_foreign(leaf) or is_array_like(leaf)
        except Unfit as unfit:
            raise unfit.at("device_put", tree.paths(treedef, "tree")[i]) from None
        if not fits:
            raise TypeError(
                f"device_put: requires arrays and numbers, got {_words(leaf)} at {tree.paths(treedef, 'tree')[i]}. "
                "Convert it, or keep it out of the tree."
            )
    if chosen == "cpu":
        return tree.unflatten(treedef, [_on_host(leaf) for leaf in leaves])
    runtime = devices.current()
    return tree.unflatten(treedef, [_on_device(leaf, runtime) for leaf in leaves])


@boundary
def from_dlpack(x: Any) -> Any:
    """An array of another library (torch, CuPy, JAX) as one of ours, without a copy where that can be.

    Args:
        x: an array with ``__dlpack__`` and ``__dlpack_device__``. What is written into it later is seen in the result.

    Returns:
        A `DeviceArray` for memory of the GPU in use; it is a copy where ``x`` is not C-contiguous or does not start at
        a multiple of 16 bytes. A NumPy array for memory of the host.

    Raises:
        TypeError: ``x`` does not speak DLPack, or its elements are no numbers that NumPy knows.
        ValueError: it is on another GPU.
        DeviceError: it is on a GPU, and none is usable here.

    >>> import numpy as np
    >>> from_dlpack(np.array([1.0, 2.0]))
    array([1., 2.])
    """
    if not hasattr(x, "__dlpack__"):
        raise TypeError(f"from_dlpack: requires an array that has __dlpack__, got {_words(x)}. Use device_put.")
    if type(x) is DeviceArray:
        return x
    return x if type(x) is DeviceArray else _received(x)


def _words(leaf: Any) -> str:
    kind = type(leaf).__name__
    return f"{kind} of dtype {leaf.dtype}" if isinstance(leaf, (np.ndarray, np.generic)) else f"{kind} {leaf!r:.60}"


def _is_foreign(leaf: Any) -> bool:
    speaks = hasattr(leaf, "__dlpack__") or hasattr(leaf, "__cuda_array_interface__")
    return speaks and not isinstance(leaf, (np.ndarray, np.generic))


def _on_host(leaf: Any) -> Any:
    if type(leaf) is Tracer:
        return leaf
    return np.asarray(_received(leaf) if _is_foreign(leaf) and type(leaf) is not DeviceArray else leaf)


def _on_device(leaf: Any, runtime: Runtime) -> Any:
    if type(leaf) is Tracer:
        return leaf
    if _is_foreign(leaf) and type(leaf) is not DeviceArray:
        leaf = _received(leaf)
    if type(leaf) is DeviceArray and leaf.runtime is runtime:
        return leaf
    return uploaded(runtime, np.asarray(leaf))


def _received(x: Any) -> Any:
    """An array of another library: a device array for memory of the GPU in use, a NumPy array for the host's."""
    if not hasattr(x, "__dlpack__"):
        runtime = devices.current("device_put")
        return _imported(exchange.from_cuda_array_interface(x, runtime), runtime)
    kind, number = map(int, x.__dlpack_device__())
    if kind not in (exchange.CUDA, exchange.CUDA_MANAGED):
        runtime = devices.opened()
        if runtime is None or not runtime.is_host:
            return np.from_dlpack(x)
        return _imported(exchange.from_dlpack_protocol(x, None), runtime)
    runtime = devices.current("from_dlpack")
    if number != runtime.ordinal:
        raise ValueError(
            f"from_dlpack: requires an array on cuda:{runtime.ordinal}, the GPU in use, got one on cuda:{number}. "
            "Move it there, or choose the GPU that is used by CUDA_VISIBLE_DEVICES."
        )
    return _imported(exchange.from_dlpack_protocol(x, runtime.stream), runtime)


def _imported(tensor: Any, runtime: Runtime) -> DeviceArray:
    """A tensor in the device's memory as an array, by a copy only where kernels could not take it as it is."""
    nbytes = prod(tensor.shape) * tensor.dtype.itemsize
    if tensor.is_contiguous:
        memory = exchange.Borrowed(tensor.address, nbytes, tensor.owner)
        runtime.adopt(memory)
        made = DeviceArray(runtime, memory, tensor.shape, tensor.dtype)
        return made.copy() if tensor.address % WIDEST else made
    low, high = tensor.span
    host = np.empty(high - low, np.uint8)
    runtime.download(low, host)
    view = np.ndarray(tensor.shape, tensor.dtype, host.data, tensor.address - low, tensor.strides)
    return uploaded(runtime, view)
