"""Whole functions on a device: random ones, all ways of loops, control flow, steps of the host, failures."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceArray, cond, scan, switch, vmap, while_loop
from fnad.compiler.cuda import divide, loops, target
from fnad.runtime import views
from fnad.runtime.cuda import devices
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compiler.random_programs import SHAPE, functions, numbers
from tests.cuda.devices_in_use import assert_as_on_cpu, on_device
from tests.cuda.requirements import needs_cuda_compiler
from tests.properties.running import interpreted
from tests.ptxsim import PtxError
from tests.ptxsim.runtime import PtxRuntime

pytestmark = needs_cuda_compiler
few = settings(max_examples=12)


def normal(*shape: int, dtype: Any = np.float32) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


# --- Random functions


@few
@given(function=functions(2), order=st.sampled_from(["rev", "rand"]), donated=st.sampled_from([(), (0,), (0, 1)]))
def test_random_functions_give_the_bits_of_the_interpreter(function: Any, order: str, donated: Any) -> None:
    arrays = numbers(0, *SHAPE), numbers(1, *SHAPE)
    expected = interpreted(lambda *xs: function(xs))(*arrays)
    with devices.use(PtxRuntime(order=order)):
        given = fnad.device_put(arrays, "cuda")
        got = fnad.jit(lambda *xs: function(xs), device="cuda", donate_argnums=donated)(*given)
        for g, e in zip(got, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(g), e)


@contextmanager
def small_limits() -> Iterator[None]:
    """Rows go together, sums are divided and loops take vectors already where arrays are tiny."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(target, "CUDA", replace(target.CUDA, rows=replace(target.CUDA.rows, widest=1)))
        patch.setattr(divide, "WIDE", 8)
        patch.setattr(divide, "EACH", 1)
        patch.setattr(loops, "LONG", 4)
        yield


@settings(max_examples=25)
@given(function=functions(3), order=st.sampled_from(["rev", "rand"]), donated=st.sampled_from([(), (0,), (0, 1)]))
def test_random_functions_whose_loops_are_rearranged(function: Any, order: str, donated: Any) -> None:
    arrays = numbers(0, *SHAPE), numbers(1, *SHAPE)
    expected = interpreted(lambda *xs: function(xs))(*arrays)
    with devices.use(PtxRuntime(order=order)), small_limits():
        given = fnad.device_put(arrays, "cuda")
        got = fnad.jit(lambda *xs: function(xs), device="cuda", donate_argnums=donated)(*given)
        for g, e in zip(got, expected, strict=True):
            np.testing.assert_array_equal(np.asarray(g), e)


@few
@given(function=functions(2), length=st.integers(0, 3), reverse=st.booleans())
def test_random_functions_as_bodies_of_loops(function: Any, length: int, reverse: bool) -> None:
    def loop(first: Any, others: Any) -> Any:
        return scan(lambda carry, x: (function([carry, x])[0], function([x, carry])[1]), first, others, reverse=reverse)

    with np.errstate(all="ignore"):
        assert_as_on_cpu(loop, numbers(0, *SHAPE), numbers(1, length, *SHAPE), order="rand")


# --- Arguments

