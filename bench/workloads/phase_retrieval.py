"""The gradient of phase retrieval: a complex image of 64 x 64 from the intensities of 4 masked Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np_
from bench import gradients
from bench.case import Case, size

TOLERANCE = 1e-9
CHECK_STEPS = 1
SIDE, MASKS = size(64, 8), 4
_random = np_.random.default_rng(0)


def _image(*shape: int) -> np_.ndarray:
    return _random.normal(size=shape) + 1j * _random.normal(size=shape)


PHASES = np_.exp(2j * np_.pi * _random.uniform(size=(MASKS, SIDE, SIDE)))
INTENSITIES = np_.abs(np_.fft.fft2(PHASES * _image(SIDE, SIDE), norm="ortho")) ** 2
START = {"image": _image(SIDE, SIDE).view(float).reshape(SIDE, SIDE, 2)}


def loss(library: gradients.Library, p: Any, phases: Any, intensities: Any) -> Any:
    """The mean square error of the intensities; the image is given by its real and imaginary parts."""
    xp = library.np
    image = p["image"][..., 0] + 1j * p["image"][..., 1]
    waves = xp.fft.fft2(phases * image, norm="ortho")
    return xp.mean((waves.real**2 + waves.imag**2 - intensities) ** 2)


def fnad(fnad: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_fnad(fnad, loss, START, (PHASES, INTENSITIES))


def jax(jax: Any, jnp: Any) -> Case:
    """``value_and_grad`` under ``jit``."""
    return gradients.of_jax(jax, jnp, loss, START, (PHASES, INTENSITIES))


def numpy(np: Any) -> Case:
    """The adjoint by hand: the errors times the waves, transformed back."""

    def gradient(p: Any, phases: Any, intensities: Any) -> Any:
        image = p["image"][..., 0] + 1j * p["image"][..., 1]
        waves = np.fft.fft2(phases * image, norm="ortho")
        errors = waves.real**2 + waves.imag**2 - intensities
        bars = np.fft.ifft2(4 / errors.size * errors * waves, norm="ortho")
        bar = np.sum(np.conj(phases) * bars, axis=0)
        return np.mean(errors**2), {"image": np.stack([bar.real, bar.imag], axis=-1)}

    return gradients.by_hand(gradient, START, (PHASES, INTENSITIES))
