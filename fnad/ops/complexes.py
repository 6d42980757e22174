"""Functions of complex numbers that have a derivative in the complex sense, and numbers from their two parts.

Compiled, they are words of their own, which know all infinities and signs of zero: expressions of the parts do not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.ops.elementwise import LN2, LN10, conj, exp, guarded_mul, imag, real, sqrt
from fnad.ops.operands import rule

Slope = Callable[[Any, Any], Any]
"""The derivative at x, given the value y too."""


def _one_minus_square(x: Any) -> Any:
    return (1 - x) * (x + 1)


def _one_over(denominator: Callable[[Any], Any]) -> Slope:
    return lambda y, x: 1 / denominator(x)


_ARCSIN = _one_over(lambda x: sqrt(_one_minus_square(x)))

SLOPES: dict[str, Slope] = {
    "sin": lambda y, x: holomorphic(x, function="cos"),
    "cos": lambda y, x: -holomorphic(x, function="sin"),
    "tan": lambda y, x: y**2 + 1,
    "sinh": lambda y, x: holomorphic(x, function="cosh"),
    "cosh": lambda y, x: holomorphic(x, function="sinh"),
    "tanh": lambda y, x: _one_minus_square(y),
    "exp2": lambda y, x: y * LN2,
    "expm1": lambda y, x: exp(x),
    "log2": _one_over(lambda x: x * LN2),
    "log10": _one_over(lambda x: x * LN10),
    "log1p": _one_over(lambda x: x + 1),
    "arcsin": _ARCSIN,
    "arccos": lambda y, x: -_ARCSIN(y, x),
    "arctan": _one_over(lambda x: x**2 + 1),
    "arcsinh": _one_over(lambda x: sqrt(x**2 + 1)),
    "arccosh": _one_over(lambda x: sqrt(x - 1) * sqrt(x + 1)),
    "arctanh": _one_over(_one_minus_square),
    "reciprocal": lambda y, x: -(y**2),
}
"""By the name of NumPy's ufunc."""


def _holomorphic_type(x: ArrayType, function: str) -> ArrayType:
    if x.dtype.kind != "c":
        raise TypeError(f"{function}: requires complex numbers, got {x}.")
    return ArrayType(x.shape, x.dtype)


@rule
def _holomorphic_vjp(i: int, g: Any, y: Any, x: Any, function: str) -> Any:
    return guarded_mul(g, conj(SLOPES[function](y, x)))


holomorphic = Primitive(
    "holomorphic", _holomorphic_type, lambda x, function: getattr(np, function)(x), vjp=_holomorphic_vjp,
    differentiable=(0,), expression="{function}({0})",
)


def _complex_type(re: ArrayType, im: ArrayType) -> ArrayType:
    if re.strong != im.strong or re.dtype.kind != "f":
        raise TypeError(f"complex: requires floats of one shape and dtype as parts, got {re} and {im}.")
    return ArrayType(re.shape, np.result_type(re.dtype, np.complex64))


def _evaluate_complex(re: Any, im: Any) -> Any:
    joined = np.empty(np.broadcast_shapes(np.shape(re), np.shape(im)), np.result_type(re, im, np.complex64))
    joined.real, joined.imag = re, im
    return joined


def _complex_vjp(i: int, g: Any, y: Any, re: Any, im: Any) -> Any:
    return real(g) if i == 0 else imag(g)


# The number re + i im, also where the product with i would be nan.
complex_ = Primitive(
    "complex", _complex_type, _evaluate_complex, vjp=_complex_vjp, differentiable=(0, 1),
    expression="complex({0}, {1})",
)
