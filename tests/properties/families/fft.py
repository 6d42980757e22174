"""The rows of the Fourier transforms: their oracle is the sum that defines them."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.properties.row import Case, Domain, Sample

SCALES = {"backward": (0.0, -1.0), "ortho": (-0.5, -0.5), "forward": (-1.0, 0.0)}
"""The powers of the number of points that the transforms there and back are multiplied by."""


def transformed(x: Any, axis: int, inverse: bool, norm: str) -> Any:
    n = x.shape[axis]
    points = np.arange(n)
    waves = np.exp((2j if inverse else -2j) * np.pi * np.outer(points, points) / n) * n ** SCALES[norm][inverse]
    return np.moveaxis(np.tensordot(waves, x, (1, axis)), 0, axis).astype(np.result_type(x.dtype, np.complex64))


def of_real(x: Any, axis: int, norm: str) -> Any:
    return np.take(transformed(x, axis, False, norm), range(x.shape[axis] // 2 + 1), axis)


def to_real(x: Any, axis: int, n: int, norm: str) -> Any:
    """Of all frequencies, the second half of which are the conjugates of the first."""
    first = np.moveaxis(x, axis, 0)
    ends = [0, n // 2] if n % 2 == 0 else [0]
    first = np.stack([line.real + 0j if k in ends else line for k, line in enumerate(first)])
    all_ = np.concatenate([first, np.conj(first[1 : (n + 1) // 2][::-1])])
    return transformed(np.moveaxis(all_, 0, axis), axis, True, norm).real


def one(shape: tuple[int, ...], **params: Any) -> Sample:
    return Sample((shape,), params)


FINITE = Domain(exact=True)  # an infinity is nan where pocketfft has it meet another

ROWS = [
    Case(
        "fft", (FINITE,),
        (
            one((3, 4), axis=0, inverse=False, norm="backward"), one((2, 5), axis=1, inverse=True, norm="backward"),
            one((2, 3, 2), axis=1, inverse=False, norm="ortho"), one((1,), axis=0, inverse=True, norm="forward"),
            one((0, 2), axis=1, inverse=False, norm="forward"),
        ),
        transformed, reorders=True,
    ),
    Case(
        "rfft", (FINITE,),
        (
            one((2, 6), axis=1, norm="backward"), one((5, 2), axis=0, norm="ortho"), one((1,), axis=0, norm="forward"),
            one((2, 2, 3), axis=1, norm="backward"), one((0, 3), axis=1, norm="backward"),
        ),
        of_real, reorders=True,
    ),
    Case(
        "irfft", (FINITE,),
        (
            one((2, 4), axis=1, n=6, norm="backward"), one((3, 2), axis=0, n=5, norm="ortho"),
            one((1,), axis=0, n=1, norm="backward"), one((2, 2, 2), axis=1, n=2, norm="forward"),
            one((0, 2), axis=1, n=3, norm="backward"),
        ),
        to_real, reorders=True,
    ),
]
