"""A row of the table of primitives: what every property law draws its inputs from.

It says where an operation is smooth (its domain), with which shapes and parameters it is tried,
what NumPy calls it (its oracle), and where its slope is infinite.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

import numpy as np
from fnad.ir.primitive import REGISTRY, Primitive
from fnad.ir.types import ArrayType, is_inexact
from fnad.testing.strategies import Shape, numbers
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

# Every module that may declare a primitive.
for _package in ("fnad.ops", "fnad.random", "fnad.nn"):
    if find_spec(_package) is not None:
        for _module in pkgutil.iter_modules(getattr(importlib.import_module(_package), "__path__", ()), f"{_package}."):
            importlib.import_module(_module.name)

DTYPES = ("bool", "int32", "int64", "uint8", "float32", "float64", "complex64", "complex128")
SHAPES: tuple[Shape, ...] = ((2, 3), (), (0,), (1,), (3, 0, 2))
INTEGERS, INEXACT = DTYPES[1:4], DTYPES[4:]
COMPLEX_ULP = 4  # of compiled values: NumPy rounds a sum of two products once or twice, as its loops come
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
        ulp: how far compiled values may be from the interpreted ones; 0 is bit for bit, of real numbers.
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

    def allowed(self, dtype: str) -> int:
        """How far compiled values of a dtype may be from the interpreted ones, in units of the last place."""
        computes = self.primitive.is_elementwise and np.dtype(dtype).kind == "c"
        return max(self.ulp, COMPLEX_ULP) if computes else self.ulp

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
        return st.tuples(*drawn).map(self.arranged)

    def arranged(self, drawn: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Inputs made of arrays that were drawn one by one."""
        return list(drawn)


def listed(outputs: Any) -> list[Any]:
    """One output, or a tuple of several, as a list."""
    return list(outputs) if isinstance(outputs, tuple) else [outputs]
