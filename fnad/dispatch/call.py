"""A compiled Program as one operation, so that a compiled function stays compiled under other transforms.

Its derivative is two such operations, forward and back, and its batch is one; a compiler takes it apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from fnad.compiler.compile import Compiled, compile_program
from fnad.interpreter.evaluate import is_watched
from fnad.ir.primitive import Primitive
from fnad.ir.program import Program
from fnad.ir.types import is_inexact
from fnad.transforms.calls import bare, call_conditional, call_evaluate, call_expand, call_primitive, call_type, listed
from fnad.transforms.joint import Joint, Split, split_joint
from fnad.transforms.mask_keeper import RULES
from fnad.transforms.masks import through_call
from fnad.transforms.vjp import vjp_program
from fnad.transforms.vmap import Batched, vmap_program

_compiled: WeakKeyDictionary[Program, dict[Any, Compiled]] = WeakKeyDictionary()
_differentiated: WeakKeyDictionary[Program, dict[Any, tuple[Joint, Split]]] = WeakKeyDictionary()
_batched: WeakKeyDictionary[Program, dict[Any, Batched]] = WeakKeyDictionary()
MOST_BATCHES = 256
"""Batch sizes of a Program that are kept."""


def _run(*args: Any, program: Program, runtime: Any) -> Any:
    if is_watched():
        return call_evaluate(*args, program=program)
    known = _compiled.setdefault(program, {})
    if runtime not in known:
        known[runtime] = compile_program(program, runtime=runtime)
    # Around it all is NumPy's: what runs on a device is brought back.
    arrays = [np.asarray(a, t.dtype) for a, t in zip(args, program.input_types)]
    return bare([np.asarray(x) for x in known[runtime](arrays)])


def _forward(active: tuple[bool, ...], *args: Any, program: Program, runtime: Any) -> tuple[Any, Any]:
    ways = _differentiated.setdefault(program, {})
    known = ways.get(active)
    if known is None:
        joint = vjp_program(program, [i for i, a in enumerate(active) if a], len(program.outputs))
        known = ways[active] = joint, split_joint(joint, len(program.outputs))
    joint, parts = known
    results = call_compiled(parts.forward, [*args, *joint.constants], runtime)
    count = len(program.outputs)
    return tuple(results[:count]), (parts.backward, results[count:], active)


def _backward(residuals: Any, g: Any, program: Program, runtime: Any) -> list[Any]:
    backward, values, active = residuals
    cotangents = [c for c, t in zip(listed(g), program.output_types) if is_inexact(t.dtype)]
    bars = iter(call_compiled(backward, [*values, *cotangents], runtime))
    return [next(bars) if a else None for a in active]


def _batch(op: Primitive, mapped: tuple[bool, ...], *args: Any, program: Program, runtime: Any) -> Any:
    key = mapped, args[mapped.index(True)].shape[0]
    known = _batched.setdefault(program, {})
    batched = known.get(key)
    if batched is None:
        if len(known) >= MOST_BATCHES:
            known.clear()
        batched = known[key] = vmap_program(program, *key)
    return tuple(call_compiled(batched.program, [*args, *batched.constants], runtime))


def derived(program: Program, what: str = "") -> Iterator[tuple[str, Compiled]]:
    """The code compiled for a compiled Program's calls in transforms, each with a name."""
    for compiled in list(_compiled.get(program, {}).values()) if what else []:
        yield what, compiled
    after = f" of the {what}" if what else ""
    for active, (_, parts) in list(_differentiated.get(program, {}).items()):
        inputs = ", ".join([str(i) for i, a in enumerate(active) if a])
        yield from derived(parts.forward, f"forward pass for the derivative in arrays {inputs}{after}")
        yield from derived(parts.backward, f"backward pass for the derivative in arrays {inputs}{after}")
    for (_, size), batched in list(_batched.get(program, {}).items()):
        yield from derived(batched.program, f"batch of {size} under vmap{after}")


def call_compiled(program: Program, args: Sequence[Any], runtime: Any) -> list[Any]:
    """A Program's results as one operation on the arguments, on a device or, for ``None``, on the CPU.

    Where a compiler takes it apart, it runs where all the rest does.
    """
    return call_primitive(jit_call, args, program=program, runtime=runtime)


jit_call = Primitive(
    "jit_call", call_type, _run, vjp_forward=_forward, vjp_backward=_backward, expand=call_expand, batch=_batch,
    conditional=call_conditional, total=True,
)
RULES[jit_call] = through_call
