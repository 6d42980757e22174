"""`check_grads` accepts right derivatives of any function of pytrees, deterministically."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from fnad import stop_gradient
from fnad.testing import check_grads
from fnad.testing.strategies import Box, Pair

X = np.array([[0.3, -0.8, 1.2], [0.5, 0.1, -0.4]])

RIGHT: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "array": (lambda x: np.sin(x) * x, (X,)),
    "scalar": (lambda x: x**3, (np.float64(2.0),)),
    "Python number": (lambda x: x**3, (2.0,)),
    "Python complex": (lambda z: z**3, (2.0 + 1j,)),
    "several arguments": (lambda x, y, z: x * y + z, (X, X + 1, 2.0)),
    "pytrees": (lambda p: {"out": [p["a"].first * p["b"][0], None], "n": 3}, ({"a": Pair(X, None), "b": (X + 2,)},)),
    "dataclass": (lambda box: Box(np.exp(box.content), 1), (Box(X),)),
    "other leaves": (lambda x, n, name, flags: np.sum(x**n) * len(name) + np.sum(x * flags), (X, 3, "abc", X > 0)),
    "integer results": (lambda x: (np.tanh(x), np.sign(x) > 0, 1), (X,)),
    "real to complex": (lambda x: np.exp(1j * x), (X,)),
    "complex to real": (lambda z: np.abs(z) ** 2, (X + 1j * X,)),
    "complex": (lambda z, w: z * w / (w + 3), (X + 1j, X - 2j)),
    "float32": (lambda x: np.tanh(x) * x, (X.astype(np.float32),)),
    "complex64": (lambda z: z * z, ((X + 1j).astype(np.complex64),)),
    "mixed precision": (lambda x, y: x * y, (X, X.astype(np.float32))),
    "empty": (lambda x: x * 2.0, (np.ones((0, 3)),)),
    "no dependence": (lambda x: 1.0, (X,)),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_derivatives_pass(name: str) -> None:
    check_grads(*RIGHT[name])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_any_order_passes(order: int) -> None:
    check_grads(lambda x: np.sin(x) * x**2, (X,), order=order)


def test_a_mode_may_be_given_alone() -> None:
    check_grads(np.sin, (X,), modes="rev")


def failure(**options: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        check_grads(lambda x: x * stop_gradient(x), (X,), **options)
    return str(caught.value)


def test_the_same_seed_gives_the_same_check() -> None:
    assert failure() == failure() == failure(seed=0) != failure(seed=1)


def test_tolerances_and_steps_can_be_chosen() -> None:
    check_grads(lambda x: x * stop_gradient(x), (X,), order=1, rtol=1.0)
    check_grads(lambda x: x * stop_gradient(x), (X,), order=1, atol=100.0)
    with pytest.raises(AssertionError):
        check_grads(np.exp, (X,), rtol=1e-13, atol=0.0)
    with pytest.raises(AssertionError):
        check_grads(np.exp, (X,), eps=0.5)


def test_a_kink_is_refused() -> None:
    with pytest.raises(AssertionError, match="Is the function smooth there"):
        check_grads(np.abs, (np.zeros(5),))


def test_inputs_stay() -> None:
    x = X.copy()
    x.flags.writeable = False
    check_grads(np.sin, (x,))
    np.testing.assert_array_equal(x, X)
