"""The order of the layers: a file imports lower ranks and its own package, at its top, and light things first."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

import fnad
import pytest

ROOT = Path(fnad.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py"))

# The longest prefix of a module's name decides its rank.
RANKS = {
    "fnad.errors": 0, "fnad.tree": 0, "fnad.version": 0, "fnad.kernels": 0,
    "fnad.ir": 1,
    "fnad.tracing": 2,
    "fnad.ops": 3,
    "fnad.transforms": 4, "fnad.numpy": 4,
    "fnad.random": 5, "fnad.control": 5,
    "fnad.compiler": 6,
    "fnad.transforms.jit": 7, "fnad.transforms.explain": 7,
    "fnad.nn": 8, "fnad.optim": 8,
    "fnad.data": 9, "fnad.testing": 9, "fnad.io": 9, "fnad.distributed": 9,
    "fnad": 10, "fnad.__main__": 11,
}
# Files that may import inside a function: what the CUDA target needs is loaded when it is asked for.
LATE_IMPORTS = ("compiler/cuda/", "kernels/cuda/")
HEAVY = {"numba", "llvmlite", "matplotlib", "torch", "jax", "hypothesis", "pytest"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_name(path) for path in FILES}


def rank(module: str) -> int:
    parts = module.split(".")
    named = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    # The root's own rank is not for the files in it: each new one is given a place in the table.
    return next(RANKS[name] for name in named if name in RANKS and (name != "fnad" or module == "fnad"))


def package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def imported_modules(path: Path, parsed: ast.AST) -> Iterator[str]:
    """The modules that a file imports; for a name from a package that is a module of its own, that module."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = module_name(path) if path.name == "__init__.py" else module_name(path.parent)
            source = resolve_name("." * node.level + (node.module or ""), here)
            for alias in node.names:
                full = f"{source}.{alias.name}"
                yield full if full in MODULES else source


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_file_imports_lower_ranks_and_its_own_package_only(path: Path) -> None:
    module = module_name(path)
    for target in imported_modules(path, ast.parse(path.read_text())):
        if target.partition(".")[0] == "fnad":
            own = package(target) == package(module) and rank(target) <= rank(module)
            assert rank(target) < rank(module) or own, f"{module} (rank {rank(module)}) imports {target} (rank {rank(target)})."


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_no_import_inside_a_function(path: Path) -> None:
    if path.relative_to(ROOT).as_posix().startswith(LATE_IMPORTS):
        return
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            late = [n for n in ast.walk(node) if isinstance(n, (ast.Import, ast.ImportFrom))]
            assert not late, f"{path}:{late[0].lineno}: requires imports at the top of a file."


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_numba_is_imported_by_kernels_and_compiler_only(path: Path) -> None:
    targets = {target.partition(".")[0] for target in imported_modules(path, ast.parse(path.read_text()))}
    assert package(module_name(path)) in ("fnad.kernels", "fnad.compiler") or targets.isdisjoint({"numba", "llvmlite"})


def test_importing_fnad_loads_nothing_heavy() -> None:
    code = f"import sys, fnad; print(*sorted({HEAVY} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=True)
    assert run.stdout.split() == []
