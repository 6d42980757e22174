"""Writing to traced arrays, with NumPy's meaning: ``y[i] = v``, ``y += v``, ``out=y``, ``np.add.at(y, i, v)``.

A traced function stays pure: what is written is a new value for the array, and the caller's array stays as it is.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.arrays import PYTHON_SCALARS
from fnad.ir.types import Shape
from fnad.numpy.aliases import alias_of, is_window, write
from fnad.numpy.contractions import matmul_operator
from fnad.numpy.dispatch import RULES, implements, name_of, ordinary_array
from fnad.numpy.indexing import Place, index_array, is_basic, is_truth, parsed
from fnad.numpy.operators import ARITHMETIC, OPERANDS, OPERATORS
from fnad.numpy.promotion import cast, one_axis, result_dtype, spread_to, traced
from fnad.numpy.shaping import reshaped
from fnad.numpy.taking import grid
from fnad.numpy.updates import ASSIGNED, At, fitted, moves_to
from fnad.ops.elementwise import select
from fnad.tracing.tracer import Tracer

# --- y[i] = v


def setitem(x: Tracer, index: Any, value: Any) -> None:
    """``x[index] = value``."""
    what = "x[i] = v"
    alias_of(x, what)
    if x.type.weak:
        raise TypeError(f"{what}: requires an array, got a traced Python number.")
    mask = _whole_mask(x, index)
    if mask is not None:
        if mask.ndim == x.ndim and np.ndim(value) > 1:
            raise TypeError(
                "NumPy boolean array indexing assignment requires a 0 or 1-dimensional input, input has "
                f"{np.ndim(value)} dimensions"
            )
        chosen = _where(x, mask, value)
        if chosen is not None:
            return write(x, what, chosen.atom)
    parts = parsed(index, x.shape)
    _require_number(x, index, parts, value)
    if not is_basic(parts):
        return write(x, what, At(x)[index].set(value).atom)
    moves, shape = moves_to(parts, x.type)
    if not is_window(value, x, moves):
        write(x, what, fitted(x.builder, value, x, shape, what, ASSIGNED).atom, moves)


def _require_number(x: Tracer, index: Any, parts: Sequence[Place], value: Any) -> None:
    """Refuse an array for one element, as NumPy does, if it has an axis: it may be meant for more."""
    is_view = any([part is Ellipsis for part in (index if type(index) is tuple else (index,))])
    if is_view or not all([type(p.array) is int or getattr(p.array, "ndim", 1) == 0 for p in parts]):
        return
    if not isinstance(value, (list, tuple)) and (np.ndim(value) == 0 or x.dtype.kind == "b" and np.size(value) == 1):
        return  # also what has a truth value
    if x.dtype.char in "FDGg":
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    raise ValueError("setting an array element with a sequence.")


def _whole_mask(x: Tracer, index: Any) -> Any:
    """An index that is one mask over the first axes."""
    if type(index) is tuple:
        if len(index) != 1:
            return None
        (index,) = index
    if not isinstance(index, (Tracer, np.ndarray, list)) and not is_truth(index):
        return None
    mask = index_array(index)
    return mask if mask.dtype.kind == "b" and mask.shape == x.shape[: mask.ndim] else None


def _where(x: Tracer, mask: Any, value: Any) -> Tracer | None:
    """A choice by a mask; ``None`` where the values are one for each place that it names."""
    shape = np.shape(value)
    lead = max(len(shape) - (x.ndim - mask.ndim), 0)
    if any([n != 1 for n in shape[:lead]]):
        return None
    values = fitted(x.builder, value, x, (*(1,) * mask.ndim, *x.shape[mask.ndim :]), "x[mask] = v")
    condition = traced(x.builder, mask)
    condition = reshaped(condition, (*mask.shape, *(1,) * (x.ndim - mask.ndim)))
    return select(spread_to(condition, x.shape), spread_to(values, x.shape), x)


def delitem(x: Tracer, index: Any) -> None:
    """``del x[index]``, which no array has."""
    raise ValueError("cannot delete array elements")


def set_real(x: Tracer, value: Any) -> None:
    """``x.real = value``."""
    setitem(RULES[np.real](x), Ellipsis, value)


def set_imag(x: Tracer, value: Any) -> None:
    """``x.imag = value``."""
    if x.dtype.kind != "c":
        raise TypeError("array does not have imaginary part to set")
    setitem(RULES[np.imag](x), Ellipsis, value)


# --- y += v


def in_place(symbol: str, ufunc: np.ufunc, operator: Callable[..., Any]) -> Callable[..., Any]:
    """The in-place form of an operator; a single number, as NumPy's are, is bound anew."""

    def method(self: Tracer, other: Any) -> Any:
        if not isinstance(other, OPERANDS):
            return NotImplemented
        result = operator(self, other)
        if result is NotImplemented or not self.shape and not is_view(self):
            return result
        put(self, result, ufunc, f"x {symbol}= v")
        return self

    return method


