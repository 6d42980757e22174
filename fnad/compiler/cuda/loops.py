"""Source of the kernels that run fused loops.

The threads of a team take the terms of a reduction in turn and then join what they have, always in the same order:
results do not depend on how many teams run at a time. Where there are few results to many terms, each is first made in
parts (divide.py). What the axes and teams of a loop are, nests.py says.

Extents and strides are parameters, but for strides of 0 and 1: a kernel serves every size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

import numpy as np

from fnad.compiler.cuda.nests import Axes, Nest, Operand, Signature, make_nest
from fnad.compiler.expressions import accumulation_of, constant, is_reduction, source_of
from fnad.compiler.steps import Loop, Rows
from fnad.ir.program import Atom, Equation, Literal, Var
from fnad.kernels.cuda.sizes import THREADS, WARP
from fnad.kernels.dtypes import dtype_word, storage_dtype
from fnad.ops.elementwise import copy
from fnad.runtime.plan import GridKernel, GridLaunch, View
from fnad.runtime.views import is_aligned

MOST_BLOCKS = 4096
"""Blocks of a grid, at most: enough for any GPU at a time; their threads take more than one element where needed."""

VECTOR = 16
"""Bytes that a thread loads at a time where it can."""

WARPS_OF_ROWS = 4
"""Rows that a block does at a time, where a warp does each."""

MOST_REPEATED = 16
"""Equations of a loop whose source may be repeated for each element of a vector."""

LONG = 4096
"""Elements of a loop that is worth vectors."""


def emit_loop(loop: Loop, place: Callable[[View], View]) -> GridLaunch:
    """The launch of a loop; ``place`` maps a view of a storage to one of its buffer."""
    signature = Signature()
    nest = make_nest(loop, place, signature)
    if nest.reductions:
        lines, teams = _reducing(nest, signature), nest.parts * prod(nest.kept.extents) * nest.team
        return _launch([loop], signature, lines, _blocks(teams), THREADS)
    count = vector_length(nest, nest.kept, lambda operand: operand.kept)
    if count > 1:
        elements = prod(nest.kept.extents)
        return _launch([loop], signature, _by_vectors(nest, signature, count), _blocks(-(-elements // count)), THREADS)
    return _launch([loop], signature, _elementwise(nest, signature), _blocks(prod(nest.kept.extents)), THREADS)


def emit_rows(rows: Rows, place: Callable[[View], View]) -> GridLaunch:
    """The launch of loops that run together, row by row: a team, a warp or a block, has a row."""
    signature = Signature()
    nests = [make_nest(loop, place, signature, by_rows=True, mark=f"_{k}") for k, loop in enumerate(rows.loops)]
    widest = max([prod(nest.reduced.extents) for nest in nests])
    team = WARP if widest <= 2 * WARP else min(THREADS, -(-widest // (4 * WARP)) * WARP)
    count, each = rows.loops[0].space[0], WARPS_OF_ROWS if team == WARP else 1
    first, step = "cuda.blockIdx.x", "cuda.gridDim.x"
    if team == WARP:
        first, step = f"cuda.grid(1) // {WARP}", f"cuda.gridsize(1) // {WARP}"
    lines = _counting("row", first, signature.local("n", count), step)
    body = [line for nest in nests for line in _row(nest, signature, team)]
    blocks = min(-(-count // each), MOST_BLOCKS)
    return _launch(rows.loops, signature, [*lines, *_indented([*body, f"row += {step}"])], blocks, each * team)


def _blocks(threads: int) -> int:
    return max(min(-(-threads // THREADS), MOST_BLOCKS), 1)


def _launch(loops: Sequence[Loop], signature: Signature, lines: list[str], blocks: int, threads: int) -> GridLaunch:
    words = dict.fromkeys(e.primitive.name for loop in loops for e in loop.equations if e.primitive is not copy)
    label = " ".join(words) or "copy"
    source = "\n".join([f"def kernel({', '.join(signature.names)}):", *_indented(lines), ""])
    pointers = tuple([dtype_word(storage_dtype(view.dtype)) for view in signature.views])
    kernel = GridKernel(
        label.replace(" ", "_")[:60], source, pointers, len(signature.params), (threads, 1, 1)
    )
    return GridLaunch(kernel, tuple(signature.views), tuple(signature.params), (blocks, 1, 1), label)


def _counting(name: str, first: str, end: str, step: str) -> list[str]:
    """A loop's first lines; a range with a step would cost divisions."""
    return [f"{name} = {first}", f"while {name} < {end}:"]


