"""The functions of `math` and `cmath` on traced numbers, by those of NumPy; the results are Python numbers.

Where `math` raises an error for a value, as for ``math.sqrt(-1.0)``, the result is what NumPy makes of it.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import partial, reduce
from typing import Any

import numpy as np

import fnad.numpy as fnp
from fnad.ir.types import ArrayType
from fnad.lazy import LazyModule
from fnad.numpy.promotion import builder_of, traced, traced_in
from fnad.ops.elementwise import convert
from fnad.tracing.tracer import Tracer

_special = LazyModule("scipy.special")

# --- Numbers of Python's


def _number(x: Any, kind: str = "f") -> Any:
    """A traced value as a number of Python's, of the kind that a function takes: it yields in promotion."""
    if type(x) is not Tracer:
        return x
    if x.shape:
        raise TypeError("only 0-dimensional arrays can be converted to Python scalars")
    if x.dtype.kind == "c" and kind != "c":
        raise TypeError("must be real number, not complex")
    dtype = np.dtype({"c": np.complex128, "f": np.float64, "i": np.int64, "b": np.bool_}[kind])
    target = ArrayType((), dtype, kind != "b")
    return x if x.type == target else x.builder.emit(convert, (x.atom,), {"dtype": target.dtype}, target)


def _float(function: Callable[..., Any], result: str = "f") -> Callable[..., Any]:
    """A function of floats."""
    def rule(*args: Any) -> Any:
        return _as_results(_call(function, [_number(a) for a in args]), result)

    return rule


def _call(function: Callable[..., Any], args: list[Any]) -> Any:
    if isinstance(function, np.ufunc) and len(args) != function.nin:  # one more would be where it writes to
        raise TypeError(f"{function.__name__} expected {function.nin} arguments, got {len(args)}")
    return function(*args)


def _as_results(found: Any, result: str) -> Any:
    if isinstance(found, tuple):
        return tuple([_number(part, kind) for part, kind in zip(found, result)])
    return _number(found, result)


