"""A traced value is an array for ``isinstance``, where what it stands for is one: a program goes the same way."""

from __future__ import annotations

import copy
import functools
import pickle
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit, vmap

X = np.array([0.5, 1.5, 2.5])


@functools.singledispatch
def kind(x: Any) -> str:
    return "another"


@kind.register
def _(x: np.ndarray) -> str:
    return "array"


def matched(x: Any) -> str:
    match x:
        case list() | tuple():
            return "sequence"
        case np.ndarray():
            return "array"
    return "another"


def doubled(x: Any) -> Any:
    """A program that takes lists too."""
    if isinstance(x, (list, np.ndarray)):
        return 2.0 * np.asarray(x) if isinstance(x, list) else 2.0 * x
    return x - 1.0


ASKED = {
    "isinstance": doubled,
    "of several": lambda x: x * (3.0 if isinstance(x, (tuple, np.ndarray)) else 5.0),
    "not of a scalar": lambda x: x * (3.0 if isinstance(x, (np.generic, float)) else 5.0),
    "singledispatch": lambda x: x * (3.0 if kind(x) == "array" else 5.0),
    "match": lambda x: x * (3.0 if matched(x) == "array" else 5.0),
    "parts": lambda x: x * (3.0 if isinstance(x[:2], np.ndarray) else 5.0),
    "an element": lambda x: x * (3.0 if isinstance(x[0], np.ndarray) else 5.0),
    "a sum": lambda x: x * (3.0 if isinstance(np.sum(x), np.ndarray) else 5.0),
    "an array in a list": lambda x: sum([v for v in [x, x + 1] if isinstance(v, np.ndarray)]),
}
TRANSFORMS = {
    "jit": jit,
    "grad": lambda f: lambda x: grad(lambda x: np.sum(f(x) * X))(x),
    "jit of grad": lambda f: jit(lambda x: grad(lambda x: np.sum(f(x) * X))(x)),
    "jvp": lambda f: lambda x: fnad.jvp(f, (x,), (X,))[1],
    "checkpoint": lambda f: jit(fnad.checkpoint(f)),
    "scan": lambda f: lambda x: fnad.scan(lambda c, _: (f(c), None), x, None, length=1)[0],
}


@pytest.mark.parametrize("name", ASKED)
def test_a_program_goes_the_way_that_it_goes_with_arrays(name):
    f = ASKED[name]
    factor = f(X) / X if name not in ("isinstance", "an array in a list") else 2.0
    for transform in TRANSFORMS:
        found = TRANSFORMS[transform](f)(X)
        derivative = transform in ("grad", "jit of grad", "jvp")
        np.testing.assert_allclose(found, X * factor if derivative else f(X), err_msg=transform)


def test_the_examples_of_a_batch_are_what_a_loop_would_give():
    f = ASKED["isinstance"]
    np.testing.assert_array_equal(vmap(f)(X), [f(x) for x in X])  # numbers
    np.testing.assert_array_equal(vmap(f)(X[:, None]), [f(x) for x in X[:, None]])


def test_an_argument_without_axes_is_what_was_given():
    for f in (jit(ASKED["of several"]), lambda x: grad(ASKED["of several"])(x) * x):
        assert f(np.array(2.0)) == 6.0 and f(2.0) == 10.0


def test_a_traced_value_is_no_array_for_what_looks_at_its_memory():
    def asked(x: Any) -> Any:
        assert type(x) is not np.ndarray and not np.isscalar(x)
        for read in (lambda: np.ndarray.sum(x), lambda: x.ctypes, lambda: np.ctypeslib.as_ctypes(x),
                     lambda: pickle.dumps(x)):
            with pytest.raises((TypeError, AttributeError, pickle.PicklingError)):
                read()
        return copy.copy(x) + np.concatenate([x, x])[:3] + np.stack([x, x])[0]

    np.testing.assert_array_equal(jit(asked)(X), 3 * X)
