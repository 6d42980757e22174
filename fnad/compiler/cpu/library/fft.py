"""Fourier transforms, by the loops of NumPy's generalized ufuncs, which go along any axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import log2

import numpy as np

from fnad.compiler.cpu.library.launch import Row, Workspace
from fnad.compiler.cpu.library.ufuncs import ufunc_launch
from fnad.ir.primitive import Primitive
from fnad.lazy import LazyModule
from fnad.ops import fft as ops
from fnad.ops.strides import transpose
from fnad.runtime.plan import Launch, View

loops = LazyModule("numpy.fft._pocketfft_umath")

PER_POINT = 0.5
"""Nanoseconds of a transform of n complex points, divided by n log2(n)."""

SCALES: dict[tuple[str, bool], Callable[[int], float]] = {
    ("ortho", False): lambda n: 1 / n**0.5, ("ortho", True): lambda n: 1 / n**0.5,
    ("forward", False): lambda n: 1 / n, ("backward", True): lambda n: 1 / n,
}
"""What transforms of n points are multiplied by, where that is not 1, by the norm and whether it is an inverse one."""


def _launches(
    ufunc: Callable[..., np.ufunc], inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace,
    axis: int, norm: str, inverse: bool = False, n: int | None = None,
) -> list[Launch] | None:
    n = inputs[0].shape[axis] if n is None else n
    x, out = [_last(view, axis) for view in (*inputs, *outputs)]
    real = np.empty(0, x.dtype).real.dtype
    scale = real.type(SCALES.get((norm, inverse), lambda n: 1.0)(n))
    made = ufunc_launch(
        ufunc(n, inverse), [x, scale], [out], core=(x.shape[-1], out.shape[-1]), core_ndims=(1, 0, 1),
        each=PER_POINT * n * log2(n + 1),
    )
    return None if made is None else [made]


def _last(view: View, axis: int) -> View:
    """The view with an axis behind the others."""
    return transpose(view, (*[a for a in range(len(view.shape)) if a != axis], axis))


LAUNCHES: dict[Primitive, Row] = {
    ops.fft: partial(_launches, lambda n, inverse: loops.ifft if inverse else loops.fft),
    ops.rfft: partial(_launches, lambda n, inverse: loops.rfft_n_odd if n % 2 else loops.rfft_n_even),
    ops.irfft: partial(_launches, lambda n, inverse: loops.irfft, inverse=True),
}
