"""``python -m bench.functions``: elements per nanosecond of elementary functions in each library.

Every function runs alone, on an array that stays in the cache.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import special

from bench import report, runner
from bench.case import Case
from bench.options import at_least_one

LIBRARIES = ("fnad", "numpy", "torch", "jax")
DTYPES = ("float32", "float64")
SIZE = 100_000
TOLERANCES = {"float32": 1e-5, "float64": 1e-13}

POSITIVE = ("log", "log2", "log10", "sqrt", "cbrt", "pow")
"""Functions that are tried on positive numbers; the others get normal ones, within (-1, 1) where they must."""
WITHIN_ONE = ("arcsin", "arccos", "arctanh", "log1p")

NUMPY: dict[str, Any] = {
    **{name: getattr(np, name) for name in ("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt")},
    **{name: getattr(np, name) for name in ("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2")},
    **{name: getattr(np, name) for name in ("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "sinc")},
    **{name: getattr(np, name) for name in ("hypot", "logaddexp", "logaddexp2")},
    **{"sigmoid": special.expit, "erf": special.erf, "erfc": special.erfc, "pow": np.power},
}
BINARY = ("arctan2", "hypot", "logaddexp", "logaddexp2", "pow")


def operands(name: str, dtype: str) -> tuple[np.ndarray, ...]:
    """Numbers of usual sizes within the function's domain."""
    random = np.random.default_rng(0)
    x, y = random.normal(scale=2, size=(2, SIZE))
    if name in POSITIVE:
        x = np.exp(x)
    if name in WITHIN_ONE:
        x = np.tanh(x) * 0.99
    if name == "arccosh":
        x = 1 + np.exp(x)
    return tuple(part.astype(dtype) for part in ((x, y) if name in BINARY else (x,)))


def case(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Case:
    """A step that calls the function and keeps nothing."""
    return Case(lambda state, *arguments: (state, function(*arguments)), lambda: (), [arguments])


def fnad(fnad: Any, name: str, dtype: str) -> Case:
    """The function of ``fnad.numpy`` or ``fnad.nn`` under ``jit``."""
    others = {"sigmoid": fnad.nn.sigmoid, "erf": fnad.numpy.erf, "erfc": fnad.numpy.erfc, "pow": np.power}
    # NumPy's function, as in any model: given a traced value it stages fnad's
    function = others.get(name, NUMPY[name])
    return case(fnad.jit(lambda *arguments: function(*arguments)), operands(name, dtype))


def numpy(np: Any, name: str, dtype: str) -> Case:
    """NumPy's function, or SciPy's, with ``out`` where it has it."""
    function, arguments = NUMPY[name], operands(name, dtype)
    if isinstance(function, np.ufunc):
        function = partial(function, out=np.empty_like(arguments[0]))
    return case(function, arguments)


def jax(jax: Any, jnp: Any, name: str, dtype: str) -> Case:
    """The function of ``jax.numpy`` or ``jax.nn`` under ``jit``."""
    jax.config.update("jax_enable_x64", True)
    others = {"sigmoid": jax.nn.sigmoid, "erf": jax.scipy.special.erf, "erfc": jax.scipy.special.erfc}
    function = others.get(name) or getattr(jnp, name)
    return case(jax.jit(function), jax.device_put(operands(name, dtype)))


def torch(torch: Any, name: str, dtype: str) -> Case:
    """PyTorch's function with ``out``; it has no cube root."""
    arguments = tuple(map(torch.tensor, operands(name, dtype)))
    if name == "cbrt":
        return case(lambda x: torch.pow(x, 1 / 3), arguments)
    return case(partial(getattr(torch, name), out=torch.empty_like(arguments[0])), arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Time the functions that were asked for; 1 if a library failed or disagreed."""
    parser = argparse.ArgumentParser(prog="python -m bench.functions", description=__doc__)
    add = parser.add_argument
    add("functions", nargs="*", metavar="function", choices=[[], *NUMPY], help=", ".join(NUMPY))
    add("--libs", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    add("--dtypes", nargs="+", default=DTYPES, choices=DTYPES)
    add("--rounds", type=at_least_one, default=15, help="turns of each library (default: 15)")
    add("--turn-ms", type=at_least_one, default=10, help="least milliseconds of a turn (default: 10)")
    add("--threads", type=at_least_one, default=1, help="and processors, for every library alike (default: 1)")
    add("--json", type=Path, metavar="FILE", help="write every measurement to a file")
    options = parser.parse_args(arguments)
    settings = {"rounds": options.rounds, "turn_ms": options.turn_ms, "threads": options.threads, "elements": SIZE}
    where = report.machine()
    print(", ".join(f"{key} {value}" for key, value in (where | settings).items()), end="\n\n")
    print(f"Elements per nanosecond, of the minimum of {options.rounds} turns.\n")
    print("| function | dtype | " + " | ".join(options.libs) + " |\n| --- | --- |" + " ---: |" * len(options.libs))
    outcomes, failed = [], False
    for name in options.functions or NUMPY:
        for dtype in options.dtypes:
            try:
                outcomes.append(timed(name, dtype, options))
                print(row(name, dtype, outcomes[-1], options.libs), flush=True)
            except runner.BenchError as error:
                print(f"bench.functions: {name} {dtype}: {error}", file=sys.stderr)
                failed = True
    if options.json:
        report.write_json(options.json, where, settings, outcomes)
    return int(failed)


def timed(name: str, dtype: str, options: argparse.Namespace) -> runner.Outcome:
    """One function of one dtype in all libraries."""
    return runner.run(
        workload=f"bench.functions:{name}:{dtype}",
        libraries=options.libs,
        tolerance=TOLERANCES[dtype],
        check_steps=1,
        rounds=options.rounds,
        turn_seconds=options.turn_ms / 1000,
        threads=options.threads,
    )


def row(name: str, dtype: str, outcome: runner.Outcome, libraries: Sequence[str]) -> str:
    """A line of the table; empty for a library that is not there."""
    rates = {timing.library: f"{SIZE / min(timing.seconds) / 1e9:.2f}" for timing in outcome.timings}
    return f"| {name} | {dtype} | " + " | ".join(rates.get(library, "") for library in libraries) + " |"


if __name__ == "__main__":
    sys.exit(main())
