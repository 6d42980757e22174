"""Run PyTorch's optimizers on fixed gradients and write the parameters of every step to ``optimizers.npz``.

Needs PyTorch; the test that reads the file does not. Run it from anywhere:
``python tests/reference/make_optimizer_steps.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

STEPS = 20
TARGET = Path(__file__).with_name("optimizers.npz")
OPTIMIZERS = {
    "sgd": lambda params: torch.optim.SGD(params, lr=0.1),
    "momentum": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9),
    "nesterov": lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    "adam": lambda params: torch.optim.Adam(params, lr=0.1),
    "adam_decays": lambda params: torch.optim.Adam(params, lr=0.01, betas=(0.5, 0.9), eps=1e-4),
}


def run(
    make: Callable[[list[torch.Tensor]], torch.optim.Optimizer], start: np.ndarray, grads: np.ndarray
) -> np.ndarray:
    """The parameters after each step, of shape (steps, size)."""
    params = torch.tensor(start, requires_grad=True)
    optimizer = make([params])
    history = []
    for grad in grads:
        params.grad = torch.tensor(grad)
        optimizer.step()
        history.append(params.detach().numpy().copy())
    return np.stack(history)


def main() -> None:
    """Make the reference in float64, where rounding cannot hide a difference of meaning."""
    generator = np.random.default_rng(0)
    start, grads = generator.normal(size=7), generator.normal(size=(STEPS, 7))
    histories = {name: run(make, start, grads) for name, make in OPTIMIZERS.items()}
    np.savez_compressed(TARGET, start=start, grads=grads, **histories)
    print(f"PyTorch {torch.__version__}: {', '.join(OPTIMIZERS)} written to {TARGET}")


if __name__ == "__main__":
    main()