_OPERATORS = {**ARITHMETIC, "matmul": np.matmul}
_METHODS = {**OPERATORS, "__matmul__": matmul_operator}
_SYMBOLS = {"add": "+", "sub": "-", "mul": "*", "truediv": "/", "floordiv": "//", "mod": "%", "pow": "**", "and": "&",
            "or": "|", "xor": "^", "lshift": "<<", "rshift": ">>", "matmul": "@"}
IN_PLACE = {
    f"__i{name}__": in_place(symbol, _OPERATORS[name], _METHODS[f"__{name}__"]) for name, symbol in _SYMBOLS.items()
}


def is_view(x: Tracer) -> bool:
    """Whether writing to a single number would write to an array."""
    noted = any([handle() is x for handle, *_ in x.builder.views])
    known = x.builder.aliases and x.builder.aliases.known.get(id(x))
    return noted or bool(known and known.handle() is x and known.family.root is not x)


def put(x: Tracer, result: Any, ufunc: np.ufunc, what: str) -> None:
    """Write what a ufunc gives into an array, under NumPy's conditions for ``out=``."""
    alias_of(x, what)
    given = traced(x.builder, result)
    require_casts(ufunc, given.dtype, x.dtype)
    if given.shape != x.shape and np.broadcast_shapes(given.shape, x.shape) != x.shape:
        raise ValueError(
            f"non-broadcastable output operand with shape {_text(x.shape)} doesn't match the broadcast shape "
            f"{_text(given.shape)}"
        )
    write(x, what, spread_to(cast(given, x.dtype), x.shape).atom)


def _text(shape: Shape) -> str:
    return str(shape).replace(" ", "")


def require_casts(ufunc: np.ufunc, given: np.dtype, target: np.dtype) -> None:
    if not np.can_cast(given, target, "same_kind"):
        raise TypeError(
            f"Cannot cast ufunc '{ufunc.__name__}' output from {given!r} to {target!r} with casting rule 'same_kind'. "
            "Write y = y + v with the operator, whose result has its own dtype, or make y with another dtype."
        )


# --- out=y


def into(ufunc: np.ufunc, rule: Callable[..., Any], inputs: Any, out: Any, where: Any, dtype: Any) -> Any:
    """A ufunc with ``out=`` traced arrays: they are written to, where ``where`` holds, and returned."""
    results = rule(*inputs) if dtype is None else rule(*inputs, dtype=dtype)
    several = type(results) is tuple
    targets = []
    for result, target in zip(results if several else (results,), out):
        if target is not None and where is not True:
            result = np.where(where, result, target)
        if target is not None:
            put(target, result, ufunc, f"{name_of(ufunc)}(..., out=y)")
        targets.append(result if target is None else target)
    return tuple(targets) if several else targets[0]


# --- np.add.at(y, i, v)

_AT: dict[np.ufunc, str] = {
    np.add: "add", np.subtract: "subtract", np.multiply: "multiply", np.true_divide: "divide", np.minimum: "min",
    np.maximum: "max",
}


def ufunc_at(ufunc: np.ufunc, x: Tracer, index: Any, values: Any) -> bool:
    """``ufunc.at(x, index, values)``; whether there is a way for this ufunc."""
    if ufunc not in _AT:
        return False
    given = values if isinstance(values, (int, float, complex)) else traced(x.builder, values)
    dtype = result_dtype(x, given)
    require_casts(ufunc, np.dtype(float) if ufunc is np.true_divide and dtype.kind in "biu" else dtype, x.dtype)
    write(x, f"{name_of(ufunc)}.at", getattr(At(x)[index], _AT[ufunc])(given).atom)
    return True


