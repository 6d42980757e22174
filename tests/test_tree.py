"""Pytrees: every kind of node goes there and back, leaves have paths that reach them, mismatches are named."""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, NamedTuple

import numpy as np
import pytest
from fnad import grad, jit, optim, tree, value_and_grad, vmap
from fnad.testing.strategies import Box, Pair, pytrees
from hypothesis import given
from hypothesis import strategies as st


X = np.array([1.0, 2.0])


class Point(NamedTuple):
    x: Any
    y: Any


@dataclass
class Layer:
    weights: Any
    bias: Any = None


@dataclass(frozen=True, slots=True)
class Frozen:
    a: Any
    b: Any


@dataclass
class Checked:
    """A dataclass that cannot be built from any children but by the library."""

    a: Any
    doubled: Any = field(init=False)

    def __post_init__(self) -> None:
        self.doubled = 2 * float(self.a)


class Polar:
    """A class of the user's own, with data that is no leaf."""

    def __init__(self, radius: Any, angle: Any, unit: str) -> None:
        self.radius, self.angle, self.unit = radius, angle, unit

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other)


tree.register(Polar, lambda p: ((p.radius, p.angle), p.unit), lambda unit, children: Polar(*children, unit))

NODES = {
    "leaf": (1, ["t"]),
    "None": (None, []),
    "dict": ({"b": 1, "a": 2}, ["t['a']", "t['b']"]),
    "ordered": (OrderedDict(b=1, a=2), ["t['b']", "t['a']"]),
    "list": ([1, [2, None]], ["t[0]", "t[1][0]"]),
    "tuple": ((1, ()), ["t[0]"]),
    "namedtuple": (Point(1, {"k": 2}), ["t.x", "t.y['k']"]),
    "dataclass": (Layer([1, 2], 3), ["t.weights[0]", "t.weights[1]", "t.bias"]),
    "dataclass with None": (Layer(1), ["t.weights"]),
    "frozen dataclass": (Frozen(1, Frozen(2, 3)), ["t.a", "t.b.a", "t.b.b"]),
    "dataclass in a list": ([Layer(1), Layer(2)], ["t[0].weights", "t[1].weights"]),
    "deque": (deque([1, 2]), ["t[0]", "t[1]"]),
    "defaultdict": (defaultdict(list, a=1), ["t['a']"]),
}


@pytest.mark.parametrize("name", NODES)
def test_every_node_goes_there_and_back(name: str) -> None:
    value, paths = NODES[name]
    leaves, treedef = tree.flatten(value)
    back = tree.unflatten(treedef, leaves)
    assert type(back) is type(value) and back == value
    assert tree.paths(treedef, "t") == paths
    assert [eval(path, {"t": value}) for path in paths] == leaves == tree.leaves(value)
    assert tree.structure(value) == treedef and treedef.num_leaves == len(paths)


def test_a_registered_class_goes_there_and_back() -> None:
    value = {"p": Polar(1.0, 2.0, "degrees")}
    leaves, treedef = tree.flatten(value)
    assert leaves == [1.0, 2.0] and tree.unflatten(treedef, leaves) == value
    assert tree.structure(Polar(1, 2, "degrees")) != tree.structure(Polar(1, 2, "radians"))


def test_dataclasses_are_rebuilt_without_their_init() -> None:
    doubled = tree.map(lambda x: [x], Checked(1.5))
    assert (doubled.a, doubled.doubled) == ([1.5], [3.0])


def test_arrays_and_strings_are_leaves() -> None:
    x = np.ones((2, 3))
    leaves = tree.leaves([x, "text", np.float32(1), 2j, True, object])
    assert leaves[0] is x and leaves[1:] == ["text", np.float32(1), 2j, True, object]


