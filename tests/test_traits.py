"""What operations declare of themselves is true, and nothing but their declarations knows them by name."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad.interpreter.evaluate import QUIET
from fnad.ir.primitive import Kind, Primitive
from fnad.ir.program import Literal, Var, filled
from fnad.ir.types import ArrayType
from fnad.runtime import views
from fnad.runtime.plan import View

from tests.operations import OPERATIONS
from tests.properties.cases import CASES, DTYPES, Case, Sample

ROOT = Path(fnad.__file__).parent


def of_kind(*kinds: Kind) -> list[Any]:
    """The rows of operations of some kinds, with each sample."""
    rows = [(case, sample) for case in CASES.values() if case.primitive.kind in kinds for sample in case.samples]
    return [pytest.param(*row, id=f"{row[0].name}-{k}") for k, row in enumerate(rows)]


def operands(case: Case, sample: Sample) -> list[np.ndarray]:
    """Arrays of different numbers."""
    dtype = next(d for d in (*reversed(DTYPES[:6]), *DTYPES[6:]) if case.takes(d, sample))
    types = case.input_types(sample, dtype)
    return [(100 * k + np.arange(t.size)).reshape(t.shape).astype(t.dtype) for k, t in enumerate(types)]


def seen(view: View, memory: np.ndarray) -> np.ndarray:
    """The elements that a view shows."""
    return np.ndarray(view.shape, view.dtype, memory, view.offset, view.strides)


# --- What is declared is true


@pytest.mark.parametrize(("case", "sample"), of_kind(Kind.VIEW))
def test_a_view_shows_what_the_operation_means(case: Case, sample: Sample) -> None:
    (x,) = operands(case, sample)
    view = case.primitive.view(views.whole(0, x.shape, x.dtype), **sample.params)
    expected = case.primitive.evaluate(x, **sample.params)
    assert view.shape == expected.shape and view.dtype == expected.dtype
    if expected.size:
        np.testing.assert_array_equal(seen(view, x), expected)


@pytest.mark.parametrize(("case", "sample"), of_kind(Kind.WINDOW))
def test_windows_are_written_with_what_the_operation_means(case: Case, sample: Sample) -> None:
    arrays = operands(case, sample)
    expected = case.primitive.evaluate(*arrays, **sample.params)
    values = {Var(ArrayType(x.shape, x.dtype)): x for x in arrays}
    got = np.full_like(expected, 77)
    for atom, view in case.primitive.windows(views.whole(0, got.shape, got.dtype), *values, **sample.params):
        if 0 not in view.shape:
            seen(view, got)[...] = atom.value if isinstance(atom, Literal) else values[atom]
    np.testing.assert_array_equal(got, expected)


UFUNCS = {
    "add": np.add, "multiply": np.multiply, "maximum": np.maximum, "minimum": np.minimum, "and": np.logical_and,
    "or": np.logical_or,
}
COMBINING = [p for p in OPERATIONS.values() if p.combine is not None]


@pytest.mark.parametrize("primitive", COMBINING, ids=repr)
def test_a_reduction_combines_as_it_says(primitive: Primitive) -> None:
    x, ufunc = np.array([[1, 2, 0], [3, 1, 2]]), UFUNCS[primitive.combine]
    x = x > 0 if primitive.combine in ("and", "or") else x
    if primitive.kind is Kind.REDUCTION:
        np.testing.assert_array_equal(primitive.evaluate(x, axes=(1,)), ufunc.reduce(x, axis=1))
    else:
        assert primitive.kind is Kind.CUMULATIVE
        np.testing.assert_array_equal(primitive.evaluate(x, axis=1), ufunc.accumulate(x, axis=1))


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.primitive.overwrites is not None], ids=CASES.get)
def test_what_is_written_over_is_of_the_type_of_the_result(case: Case) -> None:
    types = case.input_types(case.samples[0], "float64")
    assert case.primitive.type_rule(*types, **case.samples[0].params) == types[case.primitive.overwrites]


# Beside them are integer powers, of negative exponents, and what runs Programs that may fail.
MAY_FAIL = {
    "gather": "an index out of bounds", "scatter": "an index out of bounds", "while_loop": "runs for ever",
    "loop_pullback": "runs for ever", "loop_pushforward": "runs for ever", "debug_callback": "calls Python",
    "cholesky": "an indefinite matrix",
    **dict.fromkeys(["sqrtm", "logm", "sylvester"], "runs what SciPy has"),
    **dict.fromkeys(["eigh", "eigvalsh", "eig", "eigvals", "svd", "svdvals"], "does not converge where there is a nan"),
    **dict.fromkeys(["cofactors", "cofactors_slope", "pinv", "polar"], "by singular values"),
    "per_example": "runs what a user declares", "custom_vjp_call": "has rules of a user",
    "custom_jvp_call": "has rules of a user",
    **dict.fromkeys([name for name in OPERATIONS if name.startswith("softmax_cross_entropy")], "a wrong label"),
}


def test_every_operation_says_whether_it_is_total() -> None:
    assert {name for name, primitive in OPERATIONS.items() if primitive.total is False} == MAY_FAIL.keys()
    by_operands = {"power", "lu_solve", "triangular_solve"}
    assert {name for name, primitive in OPERATIONS.items() if callable(primitive.total)} == by_operands
    base, exponent = (Var(ArrayType((3,), np.dtype(int))) for _ in range(2))
    total = OPERATIONS["power"].total
    assert not total(base, exponent) and not total(base, filled(-1, base.type)) and total(base, filled(2, base.type))


TOTAL = [case for case in CASES.values() if case.primitive.total is True]


@pytest.mark.parametrize("case", TOTAL, ids=repr)
def test_a_total_operation_gives_a_result_for_any_operands(case: Case) -> None:
    for sample in case.samples:
        for dtype in filter(lambda d: case.takes(d, sample), DTYPES):
            types = case.input_types(sample, dtype)
            for number in (-1, 0, 3):
                values = [np.full(t.shape, number).astype(t.dtype) for t in types]
                with np.errstate(**QUIET):
                    results = case.call(*values, sample=sample)
                expected = case.primitive.type_rule(*types, **sample.params)
                for y, t in zip(results, expected if type(expected) is tuple else (expected,)):
                    assert (np.shape(y), np.asarray(y).dtype) == t[:2]


# --- Nobody knows operations by name

# The NumPy functions that `fnad.numpy` answers for are known by NumPy's names.
WITH_NAMES = ("ops/", "numpy/", "kernels/")
# These know words of expressions, methods of arrays, operators of Python, functions of `math`, and modes of SciPy.
WORDS = {"compiler/expressions.py", "dispatch/eager.py", "arrays.py", "plain/numbers.py", "scipy/signal/sampling.py"}


def lists_of_names(parsed: ast.AST) -> Iterator[int]:
    """The lines of sets, tuples, lists and dicts that list operations by name."""
    ignored = {id(n.value) for n in ast.walk(parsed) if isinstance(n, ast.Assign) and _is_all(n.targets)}
    for node in ast.walk(parsed):
        if isinstance(node, (ast.Set, ast.Tuple, ast.List, ast.Dict)) and id(node) not in ignored:
            elements = node.keys if isinstance(node, ast.Dict) else node.elts
            words = [e.value for e in elements if isinstance(e, ast.Constant) and isinstance(e.value, str)]
            known = OPERATIONS.keys() & words
            if len(known) > 1 and 2 * len(known) >= len(words):
                yield node.lineno


def _is_all(targets: Iterable[ast.expr]) -> bool:
    return any([isinstance(t, ast.Name) and t.id == "__all__" for t in targets])


def decisions_by_name(parsed: ast.AST) -> Iterator[int]:
    """The lines that compare an operation's name, look it up, or call it something else, to do so later."""
    for node in ast.walk(parsed):
        parts: list[Any] = []
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
            parts = node.args[:1]
        elif isinstance(node, (ast.Assign, ast.NamedExpr, ast.AnnAssign)):
            parts = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
        if any([isinstance(p, ast.Attribute) and ast.unparse(p).endswith("primitive.name") for p in parts]):
            yield node.lineno


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_nothing_but_an_operation_itself_knows_its_name(path: Path) -> None:
    name, parsed = path.relative_to(ROOT).as_posix(), ast.parse(path.read_text())
    if not name.startswith(WITH_NAMES) and name not in WORDS:
        assert list(lists_of_names(parsed)) == []
    if not name.startswith("ops/"):
        assert list(decisions_by_name(parsed)) == []


@pytest.mark.parametrize(
    "mistake",
    [
        'HARMLESS = {"broadcast", "transpose"}', 'x = dict(y)\nRULES = {"add": 1, "reduce_sum": 2, "my own": 3}',
        'f(("matmul", "dense"))', 'LOOPS = [*LOOKS, "pad", "concatenate"]',
        'if eqn.primitive.name == "matmul":\n    pass', 'f(primitive.name not in KNOWN)',
        'ROWS.get(eqn.primitive.name)', 'ROWS[eqn.primitive.name]', 'name, inputs = eqn.primitive.name, eqn.inputs',
    ],
)
def test_a_name_is_found(mistake: str) -> None:
    parsed = ast.parse(mistake)
    assert [*lists_of_names(parsed), *decisions_by_name(parsed)]
