"""The gamma function and its family, element by element: SciPy's loops, with derivatives."""

from __future__ import annotations

from fnad.lazy import LazyModule
from fnad.ops.foreign import foreign

special = LazyModule("scipy.special")

# The derivatives of a logarithm of the gamma function: digamma, then polygamma n, which is (-1)ⁿ⁺¹ n! zeta(n + 1, x).
gammaln = foreign("gammaln", lambda: special.gammaln, [lambda g, y, x: g * digamma(x)])
digamma = foreign("digamma", lambda: special.psi, [lambda g, y, x: g * zeta(2.0, x)])
zeta = foreign("zeta", lambda: special._ufuncs._zeta, [None, lambda g, y, s, q: -(g * (s * zeta(s + 1, q)))])
