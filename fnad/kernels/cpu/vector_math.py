"""Elementary functions for kernels: `<op>_float32` and `<op>_float64`, scalar to scalar."""

import math

import numpy as np
from numba import njit


@njit(error_model="numpy")
def exp_float32(x):
    return np.float32(np.exp(x))


@njit(error_model="numpy")
def exp2_float32(x):
    return np.float32(np.exp2(x))


@njit(error_model="numpy")
def expm1_float32(x):
    return np.float32(np.expm1(x))


@njit(error_model="numpy")
def log_float32(x):
    return np.float32(np.log(x))


@njit(error_model="numpy")
def log2_float32(x):
    return np.float32(np.log2(x))


@njit(error_model="numpy")
def log10_float32(x):
    return np.float32(np.log10(x))


@njit(error_model="numpy")
def log1p_float32(x):
    return np.float32(np.log1p(x))


@njit(error_model="numpy")
def tanh_float32(x):
    return np.float32(np.tanh(x))


@njit(error_model="numpy")
def sinh_float32(x):
    return np.float32(np.sinh(x))


@njit(error_model="numpy")
def cosh_float32(x):
    return np.float32(np.cosh(x))


@njit(error_model="numpy")
def sin_float32(x):
    return np.float32(np.sin(x))


@njit(error_model="numpy")
def cos_float32(x):
    return np.float32(np.cos(x))


@njit(error_model="numpy")
def tan_float32(x):
    return np.float32(np.tan(x))


@njit(error_model="numpy")
def arcsin_float32(x):
    return np.float32(np.arcsin(x))


@njit(error_model="numpy")
def arccos_float32(x):
    return np.float32(np.arccos(x))


@njit(error_model="numpy")
def arctan_float32(x):
    return np.float32(np.arctan(x))


@njit(error_model="numpy")
def arcsinh_float32(x):
    return np.float32(np.arcsinh(x))


@njit(error_model="numpy")
def arccosh_float32(x):
    return np.float32(np.arccosh(x))


@njit(error_model="numpy")
def arctanh_float32(x):
    return np.float32(np.arctanh(x))


@njit(error_model="numpy")
def cbrt_float32(x):
    return np.float32(np.cbrt(x))


@njit(error_model="numpy")
def arctan2_float32(x, y):
    return np.float32(np.arctan2(x, y))


@njit(error_model="numpy")
def hypot_float32(x, y):
    return np.float32(np.hypot(x, y))


@njit(error_model="numpy")
def pow_float32(x, y):
    return np.float32(np.power(x, y))


@njit(error_model="numpy")
def logaddexp_float32(x, y):
    return np.float32(np.logaddexp(x, y))


@njit(error_model="numpy")
def logaddexp2_float32(x, y):
    return np.float32(np.logaddexp2(x, y))


@njit(error_model="numpy")
def floor_divide_float32(x, y):
    return np.float32(np.floor_divide(x, y))


@njit(error_model="numpy")
def mod_float32(x, y):
    return np.float32(np.remainder(x, y))


@njit(error_model="numpy")
def sigmoid_float32(x):
    return np.float32(1) / (np.float32(1) + np.exp(-x))


@njit(error_model="numpy")
def erf_float32(x):
    return np.float32(math.erf(x))


@njit(error_model="numpy")
def exp_float64(x):
    return np.float64(np.exp(x))


@njit(error_model="numpy")
def exp2_float64(x):
    return np.float64(np.exp2(x))


@njit(error_model="numpy")
def expm1_float64(x):
    return np.float64(np.expm1(x))


@njit(error_model="numpy")
def log_float64(x):
    return np.float64(np.log(x))


@njit(error_model="numpy")
def log2_float64(x):
    return np.float64(np.log2(x))


@njit(error_model="numpy")
def log10_float64(x):
    return np.float64(np.log10(x))


@njit(error_model="numpy")
def log1p_float64(x):
    return np.float64(np.log1p(x))


@njit(error_model="numpy")
def tanh_float64(x):
    return np.float64(np.tanh(x))


@njit(error_model="numpy")
def sinh_float64(x):
    return np.float64(np.sinh(x))


@njit(error_model="numpy")
def cosh_float64(x):
    return np.float64(np.cosh(x))


@njit(error_model="numpy")
def sin_float64(x):
    return np.float64(np.sin(x))


@njit(error_model="numpy")
def cos_float64(x):
    return np.float64(np.cos(x))


@njit(error_model="numpy")
def tan_float64(x):
    return np.float64(np.tan(x))


@njit(error_model="numpy")
def arcsin_float64(x):
    return np.float64(np.arcsin(x))


@njit(error_model="numpy")
def arccos_float64(x):
    return np.float64(np.arccos(x))


@njit(error_model="numpy")
def arctan_float64(x):
    return np.float64(np.arctan(x))


@njit(error_model="numpy")
def arcsinh_float64(x):
    return np.float64(np.arcsinh(x))


@njit(error_model="numpy")
def arccosh_float64(x):
    return np.float64(np.arccosh(x))


@njit(error_model="numpy")
def arctanh_float64(x):
    return np.float64(np.arctanh(x))


@njit(error_model="numpy")
def cbrt_float64(x):
    return np.float64(np.cbrt(x))


@njit(error_model="numpy")
def arctan2_float64(x, y):
    return np.float64(np.arctan2(x, y))


@njit(error_model="numpy")
def hypot_float64(x, y):
    return np.float64(np.hypot(x, y))


@njit(error_model="numpy")
def pow_float64(x, y):
    return np.float64(np.power(x, y))


@njit(error_model="numpy")
def logaddexp_float64(x, y):
    return np.float64(np.logaddexp(x, y))


@njit(error_model="numpy")
def logaddexp2_float64(x, y):
    return np.float64(np.logaddexp2(x, y))


@njit(error_model="numpy")
def floor_divide_float64(x, y):
    return np.float64(np.floor_divide(x, y))


@njit(error_model="numpy")
def mod_float64(x, y):
    return np.float64(np.remainder(x, y))


@njit(error_model="numpy")
def sigmoid_float64(x):
    return np.float64(1) / (np.float64(1) + np.exp(-x))


@njit(error_model="numpy")
def erf_float64(x):
    return np.float64(math.erf(x))

