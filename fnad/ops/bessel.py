"""Bessel's functions, element by element: SciPy's loops, with derivatives in the argument, and of kv in the order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fnad.ir.primitive import Primitive
from fnad.ops.elementwise import arccosh, arcsinh, exp, hypot, sign, sinh
from fnad.ops.foreign import Slope, foreign, no_slope
from fnad.ops.quadrature import EVEN, integrals


def _of_order(
    name: str, below: float, above: float, scale: Callable[..., Any] | None = None, by_order: Slope | None = None
) -> Primitive:
    """A function of an order and an argument, whose slope is made of the functions of the orders beside it.

    They come with the factors ``below`` and ``above``; with ``scale`` that times the function is added. ``by_order`` is
    the slope in the order.
    """

    def slope(y: Any, v: Any, x: Any) -> Any:
        sides = function(v - 1, x) * below + function(v + 1, x) * above
        return sides if scale is None else sides + scale(x) * y

    function = foreign(name, [by_order or no_slope(name, "v"), slope])
    return function


def _decaying(x: Any) -> Any:
    return -sign(x)


def _kv_by_order(y: Any, v: Any, x: Any) -> Any:
    """By the integral of cosh(v t) exp(-x cosh(t)) over t: of that with t tanh(v t) in it, the quotient by it.

    With c = sqrt(v² + x²) and d = t - arcsinh(v / x), the logarithm of exp(v t) exp(-x cosh(t)) is at most
    -c (cosh(d) - 1) above its largest value.
    """
    order, c = abs(v), hypot(v, x)
    peak = arcsinh(order / x)
    above, whole = integrals(EVEN, _kv_integrand, peak + arccosh(45 / c + 1), order, c, peak)
    return y * sign(v) * (above / whole)


def _kv_integrand(t: Any, order: Any, c: Any, peak: Any) -> tuple[Any, Any]:
    d = t - peak
    height = exp(-(c * 2 * sinh(d * 0.5) ** 2 + order * (sinh(d) - d)))
    mirrored = exp(order * t * -2)
    return height * (1 - mirrored) * t, height * (mirrored + 1)


# --- Of any order; those that end with e are scaled by exponentials

jv, yv = _of_order("jv", 0.5, -0.5), _of_order("yv", 0.5, -0.5)
iv, ive = _of_order("iv", 0.5, 0.5), _of_order("ive", 0.5, 0.5, _decaying)
kv = _of_order("kv", -0.5, -0.5, by_order=_kv_by_order)
kve = _of_order("kve", -0.5, -0.5, lambda x: 1, _kv_by_order)
hankel1, hankel2 = _of_order("hankel1", 0.5, -0.5), _of_order("hankel2", 0.5, -0.5)
# Of whole orders.
yn = foreign("yn", [None, lambda y, n, x: (yn(n - 1, x) - yn(n + 1, x)) * 0.5])
kn = foreign("kn", [None, lambda y, n, x: (kn(n - 1, x) + kn(n + 1, x)) * -0.5])

# --- Of the orders 0 and 1

j0 = foreign("j0", [lambda y, x: -j1(x)])
j1 = foreign("j1", [lambda y, x: (j0(x) - jv(2.0, x)) * 0.5])
y0 = foreign("y0", [lambda y, x: -y1(x)])
y1 = foreign("y1", [lambda y, x: (y0(x) - yv(2.0, x)) * 0.5])
i0 = foreign("i0", [lambda y, x: i1(x)])
i1 = foreign("i1", [lambda y, x: (i0(x) + iv(2.0, x)) * 0.5])
i0e = foreign("i0e", [lambda y, x: i1e(x) - sign(x) * y])
i1e = foreign("i1e", [lambda y, x: (i0e(x) + ive(2.0, x)) * 0.5 - sign(x) * y])
k0 = foreign("k0", [lambda y, x: -k1(x)])
k1 = foreign("k1", [lambda y, x: (k0(x) + kv(2.0, x)) * -0.5])
k0e = foreign("k0e", [lambda y, x: y - k1e(x)])
k1e = foreign("k1e", [lambda y, x: y - (k0e(x) + kve(2.0, x)) * 0.5])

# --- Airy's: Ai, Ai', Bi, Bi'

airy = foreign("airy", [lambda y, z: (y[1], z * y[0], y[3], z * y[2])])
