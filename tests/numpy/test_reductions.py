"""Reductions are NumPy's over any axes, with every keyword; the derivatives at kinks are as documented."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from fnad import grad, jacfwd, jacrev, jit
from fnad.errors import InPlaceError
from fnad.numpy import linalg
from fnad.testing.strategies import arrays, numbers, shapes
from hypothesis import given
from hypothesis import strategies as st

from tests.numpy.comparing import assert_like_numpy, run_traced

DTYPES = ("bool", "int8", "int64", "uint8", "float32", "float64", "complex128")
SHAPES = ((2, 3), (), (0,), (1,), (3, 0, 2), (2, 3, 2))

# The function, and the kinds of dtype that it is tried with.
REDUCTIONS: list[tuple[Any, str]] = [
    (np.sum, "biufc"), (np.prod, "biufc"), (np.mean, "biufc"), (np.var, "biufc"), (np.std, "biufc"), (np.max, "biufc"),
    (np.min, "biufc"), (np.any, "biufc"), (np.all, "biufc"), (np.ptp, "iufc"), (np.count_nonzero, "biufc"),
    (np.median, "biuf"), (np.nansum, "biufc"), (np.nanprod, "iuf"), (np.nanmean, "iuf"), (np.linalg.norm, "iuf"),
]


@st.composite
def axes_of(draw: Any, shape: tuple[int, ...], tuples: bool = True) -> Any:
    choices: list[Any] = [None, *range(-len(shape), len(shape))]
    if tuples:
        choices += [(0, -1)] * (len(shape) > 1) + [()]
    return draw(st.sampled_from(choices))


@pytest.mark.parametrize(("function", "kinds"), REDUCTIONS, ids=[f.__name__ for f, _ in REDUCTIONS])
@given(data=st.data())
def test_reductions_are_numpys(function: Any, kinds: str, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from([d for d in DTYPES if np.dtype(d).kind in kinds]))
    special = np.dtype(dtype).kind == "f" and data.draw(st.booleans())
    x = data.draw(arrays(shape=shapes(max_side=3), dtype=dtype, elements=numbers(dtype, special)))
    axis = data.draw(axes_of(x.shape, function is not np.linalg.norm))
    keepdims = data.draw(st.booleans())
    if function is np.median and (axis == () or x.size == 0):
        axis = None
    assert_like_numpy(lambda a: function(a, axis=axis, keepdims=keepdims), x)


@pytest.mark.parametrize("function", [np.cumsum, np.cumprod, np.argmax, np.argmin, np.sort, np.argsort])
@given(data=st.data())
def test_functions_along_one_axis_are_numpys(function: Any, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES[:-1]))
    x = data.draw(arrays(shape=shapes(max_side=3), dtype=dtype))
    axis = data.draw(axes_of(x.shape, tuples=False))
    stable = {"stable": True} if function in (np.sort, np.argsort) else {}
    assert_like_numpy(lambda a: function(a, axis=axis, **stable), x)


MASK = np.array([[True, False, True], [False, False, False]])
KEYWORDS = [
    lambda x: np.sum(x, dtype=np.float32), lambda x: np.prod(x, dtype=np.int64, axis=0),
    lambda x: np.sum(x, initial=10), lambda x: np.sum(x, where=MASK, axis=1), lambda x: np.sum(x, where=MASK[0]),
    lambda x: np.prod(x, where=MASK, initial=3), lambda x: np.mean(x, where=MASK),
    lambda x: np.mean(x, axis=1, where=MASK), lambda x: np.mean(x, dtype=np.float32),
    lambda x: np.max(x, where=MASK, initial=-1, axis=1), lambda x: np.min(x, initial=1),
    lambda x: np.max(x[:0], axis=0, initial=2), lambda x: np.max(x, where=MASK),
    lambda x: np.any(x, where=MASK, axis=0), lambda x: np.all(x, where=MASK, keepdims=True),
    lambda x: np.var(x, ddof=1), lambda x: np.std(x, ddof=1, axis=0),
    lambda x: np.std(x, correction=1, keepdims=True), lambda x: np.var(x, where=MASK, axis=0),
    lambda x: np.std(x, where=MASK[:1]), lambda x: np.var(x, mean=np.mean(x, keepdims=True)),
    lambda x: np.argmax(x, axis=1, keepdims=True), lambda x: np.argmin(x, keepdims=True),
    lambda x: np.cumsum(x, dtype=np.float64), lambda x: np.average(x),
    lambda x: np.average(x, axis=1, weights=[1, 2, 3]), lambda x: np.average(x, weights=x + 1, returned=True),
    lambda x: np.nanmax(x, axis=0), lambda x: np.nanmin(x), lambda x: np.ptp(x, axis=(0, 1)),
    lambda x: np.nansum(np.where(MASK, np.nan, x), axis=1, initial=2, where=x > 0),
    lambda x: np.nansum(x, where=x > 0), lambda x: np.nanprod(np.where(MASK, np.nan, x), initial=2, where=MASK[1:]),
    lambda x: np.nanprod(x, axis=0, where=x > 0), lambda x: np.nanmean(np.where(MASK, np.nan, x), 1, where=x < 2),
    lambda x: np.nanmean(x, where=x > 0), lambda x: np.nanmax(x / 1, axis=1, initial=2, where=x < 2),
    lambda x: np.nanmin(np.where(MASK, np.nan, x), 0, initial=1, where=x > 0), lambda x: np.nanmax(x, where=x > 0),
    lambda x: np.median(x, axis=(0, 1)), lambda x: x.sum(), lambda x: x.sum(axis=1, keepdims=True),
    lambda x: x.mean(0), lambda x: x.std(), lambda x: x.var(ddof=1), lambda x: x.max(-1), lambda x: x.min(),
    lambda x: x.prod(1), lambda x: x.any(0), lambda x: x.all(), lambda x: x.argmax(), lambda x: x.argmin(1),
    lambda x: x.cumsum(), lambda x: x.cumprod(1),
]


@pytest.mark.parametrize("f", KEYWORDS)
@pytest.mark.parametrize("dtype", ["int32", "float32", "float64"])
def test_keywords_and_methods(f: Any, dtype: str) -> None:
    assert_like_numpy(f, np.array([[3, 1, 2], [0, -2, 2]]).astype(dtype))


NORMS = [
    (None, None), (2, 0), (1, 1), (np.inf, 1), (-np.inf, 0), (0, 1), (3, 1), (-2, 1), ("fro", None), (1, None),
    (-1, (1, 0)), (np.inf, None), (-np.inf, (0, 1)), (None, (0, 1)), ("x", 0), (5, (0, 1)), (1, (0, 0)), (2, 5),
]


@pytest.mark.parametrize(("ord", "axis"), NORMS)
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("dtype", ["int64", "float32", "complex128"])
def test_norms_are_numpys(ord: Any, axis: Any, keepdims: bool, dtype: str) -> None:
    x = np.array([[3, 1, 2], [1, -2, 2]]).astype(dtype)
    assert_like_numpy(lambda a: np.linalg.norm(a, ord, axis, keepdims), x * (1 + 1j) if dtype == "complex128" else x)


def test_norms_of_one_kind() -> None:
    assert_like_numpy(lambda x: np.linalg.vector_norm(x, ord=3), np.arange(6.0).reshape(2, 3))
    assert_like_numpy(lambda x: np.linalg.matrix_norm(x, ord=1), np.arange(12.0).reshape(2, 2, 3))
    assert float(linalg.norm(np.array([3.0, 4.0]))) == 5.0


def p_norm_slopes(x: Any, p: float) -> tuple[Any, Any]:
    """The first and second derivatives of a p-norm, in long double; 0 in elements that are 0."""
    x = x.astype(np.longdouble)
    size = np.abs(x)[x != 0]
    if size.size < x.size and p < 0 or not size.size:
        return np.zeros(x.size), np.zeros((x.size, x.size))
    total = np.sum(size**p) ** (1 / np.longdouble(p))
    share = np.abs(x) / total
    steep, bend = [np.where(x == 0, 0, np.where(x == 0, 1, share) ** k) for k in (p - 1, p - 2)]
    first = np.sign(x) * steep
    return first, (p - 1) / total * (np.diag(bend) - np.outer(first, first))


@pytest.mark.parametrize("p", [3, 4, 10, -1, -2, 1.5, 0.5])
@pytest.mark.parametrize("x", [[3, -4, 1], [0, -4, 1], [0, 0, 0], [2, 2, -2], [-7]], ids=str)
def test_derivatives_of_a_p_norm_whose_powers_are_no_floats(x: Any, p: float) -> None:
    """At each scale all modes agree to second order, also where powers overflow or vanish; the value is NumPy's."""
    f = lambda x: np.linalg.norm(x, p)  # noqa: E731
    compiled, slopes, bends = jit(f), jit(grad(f)), [a(b(f)) for a in (jacrev, jacfwd) for b in (grad, jacfwd)]
    for scale in (1.0, 2.0**660, 2.0**-660, 2.0**-1000, 2.0**1020):
        at = np.array(x) * scale
        first, second = p_norm_slopes(at, p)
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(compiled(at), np.linalg.norm(at, p), rtol=1e-14)
            for got in (grad(f)(at), jacfwd(f)(at), slopes(at)):
                np.testing.assert_allclose(got, first.astype(float), rtol=1e-14)
            for bend in bends:
                np.testing.assert_allclose(bend(at) * scale, (second * scale).astype(float), rtol=1e-13, atol=1e-14)
    for scale in (2.0**-1060, 2.0**-1074):
        at = np.array(x) * scale
        for got in (grad(f)(at), jacfwd(f)(at), slopes(at)):
            np.testing.assert_allclose(got, p_norm_slopes(at, p)[0].astype(float), rtol=1e-14)


