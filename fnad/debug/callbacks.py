"""Python called in the middle of a function that may be compiled, for its effect alone.

A call is an equation without outputs: no pass drops it, merges it with another one or changes the order of two
of them, it has no derivative, and values that Python asks for are computed without it.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Callable, Sequence
from itertools import count
from string import Formatter
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arrays import is_numeric
from fnad.checks import require_function
from fnad.errors import boundary
from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.tracing.state import current_builder
from fnad.tracing.tracer import Tracer, is_value, value_type


def _evaluate(*args: Any, function: Callable[..., None]) -> tuple[()]:
    # Copies, since the function may keep what it is given.
    function(*[np.array(a, order="C") for a in args])
    return ()


def _batch(op: Primitive, mapped: Sequence[bool], *args: Any, function: Callable[..., None]) -> tuple[()]:
    size = args[list(mapped).index(True)].shape[0]
    return op(*args, function=_ForEach(function, tuple(mapped), size))


class _ForEach(NamedTuple):
    """A function called once for each example of a batch, in order."""

    function: Callable[..., None]
    mapped: tuple[bool, ...]
    size: int

    def __call__(self, *args: np.ndarray) -> None:
        for i in range(self.size):
            self.function(*[np.array(a[i], order="C") if m else a for a, m in zip(args, self.mapped)])


def _type(*types: ArrayType, function: Callable[..., None]) -> tuple[()]:
    return ()


def _conditional(op: Primitive, flag: Any, only_if: Any, *args: Any, function: Callable[..., None]) -> tuple[()]:
    return op(flag, *args, function=_If(function))


class _If(NamedTuple):
    """A function that is called where its first argument is true."""

    function: Callable[..., None]

    def __call__(self, flag: np.ndarray, *args: np.ndarray) -> None:
        if flag:
            self.function(*args)

    def __str__(self) -> str:
        return str(self.function)


debug_callback = Primitive(
    "debug_callback", _type, _evaluate, differentiable=(), batch=_batch, conditional=_conditional, effect=True,
)


class _OnArguments(NamedTuple):
    """A function of pytrees as one of the arrays in them."""

    function: Callable[..., Any]
    treedef: tree.TreeDef
    constants: tuple[tuple[int, type, Any], ...]
    """The leaves that are no arrays, with their places, and with their types, since 1 and 1.0 are equal."""

    def __call__(self, *arrays: np.ndarray) -> None:
        leaves = list(arrays)
        for i, _, value in self.constants:
            leaves.insert(i, value)
        args, kwargs = tree.unflatten(self.treedef, leaves)
        self.function(*args, **kwargs)

    def __str__(self) -> str:
        return getattr(self.function, "__name__", str(self.function))


def _call(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    leaves, treedef = tree.flatten((tuple(args), kwargs))
    constants = tuple([(i, type(leaf), leaf) for i, leaf in enumerate(leaves) if not _is_array(leaf)])
    values = [leaf for leaf in leaves if _is_array(leaf)]
    on_arguments = _OnArguments(function, treedef, constants)
    builder = current_builder()
    if builder is None:
        debug_callback(*values, function=on_arguments)
    else:
        # Where no argument is traced too: the call is made when the function runs, not while it is staged.
        builder.apply(debug_callback, [builder.tracer(v) for v in values], {"function": on_arguments})


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (Tracer, np.ndarray)) and is_numeric(leaf.dtype)


@boundary
def callback(function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Call a Python function for its effect, also from inside compiled code.

    It is called once each time that the function around it runs, in the order of the calls; under ``grad``,
    ``vjp``, ``jvp`` and ``checkpoint`` once too, with the primal values; under ``vmap`` once for each example, or
    once where no argument depends on the example. Where the examples' loops end at different steps, or they take
    different branches, it is called for those alone that come by. In the backward rule of ``custom_vjp`` it is
    called in the backward pass, with the cotangents; in a map that is linear by itself (tangents, the rule of
    ``custom_jvp``, `linear_transpose`) it is not called. No derivative flows through it. Where Python raises an error,
    or a function is staged without being run, what was to be called is not.

    Args:
        function: takes what is given here with NumPy arrays in place of arrays and traced values; what it
            returns is ignored, and an error that it raises ends the computation. It must not be pure.
        args: pytrees.
        kwargs: likewise.

    Raises:
        TypeError: ``function`` is no function.

    >>> import numpy as np
    >>> from fnad import jit
    >>> seen = []
    >>> @jit
    ... def double(x):
    ...     callback(seen.append, {"sum": np.sum(x)})
    ...     return 2.0 * x
    >>> double(np.ones(3)), double(np.zeros(3)), seen
    (array([2., 2., 2.]), array([0., 0., 0.]), [{'sum': array(3.)}, {'sum': array(0.)}])
    """
    require_function("debug.callback", function, advice="Pass the function itself, then its arguments.")
    _call(function, args, kwargs)


