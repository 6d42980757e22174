"""SciPy's ufuncs by their names, as functions that also take lists with traced values in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from itertools import cycle
from typing import Any

import numpy as np

from fnad.numpy.named import as_function
from fnad.ops.foreign import SMOOTH
from fnad.scipy.special.ufuncs import NAMES, RULES


@cache
def named(name: str) -> Callable[..., Any]:
    """The function of a name."""
    ufunc = NAMES[name]
    operands = ["x"] if ufunc.nin == 1 else [f"x{i + 1}" for i in range(ufunc.nin)]
    return as_function(ufunc, name, "fnad.scipy.special", operands, _text(name, ufunc, operands))


def _text(name: str, ufunc: np.ufunc, operands: list[str]) -> str:
    return f"""{_first_sentence(ufunc)}

    `scipy.special.{name}`, of traced values too.

    Args:
        {', '.join(operands)}: arrays, numbers, traced values or lists of them, of shapes that broadcast.
        out, where, dtype: as SciPy's; these and casting, order, subok and signature are for ordinary arrays.

    Returns:
        {'An array' if ufunc.nout == 1 else f'{ufunc.nout} arrays'} of their common shape.

    Raises:
        TypeError: as SciPy, of operands that it does not convert to a dtype that it computes with.

    Dtypes: {', '.join(ufunc.types)}, by NumPy's letters.
    {_derivative(ufunc, operands)}

    {_example(name, ufunc)}
    """


def _first_sentence(ufunc: np.ufunc) -> str:
    """What SciPy's text begins with after the signatures."""
    paragraphs = (ufunc.__doc__ or "").strip().split("\n\n")
    first = next((p for p in paragraphs if not re.match(r"\s*\w+\(", p)), ufunc.__name__)
    return " ".join(first.split())


def _derivative(ufunc: np.ufunc, operands: list[str]) -> str:
    """In which operands there are derivatives."""
    (rule, *_) = RULES[ufunc].values()
    inputs = SMOOTH.get(rule, tuple(range(ufunc.nin)) if rule.differentiable != () else ())
    return f"Derivatives: of all orders in {' and '.join([operands[i] for i in inputs])}." if inputs else (
        "Derivative: none."
    )


_SAMPLES = ([0.5, 0.25], [1.5, 2.0], [0.25, 0.5], [0.75, 0.5])
_ORDERS = [1, 2]


def _example(name: str, ufunc: np.ufunc) -> str:
    """A call, with whole numbers for what is counted, and SciPy's result."""
    letters = next((t for t in ufunc.types if "l" in t), "d" * ufunc.nin)
    given = [_ORDERS if letter == "l" else sample for letter, sample in zip(letters[: ufunc.nin], cycle(_SAMPLES))]
    result = repr(ufunc(*given)).replace("\n", "\n    ")
    return f">>> {name}({', '.join(map(repr, given))})\n    {result}"
