"""Memos: what is made once, what is made again, and how much is kept."""

from __future__ import annotations

import numpy as np
import pytest
from fnad import grad, vmap
from fnad.memo import Memo
from fnad.transforms import vjp as reverse
from fnad.transforms import vmap as batching


def test_a_value_is_made_once_for_equal_keys() -> None:
    memo, made = Memo(), []
    for key in ((1, "a"), (1, "a"), (2, "a")):
        assert memo.get(key, lambda: made.append(key) or key) == key
    assert made == [(1, "a"), (2, "a")]
    assert memo.get("none", lambda: None) is None and memo.get("none", lambda: 1) is None


def test_it_makes_anew_what_has_no_hash_and_what_failed() -> None:
    memo = Memo()
    assert [memo.get([1], lambda n=n: n) for n in range(2)] == [0, 1] and not memo.entries
    with pytest.raises(ZeroDivisionError) as caught:
        memo.get("key", lambda: 1 / 0)
    assert caught.value.__context__ is None and memo.get("key", lambda: 1) == 1


def test_it_is_bounded() -> None:
    memo = Memo(most=3)
    for n in range(10):
        assert memo.get(n, lambda: n) == n and len(memo.entries) <= 3


def test_transforms_without_jit_find_their_programs_again() -> None:
    def f(x):
        return np.sum(np.sin(x) * x)

    x = np.ones((2, 3))
    for transform, memo in ((lambda x: grad(f)(x), reverse._joints), (vmap(f), batching._batches)):
        transform(x)
        count = len(memo.entries)
        transform(x)
        assert len(memo.entries) == count
