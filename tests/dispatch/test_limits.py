"""What has no end, or is larger than anything can hold, is an error at once, in the library's words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest

X = np.ones(3)


@dataclasses.dataclass
class Pair:
    one: Any
    other: Any = None


def list_in_itself() -> Any:
    whole: list[Any] = [X]
    whole.append(whole)
    return whole


def dict_in_itself() -> Any:
    whole: dict[str, Any] = {"x": X}
    whole["below"] = {"whole": whole}
    return whole


def object_in_itself() -> Any:
    whole = Pair(X)
    whole.other = whole
    return whole


def tuple_in_its_list() -> Any:
    inner: list[Any] = [X]
    whole = (inner, X)
    inner.append(whole)
    return whole


def nested(wrap: Callable[[Any], Any], levels: int) -> Any:
    whole: Any = X
    for _ in range(levels):
        whole = wrap(whole)
    return whole


ENDLESS = {
    "list": list_in_itself, "dict": dict_in_itself, "object": object_in_itself, "tuple": tuple_in_its_list,
    "deep list": lambda: nested(lambda x: [x], 1100), "deep dict": lambda: nested(lambda x: {"k": x}, 5000),
    "deep tuple": lambda: nested(lambda x: (x,), 20_000), "deep object": lambda: nested(Pair, 1100),
}


def first(whole: Any) -> Any:
    return np.sum(fnad.tree.leaves(whole)[0])


TAKERS: dict[str, Callable[[Any], Any]] = {
    "jit": lambda t: fnad.jit(first)(t),
    "result": lambda t: fnad.jit(lambda x: t)(X),
    "grad": lambda t: fnad.grad(first)(t),
    "vjp": lambda t: fnad.vjp(first, t),
    "cotangent": lambda t: fnad.vjp(np.sin, X)[1](t),
    "jvp": lambda t: fnad.jvp(first, (t,), (t,)),
    "tangent": lambda t: fnad.jvp(np.sin, (X,), (t,)),
    "vmap": lambda t: fnad.vmap(first)(t),
    "scan": lambda t: fnad.scan(lambda c, _: (c, None), t, None, length=2),
    "while_loop": lambda t: fnad.while_loop(lambda c: False, lambda c: c, t),
    "cond": lambda t: fnad.cond(True, first, first, t),
    "checkpoint": lambda t: fnad.checkpoint(first)(t),
    "tree.map": lambda t: fnad.tree.map(lambda x: x, t),
    "tree.map of two": lambda t: fnad.tree.map(lambda x, y: x, [X], t),
    "tree.leaves": lambda t: fnad.tree.leaves(t),
    "make_program": lambda t: fnad.make_program(first)(t),
    "adam": lambda t: fnad.optim.adam(0.1).init(t),
}


@pytest.mark.parametrize("make", ENDLESS.values(), ids=ENDLESS)
def test_pytrees_without_end_are_refused(make: Callable[[], Any]) -> None:
    for name, take in TAKERS.items():
        with pytest.raises(ValueError, match=r"^tree: requires a pytree (that ends|of less than 1000 levels), got"):
            take(make())
            pytest.fail(name)


def test_the_path_at_which_a_pytree_holds_itself() -> None:
    for make, path in ((list_in_itself, r"tree\[1\]"), (dict_in_itself, r"tree\['below'\]\['whole'\]"),
                       (object_in_itself, r"tree\.other"), (tuple_in_its_list, r"tree\[0\]\[1\]")):
        with pytest.raises(ValueError, match=rf"holds itself at {path}\."):
            fnad.tree.leaves(make())


@pytest.mark.parametrize("wrap", [lambda x: [x], lambda x: (x,), lambda x: {"k": x}, Pair])
def test_deep_pytrees_below_the_limit_are_taken(wrap: Callable[[Any], Any]) -> None:
    whole = nested(wrap, 900)
    gradient = fnad.jit(fnad.grad(first))(whole)
    np.testing.assert_array_equal(fnad.tree.leaves(gradient)[0], X)
    assert fnad.tree.structure(gradient) == fnad.tree.structure(whole)


def test_lists_without_end_among_operands() -> None:
    for whole in (list_in_itself(), nested(lambda x: [x], 1100)):
        with pytest.raises(ValueError, match="^fnad: requires data that is not nested without end"):
            fnad.jit(lambda x: np.stack([x, whole]))(X)


def test_a_recursion_of_the_users_stays_what_it_is() -> None:
    def endless(x: Any) -> Any:
        return endless(np.sin(x))

    with pytest.raises(RecursionError):
        fnad.jit(endless)(X)
    np.testing.assert_array_equal(fnad.jit(np.sin)(X), np.sin(X))


@pytest.mark.parametrize("wrap", [lambda f: f, fnad.jit], ids=["eager", "jit"])
@pytest.mark.parametrize("length", [2**70, 2**63, -1, -(2**70), 2.0, np.nan, "3", True])
def test_numbers_of_steps_beyond_all_bounds(wrap: Callable[..., Any], length: Any) -> None:
    with pytest.raises(ValueError, match="^scan: requires length to be an integer of at least 0 that an int64 holds"):
        wrap(lambda x: fnad.scan(lambda c, _: (c, None), x, None, length=length)[0])(X)


@pytest.mark.parametrize("wrap", [lambda f: f, fnad.jit], ids=["eager", "jit"])
def test_bounds_of_a_loop_beyond_those_of_integers(wrap: Callable[..., Any]) -> None:
    for bounds in ((0, 2**70), (-(2**70), 0), (0, 2**63)):
        with pytest.raises(ValueError, match="^fori_loop: requires bounds that an int64 holds, got"):
            wrap(lambda x: fnad.fori_loop(*bounds, lambda i, c: c, x))(X)
    np.testing.assert_array_equal(wrap(lambda x: fnad.fori_loop(0, -5, lambda i, c: 2 * c, x))(X), X)
    with pytest.raises(TypeError, match="^fori_loop: requires integer scalars"):
        wrap(lambda x: fnad.fori_loop(0, 2.5, lambda i, c: c, x))(X)


HUGE = 2**45

SIZES: dict[str, Callable[[Any], Any]] = {
    "zeros": lambda x: x + fnad.numpy.zeros((HUGE, 3)),
    "arange": lambda x: np.sum(fnad.numpy.arange(HUGE)) + x,
    "arange to infinity": lambda x: np.sum(fnad.numpy.arange(0, np.inf)) + x,
    "linspace": lambda x: np.sum(np.linspace(x[0], 1.0, HUGE)),
    "linspace beyond addresses": lambda x: np.linspace(x[0], 1.0, 2**62),
    "eye": lambda x: fnad.numpy.eye(10**9) @ x,
    "repeat": lambda x: np.repeat(x, HUGE),
    "repeat beyond addresses": lambda x: np.repeat(x, 2**62),
    "tile": lambda x: np.tile(x, HUGE),
    "tile beyond addresses": lambda x: np.tile(x, 2**62),
    "broadcast_to": lambda x: np.broadcast_to(x, (HUGE, 3)),
    "broadcast_to beyond addresses": lambda x: np.broadcast_to(x, (2**62, 2**62, 3)),
    "broadcast_to beyond integers": lambda x: np.broadcast_to(x, (2**70, 3)),
    "full_like": lambda x: np.full_like(x, 1.0, shape=(HUGE, 4)),
    "pad": lambda x: np.pad(x, HUGE),
    "negative": lambda x: x + fnad.numpy.zeros((-2, 3)),
    "reshape": lambda x: x.reshape(2**70, -1),
    "normal": lambda x: x + fnad.random.normal(fnad.random.key(0), (HUGE, HUGE)),
    "stacked": lambda x: fnad.scan(lambda c, _: (c + 1.0, c), x, None, length=2**62),
    "residuals": lambda x: fnad.grad(lambda x: np.sum(fnad.scan(
        lambda c, _: (np.sin(c), None), x, None, length=HUGE)[0]))(x),
}


@pytest.mark.parametrize("function", SIZES.values(), ids=SIZES)
def test_sizes_beyond_all_memory(function: Callable[[Any], Any]) -> None:
    with pytest.raises((ValueError, MemoryError)):
        fnad.jit(function)(X)
