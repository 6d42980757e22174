"""Derivatives against differences: inner products along random directions.

A check costs a few calls of the function, whatever its size: for a random direction ``v`` of the
inputs and a random cotangent ``ct`` of the outputs, ``<ct, J v>`` by central differences must equal
``<vjp(ct), v>`` in reverse mode, ``<ct, jvp(v)>`` in forward mode, and these two each other. The derivative
is a function too, so the same checks applied to it are the checks of the next order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arguments import combine
from fnad.checks import is_integer, is_real, require_function
from fnad.errors import boundary
from fnad.ir.types import is_inexact
from fnad.tracing.tracer import is_value, value_type
from fnad.transforms.jvp import jvp
from fnad.transforms.vjp import vjp

Flat = Callable[..., list[Any]]


class Tolerance(NamedTuple):
    """The distance that two inner products may be apart, and the step of the differences."""

    rtol: float
    atol: float
    eps: float


# By the coarsest dtype that takes part. The step balances rounding against truncation: about cbrt(machine epsilon).
_SINGLE = Tolerance(2e-3, 2e-3, 2e-3)
_DOUBLE = Tolerance(1e-6, 1e-6, 6e-6)


@boundary
def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = ("fwd", "rev"),
    rtol: float | None = None,
    atol: float | None = None,
    eps: float | None = None,
    seed: int = 0,
) -> None:
    """Check the derivatives of a function against differences; return if they agree.

    Args:
        f: a function from pytrees of arrays to a pytree of arrays, smooth around ``args``.
        args: its positional arguments, as a tuple. Float and complex leaves are differentiated; others stay.
        order: the highest order of derivative to check, at least 1.
        modes: which derivatives to check; ``"fwd"`` is forward mode (``fnad.jvp``), ``"rev"`` reverse mode
            (``fnad.vjp``). From order 2 on they are checked in every nesting.
        rtol: how far apart the two numbers may be, relative to the larger one.
        atol: how far apart they may be in any case. Both default to what the coarsest dtype among the
            float and complex leaves allows: 2e-3 for float32, 1e-6 for float64.
        eps: the step of the differences.
        seed: of the random directions; equal seeds give equal checks.

    Raises:
        AssertionError: a derivative is wrong; the message names its order, its mode and both numbers.
        TypeError: there is nothing to differentiate.
        ValueError: ``order`` or ``modes`` asks for what there is not.

    >>> import numpy as np
    >>> check_grads(lambda x: np.sin(x) ** 2, (np.array([0.1, 0.2]),))
    >>> import fnad
    >>> check_grads(lambda x: x + fnad.stop_gradient(x), (2.0,))
    Traceback (most recent call last):
        ...
    AssertionError: check_grads: requires equal derivatives of order 1 in mode rev, got ...
    """
    require_function("check_grads", f)
    if not isinstance(args, (tuple, list)):
        raise TypeError(
            f"check_grads: requires args as a tuple of arguments, got {type(args).__name__}. Write (x,) for one."
        )
    for what, given in {"rtol": rtol, "atol": atol, "eps": eps}.items():
        if given is not None and not (is_real(given) and (given > 0 if what == "eps" else given >= 0)):
            raise ValueError(f"check_grads: requires {what} to be a positive number, got {given!r:.60}. Leave it out.")
    modes = (modes,) if isinstance(modes, str) else tuple(modes)
    _require_order_and_modes(order, modes)
    flat, primals = _flattened(f, args)
    if not primals:
        raise TypeError("check_grads: requires a float or complex leaf in args, got none. Pass a tuple of arrays.")
    default = _default_tolerance([*primals, *flat(*primals)])
    given = Tolerance(*[d if x is None else x for x, d in zip((rtol, atol, eps), default)])
    _check_all(flat, primals, 1, _Options(order, modes, given, seed))


def _require_order_and_modes(order: int, modes: Sequence[str]) -> None:
    if not is_integer(order) or order < 1:
        raise ValueError(f"check_grads: requires an order of at least 1, got {order!r:.60}. Pass 1 or 2.")
    for mode in modes:
        if mode not in _MODES:
            raise ValueError(f"check_grads: requires modes among {', '.join(map(repr, _MODES))}, got {mode!r:.60}. "
                             "Leave it out for both.")


def _flattened(f: Callable[..., Any], args: Sequence[Any]) -> tuple[Flat, list[Any]]:
    """The function of its float and complex leaves alone, which gives a list of such leaves; and the leaves."""
    leaves, treedef = tree.flatten(tuple(args))
    places = [i for i, leaf in enumerate(leaves) if _is_differentiable(leaf)]

    def flat(*inexact: Any) -> list[Any]:
        result = f(*tree.unflatten(treedef, combine(leaves, places, inexact)))
        return [leaf for leaf in tree.leaves(result) if _is_differentiable(leaf)]

    return flat, [leaves[i] for i in places]


def _is_differentiable(leaf: Any) -> bool:
    return is_value(leaf) and is_inexact(value_type(leaf).dtype)


def _default_tolerance(leaves: Sequence[Any]) -> Tolerance:
    coarsest = max(np.finfo(value_type(leaf).dtype).eps for leaf in leaves)
    return _DOUBLE if coarsest <= np.finfo(np.float64).eps else _SINGLE


class _Options(NamedTuple):
    """The options that stay the same through the orders of a check."""

    last: int
    modes: tuple[str, ...]
    allowed: Tolerance
    seed: int

    def random(self, order: int) -> np.random.Generator:
        """The directions of an order: the same ones in every mode."""
        return np.random.default_rng(self.seed if order == 1 else (self.seed, order))


def _check_all(flat: Flat, primals: list[Any], order: int, options: _Options) -> None:
    """Check a derivative by each mode, then, where asked for, that derivative as a function."""
    for mode in [m for m in _MODES if m in options.modes]:
        derivative, point = _MODES[mode](flat, primals, order, options)
        if order < options.last:
            _check_all(derivative, point, order + 1, options)


def _check_forward(flat: Flat, primals: list[Any], order: int, options: _Options) -> tuple[Flat, list[Any]]:
    """Check tangents against differences and against the pullback; return the tangents as a function, and its point."""
    random = options.random(order)
    ct = [_direction(random, y) for y in flat(*primals)]
    after, before, v = _moved(primals, [_direction(random, x) for x in primals], options.allowed.eps)
    v = [np.asarray(d, value_type(x).dtype) for d, x in zip(v, primals)]
    outputs, tangents = jvp(flat, tuple(primals), tuple(v))
    expected = _difference(flat(*after), flat(*before), ct) / (2 * options.allowed.eps)
    _require_types("fwd", order, tangents, outputs)
    got = _inner(ct, tangents)
    _require_close("fwd", order, expected, got, options.allowed)
    dual = _inner(vjp(flat, *primals)[1](ct), v)
    _require_close("fwd", order, dual, got, options.allowed, "by reverse mode")
    count = len(primals)
    return lambda *leaves: list(jvp(flat, leaves[:count], leaves[count:])[1]), [*primals, *v]


def _check_reverse(flat: Flat, primals: list[Any], order: int, options: _Options) -> tuple[Flat, list[Any]]:
    """Check a pullback against differences; return it as a function of primals and cotangent, and its point."""
    outputs, pullback = vjp(flat, *primals)
    random = options.random(order)
    ct = [_direction(random, y) for y in outputs]
    after, before, v = _moved(primals, [_direction(random, x) for x in primals], options.allowed.eps)
    expected = _difference(flat(*after), flat(*before), ct) / (2 * options.allowed.eps)
    bars = pullback(ct)
    _require_types("rev", order, bars, primals)
    _require_close("rev", order, expected, _inner(bars, v), options.allowed)
    count = len(primals)
    return lambda *leaves: list(vjp(flat, *leaves[:count])[1](list(leaves[count:]))), [*primals, *ct]


# Reverse mode first: forward mode is made of its rules, so what is wrong with a rule is reported as it was written.
_MODES: dict[str, Callable[..., tuple[Flat, list[Any]]]] = {"rev": _check_reverse, "fwd": _check_forward}


def _direction(random: np.random.Generator, like: Any) -> np.ndarray:
    """A random array of standard normal numbers, in the shape and dtype of another."""
    type = value_type(like)
    parts = random.standard_normal((2, *type.shape))
    return np.asarray(parts[0] + 1j * parts[1] if type.dtype.kind == "c" else parts[0]).astype(type.dtype)


def _moved(primals: Sequence[Any], v: Sequence[np.ndarray], eps: float) -> tuple[list[Any], list[Any], list[Any]]:
    """The primals a step ahead and a step back, and the direction between them as rounding left it."""
    after = [_shifted(x, eps * d) for x, d in zip(primals, v)]
    before = [_shifted(x, -eps * d) for x, d in zip(primals, v)]
    return after, before, [(_wide(a) - _wide(b)) / (2 * eps) for a, b in zip(after, before)]


def _shifted(x: Any, step: np.ndarray) -> Any:
    if isinstance(x, (float, complex)) and not isinstance(x, np.generic):
        return x + step.item()  # stays a Python number, which yields in promotion
    x = np.asarray(x)
    return np.asarray(x + step.astype(x.dtype))


def _wide(x: Any) -> np.ndarray:
    x = np.asarray(x)
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def _difference(after: Sequence[Any], before: Sequence[Any], ct: Sequence[np.ndarray]) -> float:
    return _inner([_wide(a) - _wide(b) for a, b in zip(after, before)], ct)


def _inner(xs: Sequence[Any], ys: Sequence[Any]) -> float:
    """The real inner product; a complex number counts as the pair of its parts."""
    return float(sum(np.sum(np.real(np.conj(_wide(x)) * _wide(y))) for x, y in zip(xs, ys, strict=True)))


_LIKE = {"rev": "argument", "fwd": "result"}


def _require_types(mode: str, order: int, bars: Sequence[Any], primals: Sequence[Any]) -> None:
    for bar, x in zip(bars, primals):
        if value_type(bar).strong != value_type(x).strong:
            raise AssertionError(
                f"check_grads: requires derivatives of order {order} in mode {mode} of their {_LIKE[mode]}'s type, "
                f"got {value_type(bar)} for {value_type(x)}."
            )


def _require_close(
    mode: str, order: int, expected: float, got: float, allowed: Tolerance, by: str = "by differences"
) -> None:
    bound = allowed.atol + allowed.rtol * max(abs(expected), abs(got))
    if not abs(expected - got) <= bound:  # so that nan is an error too
        raise AssertionError(
            f"check_grads: requires equal derivatives of order {order} in mode {mode}, got {expected!r} {by} "
            f"and {got!r} by the rule; they may be {bound:.2g} apart. Is the function smooth there?"
        )
