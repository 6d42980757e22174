"""`scipy.linalg` on traced values: SciPy's values, derivatives, batches, compiled code."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.scipy.linalg as sl
import numpy as np
import pytest
import scipy.linalg

from tests.surface.laws import LAWS, Row

RNG = np.random.default_rng(3)
A = RNG.standard_normal((3, 3)) + 2 * np.eye(3)
B, V = RNG.standard_normal((3, 2)), RNG.standard_normal(3)
TALL, WIDE = RNG.standard_normal((4, 2)), RNG.standard_normal((2, 4))
C = A + 1j * RNG.standard_normal((3, 3))
STACK = RNG.standard_normal((2, 3, 3)) + 2 * np.eye(3)


def turned(a: Any) -> Any:
    return np.conj(np.matrix_transpose(a))


def symmetric(a: Any) -> Any:
    return (a + turned(a)) / 2


def positive(a: Any) -> Any:
    return a @ turned(a) + np.eye(a.shape[-1], dtype=a.dtype)


def lower(a: Any) -> Any:
    return np.tril(a)


def row(name: str, *inputs: Any, prepare: Any = None, host: Any = (), **keywords: Any) -> Row:
    """A function with keywords; its laws by ``order``, ``batch`` and so on, and what is made of its first input."""
    laws = {k: keywords.pop(k) for k in ("order", "batch", "rtol", "grad_rtol", "single", "known") if k in keywords}
    made = prepare or (lambda a: a)
    label = "/".join([name, *[f"{k}={v}" for k, v in keywords.items()], *([prepare.__name__] if prepare else [])])
    label += f"/{np.asarray(inputs[0]).dtype}{list(np.shape(inputs[0]))}"
    return Row(
        label, lambda a, *xs: getattr(sl, name)(made(a), *xs, **keywords), inputs,
        lambda a, *xs: getattr(scipy.linalg, name)(made(a), *xs, **keywords), host=frozenset(host), **laws,
    )


def cho_solved(module: Any, **how: Any) -> Any:
    return lambda a, b: module.cho_solve(module.cho_factor(positive(a), **how), b)


def lu_solved(module: Any, trans: int) -> Any:
    return lambda a, b: module.lu_solve(module.lu_factor(a), b, trans)


def generalized(module: Any, type: int) -> Any:
    return lambda a, b: module.eigh(symmetric(a), positive(b), type=type, eigvals_only=True)


def eigenvectors(module: Any, type: int) -> Any:
    return lambda a, b: np.abs(module.eigh(symmetric(a), positive(b), type=type)[1])


ROWS = [
    row("solve", A, B), row("solve", STACK, V), row("solve", A, B, transposed=True),
    row("solve", A, V, prepare=positive, assume_a="pos"),
    row("solve", A, B, prepare=positive, assume_a="pos", lower=True),
    row("solve", C, B, prepare=symmetric, assume_a="her"), row("solve", A, B, prepare=symmetric, assume_a="sym"),
    row("solve", A, B, assume_a="upper triangular"),
    row("solve_triangular", A, B), row("solve_triangular", A, V, lower=True, trans="T"),
    row("solve_triangular", C, B, trans=2, unit_diagonal=True), row("solve_triangular", C, V, trans=1, lower=True),
    row("solve_triangular", STACK, B, batch=False),
    *[Row(f"cho_solve/{how}", cho_solved(sl, **how), (a, B), cho_solved(scipy.linalg, **how))
      for a, how in ((A, {}), (C, {"lower": True}))],
    row("cholesky", A, prepare=positive), row("cholesky", C, prepare=positive, lower=True),
    row("inv", STACK), row("inv", A, prepare=positive, assume_a="pos"), row("det", A), row("lu_factor", A),
    row("lu_factor", TALL), row("lu_factor", WIDE), row("lu", A), row("lu", TALL, permute_l=True),
    row("lu", WIDE, p_indices=True), row("lu", C),
    *[Row(f"lu_solve/{trans}", lu_solved(sl, trans), (a, B), lu_solved(scipy.linalg, trans))
      for a, trans in ((A, 0), (A, 1), (C, 1), (C, 2))],
    row("pinv", TALL), row("pinv", STACK, rtol=1e-9), row("pinv", A, atol=1e-9, return_rank=True),
    row("qr", A), row("qr", TALL, mode="economic"), row("qr", TALL, mode="r"),
    Row("qr/raw", lambda a: sl.qr(a, mode="raw")[0], (TALL,), lambda a: scipy.linalg.qr(a, mode="raw")[0], order=0),
    row("eigh", A, prepare=symmetric, eigvals_only=True, subset_by_index=(0, 1)), row("eigvalsh", A, prepare=symmetric),
    *[Row(f"eigh/type {k}", generalized(sl, k), (A, A.T), generalized(scipy.linalg, k)) for k in (1, 2, 3)],
    *[Row(f"eigh/vectors, type {k}", eigenvectors(sl, k), (C, A), eigenvectors(scipy.linalg, k), order=1)
      for k in (1, 3)],
    row("eigvals", C), row("eigvals", C, A),
    Row("eig", lambda a: [np.abs(y) for y in sl.eig(a, left=True)], (C,),
        lambda a: [np.abs(y) for y in scipy.linalg.eig(a, left=True)], order=1),
    row("svd", TALL, compute_uv=False), row("svdvals", WIDE),
    *[row("polar", a, host=["sylvester"]) for a in (A, TALL, WIDE)], row("polar", STACK, order=1, host=["sylvester"]),
    *[row("polar", a, host=["sylvester"], side="left") for a in (TALL, C)],
    row("orthogonal_procrustes", A, C.real.T, host=["sylvester"]),
    row("lstsq", TALL, V[:1] * TALL + 1, order=1), row("lstsq", TALL, WIDE[0]),
    row("expm", A), row("expm", STACK, order=1, rtol=1e-12), row("expm", C * 4, order=1), row("expm", A * 1e-3),
    row("expm_frechet", A, C.real), row("logm", A, prepare=positive, host=["logm"]),
    row("sqrtm", A, prepare=positive, host=["sqrtm", "sylvester"]), row("sqrtm", C, host=["sqrtm", "sylvester"]),
    row("solve_sylvester", A, TALL @ WIDE + 3 * np.eye(4), np.ones((3, 4)), host=["sylvester"]),
    row("solve_continuous_lyapunov", A, C.real, host=["sylvester"]),
    row("solve_discrete_lyapunov", A / 4, C.real), row("solve_discrete_lyapunov", A / 4, A, method="bilinear",
                                                       host=["sylvester"]),
    row("toeplitz", V), row("toeplitz", V * 1j, B[:, 0]), row("hankel", V), row("hankel", V, B[:, 0]),
    row("circulant", V), row("companion", V), row("convolution_matrix", V, n=4), row("khatri_rao", TALL, WIDE.T),
    *[row("convolution_matrix", V, n=2, mode=mode) for mode in ("same", "valid")],
    row("block_diag", A, V, TALL), row("matmul_toeplitz", V, V + 1), row("solve_toeplitz", V + 3, B),
    Row("solve_banded", lambda ab, b: sl.solve_banded((1, 1), ab, b), (A + np.diag(V), V),
        lambda ab, b: scipy.linalg.solve_banded((1, 1), ab, b)),
    row("solveh_banded", np.array([[0.0, 0.5, 0.7], [2.0, 3.0, 4.0]]), V),
    row("solveh_banded", np.array([[2.0, 3.0, 4.0], [0.5, 0.7, 0.0]]), B, lower=True),
    row("null_space", WIDE, known=True, order=0), row("orth", TALL, known=True),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_functions_of_scipy(row: Row, law: Any) -> None:
    law(row)


# --- Where it degenerates


@pytest.mark.parametrize("compiled", [False, True])
def test_exponentials_of_matrices_of_any_norm(compiled: bool) -> None:
    expm = fnad.jit(sl.expm) if compiled else lambda a: fnad.vmap(sl.expm)(a[None])[0]
    assert not np.any(expm(-1e6 * np.eye(3)))
    np.testing.assert_allclose(expm(1e6 * np.array([[-1.0, 1.0], [2.0, -2.0]])), [[2 / 3, 1 / 3]] * 2, rtol=1e-8)
    np.testing.assert_array_equal(expm(np.zeros((2, 2))), np.eye(2))
    assert np.isnan(expm(np.full((2, 2), np.nan))).all()


def test_the_derivative_of_an_exponential_at_zero() -> None:
    g = fnad.grad(lambda a: np.sum(sl.expm(a) * np.arange(4.0).reshape(2, 2)))(np.zeros((2, 2)))
    np.testing.assert_allclose(g, np.arange(4.0).reshape(2, 2))


@pytest.mark.parametrize("at", [np.eye(2), [[4.0, 1.0], [1.0, 3.0]]])
def test_the_gradient_by_cholesky_is_symmetric(at: Any) -> None:
    b, at = np.array([1.0, 2.0]), np.array(at)
    x = np.linalg.solve(at, b)
    for lower in (False, True):
        for form in (
            lambda a: b @ sl.cho_solve(sl.cho_factor(a, lower), b), lambda a: b @ sl.solve(a, b, lower, assume_a="pos"),
            lambda a: np.sum(sl.solve_triangular(sl.cholesky(a, lower=lower), b, trans=not lower, lower=lower) ** 2),
        ):
            np.testing.assert_allclose(fnad.grad(form)(at), -np.outer(x, x), rtol=1e-12)


def test_polar_factors_have_derivatives_at_equal_values() -> None:
    fnad.testing.check_grads(lambda a: sl.polar(a), (2 * np.eye(3),))


def test_what_is_not_real_is_nan() -> None:
    for function in (sl.sqrtm, sl.logm):
        for f in (fnad.jit(function), lambda a: fnad.vmap(function)(a[None])[0]):
            assert np.isnan(f(-np.eye(2))).all() and f(-np.eye(2)).dtype == np.float64
            np.testing.assert_allclose(f(-np.eye(2) + 0j), function(-np.eye(2)))


def test_errors_name_the_matrix() -> None:
    stack = np.stack([np.eye(3), -np.eye(3)])
    with pytest.raises(np.linalg.LinAlgError, match="number 1 of the batch"):
        fnad.jit(fnad.vmap(lambda a: sl.solve(a, a, assume_a="pos")))(stack)
    for transform in (fnad.jit, fnad.vmap, lambda f: fnad.jit(fnad.vmap(f))):
        with pytest.raises(np.linalg.LinAlgError, match="Singular matrix"):
            transform(lambda a: sl.solve_triangular(a, np.ones(3)))(stack * np.array([1.0, 0.0, 1.0]))


WRONG = [
    lambda m, a: m.solve(a, a[:2]), lambda m, a: m.solve(a[:2], a), lambda m, a: m.inv(a[:2]),
    lambda m, a: m.cholesky(a[:2]), lambda m, a: m.solve_triangular(a, a[:2]), lambda m, a: m.expm(a[:2]),
    lambda m, a: m.cho_solve((a, True), a[:2]), lambda m, a: m.polar(a, "up"), lambda m, a: m.qr(a, mode="x"),
    lambda m, a: m.companion(a[:, :1]), lambda m, a: m.khatri_rao(a, a[:, :2]),
    lambda m, a: m.solve_banded((1, 1), a[:2], a), lambda m, a: m.convolution_matrix(a[0], 0),
    lambda m, a: m.lu_solve((a, np.arange(3)), a[:2]), lambda m, a: m.expm_frechet(a, a[:2, :2]),
    lambda m, a: m.solve_discrete_lyapunov(a, a, "x"), lambda m, a: m.pinv(a, rtol=-1.0),
]


@pytest.mark.parametrize("f", WRONG)
def test_errors_are_scipys(f: Any) -> None:
    try:
        f(scipy.linalg, np.eye(3))
    except Exception as error:
        with pytest.raises(type(error)):
            fnad.grad(lambda a: np.sum(f(sl, a)))(np.eye(3))
    else:
        raise AssertionError("SciPy takes it")
