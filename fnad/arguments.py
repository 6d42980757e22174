"""The arguments and results of functions that are staged: which leaves are inputs, their names, what they must be.

Every transform asks here, so that a mistake is the same error wherever it is made. `fnad.checks` knows the checks of
single values, which need no pytree.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from types import MethodType
from typing import Any

import numpy as np

from fnad import tree
from fnad.arrays import Unfit, has_plain_meaning
from fnad.checks import is_integer, require_function
from fnad.errors import boundary
from fnad.ir.program import Literal, Program, filled
from fnad.ir.types import ArrayType, is_inexact
from fnad.ops.elementwise import convert
from fnad.ownership import own_copy
from fnad.tracing.staging import stage
from fnad.tracing.tracer import Tracer, is_value, value_type

# --- Leaves


def traced_leaves(name: str, function: Callable[..., Any], leaves: Sequence[Any], treedef: tree.TreeDef) -> list[int]:
    """The leaves of the arguments ``(args, kwargs)`` of a call that are arrays or numbers.

    Raises:
        TypeError: one is an array of what is no number, or of another library; the message names its path.
    """
    return values_among(name, leaves, lambda: call_paths(function, treedef))


def values_among(name: str, leaves: Sequence[Any], paths: Callable[[], Sequence[str]]) -> list[int]:
    """The leaves that are arrays or numbers, likewise; ``paths`` gives the names of all of them."""
    found = []
    for i, leaf in enumerate(leaves):
        try:
            if is_value(leaf):
                found.append(i)
        except Unfit as unfit:
            raise unfit.at(name, paths()[i]) from None
    return found


def call_paths(function: Callable[..., Any], treedef: tree.TreeDef, without: Collection[int] = ()) -> list[str]:
    """The paths of the leaves of ``(args, kwargs)`` from the names of the parameters; some positions are left out."""
    args, kwargs = treedef.children()
    positions = [i for i in range(args.num_children + len(without)) if i not in without]
    roots = [argument_name(function, i) for i in positions] + kwargs.entries()
    return [path for child, root in zip(args.children() + kwargs.children(), roots) for path in tree.paths(child, root)]


def argument_name(function: Callable[..., Any], position: int) -> str:
    """The name of a positional argument in messages."""
    function = inspect.unwrap(function)
    code, own = getattr(function, "__code__", None), isinstance(function, MethodType)  # whose first one is ``self``
    if code is not None and position + own < code.co_argcount:
        return code.co_varnames[position + own]
    return f"args[{position}]"


def combine(others: Sequence[Any], positions: Sequence[int], values: Sequence[Any]) -> list[Any]:
    """A list with values in some positions, and the others elsewhere."""
    full = list(others)
    for i, value in zip(positions, values):
        full[i] = value
    return full


def with_own_arrays(value: Any) -> Any:
    """What a function that runs on values takes or gives: its arrays are new ones in C order, which nobody else holds.

    Of arguments too: what the function writes to them is seen by it alone, as when it is staged.
    """
    return tree.map(lambda leaf: _copied(leaf) if issubclass(type(leaf), np.ndarray) else leaf, value)


def _copied(array: np.ndarray) -> np.ndarray:
    return own_copy(array) if has_plain_meaning(array) else array.copy("C")


# --- Staging


def flat_function(
    function: Callable[..., Any], leaves: Sequence[Any], treedef: tree.TreeDef, traced: Sequence[int]
) -> Callable[..., Any]:
    """``function`` as one of some leaves of its arguments ``(args, kwargs)``; the other leaves are as given."""

    def flat(*tracers: Tracer) -> Any:
        args, kwargs = tree.unflatten(treedef, combine(leaves, traced, tracers))
        return function(*args, **kwargs)

    return flat


@boundary
def make_program(function: Callable[..., Any]) -> Callable[..., Program]:
    """The Program that a function is staged as: its operations in order, before they are simplified and compiled.

    Args:
        function: a function from pytrees to a pytree of arrays.

    Returns:
        A function of the same arguments that returns a `Program`, which can be printed. Of the arguments the shapes
        and dtypes count, and the values where Python asks for them.

    Raises:
        TypeError: ``function`` is no function, or an argument or result is no array that can be traced.

    >>> import numpy as np
    >>> print(make_program(lambda x: np.sin(x) * 2.0)(np.ones(3)))
    program(a: f64[3]):
      b: f64[3] = sin a
      c: f64[3] = mul b 2.0[3]
      return c
    """
    require_function("make_program", function)

    @boundary
    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Program:
        leaves, treedef = tree.flatten((args, kwargs))
        traced = traced_leaves("make_program", function, leaves, treedef)
        values = [leaves[i] for i in traced]
        flat = flat_function(function, leaves, treedef, traced)
        return stage(flat, [value_type(v) for v in values], values).program

    return wrapper


# --- What arguments must be


def require_values(name: str, leaves: Sequence[Any], treedef: tree.TreeDef, root: str) -> None:
    """Raise for a leaf that is neither an array nor a number, naming its path."""
    found = values_among(name, leaves, lambda: tree.paths(treedef, root))
    for i in {*range(len(leaves))} - {*found}:
        path = tree.paths(treedef, root)[i]
        owner, _, field = path.rpartition(".")
        advice = "Pass what is no array in another argument, or close over it"
        if owner and field.isidentifier():
            advice += ", or, in a dataclass, make it static by field(metadata={'static': True})"
        raise TypeError(f"{_no_value(name, leaves[i], path)} {advice}.")


def _no_value(name: str, leaf: Any, path: str) -> str:
    return f"{name}: requires arrays or numbers, got {type(leaf).__name__} at {path}."


def require_argnums(name: str, argnums: Any) -> None:
    """Raise for argnums that are no integers."""
    numbers = argnums if isinstance(argnums, Sequence) else [argnums]
    if not numbers or not all(map(is_integer, numbers)):
        raise TypeError(
            f"{name}: requires argnums to be an integer or a sequence of integers, got {argnums!r}. "
            "Try argnums=0."
        )


def chosen_positions(name: str, argnums: int | Sequence[int], args: Sequence[Any]) -> list[int]:
    """The positions that argnums names, counted from 0."""
    numbers = list(argnums) if isinstance(argnums, Sequence) else [argnums]
    for n in numbers:
        if not -len(args) <= n < len(args):
            raise ValueError(
                f"{name}: requires argnums of positional arguments that are given, got argnums={argnums} for "
                f"{len(args)} of them. Pass the argument by position, or change argnums."
            )
    chosen = [n % len(args) for n in numbers]
    if len(set(chosen)) < len(chosen):
        raise ValueError(f"{name}: requires argnums without repetition, got {argnums}. Name each argument once.")
    return chosen


def require_differentiable(
    name: str, leaves: Sequence[Any], treedef: tree.TreeDef, function: Callable[..., Any], chosen: Sequence[int],
    allow_int: bool = False,
) -> None:
    """Raise for a leaf of the chosen arguments that is no array or number, float or complex, naming its path."""
    # Most leaves are plain arrays, which need no more checks.
    if all([type(leaf) is np.ndarray and is_inexact(leaf.dtype) for leaf in leaves]):
        return
    start = 0
    for position, child in zip(chosen, treedef.children()):
        own = leaves[start : start + child.num_leaves]
        root = argument_name(function, position)
        require_values(name, own, child, root)
        for leaf, path in zip(own, tree.paths(child, root)):
            if not (allow_int or is_inexact(value_type(leaf).dtype)):
                raise TypeError(
                    f"{name}: requires float or complex leaves, got {value_type(leaf)} at {path}. "
                    "Convert it to float, or leave it out of argnums by passing it in another argument."
                )
        start += child.num_leaves


def require_tuples(name: str, primals: Any, tangents: Any) -> None:
    """Raise for primals or tangents that are no tuples."""
    for what, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, (tuple, list)):
            raise TypeError(
                f"{name}: requires {what} as a tuple of arguments, got {type(given).__name__}. "
                f"Write ({what[:-1]},) for a single one."
            )


def axes_of_leaves(name: str, what: str, given: tuple[Any, ...], full: tuple[Any, ...]) -> list[Any]:
    """The axis of examples for every leaf of several trees; the first is the one that the user gave axes for."""
    try:
        axes = tree.broadcast_prefix(given, full)
    except ValueError:
        raise ValueError(
            f"vmap: requires {name} that fit the structure of {what}, got {given[0]!r} for "
            f"{tree.structure(full[0])}. Give an integer or None for each part, or one for all."
        ) from None
    for axis in axes:
        if axis is not None and (isinstance(axis, bool) or not isinstance(axis, (int, np.integer))):
            raise TypeError(
                f"vmap: requires {name} of integers and None, got {type(axis).__name__} {axis!r}. "
                "Give the axis that counts the examples."
            )
    return axes


def batch_size(function: Callable[..., Any], leaves: Sequence[Any], axes: Sequence[Any], treedef: tree.TreeDef) -> int:
    """The one size of all mapped axes of the arguments."""
    sizes: dict[int, list[int]] = {}
    for i, (leaf, axis) in enumerate(zip(leaves, axes)):
        if axis is not None:
            shape = value_type(leaf).shape if is_value(leaf) else ()
            if not -len(shape) <= axis < len(shape):
                raise _no_axis(leaf, axis, call_paths(function, treedef)[i])
            sizes.setdefault(shape[axis], []).append(i)
    if not sizes:
        raise ValueError(
            "vmap: requires an argument with an axis to map over, got none. "
            "Give an array, and in_axes that is not None for all of them."
        )
    if len(sizes) > 1:
        paths = call_paths(function, treedef)
        got = ", ".join(f"{size} along axis {axes[own[0]]} of {paths[own[0]]}" for size, own in sizes.items())
        raise ValueError(
            f"vmap: requires mapped axes of one size, got {got}. "
            "Use in_axes to name another axis, or None for what is the same for all examples."
        )
    return next(iter(sizes))


def _no_axis(leaf: Any, axis: int, path: str) -> Exception:
    if not is_value(leaf):
        return TypeError(
            f"vmap: requires arrays to map over, got {type(leaf).__name__} at {path}. "
            "Pass it by position with in_axes=None, or close over it."
        )
    return ValueError(
        f"vmap: requires an array with an axis {axis} to map over, got {value_type(leaf)} at {path}. "
        "Use in_axes to name another axis, or None for what is the same for all examples."
    )


# --- What results and rules must give


def split_aux(name: str, result: Any) -> tuple[Any, Any]:
    """The two parts of a result that ``has_aux`` asks for."""
    return require_pair(name, "a function that returns (out, aux) with has_aux=True", result)


def require_pair(name: str, what: str, result: Any) -> tuple[Any, Any]:
    """The two parts of a result that has to be a pair."""
    if not (isinstance(result, tuple) and len(result) == 2):
        raise TypeError(f"{name}: requires {what}, got {kind_of(result)}. Return a pair.")
    return result


def kind_of(value: Any) -> str:
    """The name of a result that should have been something else."""
    return f"a tuple of {len(value)}" if isinstance(value, tuple) else type(value).__name__


def as_like(name: str, wanted: str, value: Any, type: ArrayType, path: str) -> Any:
    """A tangent or cotangent, of the type that it must have; an error that names its path if it does not fit."""
    if not values_among(name, [value], lambda: [path]):
        raise TypeError(f"{_no_value(name, value, path)} Return or pass an array of {type}.")
    got = value_type(value)
    if got.shape != type.shape or not np.can_cast(got.dtype, type.dtype, "same_kind"):
        raise ValueError(
            f"{name}: requires {wanted}, {type} at {path}, got {got}. "
            "Use an array of that shape and dtype."
        )
    if got.strong == type.strong:
        return value
    return convert(value if isinstance(value, Tracer) else np.asarray(value), dtype=type.dtype)


def as_cotangent(name: str, wanted: str, bar: Any, type: ArrayType, path: str) -> Any:
    """Likewise the cotangent of an input that a user's rule gives: zero for ``None``, and where there can be none."""
    if bar is None or not is_inexact(type.dtype):
        return filled(0, type)
    return as_like(name, wanted, bar, type, path)


