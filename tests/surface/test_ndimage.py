"""The functions of `scipy.ndimage` on traced values, by the names that fnad has for them."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.scipy.ndimage as ndimage
import numpy as np
import pytest

from tests.numpy.comparing import run_traced
from tests.surface.laws import LAWS, Row
from tests.surface.test_fft import row
from tests.surface.test_signal import assert_scipys

RNG = np.random.default_rng(0)
IMAGE, LINE = RNG.standard_normal((4, 5)), RNG.standard_normal(6)
WEIGHTS = RNG.standard_normal((3, 2))
CUBE = RNG.standard_normal((3, 2, 4))
PLACES = RNG.uniform(0.1, 0.9, (2, 4)) + np.array([[0.0, 1, 2, 1], [1.0, 3, 0, 2]])
MODES = ["reflect", "grid-mirror", "mirror", "nearest", "wrap", "grid-wrap", "constant", "grid-constant"]


ROWS = [
    row("correlate1d", lambda x, w: ndimage.correlate1d(x, w, 0, mode="mirror"), IMAGE, WEIGHTS[0]),
    row("convolve", ndimage.convolve, IMAGE, WEIGHTS),
    row("gaussian_filter", lambda x, s: ndimage.gaussian_filter(x, s, order=(0, 2), radius=2), IMAGE, 0.9),
    row("gaussian_laplace", lambda x, s: ndimage.gaussian_laplace(x, s, radius=1), IMAGE, 0.9),
    row("gaussian_gradient_magnitude", lambda x: ndimage.gaussian_gradient_magnitude(x, 0.5), IMAGE),
    row("rotate", lambda x, a: ndimage.rotate(x, a, reshape=False, order=2, mode="mirror"), IMAGE, 20.0),
    row("sobel", ndimage.sobel, IMAGE), row("laplace", lambda x: ndimage.laplace(x, mode="wrap"), IMAGE),
    row("map_coordinates", lambda x, c: ndimage.map_coordinates(x, c, mode="mirror"), IMAGE[:3], PLACES[:, :2]),
    row("map_coordinates/linear", lambda x, c: ndimage.map_coordinates(x, c, order=1), IMAGE, PLACES),
    row("affine_transform", lambda x, m: ndimage.affine_transform(x, m, 0.3, order=2), LINE, np.array([0.61])),
    row("shift", lambda x, s: ndimage.shift(x, s, order=2, mode="grid-wrap"), LINE, 0.3),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_laws(row: Row, law: Any) -> None:
    law(row)


# --- Filters


@pytest.mark.parametrize("mode", [*MODES, "other"])
def test_modes_of_filters_are_scipys(mode: str) -> None:
    for n in (1, 2, 6):
        for size, origin in ((1, 0), (2, 0), (2, -1), (3, 1), (5, 0), (7, -2)):
            for function in (ndimage.correlate1d, ndimage.convolve1d):
                call = lambda x: function(x, np.arange(1.0, size + 1), 0, None, mode, 2.0, origin)  # noqa: E731, B023
                assert_scipys(call, LINE[:n])
    for function in (ndimage.correlate, ndimage.convolve):
        for origin in (0, (1, -1), (1, 0)):
            assert_scipys(lambda x: function(x, WEIGHTS, None, mode, 2.0, origin), IMAGE)  # noqa: B023
    assert_scipys(lambda x: ndimage.uniform_filter(x, (3, 2), mode=mode), IMAGE)
    assert_scipys(lambda x: ndimage.prewitt(x, 0, mode=mode), IMAGE)


DTYPES = ["uint8", "int64", "float32", "complex64", "complex128"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_of_filters_are_scipys(dtype: str) -> None:
    x = np.arange(20).reshape(4, 5).astype(dtype) ** 2
    for call in (
        lambda x: ndimage.correlate(x, WEIGHTS[:2] * 0.1 + 1), lambda x: ndimage.convolve1d(x, [1, 2 - 1j], 0),
        lambda x: ndimage.gaussian_filter(x, (1.0, 0.0)), lambda x: ndimage.uniform_filter(x, 2, output=np.float64),
        lambda x: ndimage.correlate(x, WEIGHTS[0], axes=(0,)), lambda x: ndimage.laplace(x, axes=1),
        lambda x: ndimage.gaussian_laplace(x, 0.5, mode=["wrap", "mirror"]),
        lambda x: ndimage.gaussian_laplace(x, 0.5, axes=(0,)),
        lambda x: ndimage.gaussian_filter1d(x, 0.5, 0, 1), lambda x: ndimage.gaussian_filter(x, [0.0, 0.0]),
    ):
        assert_scipys(call, x, rtol=1e-5 if x.dtype.itemsize == 4 or dtype == "complex64" else 1e-12)


def test_the_magnitude_of_a_gradient_is_smooth_enough() -> None:
    call = lambda x: ndimage.gaussian_gradient_magnitude(x, (0.6, 0.5), mode="wrap")  # noqa: E731
    assert_scipys(call, IMAGE)
    assert_scipys(lambda x: ndimage.gaussian_gradient_magnitude(x, 0.5, axes=(1,)), IMAGE)
    np.testing.assert_array_equal(fnad.grad(lambda x: call(x).sum())(np.ones((3, 3))), np.zeros((3, 3)))


def test_mistakes_with_filters_are_scipys_errors() -> None:
    for call in (
        lambda x: ndimage.correlate1d(x, WEIGHTS), lambda x: ndimage.correlate1d(x, [1.0], origin=1),
        lambda x: ndimage.correlate(x, WEIGHTS[0]), lambda x: ndimage.correlate(x, WEIGHTS, mode=["wrap", "wrap"]),
        lambda x: ndimage.uniform_filter1d(x, 0), lambda x: ndimage.uniform_filter1d(x, 2, origin=2),
        lambda x: ndimage.gaussian_filter(x, (1, 2, 3)), lambda x: ndimage.gaussian_filter1d(x, 1.0, radius=-1),
        lambda x: ndimage.gaussian_filter1d(x, 1.0, order=-1), lambda x: ndimage.correlate(x, WEIGHTS, origin=2),
    ):
        assert_scipys(call, IMAGE)
    with pytest.raises(fnad.InPlaceError):
        run_traced(lambda x: ndimage.sobel(x, output=np.zeros((4, 5))), IMAGE)


# --- Interpolation

FAR = np.array([-9.3, -5.0, -4.2, -1.0, -0.7, -0.5, -0.2, 0.0, 0.3, 2.5, 3.0, 3.2, 3.5, 3.9, 4.0, 4.4, 6.0, 8.1, 13.7])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", range(6))
def test_coordinates_anywhere_are_scipys(order: int, mode: str) -> None:
    places = np.stack([FAR, FAR[::-1]])
    for prefilter in (True, False):
        call = lambda x, c: ndimage.map_coordinates(x, c, None, order, mode, 2.0, prefilter)  # noqa: E731, B023
        assert_scipys(call, IMAGE, places, rtol=1e-9)
        assert_scipys(call, LINE[:4], FAR[None] + 0.01, rtol=1e-9)
    assert_scipys(lambda x, c: ndimage.map_coordinates(x, c, order=order, mode=mode), LINE[:1], FAR[None], rtol=1e-9)


@pytest.mark.parametrize("dtype", ["bool", *DTYPES])
def test_dtypes_of_images_are_scipys(dtype: str) -> None:
    x = (np.arange(20).reshape(4, 5) % 7).astype(dtype)
    for order in (0, 1, 3):
        call = lambda x: ndimage.map_coordinates(x, PLACES, order=order, cval=-1)  # noqa: E731, B023
        assert_scipys(call, x, rtol=1e-5 if dtype in ("float32", "complex64") else 1e-9)


def test_images_are_moved_as_scipy_moves_them() -> None:
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    for order in (0, 1, 2, 3):
        for call in (
            lambda x: ndimage.shift(x, (0.4, -1.2), order=order, mode="nearest"),  # noqa: B023
            lambda x: ndimage.zoom(x, (1.6, 0.7), order=order),  # noqa: B023
            lambda x: ndimage.zoom(x, 2, order=order, mode="grid-constant", grid_mode=True),  # noqa: B023
            lambda x: ndimage.affine_transform(x, turn, [0.1, 1.0], (3, 6), order=order, mode="wrap"),  # noqa: B023
            lambda x: ndimage.affine_transform(x, [0.5, 0.9], [0.1, 1.0], order=order),  # noqa: B023
            lambda x: ndimage.affine_transform(x, np.c_[turn, [0.2, 0.3]], order=order),  # noqa: B023
        ):
            assert_scipys(call, IMAGE, rtol=1e-9)
    for angle in (0, 30.0, 90, -200):
        assert_scipys(lambda x: ndimage.rotate(x, angle, mode="grid-wrap"), IMAGE, rtol=1e-9)  # noqa: B023
        assert_scipys(lambda x: ndimage.rotate(x, angle, (0, -1), False), CUBE, rtol=1e-9)  # noqa: B023
    assert_scipys(lambda x: ndimage.zoom(x, 1), IMAGE)
    assert_scipys(lambda x: ndimage.spline_filter(x, 4, mode="reflect"), IMAGE)
    assert_scipys(lambda x: ndimage.spline_filter1d(x, 2, 0, np.float32, "grid-wrap"), IMAGE, rtol=1e-6)


def test_mistakes_with_images_are_scipys_errors() -> None:
    for call in (
        lambda x: ndimage.map_coordinates(x, PLACES[:1]), lambda x: ndimage.map_coordinates(x, PLACES * 1j),
        lambda x: ndimage.map_coordinates(x, [1.0, 2.0]), lambda x: ndimage.map_coordinates(x, PLACES, order=6),
        lambda x: ndimage.map_coordinates(x, PLACES, mode="other"), lambda x: ndimage.shift(x, (1, 2, 3)),
        lambda x: ndimage.affine_transform(x, np.ones((3, 2))), lambda x: ndimage.affine_transform(x, np.ones((2, 4))),
        lambda x: ndimage.rotate(x[0], 1.0), lambda x: ndimage.rotate(x, 1.0, (0, 2)),
        lambda x: ndimage.rotate(x, 1.0, (0, 0.5)), lambda x: ndimage.rotate(x, 1.0, (0,)),
        lambda x: ndimage.spline_filter(x, 1), lambda x: ndimage.zoom(x, (1, 2, 3)),
    ):
        assert_scipys(call, IMAGE)


def test_nothing_flows_from_beyond_the_edges() -> None:
    nowhere = np.array([[np.nan, 1.5]])
    for mode in MODES:
        call = lambda x, c: ndimage.map_coordinates(x, c, order=1, mode=mode, cval=7.0)  # noqa: E731, B023
        assert_scipys(call, LINE, nowhere)
    slope = fnad.grad(lambda c: ndimage.map_coordinates(LINE, c[None], order=1, cval=np.nan)[:1].sum())
    np.testing.assert_allclose(slope(np.array([1.5, -3.0])), [LINE[2] - LINE[1], 0.0])