def _quotient(i: str, n: str, extent: int) -> str:
    """The whole quotient of an index below an extent: most times of 32 bits, which a GPU divides much faster."""
    return f"quotient({i}, {n})" if extent < 1 << 31 else f"{i} // {n}"


def _unravelled(flat: str, prefix: str, axes: Axes) -> list[str]:
    """The lines that take a flat index apart."""
    lines, rest = [], flat
    for a in range(len(axes.names) - 1, 0, -1):
        lines.append(f"{prefix}q{a} = {_quotient(rest, axes.names[a], prod(axes.extents))}")
        lines.append(f"{prefix}{a} = {rest} - {prefix}q{a} * {axes.names[a]}")
        rest = f"{prefix}q{a}"
    return [*lines, f"{prefix}0 = {rest}"] if axes.names else []


def _terms(prefix: str, strides: Sequence[int | str]) -> list[str]:
    return [f"{prefix}{a}" if s == 1 else f"{prefix}{a} * {s}" for a, s in enumerate(strides) if s != 0]


def _element(operand: Operand, bases: dict[tuple, str] | None = None) -> str:
    """An operand's element at the present indices: those of the kept axes by themselves, or as one base."""
    base = (bases or {}).get((operand.pointer, operand.kept))
    outer = _terms("k", operand.kept) if base is None else [base] if base else []
    return f"{operand.pointer}[{' + '.join([*outer, *_terms('r', operand.reduced)]) or '0'}]"


def _elementwise(nest: Nest, signature: Signature) -> list[str]:
    count = signature.local("n", prod(nest.kept.extents))
    body = [*_unravelled("i", "k", nest.kept), *_body(nest, lambda v: _element(nest.operand_of[v])), "i += step"]
    return ["step = cuda.gridsize(1)", *_counting("i", "cuda.grid(1)", count, "step"), *_indented(body)]


def _body(nest: Nest, element: Callable[[Var], str], mark: str = "") -> list[str]:
    """The lines of one element: loads, what is computed, stores, and the terms of reductions."""
    writer = _Writer(nest, mark)
    return [*writer.loads(element), *writer.computed(), *writer.stores(element), *writer.accumulated()]


class _Writer:
    """The lines of an element of a loop."""

    def __init__(self, nest: Nest, mark: str) -> None:
        self.nest, self.mark = nest, mark + nest.mark
        self.names: dict[Atom, str] = {}

    def loads(self, element: Callable[[Var], str]) -> list[str]:
        loaded: dict[str, str] = {}
        for v in self.nest.loop.reads:
            loaded.setdefault(element(v), f"v{len(loaded)}{self.mark}")
            self.names[v] = loaded[element(v)]
        return [f"{name} = {text}" for text, name in loaded.items()]

    def computed(self) -> list[str]:
        lines = []
        for eqn in self.plain:
            self.names[eqn.outputs[0]] = name = f"t{len(self.names)}{self.mark}"
            operands = [self.name(a) for a in eqn.inputs]
            lines.append(f"{name} = {operands[0] if eqn.primitive is copy else source_of(eqn, operands)}")
        return lines

    @property
    def plain(self) -> list[Equation]:
        return [eqn for eqn in self.nest.loop.equations if not is_reduction(eqn)]

    @property
    def written(self) -> list[Var]:
        """The variables that are stored for each element."""
        return [v for eqn in self.plain for v in eqn.outputs if v in self.nest.loop.writes]

    def stores(self, element: Callable[[Var], str]) -> list[str]:
        return [f"{element(v)} = {self.names[v]}" for v in self.written]

    def accumulated(self) -> list[str]:
        lines = []
        for k, eqn in enumerate(self.nest.reductions):
            total = f"a{k}{self.nest.mark}"
            lines.append(f"{total} = {accumulation_of(eqn).join}({total}, {self.name(eqn.inputs[0])})")
        return lines

    def name(self, atom: Atom) -> str:
        if not isinstance(atom, Literal):
            return self.names[atom]
        storage = storage_dtype(atom.type.dtype)
        return constant(atom.value if storage == atom.type.dtype else atom.value.view(storage), storage)


