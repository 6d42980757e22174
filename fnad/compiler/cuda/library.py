"""Launches of the hand-written kernels of fnad/kernels/cuda but for matrix products, from views of their operands.

Operands are C-contiguous. Sizes of grids and the choice among kernels follow from shapes alone, so that every device
gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from types import MappingProxyType

from fnad.compiler.expressions import COMBINATIONS
from fnad.compiler.passes.lowering import COMPUTED, COPIED
from fnad.kernels.cuda.sizes import CHUNK, THREADS, WARP
from fnad.kernels.dtypes import DTYPES, dtype_word
from fnad.runtime import views
from fnad.runtime.failures import Failure, NegativePower, OutOfBounds
from fnad.runtime.plan import Copy, GridKernel, GridLaunch, Place, View

MOST_ALONG_Y = 65535
"""Blocks of a grid along y, at most."""

Triple = tuple[int, int, int]
Launches = list[GridLaunch | Copy]
Workspace = Callable[[int], int]
"""Gives the number of a buffer of so many bytes, which the launches may use."""


def launch(
    label: str, call: str, operands: dict[str, View], numbers: dict[str, int], grid: Triple,
    block: Triple = (THREADS, 1, 1), fails: Failure | None = None, carriers: Mapping[str, str] = MappingProxyType({}),
) -> GridLaunch:
    """A launch of the kernel that makes one call, whose arguments are operands and numbers by their names.

    The kernel takes the elements of an operand that is among the `carriers` for those of another dtype.
    """
    pointers = tuple([carriers.get(operand, dtype_word(view.dtype)) for operand, view in operands.items()])
    names = [*operands, *numbers, *(("status", "number") if fails else ())]
    source = f"def kernel({', '.join(names)}):\n    {call}\n"
    name = "_".join([label.replace(" ", "_"), *dict.fromkeys(pointers)])
    kernel = GridKernel(name, source, pointers, len(numbers), block, reports=fails is not None)
    return GridLaunch(kernel, tuple(operands.values()), tuple(numbers.values()), grid, label, fails)


def grid_of_threads(rows: int, columns: int) -> tuple[Triple, Triple]:
    """The grid and the block that cover a matrix with threads, as fnad/kernels/cuda/grids.py says."""
    across = min(THREADS, power_of_2_from(columns))
    down = THREADS // across
    return _grid(-(-rows // down), -(-columns // across)), (across, down, 1)


def grid_of_warps(rows: int, columns: int) -> tuple[Triple, Triple]:
    """The same with warps."""
    across = min(THREADS // WARP, power_of_2_from(columns))
    down = THREADS // WARP // across
    return _grid(-(-rows // down), -(-columns // across)), (WARP, across, down)


def _grid(down: int, across: int) -> Triple:
    along_y = min(across, MOST_ALONG_Y)
    return down, along_y, -(-across // along_y)


def power_of_2_from(n: int) -> int:
    """The smallest power of 2 that is not less than n > 0."""
    return 1 << (n - 1).bit_length()


def power_of_2_to(n: int) -> int:
    """The largest power of 2 that is not more than n > 0."""
    return 1 << n.bit_length() - 1


# --- along an axis ----------------------------------------------------------------------------

SHORT = 16
"""A line of so few elements is one thread's, wherever they lie."""

MANY = 65536
"""So many lines, if neighbouring ones lie side by side, are a thread's each; else they are a warp's each."""

LONG, FEW = 16384, 64
"""So few lines of so many elements are shared by more threads than a warp's."""


def cumulative(x: View, out: View, axis: int, combine: str, workspace: Workspace) -> Launches:
    """Cumulative sums (`combine` is "add") or products ("multiply") along an axis; all C-contiguous."""
    outer, n, inner = _around(x.shape, axis)
    # In another order than that of the axis, a product of floats may overflow where it does not, and give nan for 0.
    if n >= LONG and 0 < outer * inner <= FEW and (combine == "add" or x.dtype.kind in "biu"):
        return _accumulate_by_chunks(x, out, axis, combine, workspace)
    return _along_axis("accumulate", f"cumulative {combine}", combine, {"x": x, "out": out}, axis)


