"""Threefry-2x32: known answers, and the kernel against the interpreter, whole and in ranges."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad.compiler.cpu.library import random as library
from fnad.kernels.cpu import random as kernels
from fnad.random import bits
from fnad.random.bits import random_bits

from tests.compiler.kernel_running import run_launch, view_of
from tests.kernels.test_dense import run_ranges

# Counter, key, block: the vectors of 20 rounds that the authors publish with Random123 (kat_vectors).
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("counter", "key", "block"), KNOWN)
def test_known_answers(counter: tuple[int, int], key: tuple[int, int], block: tuple[int, int]) -> None:
    words = [np.array([word], np.uint32) for word in (*key, *counter)]
    assert tuple(int(word[0]) for word in bits.threefry(*words)) == block
    assert tuple(map(int, kernels.threefry(*map(np.uint32, (*key, *counter))))) == block


@pytest.mark.parametrize("dtype", [np.uint32, np.uint64])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3), (7,), (1001,)])
@pytest.mark.parametrize("keys", [(), (3,), (0,), (2, 2)])
def test_the_kernel_gives_the_interpreters_bits(dtype: Any, shape: tuple, keys: tuple) -> None:
    key = np.random.default_rng(0).integers(0, 2**32, (*keys, 2), np.uint32)
    stream = len(keys)
    want = random_bits(key, shape=shape, dtype=np.dtype(dtype), stream=stream)
    out = np.zeros((*keys, *shape), dtype)
    run_launch(library.random_bits(view_of(0, key), view_of(1, out), stream), [key], [out])
    assert (want.dtype, want.shape) == (out.dtype, out.shape)
    np.testing.assert_array_equal(out, want)


def test_ranges_of_blocks_make_up_the_whole() -> None:
    key = np.array([[1, 2], [3, 4]], np.uint32)
    out = np.zeros((2, 9), np.uint32)
    launch = library.random_bits(view_of(0, key), view_of(1, out), 0)
    assert launch.extent == 10
    assert run_ranges(launch, [key, out], [(0, 2), (7, 10), (2, 7)]) == [0, 0, 0]
    np.testing.assert_array_equal(out, random_bits(key, shape=(9,), dtype=np.dtype(np.uint32), stream=0))


def test_streams_and_keys_differ_and_prefixes_agree() -> None:
    key, dtype = np.array([0, 7], np.uint32), np.dtype(np.uint64)
    streams = [random_bits(key, shape=(100,), dtype=dtype, stream=s) for s in range(3)]
    assert np.unique(np.concatenate(streams)).size == 300
    np.testing.assert_array_equal(streams[0][:10], random_bits(key, shape=(5, 2), dtype=dtype, stream=0).ravel())
    long = random_bits(key, shape=(3 * bits.CHUNK + 5,), dtype=dtype, stream=0)
    np.testing.assert_array_equal(long[:100], streams[0])
    assert np.unique(long).size == long.size
