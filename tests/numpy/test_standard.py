"""The array API standard: its names, its signatures beyond NumPy's, and traced values as its arrays."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest

# The functions of version 2024.12, by its chapters.
NAMES = """
    arange asarray empty empty_like eye from_dlpack full full_like linspace meshgrid ones ones_like tril triu zeros
    zeros_like astype broadcast_arrays broadcast_to can_cast finfo iinfo isdtype result_type
    abs acos acosh add asin asinh atan atan2 atanh bitwise_and bitwise_left_shift bitwise_invert bitwise_or
    bitwise_right_shift bitwise_xor ceil clip conj copysign cos cosh divide equal exp expm1 floor floor_divide greater
    greater_equal hypot imag isfinite isinf isnan less less_equal log log1p log2 log10 logaddexp logical_and logical_not
    logical_or logical_xor maximum minimum multiply negative nextafter not_equal positive pow real reciprocal remainder
    round sign signbit sin sinh square sqrt subtract tan tanh trunc take take_along_axis matmul matrix_transpose
    tensordot vecdot concat expand_dims flip moveaxis permute_dims repeat reshape roll squeeze stack tile unstack
    argmax argmin count_nonzero nonzero searchsorted where unique_all unique_counts unique_inverse unique_values
    argsort sort cumulative_prod cumulative_sum max mean min prod std sum var all any diff
    e inf nan newaxis pi bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float32 float64 complex64 complex128
    __array_namespace_info__ __array_api_version__
""".split()
LINALG = """
    cholesky cross det diagonal eigh eigvalsh inv matmul matrix_norm matrix_power matrix_rank matrix_transpose outer
    pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
""".split()
FFT = """
    fft ifft fftn ifftn rfft irfft rfftn irfftn hfft ihfft fftfreq rfftfreq fftshift ifftshift
""".split()


def test_its_names_are_there() -> None:
    for module, names in ((fnp, NAMES), (fnp.linalg, LINALG), (fnp.fft, FFT)):
        assert [name for name in names if not hasattr(module, name)] == []
    assert fnp.__array_api_version__ == "2024.12"
    info = fnp.__array_namespace_info__()
    assert info.default_device() == "cpu" and info.default_dtypes()["real floating"] == np.float64
    assert info.capabilities()["boolean indexing"] and "float32" in info.dtypes()


def of_its_namespace(x: Any) -> Any:
    """As a library writes it that takes arrays of any kind."""
    xp = x.__array_namespace__(api_version="2024.12")
    y = xp.concat([x, xp.zeros(2, dtype=x.dtype, device=x.device)])
    return xp.sum(xp.permute_dims(xp.reshape(xp.astype(y, xp.float64, copy=False), (1, -1)), (1, 0)) ** 2)


def test_a_traced_array_has_the_namespace() -> None:
    x = np.array([1.0, 2.0])
    assert fnad.jit(lambda x: x.__array_namespace__() is fnp)(x)
    assert fnad.jit(of_its_namespace)(x) == 5 and fnad.grad(of_its_namespace)(x).tolist() == [2, 4]
    assert fnad.jit(lambda x: x.to_device(x.device) + 1.0)(x).tolist() == [2, 3]


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.uint8])
def test_a_descending_order_is_stable(dtype: Any) -> None:
    x = np.array([[2, 1, 3, 1, 3], [0, 0, 0, 0, 0]], dtype)
    expected = [[2, 4, 0, 1, 3], [0, 1, 2, 3, 4]]
    assert fnp.argsort(x, axis=-1, descending=True).tolist() == expected
    assert fnad.jit(lambda x: fnp.argsort(x, descending=True, stable=True))(x).tolist() == expected
    assert fnp.sort(x, descending=True)[0].tolist() == [3, 3, 2, 1, 1]
    assert fnp.sort(x, axis=0, descending=True)[1].tolist() == [0] * 5
    assert fnp.argsort(x, descending=False)[0].tolist() == [1, 3, 0, 2, 4]


def test_slopes_of_a_descending_order() -> None:
    weights = np.array([3.0, 2.0, 1.0])
    gradient = fnad.grad(lambda x: np.sum(fnp.sort(x, descending=True) * weights))(np.array([1.0, 3.0, 2.0]))
    assert gradient.tolist() == [1, 3, 2]


def test_frequencies_of_a_dtype() -> None:
    assert fnp.fft.fftfreq(4, dtype=np.float32).dtype == np.float32 and fnp.fft.rfftfreq(4).dtype == np.float64
    assert fnp.fft.rfftfreq(4, device="cpu", dtype=np.float32).tolist() == [0, 0.25, 0.5]


@pytest.mark.parametrize("call", [
    lambda x: x.__array_namespace__(api_version="1999.12"), lambda x: x.to_device("gpu"),
    lambda x: x.to_device("cpu", stream=1),
])
def test_what_is_not_there_is_refused(call: Any) -> None:
    with pytest.raises(ValueError):
        fnad.jit(call)(np.ones(2))
    with pytest.raises(ValueError):
        call(np.ones(2))
