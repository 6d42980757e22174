"""The table of all primitives: one row each, from which every property law draws its inputs.

The rows of a family that has a file in `families/` are its ROWS; OTHERWISE there says what is tried elsewhere.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import numpy as np
from fnad.ops.complexes import SLOPES
from scipy import special

from tests.properties import families
from tests.properties.row import DTYPES as DTYPES
from tests.properties.row import INEXACT, INTEGERS, SHAPES, Case, Domain, Sample, Shape
from tests.properties.row import listed as listed


# --- Elementwise


def _complex(re: Any, im: Any) -> Any:
    parts = np.stack([re, im], axis=-1)
    return parts.view(np.result_type(re, np.complex64))[..., 0]


APART = Domain(0.3, 1.2)  # of complex numbers, from 0 and from where functions jump
ANY = Domain()
SECOND = Domain(offset=0.1)
POSITIVE = Domain(0.25, 4.0)
POSITIVE_SECOND = Domain(0.25, 4.0, offset=0.0637)
INSIDE = Domain(-0.8, 0.8)
# Quotients between 1 and 2, or -2 and -1: away from whole numbers.
BEYOND, BELOW, DIVISOR = Domain(4.0, 6.0), Domain(-6.0, -4.0), Domain(3.0, 3.9)
CONDITION = Domain(dtype="bool")
SMALL = Domain(0, 3, exact=True)
ZERO = ((0.0,),)
ONES = ((1.0,), (-1.0,))
BOTH_ZERO = ((0.0, 0.0),)

# How far the library's own vector math may be from NumPy's.
VECTOR_MATH = 4


def cosine(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """x / hypot(x, y), 0 at the origin, and 1 or -1 where x is infinite."""
    origin = (x == 0) & (y == 0)
    ratio = x / np.where(origin, np.ones_like(x), np.hypot(x, y))
    return np.select([np.isinf(x), origin], [np.sign(x), np.zeros_like(x)], ratio)


def _guarded_div(g: Any, y: Any) -> Any:
    is_hidden = (g == 0) & ~(abs(y) > 0)  # of 0 or nan
    return np.where(is_hidden, g * 0, g / np.where(is_hidden, 1, y)).astype(g.dtype)


def _guarded_mul(g: Any, d: Any) -> Any:
    is_zero = (g == 0) & ~np.isfinite(d) | (d == 0) & ~np.isfinite(g)
    return np.where(is_zero, np.zeros((), g.dtype), g * d)


def _weight(wins: Any) -> Callable[..., Any]:
    return lambda x, y: np.where(x == y, 0.5, np.isnan(x) | wins(x, y)).astype(x.dtype)


# name: (domains, {what differs from the defaults})
_ELEMENTWISE: dict[str, tuple[tuple[Domain, ...], dict[str, Any]]] = {
    "neg": ((ANY,), {"oracle": np.negative}),
    "add": ((ANY, SECOND), {}),
    "sub": ((ANY, SECOND), {"oracle": np.subtract}),
    "mul": ((ANY, SECOND), {"oracle": np.multiply}),
    "div": ((ANY, POSITIVE_SECOND), {"oracle": np.divide, "singular": ((1.0, 0.0), (0.0, 0.0))}),
    "guarded_div": ((ANY, POSITIVE_SECOND), {"oracle": _guarded_div, "singular": ((1.0, 0.0), (0.0, 0.0))}),
    "guarded_mul": ((ANY, SECOND), {"oracle": _guarded_mul, "singular": ((0.0, np.inf), (0.0, np.nan))}),
    "abs": ((ANY,), {}),
    "sign": ((ANY,), {}),
    "square": ((ANY,), {}),
    "one_minus_square": ((ANY,), {"oracle": lambda x: (1 - x) * (1 + x)}),
    "floor_div": ((ANY, POSITIVE_SECOND), {"oracle": np.floor_divide}),
    "mod": ((BEYOND, DIVISOR), {}),
    "mod/negative": ((BELOW, DIVISOR), {"oracle": np.mod, "dtypes": INEXACT}),
    "fmod": ((BEYOND, DIVISOR), {}),
    "fmod/negative": ((BELOW, DIVISOR), {"oracle": np.fmod, "dtypes": INEXACT}),
    "copysign": ((ANY, SECOND), {}),
    "nextafter": ((ANY, SECOND), {}),
    "sqrt": ((POSITIVE,), {"singular": ZERO}),
    "cbrt": ((POSITIVE,), {"singular": ZERO, "ulp": VECTOR_MATH}),
    "power": ((POSITIVE, SECOND), {
        "singular": ((0.0, 0.5), (0.0, -1.0), (0.0, 0.0)), "ulp": VECTOR_MATH, "dtypes": INEXACT[:2],
    }),
    # By the logarithm, as NumPy's: the error grows with |y log x|.
    "power/complex": ((POSITIVE, SECOND), {
        "oracle": np.power, "singular": ((0.0, 0.5), (0.0, -1.0), (0.0, 0.0)), "ulp": 128, "dtypes": INEXACT[2:],
    }),
    "power/integers": ((ANY, SMALL), {"oracle": np.power, "dtypes": INTEGERS}),
    "hypot": ((ANY, SECOND), {"singular": BOTH_ZERO, "ulp": VECTOR_MATH}),
    "cosine": ((ANY, SECOND), {"oracle": lambda x, y: cosine(x, y), "singular": BOTH_ZERO, "ulp": VECTOR_MATH}),
    "exp": ((ANY,), {"ulp": VECTOR_MATH}),
    "exp2": ((ANY,), {"ulp": VECTOR_MATH}),
    "expm1": ((ANY,), {"ulp": VECTOR_MATH}),
    "log": ((POSITIVE,), {"singular": ZERO, "ulp": VECTOR_MATH}),
    "log2": ((POSITIVE,), {"singular": ZERO, "ulp": VECTOR_MATH}),
    "log10": ((POSITIVE,), {"singular": ZERO, "ulp": VECTOR_MATH}),
    "log1p": ((Domain(-0.7, 4.0),), {"singular": ((-1.0,),), "ulp": VECTOR_MATH}),
    "sigmoid": ((ANY,), {"oracle": special.expit, "ulp": VECTOR_MATH}),
    "erf": ((ANY,), {"oracle": special.erf, "ulp": VECTOR_MATH}),
    "erfc": ((ANY,), {"oracle": special.erfc, "ulp": VECTOR_MATH}),
    "gaussian": ((ANY,), {"oracle": lambda x: np.exp(-(x * x)), "ulp": VECTOR_MATH}),
    "xlogy": ((ANY, POSITIVE_SECOND), {"oracle": special.xlogy, "singular": ((1.0, 0.0),), "ulp": VECTOR_MATH}),
    "logaddexp": ((ANY, SECOND), {"singular": ((-np.inf, -np.inf),), "ulp": VECTOR_MATH, "reorders": True}),
    "logaddexp2": ((ANY, SECOND), {"singular": ((-np.inf, -np.inf),), "ulp": VECTOR_MATH, "reorders": True}),
    "sin": ((ANY,), {"ulp": VECTOR_MATH}),
    "cos": ((ANY,), {"ulp": VECTOR_MATH}),
    "tan": ((Domain(-1.0, 1.0),), {"ulp": VECTOR_MATH}),
    "arcsin": ((INSIDE,), {"singular": ONES, "ulp": VECTOR_MATH}),
    "arccos": ((INSIDE,), {"singular": ONES, "ulp": VECTOR_MATH}),
    "arctan": ((ANY,), {"ulp": VECTOR_MATH}),
    "arctan2": ((ANY, SECOND), {"singular": BOTH_ZERO, "ulp": VECTOR_MATH}),
    "sinh": ((ANY,), {"ulp": VECTOR_MATH}),
    "cosh": ((ANY,), {"ulp": VECTOR_MATH}),
    "tanh": ((ANY,), {"ulp": VECTOR_MATH}),
    "sech_square": ((ANY,), {"oracle": lambda x: np.square(1 / np.cosh(x)), "ulp": 3 * VECTOR_MATH}),
    "arcsinh": ((ANY,), {"ulp": VECTOR_MATH}),
    "arccosh": ((Domain(1.25, 4.0),), {"singular": ((1.0,),), "ulp": VECTOR_MATH}),
    "arctanh": ((INSIDE,), {"singular": ONES, "ulp": VECTOR_MATH}),
    "sinc": ((ANY,), {"ulp": VECTOR_MATH}),
    "max_weight": ((ANY, SECOND), {"oracle": _weight(np.greater)}),
    "min_weight": ((ANY, SECOND), {"oracle": _weight(np.less)}),
    "maximum": ((ANY, SECOND), {}),
    "minimum": ((ANY, SECOND), {}),
    "fmax": ((ANY, SECOND), {}),
    "fmin": ((ANY, SECOND), {}),
    "select": ((CONDITION, ANY, SECOND), {"oracle": np.where}),
    "choose": ((CONDITION, ANY, SECOND), {"oracle": np.where}),
    "relu": ((ANY,), {"oracle": lambda x: np.maximum(x, x.dtype.type(0))}),
    "relu_backward": ((ANY, SECOND), {"oracle": lambda g, y: np.where(y <= 0, g.dtype.type(0), g)}),
    "eq": ((ANY, ANY), {"oracle": np.equal}),
    "ne": ((ANY, ANY), {"oracle": np.not_equal}),
    "lt": ((ANY, ANY), {"oracle": np.less}),
    "le": ((ANY, ANY), {"oracle": np.less_equal}),
    "gt": ((ANY, ANY), {"oracle": np.greater}),
    "ge": ((ANY, ANY), {"oracle": np.greater_equal}),
    "and": ((ANY, ANY), {"oracle": np.bitwise_and}),
    "or": ((ANY, ANY), {"oracle": np.bitwise_or}),
    "xor": ((ANY, ANY), {"oracle": np.bitwise_xor}),
    "not": ((ANY,), {"oracle": np.invert}),
    "gcd": ((Domain(-60, 60), Domain(-60, 60)), {}),
    "shift_left": ((ANY, SMALL), {"oracle": np.left_shift}),
    "shift_right": ((ANY, SMALL), {"oracle": np.right_shift}),
    "isnan": ((ANY,), {}),
    "isinf": ((ANY,), {}),
    "isfinite": ((ANY,), {}),
    "signbit": ((ANY,), {}),
    "floor": ((ANY,), {}),
    "ceil": ((ANY,), {}),
    "trunc": ((ANY,), {}),
    "rint": ((ANY,), {}),
    "conjugate": ((ANY,), {}),
    "real": ((ANY,), {}),
    "imag": ((ANY,), {}),
    "unit": ((APART,), {"oracle": np.sign}),
    "complex": ((ANY, SECOND), {"oracle": _complex}),
    "copy": ((ANY,), {}),
    "stop_gradient": ((ANY,), {"oracle": np.array}),
}


def _elementwise_case(name: str, domains: tuple[Domain, ...], more: dict[str, Any]) -> Case:
    samples = tuple(Sample((shape,) * len(domains)) for shape in SHAPES)
    return Case(name, domains, samples, **{"oracle": getattr(np, name, None), **more})


# --- Conversions: one sample for each target

F32, F64, I32, I64 = (np.dtype(t) for t in ("float32", "float64", "int32", "int64"))
C128, BOOL = np.dtype("complex128"), np.dtype("bool")


def _convert(x: Any, dtype: np.dtype) -> Any:
    return (x.real if x.dtype.kind == "c" and dtype.kind != "c" else x).astype(dtype)


def _targets(*dtypes: np.dtype) -> tuple[Sample, ...]:
    return tuple(Sample((shape,), {"dtype": dtype}) for dtype in dtypes for shape in ((2, 3), ()))


# --- Shapes


def _broadcast(x: Any, shape: Shape, dims: tuple[int, ...]) -> Any:
    return np.broadcast_to(np.expand_dims(x, [i for i in range(len(shape)) if i not in dims]), shape)


def _slice(x: Any, starts: Any, stops: Any, steps: Any) -> Any:
    return x[(..., *map(slice, starts, stops, steps))]


def _pad(x: Any, low: Any, high: Any, interior: Any) -> Any:
    for axis, gap in enumerate(interior):
        inner = np.arange(1, x.shape[axis]) if gap else []
        x = np.insert(x, np.repeat(np.asarray(inner, int), gap), 0, axis)
    return np.pad(x, list(zip(low, high))) if x.ndim else x


def _window(shape: Shape, starts: Shape, stops: Shape, steps: Shape) -> Sample:
    return Sample((shape,), {"starts": starts, "stops": stops, "steps": steps})


def _set_slice(x: Any, value: Any, starts: Any, stops: Any, steps: Any) -> Any:
    y = x.copy()
    y[(..., *map(slice, starts, stops, steps))] = value
    return y


def _replaced(shape: Shape, window: Shape, *ranges: Shape) -> Sample:
    return Sample((shape, window), _window(shape, *ranges).params)


def _padding(shape: Shape, low: Shape, high: Shape, interior: Shape) -> Sample:
    return Sample((shape,), {"low": low, "high": high, "interior": interior})


def _one(shape: Shape, /, **params: Any) -> Sample:
    return Sample((shape,), params)


_SHAPING = [
    Case("broadcast", (ANY,), (
        _one((2, 3), shape=(4, 2, 3), dims=(1, 2)), _one((2,), shape=(2, 3), dims=(0,)),
        _one((), shape=(2, 0), dims=()), _one((), shape=(), dims=()), _one((1,), shape=(1, 5), dims=(0,)),
        _one((0,), shape=(3, 0, 2), dims=(1,)),
    ), _broadcast),
    Case("reduce_sum", (ANY,), (
        _one((3, 4), axes=(1,)), _one((3, 4), axes=(0,)), _one((2, 3, 2), axes=(0, 2)), _one((3, 4), axes=(0, 1)),
        _one((), axes=()), _one((0,), axes=(0,)), _one((1,), axes=()), _one((3, 0, 2), axes=(1,)),
        _one((3, 0, 2), axes=(0,)),
    ), lambda x, axes: np.sum(x, axis=axes, dtype=x.dtype), reorders=True),
    Case("reshape", (ANY,), (
        _one((2, 3), shape=(3, 2)), _one((2, 3), shape=(6,)), _one((1,), shape=()), _one((), shape=(1, 1)),
        _one((3, 0, 2), shape=(0,)),
    ), lambda x, shape: x.reshape(shape)),
    Case("transpose", (ANY,), (
        _one((2, 3), perm=(1, 0)), _one((2, 3, 4), perm=(2, 0, 1)), _one((), perm=()), _one((3, 0, 2), perm=(2, 1, 0)),
    ), lambda x, perm: x.transpose(perm)),
    Case("barrier", (ANY,), (_one((2, 3)), _one(()), _one((0,))), np.array),
    Case("holomorphic", (APART,), tuple(_one((2, 3), function=name) for name in SLOPES),
         lambda x, function: getattr(np, function)(x), ulp=2 * VECTOR_MATH),
    Case("flip", (ANY,), (
        _one((2, 3), axes=(1,)), _one((2, 3), axes=(0, 1)), _one((), axes=()), _one((3, 0, 2), axes=(0,)),
    ), lambda x, axes: np.flip(x, axes)),
    Case("slice", (ANY,), (
        _window((4, 5), (1, 0), (4, 5), (1, 2)), _window((4, 5), (2, 3), (2, 4), (1, 1)), _window((), (), (), ()),
        _window((7,), (1,), (7,), (3,)), _window((3, 0, 2), (0, 0, 1), (3, 0, 2), (2, 1, 1)),
    ), _slice),
    Case("set_slice", (ANY, SECOND), (
        _replaced((4, 5), (3, 3), (1, 0), (4, 5), (1, 2)), _replaced((4, 5), (0, 1), (2, 3), (2, 4), (1, 1)),
        _replaced((), (), (), (), ()), _replaced((7,), (2,), (1,), (7,), (3,)),
        _replaced((3, 0, 2), (2, 0, 1), (0, 0, 1), (3, 0, 2), (2, 1, 1)),
        _replaced((2, 3), (2, 3), (0, 0), (2, 3), (1, 1)),
    ), _set_slice),
    Case("pad", (ANY,), (
        _padding((2, 3), (1, 0), (0, 2), (0, 1)), _padding((), (), (), ()), _padding((0,), (2,), (1,), (0,)),
        _padding((1,), (1,), (1,), (3,)), _padding((3, 0, 2), (0, 1, 0), (0, 0, 0), (1, 0, 2)),
    ), _pad),
    Case("concatenate", (ANY, SECOND), (
        Sample(((2, 3), (2, 1)), {"axis": 1}), Sample(((2, 3), (1, 3), (2, 3)), {"axis": 0}),
        Sample(((1,),), {"axis": 0}), Sample(((0,), (2,)), {"axis": 0}), Sample(((3, 0, 2), (3, 1, 2)), {"axis": 1}),
    ), lambda *xs, axis: np.concatenate(xs, axis)),
]

# --- Reductions, scans and order

DISTINCT = Domain(unique=True)
FULL = (
    _one((3, 4), axes=(1,)), _one((3, 4), axes=(0,)), _one((2, 3, 2), axes=(0, 2)), _one((3, 4), axes=(0, 1)),
    _one((), axes=()), _one((1,), axes=(0,)), _one((3, 0, 2), axes=(0,)),
)
EMPTY = (_one((0,), axes=(0,)), _one((3, 0, 2), axes=(1,)))
ALONG = (
    _one((3, 4), axis=1), _one((3, 4), axis=0), _one((2, 3, 2), axis=1), _one((1,), axis=0), _one((3, 0, 2), axis=0),
)


def _norm(x: Any, axes: Any) -> Any:
    return np.sqrt(np.sum(x * x, axis=axes, dtype=x.dtype))


def _power_norm(x: Any, axes: Any, order: float) -> Any:
    return np.sum(x**order, axis=axes, dtype=x.dtype) ** (1 / order)


def _logsumexp(x: Any, axes: Any) -> Any:
    return special.logsumexp(x, axis=axes) if axes else x


def _recurrence(a: Any, b: Any, axis: int) -> Any:
    y = b.copy()
    for i in range(1, b.shape[axis]):
        here, before = (np.s_[(slice(None),) * axis + (k,)] for k in (i, i - 1))
        y[here] = a[here] * y[before] + b[here]
    return y


_REDUCTIONS = [
    Case("reduce_norm", (ANY,), FULL + EMPTY, _norm, ulp=VECTOR_MATH, reorders=True),
    Case("reduce_power_norm", (POSITIVE,), (
        _one((3, 4), axes=(1,), order=3.0), _one((2, 3, 2), axes=(0, 2), order=-2.0),
        _one((3, 4), axes=(0,), order=0.5), _one((3, 0, 2), axes=(0,), order=1.5),
    ), _power_norm, ulp=VECTOR_MATH, reorders=True),
    Case("reduce_logsumexp", (ANY,), FULL, _logsumexp, ulp=VECTOR_MATH, reorders=True),
    Case("reduce_prod", (ANY,), FULL + EMPTY, lambda x, axes: np.prod(x, axis=axes, dtype=x.dtype), reorders=True),
    Case("reduce_max", (DISTINCT,), FULL, lambda x, axes: np.max(x, axis=axes)),
    Case("reduce_min", (DISTINCT,), FULL, lambda x, axes: np.min(x, axis=axes)),
    Case("reduce_and", (ANY,), FULL + EMPTY, lambda x, axes: np.all(x, axis=axes)),
    Case("reduce_or", (ANY,), FULL + EMPTY, lambda x, axes: np.any(x, axis=axes)),
    Case("argmax", (ANY,), ALONG, np.argmax),
    Case("argmin", (ANY,), ALONG, np.argmin),
    Case("cumsum", (ANY,), (*ALONG, _one((3, 0, 2), axis=1)), lambda x, axis: np.cumsum(x, axis=axis, dtype=x.dtype)),
    Case("cumprod", (ANY,), (*ALONG, _one((3, 0, 2), axis=1)), lambda x, axis: np.cumprod(x, axis=axis, dtype=x.dtype)),
    Case("recurrence", (ANY, SECOND), tuple(Sample(s.shapes * 2, s.params) for s in ALONG), _recurrence,
         dtypes=("float32", "float64", "complex128")),
    Case("argsort", (ANY,), (*ALONG, _one((3, 0, 2), axis=1)), lambda x, axis: np.argsort(x, axis=axis, kind="stable")),
]

_CONVERSIONS = [
    Case("convert", (Domain(0.0, 4.0, exact=True),), _targets(F64, F32, I64, BOOL, C128), _convert),
    Case("bitcast", (ANY,), _targets(I64, I32, F64, F32), lambda x, dtype: np.array(x).view(dtype)),
]

# --- Products, and reading and writing at computed places

PLACES = Domain(-2, 1, dtype="int64", exact=True)


MODES = {"set": lambda old, new: new, "add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}


def _scatter(x: Any, updates: Any, *indices: Any, mode: str) -> Any:
    y = x.copy()
    for i, place in enumerate(zip(*indices)):
        y[place] = MODES[mode](y[place], updates[i])
    return y


def _writes(mode: str) -> Case:
    shapes = (((4,), (5,), (5,)), ((3, 2), (4, 2), (4,)), ((2, 3), (4,), (4,), (4,)), ((2,), (0,), (0,)))
    return Case(
        f"scatter/{mode}", (ANY, Domain(offset=0.1, unique=True), PLACES),
        tuple(Sample(each, {"mode": mode}) for each in shapes), _scatter,
        dtypes=("int64", *(INEXACT if mode in ("set", "add", "mul") else INEXACT[:2])), reorders=mode in ("add", "mul"),
    )


_INDEXING = [
    Case("matmul", (ANY, SECOND), tuple(Sample(each) for each in (
        ((3, 4), (4, 2)), ((2, 3, 4), (2, 4, 1)), ((1, 1), (1, 1)), ((2, 0), (0, 3)), ((3, 0, 2), (3, 2, 1)),
    )), np.matmul, reorders=True),
    Case("gather", (ANY, PLACES), tuple(Sample(each) for each in (
        ((3, 4), (5,)), ((2,), (1,)), ((2, 3), (4,), (4,)), ((2, 3, 0), (4,), (4,)), ((3, 4), (0,)),
    )), lambda x, *indices: x[indices]),
    *map(_writes, MODES),
]

# --- Layers and losses

CLASSES = Domain(0, 3, dtype="int64", exact=True)
REAL = Domain(exact=True)
LOGITS = (Sample(((3, 4), (3, 4))), Sample(((1, 4), (1, 4))), Sample(((0, 4), (0, 4))))
LABELLED = (Sample(((3, 4), (3,))), Sample(((1, 4), (1,))), Sample(((0, 4), (0,))))
MATRICES = (((3, 4), (4, 2), (2,)), ((1, 1), (1, 1), (1,)), ((0, 2), (2, 3), (3,)), ((2, 0), (0, 3), (3,)))


def _dense(x: Any, w: Any, b: Any, relu: bool) -> Any:
    return np.maximum(x @ w + b, x.dtype.type(0)) if relu else x @ w + b


def _relu_backward_sum(g: Any, y: Any) -> Any:
    masked = np.where(y <= 0, g.dtype.type(0), g)
    return masked, masked.sum(axis=0)


def _mse(p: Any, t: Any) -> Any:
    return np.mean((p - t) ** 2)


def _mse_with_gradient(p: Any, t: Any) -> Any:
    scale = p.dtype.type(1 / max(p.size, 1))
    return np.full(min(p.size, 1), scale * np.sum((p - t) ** 2), p.dtype), 2 * scale * (p - t)


def _cross_entropy(logits: Any, labels: Any) -> Any:
    """Losses of the rows, and their gradient."""
    weights = labels if labels.ndim == 2 else np.eye(logits.shape[1], dtype=logits.dtype)[labels]
    scale, logs = logits.dtype.type(1 / max(len(logits), 1)), special.log_softmax(logits, axis=1)
    losses = -np.sum(weights * logs, axis=1)
    return scale * losses, scale * (np.exp(logs) * weights.sum(axis=1, keepdims=True) - weights)


def _mean_cross_entropy(logits: Any, labels: Any) -> Any:
    return _cross_entropy(logits, labels)[0].sum()


def _losses(name: str, oracle: Callable[..., Any], samples: int) -> list[Case]:
    more = {"ulp": VECTOR_MATH, "reorders": True}
    return [Case(name, (REAL, Domain(0.25, 2.0, offset=0.1, exact=True)), LOGITS[:samples], oracle, **more),
            Case(f"{name}/labels", (REAL, CLASSES), LABELLED[:samples], oracle, **more)]


_LAYERS = [
    Case("dense", (ANY, SECOND, Domain(offset=0.0271)), tuple(
        Sample(each, {"relu": relu}) for each in MATRICES for relu in (True, False)
    ), _dense, reorders=True),
    Case("relu_backward_sum", (ANY, SECOND), tuple(
        Sample((shape, shape)) for shape in ((3, 4), (1, 1), (0, 2), (2, 0))
    ), _relu_backward_sum, reorders=True),
    Case("mse", (ANY, SECOND), tuple(Sample((s, s)) for s in SHAPES if 0 not in s), _mse, reorders=True),
    Case("mse_with_gradient", (ANY, SECOND), tuple(Sample((s, s)) for s in SHAPES), _mse_with_gradient, reorders=True),
    *_losses("softmax_cross_entropy", _mean_cross_entropy, 2),
    *_losses("softmax_cross_entropy_rows", lambda *xs: _cross_entropy(*xs)[0], 3),
    *_losses("softmax_cross_entropy_with_gradient", _cross_entropy, 3),
]

_FAMILIES = [
    importlib.import_module(f"{families.__name__}.{module.name}") for module in pkgutil.iter_modules(families.__path__)
]
_ROWS = [
    *(_elementwise_case(name, *row) for name, row in _ELEMENTWISE.items()),
    *_CONVERSIONS, *_SHAPING, *_REDUCTIONS, *_INDEXING, *_LAYERS,
    *(row for family in _FAMILIES for row in getattr(family, "ROWS", ())),
]
CASES = {case.name: case for case in _ROWS}
assert len(CASES) == len(_ROWS)

# What a row cannot draw, Programs as parameters and random bits, and where it is tried instead.
OTHERWISE = {
    "array": "tests/compiler/test_compile.py",
    "checkpoint_call": "tests/transforms/test_remat.py",
    "custom_vjp_call": "tests/transforms/test_custom.py",
    "custom_jvp_call": "tests/transforms/test_custom.py",
    "per_example": "tests/transforms/test_primitives.py",
    "debug_callback": "tests/debug/test_callbacks.py",
    "jit_call": "tests/dispatch/test_jit.py",
    "matmul_add": "tests/compiler/test_accumulate.py",
    "loop_pullback": "tests/control/test_while_loop.py",
    "loop_pushforward": "tests/control/test_while_loop.py",
    "random_bits": "tests/kernels/test_random.py",
    "scan": "tests/control/test_scan.py",
    "unset": "tests/control/test_while_loop.py",
    "switch": "tests/control/test_switch.py",
    "while_loop": "tests/control/test_while_loop.py",
    "normal_noise": "tests/random/test_samplers.py",
    "gumbel_noise": "tests/random/test_samplers.py",
    **{name: place for family in _FAMILIES for name, place in getattr(family, "OTHERWISE", {}).items()},
}
