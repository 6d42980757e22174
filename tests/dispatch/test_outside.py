"""Where a compiled function finds what it reads: each kind of place is seen to change, or named by a warning."""

from __future__ import annotations

import collections
import contextvars
import ctypes
import dataclasses
import decimal
import enum
import functools
import logging
import operator
import os
import sys
import threading
import types
import typing
import warnings
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import jit

X = np.array([1.0, 2.0, 3.0])
K = [2.0]
Made = tuple[Callable[[Any], Any], list[Callable[[], Any]]]
CASES: dict[str, Callable[[], Made]] = {}


def case(make: Callable[[], Made]) -> Callable[[], Made]:
    """A function, and changes of what it reads."""
    CASES[make.__name__] = make
    return make


def set_to(owner: Any, **values: Any) -> Callable[[], None]:
    return lambda: [setattr(owner, k, v) for k, v in values.items()][:0] and None


def of(value: float = 1.0) -> np.ndarray:
    return np.full(3, value)


def deleted(owner: Any, name: str) -> Callable[[], None]:
    return lambda: delattr(owner, name)


class Plain:
    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)


@case
def methods_called_as_those_of_containers() -> Made:
    class Layer:
        def __init__(self) -> None:
            self.scale, self.w = 2.0, of()

        def add(self, x: Any) -> Any:
            return x * self.scale + self.w

        def extend(self, x: Any) -> Any:
            return x * self.scale

    layer = Layer()
    return lambda x: layer.extend(layer.add(x)), [
        set_to(layer, scale=3.0), set_to(layer, w=of(5)), set_to(Layer, add=lambda self, x: x),
    ]


@case
def keys_that_are_equal_and_not_the_same() -> Made:
    table: dict[Any, float] = {1: 2.0}

    def key(value: Any) -> Callable[[], None]:
        return lambda: (table.clear(), table.update({value: 2.0}))[:0] and None

    return lambda x: x * len(repr([*table])) * table[1], [key(True), key(1.0), key(1)]


@case
def factories_of_missing_items() -> Made:
    table = collections.defaultdict(lambda: 2.0)

    def function(x: Any) -> Any:
        result = x * table["a"]
        del table["a"]
        return result

    return function, [set_to(table, default_factory=lambda: 3.0)]


@case
def environment() -> Made:
    os.environ["FNAD_TEST"] = "2"
    environ, getenv = os.environ, os.getenv
    return lambda x: x * float(environ["FNAD_TEST"]) * float(getenv("FNAD_TEST")) * float(os.environ["FNAD_TEST"]), [
        lambda: os.environ.update(FNAD_TEST="3"), lambda: os.environ.update(FNAD_TEST="4"),
    ]


@case
def environment_by_the_module() -> Made:
    os.environ["FNAD_TEST"] = "2"
    return lambda x: x * float(os.getenv("FNAD_TEST")), [lambda: os.environ.update(FNAD_TEST="3")]


@case
def values_of_threads_and_contexts() -> Made:
    local, context, unset = threading.local(), contextvars.ContextVar("context"), contextvars.ContextVar("unset")
    local.a, local.w = 2.0, of(2)
    context.set(2.0)
    return lambda x: x * local.a * local.w * context.get() * unset.get(7.0), [
        set_to(local, a=3.0), set_to(local, w=of(3)), lambda: context.set(5.0), lambda: unset.set(8.0),
    ]


@case
def attributes_that_hide_those_of_a_base() -> Made:
    class Base:
        scale = 2.0

        def call(self, x: Any) -> Any:
            return x * self.scale

    class Derived(Base):
        pass

    class Other:
        def call(self, x: Any) -> Any:
            return x * 11

    class Last(Derived):
        pass

    model = Last()
    return lambda x: model.call(x), [
        set_to(Derived, scale=5.0), deleted(Derived, "scale"), set_to(Derived, call=lambda self, x: x * 7),
        deleted(Derived, "call"), set_to(Base, scale=3.0), set_to(Last, __bases__=(Other,)),
    ]


@case
def attributes_of_metaclasses() -> Made:
    class Meta(type):
        scale = 2.0

    class Made(metaclass=Meta):
        pass

    return lambda x: x * Made.scale, [set_to(Meta, scale=3.0), set_to(Made, scale=4.0)]


