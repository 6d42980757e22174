"""What a compiled function reads from outside: whatever changes there, it gives Python's answer."""

from __future__ import annotations

import enum
import functools
import operator
import random
import time
import types
import warnings
from array import array
from collections import deque, namedtuple
from collections.abc import Callable
from dataclasses import dataclass, field
from random import gauss
from time import time as now
from typing import Any

import fnad
import numpy as np
import numpy.random as numpys
import pytest
from fnad import grad, jit
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import normal

of_the_system = random.SystemRandom()
TOTAL = np.zeros(3)
X = np.array([1.0, 2.0, 3.0])
Pair = namedtuple("Pair", "a b")


class Mode(enum.Enum):
    ADD = 1
    MULTIPLY = 2


@dataclass
class Config:
    scale: float = 2.0
    weights: np.ndarray = field(default_factory=lambda: np.ones(3))


class Slotted:
    __slots__ = ("scale", "other")

    def __init__(self) -> None:
        self.scale = 2.0


class Model:
    """A model as users write it: weights, settings, and what is of no concern to a call."""

    depth = 2
    offset = np.ones(3)

    def __init__(self) -> None:
        self.w = np.array([1.0, 2.0, 3.0])
        self.lr = 0.5
        self.flag, self.name = True, "relu"
        self.layers = [{"w": np.ones(3), "b": np.zeros(3)}]
        self.config = Config()
        self.steps = 0

    @property
    def strength(self) -> float:
        return self.lr * 2

    def forward(self, x: Any) -> Any:
        for layer in self.layers:
            x = x * layer["w"] + layer["b"]
        for _ in range(self.depth):
            x = x * self.config.scale
        x = (x * self.w * self.strength + self.offset) * self.config.weights
        x = np.maximum(x, 0) if self.name == "relu" else np.tanh(x)
        return x if self.flag else -x

    def __call__(self, x: Any) -> Any:
        return self.forward(x)

    @jit
    def method(self, x: Any) -> Any:
        return self.forward(x)


def set_to(owner: Any, **values: Any) -> Callable[[], None]:
    return lambda: [setattr(owner, k, v) for k, v in values.items()][:0] and None


def same_as_python(function: Callable[..., Any], changes: list[Callable[[], Any]], stagings: int | None = None) -> Any:
    """Call a function compiled, and in Python, after every change."""
    jitted = jit(function)
    for change in [lambda: None, *changes]:
        change()
        for _ in range(2):
            np.testing.assert_allclose(jitted(X), function(X), rtol=1e-12)
    if stagings is not None:
        assert jitted.cache_info().stagings == stagings, jitted.cache_info()
    return jitted


# --- What may change


def test_containers_grow_shrink_and_are_ordered() -> None:
    rows, table, many = [np.ones(3)], {"a": np.ones(3), "b": np.ones(3) * 2}, deque([np.ones(3)])

    def function(x: Any) -> Any:
        for row in rows:
            x = x * row
        for k, (name, value) in enumerate(table.items()):
            x = x + (k + 1) * len(name) * value
        return x * len(rows) + sum([v * x for v in many])

    same_as_python(function, [
        lambda: rows.append(np.ones(3) * 5), lambda: rows.insert(0, np.ones(3) * 3), lambda: rows.pop(),
        lambda: table.update(c=np.ones(3) * 4), lambda: table.pop("a"), lambda: table.update(b=table.pop("b")),
        lambda: many.append(np.ones(3) * 7), lambda: rows.clear(),
    ])


