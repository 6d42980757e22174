"""Source of the kernel that runs a fused loop.

Axes are walked as the operands lie in memory, and those that every operand walks alike are merged
into one, so most loops are flat. Extents and strides are parameters, but for strides of 0 and 1,
which decide how a loop vectorizes: a kernel serves every size. A reduction of the innermost axes
sums in registers, in blocks, so that the error of a long sum stays small; any other one accumulates
in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from fnad.compiler.axes import in_memory_order, merge_axes
from fnad.compiler.cpu.expressions import DTYPES, constant, source_of
from fnad.compiler.cpu.library import dtype_word
from fnad.compiler.plan import Kernel, Launch, View
from fnad.compiler.schedule import Loop
from fnad.ir.program import Atom, Equation, Literal, Var
from fnad.ops.elementwise import stop_gradient as identity

BLOCK = 4096
"""Terms that a register sums before they are added to the total."""


class Accumulation(NamedTuple):
    """How a reduction runs: what takes a term in, what joins two partial results, and the start."""

    take: str
    join: str
    start: Callable[[np.dtype], str]


def _extreme(sign: int) -> Callable[[np.dtype], str]:
    def start(dtype: np.dtype) -> str:
        if dtype.kind == "f":
            return constant(sign * np.inf, dtype)
        limits = np.iinfo(dtype)
        return constant(limits.max if sign > 0 else limits.min, dtype)

    return start


ACCUMULATIONS = {
    "reduce_sum": Accumulation("radd", "add", lambda dtype: constant(0, dtype)),
    "reduce_prod": Accumulation("rmul", "multiply", lambda dtype: constant(1, dtype)),
    "reduce_max": Accumulation("rmax", "maximum", _extreme(-1)),
    "reduce_min": Accumulation("rmin", "minimum", _extreme(1)),
    "reduce_and": Accumulation("multiply", "multiply", lambda dtype: constant(1, dtype)),
    "reduce_or": Accumulation("add", "add", lambda dtype: constant(0, dtype)),
}


_CARRIERS = {np.dtype(np.float16): np.dtype(np.uint16), np.dtype(np.longdouble): np.dtype(np.complex128)}


def carrier_of(dtype: np.dtype) -> np.dtype:
    """What the elements of a dtype are copied as: a loop moves numbers that it cannot compute with."""
    return dtype if dtype in DTYPES else _CARRIERS.get(dtype, dtype)


def emit_loop(loop: Loop, place: Callable[[View], View]) -> Launch:
    """The launch of a loop; ``place`` maps a view of a storage to one of its buffer."""
    nest = make_nest(loop.space, {v: place(view) for v, view in (loop.reads | loop.writes).items()})
    source = _Writer(nest, loop).source()
    words = dict.fromkeys(eqn.primitive.name for eqn in loop.equations if eqn.primitive is not identity)
    label = " ".join(words) or "copy"
    return Launch(Kernel(label.replace(" ", "_")[:60], source), nest.params, nest.extents[0], label)


# --- The axes of a loop


class Operand(NamedTuple):
    """An array of the loop: its pointer, and what to multiply each loop index with, in elements.

    A stride is 0, 1, or the name of a local variable.
    """

    pointer: str
    dtype: np.dtype
    strides: tuple[int | str, ...]

    def at(self, depth: int) -> str:
        """The element at the indices of the outer ``depth`` loops."""
        terms = [f"i{a}" if s == 1 else f"i{a} * {s}" for a, s in enumerate(self.strides[:depth]) if s != 0]
        return f"{self.pointer}[{' + '.join(terms) or '0'}]"


class Nest(NamedTuple):
    """A loop's merged axes, its operands, and the kernel's parameters with the local names for them."""

    extents: list[int]
    operands: list[Operand]
    operand_of: dict[Var, Operand]
    params: tuple[int, ...]
    locals: dict[str, int]


def make_nest(space: Sequence[int], views: dict[Var, View]) -> Nest:
    """Order and merge the axes of a loop over operands whose views have its shape."""
    keys = {v: (view.buffer, view.offset, view.strides, view.dtype) for v, view in views.items()}
    distinct = {keys[v]: view for v, view in views.items()}
    order = in_memory_order(space, [view.strides for view in distinct.values()])
    steps = [[view.strides[a] // view.dtype.itemsize for a in order] for view in distinct.values()]
    extents, strides = merge_axes([space[a] for a in order], steps)
    params = [word for view in distinct.values() for word in (view.buffer, view.offset)]
    names: dict[str, int] = {}

    def local(name: str, value: int) -> str:
        names[name] = len(params)
        params.append(value)
        return name

    for axis, n in enumerate(extents[1:], 1):
        local(f"n{axis}", n)
    operands = []
    for k, (view, own) in enumerate(zip(distinct.values(), strides)):
        words = tuple([s if s in (0, 1) else local(f"s{k}_{a}", s) for a, s in enumerate(own)])
        operands.append(Operand(f"x{k}", carrier_of(view.dtype), words))
    by_key = dict(zip(distinct, operands))
    return Nest(extents, operands, {v: by_key[key] for v, key in keys.items()}, tuple(params), names)


# --- Its source


class _Writer:
    def __init__(self, nest: Nest, loop: Loop) -> None:
        self.nest, self.loop = nest, loop
        self.depth = len(nest.extents)
        self.reductions = [eqn for eqn in loop.equations if eqn.primitive.name in ACCUMULATIONS]
        self.depth_of = {id(eqn): _kept_depth(nest.operand_of[eqn.outputs[0]]) for eqn in self.reductions}
        self.names: dict[Atom, str] = {}

    def source(self) -> str:
        """The whole kernel."""
        lines = ["def kernel(buffers, params, lo, hi):"]
        for k, operand in enumerate(self.nest.operands):
            word = dtype_word(operand.dtype)
            lines.append(f"    {operand.pointer} = as_{word}(operand(buffers, params, {2 * k}), {k})")
        lines += [f"    {name} = params[{word}]" for name, word in self.nest.locals.items()]
        lines += self._memory_starts()
        lines += [f"    {line}" for line in self._loop(0)]
        return "\n".join([*lines, "    return 0", ""])

    # Accumulators: a reduction keeps its outer axes and runs over the others, or there is no such order

    def _in_registers(self) -> list[tuple[int, Equation, int]]:
        found = [(k, eqn, self.depth_of[id(eqn)]) for k, eqn in enumerate(self.reductions)]
        return [(k, eqn, depth) for k, eqn, depth in found if depth is not None]

    def _in_memory(self) -> list[Equation]:
        return [eqn for eqn in self.reductions if self.depth_of[id(eqn)] is None]

    def _memory_starts(self) -> Iterator[str]:
        for eqn in self._in_memory():
            operand = self.nest.operand_of[eqn.outputs[0]]
            sizes = [("hi" if a == 0 else f"n{a}") for a, s in enumerate(operand.strides) if s != 0]
            yield f"    for k in range({' * '.join(sizes) or '1'}):"
            yield f"        {operand.pointer}[k] = {_start(eqn)}"

    # Loops

    def _loop(self, depth: int) -> list[str]:
        """The loop number ``depth`` and what is inside."""
        registers = self._in_registers()
        here = [(k, eqn) for k, eqn, at in registers if at == depth]
        lines = [f"a{k} = {_start(eqn)}" for k, eqn in here]
        first, last = ("lo", "hi") if depth == 0 else ("0", f"n{depth}")
        if depth < self.depth - 1:
            lines.append(f"for i{depth} in range({first}, {last}):")
            lines += _indented(self._loop(depth + 1))
        elif registers:
            lines += self._blocks(depth, first, last, [(k, eqn) for k, eqn, _ in registers])
        else:
            lines.append(f"for i{depth} in range({first}, {last}):")
            lines += _indented(self._body())
        return lines + [f"{self.nest.operand_of[eqn.outputs[0]].at(depth)} = a{k}" for k, eqn in here]

    def _blocks(self, depth: int, first: str, last: str, registers: list[tuple[int, Equation]]) -> list[str]:
        inner = [f"p{k} = {_start(eqn)}" for k, eqn in registers]
        inner.append(f"for i{depth} in range(b, min(b + {BLOCK}, {last})):")
        inner += _indented(self._body())
        inner += [f"a{k} = {ACCUMULATIONS[eqn.primitive.name].join}(a{k}, p{k})" for k, eqn in registers]
        return [f"for b in range({first}, {last}, {BLOCK}):", *_indented(inner)]

    def _body(self) -> list[str]:
        lines = []
        loaded: dict[str, str] = {}
        for v in self.loop.reads:
            element = self.nest.operand_of[v].at(self.depth)
            if element not in loaded:
                loaded[element] = f"v{len(loaded)}"
                lines.append(f"{loaded[element]} = {element}")
            self.names[v] = loaded[element]
        plain = [eqn for eqn in self.loop.equations if eqn.primitive.name not in ACCUMULATIONS]
        for eqn in plain:
            self.names[eqn.outputs[0]] = name = f"t{len(self.names)}"
            lines.append(f"{name} = {self._expression(eqn)}")
        for v, operand in ((v, self.nest.operand_of[v]) for eqn in plain for v in eqn.outputs if v in self.loop.writes):
            lines.append(f"{operand.at(self.depth)} = {self.names[v]}")
        return lines + self._accumulations()

    def _accumulations(self) -> list[str]:
        lines = []
        for k, eqn in enumerate(self.reductions):
            take, term = ACCUMULATIONS[eqn.primitive.name].take, self._name(eqn.inputs[0])
            depth, element = self.depth_of[id(eqn)], self.nest.operand_of[eqn.outputs[0]].at(self.depth)
            if depth is None:
                lines.append(f"{element} = {take}({element}, {term})")
            else:
                lines.append(f"p{k} = {take}(p{k}, {term})")
        return lines

    def _expression(self, eqn: Equation) -> str:
        operands = [self._name(a) for a in eqn.inputs]
        return operands[0] if eqn.primitive is identity else source_of(eqn, operands)

    def _name(self, atom: Atom) -> str:
        if not isinstance(atom, Literal):
            return self.names[atom]
        carrier = carrier_of(atom.type.dtype)
        return constant(atom.value if carrier == atom.type.dtype else atom.value.view(carrier), carrier)


def _kept_depth(operand: Operand) -> int | None:
    """How many outer axes a result keeps, where it runs over all the inner ones; ``None`` for any other order."""
    is_kept = [s != 0 for s in operand.strides]
    depth = sum(is_kept)
    return depth if all(is_kept[:depth]) and depth < len(is_kept) else None


def _start(eqn: Equation) -> str:
    return ACCUMULATIONS[eqn.primitive.name].start(eqn.outputs[0].type.dtype)


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
