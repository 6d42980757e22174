"""Integrals of elementary functions, element by element: SciPy's loops, with derivatives."""

from __future__ import annotations

from math import factorial, pi
from typing import Any

from fnad.ops.elementwise import choose, cos, cosh, exp, log1p, sin, sinh
from fnad.ops.foreign import foreign, polynomial
from fnad.ops.gamma import hyp2f1
from fnad.ops.special import sinc

# --- Exponential integrals

exp1 = foreign("exp1", [lambda y, x: -(exp(-x) / x)])
expi = foreign("expi", [lambda y, x: exp(x) / x])


def _expn_slope(y: Any, n: Any, x: Any) -> Any:
    """Minus the integral of the order below, of which that of order 0 is exp(-x) / x."""
    first = exp(-x) / x
    return -choose(n > 1, expn(choose(n > 1, n - 1, 1), x), choose(n > 0, first, first * (1 / x + 1)))


expn = foreign("expn", [None, _expn_slope])

# --- Of quotients by x, whose series are taken near 0

_SINH_QUOTIENT = [1 / factorial(2 * k + 1) for k in range(10)]


def _sine_quotient(x: Any) -> Any:
    return sinc(x * (1 / pi)) if x.dtype.kind == "f" else sin(x) / x


def _sinh_quotient(x: Any) -> Any:
    if x.dtype.kind == "c":
        return sinh(x) / x
    is_near = abs(x) < 1
    near, far = choose(is_near, x, 0), choose(is_near, 1, x)
    return choose(is_near, polynomial(near * near, _SINH_QUOTIENT), sinh(far) / far)


sici = foreign("sici", [lambda y, x: (_sine_quotient(x), cos(x) / x)])
shichi = foreign("shichi", [lambda y, x: (_sinh_quotient(x), cosh(x) / x)])


def _log_quotient(u: Any) -> Any:
    """log(1 + u) / u"""
    if u.dtype.kind == "c":
        return log1p(u) / u
    is_near = abs(u) < 0.25
    near, far = choose(is_near, u, 0), choose(is_near, 1, u)
    return choose(is_near, polynomial(-near, [1 / (k + 1) for k in range(26)]), log1p(far) / far)


# The integral of log(t) / (1 - t) from 1 on.
spence = foreign("spence", [lambda y, z: -_log_quotient(z - 1)])

# --- Complete elliptic integrals of the parameter m

ellipk = foreign("ellipk", [lambda y, m: hyp2f1(1.5, 1.5, 2.0, m) * (pi / 8)])
ellipkm1 = foreign("ellipkm1", [lambda y, p: hyp2f1(1.5, 1.5, 2.0, 1 - p) * (-pi / 8)])
ellipe = foreign("ellipe", [lambda y, m: hyp2f1(0.5, 1.5, 2.0, m) * (-pi / 8)])
