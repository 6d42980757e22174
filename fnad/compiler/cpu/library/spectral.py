"""QR, eigenvalues and singular values by LAPACK."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from fnad.compiler.cpu.chunks import PER_MULTIPLICATION, chunk_of
from fnad.compiler.cpu.library.launch import Row, launch, row
from fnad.compiler.cpu.library.linalg import DTYPES
from fnad.ir.primitive import Primitive
from fnad.ops import spectral as ops
from fnad.runtime.cpu import blas
from fnad.runtime.failures import Failure, NoMemory, WrongMatrix
from fnad.runtime.plan import Launch, View

BLOCK = 64
"""Columns that LAPACK works on at a time, at most."""


def qr(a: View, q: View, r: View, complete: bool) -> Launch:
    """Q (..., m, k) and R (..., k, n) of matrices (..., m, n)."""
    (m, n), wide = a.shape[-2:], q.shape[-1]
    elements = BLOCK * max(m, n) + min(m, n) + m * max(n, wide)
    numbers = {"m": m, "n": n, "wide": wide, "elements": elements}
    return _launch("qr", "qr(routines, a, q, r, {})", {"a": a, "q": q, "r": r}, numbers, 4 * m * n * min(m, n))


def householder(a: View, h: View, tau: View) -> Launch:
    """The reflections (..., n, m) and their factors (..., k)."""
    m, n = a.shape[-2:]
    numbers = {"m": m, "n": n, "elements": BLOCK * n}
    operands = {"a": a, "h": h, "tau": tau}
    return _launch("householder", "householder(routines, a, h, tau, {})", operands, numbers, 2 * m * n * min(m, n))


def eigh(a: View, w: View, v: View | None = None, *, lower: bool) -> Launch:
    """Eigenvalues (..., n) of Hermitian matrices, and vectors if there is memory for them."""
    n, is_complex, operands = a.shape[-1], a.dtype.kind == "c", {"a": a, "w": w}
    elements = n * n + 1 + 6 * n + 2 * n * n + BLOCK * n
    numbers = {"n": n, "elements": elements, "reals": 1 + 5 * n + 2 * n * n, "integers": 3 + 5 * n}
    flags = f"{lower}, {v is not None}, {is_complex}"
    if v is not None:
        operands["v"] = v
    call = f"eigh(routines, a, w, {'v' if v is not None else 'a'}, n, {flags}, elements, reals, integers, lo, hi)"
    label = "eigh" if v is not None else "eigvalsh"
    return _launch(label, call, operands, numbers, 9 * n**3, _fails(a, ops.EIGENVALUES))


def _svd(a: View, s: View, u: View | None, vh: View | None) -> Launch:
    (m, n), is_complex, operands = a.shape[-2:], a.dtype.kind == "c", {"a": a, "s": s}
    k, long, vectors = min(m, n), max(m, n), u is not None and vh is not None
    wide, high = (u.shape[-1], vh.shape[-2]) if u is not None and vh is not None else (1, 1)
    work = 4 * k * k + 7 * k + long + BLOCK * (m + n)
    numbers = {
        "m": m, "n": n, "wide": wide, "high": high, "elements": m * n + m * wide + high * n + work,
        "reals": max(5 * k * k + 7 * k, 2 * long * k + 2 * k * k + k), "integers": 8 * k,
    }
    if u is not None and vh is not None:
        operands |= {"u": u, "vh": vh}
    names = ("u", "vh") if vectors else ("a", "a")
    call = (
        f"svd(routines, a, {names[0]}, s, {names[1]}, m, n, wide, high, {vectors}, {is_complex}, elements, reals, "
        "integers, lo, hi)"
    )
    return _launch("svd" if vectors else "svdvals", call, operands, numbers, 20 * long * k * k, _fails(a, ops.SVD))


def svd(a: View, u: View, s: View, vh: View, full: bool) -> Launch:
    """Singular vectors (..., m, ·), values (..., k) and vectors (..., ·, n) of matrices (..., m, n)."""
    return _svd(a, s, u, vh)


def svdvals(a: View, s: View) -> Launch:
    """Singular values (..., k) of matrices (..., m, n)."""
    return _svd(a, s, None, None)


def eig(a: View, w: View, v: View | None = None) -> Launch:
    """Complex eigenvalues (..., n) of matrices, and vectors if there is memory for them."""
    n, operands, vectors = a.shape[-1], {"a": a, "w": w}, v is not None
    work = (4 + BLOCK) * n + 2 * n * n + 2 * n
    numbers = {"n": n, "elements": work, "reals": 2 * n}
    if v is not None:
        operands["v"] = v
    target = "v" if vectors else "w"
    call = f"eig(routines, a, w, {target}, n, {vectors}, elements, lo, hi)"
    if a.dtype.kind == "c":
        real = f"as_float{a.dtype.itemsize * 4}(routines)"
        call = f"complex_eig(routines, a, w, {target}, {real}, n, {vectors}, elements, reals, lo, hi)"
    fails = _fails(a, ops.EIGENVALUES, ops.NOT_FINITE)
    return _launch("eig" if vectors else "eigvals", call, operands, numbers, 25 * n**3, fails)


def _fails(a: View, *reasons: str) -> Failure:
    return WrongMatrix(a.shape[:-2], reasons)


def _launch(
    label: str, call: str, operands: Mapping[str, View], numbers: Mapping[str, int], multiplications: float,
    fails: Failure = NoMemory(),
) -> Launch:
    """The launch of a kernel over a batch, whose call may leave its numbers to be filled in."""
    a = operands["a"]
    batch = prod(a.shape[:-2])
    chunk = chunk_of(batch, PER_MULTIPLICATION * multiplications * a.dtype.itemsize / 4 + 1000.0)
    told = {**numbers, "routines": blas.lapack_routines(a.dtype.name)}
    return launch(label, call.format(", ".join([*numbers, "lo", "hi"])), operands, told, batch, chunk, fails)


LAUNCHES: dict[Primitive, Row] = {
    ops.qr: row(qr, DTYPES), ops.householder: row(householder, DTYPES), ops.eigh: row(eigh, DTYPES),
    ops.eigvalsh: row(eigh, DTYPES), ops.svd: row(svd, DTYPES), ops.svdvals: row(svdvals, DTYPES),
    ops.eig: row(eig, DTYPES), ops.eigvals: row(eig, DTYPES),
}
