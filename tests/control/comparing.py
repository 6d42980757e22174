"""What the tests of control flow share: transforms, and how their results are compared."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
from fnad import grad, hessian, jvp, tree, vjp


def assert_close(got: Any, expected: Any, rtol: float = 1e-10) -> None:
    """Trees of equal structure, shapes and, but for rounding, values."""
    assert tree.structure(got) == tree.structure(expected)
    for a, b in zip(tree.leaves(got), tree.leaves(expected)):
        assert np.shape(a) == np.shape(b)
        np.testing.assert_allclose(a, b, rtol=rtol, atol=1e-12)


def pushed(function: Any, args: tuple[Any, ...]) -> Any:
    """The tangent of a result, along a direction that depends on the point."""
    return jvp(function, args, tree.map(np.cos, args))[1]


# From a scalar function of two differentiable arguments to functions of the same.
TRANSFORMS = {
    "value": lambda f: f,
    "grad": lambda f: grad(f, (0, 1)),
    "vjp": lambda f: lambda *args: vjp(f, *args)[1](np.float64(0.3)),
    "jvp": lambda f: lambda *args: pushed(f, args),
    "hessian": lambda f: hessian(f, (0, 1)),
    "grad of grad": lambda f: grad(lambda *args: sum(map(np.sum, tree.leaves(grad(f, (0, 1))(*args)))), (0, 1)),
    "jvp of grad": lambda f: lambda *args: pushed(grad(f, (0, 1)), args),
    "grad of jvp": lambda f: grad(lambda *args: pushed(f, args), (0, 1)),
    "jvp of jvp": lambda f: lambda *args: pushed(lambda *a: pushed(f, a), args),
    "checkpoint": lambda f: grad(fnad.checkpoint(f), (0, 1)),
}
