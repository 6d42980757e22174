"""Orthogonal polynomials, element by element: SciPy's loops, with derivatives in the argument."""

from __future__ import annotations

from typing import Any

from fnad.ops.elementwise import convert
from fnad.ops.foreign import foreign, no_slope


def _times(n: Any, y: Any) -> Any:
    """The product with an order, which may be an integer."""
    return convert(n, dtype=y.dtype) * y


chebyt = foreign("eval_chebyt", [None, lambda y, n, x: _times(n, chebyu(n - 1, x))])
chebyu = foreign("eval_chebyu", [None, lambda y, n, x: gegenbauer(n - 1, 2.0, x) * 2])
legendre = foreign("eval_legendre", [None, lambda y, n, x: gegenbauer(n - 1, 1.5, x)])
hermite = foreign("eval_hermite", [None, lambda y, n, x: _times(n, hermite(n - 1, x)) * 2])
hermitenorm = foreign("eval_hermitenorm", [None, lambda y, n, x: _times(n, hermitenorm(n - 1, x))])
laguerre = foreign("eval_laguerre", [None, lambda y, n, x: -genlaguerre(n - 1, 1.0, x)])
genlaguerre = foreign("eval_genlaguerre", [
    None, no_slope("eval_genlaguerre", "alpha"), lambda y, n, a, x: -genlaguerre(n - 1, a + 1, x),
])
gegenbauer = foreign("eval_gegenbauer", [
    None, no_slope("eval_gegenbauer", "alpha"), lambda y, n, a, x: gegenbauer(n - 1, a + 1, x) * (a * 2),
])
jacobi = foreign("eval_jacobi", [
    None, no_slope("eval_jacobi", "alpha"), no_slope("eval_jacobi", "beta"),
    lambda y, n, a, b, x: jacobi(n - 1, a + 1, b + 1, x) * (convert(n, dtype=y.dtype) + a + b + 1) * 0.5,
])
