"""Random bits on a GPU: those of every target."""

from __future__ import annotations

import numpy as np
import pytest
from fnad.random.bits import random_bits

from tests.cuda.library_running import ONE, check
from tests.cuda.requirements import needs_cuda_compiler

pytestmark = needs_cuda_compiler


@pytest.mark.parametrize("dtype", ["uint32", "uint64"])
@pytest.mark.parametrize(
    ("keys", "shape"),
    [((), (1,)), ((), (31, 33)), ((), (513,)), ((3, 2), (5,)), ((257,), (3,)), ((0,), (3,)), ((), (0,))],
)
def test_random_bits_are_those_of_every_target(keys: tuple[int, ...], shape: tuple[int, ...], dtype: str) -> None:
    key = np.random.default_rng(0).integers(0, 2**32, (*keys, 2)).astype(np.uint32)
    params = {"shape": shape, "dtype": np.dtype(dtype), "stream": 2}
    check(random_bits, [key], ONE, **params)