def test_numbers_texts_flags_and_what_is_bound_anew() -> None:
    number, text, flag, nothing, mode, pair, kinds = 1, "a", True, None, Mode.ADD, Pair(1.0, np.ones(3)), {"a", "b"}
    activation: Callable[..., Any] = np.tanh

    def function(x: Any) -> Any:
        x = activation(x) * number * pair.a + pair.b * len(kinds)
        x = x + 1 if flag else x - 1
        x = x * 2 if text == "a" else x * 3
        x = x if nothing is None else x * nothing
        return x + 5 if mode is Mode.ADD else x * 5

    def bind(**values: Any) -> Callable[[], None]:
        cells = dict(zip(function.__code__.co_freevars, function.__closure__))
        return lambda: [setattr(cells[k], "cell_contents", v) for k, v in values.items()] and None

    same_as_python(function, [
        bind(number=2), bind(text="b"), bind(flag=False), bind(nothing=4.0), bind(mode=Mode.MULTIPLY),
        bind(pair=Pair(2.0, np.ones(3) * 2)), lambda: kinds.add("c"), bind(activation=np.sin),
        bind(activation=lambda v: v * 3), bind(number=2.0), bind(number=np.float32(3)), bind(number=np.ones(3) * 4),
    ])


@pytest.mark.parametrize("how", ["call", "bound", "method", "partial", "vmap"])
def test_models(how: str) -> None:
    model = Model()
    jitted = {
        "call": jit(lambda x: model(x)), "bound": jit(model.forward), "method": model.method,
        "partial": jit(functools.partial(Model.forward, model)),
        "vmap": lambda x: fnad.vmap(jit(model.forward))(x[None])[0],
    }[how]
    changes = [
        set_to(model, w=np.ones(3)), lambda: model.w.__setitem__(1, 9.0), set_to(model, flag=False),
        set_to(model, name="tanh"), set_to(model, lr=0.25), set_to(model, depth=3), set_to(Model, offset=X),
        lambda: Model.offset.__setitem__(0, 5.0), set_to(model.config, scale=0.5), set_to(model.config, weights=X * 2),
        set_to(model, config=Config(0.25, X)), lambda: model.layers.append({"w": X, "b": X}),
        lambda: model.layers[0].update(w=X), set_to(model, forward=lambda x: x * 100),
        lambda: delattr(model, "forward"),
    ]
    first = Model.offset
    try:
        for change in [lambda: None, *changes]:
            change()
            model.steps += 1
            if how != "bound" or "forward" not in vars(model):
                np.testing.assert_allclose(jitted(X), Model.forward(model, X) if how in ("bound", "partial")
                                           else model.forward(X), rtol=1e-12)
    finally:
        Model.offset = first


def test_slots_namespaces_modules_and_names_that_are_made() -> None:
    slotted, space, module = Slotted(), types.SimpleNamespace(scale=2.0), types.ModuleType("settings")
    module.scale, name = 2.0, "scale"

    def function(x: Any) -> Any:
        given = getattr(slotted, "other", 1.0)
        return x * slotted.scale * getattr(space, name) * vars(module)["scale"] * given

    same_as_python(function, [
        set_to(slotted, scale=3.0), set_to(space, scale=4.0), set_to(module, scale=5.0), set_to(slotted, other=6.0),
    ])


SCALE, TABLE = 2.0, {"w": np.ones(3)}


def scaled(x: Any, by: Any = TABLE) -> Any:
    return x * SCALE * by["w"]


@functools.wraps(scaled)
def decorated(x: Any) -> Any:
    return scaled(x) + 1


def test_globals_and_defaults_of_what_is_called() -> None:
    inner = jit(scaled)
    names = globals()
    try:
        for function in (lambda x: decorated(x), lambda x: inner(x) + 1, lambda x: jit(decorated)(x)):
            same_as_python(function, [
                lambda: names.update(SCALE=3.0), lambda: TABLE.update(w=X), lambda: TABLE["w"].__setitem__(0, 7.0),
                lambda: names.update(SCALE=np.full(3, 2.0)), lambda: names.update(SCALE=2.0),
            ])
            TABLE["w"] = np.ones(3)
    finally:
        names["SCALE"] = 2.0


def test_two_names_of_one_array_may_part() -> None:
    a = b = np.ones(3)

    def function(x: Any) -> Any:
        return x * a + b

    def part(value: Any) -> Callable[[], None]:
        def change() -> None:
            nonlocal a
            a = value
        return change

    same_as_python(function, [part(X), lambda: b.__setitem__(0, 9.0), lambda: part(b)(), lambda: b.__setitem__(1, 8.0)])


