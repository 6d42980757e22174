"""What a solver works on: a vector as SciPy's, or any pytree of arrays as one."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.scipy.originals import as_array
from fnad.vectors import Layout


def is_vector(x: Any) -> bool:
    """Whether this is an array, or a list or tuple of numbers, and no pytree."""
    leaves, treedef = tree.flatten(x)
    return treedef.is_leaf() or isinstance(x, (list, tuple)) and len(leaves) == len(x) and not any(map(np.ndim, leaves))


class Shaped(NamedTuple):
    """How a vector of float64 or complex128 stands for what a user's function takes."""

    treedef: tree.TreeDef
    layout: Layout

    @classmethod
    def of(cls, name: str, x: Any) -> tuple[Any, Shaped]:
        """The vector of a state, and its form. A number is a vector of one, as SciPy has it."""
        x = np.atleast_1d(as_array(x)) if is_vector(x) else x
        leaves, treedef = tree.flatten(x)
        leaves = [np.astype(as_array(leaf), _wide(as_array(leaf).dtype)) for leaf in leaves]
        layout = Layout.of(leaves, lambda: tree.paths(treedef, name))
        return layout.join(leaves), cls(treedef, layout)

    def restored(self, vector: Any) -> Any:
        """The state of a vector."""
        return tree.unflatten(self.treedef, self.layout.part(vector))

    @property
    def key(self) -> Hashable:
        return self.treedef, self.layout


def _wide(dtype: np.dtype) -> np.dtype:
    return np.dtype(complex if dtype.kind == "c" else float)


def flattened(result: Any) -> Any:
    """The elements of a function's result as one vector."""
    return np.ravel(as_array(result)) if is_vector(result) else tree.ravel_pytree(result)[0]
