"""The functions of `numpy.fft` on traced values."""

from __future__ import annotations

import warnings
from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.compiler.compile import compile_program

from tests.numpy.comparing import run_numpy, run_traced
from tests.surface.laws import LAWS, Row, assert_alike

RNG = np.random.default_rng(0)
X = RNG.standard_normal((2, 5))
Z = X + 1j * RNG.standard_normal((2, 5))


def row(name: str, call: Any, *inputs: Any, **others: Any) -> Row:
    return Row(name, call, inputs, **others)


ROWS = [
    row("fft", np.fft.fft, Z), row("ifft/n", lambda z: np.fft.ifft(z, n=7, axis=0, norm="ortho"), Z),
    row("fft/real", lambda x: np.fft.fft(x, 3, norm="forward"), X),
    row("rfft", np.fft.rfft, X), row("irfft", np.fft.irfft, Z), row("irfft/n", lambda z: np.fft.irfft(z, n=5), Z),
    row("hfft", lambda z: np.fft.hfft(z, norm="ortho"), Z), row("ihfft", lambda x: np.fft.ihfft(x, axis=0), X),
    row("fftn", lambda z: np.fft.fftn(z, norm="ortho"), Z), row("ifft2", lambda z: np.fft.ifft2(z, (3, 2)), Z),
    row("rfftn", lambda x: np.fft.rfftn(x, axes=(1, 0)), X), row("irfft2", lambda z: np.fft.irfft2(z), Z),
    row("fftshift", lambda x: np.fft.fftshift(x, axes=1), X), row("ifftshift", np.fft.ifftshift, X),
    row("fftfreq, rfftfreq", lambda d: [np.fft.fftfreq(5, d), np.fft.rfftfreq(4, d)], 0.7, single=False),
    row("fft2, ifftn", lambda z: [np.fft.fft2(z), np.fft.ifftn(z, axes=(1,))], Z),
    row("rfft2, irfftn", lambda x: [np.fft.rfft2(x), np.fft.irfftn(x, (3, 4), (0, 1))], X),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_it_keeps_the_laws(row: Row, law: Any) -> None:
    law(row)


# --- Ways to call them


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "float16", "float32", "float64", "complex64", "complex128"])
def test_dtypes_are_numpys(dtype: str) -> None:
    x = np.array([1, 0, 1]).astype(dtype)
    for function in (np.fft.fft, np.fft.ifft2, np.fft.irfft, np.fft.hfft, np.fft.rfft, np.fft.ihfft):
        if dtype.startswith("complex") and function in (np.fft.rfft, np.fft.ihfft):
            continue
        call = lambda x, function=function: function(x[None] if function.__name__ == "ifft2" else x)  # noqa: E731
        assert_alike(run_traced(call, x), run_numpy(call, x), 1e-3 if dtype == "float16" else None)


CALLS = {
    "n by keyword": lambda x: np.fft.fft(x, n=3, axis=0), "n by position": lambda x: np.fft.fft(x, 3, 0, "forward"),
    "a list": lambda x: fnp.fft.rfft([x[0], x[1]]), "length 1": lambda x: np.fft.irfft(x[:, :1], 1),
    "n of an empty one": lambda x: np.fft.fft(x[:, :0], 2), "no axes": lambda x: np.fft.fftn(x, axes=()) * 1,
    "a number": lambda x: np.fft.fftn(x[0, 0]), "twice one axis": lambda x: np.fft.fftn(x, axes=(0, 0)),
    "the whole axis": lambda x: np.fft.rfft2(x, (3, -1)), "one axis shifted": lambda x: np.fft.fftshift(x, 1),
    "even": lambda x: np.fft.irfftn(x, (2, 3), axes=(0, 1)), "n as NumPy's": lambda x: np.fft.rfft(x, np.int32(4)),
}


@pytest.mark.parametrize("name", CALLS)
def test_it_is_called_as_numpys(name: str) -> None:
    assert_alike(run_traced(CALLS[name], X), run_numpy(CALLS[name], X), None)


