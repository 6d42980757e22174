"""Linear algebra where it degenerates: singular matrices, equal values, ties, empty matrices, and errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest

from tests.numpy.comparing import assert_like_numpy

EYE, A = np.eye(3), np.random.default_rng(1).standard_normal((3, 3))
NAN = float("nan")


def total(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda a: np.sum(f(a))


GRADIENTS: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "det of rank n - 1": (np.linalg.det, np.diag([1.0, 2.0, 3.0, 0.0]), np.diag([0.0, 0.0, 0.0, 6.0])),
    "det of two rows": (np.linalg.det, [[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
    "det, a column of 0": (np.linalg.det, [[0.0, 1.0], [0.0, 5.0]], [[5.0, 0.0], [-1.0, 0.0]]),
    "det of a range": (np.linalg.det, np.arange(9.0).reshape(3, 3), [[-3, 6, -3], [6, -12, 6], [-3, 6, -3]]),
    "det of rank n - 2": (np.linalg.det, np.diag([1.0, 2.0, 0.0, 0.0]), np.zeros((4, 4))),
    "det of one row": (np.linalg.det, [[5.0]], [[1.0]]),
    "slogdet": (lambda a: np.linalg.slogdet(a)[1], [[2.0, 1.0], [1.0, 1.0]], [[1.0, -1.0], [-1.0, 2.0]]),
    "smallest eigenvalue": (lambda a: np.linalg.eigh(a)[0][0], [[2.0, 1.0], [1.0, 2.0]], [[0.5, -0.5], [-0.5, 0.5]]),
    "the same of the other triangle": (
        lambda a: np.linalg.eigvalsh(a, "U")[0], [[2.0, 1.0], [1.0, 2.0]], [[0.5, -0.5], [-0.5, 0.5]],
    ),
    "equal eigenvalues": (total(np.linalg.eigvalsh), EYE, EYE),
    "equal eigenvalues with vectors": (lambda a: np.sum(np.linalg.eigh(a)[0] ** 2), EYE, 2 * EYE),
    "vectors that count 0": (lambda a: np.sum(np.linalg.eigh(a)[0]) + 0 * np.sum(np.linalg.eigh(a)[1]), EYE, EYE),
    "equal singular values": (total(np.linalg.svdvals), EYE, EYE),
    "singular values of rank 1": (lambda a: np.linalg.svd(a)[1][0], [[3.0, 0.0], [4.0, 0.0]], [[0.6, 0.0], [0.8, 0.0]]),
    "cholesky": (lambda a: np.linalg.cholesky(a)[1, 0], np.eye(2), [[0.0, 0.5], [0.5, 0.0]]),
    "cholesky, upper": (lambda a: np.linalg.cholesky(a, upper=True)[0, 1], np.eye(2), [[0.0, 0.5], [0.5, 0.0]]),
    "norm 2, a tie": (lambda a: np.linalg.norm(a, 2), np.diag([2.0, 2.0, 1.0]), np.diag([0.5, 0.5, 0.0])),
    "norm -2, a tie": (lambda a: np.linalg.norm(a, -2), np.diag([2.0, 1.0, 1.0]), np.diag([0.0, 0.5, 0.5])),
    "nuclear norm, a tie": (lambda a: np.linalg.norm(a, "nuc"), EYE, EYE),
    "nuclear norm of rank 1": (lambda a: np.linalg.norm(a, "nuc"), [[3.0, 0.0], [4.0, 0.0]], [[0.6, 0.0], [0.8, 0.0]]),
    "norm inf, a tie": (lambda a: np.linalg.norm(a, np.inf), np.eye(2), [[0.5, 0.0], [0.0, 0.5]]),
    "norm of what overflows": (np.linalg.norm, [1e200, 1e200], [0.5**0.5, 0.5**0.5]),
    "norm of what underflows": (np.linalg.norm, [1e-200, 1e-200], [0.5**0.5, 0.5**0.5]),
    "pinv of rank 1": (total(np.linalg.pinv), [[2.0, 0.0], [0.0, 0.0]], [[-0.25, 0.25], [0.25, 0.0]]),
    "pinv below its limit": (total(np.linalg.pinv), [[1.0, 0.0], [0.0, 7e-16]], [[-1.0, 1.0], [1.0, 0.0]]),
    "lstsq of rank 1": (
        lambda a: np.sum(np.linalg.lstsq(a, np.ones(3))[0]), np.ones((3, 2)), np.full((3, 2), -1 / 6),
    ),
    "solve": (lambda a: np.sum(np.linalg.solve(a, np.ones(2))), np.eye(2) * 2, np.full((2, 2), -0.25)),
}


def quadratic_form(solve: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    b = np.array([1.0, 2.0])
    return lambda a: b @ solve(a, b)


def by_cholesky(a: Any, b: Any) -> Any:
    low = np.linalg.cholesky(a)
    return np.linalg.solve(low.T, np.linalg.solve(low, b))


def by_cholesky_of_other_triangle(a: Any, b: Any) -> Any:
    high = np.linalg.cholesky(a, upper=True)
    return np.linalg.solve(high, np.linalg.solve(high.T, b))


GRADIENTS |= {
    f"quadratic form by {solve.__name__}": (
        quadratic_form(solve), [[4.0, 1.0], [1.0, 3.0]], np.array([[-1.0, -7.0], [-7.0, -49.0]]) / 121,
    )
    for solve in (np.linalg.solve, by_cholesky, by_cholesky_of_other_triangle)
}


@pytest.mark.parametrize("name", GRADIENTS)
def test_gradients(name: str) -> None:
    f, at, expected = GRADIENTS[name]
    np.testing.assert_allclose(fnad.grad(f)(np.array(at)), expected, rtol=1e-9, atol=1e-9)


def test_gradients_are_the_same_compiled() -> None:
    def all_of_them(points: list[Any]) -> list[Any]:
        return [fnad.grad(f)(at) for (f, _, _), at in zip(GRADIENTS.values(), points)]

    points = [np.array(at) for _, at, _ in GRADIENTS.values()]
    for name, got in zip(GRADIENTS, fnad.jit(all_of_them)(points)):
        np.testing.assert_allclose(got, GRADIENTS[name][2], rtol=1e-9, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("f", [
    lambda a: np.linalg.eigh(a)[1][0, 1], lambda a: np.linalg.svd(a)[0][0, 1], lambda a: np.linalg.eig(a)[1][0, 1].real,
])
def test_vectors_of_equal_values_have_no_derivative(f: Any) -> None:
    assert np.isnan(fnad.grad(f)(EYE)).any()


@pytest.mark.parametrize("at", [np.diag([1.0, 2.0, 3.0, 0.0]), np.diag([1.0, 2.0, 0.0, 0.0]), np.diag([1.0, 0.0, 0.0])])
def test_the_second_derivative_of_a_singular_determinant_is_exact(at: np.ndarray) -> None:
    n = len(at)
    hessian = fnad.hessian(np.linalg.det)(at).reshape(n * n, n * n)
    flat = lambda x: np.linalg.det(x.reshape(n, n))  # noqa: E731
    basis, step = np.eye(n * n), 0.5  # a determinant is linear in each element, so such differences are exact
    x = at.reshape(-1)
    differences = [[(flat(x + step * (e + f)) - flat(x + step * (e - f)) - flat(x - step * (e - f))
                     + flat(x - step * (e + f))) / (4 * step * step) for f in basis] for e in basis]
    expected = np.array(differences) * (1 - np.eye(n * n))
    np.testing.assert_allclose(hessian, expected, atol=1e-9)


def test_the_third_derivative_of_a_determinant() -> None:
    a = np.random.default_rng(0).standard_normal((4, 4))
    fnad.testing.check_grads(np.linalg.det, (a,), order=3, rtol=1e-5, atol=1e-5)


# --- Errors

SINGULAR, INDEFINITE = np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([[1.0, 2.0], [2.0, 1.0]])
FAILING = [
    (np.linalg.inv, SINGULAR, "Singular matrix"),
    (lambda a: np.linalg.solve(a, np.ones(2)), SINGULAR, "Singular matrix"),
    (np.linalg.cholesky, INDEFINITE, "Matrix is not positive definite"),
    (np.linalg.cholesky, np.diag([*np.ones(9), -1.0]), "Matrix is not positive definite"),
    (np.linalg.inv, np.diag([*np.ones(9), 0.0]), "Singular matrix"),
    (np.linalg.svdvals, np.full((2, 2), NAN), "SVD did not converge"),
    (np.linalg.eigvals, np.full((2, 2), NAN), "Array must not contain infs or NaNs"),
    (np.linalg.eig, np.diag([1.0, np.inf]), "Array must not contain infs or NaNs"),
]


@pytest.mark.parametrize("transform", [fnad.jit, lambda f: fnad.jit(fnad.jacobian(f)), lambda f: fnad.jacobian(f)],
                         ids=["jit", "jit of grad", "grad"])
@pytest.mark.parametrize(("f", "at", "text"), FAILING)
def test_what_cannot_be_factorized_is_numpys_error(f: Any, at: np.ndarray, text: str, transform: Any) -> None:
    def function(a: Any) -> Any:
        return [y.real for y in fnad.tree.leaves(f(a))]

    with pytest.raises(np.linalg.LinAlgError, match=rf"{text}\n  at .*test_linalg_edges.py"):
        transform(function)(at)


@pytest.mark.parametrize("compiled", [False, True])
def test_the_error_says_which_matrix_it_is(compiled: bool) -> None:
    stack = np.stack([EYE, EYE, EYE - np.diag([0, 0, 1.0])])
    batched = fnad.vmap(np.linalg.inv)
    with pytest.raises(np.linalg.LinAlgError, match="Singular matrix: number 2 of the batch"):
        (fnad.jit(batched) if compiled else batched)(stack)
    with pytest.raises(np.linalg.LinAlgError, match=r"Singular matrix: number \(0, 2\) of the batch"):
        (fnad.jit(fnad.vmap(batched)) if compiled else fnad.vmap(batched))(stack[None])


@pytest.mark.parametrize("f", [np.linalg.inv, lambda a: np.linalg.cholesky(a - EYE)], ids=["inv", "cholesky"])
def test_a_branch_that_is_not_taken_fails_for_nothing(f: Any) -> None:
    def choosing(flag: Any, a: Any) -> Any:
        return fnad.cond(flag, lambda a: np.sum(f(a)), lambda a: 0 * np.sum(a), a)

    stack = np.stack([2 * EYE, 0 * EYE])
    for g in (choosing, fnad.jit(choosing)):
        np.testing.assert_allclose(fnad.vmap(g)(np.array([True, False]), stack)[1], 0)
        gradients = fnad.vmap(fnad.grad(g, 1))(np.array([True, False]), stack)
        assert gradients[0].any() and not gradients[1].any()


MASKED = {
    "slogdet": lambda a: np.linalg.slogdet(a)[1], "det": np.linalg.det,
    "qr": lambda a: np.sum(np.linalg.qr(a)[1], axis=(1, 2)),
}


@pytest.mark.parametrize("transform", [lambda f: f, fnad.jit], ids=["interpreted", "compiled"])
@pytest.mark.parametrize("name", MASKED)
def test_what_a_mask_hides_of_a_stack_changes_no_derivative(name: str, transform: Any) -> None:
    stack = np.stack([A, np.zeros((3, 3)), np.diag([1.0, 2.0, NAN])])
    shown = np.array([True, False, False])
    gradient = transform(fnad.grad(lambda a: np.sum(np.where(shown, MASKED[name](a), 0.0))))(stack)
    np.testing.assert_allclose(gradient[0], fnad.grad(lambda a: np.sum(MASKED[name](a)))(stack[:1])[0])
    assert not gradient[1:].any()


def test_singular_determinants_are_no_errors() -> None:
    for function in (np.linalg.det, np.linalg.slogdet):
        assert_like_numpy(function, SINGULAR)
        assert_like_numpy(fnad.jit(function), SINGULAR)
    assert_like_numpy(lambda a: np.linalg.cond(a, 1), SINGULAR)


WRONG = [
    lambda a: np.linalg.solve(a.reshape(1, 3, 3), a[:2]), lambda a: np.linalg.solve(np.stack([a, a]), a[:2]),
    lambda a: np.linalg.solve(a, a[0, 0]), lambda a: np.linalg.solve(a[:2], a), lambda a: np.linalg.inv(a[0]),
    lambda a: np.linalg.inv(a[:2]), lambda a: np.linalg.cholesky(a[:2]), lambda a: np.linalg.det(a[0]),
    lambda a: np.linalg.eigh(a, "X"), lambda a: np.linalg.qr(a, "some"), lambda a: np.linalg.svd(a[0]),
    lambda a: np.linalg.norm(a, "nix"), lambda a: np.linalg.norm(a[0], "nuc"), lambda a: np.linalg.lstsq(a, a[:2]),
    lambda a: np.linalg.pinv(a, 1e-3, rtol=1e-3), lambda a: np.linalg.matrix_rank(a, 1e-3, rtol=1e-3),
    lambda a: np.linalg.matrix_power(a, 1.5), lambda a: np.linalg.multi_dot([a]), lambda a: np.linalg.tensorinv(a, 0),
    lambda a: np.linalg.tensorsolve(a, a[0, :2]), lambda a: np.linalg.inv(a.astype(np.float16)),
    lambda a: np.linalg.cond(a[:0]), lambda a: np.linalg.multi_dot([a, np.stack([a, a]), a]),
]


@pytest.mark.parametrize("f", WRONG)
def test_errors_are_numpys(f: Any) -> None:
    assert_like_numpy(f, EYE, message=True)


# --- Shapes and dtypes

SQUARES = ("inv", "det", "slogdet", "cholesky", "eigh", "eigvalsh", "qr", "svd", "svdvals", "pinv", "matrix_rank")


@pytest.mark.parametrize("name", SQUARES)
@pytest.mark.parametrize("shape", [(0, 0), (3, 0, 0), (0, 2, 2), (1, 1)], ids=str)
def test_empty_matrices_and_numbers(name: str, shape: tuple[int, ...]) -> None:
    assert_like_numpy(getattr(np.linalg, name), np.ones(shape))
    assert_like_numpy(fnad.jit(getattr(np.linalg, name)), np.ones(shape))


@pytest.mark.parametrize("shape", [(0, 2), (2, 0)], ids=str)
@pytest.mark.parametrize("f", [
    np.linalg.svd, lambda a: np.linalg.svd(a, full_matrices=False), np.linalg.qr, np.linalg.pinv,
    lambda a: np.linalg.qr(a, "complete"), lambda a: np.linalg.qr(a, "raw"),
    lambda a: np.linalg.lstsq(a, np.ones((a.shape[0], 1))), lambda a: np.linalg.norm(a, 2),
])
def test_matrices_without_elements(f: Any, shape: tuple[int, ...]) -> None:
    assert_like_numpy(f, np.ones(shape))


@pytest.mark.parametrize("dtype", [bool, np.int32, np.uint8, np.float32, np.complex64])
@pytest.mark.parametrize("name", [*SQUARES, "eig", "norm", "cond", "matrix_power"])
def test_dtypes_are_numpys(name: str, dtype: Any) -> None:
    more = (-1,) if name == "matrix_power" else ()
    function = getattr(np.linalg, name)
    from_numpy = [np.asarray(y).dtype for y in fnad.tree.leaves(function(np.eye(2, dtype=dtype), *more))]
    ours = [y.dtype for y in fnad.tree.leaves(fnad.jit(lambda a: function(a, *more))(np.eye(2, dtype=dtype)))]
    assert ours == from_numpy or name == "eig" and ours == [np.result_type(d, np.complex64) for d in from_numpy]


@pytest.mark.parametrize("at", [[1.0, 7e-16], [1.0, 1e-10]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_pinv_has_numpys_limit_whatever_the_dtype(at: list[float], dtype: Any) -> None:
    a = np.diag(np.array(at, dtype))
    assert_like_numpy(np.linalg.pinv, a)
    assert_like_numpy(lambda a: np.linalg.pinv(a, rtol=None), a)
    assert_like_numpy(lambda a: np.linalg.pinv(a, rcond=1e-3), a)


def test_one_triangle_is_read() -> None:
    a = np.array([[4.0, NAN], [1.0, 3.0]])
    for f in (np.linalg.cholesky, np.linalg.eigvalsh, lambda a: np.linalg.eigvalsh(a.T, "U"),
              lambda a: np.linalg.cholesky(a.T, upper=True)):
        assert_like_numpy(f, a)
        assert_like_numpy(fnad.jit(f), a)


@pytest.mark.parametrize("of_vectors", [
    lambda a: np.linalg.eigh(a)[1], lambda a: np.linalg.svd(a)[0], lambda a: np.linalg.svd(a)[2],
    lambda a: np.linalg.eig(a)[1].real,
], ids=["eigh", "u", "vh", "eig"])
def test_tangents_of_vectors_are_nan_where_values_are_equal(of_vectors: Any) -> None:
    turn = np.array([[1.0, 2.0], [2.0, 3.0]])
    assert np.isnan(fnad.jvp(of_vectors, (np.eye(2),), (turn,))[1]).any()
    assert np.isnan(fnad.grad(lambda a: np.sum(of_vectors(a)))(np.eye(2))).any()


def test_tangents_of_values_are_finite_beside_unused_vectors() -> None:
    values, vectors = np.linalg.eigh, np.linalg.svd
    turn = np.array([[1.0, 2.0], [2.0, 3.0]])
    assert np.isfinite(fnad.jvp(lambda a: values(a)[0], (np.eye(2),), (turn,))[1]).all()
    assert np.isfinite(fnad.jvp(lambda a: vectors(a)[1], (np.eye(2),), (turn,))[1]).all()

    @fnad.jit
    def masked(a: Any) -> Any:
        w, v = np.linalg.eigh(a)
        return np.sum(w**2) + np.sum(np.where(False, v, 0.0))

    np.testing.assert_allclose(fnad.grad(masked)(np.eye(2)), 2 * np.eye(2))