LAYOUTS: dict[str, Callable[[], np.ndarray]] = {
    "rows": lambda: normal(6, 10), "columns": lambda: np.asfortranarray(normal(6, 10)),
    "reversed": lambda: normal(6, 10)[::-1, ::-1], "steps": lambda: normal(12, 30)[::2, ::3],
    "broadcast": lambda: np.broadcast_to(normal(10), (6, 10)), "unaligned": lambda: normal(61)[1:].reshape(6, 10),
    "bytes apart": lambda: np.frombuffer(b"0" + normal(60).tobytes(), np.uint8)[1:].view(np.float32).reshape(6, 10),
    "other byte order": lambda: normal(6, 10).astype(">f4"), "no axes": lambda: normal()[...],
    "nothing": lambda: normal(0, 10), "no rows": lambda: normal(6, 0),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arguments_lie_as_they_may(layout: str) -> None:
    x = LAYOUTS[layout]()
    x = x if x.base is None else x.view()
    x.flags.writeable = False
    assert_as_on_cpu(lambda x: (x * 2 + 1, x.T, x.sum(), np.exp(x).astype("f8")), x, rtol=1e-6)


# --- Reductions

SHAPES = [(3,), (33,), (257,), (5, 31), (70, 33), (2, 3, 65), (65, 2, 3), (3, 5, 1, 2), (0, 3), (3, 0)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sums_over_any_axes(shape: tuple[int, ...]) -> None:
    patterns = [a for n in range(1, len(shape) + 1) for a in itertools.combinations(range(len(shape)), n)]
    x = numbers(0, *shape)
    for axes in patterns:
        assert_as_on_cpu(lambda x: (np.sum(x, axes), np.sum(x + 1, axes, keepdims=True)), x, order="rand")


@pytest.mark.parametrize("donated", [(), (0,)])
def test_sums_of_different_axes_in_one_loop(donated: tuple[int, ...]) -> None:
    function = lambda x: (x.sum(0), x.max((0, 2)), x.min(1), x.sum(), -x)  # noqa: E731
    assert_as_on_cpu(function, numbers(0, 7, 5, 40), donate_argnums=donated)


@pytest.mark.parametrize("shape", [(3, 40_000), (40_000, 3), (70_000,), (2, 300, 150)], ids=str)
def test_long_sums_are_made_in_parts(shape: tuple[int, ...]) -> None:
    runtime = assert_as_on_cpu(lambda x: [np.sum(x, a) for a in range(x.ndim)], numbers(0, *shape), order="rand")
    assert runtime.launches > len(shape)


def test_long_sums_of_float32_have_the_error_of_short_ones() -> None:
    x = np.full(300_000, 0.1, np.float32)
    (got,), _ = on_device(np.sum, x)
    assert abs(got / (np.float32(0.1).astype(float) * x.size) - 1) < 1e-6


# --- Row by row


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def logsumexp(x: Any) -> Any:
    largest = x.max(-1, keepdims=True)
    return np.log(np.exp(x - largest).sum(-1)) + largest[..., 0]


def layer_norm(x: Any) -> Any:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5) * 1.5 + 0.5


BY_ROWS = [softmax, logsumexp, layer_norm, fnad.grad(lambda x: (softmax(x) ** 2).sum())]


@pytest.mark.parametrize("function", BY_ROWS, ids=["softmax", "logsumexp", "layer_norm", "pullback"])
@pytest.mark.parametrize("shape", [(2, 33), (17, 70), (3, 1000)], ids=str)
def test_functions_of_rows_are_one_launch(function: Any, shape: tuple[int, ...]) -> None:
    for donated in [(), (0,)]:
        assert assert_as_on_cpu(function, normal(*shape), rtol=2e-5, donate_argnums=donated).launches == 1


@pytest.mark.parametrize("shape", [(1, 5), (300, 3), (2, 3, 1), (5,), (1, 2100)], ids=str)
def test_functions_of_rows_that_are_few_or_short(shape: tuple[int, ...]) -> None:
    for function in BY_ROWS:
        assert_as_on_cpu(function, normal(*shape), rtol=2e-5, order="rand")


@pytest.mark.parametrize("function", BY_ROWS[:3], ids=["softmax", "logsumexp", "layer_norm"])
@pytest.mark.parametrize("shape", [(2, 3, 40), (2, 1, 3, 65), (7, 10)], ids=str)
def test_rows_of_many_axes(function: Any, shape: tuple[int, ...]) -> None:
    assert assert_as_on_cpu(function, normal(*shape), rtol=2e-5).launches == 1


def test_rows_of_an_array_that_is_not_kept_by_rows() -> None:
    for function in BY_ROWS[:3]:
        assert_as_on_cpu(lambda x: function(x.transpose(1, 0, 2)), normal(3, 4, 40), rtol=2e-5)  # noqa: B023


def test_columns_are_no_rows() -> None:
    runtime = assert_as_on_cpu(lambda x: np.exp(x - x.max(0)) / np.exp(x - x.max(0)).sum(0), normal(7, 40), rtol=1e-5)
    assert runtime.launches > 1


def shifted(x: Any) -> Any:
    y = np.exp(x - x.max(1, keepdims=True))
    return y[::-1] / y.sum(1, keepdims=True), y


def test_rows_that_another_row_reads_are_not_put_together() -> None:
    assert assert_as_on_cpu(shifted, normal(33, 40), rtol=1e-5, order="rand").launches > 1


def test_rows_that_are_put_together_wrongly_are_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "is_by_rows", lambda view, nbytes: True)
    with pytest.raises((PtxError, AssertionError)):
        assert_as_on_cpu(shifted, normal(33, 40), rtol=1e-5, order="rand")