# --- Reductions


def _reducing(nest: Nest, signature: Signature) -> list[str]:
    """The lines of a loop with reductions: each team makes one result, or part of one, after another."""
    results = prod(nest.kept.extents)
    terms, number = signature.local("n", prod(nest.reduced.extents)), signature.local("n", results * nest.parts)
    first, teams, lane = {
        1: ("cuda.grid(1)", "cuda.gridsize(1)", "0"),
        WARP: (f"cuda.grid(1) // {WARP}", f"cuda.gridsize(1) // {WARP}", f"cuda.threadIdx.x % {WARP}"),
        THREADS: ("cuda.blockIdx.x", "cuda.gridDim.x", "cuda.threadIdx.x"),
    }[nest.team]
    kept, begin, end, part = "q", "", terms, ""
    lines = []
    if nest.chunk:
        kept, each, chunk = "k", signature.local("n", results), signature.local("c", nest.chunk)
        lines = [f"part = {_quotient('q', each, results * nest.parts)}", f"k = q - part * {each}"]
        lines.append(f"end = min((part + 1) * {chunk}, {terms})")
        begin, end, part = f"part * {chunk}", "end", f"part * {each}"
    bases, base_lines = _bases(nest)
    lines += [*_unravelled(kept, "k", nest.kept), *base_lines, *_starts(nest)]
    lines += _over_terms(nest, bases, begin, lane, end, nest.team)
    lines += _joined(nest, nest.team)
    lines += _results(nest, part, lane if nest.team > 1 else "")
    return [f"teams = {teams}", *_counting("q", first, number, "teams"), *_indented([*lines, "q += teams"])]


def _bases(nest: Nest) -> tuple[dict[tuple, str], list[str]]:
    """Names for where the operands of the present index of the kept axes start."""
    names: dict[tuple, str] = {}
    lines = []
    for operand in nest.operand_of.values():
        key, terms = (operand.pointer, operand.kept), _terms("k", operand.kept)
        if key in names:
            continue
        names[key] = f"b{len(names)}{nest.mark}" if terms else ""
        if terms:
            lines.append(f"{names[key]} = {' + '.join(terms)}")
    return names, lines


def _starts(nest: Nest) -> list[str]:
    return [
        f"a{k}{nest.mark} = {accumulation_of(eqn).start(eqn.outputs[0].type.dtype)}"
        for k, eqn in enumerate(nest.reductions)
    ]


def _over_terms(nest: Nest, bases: dict[tuple, str], part: str, lane: str, end: str, team: int) -> list[str]:
    """The lines in which a thread of a team takes its terms of a part: those of neighbours are neighbours."""
    count = vector_length(nest, nest.reduced, lambda operand: operand.reduced)
    if count > 1:
        begin = " + ".join(filter(None, [part, f"{count} * ({lane})"]))
        body = _vector_body(nest, count, "r", bases)
        return [*_counting("r", begin, end, ""), *_indented([*body, f"r += {count * team}"])]
    begin = " + ".join(filter(None, [part, lane]))
    body = [*_unravelled("r", "r", nest.reduced), *_body(nest, lambda v: _element(nest.operand_of[v], bases))]
    return [*_counting("r", begin, end, ""), *_indented([*body, f"r += {team}"])]


def _joined(nest: Nest, team: int) -> list[str]:
    """The lines that give every thread of a team what all of them have."""
    if team == 1:
        return []
    reduce = "warp_reduce" if team == WARP else "block_reduce"
    names = [(f"a{k}{nest.mark}", accumulation_of(eqn).join) for k, eqn in enumerate(nest.reductions)]
    return [f"{name} = {reduce}({join}, {name}, {team})" for name, join in names]


def _results(nest: Nest, part: str, lane: str) -> list[str]:
    """The lines that store results, by the first thread of a team."""
    lines = []
    for k, eqn in enumerate(nest.reductions):
        operand = nest.operand_of[eqn.outputs[0]]
        at = " + ".join([*filter(None, [part]), *_terms("k", operand.kept)]) or "0"
        lines.append(f"{operand.pointer}[{at}] = a{k}{nest.mark}")
    return [f"if {lane} == 0:", *_indented(lines)] if lane and lines else lines


# --- Row by row


