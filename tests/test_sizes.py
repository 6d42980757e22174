"""How long things are: a file, a function, the functions all together, and the core that one can read in an evening."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path
from statistics import median

import fnad
import pytest

ROOT = Path(fnad.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
MOST_LINES = 400  # of a file
MOST_OF_A_FUNCTION = 40  # without its docstring
MEDIAN_OF_FUNCTIONS = 5
CORE = 1500  # lines of code, for what a Program is, how functions become Programs, and the five transforms
TRANSFORMS = ("vjp", "jvp", "vmap", "grad", "remat")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def docstring(node: Function) -> ast.Expr | None:
    first = node.body[0]
    return first if is_text(first) else None


def is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring, or a text that describes the name above it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def lengths(source: str) -> dict[str, int]:
    """The lines of each function without its docstring: a public one's, with its arguments and examples, is long."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, Function):
            text = docstring(node)
            described = text.end_lineno - text.lineno + 1 if text else 0
            found[f"{node.name}:{node.lineno}"] = node.end_lineno - node.lineno + 1 - described
    return found


def long_functions(source: str) -> list[str]:
    return [name for name, length in lengths(source).items() if length > MOST_OF_A_FUNCTION]


SILENT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}


def code_lines(source: str) -> int:
    """The lines of code: no comments, docstrings and blank lines."""
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(source).readline) if t.type not in SILENT]
    lines = {line for t in tokens for line in range(t.start[0], t.end[0] + 1)}
    texts = [node for node in ast.walk(ast.parse(source)) if is_text(node)]
    return len(lines - {line for text in texts for line in range(text.lineno, text.end_lineno + 1)})


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_file_and_no_function_is_long(path: Path) -> None:
    source = path.read_text()
    assert source.count("\n") <= MOST_LINES
    assert long_functions(source) == []


def test_functions_stay_short() -> None:
    assert median([length for path in FILES for length in lengths(path.read_text()).values()]) <= MEDIAN_OF_FUNCTIONS


def test_the_core_can_be_read() -> None:
    core = [*(ROOT / "ir").rglob("*.py"), *(ROOT / "tracing").rglob("*.py")]
    core += [ROOT / "transforms" / f"{transform}.py" for transform in TRANSFORMS]
    sizes = {name(path): code_lines(path.read_text()) for path in core}
    assert sum(sizes.values()) < CORE, sizes


def test_a_long_function_is_found() -> None:
    body = "\n".join(["    x = 1"] * (MOST_OF_A_FUNCTION - 1))
    described = '    """One.\n\n    More.\n    """\n'
    assert long_functions(f"def f():\n{described}{body}\n") == []
    assert long_functions(f"class A:\n    pass\n\n\nasync def f():\n{described}{body}\n    x = 2\n") == ["f:5"]


def test_lines_of_code_are_counted() -> None:
    described = '"""A.\n\nB.\n"""\n\nA = 1  # one\n"""What A is."""\n# nothing\n'
    assert code_lines(described + 'B = """x\n\ny"""\n\n\ndef f(\n):\n    """F."""\n') == 1 + 3 + 2
