"""Layer norm, GELU and squared error, forward and backward in x, scale and shift: 2048 rows of 768, float32."""

from __future__ import annotations

import importlib
from math import pi, sqrt
from typing import Any

import numpy as np
from scipy.special import erf

from bench.case import Case, size

TOLERANCE = 1e-3
CHECK_STEPS = 1
EPS = 1e-5
ROWS, FEATURES = size(2048, 16), size(768, 24)


def _start() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    return {
        "scale": random.uniform(0.5, 2, FEATURES).astype(np.float32),
        "shift": random.normal(size=FEATURES).astype(np.float32),
        "x": random.normal(1, 3, (ROWS, FEATURES)).astype(np.float32),
    }


INPUTS = _start()
TARGET = np.random.default_rng(1).normal(size=(ROWS, FEATURES)).astype(np.float32)


def error(xp: Any, gelu: Any, inputs: Any, target: Any) -> Any:
    """The mean squared error, layer norm as the formula says it."""
    x = inputs["x"]
    centred = x - xp.mean(x, axis=1, keepdims=True)
    normal = centred / xp.sqrt(xp.mean(centred**2, axis=1, keepdims=True) + EPS)
    return xp.mean((gelu(normal * inputs["scale"] + inputs["shift"]) - target) ** 2)


def fnad(fnad: Any) -> Case:
    """``nn.gelu`` under ``value_and_grad`` and ``jit``."""
    both = fnad.jit(fnad.value_and_grad(lambda inputs, target: error(np, fnad.nn.gelu, inputs, target)))
    return Case(lambda state, inputs, target: (state, both(inputs, target)), lambda: (), [(INPUTS, TARGET)])


def jax(jax: Any, jnp: Any) -> Case:
    """``nn.gelu`` under ``value_and_grad`` and ``jit``."""

    def loss(inputs: Any, target: Any) -> Any:
        return error(jnp, lambda x: jax.nn.gelu(x, approximate=False), inputs, target)

    both = jax.jit(jax.value_and_grad(loss))
    batches = [jax.device_put((INPUTS, TARGET))]
    return Case(lambda state, inputs, target: (state, both(inputs, target)), lambda: (), batches)


def torch(torch: Any) -> Case:
    """``functional.layer_norm``, ``gelu`` and ``mse_loss``, and ``torch.autograd.grad``."""
    layer_norm, gelu, mse_loss = (getattr(torch.nn.functional, name) for name in ("layer_norm", "gelu", "mse_loss"))

    def step(state: Any, inputs: Any, target: Any) -> Any:
        scale, shift, x = inputs
        value = mse_loss(gelu(layer_norm(x, (FEATURES,), scale, shift, EPS)), target)
        return state, (value.detach(), torch.autograd.grad(value, inputs))

    inputs = [torch.tensor(array).requires_grad_() for array in INPUTS.values()]
    return Case(step, lambda: (), [(inputs, torch.tensor(TARGET))])


def torch_compile(torch: Any) -> Case:
    """``func.grad_and_value``, compiled."""
    layer_norm, gelu, mse_loss = (getattr(torch.nn.functional, name) for name in ("layer_norm", "gelu", "mse_loss"))

    def loss(inputs: Any, target: Any) -> Any:
        scale, shift, x = inputs
        return mse_loss(gelu(layer_norm(x, (FEATURES,), scale, shift, EPS)), target)

    both = torch.compile(torch.func.grad_and_value(loss))
    batch = tuple(map(torch.tensor, INPUTS.values())), torch.tensor(TARGET)
    return Case(lambda state, inputs, target: (state, both(inputs, target)[::-1]), lambda: (), [batch])


def autograd(autograd: Any, anp: Any) -> Case:
    """A tape at each call; the square root of 2 as float32, for a float64 would spread."""
    special = importlib.import_module("autograd.scipy.special")

    def gelu(x: Any) -> Any:
        return x * (special.erf(x * np.float32(sqrt(0.5))) + 1) * 0.5

    both = autograd.value_and_grad(lambda inputs, target: error(anp, gelu, inputs, target))
    return Case(lambda state, inputs, target: (state, both(inputs, target)), lambda: (), [(INPUTS, TARGET)])


def numpy(np: Any) -> Case:
    """The gradients by hand, the error function by SciPy."""

    def step(state: Any, inputs: Any, target: Any) -> Any:
        scale, shift, x = (inputs[key] for key in ("scale", "shift", "x"))
        normal = x - x.mean(axis=1, keepdims=True)
        inverse = 1 / np.sqrt(np.square(normal).mean(axis=1, keepdims=True) + np.float32(EPS))
        normal *= inverse
        z = normal * scale + shift
        share = (erf(z * np.float32(sqrt(0.5))) + 1) * np.float32(0.5)
        density = np.exp(np.square(z) * np.float32(-0.5)) * np.float32(1 / sqrt(2 * pi))
        wrong = z * share - target
        value = np.square(wrong).mean()
        z_bar = (share + z * density) * wrong
        z_bar *= np.float32(2 / wrong.size)
        grads = {"scale": (z_bar * normal).sum(axis=0), "shift": z_bar.sum(axis=0)}
        z_bar *= scale
        along = (z_bar * normal).mean(axis=1, keepdims=True)
        grads["x"] = (z_bar - z_bar.mean(axis=1, keepdims=True) - normal * along) * inverse
        return state, (value, grads)

    return Case(step, lambda: (), [(INPUTS, TARGET)])


def limit(limits: Any) -> Case:
    """x and the target read, the gradient in x written."""
    return limits.moved(3 * TARGET.nbytes)
