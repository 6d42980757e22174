"""PyTorch, eager."""

from __future__ import annotations

from typing import Any

import torch

MODULES = (torch,)
VERSION = torch.__version__


def threads() -> str:
    """The threads inside one operation."""
    return str(torch.get_num_threads())


def finish(result: Any) -> None:
    """A call on the CPU has finished when it returns."""
