"""NumPy's ufuncs under all of its names for them, as functions that also take lists with traced values in them.

They follow from the table of rules: each is made, with its signature and text, when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.numpy.documents import KINDS, first_line
from fnad.numpy.formulas import derivatives
from fnad.numpy.promotion import builder_of, is_traced, stacked
from fnad.numpy.ufuncs import RULES
from fnad.ownership import in_c_order

NAMES: dict[str, np.ufunc] = {
    name: value for name, value in vars(np).items() if type(value) is np.ufunc and value in RULES
}


@cache
def named(ufunc: np.ufunc) -> Callable[..., Any]:
    """A ufunc of NumPy as a function."""
    operands = ["x"] if ufunc.nin == 1 else ["x1", "x2"]
    return as_function(ufunc, ufunc.__name__, "fnad.numpy", operands, _text(ufunc, operands))


def as_function(ufunc: np.ufunc, name: str, module: str, operands: list[str], text: str) -> Callable[..., Any]:
    """A ufunc as a function that also takes lists with traced values in them."""

    def function(*args: Any, **kwargs: Any) -> Any:
        given = [stacked(builder_of(a), a) if type(a) in (list, tuple) and is_traced(a) else a for a in args]
        result = ufunc(*given, **kwargs)
        return result if kwargs else in_c_order(result, given)

    made = boundary(function)
    made.__name__ = made.__qualname__ = name
    made.__module__ = module
    made.__doc__ = text
    made.__signature__ = _signature(ufunc, operands)  # type: ignore[attr-defined]
    return made


def _signature(ufunc: np.ufunc, operands: list[str]) -> Signature:
    """The parameters that all of NumPy's ufuncs have."""
    none = None if ufunc.nout == 1 else (None,) * ufunc.nout
    keywords = {"where": True, "casting": "same_kind", "order": "K", "dtype": None, "subok": True, "signature": None}
    return Signature([
        *[Parameter(name, Parameter.POSITIONAL_ONLY) for name in operands],
        Parameter("out", Parameter.POSITIONAL_OR_KEYWORD, default=none),
        *[Parameter(name, Parameter.KEYWORD_ONLY, default=default) for name, default in keywords.items()],
    ])


def _text(ufunc: np.ufunc, operands: list[str]) -> str:
    kinds = "".join(RULES[ufunc])
    dtypes = ", ".join([words for kind, words in KINDS.items() if kind in kinds])
    return f"""{first_line(ufunc)}

    `numpy.{ufunc.__name__}`, of traced values too.

    Args:
        {', '.join(operands)}: arrays, numbers, traced values or lists of them, of shapes that broadcast.
        out, where, dtype, casting, signature: as NumPy's; where a mask has no place, and there is no ``out``, the
            result is 0.

    Returns:
        {'An array' if ufunc.nout == 1 else f'{ufunc.nout} arrays'} of their common shape.

    Raises:
        TypeError: as NumPy, of operands that it does not convert to these dtypes.

    Dtypes: {dtypes}.
    {_derivative(ufunc, operands)}

    {_example(ufunc)}
    """


_OF_BITS = {np.ldexp: "Derivatives: 2.0 ** x2 in x1.", np.frexp: "Derivative: (frexp(x)[0] / x, 0)."}
"""The derivatives of what takes numbers apart by their bits."""


def _derivative(ufunc: np.ufunc, operands: list[str]) -> str:
    if ufunc in _OF_BITS:
        return _OF_BITS[ufunc]
    rule = next((rule for kinds, rule in RULES[ufunc].items() if "f" in kinds), None)
    if rule is None:
        return "Derivative: none."
    formulas = derivatives(rule, operands)
    if len(formulas) == 1:
        return f"Derivative: {formulas[0]}."
    return f"Derivatives: {', '.join([f'{formula} in {name}' for formula, name in zip(formulas, operands)])}."


_SAMPLES = (
    ([0.25, 0.75], [0.5, 0.5]), ([1.5, 2.0], [2.0, 0.5]),  # the others are for arccosh
    ([6, 5], [1, 2]),
)
_TRUTH = ([True, False], [True, True])


def _example(ufunc: np.ufunc) -> str:
    """A call with the first operands that the ufunc takes without a warning, and NumPy's result."""
    for sample in (_TRUTH, *_SAMPLES) if "b" in RULES[ufunc] and len(RULES[ufunc]) == 1 else _SAMPLES:
        given = sample[: ufunc.nin]
        try:
            with np.errstate(all="raise"):
                result = ufunc(*given)
        except (FloatingPointError, TypeError):
            continue
        return f">>> {ufunc.__name__}({', '.join(map(repr, given))})\n    {result!r}"
    raise AssertionError(ufunc)