def _integers(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of integers."""
    def rule(*args: Any) -> Any:
        for a in args:
            if type(a) is Tracer and a.dtype.kind not in "biu":
                raise TypeError(f"'{a.dtype}' object cannot be interpreted as an integer")
        return _number(function(*[_number(a, "i") for a in args]), "i")

    return rule


def _complex(function: Callable[..., Any], result: str = "c") -> Callable[..., Any]:
    """A function of complex numbers."""
    def rule(*args: Any) -> Any:
        return _as_results(_call(function, [_number(a, "c") for a in args]), result)

    return rule


# --- Those that NumPy has not


def _log(x: Any, base: Any = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


def _vector(values: Any) -> Tracer:
    """Numbers as one array."""
    given = values if type(values) is Tracer else list(values)
    return traced(builder_of(*traced_in(given)), given)


def _hypot(*coordinates: Any) -> Any:
    return np.hypot(*coordinates) if len(coordinates) == 2 else fnp.linalg.norm(_vector(coordinates))


def _dist(p: Any, q: Any) -> Any:
    if len(p) != len(q):
        raise ValueError("both points must have the same number of dimensions")
    return _number(fnp.linalg.norm(np.subtract(fnp.asarray(p), fnp.asarray(q))))


def _sum(values: Any) -> Any:
    return _number(fnp.sum(_vector(values)))


def _product(values: Any, *, start: Any = 1) -> Any:
    return reduce(lambda a, b: a * b, values, start)


def _sum_of_products(p: Any, q: Any) -> Any:
    if len(p) != len(q):
        raise ValueError("Inputs are not the same length")
    return sum([a * b for a, b in zip(p, q)])


def _is_close(kind: str, a: Any, b: Any, *, rel_tol: Any = 1e-9, abs_tol: Any = 0.0) -> Any:
    a, b = _number(a, kind), _number(b, kind)
    near = np.abs(a - b) <= np.maximum(rel_tol * np.maximum(np.abs(a), np.abs(b)), abs_tol)
    return _number(np.logical_or(a == b, near & np.isfinite(a) & np.isfinite(b)), "b")


def _remainder(x: Any, y: Any) -> Any:
    """That of the nearest multiple: exact, as `math`'s."""
    size, divisor = np.abs(x), np.abs(y)
    rest = np.fmod(size, divisor)
    other = divisor - rest
    halfway = rest - 2.0 * np.fmod(0.5 * (size - rest), divisor)
    near = np.where(rest < other, rest, np.where(rest > other, -other, halfway))
    return np.copysign(1.0, x) * np.where(np.isinf(divisor) & np.isfinite(x), size, near)


def _integer_root(n: Any) -> Any:
    root = np.floor(np.sqrt(n)).astype(np.int64)
    root = np.where(root * root > n, root - 1, root)
    return np.where((root + 1) * (root + 1) <= n, root + 1, root)


def _next_after(x: Any, y: Any, *, steps: Any = None) -> Any:
    return reduce(lambda at, _: np.nextafter(at, y), range(1 if steps is None else steps), x)


def _unit(x: Any) -> Any:
    return np.where(np.isinf(x), np.inf, np.spacing(np.abs(x)))


def _polar(z: Any) -> Any:
    return np.abs(z), np.angle(z)


def _rectangular(r: Any, phi: Any) -> Any:
    return r * np.cos(phi) + 1j * (r * np.sin(phi))


# --- The table

_ALIKE = (
    "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "cbrt", "copysign", "cos", "cosh", "degrees", "exp",
    "exp2", "expm1", "fabs", "fmod", "log10", "log1p", "log2", "pow", "radians", "sin", "sinh", "sqrt", "tan",
    "tanh",
)
_NAMES = {"acos": "arccos", "acosh": "arccosh", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan",
          "atan2": "arctan2", "atanh": "arctanh", "pow": "power"}
_TESTS = ("isfinite", "isinf", "isnan")
_OTHERS: dict[str, Callable[..., Any]] = {
    "log": _float(_log), "hypot": _float(_hypot), "dist": _dist, "fsum": _sum, "prod": _product,
    "sumprod": _sum_of_products, "isclose": partial(_is_close, "f"), "remainder": _float(_remainder),
    "nextafter": _next_after, "ldexp": lambda x, i: _number(np.ldexp(_number(x), _number(i, "i"))),
    "floor": _float(np.floor, "i"), "ceil": _float(np.ceil, "i"), "trunc": _float(np.trunc, "i"),
    "modf": _float(np.modf, "ff"), "frexp": _float(np.frexp, "fi"), "ulp": _float(_unit),
    "erf": _float(fnp.erf), "erfc": _float(fnp.erfc), "gamma": _float(lambda x: _special.gamma(x)),
    "lgamma": _float(lambda x: _special.gammaln(x)), "fma": _float(lambda x, y, z: x * y + z),
    "gcd": _integers(lambda *ns: reduce(np.gcd, ns, 0)), "lcm": _integers(lambda *ns: reduce(np.lcm, ns, 1)),
    "isqrt": _integers(_integer_root),
}
_COMPLEX = {
    **{name: _complex(getattr(np, _NAMES.get(name, name))) for name in _ALIKE if hasattr(cmath, name)},
    **{name: _complex(getattr(np, name), "b") for name in _TESTS},
    "log": _complex(_log), "phase": _complex(np.angle, "f"), "polar": _complex(_polar, "ff"),
    "isclose": partial(_is_close, "c"), "rect": _float(_rectangular, "c"),
}
_ROWS = {
    math: {
        **{name: _float(getattr(np, _NAMES.get(name, name))) for name in _ALIKE},
        **{name: _float(getattr(np, name), "b") for name in _TESTS},
        **_OTHERS,
    },
    cmath: _COMPLEX,
}
RULES: dict[Callable[..., Any], Callable[..., Any]] = {
    getattr(module, name): rule for module, rules in _ROWS.items() for name, rule in rules.items()
    if hasattr(module, name)  # as `math.cbrt` from Python 3.11 on
}
"""For a function of `math` or `cmath`, what runs where a number is traced."""
