"""The entry that is kept for a signature, and its run on the leaves of a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from fnad.compiler.compile import Compiled
from fnad.dispatch.background import Pending
from fnad.dispatch.call import call_compiled
from fnad.dispatch.guards import Branches
from fnad.dispatch.reading import Sources
from fnad.dispatch.signatures import Signature, static_of
from fnad.dispatch.watch import Reader, Watch
from fnad.ir.types import ArrayType
from fnad.runtime.cpu.runtime import CPU
from fnad.runtime.cuda.arrays import DeviceArray
from fnad.tracing.staging import Staged
from fnad.tracing.state import is_staging
from fnad.tracing.tracer import Tracer, is_value


class Entry(NamedTuple):
    """A signature, compiled."""

    staged: Staged
    traced: tuple[int, ...]
    """The Program's inputs among the leaves; the others are part of the signature."""
    is_plain: bool
    """Whether a call has nothing to do but run on its inputs, which are arrays as they must be."""
    donated: tuple[int, ...]
    """Donated inputs."""
    kept: tuple[int, ...]
    """The others, where some are."""
    is_effectful: bool
    """Whether a call does more than return a result."""
    compiled: Compiled | Pending | None
    """``None`` where the Program closes over traced values: it then becomes part of theirs."""
    restore: Callable[[Sequence[Any]], Any]
    """Rebuilds the function's result from the Program's."""
    runtime: Any = CPU
    """The device it is for."""

    sources: Sources = []
    """The places of captured values."""
    watch: Watch | None = None
    """Of what is read from outside."""
    read: Reader | None = None
    """Gives what was captured as it is now, or ``None`` where more has changed; without it nothing is read."""

    def watching(self, watch: Watch, sources: Sources) -> Entry:
        """The same, once it is known what is read from outside."""
        looks = type(self.compiled) is Compiled and self.runtime is CPU  # itself at the types of arrays
        return self._replace(sources=sources, watch=watch, read=watch.reader(sources, is_strict=not looks))


class Guarded(NamedTuple):
    """A signature for which the function asks for values; each branch of it is an `Entry`."""

    types: tuple[ArrayType, ...]
    traced: tuple[int, ...]
    branches: Branches
    is_plain: bool = False

    @property
    def watch(self) -> Watch | None:
        """Of what is read from outside."""
        return self.branches.watch

    def arrays(self, leaves: Sequence[Any]) -> list[Any]:
        """The inputs of the guards' Programs."""
        return [as_array(leaves[i], t.dtype, self.branches.runtime) for i, t in zip(self.traced, self.types)]


def outside_of(entry: Entry | Guarded, signature: Signature) -> dict[str, Any] | None:
    """The values read from outside now, by path; ``None`` where one is not as it was."""
    watch = entry.watch
    if watch is None:
        return {}
    return watch.read(static_of(signature) if watch.has_static else ())


def traced_of(leaves: Sequence[Any]) -> tuple[int, ...]:
    """The positions of the leaves that are inputs of the Program."""
    return tuple([i for i, leaf in enumerate(leaves) if is_value(leaf)])


def run_entry(entry: Entry, leaves: Sequence[Any], captured: Sequence[Any]) -> Any:
    values = [leaves[i] for i in entry.traced]
    is_part = Tracer in map(type, values) or Tracer in map(type, captured) or (entry.is_effectful and is_staging())
    if entry.compiled is None or is_part:
        return entry.restore(call_compiled(entry.staged.program, [*values, *captured], entry.runtime))
    types = entry.staged.program.input_types
    arrays = [as_array(v, t.dtype, entry.runtime) for v, t in zip([*values, *captured], types)]
    return entry.restore(entry.compiled.run(owned(entry, arrays)))


def as_array(value: Any, dtype: np.dtype, runtime: Any) -> Any:
    """An array or number as what compiled code takes: one on its device stays there."""
    return value if type(value) is DeviceArray and value.runtime is runtime else np.asarray(value, dtype)


def branches_of(entry: Entry | Guarded) -> Iterable[tuple[Any, Entry]]:
    return entry.branches.walk() if type(entry) is Guarded else [((), entry)]


def finished(entry: Entry) -> Entry:
    """An entry whose compilation is over."""
    return entry._replace(compiled=entry.compiled.finished()) if type(entry.compiled) is Pending else entry


def owned(entry: Entry, arrays: list[Any]) -> list[Any]:
    """The inputs, with those copied that are to be given away and cannot be."""
    if not entry.donated:
        return arrays
    known = {*map(id, arrays)}
    is_shared = len(known) < len(arrays)
    if entry.runtime is CPU and not is_shared:
        for i in entry.kept:
            base = arrays[i].base
            # Most have memory of their own, or that of an array which is none of these.
            if base is not None and (type(base) is not np.ndarray or id(base) in known or base.base is not None):
                is_shared = is_shared or any([np.may_share_memory(arrays[i], arrays[k]) for k in entry.donated])
    for i in entry.donated:
        array = arrays[i]
        if is_shared or (array.is_borrowed if type(array) is DeviceArray else array.flags.num & _OWN != _OWN):
            arrays[i] = array.copy()  # in C order
    return arrays


_OWN = np.zeros((2, 2)).flags.num
"""The flags of an array that is C-contiguous, aligned, writable, and owns its memory."""