# --- What is computed from closed-over arrays alone

DERIVED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "product": lambda x, w, data: x * (w * 2),
    "element": lambda x, w, data: x * data[2],
    "first": lambda x, w, data: x * np.asarray(data)[0],
    "number": lambda x, w, data: x * float(w[0]),
    "condition": lambda x, w, data: x * 2 if w[0] > 1 else x * 3,
    "length": lambda x, w, data: sum([x * i for i in range(int(w[1]))], x),
    "inverse": lambda x, w, data: np.linalg.inv(np.diag(w) + np.eye(3)) @ x,
    "mask": lambda x, w, data: np.where(w > 1, x, -x),
    "chosen": lambda x, w, data: np.sum(x[w > 1]),
    "list": lambda x, w, data: x * max(data.tolist()),
    "both": lambda x, w, data: x * w + float(w.sum()),
}


@pytest.mark.parametrize("name", DERIVED)
def test_what_is_computed_from_arrays_outside(name: str) -> None:
    w, data = np.array([1.0, 2.0, 3.0]), np.array([4.0, 5.0, 6.0])

    def change() -> None:
        nonlocal w
        w = np.array([2.0, 1.0, 1.0])

    same_as_python(lambda x: DERIVED[name](x, w, data), [
        lambda: w.__setitem__(0, 3.0), lambda: data.__setitem__(slice(None), [9.0, 8.0, 7.0]), change,
    ])


def test_arrays_are_read_anew_without_a_staging() -> None:
    w, params, model = np.ones(3), {"a": [np.ones(3)]}, Model()

    def function(x: Any) -> Any:
        half = w * 0.5
        return x @ half + params["a"][0] + model.w * np.sum(w)

    def bind() -> None:
        nonlocal w, params
        w, params = X * 2, {"a": [X]}

    same_as_python(function, [
        lambda: w.__setitem__(0, 4.0), bind, lambda: params["a"].__setitem__(0, X * 3), set_to(model, w=X),
    ], stagings=1)


def test_a_number_that_keeps_changing_becomes_an_input() -> None:
    rate, model = 1.0, Model()

    def function(x: Any) -> Any:
        return (x.astype(np.float32) * rate).astype(float) + model.lr * x

    def lower() -> None:
        nonlocal rate
        rate, model.lr = rate * 0.5, model.lr * 0.7

    same_as_python(function, [lower] * 6, stagings=3)
    assert jit(lambda x: x * rate)(np.ones(2, np.float32)).dtype == np.float32


def test_a_flag_that_goes_to_and_fro_is_staged_once_for_each_value() -> None:
    model = Model()
    same_as_python(model.forward, [set_to(model, flag=f) for f in (False, True) * 4], stagings=2)


def test_what_a_call_only_writes_is_no_input() -> None:
    calls, model = [], Model()

    def function(x: Any) -> Any:
        calls.append(x)
        model.steps = 3
        return x * model.w

    jitted = jit(function)
    for k in range(4):
        model.steps = k
        jitted(X)
        jitted(np.ones(k + 1) if k in (0, 2) else X)
    assert jitted.cache_info().stagings == len(calls) == 2


def test_what_the_staging_itself_changes_is_kept() -> None:
    state, model = {"n": 0}, Model()

    def function(x: Any) -> Any:
        state["n"] += 1
        model.steps += 1
        return x * model.w * state.get("scale", 1.0)

    jitted = jit(function)
    with pytest.warns(RuntimeWarning, match=r"got (model\.steps|state\['n'\]), which became 1") as seen:
        np.testing.assert_array_equal(jitted(X), X * model.w)
    assert len(seen) == 2
    for _ in range(2):
        np.testing.assert_array_equal(jitted(X), X * model.w)
    assert (state["n"], model.steps, jitted.cache_info().stagings) == (1, 1, 1)
    assert type(model.w) is np.ndarray


