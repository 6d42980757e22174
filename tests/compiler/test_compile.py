"""Random Programs give compiled what they give interpreted, whatever is fused, reused or donated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fnad
from fnad.compiler.compile import compile_program
from fnad.compiler.report import describe
from fnad.interpreter.evaluate import evaluate
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program, Var
from fnad.ir.types import ArrayType
from fnad.ops.arrays import array_equation
from fnad.ops.elementwise import add, mul, nextafter, sub
from fnad.ops.indexing import scatter
from fnad.ops.reductions import cumsum, reduce_max
from fnad.ops.shaping import broadcast, reduce_sum, slice_

from tests.compiler.random_programs import SHAPE, functions, numbers


@st.composite
def programs(draw: Any) -> Program:
    """A Program of a few random operations on two arguments, with some of its values as results."""
    function = draw(functions(results=draw(st.integers(1, 3))))
    return fnad.make_program(lambda x, y: function([x, y]))(np.ones(SHAPE), np.ones(SHAPE))


@settings(max_examples=60)
@given(programs(), st.sets(st.integers(0, 1)), st.integers(0, 2**32 - 1))
def test_compiled_is_interpreted(program: Program, donated: set[int], seed: int) -> None:
    inputs = list(numbers(seed, 2, *SHAPE))
    kept = [x.copy() for x in inputs]
    expected = evaluate(program, inputs)
    compiled = compile_program(program, donated)
    results = compiled([x.copy() for x in inputs] if donated else inputs)
    for got, want in zip(results, expected, strict=True):
        np.testing.assert_array_equal(got, want)
        assert got.dtype == want.dtype and not any(np.shares_memory(got, x) for x in inputs)
    assert len({id(r) for r in results}) == len(results)
    for x, original in zip(inputs, kept):
        np.testing.assert_array_equal(x, original)


def compiled_of(function: Callable[..., Any], *args: np.ndarray) -> Any:
    return compile_program(fnad.make_program(function)(*args))


def test_a_new_size_compiles_nothing() -> None:
    def function(x: Any) -> Any:
        return mul(sub(x, broadcast(reduce_max(x, axes=(1,)), shape=x.shape, dims=(0,))), 3.0)

    compiled_of(function, np.ones((4, 5), np.float32))
    again = compiled_of(function, np.ones((7, 9), np.float32))
    assert again.kernels.compiled == 0 and again.kernels.memory_hits == len(again.plan.instructions)


@pytest.mark.parametrize("size", [1, 4095, 4097, 100_000, 1_000_000])
def test_long_sums_keep_their_digits(size: int) -> None:
    x = np.random.default_rng(0).uniform(0, 1, size).astype(np.float32)
    (total,) = compiled_of(lambda x: reduce_sum(x, axes=(0,)), x)([x])
    # A block of 4096 is summed by as many partial sums as the processor has lanes: its last two bits depend on that.
    np.testing.assert_allclose(total, x.astype(float).sum(), rtol=2**-22)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (1, 1), (1, 5), (5, 1), ()])
def test_reductions_of_few_elements(shape: tuple[int, ...]) -> None:
    x = np.full(shape, 2.0)
    axes = [tuple(range(len(shape))), *[(a,) for a in range(len(shape))]]
    compiled = compiled_of(lambda x: [reduce_sum(mul(x, x), axes=a) for a in axes], x)
    for got, a in zip(compiled([x]), axes):
        np.testing.assert_array_equal(got, np.sum(x * x, axis=a))


def test_report_names_kernels_buffers_and_host_steps() -> None:
    compiled = compiled_of(lambda x: cumsum(nextafter(x, 2.0), axis=0), np.ones(3))
    text = describe(compiled)
    assert "host step nextafter" in text and "buffers:" in text and "1 of them host steps" in text


def test_an_update_is_not_written_over_an_operand_that_it_still_reads() -> None:
    def swapped(x: Any) -> Any:
        y = mul(x, 2.0)
        return scatter(y, slice_(y, starts=(0,), stops=(2,), steps=(1,)), np.array([1, 0]), mode="set")

    x = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(compiled_of(swapped, x)([x, np.array([1, 0])])[0], [4.0, 2.0, 6.0])


def test_arrays_that_a_rule_makes_belong_to_the_plan() -> None:
    x, scale = np.ones(3), np.array([1.0, 2.0, 3.0])
    scaled = Primitive("test_scaled", lambda x: x, lambda x: x * scale, expand=lambda x: mul(x, scale))
    doubled = Primitive("test_doubled", lambda x: x, lambda x: x * 2.0, expand=lambda x: mul(x, np.full(3, 2.0)))
    compiled = compiled_of(lambda x: [add(scaled(x), 1.0), scaled(mul(x, 2.0))], x)
    for got, want in zip(compiled([x]), [scale + 1, 2 * scale]):
        np.testing.assert_array_equal(got, want)
    assert [b.kind for b in compiled.plan.buffers].count("constant") == 1
    made = Var(ArrayType((3,), scale.dtype))
    (own,) = compile_program(Program((), (array_equation(made, scale),), (made,)))([])
    np.testing.assert_array_equal(own, scale)
    assert "array" not in str(compiled_of(doubled, x).program)


@pytest.mark.parametrize("dtype", ["float16", "longdouble", "clongdouble"])
def test_copies_keep_every_bit(dtype: str) -> None:
    """Also of constants, whose bits are part of the kernel, and of what no kernel computes with."""
    info = np.finfo(dtype)
    x = np.array([info.max, -info.tiny, info.smallest_subnormal, np.inf, np.nan, 1 / 3], dtype)
    most = np.asarray(info.max, dtype)[()]

    def function(x: Any) -> Any:
        y = np.concatenate([x[::-1], np.full_like(x, most)])
        y[1:3] = x[:2]
        return [np.pad(y, 2), y[np.array([0, -1])], np.full((2, 3), most), np.stack([x, x]).T]

    for got, wanted in zip(fnad.jit(function)(x), function(x)):
        assert got.dtype == wanted.dtype
        np.testing.assert_array_equal(got, wanted)
