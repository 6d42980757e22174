"""Which files are left out where numba-cuda is not installed: those that import it, and the tests of these."""

from __future__ import annotations

import os
from importlib.util import find_spec

NEED_NUMBA_CUDA = [
    "fnad/kernels/cuda/*", "fnad/runtime/cuda/toolchain.py", "fnad/runtime/cuda/passes.py",
    "tests/kernels/*cuda_*.py", "tests/kernels/words.py", "tests/kernels/test_simulated.py",
]

# In continuous integration nothing is left out: there, what is missing fails.
_is_left_out = find_spec("numba_cuda") is None and os.environ.get("FNAD_REQUIRE_CUDA_STATIC") != "1"
collect_ignore_glob = NEED_NUMBA_CUDA if _is_left_out else []


def pytest_report_header() -> str | None:
    """The reason, above the results."""
    if not _is_left_out:
        return None
    return "fnad: files that need numba-cuda are left out, it is not installed; pip install 'fnad[cuda-static]'"
