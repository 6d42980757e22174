"""Compiled functions: the only joint of staging and compiler.

A function is staged and compiled once for each structure, shapes and dtypes of its arguments; a call
then flattens the arguments, looks the compiled Program up, runs it, and rebuilds the result. A compiled
function that meets traced values is staged as one equation, which keeps it compiled under ``grad`` and
which an outer ``jit`` takes apart.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import update_wrapper
from types import MethodType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np

from fnad import tree
from fnad.compiler.compile import Compiled, compile_program
from fnad.compiler.report import describe
from fnad.errors import boundary
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import ArrayType, is_inexact
from fnad.tracing import Staged, Tracer, inline, innermost, is_value, stage, value_type
from fnad.transforms.closures import Reader, find_readers
from fnad.transforms.vjp import Joint, Split, is_hashable, split_joint, vjp_program
from fnad.transforms.vmap import Batched, vmap_program

# --- A compiled Program as one operation

_compiled: WeakKeyDictionary[Program, Compiled] = WeakKeyDictionary()
_differentiated: WeakKeyDictionary[Program, tuple[Joint, Split]] = WeakKeyDictionary()
_batched: WeakKeyDictionary[Program, dict[Any, Batched]] = WeakKeyDictionary()


def _call_type(*types: ArrayType, program: Program) -> Any:
    return _bare(program.output_types)


def _bare(results: Sequence[Any]) -> Any:
    """The one result, or a tuple of several."""
    return results[0] if len(results) == 1 else tuple(results)


def _run(*args: Any, program: Program) -> Any:
    compiled = _compiled.get(program)
    if compiled is None:
        compiled = _compiled[program] = compile_program(program)
    return _bare(compiled([np.asarray(a) for a in args]))


def _expand(*args: Tracer, program: Program) -> Any:
    return _bare(inline(innermost(args), program, args))


def _forward(*args: Any, program: Program) -> tuple[Any, Any]:
    known = _differentiated.get(program)
    if known is None:
        wrt = [i for i, t in enumerate(program.input_types) if is_inexact(t.dtype)]
        joint = vjp_program(program, wrt, len(program.outputs))
        known = _differentiated[program] = joint, split_joint(joint, len(program.outputs))
    joint, parts = known
    results = _call(parts.forward, [*args, *joint.constants])
    count = len(program.outputs)
    return tuple(results[:count]), (parts.backward, results[count:], len(args))


def _backward(residuals: Any, g: Any, program: Program) -> list[Any]:
    backward, values, count = residuals
    cotangents = [c for c, t in zip(g if isinstance(g, tuple) else (g,), program.output_types) if is_inexact(t.dtype)]
    bars = iter(_call(backward, [*values, *cotangents]))
    return [next(bars) if is_inexact(t.dtype) else None for t in program.input_types[:count]]


def _batch(op: Primitive, mapped: tuple[bool, ...], *args: Any, program: Program) -> Any:
    key = mapped, args[mapped.index(True)].shape[0]
    known = _batched.setdefault(program, {})
    batched = known.get(key)
    if batched is None:
        if len(known) >= MOST_ENTRIES:
            known.clear()
        batched = known[key] = vmap_program(program, *key)
    return tuple(_call(batched.program, [*args, *batched.constants]))


def _call(program: Program, args: Sequence[Any]) -> list[Any]:
    """A Program's results as one operation on the arguments."""
    if not program.outputs:
        return []
    results = jit_call(*args, program=program)
    return list(results) if len(program.outputs) > 1 else [results]


jit_call = Primitive(
    "jit_call", _call_type, _run, vjp_forward=_forward, vjp_backward=_backward, expand=_expand, batch=_batch,
)

# --- The function that users call


MOST_ENTRIES = 256
"""Signatures that a function keeps; the oldest goes first."""


