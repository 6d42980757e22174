"""Orthogonal polynomials, element by element: SciPy's loops, with derivatives in the argument."""

from __future__ import annotations

from typing import Any

from fnad.ir.primitive import Primitive
from fnad.ops.elementwise import choose, convert
from fnad.ops.foreign import foreign, no_slope


def _below(polynomial: Primitive, n: Any, *rest: Any) -> Any:
    """The polynomial of the degree below n, 0 below the degree 0."""
    has_slope = n > 0
    return choose(has_slope, polynomial(choose(has_slope, n - 1, 0), *rest), 0)


def _times(n: Any, y: Any) -> Any:
    """The product with a degree, which may be an integer."""
    return convert(n, dtype=y.dtype) * y


chebyt = foreign("eval_chebyt", [None, lambda y, n, x: _times(n, _below(chebyu, n, x))])
chebyu = foreign("eval_chebyu", [None, lambda y, n, x: _below(gegenbauer, n, 2.0, x) * 2])
legendre = foreign("eval_legendre", [None, lambda y, n, x: _below(gegenbauer, n, 1.5, x)])
hermite = foreign("eval_hermite", [None, lambda y, n, x: _times(n, _below(hermite, n, x)) * 2])
hermitenorm = foreign("eval_hermitenorm", [None, lambda y, n, x: _times(n, _below(hermitenorm, n, x))])
laguerre = foreign("eval_laguerre", [None, lambda y, n, x: -_below(genlaguerre, n, 1.0, x)])
genlaguerre = foreign("eval_genlaguerre", [
    None, no_slope("eval_genlaguerre", "alpha"), lambda y, n, a, x: -_below(genlaguerre, n, a + 1, x),
])
gegenbauer = foreign("eval_gegenbauer", [
    None, no_slope("eval_gegenbauer", "alpha"), lambda y, n, a, x: _below(gegenbauer, n, a + 1, x) * (a * 2),
])
jacobi = foreign("eval_jacobi", [
    None, no_slope("eval_jacobi", "alpha"), no_slope("eval_jacobi", "beta"),
    lambda y, n, a, b, x: _below(jacobi, n, a + 1, b + 1, x) * (convert(n, dtype=y.dtype) + a + b + 1) * 0.5,
])