@case
def methods_by_names_that_are_made() -> Made:
    class Model:
        size, rate = 2, 0.5

        def first(self, x: Any) -> Any:
            return x * self.size

    model, names = Model(), ["first", "rate"]
    return lambda x: getattr(model, names[0])(x) * getattr(model, names[1]), [
        set_to(Model, first=lambda self, x: x * 5), set_to(Model, rate=0.25), set_to(model, rate=4.0),
    ]


@case
def code_and_defaults() -> Made:
    def inner(x: Any, k: float, *, j: float = 1.0) -> Any:
        return x * k * j

    def other(x: Any, k: float, *, j: float = 1.0) -> Any:
        return x + k + j

    def function(x: Any) -> Any:
        try:
            return inner(x)
        except TypeError:
            return x

    return function, [
        set_to(inner, __defaults__=(3.0,)), set_to(inner, __kwdefaults__={"j": 2.0}),
        lambda: inner.__kwdefaults__.update(j=4.0), set_to(inner, __code__=other.__code__),
    ]


@case
def names_that_come_to_be() -> Made:
    names = globals()

    def function(x: Any) -> Any:
        try:
            x = x * LATER  # noqa: F821
        except NameError:
            x = x + 1
        return x * abs(-2.0)

    return function, [
        lambda: names.update(LATER=2.0), lambda: names.pop("LATER"), lambda: names.update(LATER=3.0),
        lambda: names.update(abs=lambda v: 9.0), lambda: names.pop("abs"), lambda: names.pop("LATER"),
    ]


@case
def variables_that_come_to_be() -> Made:
    def function(x: Any) -> Any:
        try:
            return x * later
        except NameError:
            return x * 50

    def assign() -> None:
        nonlocal later
        later = 3.0

    if not CASES:
        later = 1.0
    return function, [assign]


@case
def modules_imported_in_the_function() -> Made:
    settings = sys.modules["fnad_test_settings"] = types.ModuleType("fnad_test_settings")
    settings.A, settings.B = 2.0, of()

    def function(x: Any) -> Any:
        import fnad_test_settings
        from fnad_test_settings import B
        return x * fnad_test_settings.A + B

    return function, [set_to(settings, A=3.0), set_to(settings, B=of(5)), lambda: settings.B.fill(6)]


@case
def one_of_many_attributes() -> Made:
    module, model = types.ModuleType("many"), Plain(**{f"a{i}": float(i) for i in range(100)})
    vars(module).update(vars(model))
    names = ["a50", "a60"]
    return lambda x: x * getattr(module, names[0]) * getattr(model, names[1]) + sum(vars(model).values()), [
        set_to(module, a50=7.0), set_to(model, a60=7.0), set_to(model, a61=7.0),
    ]


@case
def patterns() -> Made:
    class Point:
        __match_args__ = ("first",)

        def __init__(self) -> None:
            self.first, self.second = 2.0, 3.0

    point = Point()

    def function(x: Any) -> Any:
        match point:
            case Point(v, second=w):
                return x * v * w
        return x

    return function, [set_to(point, first=5.0), set_to(point, second=7.0)]


@case
def getters() -> Made:
    model, inner = Plain(w=2.0), Plain(w=5.0)
    model.inner = inner
    get, deep, items = operator.attrgetter("w"), operator.attrgetter("inner.w"), {"a": 2.0}
    item, call, element = items.get, operator.methodcaller("total"), [3.0].__getitem__
    array = of(2)
    total = array.sum

    class Total:
        def total(self) -> float:
            return self.k

    summed = Total()
    summed.k = 1.0
    return lambda x: x * get(model) * deep(model) * item("a") * call(summed) * element(0) * total(), [
        set_to(model, w=3.0), set_to(inner, w=3.0), lambda: items.update(a=4.0), set_to(summed, k=2.0),
        lambda: element.__self__.__setitem__(0, 7.0), lambda: array.fill(3),
    ]


@case
def views_of_dicts() -> Made:
    table = {"a": of(2), "b": of(3)}
    values, items = table.values(), table.items()
    return lambda x: sum(values) * x + sum([len(k) * v for k, v in items]), [
        lambda: table.update(a=of(5)), lambda: table.update(cc=of(7)), lambda: table["b"].fill(8),
    ]


