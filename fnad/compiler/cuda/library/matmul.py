"""Matrix products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from math import prod

import numpy as np

from fnad.compiler.cuda.library.launch import Launches, Row, Workspace, copied, row
from fnad.compiler.operands import float_bits
from fnad.compiler.passes.lowering import COMPUTED
from fnad.kernels.cuda import matmul as kernels
from fnad.kernels.cuda.matmul import Tile
from fnad.kernels.cuda.sizes import THREADS
from fnad.kernels.dtypes import FLOATS, INTEGERS
from fnad.runtime.cuda.cublas import Matrix, Multiplication
from fnad.runtime.plan import GridKernel, GridLaunch, Multiply, View
from fnad.runtime.views import is_aligned, require_matrix_layout, transpose, whole

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
    """What is done to the sums: an epilogue of the kernels with its operands and numbers."""

    epilogue: str = ""
    operands: tuple[View, ...] = ()
    numbers: tuple[int, ...] = ()


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
    def count(self) -> int:
        """How many products there are."""
        return prod(self.c.shape[:-2])


def matmul(a: View, b: View, c: View, workspace: Workspace, alpha: float = 1.0, beta: float = 0.0) -> list[GridLaunch]:
    """C = alpha A B + beta C for views (..., m, k), (..., k, n) and (..., m, n) of one dtype.

    The axes before the last two are the batch, of the same extents in all three; a stride of 0 broadcasts.
    Where beta is 0, C is not read.
    """
    scaled = (alpha, beta) != (1.0, 0.0)
    if c.dtype in FLOATS:
        numbers = (float_bits(alpha, c.dtype), float_bits(beta, c.dtype))
    else:
        numbers = (int(alpha), int(beta))
    return launches_of(Product(a, b, c, Finish("scaled", (), numbers) if scaled else Finish(), "matmul"), workspace)


def launches_of(product: Product, workspace: Workspace) -> list[GridLaunch]:
    """What makes a product: one launch, or two where sums are made in pieces."""
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
    (m, k, n), word, views = product.sizes, product.word, (product.a, product.b, product.c)
    layouts = [require_matrix_layout(view) for view in views]
    tile = _tile(m, k, n, product.count, word)
    blocks = product.count * -(-m // tile.rows) * -(-n // tile.columns)
    size, pieces = _pieces(k, blocks, PIECE, tile.depth)
    along_k = (not layouts[0][0], layouts[1][0])
    width = kernels.WIDTHS[word]
    main, partial = _with_partial(product, pieces, workspace)
    is_whole = [_is_whole(view, width) for view in (product.a, product.b, main.c)]
    if main.finish.operands:
        is_whole[2] = is_whole[2] and is_aligned(main.finish.operands[0], 16)
    kernel = _tiled_kernel(word, tile, along_k, tuple(is_whole), main.finish.epilogue, len(main.c.shape) - 2)
    rows = [row for _, row in layouts[:2]] + [require_matrix_layout(main.c)[1]]
    params = (m, n, k, *rows, *main.finish.numbers, size, product.count * m * n, *_batch(main))
    made = _launch(kernel, main, partial, params, blocks * pieces)
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
    (m, n), size, itemsize = c.shape[-2:], prod(c.shape), c.dtype.itemsize
    batch = [number for extent, stride in zip(c.shape[:-2], c.strides) for number in (extent, stride // itemsize)]
    biased = bias_steps if finish.operands else ()
    params = (size, m, n, _row(c), *biased, *finish.numbers, partial.shape[0], *batch)
    kernel = _sum_kernel(c.dtype.name, finish.epilogue, len(c.shape) - 2)
    return GridLaunch(kernel, (partial, c, *finish.operands), params, (-(-size // THREADS), 1, 1), f"sum of {label}")


def _matvec(product: Product, workspace: Workspace, bias_row: int) -> list[GridLaunch]:
    """A product of a matrix and a vector, (m, k) by (k, 1); a bias has a number for each row, or one (`bias_row` 0)."""
    m, k, _ = product.sizes
    transposed, row = require_matrix_layout(product.a)
    lanes = 8 if transposed else 32 if product.count * m >= 64 or k <= 256 else THREADS
    blocks = product.count * -(-m // (THREADS // lanes))
    size, pieces = _pieces(k, blocks, VECTOR_PIECE, 4 * lanes)
    main, partial = _with_partial(product, pieces, workspace)
    kernel = _matvec_kernel(product.word, not transposed, lanes, main.finish.epilogue, len(main.c.shape) - 2)
    biased = (bias_row,) if main.finish.operands else ()
    rows = row, _row(main.b), _row(main.c)
    params = (m, k, *rows, *biased, *main.finish.numbers, size, product.count * m, *_batch(main))
    made = _launch(kernel, main, partial, params, blocks * pieces)
    if partial is None:
        return [made]
    return [made, sum_of_pieces(partial, product.c, product.label, product.finish, (bias_row, 0))]


def _launch(
    kernel: GridKernel, main: Product, partial: View | None, params: tuple[int, ...], blocks: int,
) -> GridLaunch:
    operands = main.a, main.b, partial or main.c, *main.finish.operands
    return GridLaunch(kernel, operands, params, (blocks, 1, 1), main.label)


def _plain(product: Product) -> GridLaunch:
    m, k, n = product.sizes
    a, b, c, finish = product.a, product.b, product.c, product.finish
    steps = [stride // view.dtype.itemsize for view in (a, b, c) for stride in view.strides[-2:]]
    kernel = _plain_kernel(product.word, bool(finish.epilogue), len(c.shape) - 2)
    blocks = product.count * -(-m // kernels.SIDE) * -(-n // kernels.SIDE)
    params = (m, n, k, *steps, *finish.numbers, *_batch(product))
    return GridLaunch(kernel, (a, b, c), params, (blocks, 1, 1), product.label)


@cache
def _tiled_kernel(
    word: str, tile: Tile, along_k: tuple[bool, bool], is_whole: tuple[bool, bool, bool], epilogue: str, axes: int,
) -> GridKernel:
    made = kernels.tiled_source(word, tile, along_k, is_whole, epilogue, axes)
    return made_kernel("matmul", word, made, tile.threads, tile.min_blocks)


@cache
def _matvec_kernel(word: str, along_k: bool, lanes: int, epilogue: str, axes: int) -> GridKernel:
    return made_kernel("matvec", word, kernels.matvec_source(word, along_k, lanes, epilogue, axes, THREADS), THREADS)


@cache
def _sum_kernel(word: str, epilogue: str, axes: int) -> GridKernel:
    return made_kernel("sum", word, kernels.sum_source(word, epilogue, axes), THREADS)


@cache
def _plain_kernel(word: str, scaled: bool, axes: int) -> GridKernel:
    return made_kernel("matmul_plain", word, kernels.plain_source(word, scaled, axes), kernels.SIDE**2)


Made = tuple[str, list[str], list[str]]
"""A kernel's source, and the names of its pointers and numbers."""


def made_kernel(name: str, word: str, made: Made, threads: int, min_blocks: int = 0) -> GridKernel:
    source, pointers, numbers = made
    return GridKernel(f"{name}_{word}", source, (word,) * len(pointers), len(numbers), (threads, 1, 1), min_blocks)


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
    return across % width == 0 and row % width == 0 and is_aligned(view, 16) and not any(s % 16 for s in steps)


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


def _batch(product: Product) -> list[int]:
    """For each axis of the batch its extent, and the elements from one matrix to the next of A, B and C."""
    views = product.a, product.b, product.c
    return [
        number for axis, extent in enumerate(product.c.shape[:-2])
        for number in (extent, *(view.strides[axis] // view.dtype.itemsize for view in views))
    ]


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


LAUNCHES: dict[str, Row] = {
    "matmul": row(_offered, COMPUTED - {np.dtype(bool)}, takes_workspace=True),
    "matmul_add": row(_matmul_add, (*FLOATS, *INTEGERS), takes_workspace=True),
}