class Running:
    """A mean that follows what is seen, as of a normalization."""

    def __init__(self) -> None:
        self.mean, self.means, self.count = np.zeros(3), [np.zeros(3)], 0

    def sets(self, x: Any) -> Any:
        self.mean = 0.9 * self.mean + 0.1 * x
        return x - self.mean

    def sets_from_itself(self, x: Any) -> Any:
        self.mean = 0.9 * self.mean + 1.0
        return x - self.mean

    def writes(self, x: Any) -> Any:
        self.mean += 1.0
        return x - self.mean

    def sets_an_item(self, x: Any) -> Any:
        self.means[0] = self.means[0] + x
        return x - self.means[0]

    def counts(self, x: Any) -> Any:
        self.count += 1
        return x / self.count


@pytest.mark.parametrize(("name", "what"), [
    ("sets", "self.mean, which it sets"), ("sets_from_itself", "self.mean, which it sets"),
    ("writes", "self.mean, an array that it writes to"), ("sets_an_item", "self.means, which it sets"),
    ("counts", "self.count, which became 1"),
])
def test_what_the_function_changes_outside_is_named(name: str, what: str) -> None:
    running = Running()
    jitted = jit(getattr(running, name))
    with pytest.warns(RuntimeWarning, match=f"changes nothing outside, got {what}") as seen:
        first = jitted(X)
    assert [w.filename for w in seen] == [__file__]
    np.testing.assert_array_equal(first, getattr(Running(), name)(X))
    assert type(running.mean) is type(running.means[0]) is np.ndarray
    jitted(X)  # and it is named once


def test_a_variable_and_a_global_that_are_set_are_named() -> None:
    mean = np.zeros(3)

    def set_a_variable(x: Any) -> Any:
        nonlocal mean
        mean = mean + x
        return mean

    def set_a_global(x: Any) -> Any:
        global TOTAL
        TOTAL = TOTAL + x
        return TOTAL

    for function, what in ((set_a_variable, "mean"), (set_a_global, "TOTAL")):
        with pytest.warns(RuntimeWarning, match=f"got {what}, which it sets"):
            np.testing.assert_array_equal(jit(function)(X), X)
    assert type(mean) is type(TOTAL) is np.ndarray


def test_what_is_computed_once_and_kept_is_not_named() -> None:
    kept: dict[str, Any] = {}

    def function(x: Any) -> Any:
        if "basis" not in kept:
            kept["basis"] = np.eye(3) * 2.0
        return kept["basis"] @ x

    jitted = jit(function)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            np.testing.assert_array_equal(jitted(X), 2.0 * X)


def test_code_that_asks_for_types() -> None:
    w, rate = np.ones(3), 1.0

    def function(x: Any) -> Any:
        x = x * rate if isinstance(rate, float) else x
        return x * 2 * w if type(w) is np.ndarray else x

    def lower() -> None:
        nonlocal rate
        rate *= 0.5

    same_as_python(function, [lower, lower, lower, lambda: w.__setitem__(0, 5.0)])


def test_what_a_staging_keeps_in_a_memo_is_no_traced_value() -> None:
    memo, w, model = {}, np.ones(3), Model()

    def function(x: Any) -> Any:
        if "doubled" not in memo:
            memo["doubled"] = w * 2
        model.halved = model.w / 2
        return x * memo["doubled"] + model.halved

    jitted = jit(function)
    got = jitted(X)
    assert type(memo["doubled"]) is type(model.halved) is np.ndarray
    np.testing.assert_array_equal(got, function(X))
    w[:] = 3.0
    np.testing.assert_array_equal(jitted(X), function(X))
    memo.clear()
    np.testing.assert_array_equal(jitted(X), function(X))


# --- Without jit, and in every transform

W, RATE = np.ones(3), 1.0


def stepped(x: Any, _: Any = None) -> Any:
    return x * W * RATE


@fnad.custom_vjp
def with_rule(x: Any) -> Any:
    return stepped(x)