@case
def containers_of_classes_of_ones_own() -> Made:
    class Table(dict):
        scale = 2.0

        def __getattr__(self, name: str) -> Any:
            return self[name]

        def call(self, x: Any) -> Any:
            return x * self.w * self.scale * self.rate + self.bias * K[0]

    class Rows(list):
        def call(self, x: Any) -> Any:
            return functools.reduce(operator.mul, self, x) * self.rate

    class Few(set):
        pass

    class Pair(typing.NamedTuple):
        a: float
        others = [2.0]

        def call(self, x: Any) -> Any:
            return x * self.a * K[0] * self.others[0]

    table, rows, few, pair = Table(w=of(2)), Rows([2.0]), Few([1]), Pair(3.0)
    table.rate, table.bias, rows.rate, few.rate = 3.0, of(), 1.0, 1.0
    return lambda x: pair.call(rows.call(table.call(x))) * few.rate, [
        set_to(table, rate=5.0), set_to(table, bias=of(4)), set_to(Table, scale=7.0), lambda: table.update(w=of(3)),
        set_to(rows, rate=2.0), lambda: rows.append(3.0), set_to(few, rate=3.0), lambda: K.__setitem__(0, K[0] + 1),
        lambda: Pair.others.append(Pair.others.pop() + 1), lambda: table.bias.fill(9.0),
    ]


@case
def decorators_that_are_classes() -> Made:
    class Decorator:
        def __init__(self, function: Any) -> None:
            functools.update_wrapper(self, function)
            self.function, self.scale, self.w = function, 2.0, of(2)

        def __call__(self, x: Any) -> Any:
            return self.function(x) * self.scale * self.w

    @Decorator
    def inner(x: Any) -> Any:
        return x * 2

    return lambda x: inner(x), [set_to(inner, scale=3.0), set_to(inner, w=of(7)), set_to(inner, function=np.sin)]


@case
def memory_of_c() -> Made:
    class Both(ctypes.Structure):
        _fields_ = [("a", ctypes.c_double), ("b", ctypes.c_double)]

    one, many, both = ctypes.c_double(2.0), (ctypes.c_double * 3)(1, 2, 3), Both(1.0, 2.0)
    return lambda x: x * one.value * many[1] * both.b, [
        set_to(one, value=3.0), lambda: many.__setitem__(1, 8.0), set_to(both, b=9.0),
    ]


@case
def weak_references() -> Made:
    parent, child = Plain(scale=2.0, w=of(2)), Plain(k=1.0)
    child.parent, table = weakref.ref(parent), weakref.WeakKeyDictionary({parent: 3.0})
    return lambda x: x * child.parent().scale * child.parent().w * table[parent], [
        set_to(parent, scale=3.0), set_to(parent, w=of(5)), lambda: table.update({parent: 4.0}),
    ]


@case
def objects_in_sets_and_as_keys() -> Made:
    one, other, third, factor = Plain(w=of(2), k=2.0), Plain(k=3.0), Plain(k=5.0), [2.0]
    many, fixed, keyed = {one}, frozenset([other, lambda x: x * factor[0]]), {third: 1.0}

    def function(x: Any) -> Any:
        for v in many:
            x = x * v.w * v.k
        for v in fixed:
            x = v(x) if callable(v) else x * v.k
        for v in keyed:
            x = x * v.k
        return x

    return function, [
        set_to(one, w=of(3)), lambda: one.w.fill(4), set_to(other, k=7.0), set_to(third, k=7.0),
        lambda: factor.__setitem__(0, 9.0), lambda: many.add(Plain(w=of(5), k=1.0)),
    ]


@case
def objects_that_say_they_are_equal() -> Made:
    class Equal(Plain):
        def __eq__(self, other: Any) -> bool:
            return True

        def __hash__(self) -> int:
            return 1

    rows, table, few = [Equal(k=2.0)], {Equal(k=3.0): 1.0}, {Equal(k=5.0)}
    return lambda x: x * rows[0].k * [*table][0].k * [*few][0].k, [
        lambda: rows.__setitem__(0, Equal(k=7.0)), lambda: (table.clear(), table.update({Equal(k=7.0): 1.0})),
        lambda: (few.clear(), few.add(Equal(k=7.0))),
    ]


