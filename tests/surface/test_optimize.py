"""Solvers of `fnad.scipy.optimize`: SciPy's results on pytrees, and derivatives of solutions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.optimize
from fnad.compiler.compile import compile_program
from fnad.runtime.plan import HostStep, walk
from fnad.scipy import optimize
from fnad.testing import check_grads
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

START = {"u": 0.5, "v": np.array([0.2, -0.3])}


def distance(x: Any, a: Any) -> Any:
    """It has its minimum where u is a[0], v is -a, and couples them."""
    return (x["u"] - a[0]) ** 2 + 2.0 * np.sum((x["v"] + a) ** 2) + 0.1 * np.sum((x["u"] + x["v"] + 0.3) ** 4)


def rosenbrock(x: Any) -> Any:
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


# --- Minima


METHODS = [
    "Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA", "SLSQP", "trust-constr",
    "dogleg", "trust-ncg", "trust-exact", "trust-krylov", None,
]


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_all_methods_find_a_minimum(method: Any) -> None:
    found = optimize.minimize(lambda x, a: np.sum((x - a) ** 2 + 0.1 * x**4), [0.5, -0.5], 2.0, method)
    assert found.x.shape == (2,) and found.x.dtype == np.float64
    np.testing.assert_allclose(0.4 * found.x**3 + 2 * (found.x - 2.0), 0.0, atol=2e-2)


@pytest.mark.parametrize("method", ["BFGS", "Newton-CG", "trust-exact"])
def test_the_steps_are_scipys_with_exact_derivatives(method: str) -> None:
    given = dict(jac=scipy.optimize.rosen_der, **{"hess": scipy.optimize.rosen_hess} if method != "BFGS" else {})
    expected = scipy.optimize.minimize(scipy.optimize.rosen, [0.3, 0.9, 1.1], method=method, **given)
    found = optimize.minimize(rosenbrock, [0.3, 0.9, 1.1], method=method)
    np.testing.assert_allclose(found.x, expected.x, rtol=1e-5)
    assert (found.nit, found.status) == (expected.nit, expected.status)


def test_a_start_of_float32_or_integers_is_one_of_float64() -> None:
    for start in (np.zeros(2, np.float32), [0, 0], 0):
        found = optimize.minimize(lambda x: np.sum((x - 1.0) ** 2), start)
        assert found.x.dtype == np.float64 and found.success
        np.testing.assert_allclose(found.x, 1.0)


def test_the_minimum_of_a_pytree_within_bounds() -> None:
    a = np.array([1.0, 2.0])
    free = optimize.minimize(distance, START, args=(a,), tol=1e-8)
    assert set(free.x) == set(free.jac) == {"u", "v"} and free.x["u"].shape == () and free.x["v"].shape == (2,)
    held = optimize.minimize(distance, START, args=(a,), bounds={"u": (None, 0.25), "v": (-1.0, [0.0, 3.0])})
    assert held.x["u"] == 0.25 and held.x["v"][1] == -1.0 and free.fun < held.fun


def test_constraints_have_derivatives() -> None:
    product = lambda x: x["u"] * x["v"][0]  # noqa: E731
    expected = None
    for constraints in (
        {"type": "eq", "fun": lambda x, c: product(x) - c, "args": (1.0,)},
        [scipy.optimize.NonlinearConstraint(product, 1.0, 1.0)],
    ):
        method = "SLSQP" if expected is None else "trust-constr"
        found = optimize.minimize(distance, START, (np.array([1.0, 2.0]),), method, constraints=constraints)
        np.testing.assert_allclose(product(found.x), 1.0, rtol=1e-6)
        expected = expected or found.fun
        np.testing.assert_allclose(found.fun, expected, rtol=1e-4)


def test_callbacks_see_the_pytree() -> None:
    seen: list[Any] = []

    def watch(intermediate_result: Any) -> None:
        seen.append(intermediate_result.x["v"].shape)

    for callback in (watch, lambda x: seen.append(x["v"].shape)):
        optimize.minimize(distance, START, args=(np.ones(2),), callback=callback)
    assert len(seen) > 4 and set(seen) == {(2,)}


def test_the_same_function_is_compiled_once() -> None:
    staged: list[int] = []

    def counted(x: Any, a: Any) -> Any:
        staged.append(1)
        return np.sum((x - a) ** 2)

    for a in (1.0, 2.0, 3.0):
        optimize.minimize(counted, np.zeros(2), args=(a,))
    assert len(staged) == 1


# --- Derivatives of solutions


def minimum(a: Any) -> Any:
    return optimize.minimize(distance, START, args=(a,), tol=1e-10).x


def held(a: Any) -> Any:
    return optimize.minimize(distance, START, args=(a,), tol=1e-12, bounds={"u": (-9.0, 0.25), "v": (-5.0, 5.0)}).x


def system(a: Any) -> Any:
    return optimize.root(lambda x: [x[0] ** 2 + x[1] - a[0], x[0] - x[1] ** 3 + a[1]], [1.0, 1.0], tol=1e-12).x


def fit(a: Any) -> Any:
    t = np.linspace(0.0, 2.0, 5)
    y = 3.0 * np.exp(-a[0] * t) + a[1] * np.cos(5 * t)
    residuals = lambda p: p["size"] * np.exp(-p["rate"] * t) - y  # noqa: E731
    start = {"size": 1.0, "rate": 1.0}
    return optimize.least_squares(residuals, start, loss="soft_l1", xtol=1e-14, ftol=1e-14, gtol=1e-14).x


SOLUTIONS = {"minimize": minimum, "minimize within bounds": held, "root": system, "least_squares": fit}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_a_solution_is_differentiated_to_second_order(name: str) -> None:
    check_grads(SOLUTIONS[name], (np.array([1.0, 0.4]),), order=2, rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["minimize", "root"])
def test_a_solution_is_compiled_and_mapped(name: str) -> None:
    examples = np.array([[1.0, 0.4], [0.8, 0.5]])
    slope = fnad.jacrev(SOLUTIONS[name])
    batch = fnad.jit(fnad.vmap(slope))(examples)
    for k, a in enumerate(examples):
        for got, alone in zip(fnad.tree.leaves(batch), fnad.tree.leaves(slope(a))):
            np.testing.assert_allclose(got[k], alone, rtol=1e-6, atol=1e-9)


def test_an_element_at_its_bound_does_not_move() -> None:
    slope = fnad.jacobian(held)(np.array([1.0, 0.4]))
    assert not np.any(slope["u"]) and np.all(np.diag(slope["v"]) < -0.5)


def test_the_result_in_a_compiled_function() -> None:
    a = np.array([1.0, 2.0])
    for method in ("BFGS", "L-BFGS-B"):
        found = fnad.jit(lambda a: optimize.minimize(distance, START, (a,), method))(a)
        expected = optimize.minimize(distance, START, (a,), method)
        assert type(found) is scipy.optimize.OptimizeResult and bool(found.success)
        assert found.nit == expected.nit or method == "BFGS"
        np.testing.assert_allclose(found.x["v"], expected.x["v"], rtol=1e-5)
        np.testing.assert_allclose(found.fun, expected.fun)


# --- One number


CURVES: dict[str, tuple[Callable[[Any, Any], Any], tuple[float, float]]] = {
    "smooth": (lambda x, a: np.exp(x) - 2 - a * x, (0.0, 3.0)), "flat": (lambda x, a: (x - a) ** 3, (-1.0, 4.0)),
    "steep": (lambda x, a: np.tanh(100.0 * (x - 0.3 * a)), (-10.0, 10.0)),
    "pole": (lambda x, a: 1 / (x - a / 3), (0, 1)),
    "at the end": (lambda x, a: x - a, (1.0, 2.0)), "downward": (lambda x, a: a - x, (5.0, -3.0)),
}


@pytest.mark.parametrize("method", ["brentq", "bisect"])
@pytest.mark.parametrize("name", CURVES)
def test_a_root_in_a_bracket_is_that_of_scipy(name: str, method: str) -> None:
    f, bracket = CURVES[name]
    expected = scipy.optimize.root_scalar(f, (1.0,), "bisect", bracket)
    found = fnad.jit(lambda a: optimize.root_scalar(f, (a,), method, bracket))(1.0)
    assert bool(found.converged) and found.iterations <= 60
    np.testing.assert_allclose(found.root, expected.root, atol=1e-11)


@pytest.mark.parametrize(
    "given",
    [dict(bracket=(0.0, 4.0)), dict(bracket=(0.0, 4.0), method="bisect"), dict(x0=1.0), dict(x0=1.0, x1=2.0),
     dict(x0=1.0, method="newton"), dict(x0=1.0, method="halley")],
    ids=str,
)
def test_a_root_of_one_number_is_differentiated_and_mapped(given: dict[str, Any]) -> None:
    def cube_root(a: Any) -> Any:
        return optimize.root_scalar(lambda x: x**3 - a, **given).root

    np.testing.assert_allclose(fnad.grad(cube_root)(8.0), 1 / 12, rtol=1e-10)
    np.testing.assert_allclose(fnad.grad(fnad.grad(cube_root))(8.0), -1 / 144, rtol=1e-10)
    if "method" not in given:
        mapped = fnad.jit(fnad.vmap(fnad.value_and_grad(cube_root)))(np.array([1.0, 8.0]))
        np.testing.assert_allclose(mapped, ([1.0, 2.0], [1 / 3, 1 / 12]), rtol=1e-10)


def test_without_a_bracket_of_signs_the_root_is_nan() -> None:
    found = fnad.jit(lambda a: optimize.root_scalar(lambda x: x**2 + a, bracket=(0.0, 1.0)))(1.0)
    assert np.isnan(found.root) and not found.converged
    with pytest.raises(ValueError, match="different signs"):
        optimize.root_scalar(lambda x: x**2 + 1.0, bracket=(0.0, 1.0))


def test_shorter_names_find_the_same_root() -> None:
    f = lambda x, a: x**2 - a  # noqa: E731
    for traced in (False, True):
        for find in (
            lambda a: optimize.brentq(f, 0.0, 4.0, (a,)), lambda a: optimize.bisect(f, 0.0, 4.0, (a,)),
            lambda a: optimize.newton(f, 1.0, args=(a,)), lambda a: optimize.newton(f, 1.0, args=(a,), x1=2.0),
        ):
            np.testing.assert_allclose((fnad.jit(find) if traced else find)(2.0), 2.0**0.5, rtol=1e-9)


NESTED: dict[str, Callable[[Any, Any], Any]] = {
    "root_scalar": lambda a, x0: optimize.root_scalar(lambda x, a: x**3 - a, (a,), x0=x0, xtol=1e-10 * x0).root,
    "brentq": lambda a, x0: optimize.brentq(lambda x, a: x**3 - a, 0.0 * x0, 4.0 * x0, (a,)),
    "minimize": lambda a, x0: optimize.minimize(
        lambda x: np.sum((x - a) ** 4 - x), x0[None], options={"gtol": 1e-9 * x0}).x[0],
    "SciPy's": lambda a, x0: optimize.minimize(lambda x: np.sum((x - a) ** 4 - x), x0[None], method="CG").x[0],
    "root": lambda a, x0: optimize.root(lambda x: x**3 - a, x0[None]).x[0],
    "newton": lambda a, x0: optimize.root(lambda x: x**3 - a, x0[None], method="newton", tol=1e-10).x[0],
}


@pytest.mark.parametrize("name", NESTED)
def test_a_traced_start_has_no_derivative_also_where_transforms_are_nested(name: str) -> None:
    solve = NESTED[name]
    slopes = fnad.jit(lambda a, x0: fnad.grad(lambda a, x0: solve(a, x0) ** 2, argnums=(0, 1))(a, x0))(2.0, 1.0)
    np.testing.assert_allclose(slopes[0], fnad.grad(lambda a: solve(a, np.array(1.0)) ** 2)(2.0), rtol=1e-9)
    assert slopes[0] > 0.1 and slopes[1] == 0.0


# --- Systems


@pytest.mark.parametrize("method", ["hybr", "lm", "krylov", "df-sane"])
def test_a_root_of_a_pytree(method: str) -> None:
    def residuals(x: Any, a: Any) -> Any:
        return {"sum": x["u"] + x["v"][0] - a, "product": x["u"] * x["v"] - 2.0}

    found = optimize.root(residuals, {"u": 0.0, "v": np.array([5.0])}, args=(3.0,), method=method)
    np.testing.assert_allclose([found.x["u"], found.x["v"][0]], [1.0, 2.0], rtol=1e-5)


@pytest.mark.parametrize("loss", ["linear", "soft_l1", "huber", "cauchy", "arctan"])
def test_losses_have_the_derivatives_of_their_solutions(loss: str) -> None:
    t = np.linspace(0.0, 1.0, 5)
    y = np.exp(-0.7 * t) + 0.5 * (t == 0.5)

    def rate(y: Any) -> Any:
        residuals = lambda p: np.exp(-p[0] * t) - y  # noqa: E731
        tight = dict(xtol=1e-15, ftol=1e-15, gtol=1e-15)
        return optimize.least_squares(residuals, [1.0], loss=loss, f_scale=0.2, **tight).x[0]

    steps = 1e-4 * np.eye(5)
    differences = [(rate(y + e) - rate(y - e)) / 2e-4 for e in steps]
    np.testing.assert_allclose(fnad.grad(rate)(y), differences, rtol=1e-3, atol=1e-6)


# --- Loops


@pytest.mark.parametrize("start", [[-1.2, 1.0], [1.3, 0.7, 0.8, 1.9, 1.2], [0.0] * 8], ids=len)
def test_bfgs_as_a_loop_finds_the_minimum_in_about_as_many_steps(start: list[float]) -> None:
    found = fnad.jit(lambda a: optimize.minimize(lambda x: rosenbrock(x / a), start))(1.0)
    expected = scipy.optimize.minimize(scipy.optimize.rosen, start, jac=scipy.optimize.rosen_der)
    assert bool(found.success) and found.status == 0 and found.nfev < 1.5 * expected.nfev
    np.testing.assert_allclose(found.x, 1.0, atol=1e-5)


def test_bfgs_as_a_loop_says_why_it_ended() -> None:
    def status(f: Callable[[Any], Any], **options: Any) -> int:
        return int(fnad.jit(lambda a: optimize.minimize(lambda x: f(a * x), [3.0, 2.0], options=options).status)(1.0))

    assert status(rosenbrock, maxiter=2) == 1
    assert status(lambda x: np.sum(np.sqrt(x - 10.0))) == 3
    assert status(lambda x: -np.sum(x)) == 2
    assert status(lambda x: 0.0 * np.sum(x)) == 0


def test_newtons_method_for_systems_is_a_loop() -> None:
    f = lambda x, a: [np.arctan(x[0] ** 2 + x[1] - a), x[0] - x[1] ** 3 + 0.4]  # noqa: E731
    expected = scipy.optimize.root(f, [3.0, 2.0], (2.0,), tol=1e-12).x
    for call in (optimize.root, fnad.jit(lambda f, x, a, m: optimize.root(f, x, a, m), static_argnums=(0, 3))):
        found = call(f, np.array([3.0, 2.0]), (2.0,), "newton")
        assert bool(found.success)
        np.testing.assert_allclose(found.x, expected, rtol=1e-8)


SLOPES: dict[str, Callable[[Any], Any]] = {
    "root_scalar": lambda a: optimize.brentq(lambda x: x**3 - a, 0.0, 4.0),
    "minimize": lambda a: optimize.minimize(lambda x: np.sum((x - a) ** 4), [0.0]).x[0],
    "root": lambda a: optimize.root(lambda x: x**3 - a, [1.0], method="newton").x[0],
}


@pytest.mark.parametrize("name", SLOPES)
def test_loops_and_their_derivatives_need_no_host_steps(name: str) -> None:
    program = stage(fnad.grad(SLOPES[name]), [value_type(1.0)]).program
    assert not [i for i, _ in walk(compile_program(program).plan) if isinstance(i, HostStep)]


# --- Curves

ABSCISSAE = np.linspace(0.0, 2.0, 9)
ORDINATES = 3.0 * np.exp(-0.5 * ABSCISSAE) + 0.1 * np.cos(9 * ABSCISSAE)
ERRORS = 0.1 + 0.1 * ABSCISSAE


def decay(t: Any, size: Any, rate: Any) -> Any:
    return size * np.exp(-rate * t)


@pytest.mark.parametrize(
    "given",
    [{}, dict(p0=[2.0, 1.0]), dict(sigma=ERRORS), dict(sigma=np.diag(ERRORS**2), absolute_sigma=True),
     dict(bounds=([0.0, 0.6], [np.inf, 1.0]))],
    ids=["plain", "p0", "sigma", "covariances", "bounds"],
)
def test_a_curve_is_fitted_as_by_scipy(given: dict[str, Any]) -> None:
    expected = scipy.optimize.curve_fit(decay, ABSCISSAE, ORDINATES, **given)
    for found, like in zip(optimize.curve_fit(decay, ABSCISSAE, ORDINATES, **given), expected):
        np.testing.assert_allclose(found, like, rtol=1e-3)


def test_a_fitted_curve_is_differentiated_in_the_data() -> None:
    def fitted(y: Any, sigma: Any) -> Any:
        return optimize.curve_fit(decay, ABSCISSAE, y, sigma=sigma)

    for found, expected in zip(fnad.jit(fitted)(ORDINATES, ERRORS), fitted(ORDINATES, ERRORS)):
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    check_grads(lambda y: optimize.curve_fit(decay, ABSCISSAE, y)[0], (ORDINATES,), rtol=1e-3, atol=1e-5)


def test_fsolve_is_root() -> None:
    f = lambda x, a: [x[0] + x[1] - a, x[0] * x[1] - 2.0]  # noqa: E731
    np.testing.assert_allclose(optimize.fsolve(f, [0.0, 5.0], (3.0,)), [1.0, 2.0])
    with pytest.warns(RuntimeWarning):
        optimize.fsolve(lambda x: x**2 + 1.0, [1.0])


# --- Errors


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda a: optimize.minimize(None, a), TypeError, "requires a function"),
        (lambda a: optimize.minimize(lambda x: x[0] * a[0], [0.0], constraints={"type": "eq"}), NotImplementedError,
         "without constraints"),
        (lambda a: optimize.minimize(lambda x: x[0], [0.0], bounds=[(a[0], None)]), TypeError, "bounds that is known"),
        (lambda a: optimize.least_squares(lambda x: x * a, [0.0], loss="other"), ValueError, "`loss` must be one of"),
        (lambda a: optimize.root_scalar(lambda x: x - a[0]), ValueError, "Unable to select a solver"),
        (lambda a: optimize.root_scalar(lambda x: x, method="other"), ValueError, "Unknown solver"),
        (lambda a: optimize.root_scalar(lambda x: x, method="brentq"), ValueError, "Bracket needed"),
        (lambda a: optimize.root_scalar(lambda x: x, method="secant", x0=1.0), ValueError, "requires x1"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_errors_say_what_to_do(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        fnad.jit(call)(np.ones(1))
