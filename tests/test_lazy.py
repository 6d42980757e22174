"""Modules that are imported when they are first used, and what stands in their way."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fnad.lazy import LazyModule

SCRIPT = """
import numpy as np, fnad
for _ in range(2):
    try:
        fnad.jit(lambda x: np.sin(x) * 2.0)(np.ones(3))
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("what", ["coverage", "coverage.py"])
def test_what_stands_beside_the_script_in_the_place_of_a_package_is_named(tmp_path: Path, what: str) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / what).touch() if what.endswith(".py") else (tmp_path / what).mkdir()
    here, folder = str(Path(__file__).parents[1]), str(tmp_path / "cache")
    environment = {**os.environ, "PYTHONPATH": here, "FNAD_CACHE_DIR": folder}
    run = subprocess.run([sys.executable, str(tmp_path / "script.py")], env=environment, cwd=tmp_path, text=True,
                         capture_output=True, timeout=120, check=True)
    errors = [line for line in run.stdout.splitlines() if line.startswith("import: ")]
    assert len(errors) == 2, run.stdout + run.stderr
    for error in errors:
        assert "requires the package 'coverage' where another package imports it" in error
        assert f"got {tmp_path / 'coverage'}, which stands in its place" in error and "Rename it" in error


def test_a_package_that_is_missing_is_pythons_error() -> None:
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'"):
        LazyModule("no_such_module").name
