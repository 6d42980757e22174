"""PyTorch, eager, on the GPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from bench.case import Case
from bench.libraries.torch import MODULES as MODULES
from bench.libraries.torch import VERSION as VERSION
from bench.libraries.torch import threads as threads

if not torch.cuda.is_available():
    has_cuda = "finds no GPU" if torch.version.cuda else "is built without CUDA"
    raise ImportError(f"this PyTorch {has_cuda}; see pytorch.org for the build that fits the driver")
torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False


def placed(build: Callable[[], Case]) -> Case:
    """Tensors are made on the GPU; while steps run no default device is set, for that slows every call."""
    with torch.device("cuda"):
        case = build()

    def start() -> Any:
        with torch.device("cuda"):
            return case.start()

    return case._replace(start=start)


def finish(result: Any) -> None:
    """Wait: a call returns before its work is done."""
    torch.cuda.synchronize()
