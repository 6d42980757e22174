"""What users make is pickled by plain pickle, as what it was made of, and goes to other processes."""

from __future__ import annotations

import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit, nn, optim, random, vmap

X = np.array([0.5, 1.0, 2.0])


def total(x: Any) -> Any:
    return np.sum(x * x * x)


def scaled(factor: float, x: Any) -> Any:
    return factor * total(x)


@grad
def decorated(x: Any) -> Any:
    return total(x)


@jit
@grad
def twice_decorated(x: Any) -> Any:
    return total(x)


def step_size(step: Any) -> Any:
    return 0.1 / (1 + step)


def like(x: Any) -> Any:
    return x.shape, x.dtype


def cosine_times(g: Any, y: Any, x: Any) -> Any:
    return (g * cosine(x),)


sine = fnad.primitive(np.sin, shape=like, vjp=cosine_times)
cosine = fnad.primitive(np.cos, shape=like, differentiable=False)


@partial(fnad.primitive, shape=like, differentiable=False)
def rounded(x: Any) -> Any:
    return np.rint(x)


def forward(x: Any) -> Any:
    return np.abs(x), None


def straight(_: Any, g: Any) -> Any:
    return (g * 5.0,)


absolute = fnad.custom_vjp(np.abs)
absolute.defvjp(forward, straight)


def tangent_rule(primals: Any, tangents: Any) -> Any:
    return np.abs(primals[0]), 7.0 * tangents[0]


forward_absolute = fnad.custom_jvp(np.abs)
forward_absolute.defjvp(tangent_rule)


@fnad.custom_vjp
def ruled(x: Any) -> Any:
    return x * 2.0


ruled.defvjp(forward, straight)


class Model:
    @grad
    def slope(self, x: Any) -> Any:
        return total(x)


FUNCTIONS = {
    "grad": grad(total),
    "grad of a partial": grad(partial(scaled, 2.0)),
    "value_and_grad": fnad.value_and_grad(total),
    "second": grad(grad(np.sin)),
    "vmap": vmap(grad(np.sin)),
    "vmap with axes": vmap(grad(np.tanh), 0, 0),
    "jacobians": fnad.jacfwd(np.sin),
    "jacrev": fnad.jacrev(np.sin),
    "jacobian": fnad.jacobian(np.sin),
    "hessian": fnad.hessian(total),
    "jit": jit(total),
    "jit of grad": jit(grad(total)),
    "jit with options": jit(partial(scaled, 2.0), max_branches=3),
    "checkpoint": grad(fnad.checkpoint(total)),
    "check_nans": fnad.check_nans(grad(total)),
    "decorated": decorated,
    "twice decorated": twice_decorated,
    "partial": partial(grad(scaled, argnums=1), 3.0),
    "primitive": sine,
    "derivative of a primitive": vmap(grad(sine)),
    "decorated primitive": rounded,
    "custom_vjp": vmap(grad(absolute)),
    "custom_jvp": vmap(grad(forward_absolute)),
    "decorated custom_vjp": vmap(grad(ruled)),
}


def same(got: Any, want: Any) -> None:
    assert fnad.tree.structure(got) == fnad.tree.structure(want)
    for a, b in zip(fnad.tree.leaves(got), fnad.tree.leaves(want)):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name != "second"])
def test_a_function_is_pickled(name: str) -> None:
    function = FUNCTIONS[name]
    for protocol in (0, pickle.HIGHEST_PROTOCOL):
        same(pickle.loads(pickle.dumps(function, protocol))(X), function(X))


def test_a_derivative_of_a_derivative_is_pickled() -> None:
    same(pickle.loads(pickle.dumps(FUNCTIONS["second"]))(0.5), FUNCTIONS["second"](0.5))


@pytest.mark.parametrize("optimizer", [
    optim.adam(), optim.sgd(0.1), optim.sgd(step_size, momentum=0.9, nesterov=True), optim.adam(lr=step_size),
])
def test_an_optimizer_and_its_state_are_pickled(optimizer: optim.Optimizer) -> None:
    params = {"w": X, "b": X[:1]}
    state = optimizer.update(params, optimizer.init(params), params)[1]
    again, its_state = pickle.loads(pickle.dumps((optimizer, state)))
    same(again.update(params, its_state, params), optimizer.update(params, state, params))


@pytest.mark.parametrize("layer", [
    nn.dense(3, 2), nn.mlp([3, 4, 2]), nn.mlp([3, 4, 2], np.tanh, nn.glorot_uniform),
])
def test_a_layer_is_pickled(layer: nn.Layer) -> None:
    again = pickle.loads(pickle.dumps(layer))
    params = layer.init(random.key(0))
    same(again.init(random.key(0)), params)
    same(again.apply(params, X), layer.apply(params, X))


def test_a_primitive_that_is_known_here_is_itself() -> None:
    assert pickle.loads(pickle.dumps(sine)) is sine
    assert pickle.loads(pickle.dumps(rounded)) is rounded


def test_methods_that_are_derivatives_still_are() -> None:
    assert type(Model().slope.__self__) is Model
    bound = Model().slope
    with pytest.raises(TypeError, match="requires arrays or numbers, got Model"):
        bound(X)  # the first argument, which is differentiated, is the object
    assert decorated.__name__ == "decorated" and decorated.__wrapped__(X) == total(X)


def test_another_process_reads_them(tmp_path: Path) -> None:
    chosen = [FUNCTIONS[name] for name in ("jit of grad", "derivative of a primitive", "custom_vjp", "decorated")]
    (tmp_path / "pickled").write_bytes(pickle.dumps([(f, f(X)) for f in chosen]))
    code = """
import pickle, sys, numpy as np
for function, want in pickle.load(open(sys.argv[1], "rb")):
    np.testing.assert_array_equal(function(np.array([0.5, 1.0, 2.0])), want)
"""
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "pickled")], check=True, cwd=root, timeout=120)


def test_cloudpickle_takes_what_pickle_cannot() -> None:
    cloudpickle = pytest.importorskip("cloudpickle")
    function = jit(grad(lambda x: np.sum(np.sin(x))))
    same(pickle.loads(cloudpickle.dumps(function))(X), np.cos(X))
