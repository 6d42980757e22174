"""Memory shared with other libraries, without a copy: DLPack capsules and ``__cuda_array_interface__``.

The layouts are those of dlpack.h; a capsule holds a struct that says where a tensor lies, and a function that its
reader calls when it is done with it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from itertools import count
from math import prod
from typing import Any, NamedTuple

import numpy as np

from fnad.ops.strides import contiguous_strides
from fnad.runtime.cuda.runtime import Runtime

CUDA, CUDA_MANAGED = 2, 13
"""Kinds of devices."""
HOST = 1, 0
"""The kind of the host, and its number."""
VERSION = 1, 0
_CODES = {"i": 0, "u": 1, "f": 2, "c": 5, "b": 6}
_KINDS = {code: kind for kind, code in _CODES.items()}


class _Tensor(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p), ("device_type", ctypes.c_int32), ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32), ("code", ctypes.c_uint8), ("bits", ctypes.c_uint8), ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


class _Managed(ctypes.Structure):
    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p)]


class _Versioned(ctypes.Structure):
    _fields_ = [
        ("major", ctypes.c_uint32), ("minor", ctypes.c_uint32), ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p), ("flags", ctypes.c_uint64), ("tensor", _Tensor),
    ]


_NAMES = {_Managed: b"dltensor", _Versioned: b"dltensor_versioned"}
_USED = {_Managed: b"used_dltensor", _Versioned: b"used_dltensor_versioned"}


def _capi(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    return ctypes.PYFUNCTYPE(result, *arguments)((name, ctypes.pythonapi))


# A capsule is passed as its address where it is about to end: a reference would bring it to life again.
_new = _capi("PyCapsule_New", ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
_is_valid = _capi("PyCapsule_IsValid", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)
_pointer = _capi("PyCapsule_GetPointer", ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)
_rename = _capi("PyCapsule_SetName", ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)
_DELETER = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_DESTRUCTOR = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)

# --- Ours for others


def _kept(function: Any) -> Any:
    """A function for other libraries, kept to the last: their arrays may end after our modules do, at exit."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(function))
    return function


_lent: dict[int, tuple[Any, ...]] = {}
"""The loans to others, by the number in the struct's context: the struct, its shape, and the memory."""
_numbers = count(1)


def _take_back(kind: type[ctypes.Structure]) -> Any:
    def deleter(address: int) -> None:
        _lent.pop(kind.from_address(address).context, None)

    return _kept(_DELETER(deleter))


_deleters = {kind: _take_back(kind) for kind in _NAMES}


def _end_of(kind: type[ctypes.Structure]) -> Any:
    def destructor(address: int) -> None:
        if _is_valid(address, _NAMES[kind]):  # nobody read it
            _lent.pop(kind.from_address(_pointer(address, _NAMES[kind])).context, None)

    return _kept(_DESTRUCTOR(destructor))


_destructors = {kind: _end_of(kind) for kind in _NAMES}


def dlpack_device(runtime: Runtime) -> tuple[int, int]:
    """The device of a runtime's memory, as DLPack numbers it."""
    return HOST if runtime.is_host else (CUDA, runtime.ordinal)


def capsule(
    address: int, shape: tuple[int, ...], dtype: np.dtype, device: tuple[int, int], memory: Any,
    max_version: tuple[int, int] | None,
) -> Any:
    """A capsule about a C-contiguous array; ``memory`` lives until its reader is done."""
    kind = _Versioned if max_version is not None and max_version[0] >= VERSION[0] else _Managed
    # Past the shape come the strides, in elements: readers of version 1.2 require them.
    extents = (ctypes.c_int64 * (2 * len(shape)))(*shape, *[prod(shape[k + 1 :]) for k in range(len(shape))])
    sizes = ctypes.cast(extents, ctypes.POINTER(ctypes.c_int64))
    strides = ctypes.cast(ctypes.addressof(extents) + 8 * len(shape), ctypes.POINTER(ctypes.c_int64))
    code, bits = _CODES[dtype.kind], 8 * dtype.itemsize
    number = next(_numbers)
    managed = kind(
        tensor=_Tensor(address, *device, len(shape), code, bits, 1, sizes, strides, 0), context=number,
        deleter=ctypes.cast(_deleters[kind], ctypes.c_void_p),
    )
    if kind is _Versioned:
        managed.major, managed.minor = VERSION
    _lent[number] = managed, extents, memory
    return _new(ctypes.addressof(managed), _NAMES[kind], ctypes.cast(_destructors[kind], ctypes.c_void_p))


def cuda_array_interface(address: int, shape: tuple[int, ...], dtype: np.dtype, stream: int) -> dict[str, Any]:
    """The interface of a C-contiguous array; a reader makes its stream wait for this one."""
    data = address if prod(shape) else 0
    return {
        "shape": shape, "typestr": dtype.str, "data": (data, False), "strides": None, "version": 3,
        "stream": stream or None,
    }


