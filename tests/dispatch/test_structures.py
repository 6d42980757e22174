"""What Python sees of the structure of arguments and of static values decides what is compiled."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import fnad
import numpy as np
import pytest
from fnad import grad, jit, tree, vjp, vmap
from hypothesis import given
from hypothesis import strategies as st


class Pair(NamedTuple):
    first: Any
    second: Any


@dataclass
class Model:
    layers: Any


@dataclass(frozen=True)
class Options:
    scale: Any


class Named:
    """A class of the user's own with static data."""

    def __init__(self, weights: Any, name: Any) -> None:
        self.weights, self.name = weights, name


tree.register(Named, lambda n: ((n.weights,), n.name), lambda name, children: Named(*children, name))


def in_order(node: Any) -> list[Any]:
    """All numbers in a tree, in the order in which Python comes by."""
    if isinstance(node, dict):
        return [x for value in node.values() for x in in_order(value)]
    if isinstance(node, (list, tuple)):
        return [x for value in node for x in in_order(value)]
    if isinstance(node, Model):
        return in_order(node.layers)
    if isinstance(node, Named):
        return [*in_order(node.weights), float(type(node.name) is bool)]
    return [] if node is None else [node]


def folded(node: Any, x: Any) -> Any:
    """A result in which each number's place counts, and the types of keys."""
    for w in in_order(node):
        x = 3 * x + w
    return {"value": x, "shown": shown_keys(node)}


def shown_keys(node: Any) -> Any:
    if isinstance(node, dict):
        return [(type(k).__name__, repr(k)) for k in node] + [shown_keys(v) for v in node.values()]
    if isinstance(node, (list, tuple)):
        return [shown_keys(v) for v in node]
    return type(node).__name__ if isinstance(node, (Model, Named)) else "leaf"


NUMBERS = st.sampled_from([np.array([1.0, 2.0]), np.array([5.0, -1.0]), np.zeros(2)])
KEYS = st.sampled_from(["a", "b", 1, True, 1.0, 0.0, -0.0, None])


