"""Figures of whole processes: each is asked of a fresh one, and put where it belongs."""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path

import pytest
from bench import checkpointing, process, process_worker

TUTORIAL = "bench.workloads.tutorial_mlp"


def test_a_fresh_process_answers_what_it_was_asked(tmp_path: Path) -> None:
    answer = process.measured("numpy", process.DIGITS, tmp_path, 1, True, "resize", "memory")
    assert 0 < answer["first"] < 60 and 0 < answer["import"] < 60 and 0 < answer["resized"] < 60
    assert 1e6 < answer["before"] <= answer["peak"]
    assert answer["compiled"] is None


def test_fnad_counts_kernels_and_keeps_them_in_the_folder(tmp_path: Path) -> None:
    answer = process.measured("fnad", TUTORIAL, tmp_path, 1, True, "resize")
    assert isinstance(answer["compiled"], int)
    assert list(tmp_path.iterdir()), "its cache is the folder that was given"


def test_resizing_takes_the_difference_of_counts() -> None:
    class Counting:
        count = 5

        def compiled(self) -> int:
            return self.count

        def finish(self, result: object) -> None:
            pass

    class Case:
        batches = [([0] * 8, [1] * 8)]

        def step(self, state: list[int], x: list[int], y: list[int]) -> tuple[list[int], None]:
            library.count += len(x) == 6
            return [*state, len(x), len(y)], None

    library = Counting()
    answer = process_worker.resize(library, Case(), [])
    assert answer["compiled"] == 1 and answer["resized"] > 0


def fake(library: str, workload: str, cache: Path, *requests: object) -> dict[str, float | None]:
    if library == "autograd":
        raise subprocess.CalledProcessError(1, "python")
    compiled = 3 if library == "fnad" else None
    cache.mkdir(exist_ok=True)
    return {"import": 1.0, "first": 2.0, "resized": 0.5, "compiled": compiled, "before": 2e6, "peak": 5e6}


def test_figures_of_all_rounds_and_libraries(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process, "measured", fake)
    options = argparse.Namespace(rounds=2, libs=("fnad", "jax", "autograd"), threads=1, small=True)
    taken, failed = process.take(options, tmp_path)
    assert failed and capsys.readouterr().err.count("bench.process: autograd") == 1
    assert taken["import, s"] == {"fnad": [1.0] * 4, "jax": [1.0] * 4}
    assert taken["tutorial step: kernels compiled for a new batch size"] == {"fnad": [3, 3]}
    assert taken["digits step: first result, warm cache, import included, s"]["jax"] == [3.0, 3.0]
    assert taken["wide step: the same above what import and data take, MB"]["fnad"] == [3.0, 3.0]
    table = process.markdown(taken, options.libs).splitlines()
    assert table[0] == "| figure: min / median | fnad | jax |"
    assert "| digits step: a new batch size on a compiled step, ms | 500 / 500 | 500 / 500 |" in table
    assert "| digits step: kernels compiled for a new batch size | 3 / 3 |  |" in table


def test_checkpoints_of_a_scan_take_less_memory(capsys: pytest.CaptureFixture[str]) -> None:
    assert checkpointing.main(["64", "--size", "40000", "--rounds", "1"]) == 0
    row = capsys.readouterr().out.splitlines()[-2].split("|")
    assert row[1].strip() == "64" and float(row[2]) > 64 * 0.32 > float(row[5])
