"""Discrete Fourier transforms along one axis: of complex numbers, of real ones, and back to real ones.

They are linear and each other's adjoints, so that derivatives of any order are transforms as well. ``norm`` is NumPy's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType, Shape
from fnad.ops.elementwise import mul
from fnad.ops.families import linear
from fnad.ops.shaping import Mapped, broadcast

ADJOINT = {"backward": "forward", "ortho": "ortho", "forward": "backward"}
"""The norm with which a transform the other way has the same scale."""


def along(x: ArrayType, axis: int, n: int) -> Shape:
    """The shape with ``n`` elements along an axis."""
    return (*x.shape[:axis], n, *x.shape[axis + 1 :])


def _require(name: str, x: ArrayType, kind: str, axis: int, norm: str) -> None:
    if x.dtype.kind != kind or norm not in ADJOINT or not 0 <= axis < x.ndim or not x.shape[axis]:
        wanted = {"f": "real", "c": "complex"}[kind]
        raise ValueError(
            f"{name}: requires {wanted} numbers with elements along an axis, and a norm of {', '.join(ADJOINT)}, got "
            f"{x}, axis {axis} and {norm!r}."
        )


def _batch(op: Primitive, mapped: Mapped, x: Any, axis: int, **params: Any) -> Any:
    return op(x, axis=axis + 1, **params)


def _fft_type(x: ArrayType, axis: int, inverse: bool, norm: str) -> ArrayType:
    _require("fft", x, "c", axis, norm)
    return ArrayType(x.shape, x.dtype)


def _rfft_type(x: ArrayType, axis: int, norm: str) -> ArrayType:
    _require("rfft", x, "f", axis, norm)
    return ArrayType(along(x, axis, x.shape[axis] // 2 + 1), np.result_type(x.dtype, np.complex64))


def _irfft_type(x: ArrayType, axis: int, n: int, norm: str) -> ArrayType:
    _require("irfft", x, "c", axis, norm)
    if n < 1 or x.shape[axis] != n // 2 + 1:
        raise ValueError(f"irfft: requires {n // 2 + 1} frequencies of {n} points, got {x} and axis {axis}.")
    return ArrayType(along(x, axis, n), np.empty(0, x.dtype).real.dtype)


def _counted(x: Any, axis: int, n: int, factor: float) -> Any:
    """Frequencies of ``n`` real points, times a factor where each stands for two that are conjugate."""
    weights = np.full(x.shape[axis], factor, x.dtype)
    weights[:: n // 2 if n % 2 == 0 else n] = 1  # frequency 0, and Nyquist's
    return mul(x, broadcast(x.builder.tracer(weights), shape=x.shape, dims=(axis,)))


def _rfft_transpose(g: Any, x: Any, axis: int, norm: str) -> Any:
    n = x.shape[axis]
    return irfft(_counted(g, axis, n, 0.5), axis=axis, n=n, norm=ADJOINT[norm])


def _irfft_transpose(g: Any, x: Any, axis: int, n: int, norm: str) -> Any:
    return _counted(rfft(g, axis=axis, norm=ADJOINT[norm]), axis, n, 2)


fft = linear(
    "fft", _fft_type, lambda x, axis, inverse, norm: (np.fft.ifft if inverse else np.fft.fft)(x, axis=axis, norm=norm),
    lambda g, x, axis, inverse, norm: fft(g, axis=axis, inverse=not inverse, norm=ADJOINT[norm]), _batch, total=True,
)

# The frequencies from 0 to half of those of real numbers.
rfft = linear(
    "rfft", _rfft_type, lambda x, axis, norm: np.fft.rfft(x, axis=axis, norm=norm), _rfft_transpose, _batch, total=True,
)

# The real numbers with such frequencies; of the first, and of Nyquist's, only the real part counts.
irfft = linear(
    "irfft", _irfft_type, lambda x, axis, n, norm: np.fft.irfft(x, n, axis, norm), _irfft_transpose, _batch, total=True,
)
