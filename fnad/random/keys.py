"""Keys: where randomness comes from, made, divided and derived explicitly."""

from __future__ import annotations

from typing import Any

import numpy as np

from fnad.checks import require_integer
from fnad.errors import boundary
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import convert, shift_right, xor
from fnad.ops.shaping import concatenate, reshape
from fnad.random.bits import FOLD, SPLIT, UINT32, UINT64, random_bits
from fnad.tracing.tracer import is_value, value_type

MASK = 0xFFFFFFFF


@boundary
def key(seed: Any) -> Any:
    """A key from a seed: equal seeds give equal keys, and different seeds different ones.

    Args:
        seed: an integer from -2**63 up to 2**64 - 1 (negative ones count from 2**64 down), or a traced one.

    Returns:
        The key, a uint32 array of shape (2,).

    Raises:
        TypeError: the seed is no integer scalar.
        ValueError: the seed is out of range.

    >>> key(7)
    array([0, 7], dtype=uint32)
    """
    return _words("key", "a seed", seed)


@boundary
def split(key: Any, num: int = 2) -> Any:
    """New keys from one, independent of each other and of numbers drawn with the old key.

    Args:
        key: a key. Do not use it again, or the numbers of both uses will be the same.
        num: how many keys to make.

    Returns:
        A uint32 array of shape (num, 2), one key a row; unpack it or index it.

    Raises:
        TypeError: ``key`` is no key, or ``num`` no integer.
        ValueError: ``num`` is negative.

    >>> import fnad
    >>> first, second = split(fnad.random.key(0))
    >>> first
    array([..., ...], dtype=uint32)
    """
    require_key("split", key)
    require_integer("split", "num", num, least=0)
    return random_bits(key, shape=(int(num), 2), dtype=UINT32, stream=SPLIT)


@boundary
def fold_in(key: Any, data: Any) -> Any:
    """A new key from a key and an integer, such as the number of a step or of a layer.

    Args:
        key: a key; it may be used with any number of different integers.
        data: an integer from -2**63 up to 2**64 - 1, or a traced one.

    Returns:
        The new key, a uint32 array of shape (2,).

    Raises:
        TypeError: ``key`` is no key, or ``data`` no integer scalar.
        ValueError: ``data`` is out of range.

    >>> import fnad
    >>> start = fnad.random.key(0)
    >>> keys = [fold_in(start, step) for step in range(3)]
    """
    require_key("fold_in", key)
    words = _words("fold_in", "data", data)
    mixed = xor(random_bits(key, shape=(2,), dtype=UINT32, stream=FOLD), words)
    return random_bits(mixed, shape=(2,), dtype=UINT32, stream=FOLD)


def require_key(name: str, key: Any) -> None:
    """Check that a value is a key."""
    if not is_value(key) or value_type(key).strong != ArrayType((2,), UINT32):
        got = value_type(key) if is_value(key) else type(key).__name__
        raise TypeError(f"{name}: requires a key, a uint32 array of shape (2,), got {got}. Try random.key(seed).")


def _words(name: str, what: str, value: Any) -> Any:
    """An integer as two words of 32 bits, the high one first."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not -(2**63) <= value < 2**64:
            raise ValueError(f"{name}: requires {what} from -2**63 up to 2**64 - 1, got {value}. Take it modulo 2**64.")
        return np.array([value >> 32 & MASK, value & MASK], UINT32)
    if not is_value(value) or value_type(value).dtype.kind not in "iu" or value_type(value).shape:
        got = value_type(value) if is_value(value) else type(value).__name__
        raise TypeError(f"{name}: requires {what} that is an integer scalar, got {got}. Use a Python integer.")
    whole = reshape(convert(value, dtype=UINT64), shape=(1,))
    return concatenate(convert(shift_right(whole, 32), dtype=UINT32), convert(whole, dtype=UINT32), axis=0)
