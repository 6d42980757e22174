"""Differential equations: SciPy's steps and states in loops, and the derivatives of these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.integrate
from fnad.scipy import integrate

from tests.surface.laws import LAWS, Row, compiled

TIMES = np.array([0.3, 0.7, 0.9])
MATRIX = np.array([[-0.3, 1.0], [-1.0, -0.2]])
START = np.array([1.0, 0.5])
TIGHT = dict(rtol=1e-10, atol=1e-12)


def prey_and_predators(t: Any, z: Any, a: Any, b: Any) -> Any:
    x, y = z
    return [a * x - b * x * y, -3.0 * y + x * y * np.cos(t)]


def states(where: Any, method: str) -> Callable[..., Any]:
    def call(y0: Any, a: Any, times: Any) -> Any:
        given = dict(method=method, t_eval=times, args=(a, 1.0), **TIGHT)
        return where.solve_ivp(prey_and_predators, (0.0, 1.0), y0, **given).y

    return call


def linear(y0: Any, matrix: Any, t0: Any, times: Any) -> Any:
    return integrate.solve_ivp(lambda t, y: matrix @ y, (t0, 1.0), y0, t_eval=times, **TIGHT).y


def exact(y0: Any, matrix: Any, t0: Any, times: Any) -> Any:
    values, vectors = np.linalg.eig(matrix)
    return np.real(vectors @ (np.linalg.solve(vectors, y0)[:, None] * np.exp(values[:, None] * (times - t0))))


# States in tests of derivatives are a tolerance away from the truth.
ROWS = [
    *[Row(f"solve_ivp/{m}", states(integrate, m), (np.array([1.2, 0.8]), 1.5, TIMES),
          reference=states(scipy.integrate, m), rtol=1e-12, order=1, grad_rtol=1e-5, batch=m == "RK45")
      for m in ("RK45", "DOP853")],
    Row("solve_ivp/times", linear, (START, MATRIX, 0.1, TIMES), reference=exact, rtol=1e-8, order=1,
        grad_rtol=1e-5, batch=False, single=False),
    Row("odeint", lambda y0, t, rate: integrate.odeint(lambda y, t, r: -r * y, y0, t, rate, **TIGHT),
        (START, TIMES[::-1].copy(), 1.3), reference=lambda y0, t, r: y0 * np.exp(-r * (t - t[0]))[:, None], rtol=1e-8,
        order=1, grad_rtol=1e-5, single=False),
]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_law(row: Row, law: Callable[[Row], None]) -> None:
    if law is not compiled or row.name == "solve_ivp/RK45":  # the others are of the same operations
        law(row)


@pytest.mark.parametrize("method", ["RK23", "RK45", "DOP853"])
@pytest.mark.parametrize("backward", [False, True], ids=["forward", "backward"])
def test_the_steps_are_scipys(method: str, backward: bool) -> None:
    span, times = ((1.0, 0.0), TIMES[::-1]) if backward else ((0.0, 1.0), TIMES)
    given = dict(method=method, t_eval=times, args=(1.5, 1.0), rtol=1e-4, max_step=0.3)
    expected = scipy.integrate.solve_ivp(prey_and_predators, span, START, **given)
    got = fnad.jit(lambda y0: integrate.solve_ivp(prey_and_predators, span, y0, **given))(START)
    np.testing.assert_allclose(got.y, expected.y, rtol=1e-12)
    np.testing.assert_array_equal(got.t, expected.t)
    assert (got.status, bool(got.success)) == (0, True) == (expected.status, expected.success)
    if method != "DOP853":  # whose stages for the dense output are those of each step here
        assert got.nfev == expected.nfev


def test_a_given_first_step_is_taken() -> None:
    def evaluations(where: Any, y0: Any) -> Any:
        return where.solve_ivp(prey_and_predators, (0, 1), y0, t_eval=[1.0], args=(1, 1), first_step=0.01).nfev

    assert fnad.jit(lambda y0: evaluations(integrate, y0))(START) == evaluations(scipy.integrate, START)


def test_each_example_of_a_batch_has_its_own_steps() -> None:
    def solved(rate: Any) -> Any:
        return integrate.solve_ivp(lambda t, y: -rate * y, (0.0, 1.0), START, t_eval=TIMES)

    rates = np.array([1.0, 20.0])
    batch = fnad.jit(fnad.vmap(solved))(rates)
    for k, rate in enumerate(rates):
        alone = scipy.integrate.solve_ivp(lambda t, y: -rate * y, (0.0, 1.0), START, t_eval=TIMES)
        np.testing.assert_allclose(batch.y[k], alone.y, rtol=1e-12)
        assert batch.nfev[k] == alone.nfev


@pytest.mark.parametrize("is_jitted", [False, True], ids=["by scipy", "compiled"])
def test_a_state_may_be_a_pytree(is_jitted: bool) -> None:
    start = {"a": np.ones((2, 1)), "b": 1.0}

    def solved(y0: Any) -> Any:
        slope = lambda t, y: {"a": -y["a"], "b": y["b"]}  # noqa: E731
        return integrate.solve_ivp(slope, (0.0, 1.0), y0, t_eval=TIMES, **TIGHT).y

    got = (fnad.jit(solved) if is_jitted else solved)(start)
    np.testing.assert_allclose(got["a"], np.exp(-TIMES) * np.ones((2, 1, 3)))
    np.testing.assert_allclose(got["b"], np.exp(TIMES))


def test_a_complex_state() -> None:
    turn = lambda y0: integrate.solve_ivp(lambda t, y: 1j * y, (0.0, 1.0), y0, t_eval=TIMES, **TIGHT).y  # noqa: E731
    np.testing.assert_allclose(fnad.jit(turn)(np.array([1 + 0j]))[0], np.exp(1j * TIMES))


def test_an_interval_of_no_length() -> None:
    def end(t1: Any) -> Any:
        return integrate.solve_ivp(lambda t, y: MATRIX @ y, (1.0, t1), START, t_eval=fnad.numpy.array([t1])).y[:, 0]

    np.testing.assert_array_equal(fnad.jit(end)(1.0), START)
    np.testing.assert_allclose(fnad.jacfwd(end)(1.0), MATRIX @ START)


@pytest.mark.parametrize("is_jitted", [False, True], ids=["by scipy", "compiled"])
@pytest.mark.parametrize("known", [0, 1])
def test_a_slope_that_is_nan_ends_it(is_jitted: bool, known: int) -> None:
    def solved(y0: Any) -> Any:
        slope = lambda t, y: np.where(t < known * 0.5, -y, np.nan * y)  # noqa: E731
        return integrate.solve_ivp(slope, (0.0, 1.0), y0, t_eval=[0.2, 0.9])

    got = (fnad.jit(solved) if is_jitted else solved)(START)
    assert got.status == -1 and not got.success
    assert np.sum(np.isfinite(got.y)) == 2 * known


def test_the_end_of_the_last_step_is_differentiated() -> None:
    def end(t0: Any, t1: Any) -> Any:
        times = fnad.numpy.array([t1])
        return integrate.solve_ivp(lambda t, y: MATRIX @ y, (t0, t1), START, t_eval=times, rtol=1e-7).y[:, 0]

    for derivative, sign in zip(fnad.jacrev(end, argnums=(0, 1))(0.1, 1.0), (-1, 1)):
        np.testing.assert_allclose(derivative, sign * MATRIX @ end(0.1, 1.0), rtol=1e-5)


def test_the_second_derivative() -> None:
    def end(rate: Any) -> Any:
        return integrate.solve_ivp(lambda t, y: -rate * y, (0.0, 1.0), [1.0], t_eval=[1.0], rtol=1e-6).y[0, 0]

    np.testing.assert_allclose(fnad.hessian(end)(1.5), np.exp(-1.5), rtol=1e-5)


# --- A stiff one


def reactions(t: Any, y: Any, rate: Any) -> Any:
    """Robertson's three reactions, whose rates differ by nine powers of ten."""
    a, b, c = y
    first, second, third = rate * a, 1e4 * b * c, 3e7 * b**2
    return [second - first, first - second - third, third]


