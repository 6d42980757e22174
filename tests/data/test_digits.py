"""The digits are complete, and what ships with the package is what it needs."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
from fnad import data

ROOT = Path(__file__).parents[2]


def test_digits_are_the_documented_arrays() -> None:
    images, labels = data.digits()
    assert (images.shape, images.dtype) == ((1797, 64), np.float32)
    assert (labels.shape, labels.dtype) == ((1797,), np.int64)
    assert (images.min(), images.max()) == (0, 1)
    np.testing.assert_array_equal(np.bincount(labels), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180])
    np.testing.assert_array_equal(images * 16, np.round(images * 16))


def test_the_first_digit_is_a_zero() -> None:
    images, labels = data.digits()
    assert labels[0] == 0
    np.testing.assert_array_equal(images[0, :8] * 16, [0, 0, 5, 13, 9, 1, 0, 0])


def test_each_call_returns_arrays_of_its_own() -> None:
    images, _ = data.digits()
    images[:] = 7
    assert data.digits()[0].max() == 1


def test_source_and_licence_are_named_beside_the_data() -> None:
    text = (ROOT / "fnad" / "data" / "digits.txt").read_text()
    for needed in ("UCI Machine Learning Repository", "10.24432/C50P49", "CC BY 4.0", "Alpaydin", "Kaynak"):
        assert needed in text


def test_every_file_of_the_package_is_in_its_build() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    package = ROOT / "fnad"
    shipped = {package.parent / name.replace(".", "/") / file for name, files in declared.items() for file in files}
    found = {path for path in package.rglob("*.*") if path.suffix != ".py" and path.parent.name != "__pycache__"}
    assert found == shipped
