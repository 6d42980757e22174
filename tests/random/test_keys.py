"""Keys: made from seeds, split, folded; their errors."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad import random

START = random.key(0)


def test_a_key_is_its_seed_in_two_words() -> None:
    last = (2**32 - 1, 2**32 - 1)
    for seed, words in ((0, (0, 0)), (7, (0, 7)), (2**32, (1, 0)), (2**64 - 1, last), (-1, last)):
        got = random.key(seed)
        assert got.dtype == np.uint32 and tuple(got) == words
    assert tuple(random.key(np.int32(-1))) == last
    np.testing.assert_array_equal(random.key(np.uint64(2**64 - 5)), random.key(-5))


@pytest.mark.parametrize("seed", [0, 5, -3, 2**40])
def test_traced_seeds_and_data(seed: int) -> None:
    np.testing.assert_array_equal(fnad.jit(random.key)(seed), random.key(seed))
    np.testing.assert_array_equal(fnad.jit(random.fold_in)(START, seed), random.fold_in(START, seed))
    np.testing.assert_array_equal(fnad.jit(random.fold_in)(START, np.int64(seed)), random.fold_in(START, seed))


def test_split_gives_distinct_keys_that_depend_on_the_key_alone() -> None:
    keys = random.split(START, 1000)
    assert keys.shape == (1000, 2) and keys.dtype == np.uint32
    assert len(np.unique(keys, axis=0)) == 1000
    np.testing.assert_array_equal(random.split(START), keys[:2])
    np.testing.assert_array_equal(fnad.jit(lambda key: random.split(key, 3))(START), keys[:3])
    assert random.split(START, 0).shape == (0, 2)
    first, second = random.split(START)
    assert not np.array_equal(first, second)


def test_fold_in_is_different_for_every_integer_and_key() -> None:
    folded = [random.fold_in(key, data) for key in random.split(START, 3) for data in range(-50, 50)]
    assert len(np.unique(folded, axis=0)) == 300
    # Neighbouring keys and data must not make up for each other.
    neighbours = [random.fold_in(random.key(seed), data) for seed in range(8) for data in range(8)]
    assert len(np.unique(neighbours, axis=0)) == 64


def test_what_a_key_gives_in_one_way_is_not_what_it_gives_in_another() -> None:
    drawn = random.randint(START, 200, 0, 2**32, np.uint32).tolist()
    folded = [word for i in range(50) for word in random.fold_in(START, i).tolist()]
    assert set(drawn).isdisjoint([*random.split(START, 100).ravel().tolist(), *folded])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.key(1.5), TypeError, "key: requires a seed that is an integer scalar, got f64"),
        (lambda: random.key(True), TypeError, "key: requires a seed that is an integer scalar, got bool"),
        (lambda: random.key("a"), TypeError, "key: requires a seed that is an integer scalar, got str"),
        (lambda: random.key(2**64), ValueError, "key: requires a seed from -2**63 up to 2**64 - 1, got 184"),
        (lambda: random.split(0), TypeError, "split: requires a key, a uint32 array of shape (2,), got i64[]*."),
        (lambda: random.split(None), TypeError, "split: requires a key, a uint32 array of shape (2,), got NoneType"),
        (lambda: random.split(START, 2.0), TypeError, "split: requires num to be an integer of at least 0, got 2.0"),
        (lambda: random.split(START, -1), ValueError, "split: requires num to be an integer of at least 0, got -1"),
        (lambda: random.fold_in(random.split(START), 1), TypeError, "fold_in: requires a key"),
        (lambda: random.fold_in(START, 0.5), TypeError, "fold_in: requires data that is an integer scalar, got f64"),
        (lambda: random.uniform(START.astype(np.int64)), TypeError, "uniform: requires a key"),
        (lambda: fnad.jit(random.normal)(np.zeros(2)), TypeError, "normal: requires a key"),
    ],
)
def test_errors(call: Any, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert __file__ in str(caught.value)
