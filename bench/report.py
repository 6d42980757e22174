"""Timings as a Markdown table, as JSON and as a chart, with the machine that they were taken on."""

from __future__ import annotations

import importlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

from bench.runner import Outcome, Timing

HEADER = (
    "| library | version | threads | min µs | median µs | × {base}, median of rounds | × {base}, of minima | × limit |",
    "| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |",
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
        rows = [*outcome.timings, *([outcome.limit] if outcome.limit else [])]
        lines += [_row(timing, base, outcome.limit) for timing in rows]
        lines += ["", f"Results checked: relative difference at most {outcome.difference:.1g}."]
        lines += [f"{timing.library.capitalize()}: {timing.note}." for timing in rows if timing.note]
    lines += [f"Skipped {library}: {why}." for library, why in outcome.skipped.items()]
    return "\n".join(lines) + "\n"


def _row(timing: Timing, base: Timing, limit: Timing | None) -> str:
    least, middle = (1e6 * statistic(timing.seconds) for statistic in (min, median))
    by_round, by_minimum = ratios(timing, base)
    of_limit = f"{ratios(timing, limit)[1]:.2f}" if limit else ""
    return (
        f"| {timing.library} | {timing.version} | {timing.threads} "
        f"| {least:.1f} | {middle:.1f} | {by_round:.2f} | {by_minimum:.2f} | {of_limit} |"
    )


def write_json(path: Path, where: dict[str, Any], settings: dict[str, Any], outcomes: Sequence[Outcome]) -> None:
    """Everything that was measured, each turn of each library."""
    content = {"machine": where, "settings": settings, "workloads": [asdict(outcome) for outcome in outcomes]}
    path.write_text(json.dumps(content, indent=1) + "\n")


def draw(path: Path, title: str, outcomes: Sequence[Outcome]) -> None:
    """A group of bars for each workload: how many times the base's seconds each library took."""
    matplotlib_figure = importlib.import_module("matplotlib.figure")
    outcomes = [outcome for outcome in outcomes if len(outcome.timings) > 1]
    names = list(dict.fromkeys(timing.library for outcome in outcomes for timing in outcome.timings[1:]))
    figure = matplotlib_figure.Figure((8, 1 + 0.22 * len(outcomes) * (len(names) + 1)), layout="constrained")
    axes = figure.subplots()
    for at, name in enumerate(names):
        places, found = _bars(outcomes, name)
        heights = [place + (at + 0.5) / (len(names) + 1) for place in places]
        # from 1 on, which means as fast: to the right slower, to the left faster
        bars = axes.barh(heights, [ratio - 1 for ratio in found], 1 / (len(names) + 1), left=1, label=name)
        axes.bar_label(bars, [f"{ratio:.3g}" if ratio < 1000 else f"{ratio:.0f}" for ratio in found], padding=2)
    labels = [outcome.workload.rpartition(".")[2] for outcome in outcomes]
    axes.set_yticks([place + 0.5 for place in range(len(labels))], labels)
    axes.invert_yaxis()
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set(xscale="log", xlabel=f"times the seconds of {outcomes[0].timings[0].library}" if outcomes else "")
    axes.margins(x=0.15)
    axes.set_title(fill(title, 80), fontsize="small")
    if names:
        axes.legend()
    figure.savefig(path)


def _bars(outcomes: Sequence[Outcome], library: str) -> tuple[list[int], list[float]]:
    """The numbers of the workloads that a library took part in, and its ratio of minima in each."""
    found = {
        place: ratios(timing, outcome.timings[0])[1]
        for place, outcome in enumerate(outcomes)
        for timing in outcome.timings[1:]
        if timing.library == library
    }
    return list(found), list(found.values())
