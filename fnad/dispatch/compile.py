"""The third step of a call: a staged branch is compiled, to an entry that later calls find and run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fnad.compiler.compile import compile_program
from fnad.dispatch.background import Pending
from fnad.dispatch.entries import Entry, traced_of
from fnad.dispatch.pytrees import rebuilder
from fnad.dispatch.signatures import Signature
from fnad.dispatch.stage import StagedBranch
from fnad.ir.program import prune
from fnad.runtime.cpu.runtime import CPU
from fnad.runtime.cuda.arrays import DeviceArray
from fnad.tracing.tracer import Tracer


def compile_branch(
    branch: StagedBranch, signature: Signature, leaves: Sequence[Any], donate: Sequence[int | str], background: bool,
) -> Entry:
    """The entry of a staged branch; where that is part of another function, it is the other one that is compiled."""
    staged, recorder = branch.staged, branch.recorder
    if recorder.path:
        staged = staged._replace(program=prune(staged.program))  # of what only the guards needed
    traced, runtime, program = traced_of(leaves), recorder.branches.runtime, staged.program
    donated = _donated(donate, traced, signature)
    kept = tuple([i for i in range(len(program.inputs)) if i not in donated]) if donated else ()
    is_part = Tracer in map(type, leaves) or Tracer in map(type, staged.captured)
    is_run = (program.outputs or program.is_effectful) and not is_part
    make = Pending if background else compile_program
    compiled = make(program, donated, runtime, len(staged.captured)) if is_run else None
    inputs = [*[leaves[i] for i in traced], *staged.captured]
    is_plain = compiled is not None and not program.is_effectful and _are_plain(inputs, runtime)
    restore = rebuilder(staged.out_tree) if not staged.static_outputs else None
    recorder.timer.compiling += compiled.seconds if compiled is not None else 0.0
    return Entry(
        staged, traced, is_plain, donated, kept, program.is_effectful, compiled, restore or staged.restore, runtime,
    )


def _are_plain(values: Sequence[Any], runtime: Any) -> bool:
    """Whether values are arrays that compiled code takes as they are."""
    plain = (np.ndarray,) if runtime is CPU else (np.ndarray, DeviceArray)
    return all([type(value) in plain and value.dtype.isnative for value in values])


def _donated(donate: Sequence[int | str], traced: Sequence[int], signature: Signature) -> tuple[int, ...]:
    """The inputs that belong to donated arguments, by position or by name."""
    if not donate:
        return ()
    args, kwargs = signature.treedef.children()
    given = [*args.children(), *kwargs.children()]
    starts = np.cumsum([0, *(child.num_leaves for child in given)])
    fixed = [i for i, _ in signature.static.positional] if signature.static is not None else []
    count = args.num_children + len(fixed)
    chosen = {n % count if isinstance(n, int) else n for n in donate if isinstance(n, str) or -count <= n < count}
    places = [*[place for place in range(count) if place not in fixed], *kwargs.entries()]
    leaves = {i for k, place in enumerate(places) if place in chosen for i in range(starts[k], starts[k + 1])}
    return tuple([position for position, i in enumerate(traced) if i in leaves])
