"""``python -m bench.linalg``: solves and factorisations of small matrices in batches and of large ones, and gradients.

The gradients are of functions that depend on no sign or order: squares of the solution and of the factor, cubes of the
eigenvalues and of the singular values, all in float64.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np

from bench import report, runner
from bench.case import Case
from bench.options import at_least_one

LIBRARIES = ("fnad", "numpy", "torch", "jax")
TOLERANCE = 1e-7
SHAPES = {
    "1000x3": (1000, 3, 3), "1000x8": (1000, 8, 8), "200x32": (200, 32, 32), "256": (256, 256), "512": (512, 512),
    "1024": (1024, 1024),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "solve": lambda linalg, a, b: linalg.solve(a, b)[..., 0] ** 2,
    "cholesky": lambda linalg, a, b: linalg.cholesky(a) ** 2,
    "eigvalsh": lambda linalg, a, b: linalg.eigvalsh(a) ** 3,
    "svdvals": lambda linalg, a, b: (linalg.svdvals if hasattr(linalg, "svdvals") else _singular(linalg))(a) ** 3,
}
"""A function of a matrix, well-conditioned and positive definite, and of a column."""
KINDS = ("value", "gradient")


def _singular(linalg: Any) -> Callable[[Any], Any]:
    return lambda a: linalg.svd(a, compute_uv=False)


def operands(shape: str) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric matrices with eigenvalues from 1 on, and right sides."""
    random = np.random.default_rng(0)
    *batch, n, _ = SHAPES[shape]
    x = random.normal(size=(*batch, n, n)) / np.sqrt(n)
    return x @ x.mT + np.eye(n), random.normal(size=(*batch, n, 1))


def case(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Case:
    """A step that calls the function and keeps nothing."""
    return Case(lambda state, *arguments: (state, function(*arguments)), lambda: (), [arguments])


def fnad(fnad: Any, name: str, shape: str, kind: str) -> Case:
    """The function of NumPy under ``jit``, and its ``grad``."""
    function = FUNCTIONS[name]
    if kind == "value":
        return case(fnad.jit(lambda a, b: function(np.linalg, a, b)), operands(shape))
    return case(fnad.jit(fnad.grad(lambda a, b: np.sum(function(np.linalg, a, b)))), operands(shape))


def numpy(np: Any, name: str, shape: str, kind: str) -> Case:
    """The function; it has no gradients."""
    return case(lambda a, b: FUNCTIONS[name](np.linalg, a, b), operands(shape))


def jax(jax: Any, jnp: Any, name: str, shape: str, kind: str) -> Case:
    """The function of ``jax.numpy`` under ``jit``, and its ``grad``."""
    jax.config.update("jax_enable_x64", True)
    function = FUNCTIONS[name]
    if kind == "value":
        return case(jax.jit(lambda a, b: function(jnp.linalg, a, b)), jax.device_put(operands(shape)))
    return case(jax.jit(jax.grad(lambda a, b: jnp.sum(function(jnp.linalg, a, b)))), jax.device_put(operands(shape)))


def torch(torch: Any, name: str, shape: str, kind: str) -> Case:
    """The function of ``torch.linalg``, and its backward pass."""
    function, arguments = FUNCTIONS[name], tuple(map(torch.tensor, operands(shape)))
    if kind == "value":
        return case(lambda a, b: function(torch.linalg, a, b), arguments)

    def gradient(a: Any, b: Any) -> Any:
        a = a.detach().requires_grad_()
        return torch.autograd.grad(function(torch.linalg, a, b).sum(), a)[0]

    return case(gradient, arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Time what was asked for; 1 if a library failed or disagreed."""
    parser = argparse.ArgumentParser(prog="python -m bench.linalg", description=__doc__)
    add = parser.add_argument
    add("functions", nargs="*", metavar="function", choices=[[], *FUNCTIONS], help=", ".join(FUNCTIONS))
    add("--shapes", nargs="+", default=tuple(SHAPES), choices=SHAPES)
    add("--libs", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    add("--rounds", type=at_least_one, default=7, help="turns of each library (default: 7)")
    add("--turn-ms", type=at_least_one, default=50, help="least milliseconds of a turn (default: 50)")
    add("--threads", type=at_least_one, default=1, help="and processors, for every library alike (default: 1)")
    add("--json", type=Path, metavar="FILE", help="write every measurement to a file")
    options = parser.parse_args(arguments)
    settings = {"rounds": options.rounds, "turn_ms": options.turn_ms, "threads": options.threads}
    where = report.machine()
    print(", ".join(f"{key} {value}" for key, value in (where | settings).items()), end="\n\n")
    print(f"Microseconds, of the minimum of {options.rounds} turns; the ratio is that of the better peer to fnad.\n")
    print("| function | matrices | of | " + " | ".join(options.libs) + " | ratio |")
    print("| --- | --- | --- |" + " ---: |" * (len(options.libs) + 1))
    outcomes, ratios, failed = measured(options)
    if ratios:
        print(f"\nGeometric mean of {len(ratios)} ratios: {exp(sum(map(log, ratios)) / len(ratios)):.2f}")
    if options.json:
        report.write_json(options.json, where, settings, outcomes)
    return int(failed)


def measured(options: argparse.Namespace) -> tuple[list[runner.Outcome], list[float], bool]:
    """All timings, printed line by line; the ratios, and whether something failed."""
    outcomes, ratios, failed = [], [], False
    for name in options.functions or FUNCTIONS:
        for shape in options.shapes:
            for kind in KINDS:
                try:
                    outcomes.append(timed(name, shape, kind, options))
                    ratios += [ratio for ratio in [row(name, shape, kind, outcomes[-1], options.libs)] if ratio]
                except runner.BenchError as error:
                    print(f"bench.linalg: {name} {shape} {kind}: {error}", file=sys.stderr)
                    failed = True
    return outcomes, ratios, failed


def timed(name: str, shape: str, kind: str, options: argparse.Namespace) -> runner.Outcome:
    """One function of matrices of one shape in all libraries."""
    libraries = [library for library in options.libs if kind == "value" or library != "numpy"]
    return runner.run(
        workload=f"bench.linalg:{name}:{shape}:{kind}", libraries=libraries, tolerance=TOLERANCE, check_steps=1,
        rounds=options.rounds, turn_seconds=options.turn_ms / 1000, threads=options.threads,
    )


def row(name: str, shape: str, kind: str, outcome: runner.Outcome, libraries: Sequence[str]) -> float | None:
    """Print a line of the table; the ratio of the better peer's time to fnad's, where both are there."""
    times = {timing.library: min(timing.seconds) * 1e6 for timing in outcome.timings}
    peers = [times[peer] for peer in ("torch", "jax") if peer in times]
    ratio = min(peers) / times["fnad"] if peers and "fnad" in times else None
    cells = [f"{times[library]:.1f}" if library in times else "" for library in libraries]
    print(f"| {name} | {shape} | {kind} | {' | '.join(cells)} | {f'{ratio:.2f}' if ratio else ''} |", flush=True)
    return ratio


if __name__ == "__main__":
    sys.exit(main())
