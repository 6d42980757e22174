"""Launches of the inner loops of ufuncs, NumPy's and SciPy's: elementwise ones, and generalized ones by their cores."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from fnad.compiler.cpu.chunks import chunk_of
from fnad.compiler.cpu.library.launch import Row, Workspace, launch
from fnad.ir.primitive import Primitive
from fnad.kernels.cpu import foreign
from fnad.ops import bessel, convenience, distributions, erf, integrals, polynomials, rare  # noqa: F401 - fill UFUNCS
from fnad.ops.foreign import UFUNCS
from fnad.runtime.cpu.ufuncs import Loop, loop_of
from fnad.runtime.plan import Launch, View

PER_CALL = 20.0
"""Nanoseconds that a foreign function takes for an element, in the order of magnitude."""


def ufunc_launch(
    ufunc: np.ufunc, inputs: Sequence[View | np.generic], outputs: Sequence[View],
    core: Sequence[int] = (), core_ndims: Sequence[int] | None = None, each: float = PER_CALL,
) -> Launch | None:
    """The launch of a ufunc's own loop; ``None`` where it has none for the operands' dtypes, to be a host step then.

    A kernel calls the loop by its address, so nothing returns to Python, and threads share the index space, which is
    what the axes are that all operands have in front of their core axes. Its operands may be read and written
    through any strides, of 0 as well.

    Args:
        ufunc: of NumPy or SciPy; or a generalized one, as those of ``np.linalg._umath_linalg``, whose loop must need
            nothing of Python's.
        inputs, outputs: the operands in the loop's order and dtypes. All have the axes of the index space in front,
            of the same extents, then their core axes. A number is an input that is the same everywhere.
        core: for a generalized ufunc, the extents of the distinct names in its signature, in the order in which they
            first occur there: for ``(m,n),(n,p)->(m,p)`` those of m, n, p.
        core_ndims: for a generalized ufunc, how many core axes each operand has, the results' behind the inputs':
            (2, 2, 2) for that one.
        each: about how many nanoseconds a thread takes for one index.
    """
    given = {f"x{k}": operand for k, operand in enumerate([*inputs, *outputs])}
    loop = loop_of(ufunc, tuple([operand.dtype for operand in given.values()]))
    if loop is None or len(given) > foreign.MOST_OPERANDS or len(core) >= foreign.MOST_DIMENSIONS:
        return None
    ends = dict(zip(given, core_ndims or [0] * len(given), strict=True))
    views = {name: operand for name, operand in given.items() if isinstance(operand, View)}
    axes = {name: len(view.shape) - ends[name] for name, view in views.items()}
    space = outputs[0].shape[: axes[f"x{len(inputs)}"]]
    extents, steps = _index_space(space, [
        views[name].strides[: axes[name]] if name in views else (0,) * len(space) for name in given
    ])
    told = _told(loop, core, extents, steps, [s for name, view in views.items() for s in view.strides[axes[name] :]])
    numbers = {name: [_word(operand)] for name, operand in given.items() if name not in views}
    return launch(
        ufunc.__name__, f"call_ufunc(({', '.join(given)},), told, lo, hi)", views, {"told": told, **numbers},
        prod(extents), chunk_of(prod(extents), each), storage=dict.fromkeys(views, "uint8"),
    )


def _word(number: Any) -> int:
    """The word that begins with the bytes of a number of eight at most."""
    return int.from_bytes(number.tobytes().ljust(8, bytes(1)), sys.byteorder, signed=True)


def _told(
    loop: Loop, core: Sequence[int], extents: Sequence[int], steps: Sequence[Sequence[int]], core_steps: Sequence[int]
) -> list[int]:
    told = [0] * foreign.TOLD
    told[foreign.FUNCTION], told[foreign.DATA] = loop
    told[foreign.OPERANDS], told[foreign.AXES], told[foreign.CORE] = len(steps[0]), len(extents), len(core)
    return [*told, *core, *extents, *[step for along in steps for step in along], *core_steps]


def _index_space(shape: Sequence[int], strides: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """The extents of as few axes as can be, one at least, and the steps of all operands along each."""
    extents, steps = [1], [[0] * len(strides)]
    for axis, extent in enumerate(shape):
        along = [own[axis] for own in strides]
        if extent == 1:
            continue
        if extents[-1] == 1:
            extents[-1], steps[-1] = extent, along
        elif steps[-1] == [step * extent for step in along]:
            extents[-1], steps[-1] = extents[-1] * extent, along
        else:
            extents.append(extent)
            steps.append(along)
    return extents, steps


def _row(ufunc: Callable[[], np.ufunc]) -> Row:
    """The row of an elementwise operation that is a ufunc of SciPy's, which is asked for when it is compiled."""

    def launches(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace) -> list[Launch] | None:
        made = ufunc_launch(ufunc(), inputs, outputs)
        return None if made is None else [replace(made, calls_scipy=True)]

    return launches


LAUNCHES: dict[Primitive, Row] = {primitive: _row(ufunc) for primitive, ufunc in UFUNCS.items()}
