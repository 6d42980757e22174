"""Samplers: shapes, dtypes, distributions under fixed seeds, corners, gradients, errors; compiled as interpreted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import random
from fnad.random.bits import DRAW, random_bits
from scipy import stats

KEY = random.key(20240607)
FLOATS = [np.float32, np.float64]
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
LOGITS = np.array([[0.0, 1.0, -np.inf, 2.0], [3.0, 0.0, 0.0, -1.0]])
COUNT = 200_000


def same_bits(got: Any, want: Any) -> None:
    got, want = np.asarray(got), np.asarray(want)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    assert got.tobytes() == want.tobytes()


# A name, a sampler of a key and a shape, and the dtype of its result.
SAMPLERS: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "uniform f64": (lambda key, shape: random.uniform(key, shape), np.float64),
    "uniform f32": (lambda key, shape: random.uniform(key, shape, np.float32), np.float32),
    "uniform bounds": (lambda key, shape: random.uniform(key, shape, np.float32, low=-0.1, high=0.7), np.float32),
    "normal f64": (lambda key, shape: random.normal(key, shape), np.float64),
    "normal f32": (lambda key, shape: random.normal(key, shape, np.float32), np.float32),
    "normal moved": (lambda key, shape: random.normal(key, shape, np.float32, 0.1, np.float64(3)), np.float32),
    "randint": (lambda key, shape: random.randint(key, shape, -7, 10**12), np.int64),
    "randint i8": (lambda key, shape: random.randint(key, shape, -128, 128, np.int8), np.int8),
    "randint u64": (lambda key, shape: random.randint(key, shape, 3, 2**64, np.uint64), np.uint64),
    "bernoulli": (lambda key, shape: random.bernoulli(key, 0.3, shape), np.bool_),
    "categorical": (lambda key, shape: random.categorical(key, LOGITS[0], shape=shape), np.int64),
}


@pytest.mark.parametrize("name", SAMPLERS)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (2, 3, 5), (1013,)])
def test_shape_dtype_and_the_same_bits_compiled(name: str, shape: tuple[int, ...]) -> None:
    sampler, dtype = SAMPLERS[name]
    interpreted = sampler(KEY, shape)
    assert isinstance(interpreted, np.ndarray) and interpreted.flags.writeable
    assert (interpreted.dtype, interpreted.shape) == (dtype, shape)
    same_bits(sampler(KEY, shape), interpreted)
    same_bits(fnad.jit(lambda key: sampler(key, shape))(KEY), interpreted)


@pytest.mark.parametrize("dtype", FLOATS)
def test_many_normal_numbers_compiled(dtype: Any) -> None:
    same_bits(fnad.jit(lambda key: random.normal(key, 100_003, dtype))(KEY), random.normal(KEY, 100_003, dtype))


@pytest.mark.parametrize(
    "sampler",
    [
        lambda key, low, high: random.uniform(key, (3, 4), np.float32, low, high),
        lambda key, low, high: random.uniform(key, (3, 4), np.float64, low, high),
        lambda key, low, high: random.normal(key, (3, 4), np.float32, low, high),
        lambda key, low, high: random.bernoulli(key, high, (5,)),
    ],
)
def test_traced_numbers_give_the_same_bits_as_plain_ones(sampler: Any) -> None:
    for low, high in ((0.1, 0.7), (np.float32(0.1), np.float64(0.7))):
        same_bits(fnad.jit(sampler)(KEY, low, high), sampler(KEY, low, high))


def test_a_shape_may_be_a_number() -> None:
    same_bits(random.normal(KEY, 5), random.normal(KEY, (5,)))


# --- Distributions


@pytest.mark.parametrize("dtype", FLOATS)
def test_uniform_numbers_are_uniform(dtype: Any) -> None:
    x = random.uniform(KEY, COUNT, dtype)
    assert x.min() >= 0 and x.max() < 1
    assert stats.kstest(x, "uniform").pvalue > 0.01
    y = random.uniform(KEY, COUNT, dtype, low=-3, high=np.array(5.0))
    assert y.min() >= -3 and y.max() <= 5
    assert stats.kstest(y, "uniform", (-3, 8)).pvalue > 0.01


@pytest.mark.parametrize("dtype", FLOATS)
def test_normal_numbers_are_normal(dtype: Any) -> None:
    x = random.normal(KEY, COUNT, dtype)
    assert stats.kstest(x, "norm").pvalue > 0.01
    moments = np.mean([x, x**2, x**3, x**4], axis=1, dtype=float)
    np.testing.assert_allclose(moments, [0, 1, 0, 3], atol=5 * np.sqrt(96 / COUNT))
    tail = 2 * COUNT * stats.norm.sf(3.5)
    assert abs(np.sum(np.abs(x) > 3.5) - tail) < 4 * np.sqrt(tail)


def test_numbers_of_different_keys_and_places_are_independent() -> None:
    keys = random.split(KEY, 100)
    x = np.stack([random.normal(key, 1000) for key in [*keys, *[random.fold_in(KEY, i) for i in range(100)]]])
    across = np.corrcoef(x) - np.eye(200)
    along = [np.mean(x[:, :-lag] * x[:, lag:]) for lag in (1, 2, 3)]
    assert np.abs(across).max() < 6 / np.sqrt(1000)
    assert np.abs(along).max() < 5 / np.sqrt(x.size)


@pytest.mark.parametrize(("low", "high"), [(0, 6), (-3, 4), (10, 11), (0, 128)])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_equally_likely(low: int, high: int, dtype: Any) -> None:
    if low < np.iinfo(dtype).min:
        low, high = 0, high - low
    x = random.randint(KEY, 20_000, low, high, dtype)
    assert x.dtype == dtype
    counts = np.bincount(x.astype(np.int64) - low, minlength=high - low)
    assert len(counts) == high - low and (high - low == 1 or stats.chisquare(counts).pvalue > 0.01)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_over_the_whole_dtype(dtype: Any) -> None:
    limits = np.iinfo(dtype)
    x = random.randint(KEY, COUNT, limits.min, limits.max + 1, dtype)
    assert stats.kstest((x - float(limits.min)) / 2.0**limits.bits, "uniform").statistic < 0.005 + 2.0**-limits.bits
    if limits.bits == 8:
        assert len(np.unique(x)) == 256


def test_integers_of_large_ranges_are_scaled_exactly() -> None:
    # The definition in Python's integers: the high word of count times 128 random bits.
    count, low = 3 * 2**61 + 12345, -(2**62)
    words = random_bits(KEY, shape=(2, 50), dtype=np.dtype(np.uint64), stream=DRAW)
    want = [low + ((int(a) << 64 | int(b)) * count >> 128) for a, b in zip(*words)]
    assert random.randint(KEY, 50, low, low + count).tolist() == want
    bounds = np.full(50, low), np.full(50, low + count)
    assert random.randint(KEY, 50, *bounds).tolist() == want
    same_bits(fnad.jit(lambda key, a, b: random.randint(key, 50, a, b))(KEY, *bounds), np.array(want))


def test_bounds_broadcast() -> None:
    low, high = np.array([[0], [10]]), np.array([5, 20, 11]) + 10
    x = random.randint(KEY, (2, 3), low, high)
    assert ((x >= low) & (x < high)).all()
    y = random.uniform(KEY, (2, 3), low=low, high=high)
    assert ((y >= low) & (y < high)).all()


@pytest.mark.parametrize("p", [0.0, 0.01, 0.5, 1.0, np.float32(0.3)])
def test_bernoulli(p: Any) -> None:
    x = random.bernoulli(KEY, p, (COUNT,))
    assert abs(x.mean() - p) <= 5 * np.sqrt(float(p) * (1 - float(p)) / COUNT)


def test_bernoulli_takes_the_shape_of_its_probabilities() -> None:
    p = np.array([[0.0, 1.0], [1.0, 0.0]], np.float32)
    np.testing.assert_array_equal(random.bernoulli(KEY, p), p == 1)


@pytest.mark.parametrize("axis", [-1, 0])
def test_categories_have_their_probabilities(axis: int) -> None:
    x = random.categorical(KEY, LOGITS if axis else LOGITS.T, axis, shape=(40_000, 2))
    weights = np.exp(LOGITS)
    for row, p in zip(x.T, weights / weights.sum(axis=1, keepdims=True)):
        counts = np.bincount(row, minlength=4)
        assert counts[p == 0].sum() == 0
        assert stats.chisquare(counts[p > 0], 40_000 * p[p > 0]).pvalue > 0.01


def test_categories_at_corners() -> None:
    assert random.categorical(KEY, np.array([-np.inf, 0.0, -np.inf]), shape=(50,)).tolist() == [1] * 50
    assert random.categorical(KEY, np.array([0.0, np.inf, np.inf]), shape=(50,)).tolist() == [1] * 50
    assert random.categorical(KEY, np.full(3, -np.inf)) == 0
    assert random.categorical(KEY, np.array([7.0])) == 0
    assert random.categorical(KEY, LOGITS).shape == (2,)
    assert random.categorical(KEY, np.zeros((2, 3, 4)), axis=1).shape == (2, 4)
    assert random.categorical(KEY, [0, 1]).dtype == np.int64


def test_permutations() -> None:
    for n in (0, 1, 2, 100):
        order = random.permutation(KEY, n)
        assert order.dtype == np.int64 and sorted(order.tolist()) == list(range(n))
    x = np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(random.permutation(KEY, x), x[random.permutation(KEY, 4)])
    same_bits(fnad.jit(random.permutation)(KEY, x), random.permutation(KEY, x))
    same_bits(fnad.jit(lambda key: random.permutation(key, 100))(KEY), random.permutation(KEY, 100))
    orders = [tuple(random.permutation(key, 3).tolist()) for key in random.split(KEY, 3000)]
    counts = [orders.count(order) for order in sorted(set(orders))]
    assert len(counts) == 6 and stats.chisquare(counts).pvalue > 0.01


# --- Gradients


def test_gradients_flow_to_the_parameters() -> None:
    u, z = random.uniform(KEY, 5), random.normal(KEY, 5)
    low_bar, high_bar = fnad.grad(lambda a, b: np.sum(random.uniform(KEY, 5, low=a, high=b)), (0, 1))(1.0, 3.0)
    np.testing.assert_allclose([low_bar, high_bar], [np.sum(1 - u), np.sum(u)], rtol=1e-14)
    loc, scale = np.zeros(5), np.ones(5)
    bars = fnad.grad(lambda a, b: np.sum(random.normal(KEY, 5, loc=a, scale=b)), (0, 1))(loc, scale)
    np.testing.assert_allclose(bars, [np.ones(5), z], rtol=1e-14)
    x = np.arange(6.0).reshape(3, 2)
    weights = np.array([1.0, 2.0, 3.0])[:, None]
    bar = fnad.grad(lambda x: np.sum(random.permutation(KEY, x) * weights))(x)
    np.testing.assert_array_equal(bar[random.permutation(KEY, 3)], weights * np.ones((3, 2)))


def test_a_loss_with_noise_is_differentiated() -> None:
    gradient = fnad.grad(lambda w, key: np.sum((w + random.normal(key, 3)) ** 2))
    w = np.ones(3)
    np.testing.assert_allclose(gradient(w, KEY), 2 * (w + random.normal(KEY, 3)))
    np.testing.assert_allclose(fnad.jit(gradient)(w, KEY), gradient(w, KEY), rtol=1e-14)


# --- Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.uniform(KEY, (2, -1)), TypeError, "uniform: requires a shape of integers that are not"),
        (lambda: random.normal(KEY, 2.5), TypeError, "normal: requires a shape of integers that are not"),
        (lambda: random.uniform(KEY, 3, np.int64), TypeError, "uniform: requires dtype float32 or float64, got int"),
        (lambda: random.normal(KEY, 3, np.float16), TypeError, "normal: requires dtype float32 or float64"),
        (lambda: random.uniform(KEY, 3, low=1j), TypeError, "uniform: requires low of real numbers, got c128[]"),
        (lambda: random.uniform(KEY, 3, low=np.zeros(2)), ValueError, "uniform: requires low to broadcast to"),
        (lambda: random.normal(KEY, (), scale=np.ones(2)), ValueError, "normal: requires scale to broadcast to"),
        (lambda: random.randint(KEY, 3, 0, 5, float), TypeError, "randint: requires an integer dtype, got float64"),
        (lambda: random.randint(KEY, 3, 0, 2.5), TypeError, "randint: requires high of integers, got f64"),
        (lambda: random.randint(KEY, 3, 5, 5), ValueError, "randint: requires low < high, got 5 and 5"),
        (lambda: random.randint(KEY, 3, -1, 5, np.uint8), ValueError, "randint: requires low of at least 0 for uint8"),
        (lambda: random.randint(KEY, 3, 0, 257, np.uint8), ValueError, "randint: requires high of at most 256"),
        (lambda: random.bernoulli(KEY, 1.5), ValueError, "bernoulli: requires probabilities in [0, 1], got 1.5"),
        (lambda: random.bernoulli(KEY, np.nan), ValueError, "bernoulli: requires probabilities in [0, 1], got nan"),
        (lambda: random.bernoulli(KEY, "half"), TypeError, "bernoulli: requires p of real numbers"),
        (lambda: random.categorical(KEY, 0.5), ValueError, "categorical: requires an axis of an array of shape ()"),
        (lambda: random.categorical(KEY, np.zeros((2, 0))), ValueError, "categorical: requires logits with categories"),
        (lambda: random.categorical(KEY, np.zeros((3, 2)), shape=(2,)), ValueError, "categorical: requires logits to"),
        (lambda: random.permutation(KEY, -1), ValueError, "permutation: requires a number that is not negative"),
        (lambda: random.permutation(KEY, 2.0), TypeError, "permutation: requires an integer or an array with an axis"),
    ],
)
def test_errors(call: Any, error: type, message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert __file__ in str(caught.value)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_near_the_ends_of_a_dtype_have_the_same_bits_compiled(dtype: Any) -> None:
    least, most = (int(limit) for limit in (np.iinfo(dtype).min, np.iinfo(dtype).max))
    ends = {(least, most + 1), (least, most), (least + 1, most + 1), (most - 2, most + 1), (least, least + 3)}
    draw = lambda key: [random.randint(key, (37,), low, high, dtype) for low, high in ends]  # noqa: E731
    for x, compiled, (low, high) in zip(draw(KEY), fnad.jit(draw)(KEY), ends):
        same_bits(compiled, x)
        assert low <= int(x.min()) and int(x.max()) < high
    bounds = np.array(least, dtype), np.array(most, dtype)
    by_bounds = lambda key, low, high: random.randint(key, (37,), low, high, dtype)  # noqa: E731
    same_bits(fnad.jit(by_bounds)(KEY, *bounds), by_bounds(KEY, *bounds))
