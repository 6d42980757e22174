"""Functions of scipy.special that are no ufuncs."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as scipys

from fnad.numpy.promotion import all_axes, is_traced
from fnad.numpy.reductions import kept
from fnad.ops import elementwise as ops
from fnad.ops import softmax as family
from fnad.ops.reductions import reduce_logsumexp
from fnad.scipy.originals import answers_for, as_array

answers = answers_for("scipy.special")


def _inexact(a: Any) -> Any:
    """An argument as a traced array of floats or complex numbers."""
    a = as_array(a)
    return a.astype(float) if a.dtype.kind in "biu" else a


# --- Logarithms of sums of exponentials


@answers
def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    """The logarithm of a sum of exponentials, ``log(sum(b * exp(a)))``, without overflow.

    Args:
        a: an array or a traced value.
        axis: an integer, a tuple of them, or None for all axes.
        b: weights of a shape that broadcasts with that of ``a``; elements of weight 0 count for nothing.
        keepdims: whether those axes stay, with size 1.
        return_sign: whether the sum may be negative: then the logarithm of its absolute value, and its sign.

    Returns:
        An array without these axes; with ``return_sign`` two. NaN where the sum is negative and no sign is asked for.

    Raises:
        ValueError: there is no such axis.

    Derivative: b exp(a) / sum(b exp(a)) in a, 0 where all is -inf; exp(a) / sum(b exp(a)) in b.

    >>> logsumexp(np.array([1.0, 2.0]), b=np.array([1.0, -1.0]), return_sign=True)
    (np.float64(1.5413248546129181), np.float64(-1.0))
    """
    a = _inexact(a)
    if b is not None:
        a, b = np.broadcast_arrays(*_of_one_dtype(a, _inexact(b)))
    a = np.atleast_1d(a)
    axes = all_axes(axis, a.ndim)
    if b is None and not return_sign and a.dtype.kind == "f":
        return kept(reduce_logsumexp(a, axes=axes), a, axes, keepdims)
    logarithm, sign = _weighted(a, None if b is None else np.atleast_1d(b), axes)
    if not keepdims:
        logarithm, sign = np.squeeze(logarithm, axes), np.squeeze(sign, axes)
    if return_sign:
        return logarithm.real, sign
    return np.where(sign < 0, np.nan, logarithm) if a.dtype.kind == "f" else logarithm + np.log(sign)


def _of_one_dtype(*arrays: Any) -> list[Any]:
    dtype = np.result_type(*[x.dtype for x in arrays])
    return [x.astype(dtype) for x in arrays]


def _weighted(a: Any, b: Any, axes: tuple[int, ...]) -> tuple[Any, Any]:
    """The logarithm of the sum's absolute value, and its sign, with the axes that were added over."""
    heights = a.real if b is None else np.where(b == 0, -np.inf, a.real)
    top = ops.stop_gradient(np.max(heights, axis=axes, keepdims=True, initial=-np.inf))
    top = np.where(np.isfinite(top), top, 0.0)
    shifted = a - top
    if b is not None:  # what counts for nothing may be infinite
        shifted = np.where((b == 0) & ~(np.exp(shifted.real) < np.inf), -np.inf, shifted)
    powers = np.exp(shifted) if b is None else b * np.exp(shifted)
    total = np.sum(powers, axis=axes, keepdims=True)
    size = np.abs(total)
    is_zero = size == 0
    logarithm = np.where(is_zero, -np.inf, np.log(np.where(is_zero, 1.0, size))) + top
    return logarithm, np.sign(total)


