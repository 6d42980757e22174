"""Memory for what a plan computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fnad.generated import define, word


def allocator(
    results: Sequence[tuple[tuple[int, ...], np.dtype]], donated: Mapping[int, int]
) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
    """A function that gives, for each shape and dtype, a new array, or the input whose number ``donated`` says.

    >>> allocate = allocator([((2,), np.dtype(float)), ((), np.dtype(int))], {1: 0})
    >>> [array.shape for array in allocate([np.ones(())])]
    [(2,), ()]
    """
    words: dict[str, Any] = {"empty": np.empty}
    made = [f"inputs[{donated[k]}]" if k in donated else f"empty({shape}, {word(words, dtype)})"
            for k, (shape, dtype) in enumerate(results)]
    return define(f"def function(inputs):\n    return [{', '.join(made)}]\n", words)
