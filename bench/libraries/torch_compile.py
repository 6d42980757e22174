"""PyTorch, steps compiled by ``torch.compile`` with its default backend, which needs a C++ compiler."""

from __future__ import annotations

import os
import shutil

import torch

from bench.libraries.torch import finish as finish
from bench.libraries.torch import threads as threads

if not shutil.which(os.environ.get("CXX", "g++")):
    raise ImportError("no C++ compiler")

MODULES = (torch,)
VERSION = torch.__version__
