"""Train the tutorial model in PyTorch and write its start, its data and its 1000 losses to ``tutorial.npz``.

Needs PyTorch; the test that reads the file does not. Run it from anywhere:
``python tests/reference/make_tutorial_losses.py``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

EPOCHS = 1000
LEARNING_RATE = 0.01
TARGET = Path(__file__).with_name("tutorial.npz")


def train(model: torch.nn.Module, x: torch.Tensor, y: torch.Tensor) -> np.ndarray:
    """The loss of every epoch, computed before its update."""
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)
    losses = []
    for _ in range(EPOCHS):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


def weights(model: torch.nn.Sequential) -> dict[str, np.ndarray]:
    """The weights with the shape (in, out), copied."""
    first, _, second = model
    return {
        "w1": first.weight.detach().numpy().T.copy(),
        "b1": first.bias.detach().numpy().copy(),
        "w2": second.weight.detach().numpy().T.copy(),
        "b2": second.bias.detach().numpy().copy(),
    }


def main() -> None:
    """Make the reference on one thread, so that it comes out the same each time."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    x, y = torch.randn(100, 10), torch.randn(100, 1)
    model = torch.nn.Sequential(torch.nn.Linear(10, 5), torch.nn.ReLU(), torch.nn.Linear(5, 1))
    start = weights(model)
    losses = train(model, x, y)
    np.savez_compressed(TARGET, x=x.numpy(), y=y.numpy(), **start, losses=losses)
    print(f"PyTorch {torch.__version__}: loss {losses[0]:.6f} to {losses[-1]:.6f}, written to {TARGET}")


if __name__ == "__main__":
    main()
