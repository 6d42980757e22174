"""What the library knows of NumPy and SciPy: a table that is made by trying, of each function, its text's examples.

Each example is called with traced values in place of its numbers, differentiated, and brought through the
compiler's passes for both kinds of device: what the table says was seen.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np

from fnad.compiler.compile import run_passes
from fnad.compiler.cpu.target import CPU
from fnad.errors import boundary
from fnad.examples import examples_of, slopes, trial_of, works
from fnad.ir.program import Program
from fnad.lazy import LazyModule
from fnad.runtime.plan import HostStep, walk

cuda = LazyModule("fnad.compiler.cuda.target")


class Support(NamedTuple):
    """What is supported of one function."""

    name: str
    """The function's, as ``np.linalg.solve``."""
    call: str
    """By which name it is given traced values: this one, or that of its counterpart here."""
    takes: str
    """Whether it works with traced values, with ``"known values"`` where a result's size depends on them, or asks for
    ``"no values"``."""
    derivatives: str
    """To which order it is differentiable, and in which arguments."""
    cpu: str
    """Whether it is compiled for the CPU, with its derivatives; else by which operations it goes back to Python."""
    gpu: str
    """The same for a GPU."""


TITLES = ("function", "called as", "takes", "derivatives", "CPU", "GPU")


class SupportTable(Sequence[Support]):
    """The rows that `support` has found; it prints as a table."""

    def __init__(self, rows: Sequence[Support]) -> None:
        self._rows = list(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key: Any) -> Any:
        """A row by its number or its function's name; those of a slice."""
        if isinstance(key, str):
            return {row.name: row for row in self._rows}[key]
        return SupportTable(self._rows[key]) if isinstance(key, slice) else self._rows[key]

    def __repr__(self) -> str:
        table = (TITLES, *self._rows)
        widths = [max([len(text) for text in column]) for column in zip(*table)]
        return "\n".join(["  ".join([text.ljust(n) for text, n in zip(row, widths)]).rstrip() for row in table])

    def markdown(self) -> str:
        """The table for a page in Markdown."""
        rows = [(f"`{row.name}`", f"`{row.call}`", *row[2:]) for row in self._rows]
        return "".join([f"| {' | '.join(row)} |\n" for row in (TITLES, ("---",) * len(TITLES), *rows)])


@boundary
def support(name: str = "") -> SupportTable:
    """The functions of NumPy and SciPy that are supported: with which derivatives, compiled for which device.

    Each row says what was seen when the examples in a function's text were tried. That takes some milliseconds, for all
    functions some seconds, and is remembered. Nothing is printed; kernels of solvers that run are cached as ever.

    Args:
        name: of a function or a package, ``"np.linalg.solve"`` or ``"np.linalg"``; the default is all that there is.

    Returns:
        A sequence of rows ``(name, call, takes, derivatives, cpu, gpu)`` that prints as a table.

    Raises:
        ValueError: there is no such function.

    >>> support("np.sin")
    function  called as  takes          derivatives     CPU       GPU
    np.sin    np.sin     traced values  any order in x  compiled  compiled
    """
    found = [known for known in _known() if not name or known == name or known.startswith(f"{name}.")]
    if not found:
        raise ValueError(f"support: requires a function or package that fnad knows, got {name!r}. See support().")
    return SupportTable([_row(known) for known in found])


# --- The functions


class _Function(NamedTuple):
    original: Callable[[], Any]
    """Gives the library's own as it is found then."""
    ours: Callable[..., Any]
    name: str
    """What ours is called."""


@cache
def _known() -> dict[str, _Function]:
    """The functions of NumPy's and SciPy's packages that have counterparts here, by name."""
    scipy = importlib.import_module("fnad.scipy")
    packages = {"np": "fnad.numpy", "np.linalg": "fnad.numpy.linalg", "np.fft": "fnad.numpy.fft"}
    packages |= {f"scipy.{m.name}": f"fnad.scipy.{m.name}" for m in pkgutil.iter_modules(scipy.__path__) if m.ispkg}
    found = {}
    for prefix, own in packages.items():
        package, originals = importlib.import_module(own), importlib.import_module(prefix.replace("np", "numpy", 1))
        for name in dir(package):
            ours = getattr(package, name)
            original = getattr(originals, name, None)
            is_function = callable(ours) and not inspect.isclass(ours) and ours is not original  # so its text is ours
            if is_function and callable(original):
                found[f"{prefix}.{name}"] = _Function(partial(getattr, originals, name), ours, f"{own}.{name}")
    return found


@cache
def _row(name: str) -> Support:
    """What is seen of a function."""
    known = _known()[name]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        trials = [trial for example in examples_of(known.ours) if (trial := trial_of(example)) is not None]
        if not trials:
            return Support(name, name, "no values", "none", "", "")
        derivatives: dict[str, list[Program]] = {}
        programs = [trial.program for trial in trials]
        for trial in trials:
            found = slopes(trial)
            programs += [orders[0] for orders in found.values()]
            derivatives = {**found, **derivatives}
        first = trials[0]
        return Support(
            name, name if works(first, known.original) else known.name,
            "known values" if first.is_known else "traced values", _orders(derivatives),
            _where(programs, CPU), _where(programs, cuda.CUDA),
        )


def _orders(derivatives: dict[str, list[Program]]) -> str:
    """For each parameter's derivatives, one for each order, what is said of them."""
    said = []
    for words, count in (("any order", 2), ("first order", 1)):
        names = [name for name, programs in derivatives.items() if len(programs) == count]
        said += [f"{words} in {', '.join(names)}"] if names else []
    return "; ".join(said) or "none"


def _where(programs: Sequence[Program], target: Any) -> str:
    """Whether Programs are compiled for a target, or which operations run on the host."""
    plans = [run_passes(program, target)["lowering"] for program in programs if program.outputs]
    steps = {step.name for plan in plans for step, _ in walk(plan) if isinstance(step, HostStep)}
    return f"host: {', '.join(sorted(steps))}" if steps else "compiled" if plans else ""
