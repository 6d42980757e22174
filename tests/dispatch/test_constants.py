"""Calls with arguments that are part of the compiled code are seen by comparison, and what those hold is watched."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from fnad import jit
from fnad.dispatch import jitted

X = np.arange(3.0)


class Model:
    """An object of the user's with what may change."""

    def __init__(self) -> None:
        self.w, self.k, self.name = np.ones(3), 2, "sum"

    def plain(self, x: Any) -> Any:
        return np.sum(x * self.w) * self.k if self.name == "sum" else x

    @jit
    def branching(self, x: Any) -> Any:
        return self.w * self.k if np.sum(x) > 1 else -self.w


class Alike(Model):
    """Objects that all say that they are equal."""

    def __eq__(self, other: Any) -> bool:
        return type(other) is Alike

    def __hash__(self) -> int:
        return 7


@dataclass(frozen=True)
class Config:
    scale: float
    mode: str = "sum"
    hidden: list[float] = field(default_factory=lambda: [1.0], compare=False)


def scaled(x: Any, config: Config) -> Any:
    return x * config.scale * config.hidden[0]


CALLS = {
    "unbound": lambda: lambda m, f=jit(Model.plain): f(m, X),
    "decorated": lambda: lambda m, f=jit(lambda self, x: Model.plain(self, x)): f.__get__(m, type(m))(X),
    "bound": lambda: lambda m, f=jit(lambda f, x: f(x)): f(m.plain, X),
    "static_argnums": lambda: lambda m, f=jit(Model.plain, static_argnums=0): f(m, X),
    "static_argnames": lambda: lambda m, f=jit(lambda x, m: m.plain(x), static_argnames="m"): f(X, m=m),
}


@pytest.fixture(params=CALLS.values(), ids=CALLS)
def call(request):
    """A compiled function that an object is part of."""
    return request.param()


@pytest.fixture
def no_look_up(monkeypatch):
    """Where calls are seen by comparison alone."""
    def enter() -> None:
        monkeypatch.setattr(jitted, "signature_of", lambda *args: pytest.fail("the arguments are looked up"))
    return enter


@pytest.mark.parametrize("kind", [Model, Alike])
def test_what_an_object_holds_is_watched(call, kind):
    m = kind()
    for _ in range(3):
        assert call(m) == 6
    m.k, m.name = 3, "none"
    for _ in range(3):
        assert np.array_equal(call(m), X)
    m.name = "sum"
    for _ in range(3):
        assert call(m) == 9


@pytest.mark.parametrize("kind", [Model, Alike])
def test_arrays_of_an_object_are_read_without_a_look_up(call, kind, no_look_up):
    m = kind()
    assert [call(m) for _ in range(2)] == [6, 6]
    no_look_up()
    m.w = np.full(3, 2.0)
    assert call(m) == 12
    m.w *= 2
    assert call(m) == 24


@pytest.mark.parametrize("kind", [Model, Alike])
def test_another_object_is_not_taken_for_the_one_before(call, kind):
    one, other = kind(), kind()
    other.w, other.k = np.full(3, 5.0), 1
    for _ in range(3):
        assert (call(one), call(other)) == (6, 15)
    one.k, other.name = 1, "none"
    for _ in range(2):
        assert call(one) == 3 and np.array_equal(call(other), X)


def test_a_method_that_asks_for_values(no_look_up):
    m = Model()
    for _ in range(3):
        assert m.branching(X).tolist() == [2, 2, 2] and m.branching(-X).tolist() == [-1, -1, -1]
    no_look_up()
    m.w = X
    assert m.branching(X).tolist() == [0, 2, 4] and m.branching(-X).tolist() == [0, -1, -2]


def test_what_equality_leaves_out_is_seen():
    f = jit(scaled, static_argnums=1)
    one, other = Config(2.0), Config(2.0, hidden=[3.0])
    assert one == other
    for _ in range(3):
        assert [f(X, one)[1], f(X, other)[1], f(X, Config(2.0))[1]] == [2, 6, 2]
    one.hidden[0] = 4.0
    object.__setattr__(other, "scale", 1.0)
    for _ in range(3):
        assert [f(X, one)[1], f(X, other)[1]] == [8, 3]


@pytest.mark.parametrize("values", [
    (1, True, 1.0, np.True_), ((1, 0.0), (1, -0.0), (True, 0.0)), ("ab", b"ab"), (slice(1), slice(True)),
    (np.dtype("f4"), np.float32, "f4"), (None, "None"), ((abs, (1,)), (abs, (True,))), (range(2), range(0, 3, 2)),
], ids=repr)
def test_constants_that_are_made_anew_at_each_call(values):
    f = jit(lambda x, s: {repr(s): x}, static_argnums=1, static_argnames="s")
    for _ in range(3):
        for value in values:
            made = tuple(list(value)) if type(value) is tuple else copy.deepcopy(value)
            assert [*f(X, made), *f(X, s=made)] == [repr(value)] * 2


def test_static_arguments_stay_where_they_are_given(no_look_up):
    f = jit(lambda *args, **kw: {str((args, list(kw.items()))): X}, static_argnums=(0, -1), static_argnames="b")
    calls = [
        lambda: f("p", "q", b=1, a="r"), lambda: f("p", "q", a="r", b=1), lambda: f("p", a="r"), lambda: f("q", "p"),
    ]
    texts = [[*call()] for call in calls for _ in range(3)]
    again = [[*call()] for call in calls]
    no_look_up()
    assert texts[::3] == again == [[*call()] for call in calls]
    assert texts == [[*call()] for call in calls for _ in range(3)]
    assert len({*map(str, texts)}) == 4


@pytest.mark.parametrize("static, donated", [(0, 1), (0, -3), (-4, 1), ((0, -1), 1), ((), 1), ((), -3)])
def test_the_argument_that_is_donated_is_the_one_meant(static, donated):
    """Whether others are static or not: its memory holds the result, and that of no other array is written to."""
    f = jit(lambda k, x, y, n: x * k + y, static_argnums=static, donate_argnums=donated)
    for _ in range(3):
        x, y = np.ones(3), np.ones(3)
        result = f(2.0, x, y, 1)
        assert result.tolist() == [3.0] * 3 and y.tolist() == [1.0] * 3
        assert np.shares_memory(result, x)