MISTAKES = {
    "length 0": lambda x: np.fft.fft(x[:0]), "irfft of 1": lambda x: np.fft.irfft(x[:1]),
    "axis": lambda x: np.fft.fft(x, axis=1), "axis and n": lambda x: np.fft.fft(x, n=2, axis=1),
    "a number": lambda x: np.fft.fft(x[0]), "norm": lambda x: np.fft.fft(x, norm="x"),
    "norm of hfft": lambda x: np.fft.hfft(x, norm="x"), "a real n": lambda x: np.fft.fft(x, n=2.5),
    "rfft of complex": lambda x: np.fft.rfft(x + 1j), "lengths": lambda x: np.fft.fftn(x, (2, 3), axes=(0,)),
    "no axes": lambda x: np.fft.rfftn(x, axes=()),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_are_numpys_errors(name: str) -> None:
    x = np.arange(3.0)
    with pytest.raises(Exception) as ours:
        run_traced(MISTAKES[name], x)
    with pytest.raises(Exception) as theirs:
        MISTAKES[name](x)
    assert isinstance(ours.value, type(theirs.value))
    ours_text, theirs_text = (str(error.value).replace(", ", ",") for error in (ours, theirs))  # NumPy writes both
    assert ours_text == theirs_text


def test_sizes_without_axes_are_deprecated_as_numpys() -> None:
    for function in (lambda x: np.fft.fftn(x, (3,)), fnad.jit(lambda x: np.fft.fftn(x, (3,)))):
        with pytest.warns(DeprecationWarning, match="`axes` should not be `None`"):
            function(X)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_traced(lambda x: np.fft.fftn(x, (3,), (0,)), X)


def test_out_is_refused() -> None:
    with pytest.raises(fnad.InPlaceError, match="np.fft.fft: requires to return"):
        fnad.grad(lambda x: np.fft.fft(x, out=np.zeros(3, complex)).real.sum())(np.zeros(3))


# --- Derivatives by hand


def gradient(function: Any, x: Any) -> Any:
    return fnad.grad(function)(np.asarray(x))


def test_the_ends_of_irfft_count_once_and_their_imaginary_parts_not_at_all() -> None:
    second = lambda **n: lambda z: np.fft.irfft(z, **n)[1]  # noqa: E731
    z = np.array([1 + 2j, 3 - 1j, 0.5 + 1j])
    np.testing.assert_allclose(gradient(second(n=4), z), [0.25, -0.5j, -0.25], atol=1e-15)
    np.testing.assert_allclose(gradient(second(), z), [0.25, -0.5j, -0.25], atol=1e-15)
    odd = [0.2, 0.12361 - 0.38042j, -0.32361 - 0.23511j]
    np.testing.assert_allclose(gradient(second(n=5), z), odd, atol=1e-5)
    np.testing.assert_allclose(gradient(second(n=2), z), [0.5, -0.5, 0], atol=1e-15)


def test_what_is_cut_off_has_no_derivative() -> None:
    for call in (lambda x: np.fft.rfft(x, n=3)[1].real, lambda x: np.fft.rfft(x, 3)[1].real):
        np.testing.assert_allclose(gradient(call, np.arange(4.0)), [1, -0.5, -0.5, 0], atol=1e-15)


def test_a_power_spectrum_of_float32_has_a_gradient_of_float32() -> None:
    x = np.arange(6, dtype=np.float32)
    got = gradient(lambda x: (np.abs(np.fft.fft(x)) ** 2).sum(), x)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, 2 * 6 * x, rtol=1e-5, atol=1e-4)  # Parseval's


def test_a_batch_is_one_transform() -> None:
    batched = fnad.vmap(lambda x: np.fft.irfft(np.fft.rfft(x) * 2))
    program = fnad.make_program(batched)(np.zeros((3, 4)))
    assert str(program).count("rfft(") == str(program).count(" rfft(") + str(program).count("irfft(")


def test_any_axis_is_transformed_where_it_lies_and_a_batch_is_divided() -> None:
    z = np.ones((64, 3, 500), complex)
    for call in (lambda z: np.fft.fft(z[::2, ::-1].transpose(2, 0, 1), axis=0), lambda z: np.fft.ifft(z, axis=0)):
        (launch,) = compile_program(fnad.make_program(call)(z)).plan.instructions
        assert 0 < launch.chunk < launch.extent
        np.testing.assert_array_equal(fnad.jit(call)(z), call(z))


def test_it_is_called_by_fnads_name() -> None:
    np.testing.assert_array_equal(fnp.fft.fft([1.0, 2.0]), np.fft.fft([1.0, 2.0]))
    np.testing.assert_array_equal(fnp.fft.fftfreq(4, d=0.5), np.fft.fftfreq(4, 0.5))
