"""What `fnad.support` says is true of the rows by which functions are tried, and stands on the page for readers."""

from __future__ import annotations

import warnings
from pathlib import Path

import fnad
import pytest
from fnad.compiler.compile import run_passes
from fnad.compiler.cpu.target import CPU
from fnad.compiler.cuda.target import CUDA
from fnad.compiler.target import Target
from fnad.examples import examples_of
from fnad.runtime.plan import HostStep, walk
from fnad.tracing.staging import stage
from fnad.tracing.tracer import value_type

from tests.support import PAGE, page
from tests.surface.laws import Row
from tests.surface.rows import all_rows

ROWS = all_rows()
KNOWN = {said.name: said for said in fnad.support()}


def test_rows_are_found_by_name_and_by_package() -> None:
    row = fnad.support("np.sin")["np.sin"]
    assert row == fnad.support("np")["np.sin"] == fnad.support()[: len(KNOWN)]["np.sin"]
    assert row == ("np.sin", "np.sin", "traced values", "any order in x", "compiled", "compiled")
    assert {r.name.rpartition(".")[0] for r in fnad.support("np.linalg")} == {"np.linalg"}
    with pytest.raises(ValueError, match="'np.sine'"):
        fnad.support("np.sine")


def test_trying_an_example_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def double(x: float) -> float:
        """>>> print(double(2.0))"""
        return 2 * x

    assert [example.leaves for example in examples_of(double)] == [(2.0,)]
    assert capsys.readouterr() == ("", "")


SAID = {
    "np.matmul": ("np.matmul", "traced values", "any order in x1, x2", "compiled", "compiled"),
    "np.floor": ("np.floor", "traced values", "none", "compiled", "compiled"),
    "np.copysign": ("np.copysign", "traced values", "any order in x1", "compiled", "compiled"),
    "np.nonzero": ("np.nonzero", "known values", "none", "", ""),
    "np.shape": ("np.shape", "no values", "none", "", ""),
    "np.fft.rfft": ("np.fft.rfft", "traced values", "any order in a", "compiled", "host: irfft, rfft"),
    "np.copyto": ("np.copyto", "traced values", "any order in src", "compiled", "compiled"),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said(name: str) -> None:
    assert fnad.support(name)[0] == (name, *SAID[name])


# Functions of which rows without derivatives look at a part of the results, or at a way to call them that has none.
WHOLES = {"np.histogram2d", "np.linalg.qr"}


@pytest.mark.parametrize(("row", "names"), ROWS, ids=[row.name for row, _ in ROWS])
def test_it_is_true_of_the_rows(row: Row, names: list[str]) -> None:
    said = [KNOWN[name] for name in names if name in KNOWN]
    if row.known or not said:
        return
    if row.order:
        assert any([s.derivatives != "none" or s.takes == "known values" for s in said])
        assert all([s.takes != "no values" for s in said])
    else:
        assert all([s.derivatives == "none" or s.name in WHOLES for s in said])
    for target, column in ((CPU, 4), (CUDA, 5)):
        steps = host_steps(row, target)
        # Of several functions, one may be said to have a step, or be the step itself.
        others = [KNOWN[name] for step in steps for name in (f"np.{step}", f"scipy.special.{step}") if name in KNOWN]
        assert [step for step in steps if not any([step in s[column] for s in (*said, *others)])] == []


def host_steps(row: Row, target: Target) -> set[str]:
    """The operations of a row that are not compiled for a target."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = stage(row.call, [value_type(x) for x in row.inputs]).program
    plan = run_passes(program, target)["lowering"]
    return {step.name for step, _ in walk(plan) if isinstance(step, HostStep)}


def test_the_page_has_the_table() -> None:
    assert Path(PAGE).read_text() == page(), "python -m tests.support writes it anew"
