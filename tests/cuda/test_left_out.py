"""Files that cannot be imported without numba-cuda are left out where it is not installed, and only these."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def patterns() -> list[str]:
    """What the root's conftest.py leaves out."""
    spec = importlib.util.spec_from_file_location("root_conftest", ROOT / "conftest.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.NEED_NUMBA_CUDA


def statements(parsed: ast.AST) -> Iterator[ast.AST]:
    """What runs when a file is imported: not the bodies of its functions."""
    for node in ast.iter_child_nodes(parsed):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield node
            yield from statements(node)


def imported(text: str) -> set[str]:
    """The modules, and the names in them, that a file imports when it is imported."""
    found = set()
    for node in statements(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def needing(imports: dict[str, set[str]]) -> set[str]:
    """The modules that import numba.cuda, or others that do."""
    found = {name for name, seen in imports.items() if any([f"{s}.".startswith("numba.cuda.") for s in seen])}
    while more := {name for name, seen in imports.items() if seen & found} - found:
        found |= more
    return found


def test_what_needs_numba_cuda_is_left_out() -> None:
    paths = [path for folder in ("fnad", "tests") for path in (ROOT / folder).rglob("*.py")]
    needed = needing({module_name(path): imported(path.read_text()) for path in paths})
    left_out = {p for p in paths if any([fnmatch(p.relative_to(ROOT).as_posix(), pattern) for pattern in patterns()])}
    unexpected = {module_name(path) for path in left_out} - needed
    assert needed <= {module_name(path) for path in left_out}
    assert all([name.startswith("fnad.kernels.cuda") for name in unexpected])


@pytest.mark.parametrize("text", ["from numba import cuda", "import numba.cuda", "from numba.cuda.types import int64"])
def test_an_import_is_followed(text: str) -> None:
    files = {"a": imported(text), "b": imported("from x import y\nfrom a import z"), "c": imported("import numba")}
    assert needing(files | {"d": imported(f"def f():\n    {text}")}) == {"a", "b"}