with_rule.defvjp(lambda x: (with_rule(x), None), lambda _, g: (stepped(g),))
declared = fnad.primitive(lambda x: stepped(x), shape=lambda x: (x.shape, x.dtype), vjp=lambda g, y, x: (stepped(g),))
CONTROL: dict[str, Callable[[Any, Any], Any]] = {
    "call": lambda f, x: f(x),
    "scan": lambda f, x: fnad.scan(lambda c, _: (f(c), c), x, None, length=2)[0],
    "fori": lambda f, x: fnad.fori_loop(0, 2, lambda i, c: f(c), x),
    "map": lambda f, x: fnad.map(f, x[None])[0],
    "cond": lambda f, x: fnad.cond(True, f, lambda v: v, x),
    "switch": lambda f, x: fnad.switch(1, [lambda v: v, f], x),
    "vmap": lambda f, x: fnad.vmap(f)(x[None])[0],
    "checkpoint": lambda f, x: fnad.checkpoint(f)(x),
    "jit": lambda f, x: jit(f)(x),
}


@pytest.mark.parametrize("function", [stepped, with_rule, declared], ids=["function", "custom_vjp", "primitive"])
@pytest.mark.parametrize("name", CONTROL)
def test_nothing_keeps_what_was_there_before(name: str, function: Any) -> None:
    names = globals()
    power = {"scan": 2, "fori": 2}.get(name, 1)
    total = lambda x: np.sum(CONTROL[name](function, x))  # noqa: E731
    ways = [grad(total), jit(grad(total)), grad(jit(total))]
    if name == "fori":
        ways = [lambda x: fnad.jvp(total, (x,), (np.ones(3),))[1]] if function is not with_rule else []
    try:
        for change in ({}, {"W": X}, {"RATE": 2.0}, {"RATE": 3.0}, {"RATE": 4.0, "W": np.ones(3)}):
            names.update(change)
            expected = (W * RATE) ** power
            np.testing.assert_allclose(total(X), np.sum(X * expected))
            for way in ways:
                got = way(X)
                np.testing.assert_allclose(got, expected if np.shape(got) else np.sum(expected))
    finally:
        names.update(W=np.ones(3), RATE=1.0)


# --- What is no array of NumPy's


class Foreign:
    """An array of another library."""

    def __init__(self, values: Any) -> None:
        self.values = np.array(values)

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return self.values if dtype is None else self.values.astype(dtype)


class Exchanged:
    """Another one, which exchanges memory."""

    def __init__(self, values: Any) -> None:
        self.values = np.array(values)

    def __dlpack__(self, **options: Any) -> Any:
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self.values.__dlpack_device__()


@pytest.mark.parametrize("kind", [Foreign, Exchanged])
def test_arrays_of_other_libraries_are_taken_anew(kind: Any) -> None:
    given = kind([1.0, 2.0, 3.0])
    read = np.asarray if kind is Foreign else np.from_dlpack
    for function in (lambda x: x * read(given), lambda x: x * np.sum(read(given) * 2)):
        same_as_python(function, [lambda: given.values.__iadd__(1), set_to(given, values=X * 5)])


@pytest.mark.parametrize("name", ["torch", "h5py", "xarray"])
def test_known_arrays_of_other_libraries_are_taken_anew(name: str, tmp_path: Any) -> None:
    library = pytest.importorskip(name)
    if name == "torch":
        tensor = library.ones(3, dtype=library.float64)
        same_as_python(lambda x: x * tensor.numpy(), [lambda: tensor.add_(4)])
    elif name == "h5py":
        with library.File(tmp_path / "data.h5", "w") as file:
            data = file.create_dataset("data", data=np.ones(3))
            same_as_python(lambda x: x * data[:] * data[0], [lambda: data.__setitem__(0, 6.0)])
    else:
        labelled = library.DataArray(np.ones(3), dims="a")
        same_as_python(lambda x: x * labelled.values, [lambda: labelled.values.__setitem__(0, 6.0)])


