"""Source of the kernel that runs a fused loop.

Axes are walked as the operands lie in memory, and those that every operand walks alike are merged
into one, so most loops are flat. Extents and strides are parameters, but for strides of 0 and 1,
which decide how a loop vectorizes: a kernel serves every size. So are the numbers of a formula that decide
nothing: a kernel serves every learning rate. A reduction of the innermost axes
sums in registers, in blocks, and the sums of blocks in double precision, so that the error of a long
sum stays small; any other one accumulates in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from fnad.compiler.axes import in_memory_order, merge_axes
from fnad.compiler.cpu.params import Params, kernel_source
from fnad.compiler.expressions import accumulation_of, constant, is_reduction, source_of, takes_any_number
from fnad.compiler.steps import Loop, Rows
from fnad.ir.program import Atom, Equation, Literal, Var
from fnad.kernels.dtypes import FLOATS, dtype_word, storage_dtype
from fnad.ops.elementwise import copy
from fnad.runtime.plan import Kernel, Launch, View

BLOCK = 4096
"""Terms that a register sums before they are added to the total."""

_WIDER = {np.dtype(np.float32): np.dtype(np.float64), np.dtype(np.complex64): np.dtype(np.complex128)}
"""The dtypes of the sums of blocks."""


def emit_loop(loop: Loop, place: Callable[[View], View]) -> Launch:
    """The launch of a loop; ``place`` maps a view of a storage to one of its buffer."""
    signature = _Signature()
    nest = make_nest(loop.space, _placed(loop, place), signature)
    writer = _Writer(nest, loop, "", signature)
    lines = [*_chunk_lines([loop], [nest], loop.chunk, signature), *writer.lines("lo", "hi")]
    return _launch([loop], signature, lines, nest.extents[0], loop.chunk)


def emit_rows(rows: Rows, place: Callable[[View], View]) -> Launch:
    """The launch of loops that run together, row by row."""
    signature = _Signature()
    nests = [make_nest(loop.space, _placed(loop, place), signature, apart=True) for loop in rows.loops]
    writers = [_Writer(nest, loop, f"_{k}", signature) for k, (nest, loop) in enumerate(zip(nests, rows.loops))]
    lines = _chunk_lines(rows.loops, nests, rows.chunk, signature)
    lines += [line for writer in writers for line in writer.starts(0)]
    lines.append("for i0 in range(lo, hi):")
    lines += _indented([line for writer in writers for line in writer.nested(1)])
    lines += [line for writer in writers for line in writer.ends(0)]
    return _launch(rows.loops, signature, lines, nests[0].extents[0], rows.chunk)


def _chunk_lines(loops: Sequence[Loop], nests: Sequence[Nest], chunk: int, signature: _Signature) -> list[str]:
    """The lines that name parameters; where a reduction is over the outermost axis, each chunk has its own result."""
    partial = [(nest, eqn) for loop, nest in zip(loops, nests) for eqn in reductions_of_chunks(loop, nest)]
    size = signature.local("c", chunk or max(nests[0].extents[0], 1)) if partial else ""
    lines = list(signature.params.lines)
    for nest, eqn in partial:
        operand = nest.operand_of[eqn.outputs[0]]
        extents = [name for name, stride in zip(nest.names, operand.strides[1:]) if stride != 0]
        lines.append(f"{operand.pointer} = {operand.pointer} + lo // {size} * {' * '.join(extents) or '1'}")
    return lines


def _placed(loop: Loop, place: Callable[[View], View]) -> dict[Var, View]:
    return {v: place(view) for v, view in (loop.reads | loop.writes).items()}


def _launch(loops: Sequence[Loop], signature: _Signature, lines: list[str], extent: int, chunk: int) -> Launch:
    words = dict.fromkeys(e.primitive.name for loop in loops for e in loop.equations if e.primitive is not copy)
    label = " ".join(words) or "copy"
    kernel = Kernel(label.replace(" ", "_")[:60], kernel_source([*lines, "return 0"]))
    return Launch(kernel, tuple(signature.params.words), extent, label, chunk)


class _Signature:
    """The parameters of a kernel, and the lines that give them names."""

    def __init__(self) -> None:
        self.params = Params()
        self.pointers: dict[tuple, str] = {}
        self.scopes: dict[int, int] = {}
        self.numbers: dict[tuple, str] = {}

    def local(self, prefix: str, value: int) -> str:
        """The name of a number."""
        name = f"{prefix}{len(self.params.words)}"
        self.params.number(name, value)
        return name

    def pointer(self, view: View) -> str:
        """The name of a pointer to a view's first element; views of one buffer share a scope."""
        dtype = storage_dtype(view.dtype)
        key = view.buffer, view.offset, dtype
        if key not in self.pointers:
            name = self.pointers[key] = f"x{len(self.pointers)}"
            scope = self.scopes.setdefault(view.buffer, len(self.scopes))
            self.params.pointer(name, view, dtype_word(dtype), scope)
        return self.pointers[key]

    def number(self, literal: Literal) -> str:
        """The name of a float."""
        dtype = literal.type.dtype
        key = dtype, literal.value.tobytes()
        if key not in self.numbers:
            bits = np.dtype(f"i{dtype.itemsize}")
            name = self.numbers[key] = self.local("k", int(literal.value.view(bits)))
            self.params.lines.append(f"{name}f = bitcast({dtype_word(bits)}({name}), {dtype_word(dtype)})")
        return f"{self.numbers[key]}f"


