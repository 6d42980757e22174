"""``python -m bench``: times workloads in several libraries, on the CPU or on a GPU, and prints a table for each."""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import gpu, report, runner, workloads
from bench.options import at_least_one

LIBRARIES = {
    "cpu": ("fnad", "numpy", "torch", "torch_compile", "jax", "autograd"),
    "cuda": ("fnad", "torch", "torch_compile", "jax"),
}
LOOSER_ON_GPU = 10
"""How many times a workload's tolerance results on a GPU may differ: each library has sums in another order there, and
float32 functions of its own with errors of a few units in the last place."""


def names(package: object) -> list[str]:
    """The modules of a package."""
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def make_parser() -> argparse.ArgumentParser:
    """The options and their defaults."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("workloads", nargs="*", metavar="workload", choices=[[], *names(workloads)], help=", ".join(names(workloads)))
    add("--device", choices=tuple(LIBRARIES), default="cpu", help="where all libraries run (default: cpu)")
    add("--libs", nargs="+", choices=LIBRARIES["cpu"], help="the first one is the base of the ratios (default: all)")
    add("--rounds", type=at_least_one, default=21, help="turns of each library (default: 21)")
    add("--turn-ms", type=at_least_one, default=100, help="least milliseconds of a turn (default: 100)")
    add("--threads", type=at_least_one, default=1, help="and processors, for every library alike (default: 1)")
    add("--json", type=Path, metavar="FILE", help="write every measurement to a file")
    add("--plot", type=Path, metavar="FILE", help="draw the ratios into a file (needs matplotlib)")
    add("--small", action="store_true", help="shrink the large workloads, to try them")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workloads that were asked for; 1 if a library failed or disagreed."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.plot and not importlib.util.find_spec("matplotlib"):
        parser.error("argument --plot: requires matplotlib, which is not installed. Try: pip install 'fnad[plot]'")
    options.libs = options.libs or LIBRARIES[options.device]
    where = report.machine()
    if options.device == "cuda":
        try:
            where |= gpu.found()
        except runner.BenchError as error:
            parser.exit(2, f"bench: {error}\n")
    settings = {"rounds": options.rounds, "turn_ms": options.turn_ms, "threads": options.threads}
    settings |= {"sizes": "small"} if options.small else {}
    heading = ", ".join(f"{key} {value}" for key, value in (where | settings).items())
    print(heading, end="\n\n")
    outcomes, failed = [], False
    for name in options.workloads or names(workloads):
        try:
            outcomes.append(time_workload(name, options))
        except runner.BenchError as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            failed = True
    if options.json:
        report.write_json(options.json, where, settings, outcomes)
    if options.plot:
        report.draw(options.plot, heading, outcomes)
    return int(failed)


def time_workload(name: str, options: argparse.Namespace) -> runner.Outcome:
    """Time one workload and print its table."""
    module = importlib.import_module(f"{workloads.__name__}.{name}")
    outcome = runner.run(
        workload=module.__name__,
        libraries=options.libs,
        tolerance=module.TOLERANCE * (LOOSER_ON_GPU if options.device == "cuda" else 1),
        check_steps=module.CHECK_STEPS,
        rounds=options.rounds,
        turn_seconds=options.turn_ms / 1000,
        threads=options.threads,
        small=options.small,
        device=options.device,
    )
    print(report.markdown(outcome, f"`{name}`: {module.__doc__.strip()}"), flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
