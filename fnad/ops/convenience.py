"""Entropies, robust losses, power transforms and the like, element by element: SciPy's loops, with derivatives."""

from __future__ import annotations

from math import factorial, pi
from typing import Any

from fnad.ops.elementwise import LN10, choose, copysign, cos, cosine, exp, guarded_div, hypot, log, log1p, minimum, sin
from fnad.ops.foreign import foreign, polynomial
from fnad.ops.special import sigmoid

# --- Logits and logarithms

logit = foreign("logit", [lambda y, p: 1 / (p * (1 - p))])
log_expit = foreign("log_expit", [lambda y, x: sigmoid(-x)])
xlog1py = foreign("xlog1py", [lambda z, x, y: log1p(y), lambda z, x, y: guarded_div(x, y + 1)])

# --- Entropies

entr = foreign("entr", [lambda y, x: -(log(x) + 1)])
rel_entr = foreign("rel_entr", [lambda z, x, y: log(x / y) + 1, lambda z, x, y: -guarded_div(x, y)])
kl_div = foreign("kl_div", [lambda z, x, y: log(x / y), lambda z, x, y: 1 - guarded_div(x, y)])

# --- Losses of residuals r


def _huber_by_residual(y: Any, delta: Any, r: Any) -> Any:
    return copysign(minimum(abs(r), delta), r)


huber = foreign("huber", [
    lambda y, delta, r: choose(abs(r) > delta, abs(r) - delta, 0), _huber_by_residual,
])


def _pseudo_huber_by_delta(y: Any, delta: Any, r: Any) -> Any:
    """(h - delta)² / h for the hypotenuse h."""
    h = hypot(delta, r)
    above = guarded_div(r * r, h + delta)
    return guarded_div(above * above, h)


# delta² (sqrt(1 + (r / delta)²) - 1)
pseudo_huber = foreign("pseudo_huber", [_pseudo_huber_by_delta, lambda y, delta, r: delta * cosine(r, delta)])

# --- Exponentials

_EXPREL_SLOPE = [(k + 1) / factorial(k + 2) for k in range(18)]


def _exprel_slope(y: Any, x: Any) -> Any:
    is_near = abs(x) < 1
    far = choose(is_near, 1, x)
    near = polynomial(choose(is_near, x, 0), _EXPREL_SLOPE)
    return choose(is_near, near, (exp(far) * (far - 1) + 1) / (far * far))


# (exp(x) - 1) / x
exprel = foreign("exprel", [_exprel_slope])
exp10 = foreign("exp10", [lambda y, x: y * LN10])
cosm1 = foreign("cosm1", [lambda y, x: -sin(x)])
sindg = foreign("sindg", [lambda y, x: cos(x * (pi / 180)) * (pi / 180)])
cosdg = foreign("cosdg", [lambda y, x: sin(x * (pi / 180)) * (-pi / 180)])

# --- Power transforms. With u = log(x), boxcox(x, m) is u exprel(m u)


def _by_power(u: Any, m: Any) -> Any:
    """The derivative of boxcox in m."""
    return u * u * _exprel_slope(None, m * u)


boxcox = foreign("boxcox", [lambda y, x, m: exp((m - 1) * log(x)), lambda y, x, m: _by_power(log(x), m)])
boxcox1p = foreign("boxcox1p", [
    lambda y, x, m: exp((m - 1) * log1p(x)), lambda y, x, m: _by_power(log1p(x), m),
])
inv_boxcox = foreign("inv_boxcox", [
    lambda x, y, m: exp((1 - m) * log(x)), lambda x, y, m: -(exp((1 - m) * log(x)) * _by_power(log(x), m)),
])
inv_boxcox1p = foreign("inv_boxcox1p", [
    lambda x, y, m: exp((1 - m) * log1p(x)), lambda x, y, m: -(exp((1 - m) * log1p(x)) * _by_power(log1p(x), m)),
])

# --- Lambert's function, and the solution of w + log(w) = z

lambertw = foreign("lambertw", [lambda w, z, k, tol: exp(-w) / (w + 1), None, None], "_lambertw")
wrightomega = foreign("wrightomega", [lambda w, z: w / (w + 1)])
