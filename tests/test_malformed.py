"""Calls that cannot be meant: one error each, with the operation, what it requires, what it got, and the line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.special
from fnad import grad, jit, linear_transpose, nn, optim, scan, tree, while_loop

X = np.ones(3)
ADAM, SGD = optim.adam(0.1), optim.sgd(0.1, momentum=0.9)
KEPT: list[Any] = []


def keep(x: Any) -> Any:
    KEPT.append(x)
    return np.sum(x)


def escaped() -> Any:
    grad(keep)(X)
    return KEPT.pop()


def call_of(primitive: Callable[..., Any]) -> Callable[..., Any]:
    return grad(lambda x: np.sum(primitive(x)))


DOUBLED = fnad.primitive(lambda x: 2 * x, shape=lambda x: (x.shape, x.dtype), name="doubled_without_derivative")

CALLS: dict[str, tuple[Callable[[], Any], str]] = {
    "an argument that is not there is donated": (lambda: jit(lambda x: x, donate_argnums=5), "jit: .*donate_argnums"),
    "a static argument twice": (lambda: jit(lambda x: x, static_argnums=(0, 0)), r"jit: .*got \(0, 0\)"),
    "a carry of another dtype": (lambda: scan(lambda c, _: (c + 1j, None), X, length=3), "scan: .*c128"),
    "a carry of another shape": (lambda: while_loop(lambda c: c.sum() < 9, lambda c: c[None], X), "while_loop: .*f64"),
    "the transpose of what is not linear": (lambda: linear_transpose(lambda x: x + 1, X)(X), "linear_transpose: "),
    "a primitive without derivative": (lambda: call_of(DOUBLED)(X), "doubled_without_derivative: .*derivative"),
    "an escaped value in an operation": (lambda: escaped() + 1, "traced value: "),
    "an escaped value indexed": (lambda: escaped()[0], "traced value: "),
    "an update of another structure": (lambda: SGD[1]({"a": X}, SGD[0]({"b": X}), {"a": X}), "sgd, a velocity: "),
    "an update without a state": (lambda: ADAM[1]({"a": X}, None, {"a": X}), "adam: .*NoneType"),
    "leaves that are too few": (lambda: tree.unflatten(tree.structure([1, 2]), [1]), "tree.unflatten: .*2 leaves"),
    "a layer without parameters": (lambda: nn.dense(3, 2)[1](None, X), "dense: .*NoneType"),
    "an attribute of a traced value": (lambda: jit(lambda x: setattr(x, "rate", 1))(X), "x.rate = v: "),
    "bits seen as others": (lambda: jit(lambda x: x.view("i8"))(X), r"x.view\(dtype\): "),
    "a set of a traced value": (lambda: jit(lambda x: {x})(X), "hash: "),
    "a function of SciPy's": (lambda: fnad.grad(lambda x: scipy.special.struve(0.5, x))(1.0), "struve: "),
}


@pytest.mark.parametrize("case", list(CALLS))
def test_a_call_that_cannot_be_meant_is_one_clear_error(case: str) -> None:
    call, found = CALLS[case]
    with pytest.raises(Exception, match=rf"^{found}") as caught:
        call()
    message = str(caught.value)
    assert ": requires " in message and " got " in message and "test_malformed.py" in message
    assert not isinstance(caught.value, AssertionError)


def test_elements_of_traced_arrays_are_written_through_flat() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        y.flat[1] = 5.0
        return y

    np.testing.assert_array_equal(jit(f)(X), [1.0, 5.0, 1.0])


def test_an_index_made_of_a_traced_one_reads_ordinary_data() -> None:
    data = np.arange(10.0)
    np.testing.assert_array_equal(jit(lambda i: data[2 * i + np.arange(2)])(1), [2.0, 3.0])
