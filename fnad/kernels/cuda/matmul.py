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

Each function ending in `_source` gives the source of a kernel, the names of its pointers and the names of its numbers.
The words that they use beside those of every kernel are in tiles.py.
"""

from __future__ import annotations

from dataclasses import dataclass

# --- what happens to a sum before it is stored ------------------------------------------------


@dataclass(frozen=True)
class Epilogue:
    """What is stored for a sum, and the pointers and numbers that a kernel needs for it."""

    pointers: tuple[str, ...]
    numbers: tuple[str, ...]
    formula: str
    """Of the sum {x}, what C holds {old}, and an element of the bias {bias}."""


EPILOGUES = {
    "": Epilogue((), (), "{x}"),
    "scaled": Epilogue((), ("alpha_bits", "beta_bits"), "fma(alpha, {x}, beta * {old})"),
    "bias": Epilogue(("bias",), (), "{x} + {bias}"),
    "bias_relu": Epilogue(("bias",), (), "relu({x} + {bias})"),
}


def scales(word: str) -> list[str]:
    """The lines that take alpha and beta from the bits of numbers of the dtype."""
    bits = "int32" if word == "float32" else "int64"
    return [f"{name} = bitcast({bits}({name}_bits), {word})" for name in ("alpha", "beta")]


def steps(axes: int, operands: str) -> list[str]:
    """The names of the numbers that tell a batch: for each axis its extent, and the operands' elements to the next."""
    return [f"{name}{axis}" for axis in range(axes) for name in ("extent", *(f"{p}_step" for p in operands))]


def batch_lines(axes: int, operands: str) -> list[str]:
    """The lines that move the operands' starts to the matrix number `batch`, and leave there what is over."""
    lines = []
    for axis in reversed(range(axes)):
        lines += [f"{p}_at += batch % extent{axis} * {p}_step{axis}" for p in operands]
        lines += [f"batch //= extent{axis}"]
    return lines


def function(arguments: list[str], lines: list[str]) -> str:
    """The source of a kernel."""
    return "\n    ".join([f"def kernel({', '.join(arguments)}):", *lines]) + "\n"


# --- floats -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Tile:
    """What a block makes: `rows` x `columns` of C in steps of `depth`, each thread `across` rows x 4 columns."""

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
    """How far a tile reaches along that extent."""
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
        """How often a thread fetches a piece of a line, for one tile."""
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


WIDTHS = {"float32": 4, "float64": 2}
"""Elements in 16 bytes."""
LOAD = {"float32": "load_float32x4", "float64": "load_float64x2"}
STORE = {"float32": "store_float32x4", "float64": "store_float64x2"}


def tiled_source(
    word: str, tile: Tile, along_k: tuple[bool, bool], whole: tuple[bool, bool, bool], epilogue: str, axes: int,
) -> tuple[str, list[str], list[str]]:
    """A product of float32 or float64 matrices: source, names of its pointers, names of its numbers.

    `along_k` tells whether the lines of A and B run along k, `whole` whether A, B and C (with the bias) allow accesses
    of 16 bytes. A block's number tells its column of tiles, row of tiles, place in the batch, piece of the sum, the
    first fastest. The numbers are m, n, k, the elements from line to line of each matrix, what the epilogue takes,
    the steps of k in a piece, the elements from one piece of C to the next, and the batch's extents and steps.
    """
    width, rest = WIDTHS[word], EPILOGUES[epilogue]
    kinds = ["" if is_whole else "each_" for is_whole in whole]
    fetch, put = ([f"{verb}_{kind}{word}x{width}" for kind in kinds] for verb in ("fetch", "put"))
    a = _Side("a", "m", "row0", tile.rows, along_k[0], tile, word, fetch[0])
    b = _Side("b", "n", "column0", tile.columns, along_k[1], tile, word, fetch[1])
    down, over = tile.across // width, 4 // width
    totals = [f"totals{g}{h}" for g in range(down) for h in range(over)]
    pointers = ["a", "b", "c", *rest.pointers]
    numbers = ["m", "n", "k", "a_row", "b_row", "c_row", *rest.numbers, "piece", "c_piece", *steps(axes, "abc")]
    step_lines = []
    for step in range(tile.depth):
        step_lines += a.groups(down, step, "own_row") + b.groups(over, step, "own_column")
        step_lines += [
            f"totals{g}{h} = add_outer(totals{g}{h}, a_group{g}, b_group{h})" for g in range(down) for h in range(over)
        ]
    lines = [
        "thread, batch = int64(cuda.threadIdx.x), int64(cuda.blockIdx.x)",
        f"zero = {word}(0)",
        f"column_tiles, row_tiles = (n + {tile.columns - 1}) // {tile.columns}, (m + {tile.rows - 1}) // {tile.rows}",
        f"column0 = batch % column_tiles * {tile.columns}",
        "batch //= column_tiles",
        f"row0 = batch % row_tiles * {tile.rows}",
        "batch //= row_tiles",
        "a_at = b_at = c_at = int64(0)",
        *batch_lines(axes, "abc"),
        "c_at += batch * c_piece",
        "first = batch * piece",
        "last = min(k, first + piece)",
        *a.setup(),
        *b.setup(),
        f"own_row = thread // {tile.columns // 4} * {width}",
        f"own_column = thread % {tile.columns // 4} * {width}",
        *(f"{name} = ({'zero, ' * width**2})" for name in totals),
        f"k_at, stage, left = first, int32(0), int32(min(last - first, {tile.depth}))",
        *a.fetches(),
        *b.fetches(),
        *a.stores(),
        *b.stores(),
        "cuda.syncthreads()",
        "while k_at < last:",
        f"    k_at += {tile.depth}",
        f"    left = int32(min(last - k_at, {tile.depth}))",
        *(f"    {line}" for line in a.fetches() + b.fetches() + step_lines),
        "    if k_at < last:",
        "        stage = int32(1 - stage)",
        *(f"        {line}" for line in a.stores() + b.stores()),
        "        cuda.syncthreads()",
        *(scales(word) if epilogue == "scaled" else []),
    ]
    for h in range(over):
        lines += [f"column = column0 + own_column + {h * tile.columns // over}", "count = n - column"]
        if rest.pointers:
            lines.append(f"biases = {fetch[2]}(bias, column, count, zero)")
        for g in range(down):
            for i in range(width):
                lines += [f"row = row0 + own_row + {g * tile.rows // down + i}", "at = c_at + row * c_row + column"]
                lines.append("room = select(row < m, count, 0)")
                if epilogue == "scaled":
                    lines.append(f"old = {fetch[2]}(c, at, select(beta != zero, room, 0), zero)")
                values = [
                    rest.formula.format(x=f"totals{g}{h}[{i * width + j}]", old=f"old[{j}]", bias=f"biases[{j}]")
                    for j in range(width)
                ]
                lines.append(f"{put[2]}(c, at, room, ({', '.join(values)}))")
    return function(pointers + numbers, lines), pointers, numbers