def _accumulate_by_chunks(x: View, out: View, axis: int, combine: str, workspace: Workspace) -> Launches:
    """The totals of whole chunks, these accumulated, then each chunk accumulated on top of those before it."""
    outer, n, inner = _around(x.shape, axis)
    chunks, label = -(-n // CHUNK), f"cumulative {combine}"
    shape = (outer * inner, chunks - 1)
    totals = views.whole(workspace(prod(shape) * x.dtype.itemsize), shape, x.dtype)
    neutral = f"{dtype_word(x.dtype)}({0 if combine == 'add' else 1})"
    sizes = {"n": n, "inner": inner}
    return [
        launch(
            f"{label} of chunks", f"total_chunks({combine}, x, totals, n, inner)", {"x": x, "totals": totals}, sizes,
            (chunks - 1, outer, inner),
        ),
        *_along_axis("accumulate", label, combine, {"x": totals, "out": totals}, 1),
        launch(
            f"{label} in chunks", f"accumulate_chunks({combine}, {neutral}, x, totals, out, n, inner)",
            {"x": x, "totals": totals, "out": out}, sizes, (chunks, outer, inner),
        ),
    ]


def recurrence(a: View, b: View, out: View, axis: int) -> Launches:
    """out[j] = a[j] out[j - 1] + b[j] along an axis; all C-contiguous."""
    return _along_axis("recur", "recurrence", "", {"a": a, "b": b, "out": out}, axis)


EXTREMES = {"argmax": "is_above", "argmin": "is_below"}


def extreme_place(x: View, out: View, axis: int, name: str, workspace: Workspace) -> Launches:
    """The first places of the extremes, a key of EXTREMES, along an axis, as int64."""
    outer, n, inner = _around(x.shape, axis)
    if n >= LONG and 0 < outer * inner <= FEW:
        return _extreme_of_chunks(x, out, axis, name, workspace)
    return _along_axis("find_extreme", name, EXTREMES[name], {"x": x, "out": out}, axis)


def _extreme_of_chunks(x: View, out: View, axis: int, name: str, workspace: Workspace) -> Launches:
    """The places of the extremes of chunks, then the extreme among these."""
    (outer, n, inner), replaces = _around(x.shape, axis), EXTREMES[name]
    chunks = -(-n // CHUNK)
    shape = (outer * inner, chunks)
    places = views.whole(workspace(prod(shape) * out.dtype.itemsize), shape, out.dtype)
    grid, block = grid_of_warps(outer, inner)
    return [
        launch(
            f"{name} of chunks", f"find_extremes_of_chunks({replaces}, x, places, n, inner)",
            {"x": x, "places": places}, {"n": n, "inner": inner}, (chunks, outer, inner),
        ),
        launch(
            f"{name} among chunks", f"find_extreme_of_places({replaces}, x, places, out, chunks, outer, n, inner)",
            {"x": x, "places": places, "out": out}, {"chunks": chunks, "outer": outer, "n": n, "inner": inner},
            grid, block,
        ),
    ]


def _around(shape: tuple[int, ...], axis: int) -> Triple:
    """The elements before an axis, along it, and behind it."""
    return prod(shape[:axis]), shape[axis], prod(shape[axis + 1 :])


def _along_axis(function: str, label: str, how: str, operands: dict[str, View], axis: int) -> Launches:
    """A kernel for lines along an axis, by a thread or by a warp for each."""
    outer, n, inner = _around(next(iter(operands.values())).shape, axis)
    sizes, arguments = {"outer": outer, "n": n, "inner": inner}, ", ".join([*filter(None, [how]), *operands])
    if 0 in (outer, n, inner):
        return []
    if n <= SHORT or inner >= WARP and outer * inner >= MANY:
        call = f"{function}({arguments}, outer, n, inner)"
        return [launch(label, call, operands, sizes, *grid_of_threads(outer, inner))]
    call = f"{function}_by_warp({arguments}, outer, n, inner)"
    return [launch(f"{label} by warps", call, operands, sizes, *grid_of_warps(outer, inner))]


# --- powers of integers -----------------------------------------------------------------------


def integer_powers(x: View, y: View, out: View) -> Launches:
    """out = x ** y, element by element, of integers of one dtype; all C-contiguous."""
    size = prod(out.shape)
    if size == 0:
        return []
    call = "integer_powers(x, y, out, n, status, number)"
    operands = {"x": x, "y": y, "out": out}
    return [launch("power", call, operands, {"n": size}, *grid_of_threads(size, 1), fails=NegativePower())]


# --- integer indexing -------------------------------------------------------------------------

_CARRIERS = {1: "uint8", 2: "uint16", 4: "uint32", 8: "uint64", 16: "uint32"}
"""What a gather, which only copies, moves so many bytes as: the widest that slices and their places are made of."""


def gather(x: View, indices: Sequence[View], out: View) -> Launches:
    """out[i] = x[indices[0][i], indices[1][i], ...]; all C-contiguous, indices int64 of (n,)."""
    rows, nbytes = prod(indices[0].shape), prod(x.shape[len(indices) :]) * x.dtype.itemsize
    if rows == 0:
        return []
    width = next(w for w in reversed(_CARRIERS) if nbytes % w == 0 and all([views.is_aligned(v, w) for v in (x, out)]))
    move, size = "move_16_bytes" if width == 16 else "move_element", nbytes // width
    operands, numbers, index_tuples = _index_arguments(x, indices)
    call = f"gather({move}, x, out, {index_tuples}, n, size, status, number)"
    return [
        launch(
            "gather", call, {"x": x, "out": out, **operands}, {"n": rows, "size": size, **numbers},
            *grid_of_threads(rows, max(size, 1)), fails=OutOfBounds(tuple(numbers.values())),
            carriers=dict.fromkeys(("x", "out"), _CARRIERS[width]),
        )
    ]


BLOCKS = 512
"""Blocks of a scatter, about: each looks through all indices."""


def scatter(out: View, indices: Sequence[View], updates: View, mode: str) -> Launches:
    """out[indices[0][i], ...] = combined with updates[i], i = 0, 1, ... in this order.

    `mode` is a key of COMBINATIONS. Layouts as for `gather`; `out` holds the array already.
    """
    rank = len(indices)
    rows, slices, size = prod(indices[0].shape), prod(out.shape[:rank]), prod(out.shape[rank:])
    if rows == 0:
        return []
    columns = min(THREADS, power_of_2_from(max(size, 1)))
    tiles, groups = max(-(-size // columns), 1), THREADS // columns
    parts = power_of_2_to(max(1, min(BLOCKS // tiles, slices, rows)))
    operands, numbers, index_tuples = _index_arguments(out, indices)
    sizes = {"n": rows, "size": size, "part_bits": parts.bit_length() - 1}
    call = f"scatter({COMBINATIONS[mode]}, out, updates, {index_tuples}, n, size, part_bits, status, number)"
    return [
        launch(
            "scatter", call, {"out": out, "updates": updates, **operands}, {**sizes, **numbers}, (tiles, parts, 1),
            (columns, groups, 1), fails=OutOfBounds(tuple(numbers.values())),
        )
    ]


def _index_arguments(array: View, indices: Sequence[View]) -> tuple[dict[str, View], dict[str, int], str]:
    """The index operands and the extents of their axes by name, and the two tuples of them in kernel source."""
    operands = {f"index_{j}": index for j, index in enumerate(indices)}
    numbers = {f"extent_{j}": extent for j, extent in zip(range(len(indices)), array.shape)}
    return operands, numbers, f"({', '.join(operands)},), ({', '.join(numbers)},)"


# --- rows: (input views, output views, workspace, **params) -> launches, or None where the dtypes do not fit ----


def _power(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace) -> Launches | None:
    takes = outputs[0].dtype.kind in "iu" and outputs[0].dtype in DTYPES
    return integer_powers(*inputs, *outputs) if takes else None


def _gather(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace) -> Launches | None:
    x, *indices = inputs
    return gather(x, indices, outputs[0]) if x.dtype in COPIED else None


def _scatter(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, mode: str) -> Launches | None:
    x, updates, *indices = inputs
    (out,) = outputs
    if out.dtype not in COMPUTED:
        return None
    return [*copied(x, out), *scatter(out, indices, updates, mode)]


def copied(x: View, out: View) -> Launches:
    """The copy of a C-contiguous array, unless it is there."""
    places, nbytes = [Place(view.buffer, view.offset) for view in (x, out)], prod(x.shape) * x.dtype.itemsize
    return [Copy(*places, nbytes)] if nbytes and places[0] != places[1] else []


def _cumulative(combine: str) -> Callable[..., Launches | None]:
    def row(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, axis: int) -> Launches | None:
        return cumulative(*inputs, *outputs, axis, combine, workspace) if outputs[0].dtype in COMPUTED else None

    return row


def _recurrence(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, axis: int) -> Launches | None:
    return recurrence(*inputs, *outputs, axis) if outputs[0].dtype in DTYPES else None


def _extreme_place(name: str) -> Callable[..., Launches | None]:
    def row(inputs: Sequence[View], outputs: Sequence[View], workspace: Workspace, axis: int) -> Launches | None:
        return extreme_place(*inputs, *outputs, axis, name, workspace) if inputs[0].dtype in DTYPES else None

    return row


LAUNCHES: dict[str, Callable[..., Launches | None]] = {
    "power": _power,
    "gather": _gather, "scatter": _scatter, "cumsum": _cumulative("add"), "cumprod": _cumulative("multiply"),
    "recurrence": _recurrence, "argmax": _extreme_place("argmax"), "argmin": _extreme_place("argmin"),
}
