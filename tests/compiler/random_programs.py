"""Random straight-line functions for the tests of this folder: exact in float64, so results are equal to the bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from fnad.ops.elementwise import add, convert, eq, lt, maximum, minimum, mul, neg, select, sub
from fnad.ops.indexing import gather, scatter
from fnad.ops.reductions import cumsum, reduce_max
from fnad.ops.shaping import broadcast, concatenate, flip, pad, reduce_sum, reshape, slice_, transpose
from hypothesis import strategies as st

SHAPE = (3, 4)
Function = Callable[[Sequence[Any]], list[Any]]


def places(x: Any, y: Any) -> Any:
    """An index for each row: 0 or -1."""
    first = slice_(lt(x, y), starts=(0, 0), stops=(3, 1), steps=(1, 1))
    return neg(convert(reshape(first, shape=(3,)), dtype=np.dtype(np.int64)))


def small(x: Any) -> Any:
    """Values of a size that loops do not let grow."""
    return maximum(minimum(x, 9.0), -9.0)


MOVES: list[Callable[[Any, Any], Any]] = [
    add, sub, maximum,
    lambda x, y: small(mul(x, y)),
    lambda x, y: neg(x),
    lambda x, y: select(eq(x, y), y, 2.0),
    lambda x, y: reshape(transpose(x, perm=(1, 0)), shape=SHAPE),
    lambda x, y: small(broadcast(reduce_sum(x, axes=(0,)), shape=SHAPE, dims=(1,))),
    lambda x, y: broadcast(reduce_max(y, axes=(1,)), shape=SHAPE, dims=(0,)),
    lambda x, y: small(broadcast(reduce_sum(x, axes=(0, 1)), shape=SHAPE, dims=())),
    lambda x, y: flip(small(cumsum(x, axis=1)), axes=(0,)),
    lambda x, y: slice_(concatenate(x, y, axis=0), starts=(1, 0), stops=(6, 4), steps=(2, 1)),
    lambda x, y: pad(
        slice_(x, starts=(0, 1), stops=(3, 4), steps=(1, 1)), low=(0, 0), high=(0, 1), interior=(0, 0),
    ),
    lambda x, y: gather(x, places(y, x)),
    lambda x, y: scatter(x, y, places(y, x), mode="set"),
    lambda x, y: scatter(x, y, places(x, y), mode="add"),
]


@st.composite
def functions(draw: Any, results: int, most_steps: int = 7) -> Function:
    """A function of arrays that does a few random operations and gives some of its values."""
    step = st.tuples(st.sampled_from(MOVES), st.integers(0, 9), st.integers(0, 9))
    steps = draw(st.lists(step, min_size=1, max_size=most_steps))
    chosen = draw(st.lists(st.integers(0, 9), min_size=results, max_size=results))

    def function(arrays: Sequence[Any]) -> list[Any]:
        values = list(arrays)
        for move, i, j in steps:
            values.append(move(values[i % len(values)], values[j % len(values)]))
        return [values[-1 - k % len(values)] for k in chosen]

    return function


def numbers(seed: int, *shape: int) -> np.ndarray:
    """Small whole numbers as floats."""
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(float)