def shuffled_dicts(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    # Keys of one kind can be sorted, others cannot: both are seen in Python's order.
    items = st.lists(st.tuples(st.one_of(st.sampled_from("abc"), KEYS), inner), max_size=3)
    return items.flatmap(lambda pairs: st.sampled_from([dict, OrderedDict, lambda p: defaultdict(list, p)]).map(
        lambda make: make(pairs)))


TREES = st.recursive(
    NUMBERS,
    lambda inner: st.one_of(
        shuffled_dicts(inner), st.lists(inner, max_size=2), st.builds(Pair, inner, inner), st.builds(Model, inner),
        st.builds(Named, inner, st.sampled_from([1, True, 1.0, "a", (1,), (True,)])),
    ),
    max_leaves=4,
)


class Static:
    """A result that is no array."""

    def __init__(self, value: Any) -> None:
        self.value = value


compiled = jit(lambda node, x: {k: v if k == "value" else Static(v) for k, v in folded(node, x).items()})


@pytest.mark.filterwarnings("ignore:jit. requires few different signatures")
@given(TREES)
def test_a_compiled_function_sees_the_structure_that_python_sees(node):
    x = np.array([1.0, -2.0])
    got, expected = compiled(node, x), folded(node, x)
    assert got["shown"].value == expected["shown"]
    np.testing.assert_array_equal(got["value"], expected["value"])


ORDERS = [{"l1": np.array([2.0]), "l2": np.array([5.0])}, {"l2": np.array([5.0]), "l1": np.array([2.0])}]


def apply_layers(p: Any, x: Any) -> Any:
    for w in p.values():
        x = x * w + w
    return np.sum(x)


MAKES = [dict, OrderedDict, lambda p: defaultdict(list, p), Model, lambda p: [p], lambda p: (p,)]


@pytest.mark.parametrize("make", MAKES)
def test_layers_are_applied_in_the_order_of_each_call(make):
    def layers(tree: Any) -> Any:
        return tree.layers if isinstance(tree, Model) else tree if isinstance(tree, dict) else tree[0]

    f = jit(lambda tree, x: apply_layers(layers(tree), x))
    for p in [*ORDERS, *ORDERS]:
        assert f(make(p), np.ones(1)) == apply_layers(p, np.ones(1))


def test_the_reason_of_a_staging_for_another_order_names_it():
    f = jit(lambda p: apply_layers(p, np.ones(1)))
    f(ORDERS[0]), f(ORDERS[1])
    assert "the order of keys changed from ('l1', 'l2') to ('l2', 'l1')" in f.cache_info().reasons[1]


def test_keyword_arguments_are_seen_in_the_order_of_each_call():
    f = jit(lambda **layers: apply_layers(layers, np.ones(1)))
    for p in [*ORDERS, *ORDERS]:
        assert f(**p) == apply_layers(p, np.ones(1))


def test_static_keywords_stay_in_their_places():
    def apply(**given: Any) -> Any:
        return apply_layers({k: v * np.ones(1) for k, v in given.items()}, np.ones(1))

    f = jit(apply, static_argnames="l1")
    for layers in [{"l1": 2.0, "l2": 5.0}, {"l2": 5.0, "l1": 2.0}, {"l1": 3.0, "l2": 5.0}]:
        assert f(**layers) == apply(**layers)


@pytest.mark.parametrize(
    "transform",
    [
        lambda f: lambda p: grad(lambda q: f(q, np.ones(1)))(p)["l1"],
        lambda f: lambda p: vjp(lambda q: f(q, np.ones(1)), p)[1](1.0)[0]["l1"],
        lambda f: lambda p: vmap(lambda x: f(p, x))(np.ones((2, 1)))[1],
        lambda f: lambda p: fnad.scan(lambda c, _: (f(p, c) + np.zeros(1), None), np.ones(1), None, length=2)[0],
        lambda f: lambda p: fnad.cond(p["l1"][0] > 0, lambda q: f(q, np.ones(1)), lambda q: -f(q, np.ones(1)), p),
        lambda f: lambda p: fnad.checkpoint(f)(p, np.ones(1)),
    ],
    ids=["grad", "vjp", "vmap", "scan", "cond", "checkpoint"],
)
def test_every_transform_sees_the_order_of_each_call(transform):
    plain, f = transform(apply_layers), transform(jit(apply_layers))
    nested = jit(plain)
    for p in [*ORDERS, *ORDERS]:
        np.testing.assert_allclose(f(p), plain(p))
        np.testing.assert_allclose(nested(p), plain(p))
    assert plain(ORDERS[0]) != plain(ORDERS[1])


def test_results_have_the_order_that_python_gives_them():
    f = jit(lambda p: {**p, "z": p["l1"], "a": p["l2"]})
    for p in [*ORDERS, *ORDERS]:
        assert list(f(p)) == [*p, "z", "a"]
    assert list(grad(lambda p: apply_layers(p, np.ones(1)))(ORDERS[1])) == ["l2", "l1"]


@pytest.mark.parametrize("loop", [
    lambda body, start: fnad.scan(lambda c, _: (body(c), None), start, None, length=3)[0],
    lambda body, start: fnad.fori_loop(0, 3, lambda i, c: body(c), start),
    lambda body, start: fnad.while_loop(lambda c: np.sum(c["l1"]) < 9.0, body, start),
], ids=["scan", "fori_loop", "while_loop"])
def test_a_carry_keeps_its_order_where_that_is_seen(loop):
    swapped = loop(lambda c: {"l2": c["l2"] + 1.0, "l1": c["l1"] + c["l2"]}, ORDERS[0])
    kept = loop(lambda c: {"l1": c["l1"] + c["l2"], "l2": c["l2"] + 1.0}, ORDERS[0])
    assert swapped["l1"] == kept["l1"] and swapped["l2"] == kept["l2"]

    def by_order(c: Any) -> Any:
        first, second = c.values()
        return {"l2": second + first, "l1": first}

    with pytest.raises(TypeError, match=r"requires a carry whose dicts keep the order of their keys, got a body that"):
        loop(by_order, ORDERS[0])


EQUAL = [1, True, 1.0, np.float32(1), Decimal("1"), Decimal("1.0"), Fraction(1)]
WRAPS = [lambda v: v, lambda v: (v,), lambda v: Pair(v, 0), Options, lambda v: frozenset([v]), lambda v: Options((v,))]


@pytest.mark.parametrize("wrap", WRAPS, ids=["bare", "tuple", "namedtuple", "dataclass", "frozenset", "nested"])
def test_static_values_that_are_equal_but_not_the_same_have_code_of_their_own(wrap):
    f = jit(lambda x, static: {repr(static): x}, static_argnums=1)
    named = jit(lambda x, static: {repr(static): x}, static_argnames="static")
    for value in map(wrap, [*EQUAL, 0.0, -0.0, *EQUAL]):
        assert list(f(np.ones(1), value)) == list(named(np.ones(1), static=value)) == [repr(value)]
    assert f.cache_info().stagings == len(EQUAL) + 2


def test_ranges_that_are_equal_but_not_the_same_have_code_of_their_own():
    f = jit(lambda x, static: x + static.stop, static_argnums=1)
    assert [float(f(np.zeros(()), r)) for r in (range(0, 4, 2), range(0, 3, 2))] == [4.0, 3.0]


@pytest.mark.parametrize("transform", [
    jit, grad, lambda f: vmap(f, in_axes=None), lambda f: lambda x: tree.map(np.sin, x),
])
def test_an_array_in_static_data_is_refused_with_its_place(transform):
    f = transform(lambda given: np.sum(given["p"][0].weights))
    message = r"static data without arrays, got one in that of Named at .*\['p'\]\[0\]\."
    for _ in range(2):  # not just where two of them are compared
        with pytest.raises(TypeError, match=message):
            f({"p": [Named(np.ones(2), ("a", {"b": np.ones(3)}))]})
