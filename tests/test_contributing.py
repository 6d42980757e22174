"""What docs/contributing.md says is true: its operations, added to a copy of the project, pass the tests there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cuda.requirements import needs_cuda_compiler

ROOT = Path(__file__).parents[1]
NOTES = ROOT / "docs" / "contributing.md"
STEP = re.compile(
    r"(?:In `(?P<file>[\w/.]+)`, (?P<side>before|after)\s`(?P<anchor>[^`]+)`|At the end of `(?P<whole>[\w/.]+)`):\n\n"
    r"```python\n(?P<code>.*?)```", re.DOTALL,
)


NAMES = ("softsign", "swap_axes", "reduce_span", "run_lengths")


class Step(NamedTuple):
    """A block of code of the notes, and where it belongs: before or after the line that starts with the anchor."""

    file: str
    side: str
    anchor: str
    code: str

    def applied(self, text: str) -> str:
        """The file's text with the code in it."""
        if not self.anchor:
            return text + self.code
        lines = text.splitlines(keepends=True)
        (place,) = [k for k, line in enumerate(lines) if line.strip().startswith(self.anchor)]
        place += self.side == "after"
        return "".join([*lines[:place], self.code, *lines[place:]])


def steps(name: str) -> Iterator[Step]:
    """The steps of the section about an operation."""
    (section,) = [part for part in NOTES.read_text().split("\n## ") if f": `{name}`" in part.partition("\n")[0]]
    for found in STEP.finditer(section):
        yield Step(found["file"] or found["whole"], found["side"] or "", found["anchor"] or "", found["code"])


@pytest.mark.parametrize(("name", "count"), [("softsign", 5), ("swap_axes", 2), ("reduce_span", 2), ("run_lengths", 9)])
def test_every_block_of_code_has_a_place(name: str, count: int) -> None:
    section = NOTES.read_text().split(f": `{name}`")[1].split("\n## ")[0]
    assert section.count("```python") == len(list(steps(name))) == count
    for step in steps(name):
        step.applied((ROOT / step.file).read_text())


def test_an_elementwise_operation_touches_no_target() -> None:
    assert not [step.file for step in steps("softsign") if "compiler" in step.file or "kernels" in step.file]
    files = [step.file for step in steps("run_lengths")]
    for part in ("kernels/{}/axes.py", "compiler/{}/library/axes.py"):
        assert all([f"fnad/{part.format(target)}" in files for target in ("cpu", "cuda")])


@pytest.mark.parametrize("name", ["softsign", "swap_axes", "reduce_span"])
def test_an_operation_without_a_kernel_is_added_in_few_places(name: str) -> None:
    files = [step.file for step in steps(name)]
    assert len(files) <= 5 and {file.split("/")[1] for file in files} <= {"ops", "nn", "properties"}


@needs_cuda_compiler
def test_the_operations_work_on_both_targets(tmp_path: Path) -> None:
    copied = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for folder in ("fnad", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=copied)
    shutil.copy(ROOT / "setup.cfg", tmp_path)
    for step in [step for name in NAMES for step in steps(name)]:
        path = tmp_path / step.file
        path.write_text(step.applied(path.read_text()))
    paths = ["tests/properties", "tests/test_complete.py", "tests/cuda/test_complete.py"]
    paths += ["tests/test_traits.py", "tests/nn/test_activations.py", "fnad/nn/activations.py"]
    options = ["-q", "-rN", "-p", "no:cacheprovider", "-k", " or ".join(NAMES)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, *paths],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed > 40 and "skipped" not in done.stdout, done.stdout[-1000:]
