"""The elementary functions that kernels have for float32 and float64, and how exact they are."""

from __future__ import annotations

ULPS = {
    "exp": (0.95, 0.95),
    "exp2": (0.9, 0.95),
    "expm1": (1.1, 1.15),
    "log": (0.9, 0.9),
    "log2": (1.05, 1.1),
    "log10": (0.95, 0.9),
    "log1p": (0.85, 0.85),
    "sigmoid": (0.8, 0.8),
    "tanh": (0.8, 0.9),
    "sinh": (0.95, 0.85),
    "cosh": (0.8, 0.85),
    "sin": (0.55, 0.85),
    "cos": (0.55, 0.85),
    "tan": (0.55, 1),
    "arcsin": (0.75, 0.65),
    "arccos": (0.7, 0.65),
    "arctan": (0.9, 0.9),
    "arcsinh": (0.95, 0.95),
    "arccosh": (0.9, 0.9),
    "arctanh": (0.95, 0.9),
    "cbrt": (0.55, 0.75),
    "arctan2": (1.25, 1.1),
    "hypot": (0.55, 0.8),
    "pow": (0.55, 1.1),
    "logaddexp": (1.5, 1.5),
    "logaddexp2": (1.25, 1.35),
    "erf": (1.1, 1.15),
    "erfc": (3.4, 2.8),
    "sinc": (0.55, 1.6),
}
"""Bounds of the errors of float32 and float64, in units of the last place of the exact result.

They are the largest errors of millions of numbers, rounded up; `docs/vector_math.md` has them and where they are. For
logaddexp and logaddexp2 the unit is that of an operand where one is larger than the result; sinc is
that of the rounded product of pi and x, as in NumPy.
"""

COMPLEX_ULPS = {
    "divide": 3, "reciprocal": 2.5, "unit": 1.5, "exp": 2.5, "exp2": 5, "expm1": 2, "log": 2, "log2": 2, "log10": 2.5,
    "log1p": 2, "sqrt": 2, "pow": 12, "sin": 2.5, "cos": 2.5, "tan": 3.5, "sinh": 2.5, "cosh": 2.5, "tanh": 3.5,
    "arcsin": 2.5, "arccos": 2.5, "arctan": 2.5, "arcsinh": 2.5, "arccosh": 2.5, "arctanh": 2.5,
}
"""The functions of complex64 and complex128, and bounds of their errors, in units of the last place of |result|.

exp2, expm1, log1p and pow are NumPy's formulas: that of pow grows with |y log x|, those of the others with what cancels
or with the angle.
"""
