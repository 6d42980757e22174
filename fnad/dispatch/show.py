"""A function as staged, simplified, fused and compiled, printed for people."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

from fnad.checks import require_function
from fnad.compiler.compile import PASSES, Compiled
from fnad.compiler.report import describe, describe_kernels, describe_pass, describe_plan
from fnad.dispatch.entries import Entry
from fnad.dispatch.jitted import Jitted
from fnad.errors import boundary

_COMPILED: dict[str, Callable[[Compiled], str]] = {
    **{name: partial(describe_pass, name=name) for name in PASSES},
    "simplified": partial(describe_pass, name="simplify"),
    "fused": partial(describe_pass, name="divide"),
    "plan": describe_plan,
    "kernels": lambda compiled: f"{describe_plan(compiled)}\n\n{describe_kernels(compiled)}",
    "all": describe,
}
STAGES = ("program", *_COMPILED)
"""The names of stages: what is staged, what each pass of the compiler makes, and names that say what one sees."""


@boundary
def show(function: Callable[..., Any], stage: str = "program") -> Callable[..., None]:
    """A function that prints one stage of what ``function`` becomes for its arguments on the way to machine code.

    The stages that say what one sees are

    - ``"program"``: the Program that it is staged as, one line for each equation;
    - ``"simplified"``: that Program as it is compiled, with everything opened up;
    - ``"fused"``: which equations run together in one loop over memory, what is a call, and which storages they use;
    - ``"plan"``: the instructions that run one after another, with the lines they come from, and the buffers;
    - ``"kernels"``: the same, and the source of each kernel;
    - ``"all"``: what `explain` prints.

    Each pass of the compiler is a stage too, by its name: what it makes of what the one before has made. They are
    ``"simplify"``, ``"accumulate"`` and ``"sink"``, which make a Program, ``"schedule"``, ``"prepare"``, ``"rows"``,
    ``"control"`` and ``"divide"``, which make steps, ``"memory"``, which says where in memory these work, and
    ``"lowering"``, which makes the instructions.

    A function that asks for values is shown branch by branch, each with the answers that lead to it, as far as they
    are known. Of a function that ``jit`` has made it shows what a call with these arguments runs.

    Args:
        function: any function that can be compiled, or one that is.
        stage: one of these names.

    Returns:
        A function of the same arguments that prints and returns nothing.

    Raises:
        TypeError: ``function`` is no function.
        ValueError: there is no such stage.

    >>> import numpy as np
    >>> from fnad import grad
    >>> show(grad(lambda x: np.sum(np.tanh(x) * 2.0)), "simplified")(np.ones(3))
    program(a: f64[3]):
      b: f64[3] = sech_square a
      c: f64[3] = mul 2.0[3] b
      return c
    >>> show(lambda x: np.sum(np.tanh(x) * 2.0), "fused")(np.ones(3))  # doctest: +ELLIPSIS
    steps from %0: f64[3]:
        0 loop over 3...
            a reads %0: f64[3]
            b: f64[3] = tanh a
            c: f64[3] = mul b 2.0[3]
            d: f64[] = reduce_sum[axes=(0,)] c
            d written to %1: f64[3] at 0 by 0
      return %1: f64[]
    """
    require_function("show", function, advice="Pass the function itself, then its arguments: show(f)(x).")
    if stage not in STAGES:
        raise ValueError(f"show: requires a stage among {', '.join(STAGES)}, got {stage!r}. Take one of these.")
    jitted = function if isinstance(function, Jitted) else Jitted(function)

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> None:
        print(_shown(jitted, stage, args, kwargs))

    return boundary(wrapper)


@boundary
def explain(function: Callable[..., Any]) -> Callable[..., None]:
    """A function that prints what ``function`` is compiled to for its arguments, all at once; see `show`.

    The print shows the simplified Program, the instructions in order, the buffers and their bytes, the source of each
    kernel, the seconds of compilation, how many kernels came from memory and disk, and what runs as a host step. For a
    function that asks for values it shows each branch known so far, with the answers that lead to it.

    Args:
        function: any function that can be compiled, or one that is.

    Returns:
        A function of the same arguments that prints and returns nothing.

    Raises:
        TypeError: ``function`` is no function.

    >>> import numpy as np
    >>> explain(lambda x: np.tanh(x) * 2.0)(np.ones(3))  # doctest: +ELLIPSIS
    program(a: f64[3]):
      b: f64[3] = tanh a
      c: f64[3] = mul b 2.0[3]
      return c
    ...
    """
    return show(function, "all")


def _shown(jitted: Jitted, stage: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    branches = jitted.inspect(*args, **kwargs)
    if branches is None:
        return "Compiled as part of what these arguments belong to."
    if not branches:
        return "Nothing is compiled for these arguments."
    if not branches[0][0]:
        return _stage(branches[0][1], stage)
    parts = []
    for k, (path, entry) in enumerate(branches):
        way = "\n".join([f"  {guard} is {answer}" for guard, answer in path])
        parts.append(f"branch {k}:\n{way}\n\n{_stage(entry, stage)}")
    return "\n\n".join(parts)


def _stage(entry: Entry, stage: str) -> str:
    if stage == "program":
        return str(entry.staged.program)
    if entry.compiled is None:
        return "Nothing to compile: no result depends on an array."
    return _COMPILED[stage](entry.compiled)