@pytest.mark.parametrize("p", [0.5, 1.5])
def test_slopes_of_a_p_norm_in_elements_that_are_far_apart(p: float) -> None:
    x = np.array([3e200, -4.0, 1e-200])
    slopes = np.sign(x) * np.array([1, (4 / 3e200) ** (p - 1), 1e-200 ** (p - 1) / 3e200 ** (p - 1)])
    for transform in (grad, jacfwd):
        np.testing.assert_allclose(transform(lambda x: np.linalg.norm(x, p))(x), slopes, rtol=1e-14)


def test_slopes_of_a_p_norm_of_nothing_and_of_rows() -> None:
    f = lambda x: np.sum(np.linalg.norm(x, 3, axis=1))  # noqa: E731
    assert grad(f)(np.zeros((2, 0))).shape == (2, 0) and grad(f)(np.zeros((0, 2))).shape == (0, 2)
    rows = np.array([[3e200, 0], [3e-200, -3e-200], [0, 0]])
    np.testing.assert_allclose(jit(grad(f))(rows), [[1, 0], [4 ** (-1 / 3), -(4 ** (-1 / 3))], [0, 0]], rtol=1e-14)


ERRORS = [
    lambda x: np.sum(x, axis=2), lambda x: np.sum(x, axis=(0, 0)), lambda x: np.max(x[:, :0], axis=1),
    lambda x: np.cumsum(x, axis=3), lambda x: np.argmax(x[:0], axis=0), lambda x: np.max(x, where=MASK),
    lambda x: np.mean(x, axis=-3), lambda x: np.max(x[:0]),
]


