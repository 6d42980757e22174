"""What tests of the CUDA target need, and marks that skip them, with the reason, where it is not there.

With FNAD_REQUIRE_CUDA_STATIC=1, as in continuous integration, they fail instead.
"""

from __future__ import annotations

import os
from functools import cache
from importlib import import_module
from importlib.util import find_spec

import pytest

from tests.ptxsim.sass import tool

INSTALL = "pip install 'fnad[cuda-static]'"

needs_cuda_compiler = pytest.mark.usefixtures("cuda_compiler")
needs_assembler = pytest.mark.usefixtures("assembler")


@cache
def missing_compiler() -> str:
    """What is not there of what makes PTX from Python; "" if all is."""
    if find_spec("numba_cuda") is None:
        return "numba-cuda"
    for library in ("nvvm", "nvrtc"):
        try:
            import_module("cuda.pathfinder").load_nvidia_dynamic_lib(library)
        except (ImportError, RuntimeError) as error:
            return f"{library} ({str(error).partition('. ')[0]})"
    return ""


def missing_assembler() -> str:
    """Which of NVIDIA's tools for machine code are not there; "" if all are."""
    return " and ".join(name for name in ("ptxas", "nvdisasm") if tool(name) is None)


def require(what: str, missing: str) -> None:
    """Skip or fail the present test if something is missing."""
    if missing:
        reason = f"{what} is not there: {missing}; {INSTALL}"
        if os.environ.get("FNAD_REQUIRE_CUDA_STATIC") == "1":
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)


@pytest.fixture(scope="session")
def cuda_compiler() -> None:
    require("the CUDA compiler", missing_compiler())


@pytest.fixture(scope="session")
def assembler(cuda_compiler: None) -> None:
    require("the CUDA assembler", missing_assembler())
