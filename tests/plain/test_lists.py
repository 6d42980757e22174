"""NumPy's functions of lists with traced numbers in them, by their names in NumPy, as programs call them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree
from fnad.interpreter.evaluate import evaluate
from fnad.ir.types import type_of
from fnad.numpy.dispatch import RULES
from fnad.tracing.staging import stage

ARGUMENTS: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "numbers": lambda x: ([x, 2 * x, 3.0],), "rows": lambda x: ([[x, 1.0], [0.5, 2 * x]],),
    "two": lambda x: ([x, 2 * x, 3.0], [x, 1.0, 2.0]),
    "matrix and vector": lambda x: ([[x, 1.0], (0.5, 2 * x)], [x, 1.0]),
    "three": lambda x: ([x, 1.0], [0.0, 5.0], [x, 2 * x]), "lists of lists": lambda x: ([[x], [1.0, x]],),
}
FUNCTIONS = {
    f"{module.__name__}.{name}": (module, name)
    for module in (np, np.linalg, np.fft) for name, value in vars(module).items()
    if not name.startswith("_") and callable(value) and not isinstance(value, (type, np.ufunc)) and value in RULES
}
# Where the dtype depends on values, no float is meant, or the other arguments are no arrays.
LEFT = {
    ("numpy.linalg.eig", "rows"), ("numpy.linalg.eigvals", "rows"), ("numpy.linalg.matrix_rank", "matrix and vector"),
    ("numpy.linalg.norm", "two"), ("numpy.nan_to_num", "three"),
    *[(f"numpy.{name}", how) for how in ARGUMENTS
      for name in ("bincount", "empty_like", "min_scalar_type", "repeat", "take")],
}


def expected_of(module: Any, name: str, args: tuple[Any, ...]) -> list[np.ndarray]:
    """NumPy's results; none where it does not take such arguments."""
    try:
        with np.errstate(all="ignore"):
            return [np.asarray(v) for v in tree.leaves(getattr(module, name)(*args)) if not isinstance(v, (str, type))]
    except Exception:
        return []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_lists_are_arrays(name: str) -> None:
    module, function = FUNCTIONS[name]
    for how, make in ARGUMENTS.items():
        expected = expected_of(module, function, make(1.5)) if (name, how) not in LEFT else []
        if not expected:
            continue

        def call(x: Any) -> Any:
            by_name = getattr(module, function)
            return by_name(*make(x))

        staged = stage(call, [type_of(1.5)], [1.5])
        found = tree.leaves(staged.restore(evaluate(staged.program, [np.asarray(1.5), *staged.captured])))
        for f, e in zip(found, expected, strict=True):
            np.testing.assert_allclose(f, e, rtol=1e-10, atol=1e-12, err_msg=how)
            assert np.asarray(f).dtype == e.dtype, how


def test_deep_and_endless_lists() -> None:
    nested: Any = 1.0
    for _ in range(100):
        nested = [nested]
    endless: list[Any] = []
    endless.append(endless)
    for given in (nested, endless):
        with pytest.raises((ValueError, RecursionError)):
            fnad.grad(lambda x: x * np.sum(np.array(given, float)))(1.0)
    assert fnad.grad(lambda x: np.array([[[[[[x]]]]]]).sum())(2.0) == 1.0