def test_memory_is_taken_anew() -> None:
    numbers, raw = array("d", [1.0, 2.0, 3.0]), bytearray(b"abc")
    view = memoryview(raw)
    same_as_python(lambda x: x * np.array(numbers) * raw[0] + view[1], [
        lambda: numbers.__setitem__(0, 9.0), lambda: raw.__setitem__(1, 3), lambda: raw.__setitem__(0, 2),
        lambda: numbers.append(numbers.pop()),
    ])


class Swallowing:
    """An array of another library that takes over operators."""

    __array_priority__ = 1000

    def __init__(self, values: Any) -> None:
        self.values = values

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        return np.asarray(self.values, dtype)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return Swallowing(getattr(ufunc, method)(*[x.values if isinstance(x, Swallowing) else x for x in inputs]))

    def __mul__(self, other: Any) -> Any:
        return Swallowing(self.values * other)

    __rmul__ = __mul__


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
@pytest.mark.parametrize("transform", [jit, fnad.vmap, lambda f: grad(lambda x: np.sum(f(x))), fnad.jacfwd])
@pytest.mark.parametrize("make", [
    lambda: Swallowing(np.ones(3)), lambda: np.ma.masked_array(np.ones(3), [False, True, False]),
    lambda: np.matrix(np.eye(3)),
], ids=["object", "mask", "matrix"])
def test_what_takes_over_operators_is_refused(make: Any, transform: Any) -> None:
    taken = make()
    for function in (lambda x: x * taken, lambda x: taken * x):
        with pytest.raises((TypeError, AttributeError)):
            transform(function)(X)


def test_what_cannot_be_watched_is_named() -> None:
    numbers, generator = iter([1.0, 2.0]), np.random.default_rng(0)
    for function, what in ((lambda x: x * next(numbers), "numbers"), (lambda x: x + generator.normal(), "generator")):
        with pytest.warns(RuntimeWarning, match=f"got {what}, .* pass|got {what}, .*use fnad.random") as seen:
            jit(function)(X)
        assert seen[0].filename == __file__


class Noisy:
    def __init__(self) -> None:
        self.generator = np.random.RandomState(0)

    def __call__(self, x: Any) -> Any:
        return x + self.generator.normal()


def _draws_in_a_helper(x: Any) -> Any:
    return x + np.random.rand()


@pytest.mark.parametrize(("function", "what"), [
    (lambda x: x + np.random.normal(size=3), "np.random, a RandomState"),
    (lambda x: x + numpys.normal(), "numpys, a RandomState"),
    (lambda x: x + normal(), "normal, a RandomState"),
    (lambda x: _draws_in_a_helper(x), "np.random, a RandomState"),
    (Noisy().__call__, "self.generator, a RandomState"),
    (lambda x: x + random.random(), "random, a Random"),
    (lambda x: x + gauss(0.0, 1.0), "gauss, a Random"),
    (lambda x: x + of_the_system.random(), "of_the_system, random numbers of the system, which"),
    (lambda x: x + time.time(), "time.time, which"),
    (lambda x: x + now(), "now, time.time, which"),
])
def test_random_numbers_and_clocks_are_named_once(function: Callable[..., Any], what: str) -> None:
    with pytest.warns(RuntimeWarning, match=f"got {what}") as seen:
        jit(function)(X)
    assert [w.filename for w in seen] == [__file__]