@case
def parts_of_classes() -> Made:
    class Model:
        parts = {"a": 2.0}
        rate = 1.0

        def call(self, x: Any, k: float) -> Any:
            return x * k * self.rate

        doubled = functools.partialmethod(call, k=2.0)

        def __class_getitem__(cls, name: str) -> float:
            return cls.parts[name]

        @functools.singledispatchmethod
        def of(self, k: Any) -> float:
            return 1.0

        @of.register
        def _(self, k: int) -> float:
            return self.rate + k

    model = Model()
    return lambda x: model.doubled(x) * Model["a"] * model.of(2), [
        lambda: vars(Model)["doubled"].keywords.update(k=9.0), lambda: Model.parts.update(a=3.0),
        set_to(model, rate=5.0), set_to(Model, call=lambda self, x, k: x), lambda: Model.of,
    ]


@case
def objects_that_are_looked_up() -> Made:
    one, other = Plain(w=of(2)), Plain(w=of(3))
    frozen, numbers, scales = {one}, {id(one)}, {one: 5.0}

    def function(x: Any) -> Any:
        for layer in (one, other):
            x = x * layer.w * scales.get(layer, 1.0) * (1.0 if layer in frozen else 10.0)
        return x

    def by_number(x: Any) -> Any:
        for layer in (one, other):
            x = x * (layer.w if id(layer) in numbers else layer.w * 10)
        return x

    return lambda x: function(x) + by_number(x), [
        lambda: frozen.add(other), lambda: numbers.add(id(other)), lambda: scales.update({other: 2.0}),
        lambda: frozen.discard(one), lambda: one.w.fill(7),
    ]


@case
def what_is_chosen_by_type() -> Made:
    w, kinds = of(2), {np.ndarray: 5.0}
    return lambda x: x * w * kinds.get(type(w), 1.0), [lambda: kinds.update({np.ndarray: 7.0}), lambda: w.fill(3)]


@case
def texts_of_numbers_and_arrays() -> Made:
    state, w = Plain(rate=1.0, weight=1.0), of()

    def lower() -> None:
        state.rate, state.weight = state.rate / 2, state.weight / 4

    return lambda x: x * len(f"{state.rate}") * len(str(state.weight)) * len(repr(w * 2)), [
        lower, lower, lower, lambda: w.fill(100.0),
    ]


@case
def names_of_types() -> Made:
    w = of(2)
    return lambda x: x * w * len(type(w).__name__), [lambda: w.fill(3)]


@case
def arrays_of_objects_and_masked_ones() -> Made:
    rows, masked = np.empty(2, object), np.ma.masked_array(of(2), [0, 1, 0])
    rows[:] = [of(2), of(3)]
    return lambda x: x * rows[0] * rows[1] + masked.filled(0.0), [
        lambda: rows[0].fill(7), lambda: rows.__setitem__(1, of(9)), lambda: masked.mask.__setitem__(0, True),
        lambda: masked.__setitem__(2, 9.0),
    ]


@case
def attributes_of_arrays() -> Made:
    class Measured(np.ndarray):
        pass

    w = of(2).view(Measured)
    w.unit = 3.0
    return lambda x: x * w.unit, [set_to(w, unit=5.0)]


@case
def functions_in_objects_of_numpy() -> Made:
    k, w, line = [2.0], of(2), np.polynomial.Polynomial([1.0, 2.0])
    vectorized, universal = np.vectorize(lambda v: v * k[0]), np.frompyfunc(lambda v: v + k[0], 1, 1)
    return lambda x: x * vectorized(w) + universal(w).astype(float) + line(x), [
        lambda: k.__setitem__(0, 3.0), lambda: w.fill(5), lambda: line.coef.__setitem__(0, 7.0),
        set_to(line, coef=np.array([3.0, 4.0])),
    ]


@case
def members_with_methods() -> Made:
    factor = [2.0]

    class Mode(enum.Enum):
        FIRST = 1

        def call(self, x: Any) -> Any:
            return x * factor[0]

    mode = Mode.FIRST
    return lambda x: mode.call(x), [lambda: factor.__setitem__(0, 5.0)]


@case
def attributes_of_members() -> Made:
    class Mode(enum.Enum):
        FIRST = 1

    Mode.FIRST.factor = 2.0
    return lambda x: x * Mode.FIRST.factor, [set_to(Mode.FIRST, factor=3.0)]


@case
def modules_that_make_attributes() -> Made:
    module, values = types.ModuleType("made"), {"a": 2.0}
    module.__getattr__ = lambda name: values[name]
    return lambda x: x * module.a, [lambda: values.update(a=3.0), set_to(module, a=7.0)]


@case
def special_names() -> Made:
    model = Plain(__scale__=2.0)
    return lambda x: x * model.__scale__, [set_to(model, __scale__=3.0)]


