"""The texts and signatures of fnad.numpy: NumPy's first line and parameters, dtypes, derivatives that are true."""

from __future__ import annotations

import doctest
import inspect
import pickle
import re
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.numpy.documents import first_line
from fnad.numpy.named import NAMES
from fnad.numpy.names import NAMES as OF_NUMPY

# What is NumPy's own here too, and what is indexed in place of called.
OTHERS = {*OF_NUMPY, "r_", "c_", "mgrid", "ogrid"}
FUNCTIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any] | None]] = {
    f"{prefix}{name}": (getattr(ours, name), getattr(numpys, name, None))
    for prefix, ours, numpys in (("", fnp, np), ("linalg.", fnp.linalg, np.linalg), ("fft.", fnp.fft, np.fft))
    for name in dir(ours) if not isinstance(getattr(ours, name), ModuleType) and not (ours is fnp and name in OTHERS)
}
BOTH = {name: pair for name, pair in FUNCTIONS.items() if pair[1] is not None}
# Other names for the same functions, and a name that NumPy once had.
OTHERWISE = {"around", *[f"linalg.{name}" for name in ("matmul", "outer", "tensordot", "vecdot")]}
ONCE = {"newshape"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_an_example_that_is_right(name: str) -> None:
    function, _ = FUNCTIONS[name]
    names = {"np": np, "fnad": fnad, function.__name__: function}
    text = inspect.getdoc(function) or ""
    example = doctest.DocTestParser().get_doctest(text, names, name, None, None)
    assert example.examples
    failed, _ = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example)
    assert not failed


@pytest.mark.parametrize("name", BOTH)
def test_a_text_begins_as_numpys_and_says_what_is_ours(name: str) -> None:
    ours, numpys = BOTH[name]
    text = inspect.getdoc(ours) or ""
    assert text.splitlines()[0] == first_line(numpys).strip() or name in OTHERWISE
    assert re.search(r"^Dtypes: .*\.", text, re.M) and re.search(r"\bDerivatives?: .*[^.]\.$", text, re.M)


# Sizes of results where these depend on values, what is beyond an array, and what the array API standard adds.
OWN = {"size", "length", "mode", "fill_value", "descending", "dtype"}


@pytest.mark.parametrize("name", BOTH)
def test_a_signature_is_numpys_as_far_as_it_goes(name: str) -> None:
    ours, numpys = BOTH[name]
    given = inspect.signature(ours).parameters.values()
    try:
        wanted = inspect.signature(numpys).parameters.values()
    except ValueError:
        pytest.skip("this NumPy does not say")
    by_position = [p.name for p in given if p.kind not in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
    by_name = {p.name for p in given} - {*by_position} - ONCE
    assert [p.name for p in wanted][: len(by_position)] == by_position or name in OTHERWISE
    assert by_name - OWN <= {p.name for p in wanted} or "kwargs" in {p.name for p in wanted}
    assert "kwargs" not in {p.name for p in given} or "kwargs" in {p.name for p in wanted}


SLOPES = {
    ufunc.__name__: ufunc for ufunc in NAMES.values()
    if "f" in "".join(fnp.named.RULES[ufunc]) and any([t.startswith("d" * ufunc.nin) for t in ufunc.types])
}
WORDS = {**vars(np), "sigmoid": fnp.sigmoid}


@pytest.mark.parametrize("name", SLOPES)
def test_a_derivative_is_what_the_text_says(name: str) -> None:
    ufunc, operands = SLOPES[name], ["x"] if SLOPES[name].nin == 1 else ["x1", "x2"]
    (line,) = re.findall(r"^Derivatives?: (.*)\.$", inspect.getdoc(getattr(fnp, name)) or "", re.M)
    formulas = [line] if ufunc.nin == 1 else re.fullmatch(r"(.*) in x1, (.*) in x2", line).groups()  # type: ignore
    for point in [(0.3, 0.7), (0.6, -0.4), (2.5, 1.25)]:
        values = dict(zip(operands, map(np.float64, point)))
        with np.errstate(all="ignore"):
            said = [np.ravel(eval(formula, WORDS, values)) for formula in formulas]
            found = [slopes(ufunc, i, *values.values()) for i in range(ufunc.nin)]
        np.testing.assert_allclose(said, found, rtol=1e-5)


def slopes(ufunc: np.ufunc, i: int, *point: Any) -> list[float]:
    """The derivatives of the results in operand ``i``; 0 for what is no float."""
    result = lambda k, *xs: ufunc(*xs)[k] if ufunc.nout > 1 else ufunc(*xs)  # noqa: E731
    is_float = [np.asarray(result(k, *point)).dtype.kind == "f" for k in range(ufunc.nout)]
    return [float(fnad.grad(partial(result, k), i)(*point)) if yes else 0.0 for k, yes in enumerate(is_float)]


def test_ufuncs_are_made_when_they_are_asked_for_and_stay_the_same() -> None:
    assert fnp.acos is fnp.arccos and fnp.arccos is getattr(fnp, "arccos")
    assert pickle.loads(pickle.dumps(fnp.arccos)) is fnp.arccos
    with pytest.raises(AttributeError, match="'fnad.numpy' has no attribute 'sine'"):
        fnp.sine