def require_scalar(name: str, loss: Any) -> None:
    """Raise for a result that is no real scalar."""
    if not is_value(loss):
        raise TypeError(
            f"{name}: requires a function that returns a real scalar, got {type(loss).__name__}. "
            "Return the scalar alone, or (scalar, aux) with has_aux=True."
        )
    got = value_type(loss)
    if got.shape != ():
        raise TypeError(
            f"{name}: requires a function that returns a scalar, got {got} of shape {got.shape}. "
            "Reduce it by np.sum or np.mean, or use fnad.vjp with a cotangent."
        )
    if got.dtype.kind != "f":
        raise TypeError(
            f"{name}: requires a function that returns a real float, got {got}. "
            "Of a complex value take np.real or np.abs first, or say holomorphic=True; an integer has no derivative."
        )


def require_inexact(name: str, leaves: Sequence[Any], treedef: tree.TreeDef, root: str) -> None:
    """Raise for a leaf that is neither float nor complex, naming its path."""
    for leaf, path in zip(leaves, tree.paths(treedef, root)):
        type = leaf.type if isinstance(leaf, Literal) else value_type(leaf) if is_value(leaf) else None
        if type is None or not is_inexact(type.dtype):
            raise TypeError(
                f"{name}: requires float or complex leaves, got {type or leaf.__class__.__name__} at {path}. "
                "Close over what is not linear."
            )


def cotangent_leaves(cotangent: Any, out_leaves: Sequence[Any], out_tree: tree.TreeDef) -> list[Any]:
    """The cotangents of the inexact leaves of a result, each of its leaf's type."""
    leaves, treedef = tree.flatten(cotangent)
    if treedef != out_tree:
        raise ValueError(tree.mismatch("pullback", out_tree, treedef))
    paths = tree.paths(treedef, "cotangent")
    return [
        as_like("pullback", "a cotangent like the result", g, value_type(leaf), path)
        for g, leaf, path in zip(leaves, out_leaves, paths)
        if is_value(leaf) and is_inexact(value_type(leaf).dtype)
    ]