@boundary
def print(fmt: str, *args: Any, **kwargs: Any) -> None:
    """Print values, also from inside compiled code: ``fmt.format(*args, **kwargs)`` with the values filled in.

    It prints when the function runs, as often and in the order that `callback` calls.

    Args:
        fmt: a format string, as of ``str.format``; a brace that is meant is written twice.
        args: pytrees of arrays, numbers, traced values and anything that can be formatted. A scalar is formatted as
            a number.
        kwargs: likewise, by name.

    Raises:
        TypeError: ``fmt`` is no string.
        ValueError: ``fmt`` does not fit the arguments: a placeholder without an argument, an argument without a
            placeholder, or a string that cannot be read.

    >>> import numpy as np
    >>> from fnad import grad, jit
    >>> @jit
    ... def loss(x):
    ...     y = np.sum(x * x)
    ...     print("y = {y:.2f} at {}", x, y=y)
    ...     return y
    >>> grad(loss)(np.array([1.0, 2.0]))
    y = 5.00 at [1. 2.]
    array([2., 4.])
    """
    _require_format(fmt, args, kwargs)
    _call(_Printer(fmt), args, kwargs)


class _Printer(NamedTuple):
    fmt: str

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        args, kwargs = tree.map(_shown, (args, kwargs))
        builtins.print(self.fmt.format(*args, **kwargs))

    def __str__(self) -> str:
        return repr(self.fmt)


def _shown(leaf: Any) -> Any:
    """A scalar as a number, which takes a format specification; an array has none."""
    return leaf[()] if isinstance(leaf, np.ndarray) and leaf.shape == () else leaf


def _require_format(fmt: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> None:
    """Raise where a format string will not do for such arguments, before anything is computed."""
    if not isinstance(fmt, str):
        raise TypeError(
            f"debug.print: requires a format string first, got {type(fmt).__name__}. "
            'Write fnad.debug.print("x = {}", x).'
        )
    sample_args, sample_kwargs = tree.map(_sample, (tuple(args), kwargs))
    try:
        fmt.format(*sample_args, **sample_kwargs)
        unused = {*range(len(args)), *kwargs} - _used(fmt)
    except Exception as error:
        leaves = tree.leaves((args, kwargs))
        types = ", ".join([str(value_type(x)) if is_value(x) else type(x).__name__ for x in leaves])
        raise ValueError(
            f"debug.print: requires a format string that fits its arguments, got {fmt!r} for {types or 'none'}: "
            f"{type(error).__name__}: {error}. Write {{}} for each argument, {{name}} for one by keyword, a format "
            "such as .3f for scalars only, and braces twice."
        ) from None
    if unused:
        raise ValueError(
            f"debug.print: requires a placeholder for each argument, got {fmt!r} without one for argument "
            f"{min(unused, key=str)}. Write {{}} for each argument, or {{name}} for one by keyword."
        )


def _sample(leaf: Any) -> Any:
    """Zeros in the place of an array, as a broadcast scalar that takes no memory."""
    if not _is_array(leaf):
        return leaf
    return _shown(np.broadcast_to(np.zeros((), leaf.dtype), leaf.shape))


def _used(fmt: str) -> set[Any]:
    """The positions and keywords of the arguments that a format string formats."""
    used: set[Any] = set()
    numbers = count()

    def collect(part: str) -> None:
        for _, name, spec, _ in Formatter().parse(part):
            if name is not None:
                first = re.split(r"[.\[]", name)[0]
                used.add(next(numbers) if not first else int(first) if first.isdigit() else first)
                collect(spec or "")

    collect(fmt)
    return used
