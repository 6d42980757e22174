"""Random bits: the one primitive that all samplers stand on.

The generator is Threefry-2x32 with 20 rounds (J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw,
"Parallel random numbers: as easy as 1, 2, 3", SC 2011): block j of a stream is the counter j
enciphered with the key. Nothing is carried from one number to the next, so that any part of a
stream can be had by itself, and the first numbers of a stream do not depend on how many follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType, Shape
from fnad.ops.shaping import batch_as_it_is

UINT32, UINT64 = np.dtype(np.uint32), np.dtype(np.uint64)

# The streams of a key differ in the highest bits of their counters, so that what one gives tells nothing
# of the others: drawing numbers, splitting, folding in.
DRAW, SPLIT, FOLD = 0, 1, 2
STREAM_BITS = 2

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = np.uint32(0x1BD11BDA)

CHUNK = 8192
"""Blocks that the interpreter makes at once: they stay in the cache."""


def threefry(k0: Any, k1: Any, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """The blocks of two words for keys and counters of two words each: uint32 arrays that broadcast."""
    keys = (k0, k1, k0 ^ k1 ^ PARITY)
    x, y = x + k0, y + k1
    for group in range(5):
        for distance in ROTATIONS[group % 2]:
            x += y
            y = (y << np.uint32(distance)) | (y >> np.uint32(32 - distance))
            y ^= x
        x += keys[(group + 1) % 3]
        y += keys[(group + 2) % 3] + np.uint32(group + 1)
    return x, y


def _type_rule(key: ArrayType, shape: Shape, dtype: np.dtype, stream: int) -> ArrayType:
    if key.dtype != UINT32 or key.shape[-1:] != (2,) or dtype not in (UINT32, UINT64):
        raise TypeError(f"random_bits: requires keys of type u32[...,2] and uint32 or uint64, got {key} and {dtype}.")
    return ArrayType(key.shape[:-1] + shape, dtype)


def _evaluate(key: Any, shape: Shape, dtype: np.dtype, stream: int) -> np.ndarray:
    key = np.asarray(key)
    words = int(np.prod(shape, dtype=np.int64)) * (dtype.itemsize // 4)
    pairs = np.empty((*key.shape[:-1], -(-words // 2), 2), UINT32)
    for start in range(0, pairs.shape[-2], CHUNK):
        part = pairs[..., start : start + CHUNK, :]
        counter = np.arange(start, start + part.shape[-2], dtype=np.uint64) | np.uint64(stream << (64 - STREAM_BITS))
        low, high = counter.astype(UINT32), (counter >> np.uint64(32)).astype(UINT32)
        part[..., 0], part[..., 1] = threefry(key[..., :1], key[..., 1:], low, high)
    bits = pairs.reshape((*key.shape[:-1], 2 * pairs.shape[-2]))[..., :words]
    if dtype == UINT64:
        bits = bits[..., 0::2] | (bits[..., 1::2].astype(UINT64) << np.uint64(32))
    return bits.reshape(key.shape[:-1] + shape)


# The first numbers of each key's stream, in the order of the shape.
random_bits = Primitive("random_bits", _type_rule, _evaluate, differentiable=(), batch=batch_as_it_is, total=True)
