"""scipy.stats' distributions on traced values: SciPy's values, the laws, and the edges of supports and parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import fnad.scipy.stats as fst
import numpy as np
import pytest
import scipy.stats as st
from fnad.scipy.stats.distribution import Discrete, Distribution

from tests.surface.laws import LAWS, Row, derivatives, values

INF, NAN = np.inf, np.nan
SHAPES: dict[str, tuple[float, ...]] = {
    "bernoulli": (0.3,), "beta": (1.5, 0.7), "binom": (5.0, 0.3), "chi2": (2.5,), "f": (3.0, 4.5), "gamma": (1.5,),
    "geom": (0.3,), "invgamma": (2.5,), "lognorm": (0.7,), "nbinom": (2.5, 0.4), "pareto": (2.5,), "poisson": (1.3,),
    "t": (3.0,), "truncnorm": (-0.5, 2.0), "vonmises": (1.3,), "weibull_min": (1.3,),
}
NAMES = [name for name in fst.__all__ if isinstance(getattr(fst, name), Distribution)]
DISCRETE = [name for name in NAMES if isinstance(getattr(fst, name), Discrete)]
CONTINUOUS = [name for name in NAMES if name not in DISCRETE]
EVERYWHERE = np.array([-INF, -1.5, -0.3, 0.0, 0.2, 0.7, 1.0, 1.6, 3.0, INF, NAN])
WHOLE = np.array([-1.0, 0.0, 1.0, 2.0, 3.0, 5.0, 7.0, 1.5, NAN])
LEVELS = np.array([0.0, 0.1, 0.5, 0.9, 1.0, -0.1, 1.1, NAN])
# On a circle a distribution function has no end: SciPy's goes on counting turns.
WITHOUT = {("vonmises", method) for method in ("cdf", "sf", "logcdf", "logsf", "ppf", "isf")}


def methods(name: str) -> list[str]:
    """What is tried of a distribution."""
    density = ["logpmf", "pmf"] if name in DISCRETE else ["logpdf", "pdf"]
    return [m for m in (*density, "cdf", "sf", "logcdf", "logsf", "ppf", "isf") if (name, m) not in WITHOUT]


@pytest.mark.parametrize("name", NAMES)
def test_values_are_scipys_everywhere(name: str) -> None:
    ours, theirs, shapes = getattr(fst, name), getattr(st, name), SHAPES.get(name, ())
    moved = (*shapes, 1.0) if name in DISCRETE else (*shapes, 0.1, 1.3)
    for parameters in (shapes, moved):
        for method in methods(name):
            x = LEVELS if method in ("ppf", "isf") else WHOLE if name in DISCRETE else EVERYWHERE
            got = fnad.vmap(lambda z: getattr(ours, method)(z, *parameters))(x)
            with np.errstate(all="ignore"):
                wanted = getattr(theirs, method)(x, *parameters)
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-14, err_msg=method)
            assert got.dtype == np.float64


@pytest.mark.parametrize("name", NAMES)
def test_moments_are_scipys(name: str) -> None:
    ours, theirs, shapes = getattr(fst, name), getattr(st, name), SHAPES.get(name, ())
    for method in [m for m in ("mean", "var", "entropy") if m in ours.formulas]:
        got = fnad.vmap(lambda loc: getattr(ours, method)(*shapes, loc))(np.array([0.5]))
        np.testing.assert_allclose(got, [getattr(theirs, method)(*shapes, 0.5)], rtol=1e-12, err_msg=method)
    if "var" in ours.formulas:
        np.testing.assert_allclose(fnad.jit(ours.std)(*shapes), theirs.std(*shapes), rtol=1e-12)


# --- Laws: of densities all, of distribution functions and their inverses values and derivatives

INSIDE = np.array([0.3, 0.75])
COUNTS = np.array([1, 3])


def density(name: str) -> Row:
    ours, theirs, shapes = getattr(fst, name), getattr(st, name), SHAPES.get(name, ())
    if name in DISCRETE:
        counts = COUNTS // 2 if name == "bernoulli" else COUNTS
        whole, rest = (shapes[:1], shapes[1:]) if name == "binom" else ((), shapes)
        return Row(
            name, lambda *p: ours.logpmf(counts, *whole, *p), rest, lambda *p: theirs.logpmf(counts, *whole, *p),
            rtol=1e-13,
        )
    x = INSIDE * 1.5 + 1.2 if name == "pareto" else INSIDE
    return Row(name, ours.logpdf, (x, *shapes, 0.07, 1.2), theirs.logpdf, rtol=1e-13, single=False)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("row", [density(name) for name in NAMES], ids=str)
def test_laws_of_densities(row: Row, law: Callable[[Row], None]) -> None:
    law(row)


def functions(name: str) -> Row:
    ours, theirs, shapes = getattr(fst, name), getattr(st, name), SHAPES.get(name, ())
    x = INSIDE * 1.5 + 1.2 if name == "pareto" else INSIDE

    def all_of(own: Any) -> Callable[..., Any]:
        return lambda x, q, *p: (
            own.cdf(x, *p), own.sf(x, *p), own.logcdf(x, *p), own.logsf(x, *p), own.ppf(q, *p), own.isf(q, *p),
        )

    return Row(name, all_of(ours), (x, np.array([0.2, 0.6]), *shapes, 0.07, 1.2), all_of(theirs), 1, 1e-12, 1e-5)


@pytest.mark.parametrize("law", [values, derivatives], ids=lambda law: law.__name__)
@pytest.mark.parametrize("row", [functions(n) for n in CONTINUOUS if (n, "cdf") not in WITHOUT], ids=str)
def test_laws_of_distribution_functions(row: Row, law: Callable[[Row], None]) -> None:
    law(row)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_distribution_functions_by_their_parameters(name: str) -> None:
    ours, shapes = getattr(fst, name), SHAPES[name]
    whole, rest = (shapes[:1], shapes[1:]) if name == "binom" else ((), shapes)
    fnad.testing.check_grads(lambda *p: ours.cdf(np.array([0.0, 2.5]), *whole, *p), rest, order=1)
    np.testing.assert_array_equal(fnad.grad(lambda q: ours.ppf(q, *shapes))(0.7), 0.0)


# --- Slopes at the edges

EDGES = [
    ("beta(1, 1) at 0", lambda x: fst.beta.logpdf(x, 1.0, 1.0), 0.0, 0.0),
    ("beta(1, 1) at 1", lambda x: fst.beta.logpdf(x, 1.0, 1.0), 1.0, 0.0),
    ("beta(2, 1) at 0", lambda x: fst.beta.logpdf(x, 2.0, 1.0), 0.0, INF),
    ("poisson at 0", lambda mu: fst.poisson.logpmf(0, mu), 0.0, -1.0),
    ("bernoulli at 1", lambda p: fst.bernoulli.logpmf(1, p), 1.0, 1.0),
    ("bernoulli at 0", lambda p: fst.bernoulli.logpmf(0, p), 0.0, -1.0),
    ("binom at 1", lambda p: fst.binom.logpmf(3, 3, p), 1.0, 3.0),
    ("chi2(2) at 0", lambda x: fst.chi2.logpdf(x, 2.0), 0.0, -0.5),
    ("gamma(1) at 0", lambda x: fst.gamma.logpdf(x, 1.0), 0.0, -1.0),
    ("weibull_min(1) at 0", lambda x: fst.weibull_min.logpdf(x, 1.0), 0.0, -1.0),
    ("vonmises by kappa at 0", lambda kappa: fst.vonmises.logpdf(0.3, kappa), 0.0, np.cos(0.3)),
    ("vonmises(0) by x", lambda x: fst.vonmises.logpdf(x, 0.0), 0.3, 0.0),
    ("outside", lambda x: fst.gamma.logpdf(x, 1.5), -1.0, 0.0),
    ("outside by the shape", lambda a: fst.gamma.logpdf(-1.0, a), 1.5, 0.0),
    ("cdf outside", lambda x: fst.beta.cdf(x, 2.0, 3.0), 1.5, 0.0),
    ("uniform inside", lambda x: fst.uniform.logpdf(x), 0.5, 0.0),
    ("uniform by its scale", lambda scale: fst.uniform.logpdf(0.5, 0.0, scale), 2.0, -0.5),
    ("a wrong shape", lambda a: fst.gamma.logpdf(1.0, a), -1.5, 0.0),
    ("laplace at its kink", fst.laplace.logpdf, 0.0, 0.0),
    ("ppf at 0", lambda q: fst.norm.ppf(q), 0.0, 0.0),
]


@pytest.mark.parametrize(("f", "x", "expected"), [edge[1:] for edge in EDGES], ids=[edge[0] for edge in EDGES])
def test_slopes_at_the_edges(f: Callable[..., Any], x: float, expected: float) -> None:
    np.testing.assert_allclose(fnad.grad(f)(x), expected, rtol=1e-12, atol=1e-300)


def test_values_of_flat_and_pointed_densities() -> None:
    flat = fnad.jit(lambda x: (fst.beta.logpdf(x, 1.0, 1.0), fst.chi2.logpdf(x, 2.0), fst.vonmises.logpdf(x, 0.0)))
    np.testing.assert_allclose(flat(0.0), [0.0, -np.log(2), -np.log(2 * np.pi)], atol=1e-15)
    np.testing.assert_array_equal(fnad.jit(lambda p: fst.bernoulli.logpmf(np.array([0, 1]), p))(1.0), [-INF, 0.0])
    assert np.isnan(fnad.jit(lambda scale: fst.norm.logpdf(0.0, 0.0, scale))(-1.0))


# --- Vectors

A = np.array([[1.3, 0.4], [-0.2, 0.9]])
THREE = np.array([[1, 2, 0], [0, 1, 2]])
SIMPLEX = np.array([[0.2, 0.3], [0.3, 0.3], [0.5, 0.4]])


def square(a: Any) -> Any:
    """A positive definite matrix."""
    return a @ a.T


VECTORS = [
    Row("dirichlet", lambda a: (fst.dirichlet.logpdf(SIMPLEX[:, 0], a), fst.dirichlet(a).pdf(SIMPLEX[:2, 1])),
        (np.array([1.0, 2.0, 3.5]),),
        lambda a: (st.dirichlet.logpdf(SIMPLEX[:, 0], a), st.dirichlet.pdf(SIMPLEX[:2, 1], a)), single=False),
    Row("dirichlet/many", lambda x: fst.dirichlet.logpdf(x, [1.0, 2.5, 3.5]), (SIMPLEX[:2],),
        lambda x: st.dirichlet.logpdf(x, [1.0, 2.5, 3.5]), single=False),
    Row("multinomial", lambda p: fst.multinomial.logpmf(THREE, 3, p / p.sum()), (np.array([0.2, 0.3, 0.5]),),
        lambda p: st.multinomial.logpmf(THREE, 3, p / p.sum()), single=False),
    Row("multivariate_normal", lambda x, mean, a: (
        fst.multivariate_normal.logpdf(x, mean, square(a)), fst.multivariate_normal(mean, square(a)).pdf(x[0]),
    ), (SIMPLEX, np.array([0.1, -0.2]), A),
        lambda x, mean, a: (
            st.multivariate_normal.logpdf(x, mean, square(a)), st.multivariate_normal(mean, square(a)).pdf(x[0]),
    ), single=False),
    Row("multivariate_normal/1", lambda x, var: (
        fst.multivariate_normal.logpdf(x, cov=var), fst.multivariate_normal.logpdf(x, x, var),
        fst.multivariate_normal.logpdf(x[0], 1.0, var),
    ), (SIMPLEX[0], 1.3),
        lambda x, var: (
            st.multivariate_normal.logpdf(x, cov=var), st.multivariate_normal.logpdf(x, x, var),
            st.multivariate_normal.logpdf(x[0], 1.0, var),
    ), single=False),
    Row("wishart", lambda a, df, b: fst.wishart.logpdf(square(a), df, square(b)), (A, 3.5, A.T + 0.4),
        lambda a, df, b: st.wishart.logpdf(square(a), df, square(b)), single=False),
]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("row", VECTORS, ids=str)
def test_laws_of_vectors(row: Row, law: Callable[[Row], None]) -> None:
    law(row)


def test_the_slope_in_a_covariance_is_symmetric() -> None:
    cov, x = square(A), np.array([0.5, -1.0])
    slope = fnad.grad(lambda cov: fst.multivariate_normal.logpdf(x, np.zeros(2), cov))(cov)
    inverse = np.linalg.inv(cov)
    np.testing.assert_allclose(slope, (np.outer(inverse @ x, inverse @ x) - inverse) / 2, rtol=1e-12)


def test_wrong_covariances() -> None:
    logpdf = fst.multivariate_normal.logpdf
    for error, cov in ((np.linalg.LinAlgError, -np.eye(2)), (ValueError, np.eye(3)), (ValueError, np.ones((2, 3)))):
        with pytest.raises(error):
            fnad.jit(lambda cov: logpdf(np.zeros(2), np.zeros(2), cov))(cov)
    with pytest.raises(TypeError, match="allow_singular"):
        fnad.jit(lambda cov: logpdf(np.zeros(2), None, cov, allow_singular=True))(np.eye(2))


def test_slopes_of_vectors() -> None:
    flat = fnad.grad(lambda x: fst.dirichlet.logpdf(x, np.ones(3)))(np.array([0.0, 0.4, 0.6]))
    np.testing.assert_array_equal(flat, np.zeros(3))
    slope = fnad.grad(lambda p: fst.multinomial.logpmf(np.array([1, 2, 0]), 3, p))(np.array([0.25, 0.75, 0.0]))
    np.testing.assert_allclose(slope, [4.0, 8 / 3, 0.0])
    assert fnad.jit(lambda p: fst.multinomial.logpmf(np.array([1, 1, 0]), 3, p))(np.array([0.2, 0.3, 0.5])) == -INF


# --- How they are called


def test_parameters_by_name_and_frozen() -> None:
    x, a = 1.3, 2.5
    expected = st.gamma.logpdf(x, a, scale=1.5)
    for call in (
        lambda a: fst.gamma.logpdf(x, a, scale=1.5), lambda a: fst.gamma.logpdf(x, a=a, scale=1.5),
        lambda a: fst.gamma(a, scale=1.5).logpdf(x), lambda a: fst.gamma(a=a, loc=0, scale=1.5).logpdf(x),
    ):
        np.testing.assert_allclose(fnad.jit(call)(a), expected, rtol=1e-14)
    np.testing.assert_allclose(fnad.grad(fst.norm(0.5, 2.0).logpdf)(1.0), -0.125)
    assert fst.norm.logpdf(1.0) == st.norm.logpdf(1.0) and isinstance(fst.norm(0.0, 2.0).cdf(1.0), float)


@pytest.mark.parametrize("call", [
    lambda x: fst.gamma.logpdf(x), lambda x: fst.gamma.logpdf(x, 1.0, 2.0, 3.0, 4.0),
    lambda x: fst.gamma.logpdf(x, 1.0, a=2.0), lambda x: fst.norm.logpdf(x, mu=1.0), lambda x: fst.vonmises.cdf(x, 1.0),
    lambda x: fst.poisson.logpmf(x, 1.0, scale=2.0), lambda x: fst.t.entropy(x),
], ids=["missing", "many", "twice", "unknown", "no formula", "scale", "no entropy"])
def test_what_is_refused(call: Callable[..., Any]) -> None:
    with pytest.raises(TypeError, match="requires"):
        fnad.jit(call)(1.0)
