"""What a workload is in one library: a step, its start, and the data of its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Case(NamedTuple):
    """``state, result = step(state, *batch)``, from ``start()`` on, for each batch in turn.

    The arrays of all results are compared between the libraries: a loss, or a pytree of
    gradients in the order of a dict's sorted keys.
    """

    step: Callable[..., tuple[Any, Any]]
    start: Callable[[], Any]
    batches: list[tuple[Any, ...]]
