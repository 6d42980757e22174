"""All rows of tests/surface, by the names of the functions that they try: one, or several after one another."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from tests.surface.laws import Row

# The packages of the functions whose rows have a name without one; others are NumPy's.
PACKAGES = {
    "test_fft": "np.fft", "test_integrate": "scipy.integrate", "test_interpolate": "scipy.interpolate",
    "test_linalg": "np.linalg", "test_optimize": "scipy.optimize", "test_scipy_fft": "scipy.fft",
    "test_signal": "scipy.signal", "test_solve_ivp": "scipy.integrate", "test_special": "scipy.special",
}


def all_rows() -> list[tuple[Row, list[str]]]:
    """All rows, with the full names of the functions that they try, such as ``np.linalg.solve``."""
    found = []
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        if path.stem != "test_laws":
            package = PACKAGES.get(path.stem, "np")
            for value in vars(importlib.import_module(f"tests.surface.{path.stem}")).values():
                found += [(row, _names(row, package)) for row in _rows(value)]
    return found


def _rows(value: Any) -> list[Row]:
    values = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    return [row for row in values if isinstance(row, Row)]


def _names(row: Row, package: str) -> list[str]:
    names = row.name.partition("/")[0].split(", ")
    return [name if "." in name else f"{package}.{name}" for name in names]


def tried() -> set[str]:
    """The full names of all functions that have rows."""
    return {name for _, names in all_rows() for name in names}