# --- Functions and methods that write


def fill(x: Tracer, value: Any) -> None:
    """``x.fill(value)``."""
    setitem(x, Ellipsis, value)


def sort_in_place(x: Tracer, axis: int = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> None:
    """``x.sort()``."""
    setitem(x, Ellipsis, RULES[np.sort](x, operator.index(axis)))


def partition_in_place(
    x: Tracer, kth: Any, axis: int = -1, kind: str = "introselect", order: Any = None
) -> None:
    """``x.partition(kth)``."""
    setitem(x, Ellipsis, RULES[np.partition](x, kth, operator.index(axis)))


def require_traced(x: Any, what: str) -> None:
    """Raise for an ordinary array, which a traced value would be written to."""
    if type(x) is not Tracer:
        raise ordinary_array(what, x)


@implements(np.copyto)
def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """Dtypes: all. Derivative: 1 in the values that are written, 0 in what they replace.

    >>> x = np.zeros(2)
    >>> copyto(x, [1.0, 2.0])
    >>> x
    array([1., 2.])
    """
    require_traced(dst, "np.copyto")
    given = src if isinstance(src, PYTHON_SCALARS) else traced(dst.builder, src)
    kind = result_dtype(dst, given) if not isinstance(given, Tracer) else given.dtype
    if not np.can_cast(kind, dst.dtype, casting):
        raise TypeError(f"Cannot cast array data from {kind!r} to {dst.dtype!r} according to the rule '{casting}'")
    setitem(dst, Ellipsis, src if where is True else np.where(where, src, dst))


@implements(np.put_along_axis)
def put_along_axis(arr: Any, indices: Any, values: Any, axis: Any = -1) -> None:
    """Dtypes: all. Derivative: 1 in the values that are written, 0 in what they replace.

    >>> x = np.zeros((1, 2))
    >>> put_along_axis(x, np.array([[1]]), 5.0, 1)
    >>> x
    array([[0., 5.]])
    """
    require_traced(arr, "np.put_along_axis")
    index = index_array(indices)
    if axis is None:
        if index.ndim != 1:
            raise ValueError("when axis=None, `indices` must have a single dimension.")
        flat = arr.flatten()
        setitem(flat, index, values)
        return setitem(arr, Ellipsis, reshaped(flat, arr.shape))
    if index.ndim != arr.ndim:
        raise ValueError("`indices` and `arr` must have the same number of dimensions")
    setitem(arr, grid(index, arr.shape, one_axis(axis, arr.ndim)), values)


@implements(np.putmask)
def putmask(a: Any, /, mask: Any, values: Any) -> None:
    """Values of another shape are repeated.

    Dtypes: all. Derivative: 1 in the values that are written, 0 in what they replace.

    >>> x = np.zeros(3)
    >>> putmask(x, [True, False, True], 5.0)
    >>> x
    array([5., 0., 5.])
    """
    require_traced(a, "np.putmask")
    given = traced(a.builder, values)
    if np.size(mask) != a.size:
        raise ValueError("putmask: mask and data must be the same size")
    if not given.size:
        return
    if given.shape != a.shape and given.size != 1:
        flat = RULES[np.ravel](given)
        given = RULES[np.take](flat, np.arange(a.size).reshape(a.shape) % max(given.size, 1))
    setitem(a, Ellipsis, np.where(np.reshape(mask, a.shape), given, a))


@implements(np.fill_diagonal)
def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """Dtypes: all. Derivative: 1 in the values that are written, 0 in what they replace.

    >>> x = np.zeros((2, 2))
    >>> fill_diagonal(x, 5.0)
    >>> x
    array([[5., 0.],
           [0., 5.]])
    """
    require_traced(a, "np.fill_diagonal")
    numbers = np.zeros(a.shape, bool)
    np.fill_diagonal(numbers, True, wrap)
    places = np.nonzero(numbers)
    flat = RULES[np.ravel](traced(a.builder, val))
    if not flat.size:
        return
    values = RULES[np.take](flat, np.arange(places[0].size) % max(flat.size, 1))
    setitem(a, places, values)
