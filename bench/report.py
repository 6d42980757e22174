"""Timings as a Markdown table and as JSON, with the machine that they were taken on."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from bench.runner import Outcome, Timing

HEADER = (
    "| library | version | threads | min µs | median µs | × of {base}, median of rounds | × of {base}, of the minima |",
    "| --- | --- | --- | ---: | ---: | ---: | ---: |",
)


def machine() -> dict[str, Any]:
    """What the timings depend on besides the code."""
    return {
        "processor": _processor(),
        "processors": len(os.sched_getaffinity(0)),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def ratios(timing: Timing, base: Timing) -> tuple[float, float]:
    """How many times the base's seconds: the median over rounds, and of the two minima."""
    rounds = [mine / other for mine, other in zip(timing.seconds, base.seconds, strict=True)]
    return median(rounds), min(timing.seconds) / min(base.seconds)


def markdown(outcome: Outcome, title: str) -> str:
    """The table of one workload; the first library is the one that the others are compared with."""
    lines = [f"### {title}", ""]
    if outcome.timings:
        base = outcome.timings[0]
        lines += [line.format(base=base.library) for line in HEADER]
        lines += [_row(timing, base) for timing in outcome.timings]
        lines += ["", f"Results checked: relative difference at most {outcome.difference:.1g}."]
    lines += [f"Skipped {library}: {why}." for library, why in outcome.skipped.items()]
    return "\n".join(lines) + "\n"


def _row(timing: Timing, base: Timing) -> str:
    least, middle = (1e6 * statistic(timing.seconds) for statistic in (min, median))
    by_round, by_minimum = ratios(timing, base)
    return (
        f"| {timing.library} | {timing.version} | {timing.threads} "
        f"| {least:.1f} | {middle:.1f} | {by_round:.2f} | {by_minimum:.2f} |"
    )


def write_json(path: Path, where: dict[str, Any], settings: dict[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Everything that was measured, each turn of each library."""
    content = {"machine": where, "settings": settings, "workloads": [asdict(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(content, indent=1) + "\n")
