"""Keys of values: equal for what Python cannot tell apart, and for nothing else."""

from __future__ import annotations

import datetime
import itertools
from collections import OrderedDict, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from fnad import tree
from fnad.sameness import exact, typed


class Pair(NamedTuple):
    first: Any
    second: Any


class OtherPair(NamedTuple):
    first: Any
    second: Any


@dataclass(frozen=True)
class Config:
    a: Any
    seen: Any = field(default=0, compare=False)


class Level(IntEnum):
    ONE = 1


class Name(StrEnum):
    A = "a"


class Color(Enum):
    RED = 1


class Text(str):
    pass


class Version:
    """A class of the user's own that says itself what it is equal to, and counts."""

    count = itertools.count()

    def __init__(self, number: Any) -> None:
        self.number, self.made = number, next(self.count)

    def __eq__(self, other: Any) -> bool:
        return self.number == other.number

    def __hash__(self) -> int:
        return hash(self.number)


class Holder:
    def method(self) -> None:
        pass


NUMBERS = [
    lambda: 1, lambda: True, lambda: 1.0, lambda: 1 + 0j, lambda: Level.ONE, lambda: np.float64(1),
    lambda: np.float32(1),
    lambda: np.int64(1), lambda: np.bool_(True), lambda: Decimal(1), lambda: Decimal("1.0"), lambda: Fraction(1),
]
ZEROS = [lambda: 0.0, lambda: -0.0, lambda: complex(0.0, -0.0), lambda: complex(0.0, 0.0), lambda: 0, lambda: False]
TEXTS = [lambda: "a", lambda: Name.A, lambda: Text("a"), lambda: np.str_("a"), lambda: b"a"]
WRAPPED = [
    lambda x: x, lambda x: (x,), lambda x: ((x,), 2), lambda x: Pair(x, 0), lambda x: OtherPair(x, 0), Config,
    lambda x: Config(Pair(0, x)), lambda x: frozenset([x]), Version, lambda x: Version((x, 3)),
    lambda x: Config(Version(x)),
]
RANGES = [lambda: range(0), lambda: range(1, 1), lambda: range(0, 4, 2), lambda: range(0, 3, 2)]
SLICES = [lambda: slice(1), lambda: slice(True), lambda: slice(0, 1)]
ZONES = [datetime.timezone(datetime.timedelta(hours=h)) for h in (1, 2)]
MOMENTS = [lambda h=h: datetime.datetime(2020, 1, 1, h, tzinfo=ZONES[h - 1]) for h in (1, 2)]
NANS = [lambda: float("nan"), lambda: -float("nan")]
OTHERS = [lambda: None, lambda: Color.RED, lambda: int, lambda: bool, lambda: (), lambda: frozenset(), lambda: len]
ATOMS = [*NUMBERS, *ZEROS, *TEXTS]
MAKERS = [*[lambda w=w, a=a: w(a()) for w in WRAPPED for a in ATOMS], *RANGES, *SLICES, *MOMENTS, *NANS, *OTHERS]


def test_equal_keys_are_of_the_same_values_only():
    """Each maker makes a value that differs from those of all others, however many of them Python calls equal."""
    keys = [typed(make()) for make in MAKERS]
    assert keys == [typed(make()) for make in MAKERS]
    assert len(set(keys)) == len(keys)


def test_what_an_equality_leaves_out_does_not_count():
    assert typed(Config(1, seen=2)) == typed(Config(1, seen=3)) and typed(Version(1)) == typed(Version(1))
    assert typed(Config(1)) != typed(Config(2)) and typed(Version(1)) != typed(Version(2))


def test_objects_without_an_equality_are_equal_to_themselves():
    one, other = Holder(), Holder()
    assert typed(one) == typed(one) != typed(other)
    assert typed(one.method) == typed(one.method) != typed(other.method)


@pytest.mark.parametrize("value", [[1], {}, {1}, ([],), Pair(1, {}), np.ones(1), Config([])])
def test_what_cannot_be_hashed_is_refused(value: Any):
    with pytest.raises(TypeError, match="unhashable"):
        typed(value)


def test_an_object_that_holds_itself_has_a_key():
    one = Version(1)
    one.itself = one
    assert typed(one) == typed(one)


STRUCTURES = [
    {"a": 1, "b": 2}, {"b": 1, "a": 2}, {Name.A: 1, "b": 2}, {Text("a"): 1, "b": 2},
    OrderedDict(a=1, b=2), OrderedDict(b=1, a=2), defaultdict(int, a=1, b=2), defaultdict(int, b=1, a=2),
    defaultdict(float, a=1, b=2), {1: 1}, {True: 1}, {1.0: 1}, {0.0: 1}, {-0.0: 1}, {(1,): 1}, {(True,): 1},
    [{"a": 1}], ({"a": 1},), Pair({"a": 1, "b": 2}, 3), Pair({"b": 1, "a": 2}, 3), [{}], [{"a": {"x": 1, "y": 2}}],
    [{"a": {"y": 1, "x": 2}}],
]


def test_structures_differ_in_the_order_and_the_types_of_keys():
    def key(given: Any) -> Any:
        treedef = tree.structure(given)
        return treedef, exact(treedef)

    keys = [key(given) for given in STRUCTURES]
    assert len(set(keys)) == len(keys)
    assert keys == [key(tree.map(lambda leaf: leaf + 1.5, given)) for given in STRUCTURES]
