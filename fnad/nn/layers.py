"""Layers as pairs of pure functions; their parameters are ordinary pytrees."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from fnad import random
from fnad.checks import is_integer, require_function
from fnad.errors import boundary
from fnad.nn.activations import relu
from fnad.nn.initializers import Initializer, fan_in_uniform
from fnad.nn.values import as_matrix, real_operands
from fnad.ops.dense import dense as dense_op
from fnad.ops.shaping import reshape


class Layer(NamedTuple):
    """Two pure functions: how a layer starts, and what it computes.

    ``init(key, dtype=np.float32)`` returns its parameters, a pytree of arrays.
    ``apply(params, x)`` returns its output.

    A layer of your own is a pair of functions, or just one function:

    >>> def scaling(size):
    ...     def init(key, dtype=np.float32):
    ...         return np.ones(size, dtype)
    ...     def apply(params, x):
    ...         return params * x
    ...     return Layer(init, apply)
    >>> init, apply = scaling(3)
    >>> apply(init(random.key(0)), np.array([1.0, 2.0, 3.0]))
    array([1., 2., 3.])
    """

    init: Callable[..., Any]
    apply: Callable[[Any, Any], Any]


@boundary
def dense(inputs: int, outputs: int, initializer: Initializer = fan_in_uniform) -> Layer:
    """A dense layer: x w + b.

    Args:
        inputs: the size of the last axis of x.
        outputs: the size of the last axis of the result.
        initializer: how the parameters start; by default as in PyTorch's ``Linear``.

    Returns:
        A ``Layer``. Its parameters are ``{"w": (inputs, outputs), "b": (outputs,)}``; ``apply`` maps x of shape
        (..., inputs) to (..., outputs), in the dtype to which x and the parameters promote.

    Raises:
        ValueError: a size is not positive; in ``apply``, x does not fit the parameters.

    >>> init, apply = dense(3, 2)
    >>> params = init(random.key(0))
    >>> apply(params, np.ones((5, 3), np.float32)).shape
    (5, 2)
    """
    _require_sizes("dense", [inputs, outputs])
    require_function("dense", initializer, "an initializer that is a function")
    return Layer(partial(_init_dense, inputs, outputs, initializer), _apply_dense)


# At the top of the module and not in `dense`, so that layers can be pickled.
@boundary
def _init_dense(inputs: int, outputs: int, initializer: Initializer, key: Any, dtype: Any = np.float32) -> Any:
    w, b = initializer(key, inputs, outputs, dtype)
    return {"w": w, "b": b}


@boundary
def _apply_dense(params: dict[str, Any], x: Any) -> Any:
    return _affine("dense", params, x, rectify=False)


@boundary
def mlp(
    sizes: Sequence[int], activation: Callable[[Any], Any] = relu, initializer: Initializer = fan_in_uniform
) -> Layer:
    """A multi-layer perceptron: f(f(x w1 + b1) w2 + b2) w3 + b3, for an activation f and any number of layers.

    Args:
        sizes: of the input, the hidden layers and the output.
        activation: a function of arrays, such as ``nn.relu`` or ``np.tanh``.
        initializer: how the parameters of each layer start.

    Returns:
        A ``Layer``. Its parameters are a list with those of each dense layer; ``apply`` maps x of shape
        (..., sizes[0]) to (..., sizes[-1]).

    Raises:
        ValueError: there are fewer than two sizes, or one is not positive; in ``apply``, x does not fit.

    >>> init, apply = mlp([10, 5, 1])
    >>> params = init(random.key(0))
    >>> [layer["w"].shape for layer in params]
    [(10, 5), (5, 1)]
    >>> apply(params, np.zeros((100, 10), np.float32)).shape
    (100, 1)
    """
    if not isinstance(sizes, Iterable):
        raise TypeError(f"mlp: requires a list of sizes, got {sizes!r:.60}. Try [10, 5, 1].")
    sizes = list(sizes)
    _require_sizes("mlp", sizes)
    if len(sizes) < 2:
        raise ValueError(f"mlp: requires the sizes of at least input and output, got {sizes}. Try [10, 5, 1].")
    require_function("mlp", activation, "an activation that is a function")
    layers = tuple([dense(m, n, initializer) for m, n in zip(sizes, sizes[1:])])
    return Layer(partial(_init_mlp, layers), partial(_apply_mlp, len(layers), activation))


@boundary
def _init_mlp(layers: tuple[Layer, ...], key: Any, dtype: Any = np.float32) -> list[Any]:
    return [layer.init(random.fold_in(key, i), dtype) for i, layer in enumerate(layers)]


@boundary
def _apply_mlp(count: int, activation: Callable[[Any], Any], params: Sequence[dict[str, Any]], x: Any) -> Any:
    if not isinstance(params, (list, tuple)) or len(params) != count:
        got = f"{len(params)} of them" if isinstance(params, (list, tuple)) else type(params).__name__
        raise TypeError(f"mlp: requires a list of the parameters of {count} layers, got {got}. Make them by init(key).")
    *hidden, last = params
    for layer in hidden:
        rectify = activation is relu
        x = _affine("mlp", layer, x, rectify)
        x = x if rectify else activation(x)
    return _affine("mlp", last, x, rectify=False)


def _affine(name: str, params: dict[str, Any], x: Any, rectify: bool) -> Any:
    """x w + b over the last axis of x, with or without ReLU."""
    if not isinstance(params, Mapping) or not {"w", "b"} <= params.keys():
        got = f"a dict of {sorted(map(str, params))}" if isinstance(params, Mapping) else type(params).__name__
        raise TypeError(f"{name}: requires parameters {{'w': ..., 'b': ...}}, got {got}. Make them by init(key).")
    x, w, b = real_operands(name, x, params["w"], params["b"])
    if w.ndim != 2 or b.shape != w.shape[1:]:
        raise ValueError(
            f"{name}: requires w of shape (inputs, outputs) and b of shape (outputs,), got {w.shape} and {b.shape}. "
            "Make them by init(key)."
        )
    if x.ndim == 0 or x.shape[-1] != w.shape[0]:
        raise ValueError(
            f"{name}: requires x of shape (..., {w.shape[0]}) for w of shape {w.shape}, got {x.shape}. "
            "Let the last axis of x be the inputs of the layer."
        )
    y = dense_op(as_matrix(x), w, b, relu=rectify)
    return y if x.ndim == 2 else reshape(y, shape=(*x.shape[:-1], w.shape[1]))


def _require_sizes(name: str, sizes: Sequence[int]) -> None:
    for n in sizes:
        if not is_integer(n) or n < 1:
            raise ValueError(f"{name}: requires sizes that are positive integers, got {n!r:.60}. Try 10.")