# --- Long flat loops


@pytest.mark.parametrize("n", [4096, 4099, 8190])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_long_loops(n: int, dtype: Any) -> None:
    x = numbers(0, n).astype(dtype)
    assert_as_on_cpu(lambda x: x * 2 + 1, x, donate_argnums=(0,))
    assert_as_on_cpu(lambda x: (x[1:] * x[:-1], x[::-1] + x, x + x[0]), x)


def test_index_spaces_of_many_axes() -> None:
    assert_as_on_cpu(lambda x: x.transpose(3, 1, 0, 2) * 2 + x.transpose(3, 1, 0, 2)[::-1], numbers(0, 5, 6, 7, 30))


# --- Control flow


def test_scans_of_carries_that_change_places() -> None:
    def swaps(a: Any, b: Any, xs: Any) -> Any:
        return scan(lambda s, x: ((s[1], s[0] + x, s[2] * 2), s[0] - s[1]), (a, b, a), xs, reverse=True)

    runtime = assert_as_on_cpu(swaps, numbers(0, 5), numbers(1, 5), numbers(2, 4, 5))
    results = 3 * 40 + 4 * 40
    assert runtime.downloaded == results


def test_a_while_loop_brings_one_byte_a_step_to_the_host() -> None:
    def doubled(x: Any) -> Any:
        return while_loop(lambda s: s[0] < 5, lambda s: (s[0] + 1, s[1] * 2, s[1]), (np.int64(0), x, x))[1:]

    runtime = assert_as_on_cpu(doubled, numbers(0, 100))
    assert runtime.downloaded == 6 + 2 * 800


def test_loops_in_loops() -> None:
    def nested(x: Any, xs: Any) -> Any:
        def outer(s: Any, x: Any) -> Any:
            total = while_loop(lambda t: t[0] < x[0], lambda t: (t[0] + 1, t[1] + s), (0.0, x))[1]
            return cond(total.sum() > 3, lambda t: t - x, lambda t: t * x, total), scan(
                lambda c, _: (c + x, c), total, None, 2
            )[1]

        return scan(outer, x, xs)

    assert_as_on_cpu(nested, numbers(0, 3), abs(numbers(1, 4, 3)))


def test_branches() -> None:
    def choose(i: Any, x: Any) -> Any:
        return switch(i, [lambda x: x, lambda x: x * 2, lambda x: x.sum() + 0 * x], x)

    for i in (-1, 0, 1, 2, 3):
        assert_as_on_cpu(choose, np.int64(i), numbers(0, 5))
    assert_as_on_cpu(vmap(choose), np.array([2, 0, 1]), numbers(0, 3, 5))


def test_a_while_loop_for_each_of_many() -> None:
    count = lambda n, x: while_loop(lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] + x), (np.int64(0), x))  # noqa: E731
    assert_as_on_cpu(vmap(count), np.array([0, 3, 1]), numbers(0, 3, 4))


def test_derivatives_of_loops() -> None:
    def roll(x: Any, xs: Any) -> Any:
        return scan(lambda c, x: (np.tanh(c * x), c.sum()), x, xs)[1].sum()

    assert_as_on_cpu(fnad.grad(roll, argnums=(0, 1)), normal(4), normal(5, 4), rtol=1e-5)


