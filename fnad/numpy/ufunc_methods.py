"""The methods of ufuncs on traced values: ``reduce``, ``accumulate``, ``reduceat``, ``outer`` and ``at``.

A ufunc that joins elements in whatever order is applied to halves; another one, as ``np.power``, element by element.
What NumPy has to say of axes, masks and dtypes it says itself, of an array of the same shape that takes no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.numpy import special, ufuncs, writing
from fnad.numpy.dispatch import RULES, name_of, ordinary_array
from fnad.numpy.promotion import all_axes, builder_of, cast, is_traced, one_axis, result_dtype, spread_to, traced
from fnad.numpy.shaping import permuted, reshaped, stand_in
from fnad.tracing.tracer import Tracer

UNSET = np._NoValue
_JOINING = {
    np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot, np.gcd,
    np.lcm, np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.logical_and, np.logical_or, np.logical_xor,
}
"""Those that give the same in whatever order."""
_INVERSE = {np.subtract: np.add, np.true_divide: np.multiply}
"""Those that take the rest away from the first element, and what joins the rest."""


def _logsumexp(a: Any, axis: Any, keepdims: bool = False) -> Any:
    return special.logsumexp(a, axis=axis, keepdims=keepdims)


REDUCE: dict[np.ufunc, Callable[..., Any]] = {
    np.add: RULES[np.sum], np.multiply: RULES[np.prod], np.maximum: RULES[np.max], np.minimum: RULES[np.min],
    np.logical_and: RULES[np.all], np.logical_or: RULES[np.any], np.logaddexp: _logsumexp,
}
ACCUMULATE: dict[np.ufunc, Callable[..., Any]] = {np.add: RULES[np.cumsum], np.multiply: RULES[np.cumprod]}


def reduces(ufunc: np.ufunc) -> bool:
    """Whether a ufunc joins two elements to one of their kind."""
    is_joining = ufunc.nin == 2 and ufunc.nout == 1 and ufunc.signature is None and ufunc not in ufuncs.COMPARISONS
    return is_joining and any([len({*kinds} - {*"->"}) == 1 for kinds in ufunc.types])


def reduce(
    ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: Any = False,
    initial: Any = UNSET, where: Any = True,
) -> Any:
    """``ufunc.reduce(a)``."""
    given = {} if initial is UNSET and where is True else {"initial": initial, "where": where}
    rule = REDUCE.get(ufunc)
    takes_all = not (rule is _logsumexp and (given or not np.size(a)))
    if rule is not None and takes_all and (dtype is None or ufunc in (np.add, np.multiply)):
        if initial is UNSET or ufunc not in (np.logical_and, np.logical_or):
            given = {k: v for k, v in given.items() if v is not UNSET}
            given = given if dtype is None else {**given, "dtype": dtype}
            return _put(ufunc, "reduce", rule(a, axis=axis, keepdims=keepdims, **given), out)
    builder = builder_of(a, where, initial)
    x, mask = traced(builder, a), where if where is True else traced(builder, where)
    shown = _shown(ufunc.reduce, x, axis, dtype, keepdims, initial, mask)
    axes = all_axes(axis, x.ndim)
    lead = (*axes, *[i for i in range(x.ndim) if i not in axes])
    if mask is not True:
        mask = _rows(spread_to(mask, x.shape), lead, len(axes))
    start = None if initial is UNSET or initial is None else initial
    rows = _rows(x if ufunc in _LOGICAL else cast(x, shown.dtype), lead, len(axes))
    found = _folded(ufunc, rows, mask, start)
    return _put(ufunc, "reduce", reshaped(cast(found, shown.dtype), shown.shape), out)


_LOGICAL = (np.logical_and, np.logical_or, np.logical_xor)


def _shown(
    method: Callable[..., Any], x: Tracer, axis: Any, dtype: Any, keepdims: Any, initial: Any, mask: Any
) -> np.ndarray:
    """NumPy's own result for an array of the same type, or its error."""
    given: dict[str, Any] = {} if initial is UNSET else {"initial": None if initial is None else x.dtype.type(1)}
    if mask is not True:
        given["where"] = stand_in(mask.shape)
    with np.errstate(all="ignore"):
        return np.asarray(method(stand_in(x.shape, x.dtype), axis=axis, dtype=dtype, keepdims=bool(keepdims), **given))


def _rows(x: Tracer, lead: Sequence[int], count: int) -> Tracer:
    """An array with those axes as one, in front."""
    moved = permuted(x, tuple(lead))
    size = int(np.prod(moved.shape[:count]))
    return reshaped(moved, (size, *moved.shape[count:]))


def _folded(ufunc: np.ufunc, rows: Any, mask: Any, start: Any) -> Any:
    """All rows joined."""
    neutral = start if ufunc.identity is None else ufunc.identity
    if ufunc in _JOINING:
        if mask is not True:
            rows = np.where(mask, rows, neutral if is_traced(neutral) else np.asarray(neutral).astype(rows.dtype))
        if not len(rows):
            return np.full_like(rows, neutral if start is None else start, shape=rows.shape[1:])
        found = _halved(ufunc, rows)
        return found if start is None else ufunc(start, found)
    found, rest = (rows[0], 1) if start is None else (start, 0)
    if ufunc in _INVERSE and mask is True and len(rows) > rest:
        return ufunc(found, REDUCE[_INVERSE[ufunc]](rows[rest:], axis=0))
    for i in range(rest, len(rows)):
        joined = ufunc(found, rows[i])
        found = joined if mask is True else np.where(mask[i], joined, found)
    return spread_to(traced(rows.builder, found), rows.shape[1:])


