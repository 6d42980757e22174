"""SciPy's ufuncs on traced values: which operation runs for which dtype.

They are looked up when a traced value is given to a ufunc that is none of NumPy's, by identity: the name that a ufunc
has is often not the one that it is called by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special as scipys

from fnad.numpy import complexes, ufuncs
from fnad.ops import elementwise as ops
from fnad.ops import erf, foreign, special

Rule = Callable[..., Any]

# What is compiled as loops of our own.
_OWN: dict[np.ufunc, dict[str, Rule]] = {
    scipys.erf: {"f": special.erf, "c": erf.complex_erf},
    scipys.erfc: {"f": special.erfc, "c": erf.complex_erfc},
    scipys.expit: {"f": special.sigmoid},
    scipys.xlogy: {"f": special.xlogy},
    scipys.log1p: {"f": ops.log1p, "c": complexes.function(np.log1p)},
    scipys.expm1: {"f": ops.expm1, "c": complexes.function(np.expm1)},
    scipys.exp2: {"f": ops.exp2},
    scipys.cbrt: {"f": ops.cbrt},
    scipys.round: {"f": ops.rint},
}

RULES: dict[np.ufunc, dict[str, Rule]] = {
    **{ufunc(): {"iufc": primitive} for primitive, ufunc in foreign.UFUNCS.items() if ufunc() is not None}, **_OWN,
}
"""For the kind of a ufunc's first operand what runs."""

ufuncs.OTHERS.update(RULES)


def _rule(ufunc: np.ufunc) -> Rule:
    """The way of a ufunc: the short one would take a Python number for one of the other operand's dtype, while SciPy's
    loops are in no order of their own, and float32 at times comes last."""
    return ufuncs.unary(ufunc) if ufunc.nin == ufunc.nout == 1 else lambda *operands: ufuncs.run(ufunc, operands)


UFUNCS: dict[np.ufunc, Rule] = {ufunc: _rule(ufunc) for ufunc in RULES}
"""What runs when an operand is traced."""

NAMES: dict[str, np.ufunc] = {
    name: value for name, value in vars(scipys).items() if type(value) is np.ufunc and value in RULES
}