# --- The host's part


def test_a_step_of_the_host_in_the_middle() -> None:
    assert_as_on_cpu(lambda x: np.sort(x * 2, axis=0)[::-1] + np.argsort(x, axis=1), normal(6, 5), donate_argnums=(0,))


def test_printing_from_the_device(capsys: pytest.CaptureFixture[str]) -> None:
    def printing(x: Any) -> Any:
        fnad.debug.print("sum {}", x.sum())
        return scan(lambda c, x: (c + x, fnad.debug.print("carry {}", c)), 0.0, x)[0]

    on_device(printing, np.arange(3.0))
    assert capsys.readouterr().out.splitlines() == ["sum 3.0", "carry 0.0", "carry 0.0", "carry 1.0"]


def test_nans_are_found_on_the_device() -> None:
    with devices.use(PtxRuntime()):
        checked = fnad.debug.check_nans(fnad.jit(lambda x: np.log(x) * 2, device="cuda"))
        assert np.asarray(checked(np.ones(3))).tolist() == [0, 0, 0]
        with pytest.raises(FloatingPointError, match="log"):
            np.asarray(checked(np.array([1.0, -1.0])))


def test_random_numbers_are_those_of_the_cpu() -> None:
    def drawn(key: Any) -> Any:
        one, two = fnad.random.split(key)
        return (
            fnad.random.uniform(one, (7,)), fnad.random.normal(two, (3, 5), np.float32),
            fnad.random.permutation(one, 9), fnad.random.randint(two, (4,), 0, 10),
        )

    assert_as_on_cpu(drawn, fnad.random.key(3))


# --- What decides what is compiled


def test_questions_about_values() -> None:
    def doubled_until_large(x: Any, flip: bool) -> Any:
        while x.sum() < 20:
            x = x * 2
        return -x if flip else x

    with devices.use(PtxRuntime()):
        run = fnad.jit(doubled_until_large, device="cuda", static_argnums=(1,))
        for x, flip in [(1.0, False), (3.0, True), (30.0, False), (1.5, False)]:
            got = run(fnad.device_put(np.full(3, x), "cuda"), flip)
            assert type(got) is DeviceArray
            np.testing.assert_array_equal(np.asarray(got), doubled_until_large(np.full(3, x), flip))


def test_what_a_function_closes_over_is_read_anew() -> None:
    scale = np.ones(3)

    def scaled(x: Any) -> Any:
        return x * scale

    with devices.use(PtxRuntime()):
        run = fnad.jit(scaled, device="cuda")
        assert np.asarray(run(np.ones(3))).tolist() == [1, 1, 1]
        scale = fnad.device_put(np.full(3, 4.0), "cuda")
        assert np.asarray(run(np.ones(3))).tolist() == [4, 4, 4]
        scale = np.full(3, 5.0)
        assert np.asarray(run(np.ones(3))).tolist() == [5, 5, 5]


# --- Failures


def picked(x: Any, i: Any) -> Any:
    return x[i] * 2


def total_of(x: Any, n: Any) -> Any:
    go_on, step = lambda s: s[0] < n, lambda s: (s[0] + 1, s[1] + picked(x, s[0]))
    return while_loop(go_on, step, (np.int64(0), np.float64(0)))[1]


@pytest.mark.parametrize("function", [picked, total_of])
def test_an_index_out_of_bounds_is_told_when_the_result_is_read(function: Any) -> None:
    line = picked.__code__.co_firstlineno + 1
    with devices.use(PtxRuntime()):
        run, x = fnad.jit(function, device="cuda"), np.ones(4)
        np.asarray(run(x, np.int64(3)))
        with pytest.raises(IndexError, match="out of bounds for axis 0 with size 4") as raised:
            np.asarray(run(x, np.int64(9)))
        assert f'"{__file__}", line {line}' in str(raised.value)
        assert float(run(x, np.int64(2))) in (2.0, 4.0)