@pytest.mark.parametrize("function", [
    lambda x: x + fnad.random.normal(fnad.random.key(0), x.shape),
    lambda x: x + np.random.default_rng(0).normal(),
    lambda x: x + np.random.rand() if len(x) > 3 else x,
    lambda x: x + random.random() if len(x) > 3 else x,
])
def test_random_numbers_that_are_not_drawn_are_not_named(function: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(jit(function)(X), function(X))


def test_what_changes_too_often_is_named() -> None:
    text, jitted = "0", None

    def function(x: Any) -> Any:
        return x * len(text)

    jitted = jit(function)
    with pytest.warns(RuntimeWarning, match="got text, which has changed 8 times"):
        for k in range(12):
            text = "x" * (k + 1)
            np.testing.assert_array_equal(jitted(X), X * (k + 1))


# --- Random programs, whose outside is changed at random

STEPS: dict[str, Callable[[Any, Any], Any]] = {
    "array": lambda s, x: x * s.w, "alias": lambda s, x: x * s.w + s.v, "number": lambda s, x: x * s.a + s.n,
    "list": lambda s, x: functools.reduce(operator.add, [r * x for r in s.rows], x),
    "dict": lambda s, x: functools.reduce(lambda y, k: y * 0.5 + s.table[k], s.table, x),
    "flag": lambda s, x: x + 1 if s.flag else x * 2, "text": lambda s, x: np.sin(x) if s.text == "sin" else np.cos(x),
    "inner": lambda s, x: x * s.inner.w + s.inner.a, "length": lambda s, x: x * len(s.rows),
    "derived": lambda s, x: x + s.w * 2, "content": lambda s, x: x * float(s.v[0]), "function": lambda s, x: s.f(x),
    "condition": lambda s, x: x if s.v[1] > 0 else -x, "count": lambda s, x: sum([x * k for k in range(s.n)], x),
}


def fresh_state() -> Any:
    shared = np.array([1.0, -1.0])
    return types.SimpleNamespace(
        w=shared, v=shared, a=0.5, n=2, rows=[np.ones(2)], table={"a": np.ones(2)}, flag=True, text="sin",
        inner=types.SimpleNamespace(w=np.ones(2), a=1), f=np.tanh,
    )


def change(s: Any, what: int, value: float) -> None:
    """One change of what is outside."""
    fresh = np.array([value, -value])
    changes: list[Callable[[], Any]] = [
        set_to(s, w=fresh), set_to(s, v=fresh), set_to(s, v=s.w), lambda: s.v.__setitem__(slice(None), fresh),
        set_to(s, a=value), set_to(s, a=np.float32(value)), set_to(s, n=int(abs(value)) % 3),
        lambda: s.rows.append(fresh), lambda: s.rows and s.rows.pop(0),
        lambda: s.table.update({f"k{int(value)}": fresh}),
        lambda: s.table.pop(next(iter(s.table), None), None), set_to(s, flag=not s.flag),
        set_to(s, text="cos" if s.text == "sin" else "sin"), set_to(s.inner, w=fresh), set_to(s.inner, a=value),
        set_to(s, inner=types.SimpleNamespace(w=fresh, a=2)), set_to(s, f=np.sin), set_to(s, f=lambda x: x * value),
        set_to(s, rows=[fresh, fresh]), set_to(s, table={"z": fresh, "a": s.w}), lambda: s.w.__iadd__(1.0),
    ]
    changes[what % len(changes)]()


EXAMPLES = max(6, settings().max_examples // 4)


@settings(max_examples=EXAMPLES)
@given(
    st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 20), st.sampled_from([1.0, 2.0, -3.0, 0.25])), min_size=1, max_size=8),
    st.sampled_from(["jit", "nested", "grad"]),
)
def test_whatever_changes_outside(steps: list[str], changes: list[tuple[int, float]], how: str) -> None:
    state, x = fresh_state(), np.array([0.5, 1.5])
    chosen = [STEPS[name] for name in steps]

    def function(x: Any) -> Any:
        for step in chosen:
            x = step(state, x)
        return x

    plain = {"jit": function, "nested": lambda x: function(x) + 1, "grad": grad(lambda x: np.sum(function(x)))}[how]
    inner = jit(function)
    compiled = {"jit": inner, "nested": jit(lambda x: inner(x) + 1), "grad": jit(plain)}[how]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for what, value in [(20, 0.0), *changes]:
            change(state, what, value)
            for _ in range(2):
                np.testing.assert_allclose(compiled(x), plain(x), rtol=1e-6, atol=1e-9)
