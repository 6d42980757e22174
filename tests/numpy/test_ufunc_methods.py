"""The methods and keywords of ufuncs on traced values: NumPy's own, of the same arrays, says what must come of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import jit, vmap
from fnad.arguments import make_program
from fnad.interpreter.evaluate import evaluate
from fnad.ir.types import type_of
from fnad.numpy.protocols import CALLS, has_rule
from fnad.testing import check_grads
from fnad.tracing.staging import stage

FLOATS = np.array([[0.5, 1.5, -2.0, 1.5], [3.0, 0.25, 1.0, 0.75], [1.25, 2.0, -0.5, 0.125]])
INTEGERS = np.array([[6, 4, 9, 12], [2, 10, 3, 8], [5, 7, 15, 1]])
MASK = np.array([[True, False, True, True], [False, True, True, False], [True, True, False, False]])
REDUCED = [u for u in CALLS if has_rule(u, "reduce")]
# Where NumPy 2.4 has vector code for x86-64, it joins the last element with the first alone; its `accumulate` is right.
IN_A_ROW = (np.power, np.arctan2)


def interpreted(function: Callable[..., Any], *args: Any) -> Any:
    staged = stage(function, [type_of(a) for a in args], args)
    (found,) = evaluate(staged.program, [*args, *staged.captured])
    return found


def sample(ufunc: np.ufunc) -> np.ndarray:
    """Operands that a ufunc takes, of which one makes no warning."""
    try:
        ufunc(1.0, 1.0)
        return np.abs(FLOATS) if ufunc in (np.power, np.float_power) else FLOATS
    except TypeError:
        return INTEGERS % 4 if ufunc in (np.left_shift, np.right_shift) else INTEGERS


def assert_like_numpy(call: Callable[[Any], Any], x: np.ndarray) -> None:
    """The value, shape and dtype, or the kind of error."""
    with np.errstate(all="ignore"):
        try:
            expected = call(x)
        except (TypeError, ValueError) as error:
            with pytest.raises(TypeError if isinstance(error, TypeError) else type(error)):
                interpreted(call, x)
            return
        found = interpreted(call, x)
    assert np.shape(found) == np.shape(expected) and np.asarray(found).dtype == np.asarray(expected).dtype
    is_single = np.asarray(expected).dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6 if is_single else 1e-13, atol=1e-15)


@pytest.mark.parametrize("ufunc", REDUCED, ids=lambda u: u.__name__)
@pytest.mark.parametrize("how", [
    {}, {"axis": 1, "keepdims": True}, {"axis": -1, "initial": 2}, {"axis": None}, {"axis": (0, 1), "initial": 3},
    {"where": MASK, "initial": 1}, {"where": MASK}, {"axis": 7},
], ids=["plain", "kept", "initial", "all", "both", "masked and initial", "masked", "no axis"])
def test_a_reduction_is_numpys(ufunc: np.ufunc, how: dict[str, Any]) -> None:
    if ufunc not in IN_A_ROW:
        assert_like_numpy(lambda x: ufunc.reduce(x, **how), sample(ufunc))


@pytest.mark.parametrize("ufunc", IN_A_ROW, ids=lambda u: u.__name__)
def test_a_reduction_of_elements_in_a_row_is_the_last_of_the_running_ones(ufunc: np.ufunc) -> None:
    x = sample(ufunc)
    found = interpreted(lambda x: ufunc.reduce(x, axis=1, keepdims=True), x)
    np.testing.assert_allclose(found, ufunc.accumulate(x, axis=1)[:, -1:], rtol=1e-13)
    np.testing.assert_allclose(interpreted(lambda x: ufunc.reduce(x, initial=2.0), x),
                               ufunc.accumulate(np.concatenate([np.full((1, 4), 2.0), x]))[-1], rtol=1e-13)
    shown = np.where(MASK, x, 1.0) if ufunc is np.power else None
    if shown is not None:
        np.testing.assert_allclose(interpreted(lambda x: ufunc.reduce(x, where=MASK, initial=2.0), x),
                                   ufunc.accumulate(np.concatenate([np.full((1, 4), 2.0), shown]))[-1], rtol=1e-13)


@pytest.mark.parametrize("ufunc", REDUCED, ids=lambda u: u.__name__)
def test_running_and_pieces_and_products(ufunc: np.ufunc) -> None:
    x = sample(ufunc)
    for axis in (0, 1, -1):
        assert_like_numpy(lambda x: ufunc.accumulate(x, axis=axis), x)
        if ufunc not in IN_A_ROW:
            assert_like_numpy(lambda x: ufunc.reduceat(x, [0, 2, 1], axis=axis), x)
    assert_like_numpy(lambda x: ufunc.accumulate(x[:0]), x)
    assert_like_numpy(lambda x: ufunc.reduce(x[:, :0], axis=1), x)
    assert_like_numpy(lambda x: ufunc.outer(x[0], x), x)


@pytest.mark.parametrize("ufunc", REDUCED, ids=lambda u: u.__name__)
def test_writing_at_places_that_occur_twice(ufunc: np.ufunc) -> None:
    def written(x: Any) -> Any:
        y = x + x.dtype.type(0)
        ufunc.at(y, ([0, 0, 2], [1, 1, 3]), x[1, :3])
        return y

    assert_like_numpy(written, sample(ufunc))


def test_a_ufunc_of_one_operand_writes_once_for_each_time() -> None:
    def written(x: Any) -> Any:
        y = x * 1.0
        np.negative.at(y, [0, 0, 1])
        return y

    assert_like_numpy(written, FLOATS)


@pytest.mark.parametrize("call", [
    lambda x: np.add(x, 1, where=MASK, out=np.zeros((3, 4))), lambda x: np.multiply(x, x, dtype=np.float32),
    lambda x: np.add(x, 1.0, casting="unsafe", dtype=np.int64), lambda x: np.add(x, x, signature="ff->f"),
    lambda x: np.add(x, 1.0, dtype=np.int64), lambda x: np.maximum.reduce(x, out=np.zeros(4)),
    lambda x: np.hypot.reduce(x, axis=1, dtype=np.float32), lambda x: np.subtract.outer(x[0], x[1], dtype=np.float32),
    lambda x: np.sin(x, subok=False, order="C"), lambda x: np.add.accumulate(x, 1, None, np.zeros((3, 4))),
], ids=range(10))
def test_keywords_are_numpys(call: Callable[[Any], Any]) -> None:
    assert_like_numpy(call, FLOATS)


def test_elsewhere_a_masked_result_is_zero() -> None:
    found = interpreted(lambda x: np.add(x, 1.0, where=MASK), FLOATS)
    np.testing.assert_array_equal(found, np.where(MASK, FLOATS + 1.0, 0.0))


@pytest.mark.parametrize("call", [
    lambda x: np.maximum.accumulate(x, 1), lambda x: np.logaddexp.accumulate(x), lambda x: np.hypot.reduce(x),
    lambda x: np.true_divide.accumulate(x), lambda x: np.power.reduce(np.abs(x[:, :2]) + 0.5, axis=1),
    lambda x: np.multiply.reduce(x, where=MASK, axis=None), lambda x: np.add.reduceat(x, [0, 2]),
    lambda x: np.minimum.reduce(x, axis=0, initial=x[0, 0]), lambda x: np.logaddexp2.reduce(x, axis=None),
], ids=range(9))
def test_derivatives_batches_and_compiled_code(call: Callable[[Any], Any]) -> None:
    x = np.random.default_rng(0).permutation(np.linspace(0.3, 2.5, 12)).reshape(3, 4)
    check_grads(call, (x,), order=2)
    np.testing.assert_allclose(jit(call)(x), call(x), rtol=1e-13)
    np.testing.assert_allclose(vmap(call)(np.stack([x, x[::-1]])), [call(x), call(x[::-1])], rtol=1e-13)


def test_a_running_maximum_takes_steps_that_double() -> None:
    program = make_program(np.maximum.accumulate)(np.arange(64.0))
    assert sum([e.primitive.name == "maximum" for e in program.equations]) == 6
