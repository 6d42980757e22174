"""``python -m bench.accuracy [FILE]``: the largest errors of the vector math, as the table of ``docs/vector_math.md``.

Millions of numbers of each function are compared with NumPy in more precision; those that
seem furthest off, the edges, and some by chance are then compared with mpmath, which decides. It needs the
packages of the tests.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from fnad.kernels.elementary import ULPS
from scipy import special
from tests.kernels.accuracy import BINARY, DTYPES, bound, edges, operands, run, worst

COUNT = 1_000_000
FURTHEST, CHANCE = 200, 100
USUAL, DENSE_BATCHES = (2.0**-7, 2.0**6), 11

PREAMBLE = """# Accuracy of the elementary functions

The functions that compiled code calls are the library's own, without branches, so that loops over them vectorize.
Each was run on {count} million numbers or more: every exponent of the dtype, usual sizes, and around the points where
it changes its way of computing; subnormal numbers and the largest ones are among them. Functions of one number were
also run on every fifth float32 between 1/128 and 64, and their negatives.

Errors are in units in the last place (ulp) of the exact result, against mpmath with 50 digits: a correctly rounded
function would have 0.5. "Bound" is what `tests/kernels/test_vector_math.py` holds each function to; there too signs of
zero, infinities and nan are compared with NumPy's.

| function | float32, ulp | at | bound | float64, ulp | at | bound |
| --- | ---: | --- | ---: | ---: | --- | ---: |
"""

NOTES = """
- `logaddexp` and `logaddexp2`: near a result of 0 the operands cancel, and the unit is that of the larger operand.
- `sinc` is sin(πx) / (πx) of the rounded product of π and x, as in NumPy.
- `sqrt` is the processor's, correctly rounded.
- Functions of complex numbers are made of these, with C's values at infinities, nan and zeros and on branch cuts.
  Most are within 3 ulp of the result's larger part; `COMPLEX_ULPS` in `fnad/kernels/elementary.py` has what
  `tests/kernels/test_complex_math.py` holds each to. A power's error grows with abs(y log x), as NumPy's does.

Made by `python -m bench.accuracy docs/vector_math.md`.
"""


def _sigmoid(x: Any) -> Any:
    power = np.exp(-abs(x))
    return np.where(x >= 0, 1, power) / (1 + power)


def _sinc(x: Any) -> Any:
    return np.where(x == 0, 1, np.sin(x) / np.where(x == 0, 1, x))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "erf": special.erf,
    "erfc": special.erfc,
    "pow": np.power,
    "sigmoid": _sigmoid,
    "sinc": _sinc,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every function and write the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, help="where to write the table (default: standard output)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"a third of the numbers of a function ({COUNT:,})")
    parser.add_argument("--functions", nargs="+", default=tuple(ULPS), choices=tuple(ULPS), metavar="function")
    options = parser.parse_args(arguments)
    lines = [row(op, options.count) for op in options.functions]
    text = PREAMBLE.format(count=3 * options.count // 1_000_000) + "\n".join(lines) + "\n" + NOTES
    if options.file:
        options.file.write_text(text)
    else:
        print(text)
    return 0


def row(op: str, count: int) -> str:
    """The line of one function."""
    cells = []
    for dtype in DTYPES:
        error, at = furthest(op, dtype, count)
        cells += [f"{error:.3f}", ", ".join(f"{float(x):.9g}" for x in at), f"{bound(op, dtype):g}"]
    print(op, *cells, file=sys.stderr, flush=True)
    return f"| `{op}` | " + " | ".join(cells) + " |"


def furthest(op: str, dtype: type, count: int) -> tuple[float, list[Any]]:
    """The largest error, and the operands that have it."""
    batches = [numbers(op, dtype, count), *dense(op, dtype, count)]
    return max((furthest_of(op, inputs) for inputs in batches), key=lambda found: found[0])


def furthest_of(op: str, inputs: list[np.ndarray]) -> tuple[float, list[Any]]:
    """The same among some numbers."""
    results = run(op, *inputs)
    by_chance = np.random.default_rng(0).choice(results.size, CHANCE)
    chosen = np.union1d(suspects(op, results, inputs), by_chance)
    each = {i: worst(op, results[i : i + 1], *(x[i : i + 1] for x in inputs)) for i in chosen}
    index = max(each, key=each.__getitem__)
    return each[index], [x[index] for x in inputs]


def dense(op: str, dtype: type, count: int) -> Iterator[list[np.ndarray]]:
    """Every fifth float32 of usual size, where the worst of a binade's eight million is easily missed."""
    if dtype == np.float32 and op not in BINARY:
        low, high = np.array(USUAL, np.float32).view(np.uint32)
        for start in np.linspace(low, high, DENSE_BATCHES, endpoint=False, dtype=np.uint32):
            end = start + (high - low) // DENSE_BATCHES
            x = np.arange(start, end, max(5, 5 * COUNT // count), np.uint32).view(np.float32)
            yield [np.concatenate([x, -x])]


def numbers(op: str, dtype: type, count: int) -> list[np.ndarray]:
    """The numbers of the tests, but more of them, and the finite edges where the function is finite."""
    some = edges(dtype)
    some = some[np.isfinite(some)]
    ends = [grid.ravel() for grid in np.meshgrid(some, some)] if op in BINARY else [some]
    usable = np.isfinite(expected(op, ends))
    return [np.concatenate([many, few[usable]]) for many, few in zip(operands(op, dtype, count), ends)]


@np.errstate(all="ignore")
def expected(op: str, inputs: list[np.ndarray]) -> np.ndarray:
    """NumPy's results in more precision; SciPy's in float64 for the error functions."""
    if op == "sinc":
        inputs = [inputs[0] * inputs[0].dtype.type(np.pi)]
    longer = np.float64 if op in ("erf", "erfc") or inputs[0].dtype == np.float32 else np.longdouble
    return FUNCTIONS.get(op, getattr(np, op, None))(*(x.astype(longer) for x in inputs))


@np.errstate(all="ignore")
def suspects(op: str, results: np.ndarray, inputs: list[np.ndarray]) -> np.ndarray:
    """The numbers of the results that seem furthest off; mpmath is too slow for all."""
    wanted = expected(op, inputs)
    size = np.maximum.reduce([abs(wanted), *(map(abs, inputs) if op.startswith("logadd") else ())])
    unit = np.spacing(size.astype(results.dtype)).astype(wanted.dtype)
    errors = np.nan_to_num(abs(results - wanted) / unit, nan=0, posinf=0).astype(np.float64)
    errors[np.isnan(results) != np.isnan(wanted)] = np.inf
    # the errors of SciPy's own error functions mix with those of float64: more are kept
    most = min(FURTHEST * (20 if op in ("erf", "erfc") and results.dtype == np.float64 else 1), errors.size)
    return np.argpartition(errors, -most)[-most:]


if __name__ == "__main__":
    sys.exit(main())