def _halved(ufunc: np.ufunc, rows: Any) -> Any:
    left = []
    while len(rows) > 1:
        half = len(rows) // 2
        left += [rows[2 * half]] if len(rows) % 2 else []
        rows = ufunc(rows[:half], rows[half : 2 * half])
    found = rows[0]
    for row in left:
        found = ufunc(found, row)
    return found


def accumulate(ufunc: np.ufunc, a: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """``ufunc.accumulate(a)``."""
    x = traced(builder_of(a), a)
    if ufunc in ACCUMULATE:
        return _put(ufunc, "accumulate", ACCUMULATE[ufunc](x, one_axis(axis, x.ndim), dtype), out)
    with np.errstate(all="ignore"):
        shown = ufunc.accumulate(stand_in(x.shape, x.dtype), axis, dtype)
    rows = np.moveaxis(x if ufunc in _LOGICAL else cast(x, shown.dtype), axis, 0)
    if ufunc in _JOINING:
        found = _running(ufunc, rows)
    elif ufunc in _INVERSE and len(rows):
        found = np.concatenate([rows[:1], ufunc(rows[0], ACCUMULATE[_INVERSE[ufunc]](rows[1:], 0))])
    else:
        parts = [rows[:1]]
        for i in range(1, len(rows)):
            parts.append(ufunc(parts[-1], rows[i : i + 1]))
        found = np.concatenate(parts)
    return _put(ufunc, "accumulate", cast(np.moveaxis(found, 0, axis), shown.dtype), out)


def _running(ufunc: np.ufunc, rows: Any) -> Any:
    """Each row joined with all before it, in steps of which each doubles how many."""
    rows = rows != 0 if ufunc in _LOGICAL else rows
    step = 1
    while step < len(rows):
        rows = np.concatenate([rows[:step], ufunc(rows[:-step], rows[step:])])
        step *= 2
    return rows


def reduceat(ufunc: np.ufunc, a: Any, indices: Any, axis: Any = 0, dtype: Any = None, out: Any = None) -> Any:
    """``ufunc.reduceat(a, indices)``, whose indices have to be known."""
    x, at = traced(builder_of(a, indices), a), np.asarray(indices)
    with np.errstate(all="ignore"):
        ufunc.reduceat(stand_in(x.shape, x.dtype), at, axis, dtype)
    rows = np.moveaxis(x, axis, 0)
    ends = [*at[1:], len(rows)]
    parts = [reduce(ufunc, rows[int(i) : max(int(j), int(i) + 1)], 0, dtype) for i, j in zip(at, ends)]
    found = np.stack(parts) if parts else rows[:0]
    return _put(ufunc, "reduceat", np.moveaxis(found, 0, axis), out)


def outer(ufunc: np.ufunc, a: Any, b: Any, **kwargs: Any) -> Any:
    """``ufunc.outer(a, b)``."""
    builder = builder_of(a, b)
    x, y = traced(builder, a), traced(builder, b)
    return ufunc(reshaped(x, x.shape + (1,) * y.ndim), y, **kwargs)


def at(ufunc: np.ufunc, x: Any, index: Any, *values: Any) -> bool:
    """``ufunc.at(x, index, values)``; whether there is a way."""
    if type(x) is not Tracer:
        raise ordinary_array(f"{name_of(ufunc)}.at", x)
    if values and writing.ufunc_at(ufunc, x, index, *values):
        return True
    if ufunc.nout != 1 or len(values) != ufunc.nin - 1 or is_traced(index if type(index) is tuple else [index]):
        return False
    places = np.arange(x.size).reshape(x.shape)[index]
    flat = places.ravel()
    operands = [RULES[np.ravel](spread_to(traced(x.builder, v), places.shape)) for v in values]
    for chosen in _rounds(flat):
        old = RULES[np.ravel](x)[flat[chosen]]
        result = ufunc(old, *[v[chosen] for v in operands])
        writing.require_casts(ufunc, result_dtype(result), x.dtype)
        writing.setitem(x, np.unravel_index(flat[chosen], x.shape), result)
    return True


def _rounds(places: np.ndarray) -> list[np.ndarray]:
    """The positions of the first, the second, ... occurrence of each place."""
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    first = np.searchsorted(ordered, ordered, side="left")
    turn = np.arange(len(ordered)) - first
    return [order[turn == k] for k in range(int(turn.max(initial=-1)) + 1)]


def _put(ufunc: np.ufunc, method: str, result: Any, out: Any) -> Any:
    """A result, or the array that it is asked for in."""
    target = out[0] if isinstance(out, tuple) else out
    if target is None:
        return result
    what = f"{name_of(ufunc)}.{method}"
    writing.require_traced(target, what)
    writing.put(target, result, ufunc, f"{what}(..., out=y)")
    return target
