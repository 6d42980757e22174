"""The order of the layers: a file imports lower ranks and its own package, in no circle, at its top."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import resolve_name
from pathlib import Path

import fnad
import pytest

ROOT = Path(fnad.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py"))

# A rank for each folder, and each file that lies beside them.
RANKS = {
    "fnad.shield": 0, "fnad.checks": 0, "fnad.generated": 0, "fnad.version": 0, "fnad.public": 0, "fnad.lazy": 1,
    "fnad.arrays": 0, "fnad.ownership": 0, "fnad.errors": 1, "fnad.memo": 1, "fnad.nodes": 1, "fnad.vectors": 1,
    "fnad.sources": 2,
    "fnad.config": 2, "fnad.instructions": 2, "fnad.surroundings": 0, "fnad.tree": 2, "fnad.sameness": 3,
    "fnad.kernels": 3, "fnad.ir": 4, "fnad.interpreter": 5, "fnad.tracing": 6, "fnad.ops": 7, "fnad.arguments": 8,
    "fnad.transforms": 9, "fnad.numpy": 9,
    "fnad.random": 10, "fnad.control": 10, "fnad.debug": 10,
    "fnad.runtime": 11, "fnad.plain": 12, "fnad.compiler": 12, "fnad.dispatch": 13,
    "fnad.examples": 10, "fnad.supported": 13,
    "fnad.nn": 14, "fnad.optim": 14, "fnad.scipy": 14,
    "fnad.data": 15, "fnad.testing": 15, "fnad.io": 15, "fnad.distributed": 15,
    "fnad": 16, "fnad.__main__": 17,
}
# Files that may import inside a function: what the CUDA target needs is loaded when it is asked for.
LATE_IMPORTS = ("runtime/cuda/", "kernels/cuda/")
HEAVY = {"numba", "llvmlite", "scipy.special", "scipy.linalg", "matplotlib", "torch", "jax", "hypothesis",
         "numba_cuda", "numba.cuda", "cuda.bindings", "numpy.random"}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {module_name(path) for path in FILES}


def rank(module: str) -> int:
    return RANKS[package(module)]


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
    return [t for t in targets if rank(t) >= rank(module) and package(t) != package(module)]


def circle(imports: Mapping[str, set[str]]) -> set[str]:
    """The modules that lie on circles of imports, or between two: those left when what imports none of them is gone."""
    left = {module: targets & imports.keys() - {module} for module, targets in imports.items()}
    while True:
        imported = set().union(*left.values())
        kept = {module: targets & left.keys() for module, targets in left.items() if targets and module in imported}
        if kept == left:
            return set(left)
        left = kept


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
    if package(module) not in ("fnad.kernels", "fnad.runtime"):
        assert external(module, parsed).isdisjoint({"numba", "llvmlite"})


@pytest.mark.parametrize(
    ("module", "source", "found"),
    [
        ("fnad.ir.check", "from fnad.tracing.staging import stage", ["fnad.tracing.staging"]),
        ("fnad.ir.check", "from fnad import tracing, tree", ["fnad.tracing"]),
        ("fnad.ir.check", "from ..ops.shaping import pad\nfrom . import types", ["fnad.ops.shaping"]),
        ("fnad.ir.check", "import fnad.ir.types\nimport fnad.ops.shaping as shaping", ["fnad.ops.shaping"]),
        ("fnad.ops.families", "if False:\n    from fnad import grad", ["fnad"]),
        ("fnad.transforms.vjp", "from fnad.dispatch.jit import jit", ["fnad.dispatch.jit"]),
        ("fnad.dispatch.jit", "from fnad.transforms.vjp import vjp\nfrom fnad.compiler import compile", []),
        ("fnad.optim.sgd", "from fnad import nn", ["fnad.nn"] if "fnad.nn" in MODULES else ["fnad"]),
    ],
)
def test_a_wrong_import_is_found(module: str, source: str, found: list[str]) -> None:
    assert upward(module, ast.parse(source)) == found


def test_a_late_import_and_a_foreign_one_are_found() -> None:
    assert late(ast.parse("import a\ndef f():\n    if a:\n        from b import c\n")) == [4]
    assert external("fnad.ops.families", ast.parse("import numba.core\nfrom fnad import tree")) == {"numba"}


def test_no_file_imports_itself_by_way_of_others() -> None:
    sources = [(module_name(path), ast.parse(path.read_text()), path.name == "__init__.py") for path in FILES]
    imports = {source[0]: set(imported_modules(*source)) for source in sources}
    assert circle(imports) == set()
    assert circle(imports | {"fnad.memo": {"fnad.ir.check"}, "fnad.ir.types": {"fnad.memo"}}) >= {
        "fnad.memo", "fnad.ir.check", "fnad.ir.types",
    }
    assert circle({"a": {"b"}, "b": {"c", "x"}, "c": {"a"}, "d": {"a"}, "e": {"e"}}) == {"a", "b", "c"}


def test_importing_fnad_loads_nothing_heavy() -> None:
    code = f"import sys, fnad; print(*sorted({HEAVY} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent, check=True)
    assert run.stdout.split() == []
