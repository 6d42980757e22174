"""What is given as an array of some kind: contiguous, finite, writable, of the items of an iterator."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.numpy.aliases import has_flags, own
from fnad.numpy.creation import array, asarray
from fnad.numpy.dispatch import implements
from fnad.numpy.documents import documents
from fnad.numpy.promotion import builder_of, is_traced, traced
from fnad.numpy.shaping import atleast_1d, cast_to


@implements(np.asanyarray)
def asanyarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None, like: Any = None
) -> Any:
    """Nested lists may hold traced values. A traced array is its own.

    Dtypes: all. Derivative: 1.

    >>> asanyarray([1.0, 2.0])
    array([1., 2.])
    """
    return asarray(a, dtype, order, device=device, copy=copy)


@implements(np.ascontiguousarray)
def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """Nested lists may hold traced values. A traced array is its own.

    Dtypes: all. Derivative: 1.

    >>> ascontiguousarray([1.0, 2.0])
    array([1., 2.])
    """
    return atleast_1d(asarray(a, dtype))


@implements(np.asfortranarray)
def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """Nested lists may hold traced values. A traced array is its own: how it lies in memory is the compiler's choice.

    Dtypes: all. Derivative: 1.

    >>> asfortranarray([1.0, 2.0])
    array([1., 2.])
    """
    return atleast_1d(asarray(a, dtype))


@implements(np.asarray_chkfinite)
def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """Whether a traced array is finite must be known.

    Dtypes: all. Derivative: 1.

    >>> asarray_chkfinite([1.0, 2.0])
    array([1., 2.])
    """
    x = asarray(a, dtype, order)
    if x.dtype.kind in "fc" and not np.isfinite(x).all():
        raise ValueError("array must not contain infs or NaNs")
    return x


@implements(np.require)
def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Any:
    """Of a traced array what is required can be that it owns its memory ("O") and can be written to ("W").

    Dtypes: all. Derivative: 1.

    >>> require([1, 2], np.float32, ["C", "W"])
    array([1., 2.], dtype=float32)
    """
    np.require(np.zeros(0), None, requirements)  # raises for what is no requirement
    x = asarray(a, dtype)
    flags = {word[0].upper() for word in (requirements or ())}
    return x if has_flags(x, flags) else own(x)


@documents(np.fromiter)
@boundary
def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, *, like: Any = None) -> Any:
    """The items may be traced.

    Dtypes: all. Derivative: 1 in each item.

    >>> fromiter([1.0, 2.0, 3.0], float, count=2)
    array([1., 2.])
    """
    items = list(iter) if count < 0 else list(islice(iter, count))
    if not is_traced(items):
        return array(np.fromiter(items, dtype, count, like=like))
    if len(items) < count:
        raise ValueError(f"iterator too short: Expected {count} but iterator had only {len(items)} items.")
    return cast_to(traced(builder_of(items), items), dtype)
