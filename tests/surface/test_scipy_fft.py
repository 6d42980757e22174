"""The functions of `scipy.fft` on traced values, by the names that fnad has for them."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.scipy.fft as fft
import numpy as np
import pytest
import scipy.fft

from tests.numpy.comparing import run_numpy, run_traced
from tests.surface.laws import LAWS, Row, assert_alike
from tests.surface.test_fft import X, Z, row


ROWS = [
    row("dct/1", lambda x: fft.dct(x, 1, norm="ortho"), X), row("dct/2", fft.dct, X),
    row("dct/3", lambda x: fft.idct(x, axis=0, n=4, norm="forward"), X), row("dct/4", lambda x: fft.dct(x, 4), X),
    row("dst/1", lambda x: fft.dst(x, 1), X), row("dst/complex", lambda z: fft.dst(z, norm="ortho"), Z),
    row("dctn", lambda x: fft.dctn(x, norm="ortho"), X), row("idstn", lambda x: fft.idstn(x, axes=(1,)), X),
    row("fht", lambda x: fft.fht(x, 0.1, 1.0, bias=0.2), X),
    row("hfft2", lambda z: fft.hfft2(z, norm="ortho"), Z), row("ihfftn", lambda x: fft.ihfftn(x, (2, 3)), X),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_laws(row: Row, law: Any) -> None:
    law(row)


# --- Values

REAL = {"dct": fft.dct, "idct": fft.idct, "dst": fft.dst, "idst": fft.idst}


@pytest.mark.parametrize("n", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("type", [1, 2, 3, 4])
@pytest.mark.parametrize("name", REAL)
def test_cosine_and_sine_transforms_are_scipys(name: str, type: int, n: int) -> None:
    if n == 1 and type == 1 and "dct" in name:
        with pytest.raises(RuntimeError, match="zero-length FFT requested"):
            run_traced(lambda x: REAL[name](x, 1), np.ones(1))
        return
    x = np.cos(np.arange(n))
    for norm in ("backward", "ortho", "forward"):
        for orthogonalize in (None, True, False):
            call = lambda x: REAL[name](x, type, norm=norm, orthogonalize=orthogonalize)  # noqa: E731, B023
            assert_alike(run_traced(call, x), run_numpy(call, x), 1e-14)


NAMES = ["fft", "ifft", "rfft", "irfft", "hfft", "ihfft"]
NAMES_OF_MANY = [f"{name}{suffix}" for name in NAMES for suffix in ("n", "2")] + ["dctn", "idctn", "dstn", "idstn"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "complex64", "complex128"])
def test_transforms_are_scipys(name: str, dtype: str) -> None:
    x = np.array([[1, 2, 0, 4], [3, 1, 2, 2]]).astype(dtype)
    if dtype.startswith("complex") and name in ("rfft", "ihfft"):
        with pytest.raises(TypeError, match="x must be a real sequence"):
            run_traced(getattr(fft, name), x)
        return
    for call in (getattr(fft, name), lambda x: getattr(fft, name)(x, 3, 0, "ortho", True, -1)):
        assert_alike(run_traced(call, x), run_numpy(call, x), None)


@pytest.mark.parametrize("name", NAMES_OF_MANY)
def test_transforms_along_several_axes_are_scipys(name: str) -> None:
    function = getattr(fft, name)
    x = np.arange(24.0).reshape(2, 3, 4)
    for call in (function, lambda x: function(x, s=(3, 4), axes=(0, -1), norm="forward")):
        assert_alike(run_traced(call, x), run_numpy(call, x), None)


@pytest.mark.parametrize("bias", [0.0, 0.3])
@pytest.mark.parametrize("name", ["fht", "ifht"])
def test_hankel_transforms_are_scipys(name: str, bias: float) -> None:
    for n in (1, 6, 7):
        call = lambda x: getattr(fft, name)(x, 0.2, 0.5, 0.1, bias)  # noqa: E731, B023
        x = np.cos(np.arange(2.0 * n)).reshape(2, n)
        assert_alike(run_traced(call, x), run_numpy(call, x), 1e-12)


MISTAKES = {
    "type": lambda x: fft.dct(x, 5), "no points": lambda x: fft.fft(x, 0), "length 0": lambda x: fft.dst(x[:0]),
    "axis": lambda x: fft.fft(x, axis=1), "norm": lambda x: fft.rfft(x, norm="x"), "plan": lambda x: fft.fft(x, plan=1),
    "workers": lambda x: fft.fft(x, workers=0), "irfft of 1": lambda x: fft.irfft(x[:1]),
    "an axis twice": lambda x: fft.fft2(x[None], axes=(0, 0)), "axes": lambda x: fft.fftn(x, axes=3),
    "lengths": lambda x: fft.fftn(x, (2, 3), (0,)), "too many": lambda x: fft.fftn(x, (2, 3)),
    "no integers": lambda x: fft.fftn(x, 2.5), "no axes": lambda x: fft.rfftn(x, axes=()),
    "empty": lambda x: fft.fftn(x, (0,)),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_scipys_errors(name: str) -> None:
    x = np.arange(3.0)
    with pytest.raises(Exception) as theirs:
        MISTAKES[name](x)
    with pytest.raises(type(theirs.value)) as ours:
        run_traced(MISTAKES[name], x)
    assert str(ours.value).splitlines()[0] == str(theirs.value)


def test_it_is_a_backend_of_scipys_functions() -> None:
    def power(x: Any) -> Any:
        return (np.abs(scipy.fft.rfft(x)) ** 2).sum()

    with scipy.fft.set_backend(fft):
        np.testing.assert_allclose(fnad.grad(power)(np.arange(1.0, 4)), [9, 12, 15])
        np.testing.assert_array_equal(scipy.fft.fft([1.0, 0.0]), [1, 1])


def test_fast_lengths_and_frequencies_are_scipys() -> None:
    assert fft.next_fast_len(1021, real=True) == scipy.fft.next_fast_len(1021, True) > 1021
    assert fft.prev_fast_len(1021) == scipy.fft.prev_fast_len(1021)
    for name in ("fftfreq", "rfftfreq", "fftshift", "ifftshift"):
        call = lambda x: getattr(fft, name)(*([x] if "shift" in name else [4, x[1]]))  # noqa: E731, B023
        assert_alike(run_traced(call, np.arange(4.0)), run_numpy(call, np.arange(4.0)), None)
