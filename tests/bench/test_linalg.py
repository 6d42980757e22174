"""The table of linear algebra: a row for each function, shape and kind, and one number for all."""

from __future__ import annotations

import re

import numpy as np
import pytest
from bench import linalg


def test_a_row_and_its_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["solve", "--shapes", "1000x3", "--libs", "fnad", "numpy", "--rounds", "1", "--turn-ms", "1"]
    assert linalg.main(arguments) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^\| solve \| 1000x3 \| value \| [\d.]+ \| [\d.]+ \|  \|$", printed, re.MULTILINE)
    assert re.search(r"^\| solve \| 1000x3 \| gradient \| [\d.]+ \|  \|  \|$", printed, re.MULTILINE)


@pytest.mark.parametrize("name", linalg.FUNCTIONS)
def test_the_matrices_are_well_conditioned(name: str) -> None:
    case = linalg.numpy(np, name, "200x32", "value")
    _, result = case.step((), *case.batches[0])
    assert np.isfinite(result).all() and np.linalg.cond(case.batches[0][0]).max() < 20
