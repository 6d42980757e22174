"""scipy.special on traced values: the laws, derivatives against mpmath, and degenerate points."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import fnad
import fnad.scipy.special as fsp
import mpmath
import numpy as np
import pytest
import scipy.special as sp
from fnad.ops import rare
from fnad.ops.foreign import UFUNCS
from fnad.scipy.special.ufuncs import NAMES
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

from tests.numpy.comparing import run_numpy, run_traced
from tests.ptxsim.runtime import PtxRuntime
from tests.surface.laws import LAWS, Row

INF, NAN = np.inf, np.nan
X = np.array([[0.3, 1.2, 2.55], [0.75, 3.1, 4.4]])  # positive
A = np.array([[1.3, 0.4, 2.2], [0.6, 5.5, 1.7]])
P = np.array([[0.15, 0.4, 0.72], [0.9, 0.55, 0.31]])  # probabilities
S = np.array([[-0.7, 0.35, 1.6], [-2.3, 0.8, -1.4]])  # of any sign
N = np.array([[1, 2, 3], [2, 4, 1]])


def together(*functions: Callable[..., Any]) -> Callable[..., Any]:
    """The results of functions of the same inputs, so that one compilation tries them all."""
    return lambda *inputs: tuple([function(*inputs) for function in functions])


ROWS = [
    Row("gammaln", together(sp.gammaln, sp.loggamma, sp.digamma, sp.gamma, sp.rgamma), (X,)),
    Row("gamma/negative", together(sp.gammaln, sp.digamma, sp.gamma, sp.rgamma), (S,), grad_rtol=1e-5),
    Row("beta", together(sp.beta, sp.betaln, sp.poch), (X, A)),
    Row("binom", sp.binom, (X + 5, A)),
    Row("zeta", together(sp.zeta, lambda s, q: sp.zeta(s)), (A + 1.2, X)),
    Row("zetac", sp.zetac, (A + 1.2,)),
    Row("hyp", lambda x, b: (sp.hyp0f1(1.5, x), sp.hyp1f1(0.5, 1.5, x), sp.hyp2f1(0.5, 1.2, 2.5, x)), (P, A)),
    Row("hyperu", lambda x: sp.hyperu(1.2, 0.5, x), (X,), rtol=1e-11, grad_rtol=1e-5),
    Row("gammainc", together(sp.gammainc, sp.gammaincc), (A, X)),
    Row("gammaincinv", together(sp.gammaincinv, sp.gammainccinv), (A, P), grad_rtol=1e-5),
    Row("betainc", together(sp.betainc, sp.betaincc), (A, X, P), grad_rtol=1e-5),
    Row("betaincinv", together(sp.betaincinv, sp.betainccinv), (A, X, P), grad_rtol=1e-5),
    Row("chdtr", together(sp.chdtr, sp.chdtrc), (A, X)),
    Row("chdtri", sp.chdtri, (A, P), grad_rtol=1e-5),
    Row("gdtr", together(sp.gdtr, sp.gdtrc), (X, A, A + P)),
    Row("fdtr", together(sp.fdtr, sp.fdtrc), (A, X, A + P), grad_rtol=1e-5),
    Row("stdtr", sp.stdtr, (A, S)),
    Row("stdtrit", sp.stdtrit, (A, P), grad_rtol=1e-5, order=1, rtol=1e-9),
    Row("counts", lambda m, p: (
        sp.pdtr(N, m), sp.pdtrc(N, m), sp.bdtr(N * 1.0, 5, p), sp.bdtrc(N, 5, p), sp.nbdtr(N, 2, p),
        sp.nbdtrc(N * 1.0, 2.0, p),
    ), (X, P)),
    Row("erf", together(sp.erf, sp.erfc, sp.erfi, sp.dawsn, sp.ndtr, sp.log_ndtr, sp.fresnel), (S,)),
    Row("erfcx", together(sp.erfcx, sp.log_ndtr), (np.array([0.3, 5.0, 26.0, -2.0]),)),
    Row("erfinv", together(lambda p: sp.erfinv(p * 2 - 1), lambda p: sp.erfcinv(p * 2), sp.ndtri), (P,)),
    Row("ndtri_exp", sp.ndtri_exp, (-X,)),
    Row("owens_t", sp.owens_t, (S, A)),
    Row("wofz", sp.wofz, (S + 0.3j,)),
    Row("bessel", together(sp.j0, sp.j1, sp.y0, sp.y1, sp.i0, sp.i1, sp.k0, sp.k1), (X,), rtol=1e-12),
    Row("bessel/scaled", together(sp.i0e, sp.i1e, sp.k0e, sp.k1e), (X,)),
    Row("bessel/orders", together(*[
        lambda x, f=f: f(1.3, x) for f in (sp.jv, sp.yv, sp.iv, sp.kv, sp.ive, sp.kve)
    ], lambda x: sp.jn(2, x), lambda x: sp.yn(2, x), lambda x: sp.kn(2, x)), (X,), rtol=1e-12),
    Row("kv", together(sp.kv, sp.kve), (A, X), rtol=1e-12),
    Row("airy", sp.airy, (S,), rtol=1e-12),
    Row("exp1", together(sp.exp1, sp.expi, lambda x: sp.expn(0, x), lambda x: sp.expn(3, x)), (X,), rtol=1e-13),
    Row("sici", together(sp.sici, sp.shichi, sp.spence), (X,), rtol=1e-13),
    Row("ellip", together(sp.ellipk, sp.ellipe, sp.ellipkm1), (P,)),
    Row("ellipinc", together(sp.ellipkinc, sp.ellipeinc), (X - 1.5, P)),
    Row("logit", together(sp.logit, sp.expit, sp.log_expit, sp.entr), (P,)),
    Row("xlogy", together(sp.xlogy, sp.xlog1py, sp.rel_entr, sp.kl_div), (X, A)),
    Row("huber", together(sp.huber, sp.pseudo_huber), (A, S)),
    Row("exprel", together(sp.exprel, sp.exp10, sp.exp2, sp.expm1, sp.cosm1, sp.sindg, sp.cosdg, sp.tandg), (S,)),
    Row("log1p", together(sp.log1p, sp.cbrt, sp.round, sp.cotdg, sp.gammasgn), (X,)),
    Row("powm1", sp.powm1, (X, A)),
    Row("boxcox", together(sp.boxcox, sp.boxcox1p, sp.inv_boxcox, sp.inv_boxcox1p), (X, P)),
    Row("wrightomega", sp.wrightomega, (S,)),
    Row("polynomials", lambda x: (
        sp.eval_chebyt(N, x), sp.eval_chebyu(N, x), sp.eval_legendre(N, x), sp.eval_hermite(N, x),
        sp.eval_hermitenorm(N, x), sp.eval_laguerre(N, x), sp.eval_genlaguerre(N, 0.5, x),
        sp.eval_gegenbauer(N, 0.7, x), sp.eval_jacobi(N, 0.5, 0.2, x),
    ), (P,), single=False),
    Row("hankel", lambda z: (sp.hankel1(0.5, z), sp.hankel2(0.5, z)), (X + 0.2j,), rtol=1e-12),
    Row("complex", together(sp.erf, sp.erfc, sp.loggamma, sp.gamma, sp.exp1, sp.log1p, sp.expm1), (X + 0.2j,),
        order=1),
    Row("lambertw", fsp.lambertw, (X,), sp.lambertw, single=False),
    Row("polygamma", lambda x: (fsp.polygamma(0, x), fsp.polygamma(2, x), fsp.polygamma(N, x)), (X,),
        lambda x: (sp.polygamma(0, x), sp.polygamma(2, x), sp.polygamma(N, x)), single=False),
    Row("multigammaln", lambda a: fsp.multigammaln(a, 3), (A + 1.5,), lambda a: sp.multigammaln(a, 3), rtol=1e-12),
    Row("factorial", lambda n: (fsp.factorial(n), fsp.comb(n, 2.0), fsp.perm(n, 2.0)), (X + 3,),
        lambda n: (sp.factorial(n), sp.comb(n, 2.0), sp.perm(n, 2.0)), rtol=1e-12),
    Row("logsumexp", lambda a: (fsp.logsumexp(a), fsp.logsumexp(a, 1, keepdims=True), fsp.logsumexp(a, (0, 1))), (S,),
        lambda a: (sp.logsumexp(a), sp.logsumexp(a, 1, keepdims=True), sp.logsumexp(a, (0, 1)))),
    Row("logsumexp/b", lambda a, b: (
        fsp.logsumexp(a, b=b, axis=0), *fsp.logsumexp(a, 1, b[0] - 2, return_sign=True),
    ), (S, X), lambda a, b: (sp.logsumexp(a, b=b, axis=0), *sp.logsumexp(a, 1, b[0] - 2, return_sign=True))),
    Row("logsumexp/complex", lambda a: fsp.logsumexp(a, axis=1), (S + 1j * P,), lambda a: sp.logsumexp(a,
        axis=1)),
    Row("softmax", lambda x: (fsp.softmax(x), fsp.log_softmax(x, axis=1), fsp.softplus(x), fsp.sinc(x)), (S,),
        lambda x: (sp.softmax(x), sp.log_softmax(x, axis=1), sp.softplus(x), sp.sinc(x))),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_laws(row: Row, law: Callable[[Row], None]) -> None:
    law(row)


def test_every_function_is_in_a_row() -> None:
    tried: set[Any] = set()
    for row in ROWS:
        staged = stage(row.call, [value_type(x) for x in row.inputs])
        tried |= {eqn.primitive for eqn in staged.program.equations}
    assert {p.name for p in UFUNCS if p not in tried} - {*rare.NAMES, "pdtrik", "bdtrik", "nbdtrik"} == set()


@pytest.mark.parametrize("name", rare.NAMES)
def test_values_of_what_has_no_derivative(name: str) -> None:
    ufunc = getattr(sp, name)
    letters = next((t for t in ufunc.types if "l" in t), "d" * ufunc.nin)[: ufunc.nin]
    points = [1 if letter == "l" else 0.3 + 0.1 * i for i, letter in enumerate(letters)]
    for given in (points, list(map(np.float32, points))) if "l" not in letters else (points,):
        expected, got = run_numpy(ufunc, *given), run_traced(ufunc, *given)
        for x, y in zip(np.atleast_1d(got), np.atleast_1d(expected)):
            np.testing.assert_array_equal(x, y)


def test_a_derivative_that_there_is_none_of_is_an_error() -> None:
    with pytest.raises(TypeError, match="struve: requires an argument number 2 in which nothing is differentiated"):
        fnad.grad(lambda x: sp.struve(0.5, x))(1.0)


# --- Derivatives in parameters, which are integrals and series of ours, against mpmath


def slope_of(f: Callable[..., Any], i: int, *point: float) -> float:
    with mpmath.workdps(35):
        at = [mpmath.mpf(x) for x in point]
        return float(mpmath.diff(lambda x: f(*at[:i], x, *at[i + 1 :]), at[i]))


GAMMAINC = [(0.001, 0.2), (0.3, 1e-9), (0.5, 1.4), (0.8, 30.0), (1.0, 1.0), (3.0, 0.01), (7.5, 7.4), (50.0, 90.0),
            (200.0, 160.0), (900.0, 905.0)]
BETAINC = [(0.05, 278.0, 0.0039), (0.5, 0.5, 1e-5), (0.3, 0.7, 0.97), (1.0, 1.0, 0.25), (2.5, 0.1, 0.999),
           (3.0, 8.0, 0.27), (60.0, 0.2, 0.8), (150.0, 220.0, 0.4), (400.0, 11.0, 0.96)]


def test_gammainc_by_its_shape() -> None:
    a, x = np.array(GAMMAINC).T
    exact = [slope_of(lambda a, x: mpmath.gammainc(a, 0, x, regularized=True), 0, *point) for point in GAMMAINC]
    np.testing.assert_allclose(fnad.grad(lambda a: sp.gammainc(a, x).sum())(a), exact, rtol=1e-11)
    np.testing.assert_allclose(fnad.grad(lambda a: sp.gammaincc(a, x).sum())(a), -np.array(exact), rtol=1e-11)


def test_betainc_by_its_shapes() -> None:
    a, b, x = np.array(BETAINC).T
    f = lambda a, b, x: mpmath.betainc(a, b, 0, x, regularized=True)  # noqa: E731
    exact = [[slope_of(f, i, *point) for point in BETAINC] for i in (0, 1)]
    got = fnad.grad(lambda a, b: sp.betainc(a, b, x).sum(), argnums=(0, 1))(a, b)
    np.testing.assert_allclose(got, exact, rtol=2e-11)


def test_slopes_keep_their_digits_at_large_shapes() -> None:
    with mpmath.workdps(50):
        for a, x in ((1e4, 1.02e4), (1e6, 1.001e6)):
            exact = mpmath.exp((a - 1) * mpmath.log(x) - x - mpmath.loggamma(a))
            np.testing.assert_allclose(fnad.grad(lambda x: sp.gammainc(a, x))(x), float(exact), rtol=2e-13)
        a, b, x = 1e6, 3e6, 0.2502
        whole = mpmath.loggamma(a) + mpmath.loggamma(b) - mpmath.loggamma(a + b)
        exact = mpmath.exp((a - 1) * mpmath.log(x) + (b - 1) * mpmath.log(1 - mpmath.mpf(x)) - whole)
        np.testing.assert_allclose(fnad.grad(lambda x: sp.betainc(a, b, x))(x), float(exact), rtol=2e-13)


def test_a_second_derivative_in_a_shape() -> None:
    f = lambda a: mpmath.gammainc(a, 0, mpmath.mpf("1.7"), regularized=True)  # noqa: E731
    for a in (0.4, 1.3, 2.6):
        got = fnad.grad(fnad.grad(lambda a: sp.gammainc(a, 1.7)))(a)
        with mpmath.workdps(35):
            np.testing.assert_allclose(got, float(mpmath.diff(f, a, 2)), rtol=1e-9)


@pytest.mark.parametrize(("s", "q"), [(1.2, 0.3), (2.5, 4.0), (9.0, 0.7), (30.0, 1.5)])
def test_zeta_by_its_order(s: float, q: float) -> None:
    got = fnad.grad(lambda s: sp.zeta(s, q))(s)
    np.testing.assert_allclose(got, slope_of(lambda s, q: mpmath.zeta(s, q), 0, s, q), rtol=1e-12)


@pytest.mark.parametrize("s", [-2.5, 0.5, 3.0])
def test_riemanns_zeta_by_its_argument(s: float) -> None:
    np.testing.assert_allclose(fnad.grad(lambda s: sp.zeta(s))(s), float(mpmath.zeta(s, 1, 1)), rtol=1e-9)


@pytest.mark.parametrize(("v", "x"), [(0.5, 1.0), (1.5, 0.01), (10.0, 1.0), (0.3, 50.0), (3.0, 1e-6), (-2.5, 3.0)])
def test_kv_by_its_order(v: float, x: float) -> None:
    got = fnad.grad(lambda v: sp.kv(v, x))(v)
    np.testing.assert_allclose(got, slope_of(lambda v, x: mpmath.besselk(v, x), 0, v, x), rtol=1e-13)


@pytest.mark.parametrize(("df", "t"), [(0.7, 0.2), (3.0, -1.5), (3.0, 40.0), (50.0, 0.001), (12.0, -6.0)])
def test_students_distribution_by_its_degrees(df: float, t: float) -> None:
    def exact(df: Any) -> Any:
        tail = mpmath.betainc(df / 2, 0.5, 0, df / (df + mpmath.mpf(t) ** 2), regularized=True) / 2
        return tail if t < 0 else 1 - tail

    np.testing.assert_allclose(fnad.grad(lambda df: sp.stdtr(df, t))(df), slope_of(exact, 0, df), rtol=1e-9)


def test_slopes_keep_their_digits_far_out() -> None:
    with mpmath.workdps(60):
        erfcx = lambda x: mpmath.exp(x * x) * mpmath.erfc(x)  # noqa: E731
        dawsn = lambda x: mpmath.sqrt(mpmath.pi) / 2 * mpmath.exp(-x * x) * mpmath.erfi(x)  # noqa: E731
        for x in (3.0, 19.0, 25.0):
            np.testing.assert_allclose(fnad.grad(sp.erfcx)(x), float(mpmath.diff(erfcx, x)), rtol=1e-11)
            np.testing.assert_allclose(fnad.grad(sp.dawsn)(-x), float(mpmath.diff(dawsn, -x)), rtol=1e-11)
    np.testing.assert_allclose(fnad.grad(sp.erfcx)(1e9), -1 / (1e18 * np.sqrt(np.pi)), rtol=1e-12)
    np.testing.assert_allclose(fnad.grad(sp.log_ndtr)(-1e9), 1e9, rtol=1e-12)
    assert fnad.grad(sp.log_ndtr)(50.0) == 0 and fnad.grad(fnad.grad(sp.log_ndtr))(50.0) == 0


# --- Degenerate points

EULER = float(-sp.digamma(1.0))
SLOPES = [
    ("gammaln at 0", sp.gammaln, 0.0, -INF), ("gammaln at -0", sp.gammaln, -0.0, INF),
    ("gammaln at -1", sp.gammaln, -1.0, NAN), ("rgamma at 0", sp.rgamma, 0.0, 1.0),
    ("rgamma at -2", sp.rgamma, -2.0, 2.0), ("rgamma at 1", sp.rgamma, 1.0, EULER),
    ("xlogy(x, 0) at 0", lambda x: sp.xlogy(x, 0.0), 0.0, -INF),
    ("xlogy(0, y) at 0", lambda y: sp.xlogy(0.0, y), 0.0, 0),
    ("xlogy(x, 1) at 0", lambda x: sp.xlogy(x, 1.0), 0.0, 0),
    ("xlog1py(0, y) at -1", lambda y: sp.xlog1py(0.0, y), -1.0, 0),
    ("entr at 0", sp.entr, 0.0, INF), ("entr at 1", sp.entr, 1.0, -1.0),
    ("rel_entr(0, y)", lambda y: sp.rel_entr(0.0, y), 0.5, 0.0),
    ("rel_entr(x, x)", lambda x: sp.rel_entr(x, 0.5), 0.5, 1.0),
    ("erfinv at 1", sp.erfinv, 1.0, INF),
    ("erfinv at -1", sp.erfinv, -1.0, INF),
    ("erfinv beyond", sp.erfinv, 2.0, NAN),
    ("erfinv at 0", sp.erfinv, 0.0, np.sqrt(np.pi) / 2), ("erfcinv at 2", sp.erfcinv, 2.0, -INF),
    ("ndtri at 0", sp.ndtri, 0.0, INF),
    ("ndtri at 1", sp.ndtri, 1.0, INF),
    ("ndtri in the tail", sp.ndtri, 1e-300, np.sqrt(2 * np.pi) * np.exp(sp.ndtri(1e-300) ** 2 / 2)),
    ("ndtri at 1/2", sp.ndtri, 0.5, np.sqrt(2 * np.pi)),
    ("gammainc(0, x) by x", lambda x: sp.gammainc(0.0, x), 1.5, 0.0),
    ("gammainc(a, x) by a at 0", lambda a: sp.gammainc(a, 1.5), 0.0, -float(sp.exp1(1.5))),
    ("gammainc(a, 0) by a", lambda a: sp.gammainc(a, 0.0), 1.5, 0.0),
    ("gammainc(1, x) at 0", lambda x: sp.gammainc(1.0, x), 0.0, 1.0),
    ("gammainc(0.5, x) at 0", lambda x: sp.gammainc(0.5, x), 0.0, INF),
    ("gammainc(2, x) at 0", lambda x: sp.gammainc(2.0, x), 0.0, 0.0),
    ("gammainc(a, inf) by a", lambda a: sp.gammainc(a, INF), 1.5, 0.0),
    ("gammainc of negative a", lambda a: sp.gammainc(a, 1.0), -1.5, NAN),
    ("betainc by a at 0", lambda a: sp.betainc(a, 2.0, 0.0), 1.5, 0.0),
    ("betainc by b at 1", lambda b: sp.betainc(2.0, b, 1.0), 1.5, 0.0),
    ("betainc(1, 2, x) at 0", lambda x: sp.betainc(1.0, 2.0, x), 0.0, 2.0),
    ("betainc(2, 1, x) at 1", lambda x: sp.betainc(2.0, 1.0, x), 1.0, 2.0),
    ("betainc(2, 0.5, x) at 1", lambda x: sp.betainc(2.0, 0.5, x), 1.0, INF),
    ("i0e at 0", sp.i0e, 0.0, 0.0), ("exprel at 0", sp.exprel, 0.0, 0.5), ("ellipk at 0", sp.ellipk, 0.0, np.pi / 8),
    ("spence at 1", sp.spence, 1.0, -1.0),
    ("boxcox by its power at 0", lambda m: sp.boxcox(3.0, m), 0.0, np.log(3) ** 2 / 2),
    ("huber at its edge", lambda r: sp.huber(1.0, r), 1.0, 1.0),
    ("pseudo_huber of 0 and 0", lambda d: sp.pseudo_huber(d, 0.0), 0.0, 0),
    ("logit at 0", sp.logit, 0.0, INF), ("log_expit far left", sp.log_expit, -1e3, 1.0),
    ("stdtr at 0 by its degrees", lambda df: sp.stdtr(df, 0.0), 3.0, 0.0),
    ("logsumexp of -inf", lambda a: fsp.logsumexp(np.array([-INF, -INF]) + a), 0.0, 0.0),
    ("logsumexp by a weight of 0", lambda b: fsp.logsumexp(np.array([0.0, 1.0]), b=fnad.numpy.array([1.0, b])), 0.0,
     np.e),
    ("logsumexp by what weighs 0", lambda a: fsp.logsumexp(fnad.numpy.array([0.0, a]), b=np.array([1.0, 0.0])), INF,
     0.0),
    ("logsumexp of a negative sum", lambda a: fsp.logsumexp(a, b=-2.0), 1.0, 0.0),
    ("sinh integral at 0", lambda x: sp.shichi(x)[0], 0.0, 1.0),
    ("sine integral at 0", lambda x: sp.sici(x)[0], 0.0, 1.0),
]


@pytest.mark.parametrize(("f", "x", "expected"), [s[1:] for s in SLOPES], ids=[s[0] for s in SLOPES])
def test_slopes_at_degenerate_points(f: Callable[..., Any], x: float, expected: float) -> None:
    np.testing.assert_allclose(fnad.grad(f)(x), expected, rtol=1e-12, atol=1e-300)


VALUES = [
    ("digamma", sp.digamma, [0.0, -0.0, -1.0, -2.0, INF]), ("gammaln", sp.gammaln, [0.0, -0.0, -1.0, INF, -INF]),
    ("xlogy", lambda x: sp.xlogy(x, x), [0.0, -0.0, NAN, INF]), ("entr", sp.entr, [0.0, -1.0, INF, NAN]),
    ("erfinv", sp.erfinv, [1.0, -1.0, 2.0]), ("ndtri", sp.ndtri, [0.0, 1.0, 1e-320, 1.5]),
    ("gammainc", lambda x: sp.gammainc(x, 1.0), [0.0, -1.0, INF, NAN]),
    ("betainc", lambda x: sp.betainc(2.0, 3.0, x), [0.0, 1.0, -1.0]),
]


@pytest.mark.parametrize(("f", "x"), [v[1:] for v in VALUES], ids=[v[0] for v in VALUES])
def test_values_at_degenerate_points(f: Callable[..., Any], x: Any) -> None:
    np.testing.assert_array_equal(run_traced(f, np.array(x)), f(np.array(x)))
    np.testing.assert_array_equal(fnad.jit(f)(np.array(x)), f(np.array(x)))


def test_a_mask_hides_a_pole() -> None:
    slope = fnad.grad(lambda x: np.sum(np.where(x > 0, sp.gammaln(x), 0.0)))(np.array([0.0, -1.0, 2.0]))
    np.testing.assert_array_equal(slope, [0.0, 0.0, sp.digamma(2.0)])


# --- How they are called


def test_names_of_scipys_ufuncs() -> None:
    assert {"gammaln", "digamma", "psi", "jn", "erf", "expit"} <= {*NAMES} <= {*dir(fsp)}
    assert fsp.gammaln(3.0) == sp.gammaln(3.0) and fsp.digamma is fsp.digamma
    assert fnad.grad(lambda x: fsp.gammaln([x, 2.0 * x]).sum())(1.5) == sp.digamma(1.5) + 2 * sp.digamma(3.0)


def test_an_integer_order_has_its_loop() -> None:
    f = lambda x: (sp.expn(2, x), sp.yn(1, x), sp.jv(1, x))  # noqa: E731
    got = run_traced(f, np.float32(1.5))
    assert [y.dtype for y in got] == [y.dtype for y in f(np.float32(1.5))]


def test_keywords() -> None:
    x = np.array([1.5, 2.5], np.float32)
    assert fnad.jit(lambda x: sp.gammaln(x, dtype=np.float64))(x).dtype == np.float64
    out = fnad.jit(lambda x: sp.gammaln(x, out=fnad.numpy.zeros(2)))(x.astype(float))
    np.testing.assert_array_equal(out, sp.gammaln(x.astype(float)))


@pytest.mark.parametrize("call", [
    lambda x: sp.gammaln(x + 1j), lambda x: fsp.factorial(x, exact=True),
    lambda x: fsp.logsumexp(x, axis="0"),
])
def test_what_is_refused(call: Callable[..., Any]) -> None:
    with pytest.raises(TypeError):
        run_traced(call, X)


def test_no_derivative_in_an_order() -> None:
    with pytest.raises(TypeError, match="jv: requires an argument v in which nothing is differentiated"):
        fnad.grad(lambda v: sp.jv(v, 1.0))(0.5)


def test_on_a_gpu_they_are_host_steps() -> None:
    x = np.linspace(0.2, 3.0, 5)
    with fnad.runtime.cuda.devices.use(PtxRuntime()):
        value, slope = fnad.jit(lambda x: fnad.value_and_grad(lambda x: sp.gammaln(x).sum())(x), device="cuda")(x)
    np.testing.assert_allclose(np.asarray(value), sp.gammaln(x).sum(), rtol=1e-14)
    np.testing.assert_array_equal(np.asarray(slope), sp.digamma(x))


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import sys, fnad, fnad.scipy; print('scipy.special' in sys.modules, fnad.scipy.special.gammaln(1.0))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "0.0"]
