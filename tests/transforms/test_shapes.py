"""Shapes without values: `eval_shape` and its structs."""

from __future__ import annotations

import fnad
import numpy as np
import pytest
from fnad import ShapeDtypeStruct, eval_shape


def test_nothing_is_computed() -> None:
    given = {"x": ShapeDtypeStruct((3, 4), "f4")}
    result = eval_shape(lambda d, n: {"y": d["x"] @ d["x"].T * n, "note": "same"}, given, 2)
    assert result == {"y": ShapeDtypeStruct((3, 3), np.float32), "note": "same"}
    struct = result["y"]
    assert (struct.ndim, struct.size) == (2, 9) and hash(struct) == hash(ShapeDtypeStruct([3, 3], "float32"))
    assert struct != ShapeDtypeStruct((3, 3), float) and repr(struct) == "ShapeDtypeStruct(shape=(3, 3), dtype=float32)"
    huge = ShapeDtypeStruct((10**6, 10**6), float)
    assert eval_shape(fnad.grad(lambda x: np.sum(np.sin(x) ** 2)), huge) == huge


def test_values_that_python_asks_for_are_missed() -> None:
    with pytest.raises(fnad.ConcreteValueError):
        eval_shape(lambda x: x if x > 0 else -x, np.float64(1.0))
    with pytest.raises(TypeError, match="a dtype"):
        ShapeDtypeStruct((2,), "none")
    with pytest.raises(TypeError, match="a function"):
        eval_shape(3)
