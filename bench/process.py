"""``python -m bench.process``: what a whole process costs in each library: import, first results, a new size, memory.

Every figure is taken in a fresh process; the libraries take turns.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench import report
from bench.options import at_least_one
from bench.runner import ROOT, environment, limit_processors

LIBRARIES = ("fnad", "jax", "torch", "torch_compile", "autograd")
TUTORIAL, DIGITS, MNIST, WIDE = (
    f"bench.workloads.{name}" for name in ("tutorial_mlp", "digits_mlp", "mnist_mlp", "wide_mlp")
)

Figures = dict[str, list[float]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Take all figures and print a table; 1 if a library failed."""
    parser = argparse.ArgumentParser(prog="python -m bench.process", description=__doc__)
    add = parser.add_argument
    add("--libs", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    add("--rounds", type=at_least_one, default=5, help="processes of each library for each figure (default: 5)")
    add("--threads", type=at_least_one, default=1, help="and processors, for every library alike (default: 1)")
    add("--json", type=Path, metavar="FILE", help="write every measurement to a file")
    add("--small", action="store_true", help="shrink the large workloads, to try them")
    options = parser.parse_args(arguments)
    where = report.machine() | {"rounds": options.rounds, "threads": options.threads}
    print(", ".join(f"{key} {value}" for key, value in where.items()), end="\n\n")
    with tempfile.TemporaryDirectory() as folder:
        taken, failed = take(options, Path(folder))
    print(markdown(taken, options.libs))
    if options.json:
        options.json.write_text(json.dumps({"settings": where, "figures": taken}, indent=1) + "\n")
    return int(failed)


def take(options: argparse.Namespace, folder: Path) -> tuple[dict[str, Figures], bool]:
    """By name of a figure and by library, the numbers of all rounds; and whether a library failed."""
    taken: dict[str, Figures] = {}
    failing: set[str] = set()
    for _ in range(options.rounds):
        for library in options.libs:
            if library in failing:
                continue
            try:
                for name, number in figures(library, folder, options.threads, options.small):
                    taken.setdefault(name, {}).setdefault(library, []).append(number)
            except subprocess.CalledProcessError as error:
                print(f"bench.process: {library}: {error}", file=sys.stderr)
                failing.add(library)
    return taken, bool(failing)


def figures(library: str, folder: Path, threads: int, small: bool) -> Iterator[tuple[str, float]]:
    """All figures of one library, once. ``folder`` keeps a warm cache of each library between rounds."""

    def ask(workload: str, cache: str, *requests: str) -> Any:
        return measured(library, workload, Path(cache), threads, small, *requests)

    for title, workload in (("tutorial", TUTORIAL), ("digits", DIGITS)):
        with tempfile.TemporaryDirectory() as empty:
            cold = ask(workload, empty, "resize")
        yield "import, s", cold["import"]
        yield f"{title} step: first result, empty cache, import not counted, s", cold["first"]
        yield f"{title} step: a new batch size on a compiled step, ms", 1e3 * cold["resized"]
        if cold["compiled"] is not None:
            yield f"{title} step: kernels compiled for a new batch size", cold["compiled"]
    cache = folder / library
    if not cache.exists():
        ask(DIGITS, str(cache))
    warm = ask(DIGITS, str(cache))
    yield "digits step: first result, warm cache, import included, s", warm["import"] + warm["first"]
    for title, workload in (("MNIST-size", MNIST), ("wide", WIDE)):
        ask(workload, str(cache))
        memory = ask(workload, str(cache), "memory")
        yield f"{title} step: peak resident memory, MB", memory["peak"] / 1e6
        yield f"{title} step: the same above what import and data take, MB", (memory["peak"] - memory["before"]) / 1e6


def measured(library: str, workload: str, cache: Path, threads: int, small: bool, *requests: str) -> dict[str, Any]:
    """The answer of one fresh process, whose caches of compiled code are in a folder of their own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.process_worker", library, workload, *requests],
        env=environment(threads, small) | cache_variables(cache),
        preexec_fn=lambda: limit_processors(threads),
        stdout=subprocess.PIPE,
        check=True,
        cwd=ROOT,
    )
    return json.loads(done.stdout)


def cache_variables(folder: Path) -> dict[str, str]:
    """JAX keeps compiled code on disk only if asked to, and then only what took long to compile."""
    return {
        "FNAD_CACHE_DIR": str(folder),
        "JAX_COMPILATION_CACHE_DIR": str(folder),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
        "TORCHINDUCTOR_CACHE_DIR": str(folder),
    }


def markdown(taken: dict[str, Figures], libraries: Sequence[str]) -> str:
    """A row for each figure: minimum and median of each library."""
    found = [library for library in libraries if any(library in by_library for by_library in taken.values())]
    lines = ["| figure: min / median | " + " | ".join(found) + " |", "| --- |" + " ---: |" * len(found)]
    for name, by_library in taken.items():
        cells = [
            f"{min(by_library[library]):.4g} / {median(by_library[library]):.4g}" if library in by_library else ""
            for library in found
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
