"""Ranges of traced numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.numpy.creation import writable
from fnad.numpy.documents import documents
from fnad.numpy.promotion import builder_of, cast, is_traced, operand, spread_to, traced
from fnad.numpy.ufuncs import UFUNCS
from fnad.ops.elementwise import add, mul
from fnad.tracing.tracer import Tracer


@documents(np.arange)
@boundary
def arange(
    start_or_stop: Any, /, stop: Any = None, step: Any = 1, dtype: Any = None, *, device: Any = None, like: Any = None
) -> Any:
    """Inside of a traced function the result can be written to. The number of elements has to be known.

    Dtypes: numbers. Derivative: 1 in the start, and in the step its number for each element.

    >>> arange(3)
    array([0, 1, 2])
    """
    if not is_traced([start_or_stop, stop, step]):
        return writable(np.arange(start_or_stop, stop, step, dtype, device=device, like=like))
    start, stop = (0, start_or_stop) if stop is None else (start_or_stop, stop)
    builder, step = builder_of(start, stop, step), 1 if step is None else step
    first, last, by = [operand(builder, x) for x in (start, stop, step)]
    common = np.result_type(*[traced(builder, x).dtype for x in (first, last, by)])
    target = common if dtype is None else np.dtype(dtype)
    count = _count(first, last, by)
    if type(first) is not Tracer and type(by) is not Tracer:
        return writable(np.arange(first, first + by * (count + 1), by, dtype=target)[:count])
    begin, further = [cast(traced(builder, x), target) for x in (first, np.add(first, by))]
    numbers = builder.tracer(np.arange(count).astype(target))
    return add(spread_to(begin, (count,)), mul(numbers, spread_to(further - begin, (count,))))


def _count(first: Any, last: Any, by: Any) -> int:
    """The number of elements of a range, which Python is told: it cuts no gradient."""
    ratio = np.true_divide(np.subtract(last, first), by)
    if type(ratio) is not Tracer:
        return max(0, math.ceil(ratio))
    return max(0, int(UFUNCS[np.ceil](ratio)))
