"""The demonstration trains both models, shows how well and how fast, and refuses bad options in one line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import fnad
import pytest
from fnad import __main__ as command
from fnad.runtime.cuda import devices


@pytest.fixture(scope="module")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    plot = tmp_path_factory.mktemp("plot") / "curves.png"
    arguments = [sys.executable, "-m", "fnad", "--plot", str(plot)]
    return subprocess.run(arguments, capture_output=True, text=True, check=True), plot


def test_reads_digits(default_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    accuracy = re.search(r"^Test accuracy: (\d+\.\d+)%$", default_run[0].stdout, re.MULTILINE)
    assert accuracy and float(accuracy[1]) >= 97


def test_the_tutorial_model_learns(default_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    tutorial = default_run[0].stdout.split("Digits")[0]
    losses = [float(loss) for loss in re.findall(r"^  epoch +\d+   loss (\d+\.\d+)$", tutorial, re.MULTILINE)]
    assert len(losses) == 6
    assert losses == sorted(losses, reverse=True) and losses[-1] < 0.9 * losses[0]


def test_shows_every_epoch_and_its_speed(default_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    printed, bar = default_run[0].stdout, default_run[0].stderr
    line = r"^  epoch +\d+   loss \d\.\d{4}   accuracy +\d+\.\d\d% train, +\d+\.\d\d% test$"
    assert len(re.findall(line, printed, re.MULTILINE)) == 30
    assert len(re.findall(r"compilation \d+\.\d\d s, then \d+\.\d µs per step", printed)) == 2
    assert "30/30" in bar


def test_draws_the_curves(default_run: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    completed, plot = default_run
    assert plot.read_bytes().startswith(b"\x89PNG")
    assert str(plot) in completed.stdout


@pytest.mark.parametrize("optimizer", command.OPTIMIZERS)
def test_options_are_used(optimizer: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = f"--epochs 2 --hidden 12 --batch-size 100 --seed 3 --device auto --optimizer {optimizer}"
    assert command.main(arguments.split()) == 0
    printed = capsys.readouterr().out
    assert f"Digits: 64-12-10, softmax cross-entropy, {optimizer} at {command.LEARNING_RATES[optimizer]:g}" in printed
    assert "batches of 100" in printed and "epoch    2" in printed and "epoch    3" not in printed
    assert printed.startswith("Device c")


def test_without_a_gpu_one_line_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(devices, "_known", [devices._Opened(None, "there is no driver.")])
    monkeypatch.setattr(devices, "_said", set())
    assert command.main(["--epochs", "1", "--hidden", "8", "--device", "cuda"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Device cpu: ")
    said = [line for line in captured.err.splitlines() if "device" in line]
    assert len(said) == 1 and said[0].startswith("device cuda: requires a GPU that works, got none: there is no driver")
    assert fnad.default_device() == "cpu"


def test_without_a_gpu_a_strict_choice_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(devices, "_known", [devices._Opened(None, "there is no driver.")])
    monkeypatch.setattr(fnad.config, "strict_device", True)
    with pytest.raises(SystemExit) as stop:
        command.main(["--device", "cuda"])
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out, captured.err.count("\n")) == (2, "", 1)
    assert captured.err.startswith("python -m fnad: error: argument --device: device: requires a GPU that works")


def test_the_seed_decides_the_training(capsys: pytest.CaptureFixture[str]) -> None:
    outputs = []
    for seed in ("5", "5", "6"):
        command.main(["--epochs", "1", "--hidden", "8", "--seed", seed])
        outputs.append(re.findall(r"loss \S+|accuracy.*", capsys.readouterr().out))
    assert outputs[0] == outputs[1] != outputs[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--epochs 0", "argument --epochs: requires a positive integer, got '0'"),
        ("--epochs 1.5", "argument --epochs: requires a positive integer, got '1.5'"),
        ("--hidden 8 -1", "argument --hidden: requires a positive integer, got '-1'"),
        ("--batch-size x", "argument --batch-size: requires a positive integer, got 'x'"),
        ("--batch-size 2000", "argument --batch-size: requires at most the 1438 training digits, got 2000"),
        ("--lr -1", "argument --lr: requires a number of at least 0, got '-1'"),
        ("--lr nan", "argument --lr: requires a number of at least 0, got 'nan'"),
        ("--seed -1", "argument --seed: requires an integer from 0 up to 2**63 - 1, got '-1'"),
        ("--optimizer newton", "argument --optimizer: invalid choice: 'newton'"),
        ("--device tpu", "argument --device: invalid choice: 'tpu'"),
        ("--plot curves.docx", "argument --plot: requires a file name that ends in one of"),
        ("--plot nowhere/curves.png", "argument --plot: requires a folder that exists, got 'nowhere/curves.png'"),
        ("--speed 3", "unrecognized arguments: --speed 3"),
    ],
)
def test_bad_options_are_one_line_errors(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments.split())
    captured = capsys.readouterr()
    assert (stop.value.code, captured.out) == (2, "")
    assert captured.err.startswith(f"python -m fnad: error: {message}") and captured.err.count("\n") == 1


def test_without_matplotlib_a_plot_is_refused_before_training(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(SystemExit) as stop:
        command.main(["--plot", "curves.png"])
    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("python -m fnad: error: argument --plot: requires matplotlib")
