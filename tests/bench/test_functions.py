"""Rates and errors of the elementary functions: tables with a row for each."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from bench import accuracy, functions
from fnad.kernels.elementary import ULPS

TABLE = Path(__file__).parents[2] / "docs" / "vector_math.md"


def test_rates_of_a_function(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["arctan2", "--libs", "fnad", "numpy", "--dtypes", "float32", "--rounds", "1", "--turn-ms", "1"]
    assert functions.main(arguments) == 0
    assert re.search(r"^\| arctan2 \| float32 \| [\d.]+ \| [\d.]+ \|$", capsys.readouterr().out, re.MULTILINE)


def test_every_function_of_the_vector_math_is_timed() -> None:
    assert set(ULPS) <= set(functions.NUMPY)


@pytest.mark.parametrize("dtype", functions.DTYPES)
@pytest.mark.parametrize("name", functions.NUMPY)
def test_operands_are_in_the_domain(name: str, dtype: str) -> None:
    with np.errstate(all="raise"):
        _, result = (case := functions.numpy(np, name, dtype)).step((), *case.batches[0])
    assert result.dtype == dtype and np.isfinite(result).all()


@pytest.mark.parametrize("op", ["erf", "pow", "log", "sinc"])
def test_the_largest_error_is_found(op: str) -> None:
    error, at = accuracy.furthest(op, np.float32, 1000)
    assert 0.4 < error <= ULPS[op][0] and len(at) == (2 if op == "pow" else 1)


def test_one_wrong_number_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    @np.errstate(over="ignore")
    def nearly(op: str, x: np.ndarray) -> np.ndarray:
        result = np.exp(x.astype(np.float64)).astype(x.dtype)
        place = x == np.float32(1.5)
        result[place] = np.nextafter(np.nextafter(result[place], np.float32(9)), np.float32(9))
        return result

    monkeypatch.setattr(accuracy, "run", nearly)
    error, at = accuracy.furthest("exp", np.float32, 1000)
    assert 1.5 < error < 2.5 and at == [1.5]


def test_the_table_has_every_function_within_its_bounds() -> None:
    rows = [line.split("|")[1:-1] for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    assert [row[0].strip(" `") for row in rows] == list(ULPS)
    for row in rows:
        errors, bounds = [float(row[k]) for k in (1, 4)], [float(row[k]) for k in (3, 6)]
        assert bounds == list(ULPS[row[0].strip(" `")])
        assert all(0.4 < error <= bound for error, bound in zip(errors, bounds)), row