def reacted(rate: Any, times: Any = (0.4, 40.0, 4e4)) -> Any:
    start = np.array([1.0, 0.0, 0.0])
    given = dict(t_eval=np.array(times), args=(rate,), rtol=1e-7, atol=1e-11)
    return integrate.solve_ivp(reactions, (0.0, times[-1]), start, "Rodas4", **given)


@pytest.mark.parametrize("is_jitted", [False, True], ids=["interpreted", "compiled"])
def test_stiff_reactions_take_few_steps(is_jitted: bool) -> None:
    times = (0.4, 40.0, 4e4) if is_jitted else (0.4, 40.0)
    expected = scipy.integrate.solve_ivp(
        reactions, (0.0, times[-1]), [1.0, 0.0, 0.0], "Radau", times, args=(0.04,), rtol=1e-10, atol=1e-13
    )
    got = (fnad.jit(reacted) if is_jitted else lambda rate: reacted(rate, times))(0.04)
    assert got.status == 0 and got.nfev < 3000
    np.testing.assert_allclose(got.y, expected.y, rtol=1e-5)


def test_stiff_reactions_are_differentiated() -> None:
    slope = fnad.jacfwd(lambda rate: reacted(rate, (40.0,)).y[0, 0])(0.04)
    ends = [
        scipy.integrate.solve_ivp(
            reactions, (0.0, 40.0), [1.0, 0.0, 0.0], "Radau", args=(rate,), rtol=1e-10, atol=1e-13
        ).y[0, -1] for rate in (0.0399, 0.0401)
    ]
    np.testing.assert_allclose(slope, (ends[1] - ends[0]) / 2e-4, rtol=1e-4)


