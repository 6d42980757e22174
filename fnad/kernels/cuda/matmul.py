"""Matrix products C = alpha op(A) op(B) + beta C over row-major views, op a transpose or not, for any dtype.

A block of threads makes a tile of C. It walks along k, a tile of A and one of B at a time: these pass from global
memory through registers into shared memory, where both are kept with k as the slow axis, and each thread adds the
products of a few elements of either to its own part of C, which stays in registers. There are two buffers in shared
memory: while one is multiplied, the next tiles are on their way into the other, so that one barrier a step is enough.

Floats are fetched 16 bytes at a time where rows start and end at multiples of that ("whole"), element by element
otherwise; what lies outside of a matrix counts as 0 and is not touched. Long sums for few elements of C are cut into
pieces, made by different blocks and added up in order by another kernel (`sum_source`): no result depends on which
thread comes first.

Matrix-vector products have a kernel of their own, where neighbouring threads share a sum and add up in a tree, and
dtypes other than float32 and float64 one that is written plainly.

Each function ending in `_source` writes a kernel. The words that they use beside those of every kernel are in tiles.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from fnad.kernels.cuda.writing import (
    EPILOGUES, LOAD, OLD_LINES, STORE, WIDTHS, Source, batch_lines, in_a_tree, scales, steps, written,
)

# --- floats -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tile:
    """A block's tile: `rows` x `columns` of C in steps of `depth`, each thread `across` rows x 4 columns."""

    rows: int
    columns: int
    depth: int
    across: int
    min_blocks: int

    @property
    def threads(self) -> int:
        return self.rows // self.across * (self.columns // 4)


@dataclass(frozen=True)
class _Side:
    """A or B. In its memory "lines" of elements that follow each other lie `row` elements apart."""

    name: str
    extent: str
    """The name of its extent other than k."""
    first: str
    """The name of the first index along that extent."""
    size: int
    """The size of a tile along that extent."""
    along_k: bool
    """Whether its lines run along k."""
    tile: Tile
    word: str
    fetch: str

    @property
    def width(self) -> int:
        return WIDTHS[self.word]

    @property
    def pitch(self) -> int:
        """Elements between the rows of a tile in shared memory: a few more, to spread them over the banks."""
        return self.size + self.width

    @property
    def per_line(self) -> int:
        """Threads that fetch one line of a tile."""
        return (self.tile.depth if self.along_k else self.size) // self.width

    @property
    def lines_at_once(self) -> int:
        return self.tile.threads // self.per_line

    @property
    def turns(self) -> int:
        """The pieces of lines that a thread fetches for a tile."""
        return self.size * self.tile.depth // (self.tile.threads * self.width)

    def setup(self) -> list[str]:
        p = self.name
        line, place = (self.first, "first") if self.along_k else ("first", self.first)
        lines = [
            f"{p}_tiles = cuda.shared.array({2 * self.tile.depth * self.pitch}, {self.word}, alignment=16)",
            f"{p}_line, {p}_place = int32(thread // {self.per_line}), int32(thread % {self.per_line} * {self.width})",
            f"{p}_at += ({line} + {p}_line) * {p}_row + {place} + {p}_place",
            f"{p}_inside = int32(min({self.extent} - {self.first}, {self.size}))",
        ]
        return lines

    def fetches(self) -> list[str]:
        """The next tile, from global memory to registers."""
        p, lines = self.name, []
        for turn in range(self.turns):
            on = f"{p}_line + {turn * self.lines_at_once}"
            limits = (f"{p}_inside", "left") if self.along_k else ("left", f"{p}_inside")
            inside, count = f"int32({on}) < {limits[0]}", f"int32({limits[1]} - {p}_place)"
            at = f"{p}_at + {turn * self.lines_at_once} * {p}_row"
            lines.append(f"{p}{turn} = {self.fetch}({p}, {at}, select({inside}, {count}, int32(0)), zero)")
        lines.append(f"{p}_at += {self.tile.depth}" + ("" if self.along_k else f" * {p}_row"))
        return lines

    def stores(self) -> list[str]:
        """The fetched tile, from registers to the buffer `stage`."""
        p = self.name
        own = f"{p}_place * {self.pitch} + {p}_line" if self.along_k else f"{p}_line * {self.pitch} + {p}_place"
        lines = [f"into = stage * {self.tile.depth * self.pitch} + {own}"]
        for turn in range(self.turns):
            if self.along_k:
                for i in range(self.width):
                    at = f"into + {i * self.pitch + turn * self.lines_at_once}"
                    lines.append(f"{p}_tiles[uint64({at})] = {p}{turn}[{i}]")  # a signed index could count from the end
            else:
                values = ", ".join(f"{p}{turn}[{i}]" for i in range(self.width))
                at = f"into + {turn * self.lines_at_once * self.pitch}"
                lines.append(f"{STORE[self.word]}({p}_tiles, {at}, {values})")
        return lines

    def groups(self, count: int, step: int, own: str) -> list[str]:
        """A thread's elements of row `step` of the tile, as tuples."""
        p = self.name
        at = f"stage * {self.tile.depth * self.pitch} + {own}"
        return [
            f"{p}_group{g} = {LOAD[self.word]}({p}_tiles, {at} + {step * self.pitch + g * self.size // count})"
            for g in range(count)
        ]


