"""Arrays on a device."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np

from fnad import tree
from fnad.arrays import declare_array_type
from fnad.errors import boundary
from fnad.lazy import LazyModule
from fnad.runtime.cuda.runtime import Memory, Runtime, fetch, settle

exchange = LazyModule("fnad.runtime.cuda.exchange")


class DeviceArray:
    """A C-contiguous array in a device's memory, made by ``device_put`` or by a function that runs there.

    It is a leaf of pytrees and never changes. Compiled functions, operators and NumPy's functions take it and leave
    their results on the device; ``np.asarray``, Python's numbers and ``print`` bring its values to the host, which
    waits for the functions that make it. So does what is transformed but not compiled, as ``grad(f)`` without ``jit``.

    Attributes:
        shape, dtype: as of the NumPy array that ``np.asarray`` makes of it.
        device: where it is, as ``"cuda:0"``.
        address: of its first element, in the device's memory.

    >>> import fnad, numpy as np
    >>> x = fnad.device_put(np.array([1.0, 2.0]), "cpu")  # a NumPy array; "cuda" makes a DeviceArray on a GPU
    >>> x.dtype, type(x) is fnad.DeviceArray
    (dtype('float64'), False)
    """

    __slots__ = ("runtime", "memory", "shape", "dtype", "address", "__weakref__")
    __array_priority__ = 1000
    __hash__ = object.__hash__

    def __init__(
        self, runtime: Runtime, memory: Memory, shape: tuple[int, ...], dtype: np.dtype, offset: int = 0
    ) -> None:
        self.runtime = runtime
        self.memory = memory
        self.shape = shape
        self.dtype = dtype
        self.address = memory.address + offset

    # What it is

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize

    @property
    def device(self) -> str:
        return f"cuda:{self.runtime.ordinal}"

    @property
    def is_borrowed(self) -> bool:
        """Whether the memory is another library's, which may still use it."""
        return isinstance(self.memory, exchange.Borrowed)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len: requires an array with a first axis, got shape ().")
        return self.shape[0]

    # Its values on the host

    def numpy(self) -> np.ndarray:
        """A new NumPy array of the values."""
        array = np.empty(self.shape, self.dtype)
        fetch(self.runtime, self.address, array)
        return array

    @boundary
    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(
                f"np.asarray: requires copy=True or None of an array on {self.device}, got copy=False. "
                "Its values have to be brought to the host."
            )
        array = self.numpy()
        return array if dtype is None else array.astype(dtype, copy=False)

    @boundary
    def item(self, *index: int) -> Any:
        """The only element, or one that is named by its index, as a Python number."""
        return self.numpy().item(*index)

    @boundary
    def tolist(self) -> Any:
        """The values as nested lists of Python numbers."""
        return self.numpy().tolist()

    @boundary
    def __bool__(self) -> bool:
        return bool(self.numpy())

    @boundary
    def __int__(self) -> int:
        return int(self.numpy())

    @boundary
    def __index__(self) -> int:
        return self.numpy().__index__()

    @boundary
    def __float__(self) -> float:
        return float(self.numpy())

    @boundary
    def __complex__(self) -> complex:
        return complex(self.numpy())

    @boundary
    def __format__(self, spec: str) -> str:
        return format(self.numpy(), spec)

    @boundary
    def __str__(self) -> str:
        return str(self.numpy())

    @boundary
    def __repr__(self) -> str:
        name = type(self).__name__
        values = np.array2string(self.numpy(), separator=", ", prefix=f"{name}(")
        shape = f"shape={self.shape}, " if not self.size and self.ndim > 1 else ""
        return f"{name}({values}, {shape}dtype={self.dtype}, device={self.device!r})"

    # Copies

    def copy(self) -> DeviceArray:
        """A new array of the same values on the same device."""
        return self.part(0, self.shape)

    def part(self, offset: int, shape: tuple[int, ...]) -> DeviceArray:
        """A new array of the elements from so many bytes on."""
        nbytes = prod(shape) * self.dtype.itemsize
        memory = self.runtime.allocate(nbytes)
        self.runtime.copy(memory.address, self.address + offset, nbytes)
        return DeviceArray(self.runtime, memory, shape, self.dtype)

    def __copy__(self) -> DeviceArray:
        return self.copy()

    def __deepcopy__(self, memo: dict[int, Any]) -> DeviceArray:
        return self.copy()

    def __iter__(self) -> Iterator[DeviceArray]:
        """The parts along the first axis, each a copy: an array starts where its kernels may load 16 bytes at once."""
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        shape = self.shape[1:]
        step = prod(shape) * self.dtype.itemsize
        return iter([self.part(i * step, shape) for i in range(self.shape[0])])

    def __reduce__(self) -> Any:
        """Pickled as a NumPy array, which every machine can read."""
        return np.asarray, (self.numpy(),)

    # For other libraries

    def wait(self) -> DeviceArray:
        """The array itself, when its values are there; errors of the functions that make it are raised."""
        settle(self.runtime)
        return self

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self.runtime.is_host:
            raise AttributeError(f"__cuda_array_interface__: requires memory of a GPU, got that of {self.runtime.name}")
        return exchange.cuda_array_interface(self.address, self.shape, self.dtype, self.runtime.stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return exchange.dlpack_device(self.runtime)

    @boundary
    def __dlpack__(
        self, *, stream: Any = None, max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None, copy: bool | None = None,
    ) -> Any:
        """A capsule as the DLPack protocol wants it; what it holds is complete, whatever the stream."""
        here = self.__dlpack_device__()
        wanted = here if dl_device is None else tuple(map(int, dl_device))
        if wanted == exchange.HOST != here and copy is not False:
            return self.numpy().__dlpack__(max_version=max_version)
        if wanted != here:
            raise BufferError(
                f"__dlpack__: requires device {here}, where the array is, got {wanted}. "
                "Use np.asarray for the values on the host."
            )
        array = self.copy() if copy else self
        if stream != -1:  # the reader's own business
            array.wait()
        return exchange.capsule(array.address, array.shape, array.dtype, here, array.memory, max_version)


tree.declare_leaf_type(DeviceArray)
declare_array_type(DeviceArray)


def empty(runtime: Runtime, shape: tuple[int, ...], dtype: np.dtype) -> DeviceArray:
    """An array of any content."""
    return DeviceArray(runtime, runtime.allocate(prod(shape) * dtype.itemsize), shape, dtype)


def uploaded(runtime: Runtime, array: np.ndarray) -> DeviceArray:
    """A NumPy array's values on a device, in the machine's byte order."""
    dtype = array.dtype.newbyteorder("=")
    made = empty(runtime, array.shape, dtype)
    runtime.upload(made.address, np.require(array, dtype, "CA"))
    return made