def matvec_source(
    word: str, along_k: bool, lanes: int, epilogue: str, axes: int, threads: int = 256,
) -> tuple[str, list[str], list[str]]:
    """A product y = M x of floats: source, names of its pointers, names of its numbers.

    `lanes` threads share a row of M: neighbours where its lines run along k, else the rows are the neighbours'.
    The numbers are those of `tiled_source`, without n, and with the elements from one to the next of x, y and the bias.
    """
    rest, rows = EPILOGUES[epilogue], threads // lanes
    pointers = ["a", "b", "c", *rest.pointers]
    biased = ["bias_row"] if rest.pointers else []
    numbers = ["m", "k", "a_row", "b_row", "c_row", *biased, *rest.numbers, "piece", "c_piece", *steps(axes, "abc")]
    own = f"thread % {lanes}, thread // {lanes}" if along_k else f"thread // {rows}, thread % {rows}"
    line, place = ("row", "p") if along_k else ("p", "row")
    strides = range(4)
    value = rest.formula.format(x="parts[own]", old="old", bias="bias[row * bias_row]")
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
        " = ".join(f"total{s}" for s in strides) + " = zero",
        f"while p + {3 * lanes} < last:",
        *(
            f"    total{s} = fma(a[a_at + {line} * a_row + {place}], b[b_at + p * b_row], total{s}){end}"
            for s, end in zip(strides, [f"; p += {lanes}"] * 4)
        ),
        "while p < last:",
        f"    total0 = fma(a[a_at + {line} * a_row + {place}], b[b_at + p * b_row], total0); p += {lanes}",
        f"parts[lane * {rows} + own] = (total0 + total1) + (total2 + total3)",
        "cuda.syncthreads()",
        f"step = {lanes // 2}",
        "while step > 0:",
        "    if lane < step:",
        f"        parts[lane * {rows} + own] += parts[(lane + step) * {rows} + own]",
        "    cuda.syncthreads()",
        "    step //= 2",
        *(scales(word) if epilogue == "scaled" else []),
        "if lane == 0 and row < m:",
        "    c_at += row * c_row",
        *(["    old = zero", "    if beta != zero:", "        old = c[c_at]"] if epilogue == "scaled" else []),
        f"    c[c_at] = {value}",
    ]
    return function(pointers + numbers, lines), pointers, numbers


def sum_source(word: str, epilogue: str, axes: int) -> tuple[str, list[str], list[str]]:
    """The sum of a product's pieces, in order: source, names of its pointers, names of its numbers.

    Each thread makes one element. The pieces are C-contiguous, `size` elements each.
    """
    rest = EPILOGUES[epilogue]
    pointers = ["parts", "c", *rest.pointers]
    numbers = ["size", "m", "n", "c_row", *(["bias_row", "bias_column"] if rest.pointers else []), *rest.numbers]
    numbers += ["pieces", *steps(axes, "c")]
    value = rest.formula.format(x="total", old="old", bias="bias[row * bias_row + column * bias_column]")
    scaled = epilogue == "scaled"
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
        *(f"    {line}" for line in (scales(word) if scaled else [])),
        *(["    old = zero", "    if beta != zero:", "        old = c[c_at]"] if scaled else []),
        f"    c[c_at] = {value}",
    ]
    return function(pointers + numbers, lines), pointers, numbers


# --- other dtypes -----------------------------------------------------------------------------

SIDE = 16
"""Rows, columns and depth of the tiles of plain products."""


def plain_source(word: str, scaled: bool, axes: int) -> tuple[str, list[str], list[str]]:
    """A product of any dtype, each thread one element: source, names of its pointers, names of its numbers.

    Either axis of each matrix may have any stride. alpha and beta, where there are any, are whole numbers.
    Integers of less than 32 bits are multiplied and added as of 32, whose low bits are the same.
    """
    numbers = ["m", "n", "k", "a_row", "a_column", "b_row", "b_column", "c_row", "c_column"]
    numbers += [*(["alpha", "beta"] if scaled else [])]
    numbers += steps(axes, "abc")
    pointers = ["a", "b", "c"]
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
        "if row < m and column < n:",
        "    at = c_at + row * c_row + column * c_column",
        *([f"    total = multiply({sums}(alpha), total)", "    if beta != 0:",
           f"        total = add(total, multiply({sums}(beta), {sums}(c[at])))"] if scaled else []),
        f"    c[at] = {word}(total)",
    ]
    return function(pointers + numbers, lines), pointers, numbers
