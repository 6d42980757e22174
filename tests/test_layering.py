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
    "fnad.shield": -2, "fnad.checks": -2,
    "fnad.errors": -1, "fnad.tree": 0, "fnad.lazy": 0, "fnad.memo": 0, "fnad.version": 0, "fnad.config": 0,
    "fnad.kernels": 0,
    "fnad.ir": 1, "fnad.unrolled": 1, "fnad.sameness": 0.5,
    "fnad.refusals": 1.5, "fnad.tracing": 2, "fnad.arguments": 2.5,
    "fnad.ops": 3,
    "fnad.transforms": 4, "fnad.numpy": 4,
    "fnad.random": 5, "fnad.control": 5, "fnad.debug": 5,
    "fnad.compiler": 6,
    "fnad.transforms.jit": 7, "fnad.transforms.guards": 7, "fnad.transforms.compiled": 7,
    "fnad.transforms.background": 7, "fnad.transforms.signatures": 7, "fnad.transforms.history": 7,
    "fnad.transforms.outside": 7, "fnad.transforms.watch": 7, "fnad.transforms.handing": 7,
    "fnad.transforms.reading": 7, "fnad.transforms.entries": 7,
    "fnad.transforms.kinds": 7, "fnad.transforms.names": 7,
    "fnad.transforms.show": 7, "fnad.transforms.eager": 7.5,
    "fnad.nn": 8, "fnad.optim": 8,
    "fnad.data": 9, "fnad.testing": 9, "fnad.io": 9, "fnad.distributed": 9,
    "fnad": 10, "fnad.__main__": 11,
}
# Files that may import inside a function: what the CUDA target needs is loaded when it is asked for.
LATE_IMPORTS = ("compiler/cuda/", "kernels/cuda/")
HEAVY = {"numba", "llvmlite", "scipy.special", "scipy.linalg", "matplotlib", "torch", "jax", "hypothesis",
         "numba_cuda", "numba.cuda", "cuda.bindings"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_name(path) for path in FILES}


def rank(module: str) -> float:
    parts = module.split(".")
    named = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    # The root's own rank is not for the files in it: each new one is given a place in the table.
    return next(RANKS[name] for name in named if name in RANKS and (name != "fnad" or module == "fnad"))


def package(module: str) -> str:
    return ".".join(module.split(".")[:2])


def imported_modules(module: str, parsed: ast.AST, is_package: bool = False) -> Iterator[str]:
    """The modules that a module imports; for a name from a package that is a module of its own, that module."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            here = module if is_package else module.rpartition(".")[0]
            source = resolve_name("." * node.level + (node.module or ""), here)
            for alias in node.names:
                full = f"{source}.{alias.name}"
                yield full if full in MODULES else source


def upward(module: str, parsed: ast.AST, is_package: bool = False) -> list[str]:
    """The modules of the library that a module must not import, but does."""
    targets = [t for t in imported_modules(module, parsed, is_package) if t.partition(".")[0] == "fnad"]
    own = [t for t in targets if package(t) == package(module) and rank(t) <= rank(module)]
    return [t for t in targets if rank(t) >= rank(module) and t not in own]


def late(parsed: ast.AST) -> list[int]:
    """The lines that import inside a function."""
    functions = [n for n in ast.walk(parsed) if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))]
    return [n.lineno for f in functions for n in ast.walk(f) if isinstance(n, (ast.Import, ast.ImportFrom))]


def external(module: str, parsed: ast.AST) -> set[str]:
    return {t.partition(".")[0] for t in imported_modules(module, parsed)} - {"fnad"}


@pytest.mark.parametrize("path", FILES, ids=module_name)
def test_a_file_keeps_to_its_layer(path: Path) -> None:
    module, parsed = module_name(path), ast.parse(path.read_text())
    assert upward(module, parsed, path.name == "__init__.py") == []
    if not path.relative_to(ROOT).as_posix().startswith(LATE_IMPORTS):
        assert late(parsed) == []
    if package(module) not in ("fnad.kernels", "fnad.compiler"):
        assert external(module, parsed).isdisjoint({"numba", "llvmlite"})


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("fnad.ir.check", "from fnad.tracing import stage", ["fnad.tracing"]),
        ("fnad.ir.check", "from fnad import tracing, tree", ["fnad.tracing"]),
        ("fnad.ir.check", "from ..ops.shaping import pad\nfrom . import types", ["fnad.ops.shaping"]),
        ("fnad.ir.check", "import fnad.ir.types\nimport fnad.ops.shaping as shaping", ["fnad.ops.shaping"]),
        ("fnad.ops.families", "if False:\n    from fnad import grad", ["fnad"]),
        ("fnad.transforms.vjp", "from fnad.transforms.jit import jit", ["fnad.transforms.jit"]),
        ("fnad.transforms.jit", "from fnad.transforms.vjp import vjp\nfrom fnad.compiler import compile", []),
        ("fnad.optim.sgd", "from fnad import nn", ["fnad.nn"] if "fnad.nn" in MODULES else ["fnad"]),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str, found: list[str]) -> None:
    assert upward(module, ast.parse(source)) == found


def test_a_late_import_and_a_foreign_one_are_found() -> None:
    assert late(ast.parse("import a\ndef f():\n    if a:\n        from b import c\n")) == [4]
    assert external("fnad.ops.families", ast.parse("import numba.core\nfrom fnad import tree")) == {"numba"}


def test_importing_fnad_loads_nothing_heavy() -> None:
    code = f"import sys, fnad; print(*sorted({HEAVY} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=True)
    assert run.stdout.split() == []
