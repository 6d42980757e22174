"""What a workload is in one library: a step, its start, and the data of its steps."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

SMALL = "FNAD_BENCH_SMALL"
"""The variable that asks for the sizes of a trial: it is set before a workload is imported."""


class Case(NamedTuple):
    """``state, result = step(state, *batch)``, from ``start()`` on, for each batch in turn.

    The arrays of all results are compared between the libraries: a loss, or a pytree of
    gradients in the order of a dict's sorted keys. A note says what a reader of the table must know.
    """

    step: Callable[..., tuple[Any, Any]]
    start: Callable[[], Any]
    batches: list[tuple[Any, ...]]
    note: str = ""


def size(full: int, small: int) -> int:
    """The extent that is timed, or one that is only tried."""
    return small if os.environ.get(SMALL) else full