@given(pytrees(st.integers()))
def test_random_trees_go_there_and_back(value: Any) -> None:
    leaves, treedef = tree.flatten(value)
    assert tree.unflatten(treedef, leaves) == value
    assert tree.map(lambda x: x, value) == value
    found = [eval(path, {"t": value}) for path in tree.paths(treedef, "t")]
    assert len(found) == len(leaves) and all(a is b for a, b in zip(found, leaves))
    negated = tree.map(lambda x, y: x - y, value, tree.map(lambda x: 2 * x, value))
    assert tree.leaves(negated) == [-x for x in leaves]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ({"a": 1, "b": 2}, {"a": 1}, r"tree\.map: requires trees of equal structure, got one without tree\['b'\]\. "),
        ([1], [1, 2], r"got one with an extra tree\[1\]\. "),
        ((1, 2), [1, 2], r"requires trees of equal structure, got PyTreeSpec\(\[\*, \*\]"),
        (Pair(1, 2), Box(1, 2), r"got one without tree\.first"),
        (1, None, r"got one without tree\. "),
    ],
)
def test_the_first_path_that_differs_is_named(first: Any, second: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tree.map(lambda x, y: x, first, second)


class Kind(Enum):
    PLAIN = 1
    OTHER = 2


@dataclass
class Named:
    w: Any
    name: str
    kind: Kind = Kind.PLAIN
    mode: Literal['a', 'b'] | None = None
    function: Any = field(default=abs, metadata={"static": True})
    label: str = field(default="", metadata={"static": False})


def test_words_in_dataclasses_are_part_of_the_structure() -> None:
    named = Named(1.0, "first", label="leaf")
    assert tree.leaves(named) == [1.0, "leaf"]
    assert tree.paths(tree.structure(named), "m") == ["m.w", "m.label"]
    assert tree.map(lambda leaf: leaf * 2, named) == Named(2.0, "first", label="leafleaf")
    others = [Named(1.0, "other"), Named(1.0, "first", Kind.OTHER), Named(1.0, "first", mode="a"),
              Named(1.0, "first", function=max)]
    assert all(tree.structure(other) != tree.structure(Named(1.0, "first")) for other in others)
    held = Named(1.0, X)  # no word: it is a leaf, as an array anywhere
    assert tree.leaves(held)[1] is X


def test_what_jit_takes_can_be_differentiated() -> None:
    def loss(model: Named) -> Any:
        y = model.w * model.w
        return np.sum(y) if model.name == "first" else np.sum(3.0 * y)

    for name, factor in (("first", 2.0), ("second", 6.0), ("first", 2.0)):
        model = Named(X, name, label=X)
        for function in (grad(loss), jit(grad(loss)), lambda m: value_and_grad(loss)(m)[1]):
            gradient = function(model)
            assert (gradient.name, gradient.kind) == (name, Kind.PLAIN)
            np.testing.assert_array_equal(gradient.w, factor * X)
    optimizer = optim.adam(0.1)
    params, _ = optimizer.update(model, optimizer.init(model), model)
    assert params.name == "first"
    np.testing.assert_array_equal(vmap(loss)(Named(X, "second", label=X)), 3 * X * X)


# --- One vector

PARAMETERS = {"w": np.arange(6.0).reshape(2, 3), "b": (2.5, np.array([7, 8], np.int32)), "s": np.float32(0.5)}


def test_a_tree_is_one_vector_and_back() -> None:
    flat, unravel = tree.ravel_pytree(PARAMETERS)
    np.testing.assert_array_equal(flat, [2.5, 7, 8, 0.5, 0, 1, 2, 3, 4, 5])
    for got, own in zip(tree.leaves(unravel(flat)), tree.leaves(PARAMETERS)):
        assert got.dtype == np.result_type(own) and got.shape == np.shape(own)
        np.testing.assert_array_equal(got, own)
    assert tree.structure(unravel(flat)) == tree.structure(PARAMETERS)


def test_traced_it_is_differentiated_and_compiled() -> None:
    def loss(params: Any) -> Any:
        flat, unravel = tree.ravel_pytree(params)
        return np.sum(flat**2) + np.sum(unravel(3.0 * flat)["w"])

    params = {"w": np.arange(6.0).reshape(2, 3), "s": np.array(2.0)}
    for made in (grad(loss), jit(grad(loss))):
        gradient = made(params)
        np.testing.assert_allclose(gradient["w"], 2 * params["w"] + 3)
        np.testing.assert_allclose(gradient["s"], 4.0)


@pytest.mark.parametrize(("params", "dtype"), [({}, float), ([np.float32(1), np.float32([2])], np.float32)])
def test_the_vector_has_the_dtype_that_the_leaves_promote_to(params: Any, dtype: Any) -> None:
    assert tree.ravel_pytree(params)[0].dtype == dtype


def test_what_is_no_vector_of_that_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"requires a vector of shape \(10,\), got an array of shape \(3,\)"):
        tree.ravel_pytree(PARAMETERS)[1](np.ones(3))
    with pytest.raises(TypeError, match=r"got str at tree\['a'\]"):
        tree.ravel_pytree({"a": "x"})
