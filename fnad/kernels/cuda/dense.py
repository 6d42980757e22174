"""The backward pass of a dense layer, y = relu(x w + b), beside its products.

Forward, bias and ReLU are an epilogue of the product (matmul.py). Backward, x̄ = ḡ wᵀ and w̄ = xᵀ ḡ are products over
transposed views, and b̄ is the sum of the rows of ḡ, the cotangent of y where y is positive, else 0. It and its sum
are made in one pass.
"""

from fnad.kernels.cuda.writing import LOAD, STORE, WIDTHS, Source, in_a_tree, written

COLUMNS, ROWS = 32, 8
"""Threads of a block that lie side by side, and below each other."""


def relu_backward_sum_source(word: str, across: int) -> Source:
    """masked = relu_backward(g, y), and its column sums.

    A thread walks down `across` columns, a power of 2: one, or those in 16 bytes. The numbers are m and n, and the rows
    that a block walks; a block's number tells its columns, then its rows. Each piece of the rows has sums of its own.
    """
    width, each = COLUMNS * across, range(across)
    adding = [
        f"for j in range({across}):",
        f"    own = down * {width} + j * {COLUMNS} + column",
        f"    parts[own] += parts[own + step * {width}]",
    ]
    lines = [
        f"parts = cuda.shared.array({ROWS * width}, {word}, alignment=16)",
        "thread, block = int64(cuda.threadIdx.x), int64(cuda.blockIdx.x)",
        f"blocks = (n + {width - 1}) // {width}",
        f"column, down = thread % {COLUMNS}, thread // {COLUMNS}",
        f"place, piece = block % blocks * {width} + column * {across}, block // blocks",
        *(f"total{j} = {word}(0)" for j in each),
        "row = piece * size + down",
        "last = select(place < n, min(m, piece * size + size), 0)",
        "at = row * n + place",
        "while row < last:",
        *_masked(word, across),
        *(f"    total{j} += value{j}" for j in each),
        f"    row, at = row + {ROWS}, at + {ROWS} * n",
        *(f"parts[down * {width} + {j * COLUMNS} + column] = total{j}" for j in each),
        "cuda.syncthreads()",
        *in_a_tree(ROWS, "down", adding),
        "if down == 0 and place < n:",
        *(f"    sums[piece * n + place + {j}] = parts[{j * COLUMNS} + column]" for j in each),
    ]
    return written(["g", "y", "masked", "sums"], ["m", "n", "size"], lines)


def _masked(word: str, across: int) -> list[str]:
    """The values of a row that a thread makes, and stores."""
    each = range(across)
    if across == WIDTHS[word]:
        load = [f"    new, old = {LOAD[word]}(g, at), {LOAD[word]}(y, at)"]
        values = [f"relu_backward(new[{j}], old[{j}])" for j in each]
        store = [f"    {STORE[word]}(masked, at, {', '.join(f'value{j}' for j in each)})"]
    else:
        load, store = [], [f"    masked[at + {j}] = value{j}" for j in each]
        values = [f"relu_backward(g[at + {j}], y[at + {j}])" for j in each]
    return [*load, *(f"    value{j} = {value}" for j, value in enumerate(values)), *store]
