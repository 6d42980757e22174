"""``python -m bench``: times workloads in several libraries and prints a table for each."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import libraries, report, runner, workloads

LIBRARIES = ("fnad", "numpy", "torch", "jax", "autograd")


def names(package: object) -> list[str]:
    """The modules of a package."""
    return [module.name for module in pkgutil.iter_modules(package.__path__)]


def at_least_one(text: str) -> int:
    """A count, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"requires a positive integer, got {text!r}")
    return int(text)


def make_parser() -> argparse.ArgumentParser:
    """The options and their defaults."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    add = parser.add_argument
    add("workloads", nargs="*", metavar="workload", choices=[[], *names(workloads)], help=", ".join(names(workloads)))
    known = names(libraries)
    add("--libs", nargs="+", default=LIBRARIES, choices=known, help="the first one is the base of the ratios")
    add("--rounds", type=at_least_one, default=21, help="turns of each library (default: 21)")
    add("--turn-ms", type=at_least_one, default=100, help="least milliseconds of a turn (default: 100)")
    add("--threads", type=at_least_one, default=1, help="and processors, for every library alike (default: 1)")
    add("--json", type=Path, metavar="FILE", help="write every measurement to a file")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the workloads that were asked for; 1 if a library failed or disagreed."""
    options = make_parser().parse_args(arguments)
    where = report.machine()
    settings = {"rounds": options.rounds, "turn_ms": options.turn_ms, "threads": options.threads}
    print(", ".join(f"{key} {value}" for key, value in (where | settings).items()), end="\n\n")
    outcomes, failed = [], False
    for name in options.workloads or names(workloads):
        try:
            outcomes.append(time_workload(name, options))
        except runner.BenchError as error:
            print(f"bench: {name}: {error}", file=sys.stderr)
            failed = True
    if options.json:
        report.write_json(options.json, where, settings, outcomes)
    return int(failed)


def time_workload(name: str, options: argparse.Namespace) -> runner.Outcome:
    """Time one workload and print its table."""
    module = importlib.import_module(f"{workloads.__name__}.{name}")
    outcome = runner.run(
        workload=module.__name__,
        libraries=options.libs,
        tolerance=module.TOLERANCE,
        check_steps=module.CHECK_STEPS,
        rounds=options.rounds,
        turn_seconds=options.turn_ms / 1000,
        threads=options.threads,
    )
    print(report.markdown(outcome, f"`{name}`: {module.__doc__.strip()}"), flush=True)
    return outcome


if __name__ == "__main__":
    sys.exit(main())
