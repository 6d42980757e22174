"""A way around the subscription of NumPy's arrays, for keys of a type that only a Python function understands.

An array is indexed by code in C, which its type has in a slot. While a detour is in that slot, a key of the type, a
tuple with one in it, and a list are given to a Python function; all other keys go on to NumPy, at the cost of a
comparison.
"""

import ctypes
import struct
import sys
from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir

_WORD, _BYTE = ir.IntType(64), ir.IntType(8)
_OBJECT = object.__basicsize__
_TYPE = _OBJECT - 8  # where an object has its type
_METHODS = _OBJECT + 8 + 11 * 8  # where a type has the slots of a mapping: of len(x), x[i] and x[i] = v
_FUNCTION = _OBJECT + 4 * 8  # where a method of a type in C has its function, after the type, two names and a table
_SIZE = _OBJECT  # of a tuple, whose items begin at its basic size


class Detour:
    """Machine code that stands in the slot of arrays, or none where this Python is laid out otherwise."""

    def __init__(self, kind: type, function: Callable[[Any, Any], Any]) -> None:
        slots = _read(id(np.ndarray) + _METHODS)
        self._slot = ctypes.c_void_p.from_address(slots + 8)
        self._original = self._slot.value
        self._own = _compiled(self._original, kind, function)

    def put(self) -> None:
        """Let the detour be taken."""
        self._slot.value = self._own

    def take(self) -> None:
        """Let it not be taken any more, unless the slot is somebody else's."""
        if self._slot.value == self._own:
            self._slot.value = self._original


def detour(kind: type, function: Callable[[Any, Any], Any]) -> Detour | None:
    """A detour for keys of a type to a function of an array and a key; ``None`` where there can be none.

    It is compared with what Python says of the same slots in another way before anything is changed, and tried.
    """
    if sys.implementation.name != "cpython" or struct.calcsize("P") != 8 or not _is_as_expected():
        return None
    met: list[Any] = []
    tried = Detour(_Probe, lambda array, key: met.append(key) or len(met))
    array, probe = np.arange(6).reshape(2, 3), _Probe()
    tried.put()
    try:
        found = array[probe], array[0, probe], array[1, 2], array[1].tolist(), array[:, 1].tolist()
    finally:
        tried.take()
    if found != (1, 2, 5, [3, 4, 5], [1, 4]) or met != [probe, (0, probe)]:
        return None
    return Detour(kind, function)


class _Probe:
    """A key that no array takes."""


def _read(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _is_as_expected() -> bool:
    """Whether the slots of an array's type hold the functions that its methods have."""
    slots = _read(id(np.ndarray) + _METHODS)
    methods = [np.ndarray.__dict__[name] for name in ("__len__", "__getitem__", "__setitem__")]
    functions = [_read(id(method) + _FUNCTION) for method in methods]
    is_address = slots % 8 == 0 and slots > 1 << 16
    return is_address and functions == [_read(slots + 8 * i) for i in range(3)]


def _compiled(original: int, kind: type, function: Callable[[Any, Any], Any]) -> int:
    """The address of machine code that is never given back: another thread may be in it, at any time."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(str(_module(original, kind, function))), machine)
    engine.finalize_object()
    for kept in (engine, kind, function):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))
    return engine.get_function_address("subscript")


def _module(original: int, kind: type, function: Callable[[Any, Any], Any]) -> ir.Module:
    """The function of an array and a key in LLVM's language."""
    module = ir.Module("detour")
    module.triple = llvm.get_process_triple()
    made = ir.Function(module, ir.FunctionType(_WORD, [_WORD, _WORD]), "subscript")
    array, key = made.args
    blocks = [made.append_basic_block(name) for name in ("start", "others", "tuple", "item", "next", "own", "detour")]
    start, others, of_tuple, item, following, own, way = [ir.IRBuilder(block) for block in blocks]

    def is_met(b: ir.IRBuilder, key_type: Any) -> Any:
        return b.or_(_is(b, key_type, kind), _is(b, key_type, list))

    key_type = _load(start, key, _TYPE)
    start.cbranch(is_met(start, key_type), way.block, others.block)
    others.cbranch(_is(others, key_type, tuple), of_tuple.block, own.block)
    size = _load(of_tuple, key, _SIZE)
    of_tuple.branch(item.block)
    at = item.phi(_WORD)
    with item.if_then(item.icmp_unsigned("==", at, size)):
        item.branch(own.block)
    address = item.add(key, item.mul(at, _WORD(8)))
    met = is_met(item, _load(item, _load(item, address, tuple.__basicsize__), _TYPE))
    item.cbranch(met, way.block, following.block)
    at.add_incoming(_WORD(0), of_tuple.block)
    at.add_incoming(following.add(at, _WORD(1)), following.block)
    following.branch(blocks[3])
    own.ret(_call(own, original, _WORD, array, key))
    _call_python(way, function, array, key)
    return module


def _is(b: ir.IRBuilder, key_type: Any, kind: type) -> Any:
    return b.icmp_unsigned("==", key_type, _WORD(id(kind)))


def _load(b: ir.IRBuilder, address: Any, offset: int) -> Any:
    return b.load(b.inttoptr(b.add(address, _WORD(offset)), _WORD.as_pointer()))


def _call(b: ir.IRBuilder, address: Any, result: ir.Type, *args: Any) -> Any:
    kind = ir.FunctionType(result, [a.type for a in args])
    return b.call(b.inttoptr(_WORD(address), kind.as_pointer()), args)


def _call_python(b: ir.IRBuilder, function: Callable[[Any, Any], Any], array: Any, key: Any) -> None:
    """Return what a Python function gives; a null pointer, as everywhere in Python, for an error."""
    api = {name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
           for name in ("PyTuple_New", "PyTuple_SetItem", "Py_IncRef", "Py_DecRef", "PyObject_Call")}
    null = _WORD(0)
    args = _call(b, api["PyTuple_New"], _WORD, _WORD(2))
    with b.if_then(b.icmp_unsigned("==", args, null), likely=False):
        b.ret(null)
    for i, value in enumerate((array, key)):
        _call(b, api["Py_IncRef"], ir.VoidType(), value)  # for the tuple
        _call(b, api["PyTuple_SetItem"], ir.IntType(32), args, _WORD(i), value)
    result = _call(b, api["PyObject_Call"], _WORD, _WORD(id(function)), args, null)
    _call(b, api["Py_DecRef"], ir.VoidType(), args)
    b.ret(result)
