"""Laws of splits and minibatches: every example once, orders that follow from the seed, clear errors."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

import numpy as np
import pytest
from fnad import data
from hypothesis import given
from hypothesis import strategies as st

sizes = st.integers(1, 40)
seeds = st.integers(0, 2**32)


def make_data(examples: int) -> Any:
    """A pytree whose every leaf tells which example a row is."""
    x = np.arange(examples)
    return {"x": np.stack([x, -x], axis=1).astype(np.float32), "more": (x, None)}


def order_of(batches: Any) -> list[int]:
    return [int(i) for batch in batches for i in batch["more"][0]]


@given(examples=sizes, batch_size=sizes, seed=seeds)
def test_an_epoch_has_every_example_once(examples: int, batch_size: int, seed: int) -> None:
    assert sorted(order_of(data.batches(make_data(examples), batch_size, seed=seed))) == list(range(examples))


@given(examples=sizes, batch_size=sizes, epochs=st.integers(1, 3), drop_last=st.booleans())
def test_len_and_sizes(examples: int, batch_size: int, epochs: int, drop_last: bool) -> None:
    batch_size = min(batch_size, examples)
    batches = data.batches(make_data(examples), batch_size, epochs=epochs, drop_last=drop_last)
    lengths = [len(batch["x"]) for batch in batches]
    assert len(batches) == len(lengths)
    short = [n for n in lengths if n != batch_size]
    assert short == ([examples % batch_size] * epochs if examples % batch_size and not drop_last else [])


@given(examples=sizes, batch_size=sizes, seed=seeds)
def test_leaves_stay_together_and_keep_their_dtypes(examples: int, batch_size: int, seed: int) -> None:
    for batch in data.batches(make_data(examples), batch_size, seed=seed):
        x, (i, nothing) = batch["x"], batch["more"]
        np.testing.assert_array_equal(x, np.stack([i, -i], axis=1))
        assert (x.dtype, nothing) == (np.float32, None)


def test_the_seed_decides_the_orders() -> None:
    first, second, other = (data.batches(make_data(50), 7, seed=seed, epochs=2) for seed in (3, 3, 4))
    order = order_of(first)
    assert order == order_of(second)
    assert order != order_of(other)


def test_each_epoch_has_a_new_order() -> None:
    batches = data.batches(make_data(50), 7, seed=0)
    assert len({tuple(order_of(batches)) for _ in range(4)}) == 4


def test_epochs_are_the_same_however_they_are_asked_for() -> None:
    together = order_of(data.batches(make_data(20), 7, seed=0, epochs=3))
    again = data.batches(make_data(20), 7, seed=0)
    assert together == order_of(again) + order_of(again) + order_of(again)
    assert together[40:] == order_of(data.batches(make_data(20), 7, seed=0).epoch(2))


def test_an_iteration_left_early_does_not_shift_the_next() -> None:
    whole, broken_off = (data.batches(make_data(20), 7, seed=0) for _ in range(2))
    order_of(whole)
    order_of(islice(broken_off, 1))
    assert order_of(whole) == order_of(broken_off)


def test_without_shuffle_the_order_stays() -> None:
    assert order_of(data.batches(make_data(9), 4, shuffle=False, epochs=2)) == [*range(9), *range(9)]


def test_without_a_seed_two_iterators_differ() -> None:
    assert order_of(data.batches(make_data(200), 9)) != order_of(data.batches(make_data(200), 9))


def test_progress_shows_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    order = order_of(data.batches(make_data(10), 4, shuffle=False, progress=True))
    captured = capsys.readouterr()
    assert order == list(range(10))
    assert "3/3" in captured.err and not captured.out


@given(examples=st.integers(2, 60), fraction=st.floats(0.1, 0.9), seed=seeds)
def test_split_parts_are_the_whole(examples: int, fraction: float, seed: int) -> None:
    expected = round(fraction * examples)
    if 0 < expected < examples:
        first, second = data.split(make_data(examples), fraction, seed)
        assert len(first["x"]) == expected
        assert sorted(order_of([first, second])) == list(range(examples))


def test_split_follows_its_seed() -> None:
    one, two, other = (order_of(data.split(make_data(50), 0.5, seed)) for seed in (1, 1, 2))
    assert one == two != other


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: data.batches({"x": np.ones((3, 2)), "y": np.ones(4)}, 2),
            r"batches: .* equal leading axes, got arrays\['x'\] of shape \(3, 2\), arrays\['y'\] of shape \(4,\)\. ",
        ),
        (lambda: data.batches(np.ones(3), 0), r"batches: requires batch_size of at least 1, got 0\. "),
        (lambda: data.batches(np.ones(3), -2), r"batches: requires batch_size of at least 1, got -2\. "),
        (lambda: data.batches(np.ones(3), 2, epochs=0), r"batches: requires epochs of at least 1, got 0\. "),
        (lambda: data.batches(np.ones(3), 4, drop_last=True), r"batches: .* got 4 for 3 examples\. "),
        (lambda: data.batches((np.ones(3), 1.0), 1), r"batches: .* leading axis .* arrays\[1\] of shape \(\)"),
        (
            lambda: data.batches(np.ones((0, 2)), 1),
            r"batches: requires at least one example, got arrays of shape \(0, 2\)",
        ),
        (lambda: data.batches({}, 1), r"batches: requires at least one example, got no array\. "),
        (lambda: data.split((np.ones(3), np.ones(2)), 0.5), r"split: .* equal leading axes"),
        (lambda: data.split(np.ones(3), 1.5), r"split: .* got 1\.5 of 3 examples\. "),
        (lambda: data.split(np.ones(1), 0.5), r"split: .* got 0\.5 of 1 examples\. "),
    ],
)
def test_bad_input_is_named(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_a_batch_size_that_is_no_integer_is_refused() -> None:
    with pytest.raises(TypeError, match=r"batches: requires an integer batch_size, got 1\.5\. "):
        data.batches(np.ones(3), 1.5)  # type: ignore[arg-type]