# --- Others' for us


class Borrowed:
    """Memory of another library, which keeps it as long as this lives."""

    __slots__ = ("address", "nbytes", "_owner", "__weakref__")

    def __init__(self, address: int, nbytes: int, owner: Any) -> None:
        self.address, self.nbytes, self._owner = address, nbytes, owner


class _Owner:
    """A struct of another library, which is told when nobody reads it any more."""

    __slots__ = ("_address", "_deleter")

    def __init__(self, address: int, deleter: int | None) -> None:
        self._address = address
        self._deleter = _DELETER(deleter) if deleter else None

    def __del__(self) -> None:
        if self._deleter is not None:
            self._deleter(self._address)


class Tensor(NamedTuple):
    """An array of another library."""

    address: int
    """Of the element with the index 0 along all axes."""
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """In bytes."""
    dtype: np.dtype
    device: tuple[int, int]
    owner: Any

    @property
    def is_contiguous(self) -> bool:
        expected = self.dtype.itemsize
        for extent, stride in zip(reversed(self.shape), reversed(self.strides)):
            if extent > 1 and stride != expected:
                return False
            expected *= extent
        return True

    @property
    def span(self) -> tuple[int, int]:
        """The addresses of the first byte, and past the last one, of its elements."""
        if not prod(self.shape):
            return self.address, self.address
        ends = [(n - 1) * s for n, s in zip(self.shape, self.strides)]
        low, high = sum(min(e, 0) for e in ends), sum(max(e, 0) for e in ends)
        return self.address + low, self.address + high + self.dtype.itemsize


def from_capsule(capsule: Any) -> Tensor:
    """A capsule's tensor, which belongs to the reader from now on."""
    pointer = id(capsule)
    kind = next((k for k, name in _NAMES.items() if _is_valid(pointer, name)), None)
    if kind is None:
        raise ValueError("from_dlpack: requires a capsule that was not read before, got another one.")
    address = _pointer(pointer, _NAMES[kind])
    managed = kind.from_address(address)
    if kind is _Versioned and managed.major != VERSION[0]:
        raise BufferError(f"from_dlpack: requires a capsule of DLPack version 1, got version {managed.major}.")
    tensor = managed.tensor
    dtype = _dtype(tensor.code, tensor.bits, tensor.lanes)
    _rename(pointer, _USED[kind])
    shape = tuple(tensor.shape[: tensor.ndim])
    steps = tensor.strides[: tensor.ndim] if tensor.strides else [prod(shape[k + 1 :]) for k in range(len(shape))]
    strides = tuple([step * dtype.itemsize for step in steps])
    device = tensor.device_type, tensor.device_id
    first = (tensor.data or 0) + tensor.byte_offset
    return Tensor(first, shape, strides, dtype, device, _Owner(address, managed.deleter))


def _dtype(code: int, bits: int, lanes: int) -> np.dtype:
    kind = _KINDS.get(code)
    try:
        if kind is None or lanes != 1 or bits % 8:
            raise TypeError
        return np.dtype(f"{kind}{bits // 8}")
    except TypeError:
        raise TypeError(
            f"from_dlpack: requires booleans, integers, floats or complex numbers, got elements of DLPack's type "
            f"{code} with {bits} bits. Convert it in the library that it comes from."
        ) from None


def from_dlpack_protocol(x: Any, stream: int | None) -> Tensor:
    """An array that speaks DLPack, ready to be read on the stream of that number, or by the host."""
    given = {} if stream is None else {"stream": stream}
    try:
        capsule = x.__dlpack__(max_version=VERSION, **given)
    except TypeError:  # it speaks the first version
        capsule = x.__dlpack__(**given)
    return from_capsule(capsule)


def from_cuda_array_interface(x: Any, runtime: Runtime) -> Tensor:
    """An array that has the interface, ready to be read on the runtime's stream."""
    interface = x.__cuda_array_interface__
    dtype = np.dtype(interface["typestr"])
    if dtype.kind not in _CODES or not dtype.isnative:
        raise TypeError(
            f"device_put: requires booleans, integers, floats or complex numbers, got {dtype}. "
            "Convert it in the library that it comes from."
        )
    if interface.get("mask") is not None:
        raise TypeError("device_put: requires an array without a mask, got one with a mask. Fill the masked elements.")
    shape = tuple(interface["shape"])
    strides = interface.get("strides")
    if strides is None:
        strides = contiguous_strides(shape, dtype.itemsize)
    if interface.get("stream") is not None:
        runtime.wait_for(interface["stream"])
    return Tensor(interface["data"][0], shape, tuple(strides), dtype, (CUDA, runtime.ordinal), x)
