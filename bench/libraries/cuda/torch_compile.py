"""PyTorch on the GPU, steps compiled by ``torch.compile`` with its default backend, which needs Triton."""

from __future__ import annotations

from importlib.util import find_spec

from bench.libraries.cuda.torch import finish as finish
from bench.libraries.cuda.torch import placed as placed
from bench.libraries.torch_compile import MODULES as MODULES
from bench.libraries.torch_compile import VERSION as VERSION
from bench.libraries.torch_compile import threads as threads

if find_spec("triton") is None:
    raise ImportError("no module named triton")