def test_the_error_of_the_stiff_method_falls_with_the_fourth_power_of_the_step() -> None:
    def ends(steps: int) -> Any:
        fixed = dict(rtol=1e3, atol=1e3, first_step=1 / steps, max_step=1 / steps)
        slope = lambda t, y: [np.sin(3 * t) - 2 * t * y[0], y[0] * np.cos(t) - y[1]]  # noqa: E731
        return integrate.solve_ivp(slope, (0.0, 1.0), START, "Rodas4", [0.55, 1.0], **fixed).y

    coarse, fine, finest = [ends(n) for n in (20, 40, 160)]
    assert np.all(np.abs(fine - finest) * 10 < np.abs(coarse - finest))


# --- Where SciPy solves it, and errors


def test_outside_of_staging_it_is_scipys() -> None:
    def at_four(t: Any, y: Any) -> Any:
        return y[0] - 4.0

    at_four.terminal = True  # type: ignore[attr-defined]
    got = integrate.solve_ivp(lambda t, y: y, (0, 10), [1.0], "LSODA", events=at_four, dense_output=True)
    assert got.status == 1 and abs(got.t_events[0][0] - np.log(4.0)) < 1e-2 and abs(got.sol(0.0) - 1.0) < 1e-8


SOLVE = integrate.solve_ivp


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda y: SOLVE(None, (0, 1), y, t_eval=[1.0]), TypeError, "requires a function"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y), ValueError, "requires t_eval"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, "Radau", [1.0]), ValueError, "one of the methods RK23"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), 1j * y, "Rodas4", [1.0]), ValueError, "requires a real state"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, "Euler", [1.0]), ValueError, "`method` must be one of"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], events=abs), NotImplementedError, "no events"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], dense_output=True), NotImplementedError, "dense"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[0.5, 2.0]), ValueError, "not within `t_span`"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[0.5, 0.2]), ValueError, "not properly sorted"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[[0.5]]), ValueError, "must be 1-dimensional"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y[:, None], t_eval=[0.5]), ValueError, "must be 1-dimensional"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], args=3), TypeError, "cannot be unpacked"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], atol=-1.0), ValueError, "must be positive"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], atol=[1.0] * 3), ValueError, "wrong shape"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], max_step=0.0), ValueError, "`max_step` must be"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], first_step=0.0), ValueError, "`first_step` must"),
        (lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], first_step=3.0), ValueError, "exceeds bounds"),
        (lambda y: SOLVE(lambda t, y: [y], (0, 1), {"a": y}, t_eval=[1.0]), ValueError, "equal structure"),
        (lambda y: integrate.odeint(lambda y, t: y, y, [[0.0]]), ValueError, "requires a vector of times"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_errors_are_scipys_or_say_what_to_do(call: Any, error: Any, words: str) -> None:
    with pytest.raises(error, match=words):
        fnad.jit(call)(START)


def test_tolerances_and_options_without_effect_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="`rtol` is too small"):
        fnad.jit(lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], rtol=1e-20).t)(START)
    with pytest.warns(UserWarning, match="no effect for a chosen solver: `jac`"):
        fnad.jit(lambda y: SOLVE(lambda t, y: y, (0, 1), y, t_eval=[1.0], jac=None).t)(START)