@answers
def softmax(x: Any, axis: Any = None) -> Any:
    """``exp(x) / sum(exp(x))``, without overflow.

    Args:
        x: an array or a traced value.
        axis: the axis or axes along which the results add up to 1; None for all.

    Returns:
        An array of the shape of ``x``.

    Raises:
        ValueError: there is no such axis.

    Derivative: y (g - sum(y g)) for the result y and the cotangent g.

    >>> softmax(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    a = _inexact(x)
    return family.softmax(a, all_axes(axis, a.ndim))


@answers
def log_softmax(x: Any, axis: Any = None) -> Any:
    """The logarithm of `softmax`.

    Args:
        x: an array or a traced value.
        axis: the axis or axes over which `softmax` adds up to 1; None for all.

    Returns:
        An array of the shape of ``x``.

    Raises:
        ValueError: there is no such axis.

    Derivative: g - softmax(x) sum(g) for the cotangent g.

    >>> log_softmax(np.array([1000.0, 0.0]))
    array([    0., -1000.])
    """
    a = _inexact(x)
    return family.log_softmax(a, all_axes(axis, a.ndim))


@answers
def softplus(x: Any) -> Any:
    """``log(1 + exp(x))``, without overflow.

    Args:
        x: an array, a number or a traced value.

    Returns:
        An array of the same shape.

    Raises:
        TypeError: ``x`` is not real.

    Derivative: expit(x).

    >>> softplus(np.array([-1000.0, 1000.0]))
    array([   0., 1000.])
    """
    return np.logaddexp(0, as_array(x))


# --- The gamma function's family


@answers
def polygamma(n: Any, x: Any) -> Any:
    """The derivative of order n of `digamma`.

    Args:
        n: whole numbers from 0 on.
        x: an array, a number or a traced value.

    Returns:
        An array of their common shape, float64.

    Raises:
        TypeError: an argument is not real.

    Derivative: polygamma(n + 1, x) in x.

    >>> polygamma(1, np.array([1.0, 2.0]))
    array([1.64493407, 0.64493407])
    """
    n, x = as_array(n), as_array(x)
    factor = (-1.0) ** (n + 1) * scipys.gamma(n + 1.0)
    if not is_traced(n) and np.all(n):
        return factor * scipys.zeta(n + 1, x)
    return np.where(n == 0, scipys.psi(x), factor * scipys.zeta(n + 1, x))


@answers
def multigammaln(a: Any, d: int) -> Any:
    """The logarithm of the gamma function of ``d`` by ``d`` matrices.

    Args:
        a: an array, a number or a traced value, greater than (d - 1) / 2.
        d: the size of the matrices.

    Returns:
        An array of the shape of ``a``.

    Raises:
        ValueError: ``d`` is no whole number.

    Derivative: the sum of digamma(a - k / 2) over k = 0, ..., d - 1.

    >>> multigammaln(3.0, 2)
    np.float64(1.5501949939575646)
    """
    if np.ndim(d) or np.floor(d) != d:
        raise ValueError("d should be a positive integer (dimension)")
    steps = np.arange(int(d)) / 2
    return np.sum(scipys.gammaln(as_array(a)[..., None] - steps), axis=-1) + d * (d - 1) * 0.25 * np.log(np.pi)


@answers
def zeta(x: Any, q: Any = None) -> Any:
    """The zeta function of Riemann, or with ``q`` of Hurwitz: the sum of (q + k)**-x over k = 0, 1, ...

    Args:
        x, q: arrays, numbers or traced values of shapes that broadcast.

    Returns:
        An array of their common shape.

    Raises:
        TypeError: as SciPy, of operands that it does not convert to a dtype that it computes with.

    Derivatives: in both, of all orders; -x zeta(x + 1, q) in q.

    >>> zeta(np.array([2.0, 4.0]))
    array([1.64493407, 1.08232323])
    """
    return scipys.zeta(as_array(x)) if q is None else scipys.zeta(as_array(x), as_array(q))


@answers
def lambertw(z: Any, k: Any = 0, tol: Any = 1e-8) -> Any:
    """Lambert's function, the w for which w exp(w) is z.

    Args:
        z: an array, a number or a traced value.
        k: the number of the branch.
        tol: how far from the solution the result may be.

    Returns:
        An array of complex numbers.

    Raises:
        TypeError: ``k`` is no integer.

    Derivative: exp(-w) / (1 + w) in z.

    >>> lambertw(1.0)
    np.complex128(0.5671432904097838+0j)
    """
    return scipys._ufuncs._lambertw(as_array(z), np.asarray(k, np.dtype("long")), tol)


# --- Counting


@answers
def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """``n!``, which is gamma(n + 1); 0 of negative numbers.

    Args:
        n: an array, a number or a traced value.
        exact: whether to compute with whole numbers of any size, which is for arrays that are not traced.
        extend: ``"zero"``, or ``"complex"`` for gamma(n + 1) everywhere.

    Returns:
        An array of the same shape.

    Raises:
        TypeError: ``exact`` is asked for of a traced value.

    Derivative: gamma(n + 1) digamma(n + 1).

    >>> factorial(np.array([3.0, 4.0]))
    array([ 6., 24.])
    """
    _refuse_exact("factorial", exact)
    n = as_array(n)
    n = n if n.dtype.kind == "c" else n.astype(float)
    return scipys.gamma(n + 1) if extend == "complex" else np.where(n < 0, 0.0, scipys.gamma(n + 1))


@answers
def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:  # noqa: N803
    """In how many ways k things can be taken of N.

    Args:
        N, k: arrays, numbers or traced values of shapes that broadcast.
        exact: whether to compute with whole numbers of any size, which is for numbers that are not traced.
        repetition: whether a thing may be taken more than once.

    Returns:
        An array of their common shape; 0 where ``k`` is above ``N`` or one of them is negative.

    Raises:
        TypeError: ``exact`` is asked for of a traced value.

    Derivatives: those of the `binom` of both.

    >>> comb(np.array([4.0, 5.0]), 2)
    array([ 6., 10.])
    """
    _refuse_exact("comb", exact)
    N, k = as_array(N), as_array(k)
    if repetition:
        return np.where((k == 0) & (N >= 0), 1.0, scipys.binom(N + k - 1, k))
    return np.where((k <= N) & (N >= 0) & (k >= 0), scipys.binom(N, k), 0.0)


@answers
def perm(N: Any, k: Any, exact: bool = False) -> Any:  # noqa: N803
    """In how many ways k things can be taken of N in order.

    Args:
        N, k: arrays, numbers or traced values of shapes that broadcast.
        exact: whether to compute with whole numbers of any size, which is for numbers that are not traced.

    Returns:
        An array of their common shape; 0 where ``k`` is above ``N`` or one of them is negative.

    Raises:
        TypeError: ``exact`` is asked for of a traced value.

    Derivatives: those of gamma(N + 1) / gamma(N - k + 1).

    >>> perm(np.array([4.0, 5.0]), 2)
    array([12., 20.])
    """
    _refuse_exact("perm", exact)
    N, k = as_array(N), as_array(k)
    return np.where((k <= N) & (N >= 0) & (k >= 0), scipys.poch(N - k + 1, k), 0.0)


def _refuse_exact(name: str, exact: bool) -> None:
    if exact:
        raise TypeError(
            f"{name}: requires arguments that are not traced for exact=True, got a traced one. Leave exact= away, or "
            "take it of values outside of the function."
        )