class _Entry(NamedTuple):
    """What one signature came to."""

    staged: Staged
    traced: tuple[int, ...]
    """Which leaves are inputs of the Program; the others are part of the signature."""
    is_plain: bool
    """Whether all leaves are inputs, and the signature says that they are arrays as they must be."""
    donated: tuple[int, ...]
    """Which inputs are."""
    readers: list[Reader]
    compiled: Compiled | None
    """``None`` where the Program closes over traced values: it then becomes part of theirs."""


class Jitted:
    """A function with its compiled Programs, one for each signature."""

    def __init__(
        self, function: Callable[..., Any], static_argnums: Sequence[int], static_argnames: Sequence[str],
        donate_argnums: Sequence[int],
    ) -> None:
        update_wrapper(self, function)
        self.function = function
        self.static_argnums, self.static_argnames = static_argnums, static_argnames
        self.donate_argnums = donate_argnums
        self.entries: dict[Any, _Entry] = {}
        self._lock = threading.RLock()

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    @boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        static = None
        if self.static_argnums or self.static_argnames:
            static, args, kwargs = self._without_static(args, kwargs)
        leaves, treedef = tree.flatten((args, kwargs))
        signature = (treedef, static, tuple([_leaf_key(leaf) for leaf in leaves]))
        entry = self._entry(signature, leaves)
        captured = [read() for read in entry.readers] if entry.readers else []
        if captured and not _fit(captured, entry):
            entry = self._staged_anew(signature, leaves)
            captured = entry.staged.captured
        if entry.is_plain and not captured:
            return entry.staged.restore(entry.compiled(_owned(entry, leaves)))
        values = [leaves[i] for i in entry.traced]
        if entry.compiled is None or Tracer in map(type, values) or Tracer in map(type, captured):
            return entry.staged.restore(_call(entry.staged.program, [*values, *captured]))
        arrays = [np.asarray(v, t.dtype) for v, t in zip([*values, *captured], entry.staged.program.input_types)]
        return entry.staged.restore(entry.compiled(_owned(entry, arrays)))

    def compiled(self, *args: Any, **kwargs: Any) -> Compiled | None:
        """What the arguments' signature is compiled to; ``None`` for a function without results to compute."""
        static = None
        if self.static_argnums or self.static_argnames:
            static, args, kwargs = self._without_static(args, kwargs)
        leaves, treedef = tree.flatten((args, kwargs))
        return self._entry((treedef, static, tuple([_leaf_key(leaf) for leaf in leaves])), leaves).compiled

    def _entry(self, signature: Any, leaves: Sequence[Any]) -> _Entry:
        try:
            entry = self.entries.get(signature)
        except TypeError:
            raise _unhashable(signature, leaves) from None
        if entry is None:
            with self._lock:
                entry = self.entries.get(signature) or self._staged_anew(signature, leaves)
        return entry

    def _staged_anew(self, signature: Any, leaves: Sequence[Any]) -> _Entry:
        """Stage and compile for a signature."""
        with self._lock:
            treedef, static, _ = signature
            traced = tuple([i for i, leaf in enumerate(leaves) if is_value(leaf)])

            def flat_function(*tracers: Tracer) -> Any:
                full = list(leaves)
                for i, tracer in zip(traced, tracers):
                    full[i] = tracer
                args, kwargs = tree.unflatten(treedef, full)
                if static is not None:
                    args, kwargs = static.restored(args, kwargs)
                return self.function(*args, **kwargs)

            staged = stage(flat_function, [_native(value_type(leaves[i])) for i in traced])
            is_plain = all([type(leaf) is np.ndarray and leaf.dtype.isnative for leaf in leaves])
            entry = self._compile(staged, traced, treedef, is_plain)
            while len(self.entries) >= MOST_ENTRIES:
                del self.entries[next(iter(self.entries))]
            self.entries[signature] = entry
            return entry

    def _compile(self, staged: Staged, traced: tuple[int, ...], treedef: tree.TreeDef, is_plain: bool) -> _Entry:
        readers = find_readers(self.function, staged.captured) if staged.captured else []
        donated = self._donated(traced, treedef)
        program = staged.program
        closed = any(isinstance(c, Tracer) for c in staged.captured)
        compiled = compile_program(program, donated) if program.outputs and not closed else None
        return _Entry(staged, traced, is_plain and compiled is not None, donated, readers, compiled)

    def _donated(self, traced: Sequence[int], treedef: tree.TreeDef) -> tuple[int, ...]:
        """The inputs that belong to donated arguments."""
        if not self.donate_argnums:
            return ()
        args = treedef.children()[0].children()
        starts = np.cumsum([0, *(child.num_leaves for child in args)])
        leaves = {i for n in self.donate_argnums if n < len(args) for i in range(starts[n], starts[n + 1])}
        return tuple([position for position, i in enumerate(traced) if i in leaves])

    def _without_static(self, args: tuple, kwargs: dict) -> tuple[_Static, tuple, dict]:
        numbers = {n % len(args) if -len(args) <= n < len(args) else n for n in self.static_argnums} if args else set()
        chosen = tuple([(i, a) for i, a in enumerate(args) if i in numbers])
        named = tuple([(k, v) for k, v in sorted(kwargs.items()) if k in self.static_argnames])
        static = _Static(chosen, named)
        rest = tuple([a for i, a in enumerate(args) if i not in numbers])
        return static, rest, {k: v for k, v in kwargs.items() if k not in self.static_argnames}


