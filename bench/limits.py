"""The least that a workload takes on this machine: its matrix products by BLAS, or a copy of its bytes.

Both write to arrays that are there already, and touch them before they are timed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy.linalg import get_blas_funcs

from bench.case import Case

THREADS = int(os.environ.get("OMP_NUM_THREADS", "1"))
WORTH_A_THREAD = 2**18
"""Bytes below which a hand-off to another thread takes longer than the copy."""

Shape = tuple[int, int, int]


def products(shapes: Sequence[Shape], dtype: type = np.float32) -> Case:
    """The products of (m, k) and (k, n) matrices alone, for each (m, k, n), by SciPy's BLAS.

    BLAS takes a transposed operand as it is, so that a shape says all about a product.
    """
    random = np.random.default_rng(0)

    def operands(m: int, k: int, n: int) -> tuple[Any, ...]:
        # BLAS counts by columns; its arguments are copied unless they do
        a, b = (random.uniform(-1, 1, shape).astype(dtype, order="F") for shape in ((m, k), (k, n)))
        return get_blas_funcs("gemm", (a, b)), a, b, np.zeros((m, n), dtype, order="F")

    calls = [operands(*shape) for shape in shapes]

    def step(state: None) -> tuple[None, None]:
        for multiply, a, b, c in calls:
            multiply(1.0, a, b, c=c, overwrite_c=True)
        return None, None

    return Case(step, lambda: None, [()], "its matrix products alone, by SciPy's BLAS")


def moved(nbytes: int) -> Case:
    """Bytes read and bytes written, in all ``nbytes``: a copy of half of them from one array to another."""
    parts = THREADS if nbytes >= WORTH_A_THREAD * THREADS else 1
    source = np.ones(nbytes // 2, np.uint8)
    pairs = list(zip(np.array_split(source, parts), np.array_split(np.zeros_like(source), parts)))
    pool = ThreadPoolExecutor(parts)

    def copy(pair: tuple[np.ndarray, np.ndarray]) -> None:
        np.copyto(pair[1], pair[0])

    def step(state: None) -> tuple[None, None]:
        waiting = [pool.submit(copy, pair) for pair in pairs[1:]]
        copy(pairs[0])
        for future in waiting:
            future.result()
        return None, None

    return Case(step, lambda: None, [()], f"the {nbytes / 1e6:.3g} MB that it must read and write, copied once")
