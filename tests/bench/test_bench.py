"""The bench checks before it times, skips by name, and says what it did."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from bench import __main__ as command
from bench import limits, mlp, report, runner, worker, workloads
from bench.case import Case
from bench.runner import Timing

FAST = {"rounds": 3, "turn_seconds": 0.001, "threads": 1}


def run(workload: str, *libraries: str, tolerance: float = 1e-6) -> runner.Outcome:
    return runner.run(f"tests.bench.{workload}", libraries, tolerance=tolerance, check_steps=3, **FAST)


def test_times_every_library_in_every_round() -> None:
    outcome = run("agreeing", "numpy", "fnad")
    assert [timing.library for timing in outcome.timings] == ["numpy", "fnad"]
    for timing in outcome.timings:
        assert len(timing.seconds) == 3 and min(timing.seconds) > 0
        assert timing.steps * max(timing.seconds) > 0
    assert (outcome.difference, outcome.skipped) == (0, {})


def test_a_library_that_is_no_part_of_a_workload_is_skipped_by_name() -> None:
    outcome = run("agreeing", "numpy", "autograd")
    assert [timing.library for timing in outcome.timings] == ["numpy"]
    assert list(outcome.skipped) == ["autograd"]
    assert "Skipped autograd: " in report.markdown(outcome, "title")


def test_a_library_that_is_not_installed_is_skipped_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run("agreeing", "numpy", "torch").skipped == {"torch": "no module named torch"}


def test_a_library_that_lacks_what_it_needs_is_skipped_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "torch.py").write_text("__version__ = '0'")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert run("agreeing", "numpy", "torch_compile").skipped == {"torch_compile": "no C++ compiler"}


def test_a_library_that_disagrees_is_an_error() -> None:
    with pytest.raises(runner.BenchError, match=r"^fnad: requires the results of numpy within 1e-06, got .* of 0\.00"):
        run("disagreeing", "numpy", "fnad")
    assert 1e-4 < run("disagreeing", "numpy", "fnad", tolerance=0.01).difference < 1e-3


def test_a_small_leaf_is_held_to_its_own_size() -> None:
    ones, small = np.ones((2, 3)), np.full((2, 1), 1e-4)
    assert runner._difference([ones, small], [ones, small]) == 0
    assert runner._difference([ones, 1.01 * small], [ones, small]) == pytest.approx(0.01)
    assert runner._difference([ones, 0 * small + 1e-12], [ones, 0 * small]) == pytest.approx(1e-6)
    assert runner._difference([ones], [ones, small]) == float("inf")


def test_the_limit_is_timed_in_turn_and_not_compared() -> None:
    outcome = run("agreeing", "numpy", "fnad")
    assert outcome.limit is not None and len(outcome.limit.seconds) == 3
    assert [timing.library for timing in outcome.timings] == ["numpy", "fnad"]
    table = report.markdown(outcome, "title")
    (row,) = [line for line in table.splitlines() if line.startswith("| limit |")]
    assert row.endswith("| 1.00 |") and "Limit: the 0.002 MB that it must read and write, copied once." in table
    assert report.markdown(run("disagreeing", "numpy"), "title").count("limit") == 1


def test_limits_do_the_work_they_name() -> None:
    assert limits.products([(2, 3, 4), (5, 1, 1)]).step(None) == (None, None)
    assert limits.moved(16).step(None) == (None, None)
    assert mlp.products(mlp.start((4, 3, 2)), 7) == [(7, 4, 3), (7, 3, 2), (4, 7, 3), (3, 7, 2), (7, 2, 3)]


def test_draws_the_ratios(tmp_path: Path) -> None:
    outcome = run("agreeing", "numpy", "fnad")
    report.draw(tmp_path / "ratios.png", "title", [outcome])
    assert (tmp_path / "ratios.png").stat().st_size > 1000
    assert report._bars([outcome], "fnad") == ([0], [report.ratios(outcome.timings[1], outcome.timings[0])[1]])
    assert report._bars([outcome], "jax") == ([], [])


def test_a_worker_that_fails_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(runner.BenchError, match="^numpy: requires a worker that answers"):
        run("failing", "numpy")
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_results_start_afresh_and_take_the_batches_in_turn() -> None:
    case = Case(lambda state, x: (state + x, state), lambda: 1.0, [(1.0,), (10.0,)])
    for _ in range(2):
        assert list(worker.results(case, 4)) == [1, 2, 12, 13]


def test_leaves_come_in_the_order_of_sorted_keys() -> None:
    assert [leaf.tolist() for leaf in worker.leaves([{"w": np.array([3, 4]), "b": 2}, (5,)])] == [[2], [3, 4], [5]]


def test_ratios_compare_turns_of_one_round() -> None:
    base = Timing("a", "1", "1", "", 1, [1.0, 10.0, 2.0])
    assert report.ratios(Timing("b", "1", "1", "", 1, [3.0, 20.0, 3.0]), base) == (2.0, 3.0)


@pytest.mark.parametrize("name", command.names(workloads))
def test_fnad_agrees_with_numpy_on_every_workload(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "all.json"
    arguments = [name, "--libs", "fnad", "numpy", "--rounds", "1", "--turn-ms", "1", "--small", "--json", str(file)]
    assert command.main(arguments) == 0
    printed, written = capsys.readouterr().out, json.loads(file.read_text())
    assert f"### `{name}`" in printed and "| fnad |" in printed and "| numpy |" in printed
    assert len(written["workloads"][0]["timings"][1]["seconds"]) == 1


@pytest.mark.parametrize("arguments", [["nothing"], ["--libs", "nothing"], ["--rounds", "0"], ["--threads", "x"]])
def test_bad_options_are_one_line_errors(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("python -m bench: error: ")


def test_a_plot_needs_matplotlib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(command.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit):
        command.main(["--plot", "ratios.png"])
    assert "argument --plot: requires matplotlib" in capsys.readouterr().err