@dataclass(frozen=True)
class _Block:
    """The lines of a block: each thread has `down` x `over` groups of `width` x `width` elements of C."""

    a: _Side
    b: _Side
    epilogue: str
    fetch: str
    """The word that fetches from C and the bias."""
    put: str

    @property
    def tile(self) -> Tile:
        return self.a.tile

    @property
    def width(self) -> int:
        return self.a.width

    @property
    def down(self) -> range:
        return range(self.tile.across // self.width)

    @property
    def over(self) -> range:
        return range(4 // self.width)

    def start(self, axes: int) -> list[str]:
        """The position of block and thread."""
        rows, columns = self.tile.rows, self.tile.columns
        return [
            "thread, batch = int64(cuda.threadIdx.x), int64(cuda.blockIdx.x)",
            f"zero = {self.a.word}(0)",
            f"column_tiles, row_tiles = (n + {columns - 1}) // {columns}, (m + {rows - 1}) // {rows}",
            f"column0 = batch % column_tiles * {columns}",
            "batch //= column_tiles",
            f"row0 = batch % row_tiles * {rows}",
            "batch //= row_tiles",
            "a_at = b_at = c_at = int64(0)",
            *batch_lines(axes, "abc"),
            "c_at += batch * c_piece",
            "first = batch * piece",
            "last = min(k, first + piece)",
            *self.a.setup(),
            *self.b.setup(),
            f"own_row = thread // {columns // 4} * {self.width}",
            f"own_column = thread % {columns // 4} * {self.width}",
        ]

    def walk(self) -> list[str]:
        """The way along k."""
        depth, fetches, stores = self.tile.depth, self.a.fetches() + self.b.fetches(), self.a.stores() + self.b.stores()
        return [
            *(f"totals{g}{h} = ({'zero, ' * self.width**2})" for g in self.down for h in self.over),
            f"k_at, stage, left = first, int32(0), int32(min(last - first, {depth}))",
            *fetches,
            *stores,
            "cuda.syncthreads()",
            "while k_at < last:",
            f"    k_at += {depth}",
            f"    left = int32(min(last - k_at, {depth}))",
            *(f"    {line}" for line in [*fetches, *self._products()]),
            "    if k_at < last:",
            "        stage = int32(1 - stage)",
            *(f"        {line}" for line in stores),
            "        cuda.syncthreads()",
        ]

    def _products(self) -> list[str]:
        lines = []
        for step in range(self.tile.depth):
            lines += self.a.groups(len(self.down), step, "own_row") + self.b.groups(len(self.over), step, "own_column")
            lines += [
                f"totals{g}{h} = add_outer(totals{g}{h}, a_group{g}, b_group{h})" for g in self.down for h in self.over
            ]
        return lines

    def end(self) -> list[str]:
        """The sums finished and stored."""
        lines = scales(self.a.word) if self.epilogue == "scaled" else []
        for h in self.over:
            first = h * self.tile.columns // len(self.over)
            lines += [f"column = column0 + own_column + {first}", "count = n - column"]
            if EPILOGUES[self.epilogue].pointers:
                lines.append(f"biases = {self.fetch}(bias, column, count, zero)")
            for g in self.down:
                lines += [line for i in range(self.width) for line in self._stored(g, h, i)]
        return lines

    def _stored(self, g: int, h: int, i: int) -> list[str]:
        """Row i of a group of sums."""
        formula, first = EPILOGUES[self.epilogue].formula, i * self.width
        values = ", ".join([
            formula.format(x=f"totals{g}{h}[{first + j}]", old=f"old[{j}]", bias=f"biases[{j}]")
            for j in range(self.width)
        ])
        old = [f"old = {self.fetch}(c, at, select(beta != zero, room, 0), zero)"] if self.epilogue == "scaled" else []
        return [
            f"row = row0 + own_row + {g * self.tile.rows // len(self.down) + i}", "at = c_at + row * c_row + column",
            "room = select(row < m, count, 0)", *old, f"{self.put}(c, at, room, ({values}))",
        ]


def tiled_source(
    word: str, tile: Tile, along_k: tuple[bool, bool], whole: tuple[bool, bool, bool], epilogue: str, axes: int,
) -> Source:
    """A product of float32 or float64 matrices.

    `along_k` tells whether the lines of A and B run along k, `whole` whether A, B and C (with the bias) allow accesses
    of 16 bytes. A block's number tells its column of tiles, row of tiles, place in the batch, piece of the sum, the
    first fastest. The numbers are m, n, k, the elements from line to line of each matrix, what the epilogue takes,
    the steps of k in a piece, the elements from one piece of C to the next, and the batch's extents and steps.
    """
    rest, kinds = EPILOGUES[epilogue], ["" if is_whole else "each_" for is_whole in whole]
    fetch, put = ([f"{verb}_{kind}{word}x{WIDTHS[word]}" for kind in kinds] for verb in ("fetch", "put"))
    a = _Side("a", "m", "row0", tile.rows, along_k[0], tile, word, fetch[0])
    b = _Side("b", "n", "column0", tile.columns, along_k[1], tile, word, fetch[1])
    block = _Block(a, b, epilogue, fetch[2], put[2])
    numbers = ["m", "n", "k", "a_row", "b_row", "c_row", *rest.numbers, "piece", "c_piece", *steps(axes, "abc")]
    return written(["a", "b", "c", *rest.pointers], numbers, [*block.start(axes), *block.walk(), *block.end()])


def matvec_source(word: str, along_k: bool, lanes: int, epilogue: str, axes: int, threads: int = 256) -> Source:
    """A product y = M x of floats.

    `lanes` threads share a row of M: neighbours where its lines run along k, else the rows are the neighbours'.
    The numbers are those of `tiled_source`, without n, and with the elements from one to the next of x, y and the bias.
    """
    rest, rows = EPILOGUES[epilogue], threads // lanes
    own = f"thread % {lanes}, thread // {lanes}" if along_k else f"thread // {rows}, thread % {rows}"
    lines = [
        f"parts = cuda.shared.array({threads}, {word}, alignment=16)",
        "thread, batch = int64(cuda.threadIdx.x), int64(cuda.blockIdx.x)",
        f"zero, row_tiles = {word}(0), (m + {rows - 1}) // {rows}",
        f"lane, own = {own}",
        f"row = batch % row_tiles * {rows} + own",
        "batch //= row_tiles",
        "a_at = b_at = c_at = int64(0)",
        *batch_lines(axes, "abc"),
        "c_at += batch * c_piece",
        "p = batch * piece + lane",
        "last = select(row < m, min(k, batch * piece + piece), 0)",
        *_dot_lines(along_k, lanes),
        f"parts[lane * {rows} + own] = (total0 + total1) + (total2 + total3)",
        "cuda.syncthreads()",
        *in_a_tree(lanes, "lane", [f"parts[lane * {rows} + own] += parts[(lane + step) * {rows} + own]"]),
        *(scales(word) if epilogue == "scaled" else []),
        "if lane == 0 and row < m:",
        "    c_at += row * c_row",
        *(f"    {line}" for line in (OLD_LINES if epilogue == "scaled" else [])),
        f"    c[c_at] = {rest.formula.format(x='parts[own]', old='old', bias='bias[row * bias_row]')}",
    ]
    biased = ["bias_row"] if rest.pointers else []
    numbers = ["m", "k", "a_row", "b_row", "c_row", *biased, *rest.numbers, "piece", "c_piece", *steps(axes, "abc")]
    return written(["a", "b", "c", *rest.pointers], numbers, lines)


def _dot_lines(along_k: bool, lanes: int) -> list[str]:
    """A thread's part of the sum, every so many terms from p on, in four totals."""
    element = "a[a_at + row * a_row + p]" if along_k else "a[a_at + p * a_row + row]"
    terms = [f"    total{s} = fma({element}, b[b_at + p * b_row], total{s}); p += {lanes}" for s in range(4)]
    start = ["total0 = total1 = total2 = total3 = zero", f"while p + {3 * lanes} < last:"]
    return [*start, *terms, "while p < last:", terms[0]]


def sum_source(word: str, epilogue: str, axes: int) -> Source:
    """The sum of a product's pieces, in order.

    Each thread makes one element. The pieces are C-contiguous, `size` elements each.
    """
    rest, scaled = EPILOGUES[epilogue], epilogue == "scaled"
    value = rest.formula.format(x="total", old="old", bias="bias[row * bias_row + column * bias_column]")
    lines = [
        "place = int64(cuda.blockIdx.x) * int64(cuda.blockDim.x) + int64(cuda.threadIdx.x)",
        "if place < size:",
        f"    zero = {word}(0)",
        "    total, c_at, at, batch = zero, int64(0), place, place",
        "    for piece in range(pieces):",
        "        total += parts[at]",
        "        at += size",
        "    column = batch % n",
        "    batch //= n",
        "    row = batch % m",
        "    batch //= m",
        *(f"    {line}" for line in batch_lines(axes, "c")),
        "    c_at += row * c_row + column",
        *(f"    {line}" for line in ([*scales(word), *OLD_LINES] if scaled else [])),
        f"    c[c_at] = {value}",
    ]
    numbers = ["size", "m", "n", "c_row", *(["bias_row", "bias_column"] if rest.pointers else []), *rest.numbers]
    return written(["parts", "c", *rest.pointers], [*numbers, "pieces", *steps(axes, "c")], lines)


# --- other dtypes -----------------------------------------------------------------------------

SIDE = 16
"""Rows, columns and depth of the tiles of plain products."""


def plain_source(word: str, scaled: bool, axes: int) -> Source:
    """A product of any dtype, each thread one element.

    Either axis of each matrix may have any stride. alpha and beta, where there are any, are whole numbers.
    Integers of less than 32 bits are multiplied and added as of 32, whose low bits are the same.
    """
    sums = {"int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}.get(word, word)
    lines = [
        f"a_tile = cuda.shared.array({SIDE * SIDE}, {sums}, alignment=16)",
        f"b_tile = cuda.shared.array({SIDE * SIDE}, {sums}, alignment=16)",
        "thread, batch = int64(cuda.threadIdx.x), int64(cuda.blockIdx.x)",
        f"zero, column_tiles, row_tiles = {sums}(0), (n + {SIDE - 1}) // {SIDE}, (m + {SIDE - 1}) // {SIDE}",
        f"across, down = thread % {SIDE}, thread // {SIDE}",
        f"column = batch % column_tiles * {SIDE} + across",
        "batch //= column_tiles",
        f"row = batch % row_tiles * {SIDE} + down",
        "batch //= row_tiles",
        "a_at = b_at = c_at = int64(0)",
        *batch_lines(axes, "abc"),
        *_plain_walk(sums),
        "if row < m and column < n:",
        "    at = c_at + row * c_row + column * c_column",
        *([f"    total = multiply({sums}(alpha), total)", "    if beta != 0:",
           f"        total = add(total, multiply({sums}(beta), {sums}(c[at])))"] if scaled else []),
        f"    c[at] = {word}(total)",
    ]
    numbers = ["m", "n", "k", "a_row", "a_column", "b_row", "b_column", "c_row", "c_column"]
    return written(["a", "b", "c"], [*numbers, *(["alpha", "beta"] if scaled else []), *steps(axes, "abc")], lines)


def _plain_walk(sums: str) -> list[str]:
    """The way along k, a tile of A and one of B at a time."""
    return [
        "total, k_at = zero, int64(0)",
        "while k_at < k:",
        "    x, y = zero, zero",
        "    if row < m and k_at + across < k:",
        f"        x = {sums}(a[a_at + row * a_row + (k_at + across) * a_column])",
        "    if column < n and k_at + down < k:",
        f"        y = {sums}(b[b_at + (k_at + down) * b_row + column * b_column])",
        "    a_tile[thread], b_tile[thread] = x, y",
        "    cuda.syncthreads()",
        f"    for p in range({SIDE}):",
        f"        total = add(total, multiply(a_tile[down * {SIDE} + p], b_tile[p * {SIDE} + across]))",
        "    cuda.syncthreads()",
        f"    k_at += {SIDE}",
    ]