@pytest.mark.parametrize("f", ERRORS)
def test_errors_have_numpys_type_and_text(f: Any) -> None:
    assert_like_numpy(f, np.ones((2, 3)), message=True)


@pytest.mark.parametrize("f", [np.sum, np.max, np.mean, np.std, np.cumsum, np.argmax, np.any, np.median])
def test_out_is_refused(f: Any) -> None:
    with pytest.raises(InPlaceError, match="out="):
        run_traced(lambda x: f(x, out=np.zeros(())), np.ones(3))


KINKS = [
    (np.max, [1, 1, 0], [0.5, 0.5, 0]), (np.min, [1, 1, 2], [0.5, 0.5, 0]), (np.std, [2, 2, 2], [0, 0, 0]),
    (np.var, [2, 2], [0, 0]), (np.linalg.norm, [0, 0], [0, 0]), (lambda x: np.linalg.norm(x, 3), [0, 0], [0, 0]),
    (lambda x: np.linalg.norm(x, 1), [0, -1], [0, -1]), (np.prod, [0, 2, 3], [6, 0, 0]),
    (np.prod, [0, 0, 3], [0, 0, 0]), (lambda x: np.sum(np.cumprod(x)), [0, 2, 3], [9, 0, 0]),
    (np.median, [1, 4, 2, 3], [0, 0, 0.5, 0.5]), (np.median, [1, 3, 2], [0, 0, 1]),
    (lambda x: np.max(x, where=[True, False], initial=1), [3, 9], [1, 0]),
    (lambda x: np.sum(np.sort(x) * [1, 2, 3]), [5, 5, 1], [2, 3, 1]),
    (lambda x: np.mean(x, where=[True, False]), [3, 9], [1, 0]), (lambda x: np.nansum(x), [np.nan, 1], [0, 1]),
    (lambda x: np.ptp(x), [1, 2, 4], [-1, 0, 1]),
]


@pytest.mark.parametrize(("f", "x", "expected"), KINKS)
def test_derivatives_at_kinks(f: Any, x: Any, expected: Any) -> None:
    np.testing.assert_allclose(grad(f)(np.array(x, float)), expected)


@pytest.mark.parametrize("run", [lambda f: lambda x: run_traced(f, x), jit], ids=["interpreted", "compiled"])
def test_extremes_of_complex_numbers_go_by_real_parts_first(run: Any) -> None:
    z = np.array([[1 + 2j, 1 - 1j, 3], [-np.inf + 1j, complex(np.nan, 2), 0]])
    every = lambda z: [  # noqa: E731
        np.max(z, axis=1), np.min(z, axis=0), np.ptp(z[0]), np.nanmax(z, axis=1), np.max(z, where=z == 1, initial=2j),
    ]
    for got, expected in zip(run(every)(z), every(z)):
        np.testing.assert_array_equal(got, expected)
    f = lambda z: abs(np.max(z) * np.min(z) + np.max(z) ** 2)  # noqa: E731
    np.testing.assert_array_equal(run(grad(f))(np.array([1 + 2j, 3, 2, -1])), [0, 5, 0, 3])


@pytest.mark.parametrize("dtype", ["float64", "int8", "bool"])
def test_the_mean_of_truth_values_as_truth_values(dtype: str) -> None:
    x = np.array([[0, 1, 2], [0, 0, 0]]).astype(dtype)
    mask = np.array([True, False, True])
    for f in (lambda x: np.mean(x, axis=1, dtype=bool), lambda x: np.mean(x, axis=0, dtype=bool, where=mask[:2, None])):
        assert_like_numpy(f, x)
        np.testing.assert_array_equal(jit(f)(x), f(x))
        assert jit(f)(x).dtype == bool
