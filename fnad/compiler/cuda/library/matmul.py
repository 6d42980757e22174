"""Matrix products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from math import prod

import numpy as np

from fnad.compiler.cuda.library.launch import Launches, Row, Workspace, WrittenKernel, copied, row
from fnad.compiler.operands import float_bits
from fnad.ir.primitive import Primitive
from fnad.kernels.cuda import matmul as kernels
from fnad.kernels.cuda.matmul import Tile
from fnad.kernels.cuda.sizes import THREADS, WIDEST
from fnad.kernels.cuda.writing import WIDTHS
from fnad.kernels.dtypes import COMPUTED, FLOATS, INTEGERS
from fnad.ops import contractions as ops
from fnad.ops.strides import transpose
from fnad.runtime.cuda.cublas import Matrix, Multiplication
from fnad.runtime.plan import GridLaunch, Multiply, View
from fnad.runtime.views import is_aligned, require_matrix_layout, whole

ENOUGH = 256
"""Blocks that keep a device busy: about two for each multiprocessor of a large one."""
PIECE, VECTOR_PIECE = 256, 2048
"""The least terms of a sum that are worth a block of their own, for matrices and for vectors."""

WIDE = {"float32": Tile(128, 64, 16, 8, 2), "float64": Tile(128, 64, 8, 8, 1)}
MIDDLE, SMALL = Tile(64, 64, 16, 4, 2), Tile(32, 32, 16, 4, 8)
TALL, FLAT = Tile(64, 16, 16, 4, 8), Tile(16, 64, 16, 4, 8)
THIN = 16
"""Rows or columns for which there are tiles as thin as that."""


@dataclass(frozen=True)
class Finish:
    """The final step on sums: an epilogue of the kernels with its operands and numbers."""

    epilogue: str = ""
    operands: tuple[View, ...] = ()
    numbers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Product:
    """C = finish(A B) for views (..., m, k), (..., k, n) and (..., m, n), the axes before the last two a batch."""

    a: View
    b: View
    c: View
    finish: Finish
    label: str

    @property
    def sizes(self) -> tuple[int, int, int]:
        return *self.a.shape[-2:], self.b.shape[-1]

    @property
    def word(self) -> str:
        return self.c.dtype.name

    @property
    def transposed(self) -> Product:
        """The same as C^T = B^T A^T."""
        a, b, c = (_transposed(view) for view in (self.b, self.a, self.c))
        return replace(self, a=a, b=b, c=c)

    @property
    def axes(self) -> int:
        """The number of batch axes."""
        return len(self.c.shape) - 2

    @property
    def count(self) -> int:
        """The number of products."""
        return prod(self.c.shape[:-2])


def matmul(a: View, b: View, c: View, workspace: Workspace, alpha: float = 1.0, beta: float = 0.0) -> list[GridLaunch]:
    """C = alpha A B + beta C for views (..., m, k), (..., k, n) and (..., m, n) of one dtype.

    The axes before the last two are the batch, of the same extents in all three; a stride of 0 broadcasts.
    Where beta is 0, C is not read.
    """
    scaled = (alpha, beta) != (1.0, 0.0)
    if c.dtype in FLOATS:
        numbers = {"alpha_bits": float_bits(alpha, c.dtype), "beta_bits": float_bits(beta, c.dtype)}
    else:
        numbers = {"alpha": int(alpha), "beta": int(beta)}
    return launches_of(Product(a, b, c, Finish("scaled", (), numbers) if scaled else Finish(), "matmul"), workspace)


def launches_of(product: Product, workspace: Workspace) -> list[GridLaunch]:
    """The launches of a product: one, or two where sums are made in pieces."""
    if 0 in product.c.shape:
        return []
    m, _, n = product.sizes
    if product.c.dtype not in FLOATS:
        return [_plain(product)]
    product = merged(product)
    if n == 1:
        return _matvec(product, workspace, 0)
    if m == 1:
        return _matvec(product.transposed, workspace, 1)
    transposed, _ = require_matrix_layout(product.c)
    return _tiled(product.transposed if transposed else product, workspace)


def _tiled(product: Product, workspace: Workspace) -> list[GridLaunch]:
    (m, k, n), word = product.sizes, product.word
    tile = _tile(m, k, n, product.count, word)
    blocks = product.count * -(-m // tile.rows) * -(-n // tile.columns)
    size, pieces = _pieces(k, blocks, PIECE, tile.depth)
    main, partial = _with_partial(product, pieces, workspace)
    views, width = (main.a, main.b, main.c), WIDTHS[word]
    layouts, is_whole = [require_matrix_layout(view) for view in views], [_is_whole(view, width) for view in views]
    if main.finish.operands:
        is_whole[2] = is_whole[2] and is_aligned(main.finish.operands[0], WIDEST)
    along_k = (not layouts[0][0], layouts[1][0])
    kernel = _tiled_kernel(word, tile, along_k, tuple(is_whole), main.finish.epilogue, main.axes)
    rows = {f"{name}_row": row for name, (_, row) in zip("abc", layouts)}
    made = _launch(kernel, main, partial, {"m": m, "n": n, "k": k, **rows, "piece": size}, blocks * pieces)
    return [made] if partial is None else [made, sum_of_pieces(partial, product.c, product.label, product.finish)]


def _tile(m: int, k: int, n: int, count: int, word: str) -> Tile:
    """The largest tile that is no waste and of which there are enough, with the pieces of long sums if need be."""
    if n <= THIN:
        return TALL
    if m <= THIN:
        return FLAT
    large = [tile for tile in (WIDE[word], MIDDLE) if m > tile.rows // 2 and n > tile.columns // 2]
    blocks = [count * -(-m // tile.rows) * -(-n // tile.columns) for tile in large]
    for pieces in (1, k // PIECE):
        for tile, number in zip(large, blocks):
            if number * pieces >= ENOUGH:
                return tile
    return SMALL


def _pieces(k: int, blocks: int, least: int, multiple: int) -> tuple[int, int]:
    """Terms in a piece of each sum, a multiple of `multiple`, and the number of pieces."""
    wanted = min(-(-ENOUGH // blocks), k // least)
    if wanted <= 1:
        return k, 1
    size = -(-k // (wanted * multiple)) * multiple
    return size, -(-k // size)


def _with_partial(product: Product, pieces: int, workspace: Workspace) -> tuple[Product, View | None]:
    """The product as it is, or one that leaves its pieces in a workspace, and their view."""
    if pieces == 1:
        return product, None
    dtype, shape = product.c.dtype, product.c.shape
    partial = whole(workspace(pieces * prod(shape) * dtype.itemsize), (pieces, *shape), dtype)
    first = replace(partial, shape=shape, strides=partial.strides[1:])
    return replace(product, c=first, finish=Finish()), partial


def sum_of_pieces(
    partial: View, c: View, label: str, finish: Finish = Finish(), bias_steps: tuple[int, int] = (0, 1),
) -> GridLaunch:
    """The launch that adds up the pieces of sums, whose first axis they are, and finishes them."""
    (m, n), size = c.shape[-2:], prod(c.shape)
    numbers = {"size": size, "m": m, "n": n, "c_row": _row(c), "bias_row": bias_steps[0], "bias_column": bias_steps[1]}
    numbers |= {**finish.numbers, "pieces": partial.shape[0], **_steps(c=c)}
    kernel = _sum_kernel(c.dtype.name, finish.epilogue, len(c.shape) - 2)
    return kernel.launch(f"sum of {label}", (partial, c, *finish.operands), numbers, -(-size // THREADS))


def _matvec(product: Product, workspace: Workspace, bias_row: int) -> list[GridLaunch]:
    """A product of a matrix and a vector, (m, k) by (k, 1); a bias has a number for each row, or one (`bias_row` 0)."""
    m, k, _ = product.sizes
    transposed, row = require_matrix_layout(product.a)
    lanes = 8 if transposed else 32 if product.count * m >= 64 or k <= 256 else THREADS
    blocks = product.count * -(-m // (THREADS // lanes))
    size, pieces = _pieces(k, blocks, VECTOR_PIECE, 4 * lanes)
    main, partial = _with_partial(product, pieces, workspace)
    kernel = _matvec_kernel(product.word, not transposed, lanes, main.finish.epilogue, main.axes)
    rows = {"a_row": row, "b_row": _row(main.b), "c_row": _row(main.c), "bias_row": bias_row}
    made = _launch(kernel, main, partial, {"m": m, "k": k, **rows, "piece": size}, blocks * pieces)
    if partial is None:
        return [made]
    return [made, sum_of_pieces(partial, product.c, product.label, product.finish, (bias_row, 0))]


def _plain(product: Product) -> GridLaunch:
    m, k, n = product.sizes
    views = {"a": product.a, "b": product.b, "c": product.c}
    strides = {
        f"{name}_{axis}": stride // view.dtype.itemsize
        for name, view in views.items() for axis, stride in zip(("row", "column"), view.strides[-2:])
    }
    kernel = _plain_kernel(product.word, bool(product.finish.epilogue), product.axes)
    blocks = product.count * -(-m // kernels.SIDE) * -(-n // kernels.SIDE)
    return _launch(kernel, product, None, {"m": m, "n": n, "k": k, **strides}, blocks)


def _launch(
    kernel: WrittenKernel, main: Product, partial: View | None, numbers: Mapping[str, int], blocks: int,
) -> GridLaunch:
    """The launch of what makes a product, or the pieces of its sums."""
    operands = main.a, main.b, partial or main.c, *main.finish.operands
    told = {**numbers, **main.finish.numbers, "c_piece": prod(main.c.shape), **_steps(a=main.a, b=main.b, c=main.c)}
    return kernel.launch(main.label, operands, told, blocks)


def _steps(**views: View) -> dict[str, int]:
    """For each axis of the batch its extent, and the elements from one matrix to the next of each."""
    numbers = {f"extent{axis}": extent for view in views.values() for axis, extent in enumerate(view.shape[:-2])}
    for name, view in views.items():
        steps = enumerate(view.strides[:-2])
        numbers |= {f"{name}_step{axis}": stride // view.dtype.itemsize for axis, stride in steps}
    return numbers


@cache
def _tiled_kernel(
    word: str, tile: Tile, along_k: tuple[bool, bool], is_whole: tuple[bool, bool, bool], epilogue: str, axes: int,
) -> WrittenKernel:
    source = kernels.tiled_source(word, tile, along_k, is_whole, epilogue, axes)
    return WrittenKernel.of(source, "matmul", word, tile.threads, tile.min_blocks)


@cache
def _matvec_kernel(word: str, along_k: bool, lanes: int, epilogue: str, axes: int) -> WrittenKernel:
    return WrittenKernel.of(kernels.matvec_source(word, along_k, lanes, epilogue, axes, THREADS), "matvec", word)


@cache
def _sum_kernel(word: str, epilogue: str, axes: int) -> WrittenKernel:
    return WrittenKernel.of(kernels.sum_source(word, epilogue, axes), "sum", word)


@cache
def _plain_kernel(word: str, scaled: bool, axes: int) -> WrittenKernel:
    return WrittenKernel.of(kernels.plain_source(word, scaled, axes), "matmul_plain", word, kernels.SIDE**2)


# --- layouts ----------------------------------------------------------------------------------


def _transposed(view: View) -> View:
    axes = range(len(view.shape) - 2)
    return transpose(view, (*axes, len(axes) + 1, len(axes)))


def _row(view: View) -> int:
    """Elements from one row to the next."""
    return view.strides[-2] // view.dtype.itemsize if view.shape[-2] > 1 else view.shape[-1]


def _is_whole(view: View, width: int) -> bool:
    """Whether every line of the matrices can be taken 16 bytes at a time."""
    transposed, row = require_matrix_layout(view)
    across = view.shape[-2] if transposed else view.shape[-1]
    steps = [stride for n, stride in zip(view.shape[:-2], view.strides) if n > 1]
    return across % width == 0 and row % width == 0 and is_aligned(view, WIDEST) and not any(s % WIDEST for s in steps)


def merged(product: Product) -> Product:
    """The same product with axes of the batch made one where they lie like one in all three."""
    views = [product.a, product.b, product.c]
    axes: list[list[int]] = []
    for axis, extent in enumerate(product.c.shape[:-2]):
        strides = [view.strides[axis] for view in views]
        if extent == 1:
            continue
        if axes and all(before == extent * stride for before, stride in zip(axes[-1][1:], strides)):
            axes[-1] = [axes[-1][0] * extent, *strides]
        else:
            axes.append([extent, *strides])
    extents = tuple(axis[0] for axis in axes)
    a, b, c = (
        replace(view, shape=(*extents, *view.shape[-2:]), strides=(*(axis[i] for axis in axes), *view.strides[-2:]))
        for i, view in enumerate(views, start=1)
    )
    return replace(product, a=a, b=b, c=c)


# --- for a library of the device --------------------------------------------------------------


def multiplication(a: View, b: View, c: View, alpha: float = 1.0, beta: float = 0.0) -> Multiplication | None:
    """C = alpha A B + beta C, as `matmul`; None where cuBLAS has no routine for the dtype or the batch."""
    if c.dtype not in FLOATS or 0 in (*c.shape, a.shape[-1]):
        return None
    product = merged(Product(a, b, c, Finish(), ""))
    if len(product.c.shape) > 3:
        return None
    if require_matrix_layout(product.c)[0]:
        product = product.transposed
    m, k, n = product.sizes
    left, right, out = (_matrix(view) for view in (product.b, product.a, product.c))
    return Multiplication(left, right, out, n, m, k, product.count, float(alpha), float(beta))


def _matrix(view: View) -> Matrix:
    transposed, row = require_matrix_layout(view)
    step = view.strides[0] // view.dtype.itemsize if len(view.shape) == 3 else 0
    return Matrix(view, transposed, row, step)


def _offered(
    a: View, b: View, c: View, workspace: Workspace, alpha: float = 1.0, beta: float = 0.0,
) -> list[GridLaunch | Multiply]:
    """The launches of `matmul`, or in their place what multiplies matrices on the device."""
    made, product = matmul(a, b, c, workspace, alpha, beta), multiplication(a, b, c, alpha, beta)
    return made if product is None else [Multiply(product, tuple(made))]


# --- rows -------------------------------------------------------------------------------------


def _matmul_add(c: View, a: View, b: View, out: View, workspace: Workspace, alpha: float) -> Launches:
    return [*copied(c, out), *_offered(a, b, out, workspace, alpha, 1.0)]


LAUNCHES: dict[Primitive, Row] = {
    ops.matmul: row(_offered, COMPUTED - {np.dtype(bool)}, takes_workspace=True),
    ops.matmul_add: row(_matmul_add, (*FLOATS, *INTEGERS), takes_workspace=True),
}