# --- The axes of a loop


class Operand(NamedTuple):
    """An array of the loop: its pointer, and what to multiply each loop index with, in elements.

    A stride is 0, 1, or the name of a local variable.
    """

    pointer: str
    strides: tuple[int | str, ...]

    def at(self, depth: int) -> str:
        """The element at the indices of the outer ``depth`` loops."""
        terms = [f"i{a}" if s == 1 else f"i{a} * {s}" for a, s in enumerate(self.strides[:depth]) if s != 0]
        return f"{self.pointer}[{' + '.join(terms) or '0'}]"


class Nest(NamedTuple):
    """A loop's merged axes, the local names of all extents but the first, and the operands."""

    extents: list[int]
    names: list[str]
    operand_of: dict[Var, Operand]


def make_nest(
    space: Sequence[int], views: dict[Var, View], signature: _Signature | None = None, apart: bool = False
) -> Nest:
    """Order and merge the axes of a loop over operands whose views have its shape; names go to the signature.

    The first axis stays by itself where it is walked ``apart``.
    """
    signature = signature or _Signature()
    keys = {v: (view.buffer, view.offset, view.strides, view.dtype) for v, view in views.items()}
    distinct = {keys[v]: view for v, view in views.items()}
    steps = [[s // view.dtype.itemsize for s in view.strides] for view in distinct.values()]
    sizes = [view.dtype.itemsize for view in distinct.values()]
    extents, strides = (_axes_behind_first if apart else _ordered_axes)(space, steps, sizes)
    names = [signature.local("n", n) for n in extents[1:]]
    by_key = {}
    for (key, view), own in zip(distinct.items(), strides):
        pointer = signature.pointer(view)
        by_key[key] = Operand(pointer, tuple([s if s in (0, 1) else signature.local("s", s) for s in own]))
    return Nest(extents, names, {v: by_key[key] for v, key in keys.items()})


Axes = tuple[list[int], list[list[int]]]
"""Extents, and the strides of each operand."""


def _ordered_axes(space: Sequence[int], steps: list[list[int]], sizes: list[int]) -> Axes:
    order = in_memory_order(space, [[s * size for s in row] for row, size in zip(steps, sizes)])
    return merge_axes([space[a] for a in order], [[row[a] for a in order] for row in steps])


def _axes_behind_first(space: Sequence[int], steps: list[list[int]], sizes: list[int]) -> Axes:
    if all([n == 1 for n in space[1:]]):
        return [space[0]], [row[:1] for row in steps]
    extents, strides = _ordered_axes(space[1:], [row[1:] for row in steps], sizes)
    return [space[0], *extents], [[row[0], *own] for row, own in zip(steps, strides)]


# --- Its source


class _Writer:
    """The lines of one loop; ``mark`` keeps its variables apart from those of other loops of the kernel."""

    def __init__(self, nest: Nest, loop: Loop, mark: str, signature: _Signature) -> None:
        self.nest, self.loop, self.mark = nest, loop, mark
        self.depth = len(nest.extents)
        self.reductions = [eqn for eqn in loop.equations if is_reduction(eqn)]
        self.depth_of = {id(eqn): _kept_depth(nest.operand_of[eqn.outputs[0]]) for eqn in self.reductions}
        self.names: dict[Atom, str] = {}
        for eqn in loop.equations:
            self.names.update([(a, signature.number(a)) for a in eqn.inputs if _is_parameter(a, eqn)])

    def lines(self, first: str, last: str) -> list[str]:
        """The whole loop, for a range of its outer axis."""
        return [*self.starts(0), *self.loop_over(0, first, last), *self.ends(0)]

    # Accumulators: a reduction keeps its outer axes and runs over the others, or there is no such order

    def _in_registers(self) -> list[tuple[int, Equation, int]]:
        found = [(k, eqn, self.depth_of[id(eqn)]) for k, eqn in enumerate(self.reductions)]
        return [(k, eqn, depth) for k, eqn, depth in found if depth is not None]

    def starts(self, depth: int) -> list[str]:
        """The lines before the loop number ``depth``."""
        registers = [(k, eqn) for k, eqn, at in self._in_registers() if at == depth]
        lines = [f"a{k}{self.mark} = {_start(eqn, _total_dtype(eqn))}" for k, eqn in registers]
        for eqn in self.reductions:
            if self.depth_of[id(eqn)] is None and _outer_kept(self.nest.operand_of[eqn.outputs[0]]) == depth:
                lines += self._memory_start(eqn, depth)
        return lines

    def _memory_start(self, eqn: Equation, depth: int) -> list[str]:
        operand = self.nest.operand_of[eqn.outputs[0]]
        lines = [f"{operand.at(self.depth)} = {_start(eqn)}"]
        for axis in range(self.depth - 1, depth - 1, -1):
            if operand.strides[axis] != 0:
                lines = [f"for i{axis} in range({self.nest.names[axis - 1]}):", *_indented(lines)]
        return lines

    def ends(self, depth: int) -> list[str]:
        """The lines after the loop number ``depth``."""
        lines = []
        for k, eqn, at in self._in_registers():
            if at == depth:
                (result,) = eqn.outputs
                total = _as(result.type.dtype, f"a{k}{self.mark}", eqn)
                lines.append(f"{self.nest.operand_of[result].at(depth)} = {total}")
        return lines

    # Loops

    def nested(self, depth: int) -> list[str]:
        """The loop number ``depth`` with what belongs to it, or the innermost lines."""
        if depth == self.depth:
            return self._body("a")
        around = "0", self.nest.names[depth - 1]
        return [*self.starts(depth), *self.loop_over(depth, *around), *self.ends(depth)]

    def loop_over(self, depth: int, first: str, last: str) -> list[str]:
        """The loop number ``depth`` over a range."""
        if depth == self.depth - 1 and self._in_registers():
            return self._blocks(depth, first, last)
        return [f"for i{depth} in range({first}, {last}):", *_indented(self.nested(depth + 1))]

    def _blocks(self, depth: int, first: str, last: str) -> list[str]:
        registers = [(k, eqn) for k, eqn, _ in self._in_registers()]
        inner = [f"p{k}{self.mark} = {_start(eqn)}" for k, eqn in registers]
        inner.append(f"for i{depth} in range(b, min(b + {BLOCK}, {last})):")
        inner += _indented(self._body("p"))
        for k, eqn in registers:
            total, part = f"a{k}{self.mark}", _as(_total_dtype(eqn), f"p{k}{self.mark}", eqn)
            inner.append(f"{total} = {accumulation_of(eqn).join}({total}, {part})")
        return [f"for b in range({first}, {last}, {BLOCK}):", *_indented(inner)]

    def _body(self, register: str) -> list[str]:
        lines = self.starts(self.depth)
        loaded: dict[str, str] = {}
        for v in self.loop.reads:
            element = self.nest.operand_of[v].at(self.depth)
            if element not in loaded:
                loaded[element] = f"v{len(loaded)}{self.mark}"
                lines.append(f"{loaded[element]} = {element}")
            self.names[v] = loaded[element]
        plain = [eqn for eqn in self.loop.equations if not is_reduction(eqn)]
        for eqn in plain:
            self.names[eqn.outputs[0]] = name = f"t{len(self.names)}{self.mark}"
            lines.append(f"{name} = {self._expression(eqn)}")
        for v, operand in ((v, self.nest.operand_of[v]) for eqn in plain for v in eqn.outputs if v in self.loop.writes):
            lines.append(f"{operand.at(self.depth)} = {self.names[v]}")
        return lines + self._accumulations(register)

    def _accumulations(self, register: str) -> list[str]:
        lines = []
        for k, eqn in enumerate(self.reductions):
            take, term = accumulation_of(eqn).take, self._name(eqn.inputs[0])
            in_memory = self.depth_of[id(eqn)] is None
            total = self.nest.operand_of[eqn.outputs[0]].at(self.depth) if in_memory else f"{register}{k}{self.mark}"
            if register == "a" and not in_memory:
                term = _as(_total_dtype(eqn), term, eqn)
            lines.append(f"{total} = {take}({total}, {term})")
        return lines

    def _expression(self, eqn: Equation) -> str:
        operands = [self._name(a) for a in eqn.inputs]
        return operands[0] if eqn.primitive is copy else source_of(eqn, operands)

    def _name(self, atom: Atom) -> str:
        if atom in self.names:
            return self.names[atom]
        storage = storage_dtype(atom.type.dtype)
        return constant(atom.value if storage == atom.type.dtype else atom.value.view(storage), storage)


def _is_parameter(atom: Atom, eqn: Equation) -> bool:
    """Whether a number is a parameter of the kernel.

    Powers of two and 0 are not: to multiply by them, or to divide, may cost less.
    """
    if not isinstance(atom, Literal) or atom.type.dtype not in FLOATS or not takes_any_number(eqn):
        return False
    return bool(np.isfinite(atom.value)) and abs(np.frexp(atom.value)[0]) not in (0, 0.5)


def reductions_of_chunks(loop: Loop, nest: Nest) -> list[Equation]:
    """The reductions over the outermost axis, whose results are for a part of it where the loop is divided."""
    found = [eqn for eqn in loop.equations if is_reduction(eqn)]
    return [eqn for eqn in found if nest.operand_of[eqn.outputs[0]].strides[0] == 0]


def _outer_kept(operand: Operand) -> int:
    """The number of outer axes a result keeps before the first it reduces."""
    return next((depth for depth, s in enumerate(operand.strides) if s == 0), len(operand.strides))


def _kept_depth(operand: Operand) -> int | None:
    """The number of outer axes a result keeps, where it reduces all inner ones; ``None`` in any other order."""
    is_kept = [s != 0 for s in operand.strides]
    depth = sum(is_kept)
    return depth if all(is_kept[:depth]) and depth < len(is_kept) else None


def _start(eqn: Equation, dtype: np.dtype | None = None) -> str:
    return accumulation_of(eqn).start(dtype or eqn.outputs[0].type.dtype)


def _total_dtype(eqn: Equation) -> np.dtype:
    """The dtype to join results of blocks in."""
    dtype = eqn.outputs[0].type.dtype
    return _WIDER.get(dtype, dtype) if eqn.primitive.combine == "add" else dtype


def _as(dtype: np.dtype, text: str, eqn: Equation) -> str:
    """A number of a reduction in a dtype; as it is where the reduction knows only one."""
    return text if _total_dtype(eqn) == eqn.outputs[0].type.dtype else f"{dtype_word(dtype)}({text})"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