@case
def the_bits_of_large_arrays() -> Made:
    w = np.zeros(1000)
    w[1] = np.nan
    return lambda x: np.copysign(x, float(w[0])), [lambda: w.__setitem__(0, -0.0), lambda: w.__setitem__(0, 0.0)]


@case
def memos_that_are_cleared() -> Made:
    state, other = Plain(a=2.0), Plain(a=3.0)

    @functools.lru_cache
    def answer() -> float:
        return state.a

    @functools.lru_cache(maxsize=2)
    def few(k: int) -> Any:
        return np.full(3, other.a * k)

    class Model:
        @functools.cache
        def method(self) -> float:
            return state.a

    model = Model()
    return lambda x: x * answer() * few(2) * model.method(), [
        set_to(state, a=3.0), answer.cache_clear, Model.method.cache_clear, set_to(other, a=5.0),
        lambda: (few(3), few(4), few(5))[:0] and None, few.cache_clear,
        lambda: (set_to(state, a=7.0)(), answer.cache_clear()) and None,
    ]


@case
def arithmetic_of_decimal_numbers() -> Made:
    number = decimal.Decimal(2)

    def context(**values: Any) -> Callable[[], None]:
        return lambda: decimal.setcontext(decimal.Context(**values))

    return lambda x: x * float(number / 3) * float(decimal.Decimal(1) / 7), [
        context(prec=3), context(prec=3, rounding=decimal.ROUND_UP), context(prec=28),
    ]


@case
def attributes_of_functions_and_classes() -> Made:
    def first(x: Any, k: float = 1.0) -> Any:
        """2"""
        return x * k

    def second(x: Any) -> Any:
        return x

    class Kind:
        def method(self) -> None:
            pass

    functions, kind = [second], Kind()

    def function(x: Any) -> Any:
        x = x * float(first.__doc__) * len(first.__name__) * len(getattr(first, "__qualname__")) * first.__defaults__[0]
        x = x * getattr(first, "scale", 1.0) * len(functions[0].__name__) * len(first.__annotations__)
        return x * len(Kind.__name__) * len(type(kind).__qualname__) * len(kind.method.__name__) * len(first.__module__)

    return function, [
        set_to(first, __doc__="3"), set_to(first, __name__="a"), set_to(first, __qualname__="ab"),
        set_to(first, __defaults__=(5.0,)), set_to(first, scale=2.0), set_to(first, scale=3.0),
        set_to(second, __name__="abc"), lambda: first.__annotations__.update(c=int), set_to(Kind, __name__="K"),
        set_to(Kind, __qualname__="Ki"), set_to(Kind.method, __name__="m"), set_to(first, __module__="abc"),
    ]


@case
def objects_in_tuples_that_are_keys() -> Made:
    one, other, third = Plain(k=2.0), Plain(k=3.0), Plain(k=5.0)
    table, items = {(one, 1): 1.0, ((other,), 2): 2.0}, {(third, 1)}

    def function(x: Any) -> Any:
        for (owner, count), value in table.items():
            x = x * (owner[0] if count == 2 else owner).k * value
        return x * sum([owner.k for owner, _ in items])

    return function, [set_to(one, k=7.0), set_to(other, k=7.0), set_to(third, k=7.0)]


@case
def objects_of_dataclasses_and_what_makes_them() -> Made:
    factor = [2.0]

    @dataclasses.dataclass
    class Layer:
        w: np.ndarray
        name: str = "a"
        count: int = 1

        def __post_init__(self) -> None:
            self.count = len(factor) + int(factor[0])

        @classmethod
        def made(cls) -> Any:
            return cls(of(2))

    layers = [Layer(of(2)), Layer(of(3), "bb")]

    def function(x: Any) -> Any:
        for layer in layers:
            x = x * layer.w * len(layer.name) * Layer(of(1)).count * layer.made().count
        return x * len(repr(layers[0].name)) * (layers[0] == layers[0])

    return function, [
        set_to(layers[0], name="ccc"), lambda: layers[1].w.fill(5), lambda: factor.__setitem__(0, 4.0),
        set_to(Layer, __post_init__=lambda self: None), lambda: layers.append(Layer(of(4))),
        set_to(Layer, __eq__=lambda self, other: 7.0), set_to(layers[1], w=of(9)),
    ]