class _Static(NamedTuple):
    """The static arguments of a call: by position and by name."""

    positional: tuple[tuple[int, Any], ...]
    named: tuple[tuple[str, Any], ...]

    def restored(self, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """All arguments, from those that are not static."""
        full = list(args)
        for i, value in self.positional:
            full.insert(i, value)
        return full, kwargs | dict(self.named)


def _leaf_key(leaf: Any) -> Any:
    """What of a leaf decides the compiled code."""
    kind = type(leaf)
    if kind is np.ndarray:
        return leaf.shape, leaf.dtype
    if kind is Tracer or (is_value(leaf) and kind not in _SCALARS):
        return leaf.shape, leaf.dtype, kind is Tracer and leaf.type.weak
    return kind if kind in _SCALARS else (kind, leaf)


_SCALARS = {bool, int, float, complex}


def _native(type: ArrayType) -> ArrayType:
    """The type with its dtype in the machine's byte order."""
    return type if type.dtype.isnative else ArrayType(type.shape, type.dtype.newbyteorder("="), type.weak)


def _fit(captured: Sequence[Any], entry: _Entry) -> bool:
    """Whether what a function closes over now is of the types it was compiled for."""
    types = entry.staged.program.input_types[len(entry.traced) :]
    return all([
        c is known or (is_value(c) and value_type(c)[:2] == t[:2])
        for c, known, t in zip(captured, entry.staged.captured, types)
    ])


def _owned(entry: _Entry, arrays: list[np.ndarray]) -> list[np.ndarray]:
    """The inputs, with those copied that are to be given away and cannot be."""
    if entry.donated:
        repeated = len(set(map(id, arrays))) < len(arrays)
        for i in entry.donated:
            if repeated or arrays[i].flags.num & _OWN != _OWN:
                arrays[i] = arrays[i].copy(order="C")
    return arrays


_OWN = np.zeros((2, 2)).flags.num
"""The flags of an array that is C-contiguous, aligned, writable, and owns its memory."""


def _unhashable(signature: Any, leaves: Sequence[Any]) -> TypeError:
    treedef, static, _ = signature
    for value in [v for pair in static or () for _, v in pair] + [leaf for leaf in leaves if not is_value(leaf)]:
        if not is_hashable(value):
            return TypeError(
                "jit: requires arguments that are arrays, numbers or hashable constants, got "
                f"{type(value).__name__} {value!r:.60}. Make it an array, a tuple, or close over it."
            )
    return TypeError("jit: requires hashable static data in the arguments' pytrees, got data that is not.")


@boundary
def jit(
    function: Callable[..., Any] | None = None, *, static_argnums: int | Iterable[int] = (),
    static_argnames: str | Iterable[str] = (), donate_argnums: int | Iterable[int] = (),
) -> Any:
    """Compile a function; it is staged at the first call for each structure, shapes and dtypes of its arguments.

    Arrays that the function closes over are read anew at every call. Other values that it closes over, and
    leaves of the arguments that are neither arrays nor numbers, are constants of the compiled code; the leaves
    are part of the signature. Python conditions on the values of traced arrays are errors under ``jit``.

    Args:
        function: a pure function from pytrees to a pytree. Without it, ``jit`` is a decorator with options.
        static_argnums: positional arguments that are constants of the compiled code; they must be hashable.
        static_argnames: likewise keyword arguments.
        donate_argnums: positional arguments whose arrays are not used again after the call; results of equal
            shape and dtype may be written into their memory.

    Returns:
        A function of the same arguments; its arrays are new (or donated) NumPy arrays.

    Raises:
        TypeError: an argument's leaf is neither array nor hashable; a static argument is not hashable.
        ConcreteValueError: Python asks for the value of a traced array.

    >>> import numpy as np
    >>> @jit
    ... def f(x):
    ...     return np.sum(x ** 2)
    >>> f(np.array([1.0, 2.0]))
    array(5.)
    """
    static, donated = _numbers("static_argnums", static_argnums), _numbers("donate_argnums", donate_argnums)
    options = static, _names(static_argnames), donated
    if set(static) & set(donated):
        raise ValueError(f"jit: requires static and donated arguments to differ, got {static} and {donated}.")
    if function is None:
        return lambda f: jit(f, static_argnums=static, static_argnames=options[1], donate_argnums=donated)
    if not callable(function):
        raise TypeError(
            f"jit: requires a function, got {type(function).__name__}. "
            "Pass the function itself, not its result."
        )
    _require_parameters(function, static, options[1])
    return Jitted(function, *options)


def _require_parameters(function: Callable[..., Any], numbers: Sequence[int], names: Sequence[str]) -> None:
    """Raise for static arguments that a function with a known signature does not have."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return
    kinds = {p.kind for p in parameters}
    unknown = set(names) - {p.name for p in parameters}
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
        raise ValueError(f"jit: requires static_argnames of parameters, got {sorted(unknown)}. Check the spelling.")
    beyond = [n for n in numbers if not -len(parameters) <= n < len(parameters)]
    if beyond and inspect.Parameter.VAR_POSITIONAL not in kinds:
        raise ValueError(f"jit: requires static_argnums of parameters, got {beyond} of {len(parameters)}. Count from 0.")


def _numbers(name: str, given: int | Iterable[int]) -> tuple[int, ...]:
    numbers = (given,) if isinstance(given, int) else tuple(given)
    if not all(isinstance(n, (int, np.integer)) for n in numbers):
        raise TypeError(f"jit: requires {name} to be integers, got {given!r}. Use static_argnames for names.")
    return numbers


def _names(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def explain(function: Callable[..., Any]) -> Callable[..., None]:
    """A function that prints what ``function`` is compiled to for its arguments.

    The print shows the instructions in order, the source of each kernel, the buffers and their bytes, the
    seconds of compilation, how many kernels came from memory and disk, and what runs as a host step.

    >>> import numpy as np
    >>> explain(lambda x: np.tanh(x) * 2.0)(np.ones(3))  # doctest: +ELLIPSIS
    program(a: f64[3]):
      b: f64[3] = tanh a
      c: f64[3] = mul b 2.0[3]
      return c
    ...
    """
    jitted = function if isinstance(function, Jitted) else Jitted(function, (), (), ())

    @boundary
    def wrapper(*args: Any, **kwargs: Any) -> None:
        compiled = jitted.compiled(*args, **kwargs)
        print(describe(compiled) if compiled is not None else "Nothing to compile: no result depends on an array.")

    return wrapper
