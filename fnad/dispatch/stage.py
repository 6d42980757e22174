"""The second step of a call: the function is staged for its arguments, along the branch that Python takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from fnad.arguments import combine
from fnad.dispatch.cache_info import Timer
from fnad.dispatch.entries import as_array, traced_of
from fnad.dispatch.guards import Branches, Recorder
from fnad.dispatch.reading import Learned, Reading, only_read, staged_reading, with_static
from fnad.dispatch.signatures import Signature, arguments, static_of
from fnad.tracing.staging import Staged, stage
from fnad.tracing.tracer import Tracer, value_type


class StagedBranch(NamedTuple):
    """A function staged along one branch."""

    staged: Staged
    reading: Reading
    """Its reads from outside."""
    recorder: Recorder
    """The guards that lead to the branch."""


def stage_branch(
    function: Callable[..., Any], signature: Signature, leaves: Sequence[Any], branches: Branches, learned: Learned,
    timer: Timer,
) -> StagedBranch:
    """Stage the branch that Python takes for these arguments.

    Raises:
        NotConcrete: it depends on traced values of a function around.
        TooManyGuards: it has too many guards.
    """
    traced = traced_of(leaves)
    types = [value_type(leaves[i]) for i in traced]
    given = [leaves[i] for i in traced]
    values = [v if type(v) is Tracer else as_array(v, t.dtype, branches.runtime) for v, t in zip(given, types)]
    recorders: list[Recorder] = []

    def attempt(reading: Reading) -> Staged:
        recorder = Recorder(branches, reading, values, timer)
        recorders.append(recorder)
        staged = stage(flat_function(function, signature, leaves, traced, reading), types, values, concretize=recorder)
        if recorder.runaway is not None:  # and the function has caught it
            raise recorder.runaway
        return only_read(staged, len(types))

    staged, reading = staged_reading(learned, function, static_of(signature), attempt)
    return StagedBranch(staged, reading, recorders[-1])


def flat_function(
    function: Callable[..., Any], signature: Signature, leaves: Sequence[Any], traced: Sequence[int],
    reading: Reading | None = None,
) -> Callable[..., Any]:
    """The function of the leaves that are traced, with what is read from outside handed in."""

    def flat(*tracers: Tracer) -> Any:
        called, given, full = function, signature, leaves
        if reading is not None:
            called, static = reading.handed()
            given, full = with_static(signature, leaves, static)
        args, kwargs = arguments(given, combine(full, traced, tracers))
        return called(*args, **kwargs)

    return flat
