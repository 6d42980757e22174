"""A function of pytrees staged where it is differentiated: at its primals, with respect to their inexact leaves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arguments import as_like, combine, require_values, split_aux
from fnad.checks import require_function
from fnad.ir.types import is_inexact
from fnad.tracing.staging import Staged, stage
from fnad.tracing.tracer import Tracer, is_value, value_type


class Point(NamedTuple):
    """A function staged at its primals, of which the inexact leaves are inputs of the Program."""

    staged: Staged
    leaves: list[Any]
    treedef: tree.TreeDef
    wrt: list[int]
    """The positions of the leaves that are inputs of the Program."""

    @property
    def values(self) -> list[Any]:
        """The inexact leaves."""
        return [self.leaves[i] for i in self.wrt]

    def like_primals(self, values: Sequence[Any]) -> Any:
        """Values of the inexact leaves as a pytree like the primals, ``None`` elsewhere."""
        return tree.unflatten(self.treedef, combine([None] * len(self.leaves), self.wrt, values))

    def tangents(self, name: str, tangents: tuple[Any, ...]) -> list[Any]:
        """The tangents of the inexact leaves, each of its leaf's type, from a pytree like the primals."""
        if not self.leaves and tangents == ():
            return []
        leaves = tree.flatten_like(name, self.treedef, tangents)
        paths = tree.paths(self.treedef, "tangents")
        for i in sorted({*range(len(leaves))} - {*self.wrt}):
            _require_zero(name, leaves[i], self.leaves[i], paths[i])
        return [
            as_like(name, "a tangent like its primal", leaves[i], value_type(self.leaves[i]), paths[i])
            for i in self.wrt
        ]


def stage_at(name: str, function: Callable[..., Any], primals: tuple[Any, ...], has_aux: bool) -> Point:
    """Stage a function of pytrees as one of its inexact leaves, which returns ``(out, aux)``."""
    require_function(name, function)
    leaves, treedef = tree.flatten(primals)
    require_values(name, leaves, treedef, "primals")
    wrt = [i for i, leaf in enumerate(leaves) if is_inexact(value_type(leaf).dtype)]

    def flat(*tracers: Tracer) -> Any:
        result = function(*tree.unflatten(treedef, combine(leaves, wrt, tracers)))
        return split_aux(name, result) if has_aux else (result, None)

    values = [leaves[i] for i in wrt]
    staged = stage(flat, [value_type(v) for v in values], values, differentiated=True)
    return Point(staged, leaves, treedef, wrt)


def outputs_of_first(staged: Staged) -> int:
    """The number of outputs of the Program that belong to the first part of the function's result."""
    first, _ = tree.unflatten(staged.out_tree, range(staged.out_tree.num_leaves))
    return sum([i not in staged.static_outputs for i in tree.leaves(first)])


def _require_zero(name: str, tangent: Any, primal: Any, path: str) -> None:
    is_zero = tangent is None or (is_value(tangent) and not isinstance(tangent, Tracer) and not np.any(tangent))
    if not is_zero:
        raise ValueError(
            f"{name}: requires None or zero as the tangent of {value_type(primal)} at {path}, which has no derivative, "
            "got another value. Pass None."
        )
