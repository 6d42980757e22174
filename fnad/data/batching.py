"""Splits and minibatches of a pytree of arrays whose leading axes count the same examples.

A seed decides every order: the same seed gives the same batches in the same order, on any
machine, and each epoch has an order of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import tree
from ..checks import is_integer, is_real, require_flag
from ..errors import boundary
from ..lazy import LazyModule

progress = LazyModule("tqdm")


@boundary
def split(arrays: Any, fraction: float, seed: int | None = None) -> tuple[Any, Any]:
    """Split examples at random into two pytrees like ``arrays``.

    Args:
        arrays: a pytree of arrays with equal leading axes, the examples.
        fraction: the share of the examples that goes into the first part, in (0, 1).
        seed: decides who goes where; ``None`` draws afresh.

    Returns:
        The two parts, ``round(fraction * examples)`` examples and the rest.

    Raises:
        ValueError: leading axes differ (named by path), or a part would be empty.

    >>> x, y = np.arange(10.0), np.arange(10)
    >>> (x_train, y_train), (x_test, y_test) = split((x, y), 0.8, seed=0)
    >>> len(x_train), len(y_test)
    (8, 2)
    """
    arrays, examples = _checked(arrays, "split")
    if not is_real(fraction):
        raise TypeError(f"split: requires a fraction that is a number in (0, 1), got {fraction!r:.60}. Try 0.8.")
    first = round(fraction * examples) if 0 < fraction < 1 else 0
    if not 0 < first < examples:
        raise ValueError(
            f"split: requires a fraction in (0, 1) that leaves examples in both parts, "
            f"got {fraction} of {examples} examples. Use 0.8 for four fifths."
        )
    _require_seed("split", seed)
    order = np.random.default_rng(seed).permutation(examples)
    return _take(arrays, order[:first]), _take(arrays, order[first:])


@boundary
def batches(
    arrays: Any,
    batch_size: int,
    *,
    shuffle: bool = True,
    seed: int | None = None,
    drop_last: bool = False,
    epochs: int = 1,
    progress: bool = False,
) -> Batches:
    """Iterate over minibatches of a pytree of arrays.

    The result can be iterated again and again. With ``shuffle`` each epoch has a new order,
    and the orders of all epochs follow from ``seed``.

    Args:
        arrays: a pytree of arrays with equal leading axes, the examples.
        batch_size: examples in a batch, at least 1.
        shuffle: draw a new order for each epoch.
        seed: decides the orders; ``None`` draws afresh.
        drop_last: leave out a last batch that is not full.
        epochs: how many times one iteration goes through all examples.
        progress: show a progress bar on standard error.

    Returns:
        A ``Batches``: ``len()`` batches in one iteration, each a pytree like ``arrays``.

    Raises:
        ValueError: leading axes differ (named by path), or no batch could be made.
        TypeError: ``batch_size`` or ``epochs`` is no integer.

    >>> data = {"x": np.arange(5.0), "y": np.arange(5)}
    >>> for batch in batches(data, 2, shuffle=False):
    ...     print(batch["x"], batch["y"])
    [0. 1.] [0 1]
    [2. 3.] [2 3]
    [4.] [4]
    """
    arrays, examples = _checked(arrays, "batches")
    _require_count("batch_size", batch_size)
    _require_count("epochs", epochs)
    _require_seed("batches", seed)
    for what, given in {"shuffle": shuffle, "drop_last": drop_last, "progress": progress}.items():
        require_flag("batches", what, given)
    if drop_last and batch_size > examples:
        raise ValueError(
            f"batches: requires a batch_size of at most the number of examples with drop_last, "
            f"got {batch_size} for {examples} examples. Use a smaller batch_size, or drop_last=False."
        )
    return Batches(arrays, examples, batch_size, shuffle, seed, drop_last, epochs, progress)


class Batches:
    """Minibatches that can be iterated again and again; made by ``batches``.

    >>> from fnad.data import batches
    >>> xs = batches(np.arange(5), batch_size=2, shuffle=False)
    >>> len(xs), [batch.tolist() for batch in xs]
    (3, [[0, 1], [2, 3], [4]])
    """

    def __init__(
        self,
        arrays: Any,
        examples: int,
        batch_size: int,
        shuffle: bool,
        seed: int | None,
        drop_last: bool,
        epochs: int,
        progress: bool,
    ) -> None:
        self._arrays = arrays
        self._examples = examples
        self._batch_size = batch_size
        self._shuffle = shuffle
        self._entropy = np.random.SeedSequence(seed).entropy
        self._epochs = epochs
        self._progress = progress
        self._next_epoch = 0
        self._used = examples - examples % batch_size if drop_last else examples

    def __len__(self) -> int:
        """The number of batches in one iteration, all its epochs together."""
        return self._epochs * -(-self._used // self._batch_size)

    def __iter__(self) -> Iterator[Any]:
        first = self._next_epoch
        self._next_epoch += self._epochs
        iterator = self._iterate(range(first, self._next_epoch))
        return iter(progress.tqdm(iterator, total=len(self), unit="batch")) if self._progress else iterator

    def epoch(self, number: int) -> Iterator[Any]:
        """The batches of one epoch, counted from 0: to go on where a stopped training was."""
        order = self._order(number)
        for start in range(0, self._used, self._batch_size):
            yield _take(self._arrays, order[start : min(start + self._batch_size, self._used)])

    def _iterate(self, epochs: range) -> Iterator[Any]:
        for number in epochs:
            yield from self.epoch(number)

    def _order(self, epoch: int) -> np.ndarray:
        if not self._shuffle:
            return np.arange(self._examples)
        sequence = np.random.SeedSequence(self._entropy, spawn_key=(epoch,))
        return np.random.default_rng(sequence).permutation(self._examples)


def _take(arrays: Any, indices: np.ndarray) -> Any:
    return tree.map(lambda array: array[indices], arrays)


def _checked(arrays: Any, name: str) -> tuple[Any, int]:
    """The pytree with NumPy arrays as leaves, and the number of examples they agree on."""
    arrays = tree.map(np.asarray, arrays)
    leaves, treedef = tree.flatten(arrays)
    shapes = dict(zip(tree.paths(treedef, "arrays"), (leaf.shape for leaf in leaves)))
    if any(shape == () for shape in shapes.values()):
        raise ValueError(
            f"{name}: requires arrays with a leading axis of examples, got {_listed(shapes)}. "
            f"A list is a node of a pytree: turn a list of numbers into an array with np.asarray."
        )
    sizes = {shape[0] for shape in shapes.values()}
    if len(sizes) > 1:
        raise ValueError(
            f"{name}: requires arrays with equal leading axes, got {_listed(shapes)}. "
            f"Make the first axis of every array count the same examples."
        )
    if sizes <= {0}:
        raise ValueError(f"{name}: requires at least one example, got {_listed(shapes) or 'no array'}. Pass some data.")
    return arrays, sizes.pop()


def _listed(shapes: dict[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{path} of shape {shape}" for path, shape in shapes.items())


def _require_count(name: str, value: int) -> None:
    if not is_integer(value):
        raise TypeError(f"batches: requires an integer {name}, got {value!r:.60}. Pass a positive integer.")
    if value < 1:
        raise ValueError(f"batches: requires {name} of at least 1, got {value}. Pass a positive integer.")


def _require_seed(name: str, seed: Any) -> None:
    if seed is not None and not (is_integer(seed) and seed >= 0):
        raise (ValueError if is_integer(seed) else TypeError)(
            f"{name}: requires a seed that is an integer of at least 0, or None, got {seed!r:.60}. Pass one such as 0."
        )