def _row(nest: Nest, signature: Signature, team: int) -> list[str]:
    """The lines that do to a row what a loop does, by all threads of a team."""
    lane, meet = ("lane_number()", "warp_barrier()") if team == WARP else ("cuda.threadIdx.x", "cuda.syncthreads()")
    row = [f"k0 = {'row' if nest.kept.names else '0'}"]
    bases, base_lines = _bases(nest)
    lines = [*row, *base_lines, *_starts(nest)]
    if nest.reduced.names:
        terms = signature.local("n", prod(nest.reduced.extents))
        lines += _over_terms(nest, bases, "", lane, terms, team)
        lines += _joined(nest, team)
    else:
        body = _body(nest, lambda v: _element(nest.operand_of[v], bases))
        lines += [f"if {lane} == 0:", *_indented(body)]
    return [*lines, *_results(nest, "", lane), meet]


# --- Vectors


def vector_length(nest: Nest, axes: Axes, strides: Callable[[Operand], tuple[int | str, ...]]) -> int:
    """The elements along the only one of some axes that a thread takes at a time: as many as fit in a load, or 1."""
    is_shared = axes is nest.kept or nest.team > 1 or nest.mark  # by threads whose elements are neighbours
    elements = prod(nest.kept.extents) * prod(nest.reduced.extents)
    if len(axes.extents) != 1 or not is_shared or elements < LONG or len(nest.loop.equations) > MOST_REPEATED:
        return 1
    long = [operand for operand in nest.operand_of.values() if strides(operand) != (0,)]
    if any([strides(operand) != (1,) or not is_aligned(operand.view, VECTOR) for operand in long]):
        return 1
    dtypes = {operand.view.dtype for operand in long}
    count = {np.dtype(np.float32): 4, np.dtype(np.float64): 2}.get(*dtypes, 1) if len(dtypes) == 1 else 1
    if axes is nest.kept:
        return count
    starts = [axes.extents[0], nest.chunk, *[operand.apart for operand in long]]
    return count if all([n % count == 0 for n in starts]) else 1


def _by_vectors(nest: Nest, signature: Signature, count: int) -> list[str]:
    """The lines of a flat loop in which a thread takes so many neighbours at a time."""
    n = signature.local("n", nest.kept.extents[0])
    last = [f"k0 = n - n % {count} + cuda.grid(1)", "if k0 < n:",
            *_indented(_body(nest, lambda v: _element(nest.operand_of[v])))]
    step = f"step = {count} * cuda.gridsize(1)"
    whole = _counting("i", f"{count} * cuda.grid(1)", f"n - {count - 1}", "step")
    return [f"n = {n}", step, *whole, *_indented([*_vector_body(nest, count, "i"), "i += step"]), *last]


def _vector_body(nest: Nest, count: int, flat: str, bases: dict[tuple, str] | None = None) -> list[str]:
    """The lines of so many elements from a flat index on, along the kept axis, or from bases on along the reduced."""
    along = (lambda operand: operand.kept) if bases is None else (lambda operand: operand.reduced)
    long = {v: operand for v, operand in nest.operand_of.items() if along(operand) == (1,)}
    word = dtype_word(next(iter(long.values())).view.dtype)
    parts = [f"_{lane}" for lane in range(count)]
    names = {v: f"{operand.pointer}{nest.mark}" for v, operand in long.items()}
    lines, loaded = [], set()

    def place(v: Var) -> str:
        base = (bases or {}).get((long[v].pointer, long[v].kept))
        return f"{long[v].pointer}, {' + '.join(filter(None, [base, flat]))}"

    for v in nest.loop.reads:
        if v in long and place(v) not in loaded:
            loaded.add(place(v))
            names[v] += f"_{len(loaded)}"
            lines.append(f"{', '.join([names[v] + part for part in parts])} = load_{word}x{count}({place(v)})")
        elif v in long:
            names[v] = next(names[w] for w in nest.loop.reads if w in long and place(w) == place(v))
    writers = [_Writer(nest, part) for part in parts]
    for writer, part in zip(writers, parts):
        lines += writer.loads(lambda v: f"{names[v]}{part}" if v in long else _element(nest.operand_of[v], bases))
        lines += writer.computed()
    for v in writers[0].written:
        lines.append(f"store_{word}x{count}({place(v)}, {', '.join([writer.names[v] for writer in writers])})")
    return [*lines, *[line for writer in writers for line in writer.accumulated()]]


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
