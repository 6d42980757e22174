"""What the machine needs for a workload's matrix products alone, or to move its bytes once."""

from __future__ import annotations

import scipy

from bench import limits

MODULES = (limits,)
VERSION = scipy.__version__


def threads() -> str:
    """The limit gets as many threads as the libraries."""
    return str(limits.THREADS)


def finish(result: object) -> None:
    """BLAS and copies have finished when they return."""
