"""Complex numbers are compiled: NumPy's values, the interpreter's gradients, and no return to Python."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import cond, grad, jit, scan, tree, vmap, while_loop
from fnad.compiler.compile import compile_program
from fnad.compiler.cpu.lower import has_code
from fnad.compiler.passes.simplify import simplify
from fnad.ops.complexes import complex_
from fnad.ops.elementwise import conjugate, imag, neg, real
from fnad.runtime.plan import HostStep, walk
from fnad.testing import check_grads

generator = np.random.default_rng(0)
Z = generator.standard_normal((3, 4)) + 1j * generator.standard_normal((3, 4))
X, PLACES = generator.standard_normal((3, 4)), np.array([2, 0, 2])
M = 0.5 * (generator.standard_normal((6, 4, 4)) + 1j * generator.standard_normal((6, 4, 4)))


def written(z: Any) -> Any:
    w = np.array(z)
    w.real[...] = 1.0
    w.imag[0] = z.real[0]
    w[1] = 2j
    w[0, 1] += 1j
    return w * z


def added(z: Any) -> Any:
    w = np.array(z)
    np.add.at(w, PLACES, z * 1j)
    return w


def products(z: Any) -> Any:
    return scan(lambda c, m: (m @ c, np.trace(c)), np.eye(4) * z[0, 0], M)


def escaped(z: Any) -> Any:
    return while_loop(lambda s: np.abs(s) < 4, lambda s: s * s + z[0, 0] + 1, 0j)


REDUCTIONS: dict[str, Callable[[Any], Any]] = {
    "sum": np.sum, "sum of rows": lambda z: np.sum(z, 1), "prod": lambda z: np.prod(z, 0), "mean": np.mean,
    "var": np.var, "std": lambda z: np.std(z, 0), "max": lambda z: np.max(z, 1), "min": np.min,
    "cumsum": lambda z: np.cumsum(z, 0),
    "cumprod": lambda z: np.cumprod(z, 1), "norm": np.linalg.norm, "norm 1": lambda z: np.linalg.norm(z, 1, axis=1),
    "average": lambda z: np.average(z, weights=X + 3), "trace": np.trace, "nansum": np.nansum,
}
PRODUCTS: dict[str, Callable[[Any], Any]] = {
    "matmul": lambda z: z @ M[0], "gram": lambda z: z.conj().T @ z, "dot": lambda z: np.dot(z[0], z[1]),
    "vdot": lambda z: np.vdot(z, z * 2), "outer": lambda z: np.outer(z[0], z[1]),
    "inner": lambda z: np.inner(z, z), "einsum": lambda z: np.einsum("ij,kj->ik", z, z.conj()),
    "kron": lambda z: np.kron(z[:2, :2], z[1:, 1:]),
}
MOVES: dict[str, Callable[[Any], Any]] = {
    "where": lambda z: np.where(z > 0, z, 1), "select": lambda z: np.select([z.real > 0, z.imag > 0], [z, 2 * z]),
    "parts": lambda z: z.real + z.imag, "angle": np.angle, "sort": lambda z: np.sort(z, 0),
    "gather": lambda z: z[PLACES],
    "concatenate": lambda z: np.concatenate([z, z.conj()]), "maximum": lambda z: np.maximum(z, z.conj() + 0.1),
    "written": written, "added": added, "flip": lambda z: z[::-1].T, "pad": lambda z: np.pad(z, 1),
    "rounded": lambda z: np.round(z, 1) + z,
}
FORMULAS: dict[str, Callable[[Any], Any]] = {
    "polar": lambda z: np.abs(z) * np.exp(1j * np.angle(z)), "chain": lambda z: (z * z + np.conj(z)) / (z - 5) + abs(z),
    "powers": lambda z: z**3 + z**2.5 + z**z + 2**z, "weak": lambda z: (2j * z + 1 + (1 + 2j)) * 3.5 - 1j / z,
    "mixed": lambda z: z * X + X / z, "from parts": lambda z: z.real + 1j * z.imag, "sinc": np.sinc,
    "functions": lambda z: np.sin(z) + np.log(z) * np.sqrt(z) - np.tanh(z) / np.arcsinh(z),
}
CONTROL: dict[str, Callable[[Any], Any]] = {
    "scan": products, "while": escaped, "vmap": vmap(lambda r: np.sum(np.exp(r) * r.conj())),
    "cond": lambda z: cond(np.real(np.sum(z)) > 0, lambda z: np.exp(1j * z), lambda z: z.conj(), z),
    "vmap of scan": vmap(lambda r: scan(lambda c, e: (c * e + 1j, c), 1 + 0j, r)[0]),
}
WITHOUT_DERIVATIVE: dict[str, Callable[[Any], Any]] = {
    "any": np.any, "all": lambda z: np.all(z, 0), "argmax": np.argmax, "argmin": lambda z: np.argmin(z, 0),
    "argsort": lambda z: np.argsort(z, 1), "compare": lambda z: [z < 1j, z >= z.conj(), z == z[0], z != 1],
    "isclose": lambda z: np.isclose(z, z + 1e-12), "isreal": np.isreal, "count": np.count_nonzero,
    "to others": lambda z: [z.astype(bool), z.astype("c8"), X.astype("c8"), PLACES.astype(complex) + z[0, :3]],
}
FAMILIES = {"reductions": REDUCTIONS, "products": PRODUCTS, "moves": MOVES, "formulas": FORMULAS, "control": CONTROL}


def assert_close(got: Any, expected: Any, rtol: float) -> None:
    for g, e in zip(tree.leaves(got), tree.leaves(expected), strict=True):
        assert np.asarray(g).dtype == np.asarray(e).dtype
        np.testing.assert_allclose(g, e, rtol=rtol, atol=rtol)


def check_compiled(function: Callable[[Any], Any], expected: Any, rtol: float = 1e-12) -> None:
    plan = compile_program(fnad.make_program(function)(Z)).plan
    assert {step.name for step, _ in walk(plan) if isinstance(step, HostStep)} == set()
    assert_close(jit(function)(Z), expected, rtol)


@pytest.mark.parametrize("family", FAMILIES)
def test_values_and_gradients(family: str) -> None:
    functions = FAMILIES[family].values()
    check_compiled(lambda z: [f(z) for f in functions], [f(Z) for f in functions])
    total = lambda z: sum([np.sum(np.abs(y) ** 2) for f in functions for y in tree.leaves(f(z))])  # noqa: E731
    check_compiled(grad(total), grad(total)(Z), 1e-11)
    check_grads(total, (Z,), order=1)


def test_what_has_no_derivative() -> None:
    every = lambda z: [f(z) for f in WITHOUT_DERIVATIVE.values()]  # noqa: E731
    check_compiled(every, every(Z), 1e-6)


def test_second_derivatives() -> None:
    total = lambda z: np.sum(np.abs(np.exp(z) * np.sin(z) + z**3 / np.sqrt(z)) ** 2)  # noqa: E731
    check_grads(total, (Z[0],), order=2)
    second = grad(lambda z: np.real(np.sum(grad(total)(z) * Z[:, :1])))
    check_compiled(second, second(Z), 1e-11)


def test_a_host_step_is_seen_inside_of_a_loop() -> None:
    stepped = lambda z: scan(lambda c, e: (c * e, c), np.float16(1), z.real[0].astype("f2"))  # noqa: E731
    with pytest.raises(AssertionError, match="mul"):
        check_compiled(stepped, stepped(Z))


@pytest.mark.parametrize(("function", "names"), [
    (lambda z: conjugate(conjugate(z)), []), (lambda z: neg(neg(z)), []),
    (lambda z: conjugate(neg(z)), ["neg", "conjugate"]),
    (lambda z: real(complex_(imag(z), real(z))), ["imag"]), (lambda z: imag(complex_(imag(z), real(z))), ["real"]),
], ids=["conjugates", "signs", "others", "real part", "imaginary part"])
def test_what_is_undone_is_not_done(function: Callable[[Any], Any], names: list[str]) -> None:
    program = simplify(fnad.make_program(function)(Z), has_code)
    assert [eqn.primitive.name for eqn in program.equations] == names
    np.testing.assert_array_equal(jit(function)(Z), function(Z))


def test_the_imaginary_part_is_not_lost_in_silence() -> None:
    for run in (lambda f: f, jit):
        with pytest.warns(np.exceptions.ComplexWarning, match="discards the imaginary part"):
            np.testing.assert_array_equal(run(lambda z: z.astype(float))(Z), Z.real)
        with pytest.raises(TypeError, match="Cannot cast ufunc 'add' input 0 from dtype\\('complex128'\\)"):
            run(lambda z: np.add(z, 1, dtype=float))(Z)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        jit(grad(lambda x: np.real(np.sum(x * Z))))(X)


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_sums_keep_their_digits(dtype: str) -> None:
    z = (generator.random(100_000) + 1j).astype(dtype)
    np.testing.assert_allclose(jit(np.sum)(z), np.sum(z.astype(complex)), rtol=16 * np.finfo(dtype).eps)
