"""One kernel of each kind that the library launches but for products, for the budgets of machine code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from fnad.compiler.cuda.library import axes, indexing, losses, random
from fnad.ops.reductions import argmax
from fnad.runtime import views
from fnad.runtime.plan import Copy, GridKernel, GridLaunch, View


def _view(shape: tuple[int, ...], dtype: str = "float32") -> View:
    return views.whole(0, shape, np.dtype(dtype))


def _kernels(launches: Sequence[GridLaunch | Copy]) -> list[GridKernel]:
    return [launch.kernel for launch in launches if isinstance(launch, GridLaunch)]


def _gather(shape: tuple[int, ...], rank: int) -> GridKernel:
    indices = [_view((100,), "int64")] * rank
    return _kernels(indexing.gather(_view(shape), indices, _view((100, *shape[rank:]))))[0]


def _scatter(shape: tuple[int, ...], mode: str, dtype: str = "float32") -> GridKernel:
    updates = _view((100, *shape[1:]), dtype)
    return _kernels(indexing.scatter(_view(shape, dtype), [_view((100,), "int64")], updates, mode))[0]


def _cumulative(shape: tuple[int, ...], combine: str = "add", dtype: str = "float32") -> list[GridKernel]:
    x = _view(shape, dtype)
    return _kernels(axes.cumulative(x, x, lambda nbytes: 1, 1, combine))


def _recurrence(shape: tuple[int, ...]) -> GridKernel:
    return _kernels(axes.recurrence(*[_view(shape)] * 3, axis=1))[0]


def _argmax(shape: tuple[int, ...], dtype: str = "float32") -> list[GridKernel]:
    places = _view(shape[:1], "int64")
    return _kernels(axes.extreme_place(_view(shape, dtype), places, lambda nbytes: 1, 1, argmax))


def _cross_entropy(shape: tuple[int, int], labels: View) -> GridKernel:
    logits = _view(shape)
    return _kernels(losses.softmax_cross_entropy(logits, labels, _view(shape[:1]), logits))[0]


CLASSES, TOKENS = (128, 10), (128, 4096)
MANY, FEW, LONG = (1024, 64, 300), (64, 64), (1, 1 << 20)

KERNELS: dict[str, GridKernel] = {
    "gather of elements": _gather((1000,), 1),
    "gather of rows": _gather((1000, 64), 1),
    "gather by two indices": _gather((100, 100), 2),
    "scatter of elements, add": _scatter((1000,), "add"),
    "scatter of rows, add": _scatter((1000, 64), "add"),
    "scatter of rows, set": _scatter((1000, 64), "set"),
    "scatter of rows, max, int8": _scatter((1000, 64), "max", "int8"),
    "cumulative sum by threads": _cumulative(MANY)[0],
    "cumulative sum by warps": _cumulative(FEW)[0],
    "cumulative sum, totals of chunks": _cumulative(LONG)[0],
    "cumulative sum, in chunks": _cumulative(LONG)[2],
    "cumulative product by warps, complex64": _cumulative(FEW, "multiply", "complex64")[0],
    "recurrence by threads": _recurrence(MANY),
    "recurrence by warps": _recurrence(FEW),
    "argmax by threads": _argmax((1000, 8))[0],
    "argmax by warps": _argmax(FEW)[0],
    "argmax by warps, uint8": _argmax(FEW, "uint8")[0],
    "argmax of chunks": _argmax(LONG)[0],
    "argmax among chunks": _argmax(LONG)[1],
    "mean squared error": _kernels(losses.mse_with_gradient(*[_view((9000,))] * 2, _view((3,)), _view((9000,))))[0],
    "cross-entropy, few classes": _cross_entropy(CLASSES, _view(CLASSES[:1], "int64")),
    "cross-entropy, many classes": _cross_entropy(TOKENS, _view(TOKENS[:1], "int64")),
    "cross-entropy of probabilities, few classes": _cross_entropy(CLASSES, _view(CLASSES)),
    "cross-entropy of probabilities, many classes": _cross_entropy(TOKENS, _view(TOKENS)),
    "random bits": _kernels(random.random_bits(_view((2,), "uint32"), _view((1000,), "uint32"), 0))[0],
}
"""By a name for people."""
