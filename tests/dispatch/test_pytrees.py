"""Functions written for one structure agree with the walk, and see every difference."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from enum import StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from fnad import tree
from fnad.dispatch.constants import Constant
from fnad.dispatch.pytrees import MOST_LEAVES, matcher, rebuilder
from fnad.dispatch.signatures import leaf_key
from fnad.sameness import exact
from hypothesis import given
from hypothesis import strategies as st


class Pair(NamedTuple):
    first: Any
    second: Any


class Side(StrEnum):
    LEFT = "left"


LEAVES = st.sampled_from([
    1, 2.0, True, 1j, np.ones(3), np.ones((2, 0)), np.zeros((), np.float32), np.ones(3, ">i4"),
    "left", Side.LEFT, b"left", abs, Pair, Fraction(1, 2), Fraction(2, 4), frozenset({1}), frozenset({True}), "",
])
KEYS = st.sampled_from([1, True, 1.0, 0.0, -0.0, 2, None, Side.LEFT, "left", (1,), (True,)])
TREES = st.recursive(
    st.one_of(LEAVES, st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.lists(inner, max_size=3).map(tuple), st.builds(Pair, inner, inner),
        st.dictionaries(st.text("ab", max_size=2), inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3),
    ),
)


def match_for(example: Any) -> Any:
    leaves, treedef = tree.flatten(((example,), {}))
    match = matcher(treedef, [leaf_key(leaf) for leaf in leaves])
    return None if match is None else lambda given: match((given,), {})


def shown(given: Any) -> str:
    return repr(tree.map(lambda leaf: (type(leaf), getattr(leaf_key(leaf), "value", leaf_key(leaf))), given))


@given(TREES)
def test_taking_apart_and_rebuilding_agree_with_the_walk(given_tree):
    leaves, treedef = tree.flatten(given_tree)
    matched = match_for(given_tree)(given_tree)
    inputs = [leaf for leaf in leaves if type(leaf_key(leaf)) is not Constant]
    assert len(matched) == len(inputs) and all(a is b for a, b in zip(matched, inputs))
    assert shown(rebuilder(treedef)(leaves)) == shown(tree.unflatten(treedef, leaves))


@given(TREES, TREES)
def test_a_pytree_matches_where_its_signature_is_equal(one, other):
    def signature(given: Any) -> Any:
        leaves, treedef = tree.flatten(given)
        return treedef, exact(treedef), [leaf_key(leaf) for leaf in leaves]

    assert (match_for(one)(other) is not None) == (signature(one) == signature(other))


def test_the_order_of_a_dict_is_kept():
    treedef = tree.structure({"b": 1, "a": 2})
    assert list(rebuilder(treedef)([1, 2])) == list(tree.unflatten(treedef, [1, 2]))


def test_a_dtype_that_is_equal_but_another_object_matches():
    array = np.ones(3)
    array.dtype = pickle.loads(pickle.dumps(np.dtype([("a", float)])))["a"]
    match = match_for([np.ones(3)])
    assert match([array]) is not None
    assert match([np.ones(3, ">f8")]) is None


class Special(np.ndarray):
    pass


@pytest.mark.parametrize("given_tree", [OrderedDict(a=1), [1, OrderedDict(a=1)], list(range(MOST_LEAVES + 1))])
def test_what_is_not_known_is_left_to_the_walk(given_tree):
    assert match_for(given_tree) is None
    assert rebuilder(tree.structure(given_tree)) is None


@pytest.mark.parametrize("leaf", [np.float32(1), np.ones(3).view(Special)])
def test_an_array_that_is_not_plain_is_left_to_the_walk(leaf):
    assert match_for([leaf]) is None


def test_an_array_of_a_class_of_its_own_does_not_match():
    assert match_for([np.ones(3)])([np.ones(3).view(Special)]) is None


def test_a_class_that_refuses_other_contents_is_left_to_the_walk():
    class Careful(Pair):
        def __new__(cls, first: Any, second: Any) -> Any:
            if not isinstance(first, np.ndarray):
                raise TypeError("an array is wanted")
            return super().__new__(cls, first, second)

    assert match_for(Careful(np.ones(2), 1.0)) is None