@case
def levels_of_loggers() -> Made:
    above, logger, other = [logging.getLogger(f"fnad.tests.{name}") for name in ("a", "a.b", "c")]
    adapter, holder = logging.LoggerAdapter(other, {}), Plain(log=logging.getLogger("fnad.tests.d"))
    above.setLevel(30), other.setLevel(20), holder.log.setLevel(10)

    def function(x: Any) -> Any:
        x = x * 2.0 if logger.isEnabledFor(logging.INFO) else x * 3.0
        return x * adapter.getEffectiveLevel() * holder.log.level

    return function, [
        lambda: above.setLevel(15), lambda: logger.setLevel(40), lambda: other.setLevel(25),
        lambda: holder.log.setLevel(11), lambda: logger.setLevel(20), set_to(logger, disabled=True),
        set_to(logger, disabled=False), lambda: logging.disable(50), lambda: logging.disable(0),
        set_to(adapter, logger=above), lambda: logger.setLevel(0), set_to(logger, parent=holder.log),
    ]


@pytest.mark.parametrize("name", CASES)
def test_places(name: str) -> None:
    function, changes = CASES[name]()
    jitted = jit(function)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "jit: requires values")
        for change in [lambda: None, *changes]:
            change()
            for _ in range(2):
                got, expected = jitted(X), function(X)
                np.testing.assert_allclose(got, expected, rtol=1e-12)
                np.testing.assert_array_equal(np.signbit(got), np.signbit(expected))
    assert jitted.cache_info().stagings <= len(changes) + 1, jitted.cache_info()


SHAPES: dict[str, Callable[[Any, Any], Any]] = {
    "read": lambda x, w: x * w, "its shape": lambda x, w: x * w.shape[0], "its length": lambda x, w: x * len(w),
    "of its content": lambda x, w: x * float(np.linalg.norm(w)) * len(w), "in both": lambda x, w: x * w * w.ndim,
    "of a condition": lambda x, w: x * w if w.sum() > -1 else x, "after another": lambda x, w: x * K[0] * w,
}
ASSIGNED: dict[str, Callable[[np.ndarray], Any]] = {
    "shape": lambda w: setattr(w, "shape", (2, 2)), "axis": lambda w: setattr(w, "shape", (4, 1)),
    "dtype": lambda w: setattr(w, "dtype", np.int64), "halves": lambda w: setattr(w, "dtype", np.float32),
    "byte order": lambda w: setattr(w, "dtype", w.dtype.newbyteorder(">")),
    "shorter": lambda w: w.resize((2,), refcheck=False), "longer": lambda w: w.resize((8,), refcheck=False),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
@pytest.mark.parametrize("how", ["jit", "number", "donated", "background"])
@pytest.mark.parametrize("assigned", ASSIGNED)
def test_an_array_whose_shape_or_dtype_is_assigned(assigned: str, how: str) -> None:
    for read in SHAPES.values() if how == "jit" or assigned == "shape" else [SHAPES["read"]]:
        w = np.arange(4.0)
        jitted = jit(lambda x: read(x, w), donate_argnums=0 if how == "donated" else (), background=how == "background")
        make = (lambda: 2.0) if how == "number" else lambda: np.ones((2, 1, 1, 1))
        jitted(make())
        ASSIGNED[assigned](w)
        expected = read(make(), w)
        for _ in range(2):
            got = jitted(make())
            assert got.shape == np.shape(expected)
            np.testing.assert_array_equal(got, expected)


def test_what_does_not_change_is_not_staged_anew() -> None:
    w, texts = np.full(1000, np.nan), np.array(["a" * 100, "b"], np.dtypes.StringDType())
    w[0] = 1.0

    class Trainer:
        def __init__(self) -> None:
            self.w, self.losses = np.ones(3), []

        def forward(self, x: Any) -> Any:
            return x.copy() * self.w * getattr(self, "scale", 2.0) * float(w[0]) * len(texts[0]) * options.rate

    trainer, options = Trainer(), types.SimpleNamespace(rate=1.0)
    jitted = jit(trainer.forward)
    for k in range(4):
        options.epoch = k
        trainer.losses.append(float(jitted(X)[0]))
        Trainer.count = k
        if k == 2:
            trainer.scale = 3.0
    assert trainer.losses == [200.0, 200.0, 200.0, 300.0]
    assert jitted.cache_info().stagings == 2, jitted.cache_info()
