"""The table of all primitives: one row each, from which every property law draws its inputs.

A row says where an operation is smooth (its domain), with which shapes and parameters it is tried,
what NumPy calls it (its oracle), and where its slope is infinite.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from fnad.ir.primitive import REGISTRY, Primitive
from fnad.ir.types import ArrayType, is_inexact
from fnad.ops.complexes import SLOPES
from fnad.testing.strategies import Shape, numbers
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import special

# Every module that may declare a primitive.
for _package in ("fnad.ops", "fnad.random", "fnad.nn"):
    if find_spec(_package) is not None:
        for _module in pkgutil.iter_modules(getattr(importlib.import_module(_package), "__path__", ()), f"{_package}."):
            importlib.import_module(_module.name)

DTYPES = ("bool", "int32", "int64", "uint8", "float32", "float64", "complex64", "complex128")
SHAPES: tuple[Shape, ...] = ((2, 3), (), (0,), (1,), (3, 0, 2))
INTEGERS, INEXACT = DTYPES[1:4], DTYPES[4:]
GRID = 8  # smooth points lie on a grid of this many points a unit, shifted off the integers


@dataclass(frozen=True)
class Domain:
    """Where one input is drawn: a grid between two bounds, off the integers, where kinks like to be.

    Attributes:
        offset: how far the grid is off; two inputs that must differ have different offsets.
        dtype: the input's own dtype; by default it has the dtype that is being tried.
        exact: whether to stay within the bounds even where special values are asked for.
    """

    low: float = -2.0
    high: float = 2.0
    offset: float = 0.05
    dtype: str | None = None
    exact: bool = False
    unique: bool = False

    def smooth(self, dtype: Any) -> st.SearchStrategy[Any]:
        """Numbers at which derivatives and differences agree."""
        dtype = np.dtype(dtype)
        if dtype.kind in "biu":
            return numbers(dtype, low=self.low, high=self.high)
        first, last = np.ceil((self.low - self.offset) * GRID), np.floor((self.high - self.offset) * GRID)
        points = st.integers(int(first), int(last)).map(lambda k: k / GRID + self.offset)
        if dtype.kind == "c":
            return st.builds(complex, points, points.map(lambda x: x / 2 + 0.02))
        return points.map(dtype.type)

    def wild(self, dtype: Any) -> st.SearchStrategy[Any]:
        """Any numbers: signed zeros, infinities and nan among them (real ones: NumPy's complex infinities vary)."""
        return self.smooth(dtype) if self.exact else numbers(dtype, special_values=np.dtype(dtype).kind == "f")


@dataclass(frozen=True)
class Sample:
    """Shapes of the inputs, and the parameters that go with them."""

    shapes: tuple[Shape, ...]
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, repr=False, eq=False)
class Case:
    """One primitive's row, or, named ``primitive/part``, a row for some dtypes of it.

    Attributes:
        domains: one for each input; the last one stands for all further inputs.
        samples: what it is tried on; the first is the one that gets compiled.
        oracle: the independent meaning, ``(*inputs, **params)``.
        singular: inputs at which the slope is infinite, but a zero cotangent must stay zero.
        ulp: how far compiled values may be from the interpreted ones; 0 is bit for bit.
        reorders: whether compiled code may add up in another order, or adds terms that may cancel.
        order: the highest order at which derivatives are checked against differences.
        dtypes: the dtypes to try; by default all that the type rule takes.
    """

    name: str
    domains: tuple[Domain, ...]
    samples: tuple[Sample, ...]
    oracle: Callable[..., Any]
    singular: tuple[tuple[float, ...], ...] = ()
    ulp: int = 0
    reorders: bool = False
    order: int = 2
    dtypes: tuple[str, ...] = DTYPES

    def __repr__(self) -> str:
        return self.name

    @property
    def primitive(self) -> Primitive:
        return REGISTRY[self.name.partition("/")[0]]

    def call(self, *inputs: Any, sample: Sample) -> list[Any]:
        """The operation's outputs."""
        return listed(self.primitive(*inputs, **sample.params))

    def domain(self, i: int) -> Domain:
        return self.domains[min(i, len(self.domains) - 1)]

    def input_dtypes(self, sample: Sample, dtype: str) -> list[np.dtype]:
        return [np.dtype(self.domain(i).dtype or dtype) for i in range(len(sample.shapes))]

    def input_types(self, sample: Sample, dtype: str) -> list[ArrayType]:
        return [ArrayType(*t) for t in zip(sample.shapes, self.input_dtypes(sample, dtype))]

    def takes(self, dtype: str, sample: Sample | None = None) -> bool:
        """Whether the type rule takes operands of a dtype."""
        sample = sample or self.samples[0]
        try:
            self.primitive.type_rule(*self.input_types(sample, dtype), **sample.params)
        except (TypeError, ValueError):
            return False
        return dtype in self.dtypes

    def is_smooth(self, dtype: str, sample: Sample) -> bool:
        """Whether a derivative flows from an operand of this dtype to the output."""
        if not self.takes(dtype, sample):
            return False
        types = self.input_types(sample, dtype)
        outputs = self.primitive.type_rule(*types, **sample.params)
        outputs = [outputs] if isinstance(outputs, ArrayType) else outputs
        flows = [is_inexact(t.dtype) and self.primitive.differentiates(i) for i, t in enumerate(types)]
        return any(flows) and any(is_inexact(t.dtype) for t in outputs)

    def inputs(self, sample: Sample, dtype: str, wild: bool = False) -> st.SearchStrategy[list[np.ndarray]]:
        """Inputs for a sample: smooth points, or any."""
        drawn = []
        for i, (shape, own) in enumerate(zip(sample.shapes, self.input_dtypes(sample, dtype))):
            domain = self.domain(i)
            elements = domain.wild(own) if wild else domain.smooth(own)
            unique = domain.unique and own.kind in "fc" and not wild
            drawn.append(hnp.arrays(own, shape, elements=elements, unique=unique))
        return st.tuples(*drawn).map(list)


def listed(outputs: Any) -> list[Any]:
    """One output, or a tuple of several, as a list."""
    return list(outputs) if isinstance(outputs, tuple) else [outputs]


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
    return np.where((g == 0) & (y == 0), g * 0, g / np.where((g == 0) & (y == 0), 1, y)).astype(g.dtype)


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
        "singular": ((0.0, 0.5), (0.0, -1.0), (0.0, 0.0)), "ulp": VECTOR_MATH, "dtypes": INEXACT,
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
         lambda x, function: getattr(np, function)(x)),
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

_ROWS = [
    *(_elementwise_case(name, *row) for name, row in _ELEMENTWISE.items()),
    *_CONVERSIONS, *_SHAPING, *_REDUCTIONS, *_INDEXING, *_LAYERS,
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
    "switch": "tests/control/test_switch.py",
    "while_loop": "tests/control/test_while_loop.py",
    "normal_noise": "tests/random/test_samplers.py",
    "gumbel_noise": "tests/random/test_samplers.py",
}
