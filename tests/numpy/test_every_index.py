"""Every kind of index in every combination, up to four axes: reads, writes and both derivatives are NumPy's.

Indices are staged by the hundred, each with its own error or result. Of those with up to two parts of any kind, up to
four of the main kinds, and some with five, the profile ``deep`` tries all, the others a random few.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.interpreter.evaluate import evaluate
from fnad.tracing.staging import stage
from fnad.tracing.tracer import Tracer, value_type

from tests.numpy.comparing import run_numpy
from tests.profiles import is_deep

N = 3
MASK = np.arange(N) != 1
EVEN = np.arange(N * N).reshape(N, N) % 4 == 0
PARTS: dict[str, Any] = {
    "int": 1, "negative": -1, "numpy int": np.int16(0), "0-d": np.array(1), "0-d unsigned": np.array(1, "u1"),
    "all": np.s_[:], "back": np.s_[::-2], "beyond": np.s_[1:9], "nothing": np.s_[2:1], "last": np.s_[-2:],
    "None": None, "dots": ..., "row": np.array([0, -1]), "column": np.array([[1], [0], [0]]), "one": np.array([1]),
    "list": [1, 0], "lists": [[0, 1], [1, 1]], "no list": [], "unsigned": np.array([1, 0], "u8"),
    "no rows": np.zeros((0, 1), int), "mask": MASK, "list of bools": MASK.tolist(), "no mask": np.zeros(N, bool),
    "mask of two": EVEN, "0-d mask": np.array(True), "True": True, "False": False, "numpy bool": np.bool_(True),
    "tuple": (0, 1),
    "out of range": 5, "row out of range": np.array([0, 7]), "wrong mask": np.ones(N + 1, bool), "float": 1.0,
    "floats": np.array([0.5]), "str": "a", "slices in a list": [np.s_[:]],
}
KINDS = ["int", "0-d", "all", "back", "None", "dots", "row", "column", "one", "mask", "mask of two", "True", "False"]
MOST = {0: 1, 1: 100, 2: 2000, 3: 3000, 4: 30000, 5: 20000} if is_deep() else {0: 1, 1: 100, 2: 300, 3: 300, 4: 300}
DEGREES = range(5)
FEW = 400
COMPILED = 100 if is_deep() else 2


def indices(parts: int) -> list[Any]:
    """All indices of so many parts, or a random sample; those of one part also without the tuple."""
    names = PARTS if parts <= 2 else KINDS
    every = [tuple([PARTS[name] for name in chosen]) for chosen in product(names, repeat=parts)]
    every += [index for (index,) in every] if parts == 1 else []
    return random.Random(parts).sample(every, min(len(every), MOST[parts]))


def cases(degree: int) -> Iterator[tuple[np.ndarray, list[Any]]]:
    """An array of so many axes, with some hundred indices at a time."""
    x = np.arange(1.0, N**degree + 1).reshape((N,) * degree)
    for parts in MOST:
        every = indices(parts)
        for start in range(0, len(every), FEW):
            yield x, every[start : start + FEW]


def staged_results(attempt: Any, x: np.ndarray, each: Sequence[Any], known: bool = False) -> list[Any]:
    """What ``attempt(x, case)`` gives for each case in one staged function, or the exception that it raises."""
    results: list[Any] = []

    def function(x: Tracer) -> list[Any]:
        values = []
        for case in each:
            try:
                values.append(attempt(x, case))
                results.append(None)
            except Exception as error:
                results.append(error)
        return values

    staged = stage(function, [value_type(x)], [x] if known else None)
    values = iter(staged.restore(evaluate(staged.program, [x, *map(np.asarray, staged.captured)])))
    return [next(values) if result is None else result for result in results]


def assert_same(got: Any, attempt: Any, *case: Any, rtol: float = 0.0) -> None:
    """The value that NumPy gives, or an exception of the type of NumPy's."""
    try:
        expected = run_numpy(attempt, *case)
    except Exception as error:
        assert type(got) is type(error), f"{case}: {got!r}, NumPy: {error!r}"
        return
    assert not isinstance(got, Exception), f"{case}: {got!r}, NumPy gives shape {np.shape(expected)}"
    assert got.shape == np.shape(expected), f"{case}: {got.shape}, NumPy: {np.shape(expected)}"
    if not np.array_equal(got, expected):
        np.testing.assert_allclose(got, expected, rtol=rtol, err_msg=str(case))


@pytest.mark.parametrize("degree", DEGREES)
def test_reads(degree: int) -> None:
    for x, each in cases(degree):
        for index, got in zip(each, staged_results(lambda x, index: x[index], x, each)):
            assert_same(got, lambda x, index: x[index], x, index)


# --- Writes

OPERATIONS = {
    "add": np.add, "subtract": np.subtract, "multiply": np.multiply, "divide": np.divide, "min": np.minimum,
    "max": np.maximum,
}
WRITES = ["set", "+=", "*=", "at set", *OPERATIONS]
VALUES = ["number", "whole", "rows", "ones", "wrong"]


def value_for(x: np.ndarray, index: Any, form: str) -> Any:
    """Something to write where an index says."""
    try:
        shape = run_numpy(lambda x: x[index].shape, x)
    except Exception:
        return 7.0
    shape = {"number": (), "whole": shape, "rows": shape[-1:], "ones": (1,) * len(shape), "wrong": (*shape, 2)}[form]
    return np.arange(10.0, 10.0 + np.prod(shape, dtype=int)).reshape(shape)


def written(x: Any, case: Any) -> Any:
    """A copy of the array with something written: by fnad where it is traced, else by NumPy at the same places."""
    index, value, how = case
    if isinstance(x, Tracer) and how in OPERATIONS:
        return getattr(x.at[index], how)(value)
    if isinstance(x, Tracer) and how == "at set":
        return x.at[index].set(value)
    y = fnp.copy(x)
    if how in ("set", "at set"):
        y[index] = value
    elif how == "+=":
        y[index] += value
    elif how == "*=":
        y[index] *= value
    else:
        places = np.arange(x.size).reshape(x.shape)[index]
        flat = np.broadcast_to(value, places.shape).reshape(-1)
        OPERATIONS[how].at(y.reshape(-1), places.reshape(-1), flat)
    return y


def is_numpys_affair(x: np.ndarray, index: Any, value: Any) -> bool:
    """Whether only NumPy refuses a value for having more axes than what it is written to."""
    try:
        return value.ndim > np.ndim(x[index])
    except Exception:
        return False


@pytest.mark.parametrize("degree", DEGREES)
def test_writes(degree: int) -> None:
    chance = random.Random(degree)
    for x, each in cases(degree):
        every = [(index, value_for(x, index, chance.choice(VALUES)), chance.choice(WRITES)) for index in each]
        every = [case for case in every if not is_numpys_affair(x, *case[:2]) or case[2] == "set"]
        for case, got in zip(every, staged_results(written, x, every)):
            # Of several divisors of one element the product is taken first.
            assert_same(got, written, x, case, rtol=1e-15 if case[2] == "divide" else 0.0)


# --- Derivatives, by the numbers of the elements that an index names


def readable(x: np.ndarray, each: Sequence[Any]) -> list[Any]:
    """The indices that NumPy takes, with the numbers of the elements."""
    found = []
    for index in each:
        try:
            found.append((index, run_numpy(lambda x: np.arange(x.size).reshape(x.shape)[index], x)))
        except Exception:
            continue
    return found


def weights(places: np.ndarray) -> np.ndarray:
    return np.cos(np.arange(places.size)).reshape(places.shape)


@pytest.mark.parametrize("degree", DEGREES)
def test_derivatives_of_reads(degree: int) -> None:
    def both(x: Any, case: Any) -> Any:
        index, places = case
        (bar,) = fnad.vjp(lambda x: x[index], x)[1](weights(places))
        return fnp.concatenate([bar.reshape(-1), fnad.jvp(lambda x: x[index], (x,), (x * x,))[1].reshape(-1)])

    for x, each in cases(degree):
        good = readable(x, each[::3])
        for case, got in zip(good, staged_results(both, x, good)):
            index, places = case
            bar = np.zeros(x.size)
            np.add.at(bar, places.reshape(-1), weights(places).reshape(-1))
            np.testing.assert_allclose(got, [*bar, *(x * x)[index].reshape(-1)], rtol=1e-14, err_msg=str(index))


@pytest.mark.parametrize("degree", DEGREES)
def test_derivatives_of_writes(degree: int) -> None:
    """The last value at a place has its cotangent, those before it and the old one have none."""
    def bars(x: Any, case: Any) -> Any:
        index, places = case

        def write(x: Any, v: Any) -> Any:
            y = fnp.copy(x)
            y[index] = v
            return y

        of_x, of_v = fnad.vjp(write, x, fnp.array(weights(places)))[1](x * x)
        return fnp.concatenate([of_x.reshape(-1), of_v.reshape(-1)])

    for x, each in cases(degree):
        good = [(index, places) for index, places in readable(x, each[::5]) if places.ndim < 2 or not is_mask(x, index)]
        for case, got in zip(good, staged_results(bars, x, good)):
            index, places = case
            flat, g = places.reshape(-1), (x * x).reshape(-1)
            winners = np.full(x.size, -1)
            winners[flat] = np.arange(flat.size)
            kept = np.where(winners < 0, g, 0.0)
            own = np.where(winners[flat] == np.arange(flat.size), g[flat], 0.0)
            np.testing.assert_array_equal(got, [*kept, *own], err_msg=str(index))


def is_mask(x: np.ndarray, index: Any) -> bool:
    """Whether an index is one mask of all axes, whose values NumPy takes in a row."""
    parts = index if isinstance(index, tuple) else (index,)
    return len(parts) == 1 and np.shape(parts[0]) == x.shape and np.asarray(parts[0]).dtype == bool


# --- Indices that are traced, and compiled code


def moving(index: Any) -> tuple[list[int], list[np.ndarray]]:
    """The parts of an index that can be traced values."""
    places = [i for i, p in enumerate(index) if isinstance(p, np.ndarray) and p.dtype.kind in "iu"]
    return places, [index[i] for i in places]


def with_parts(index: Any, places: Sequence[int], values: Sequence[Any]) -> Any:
    full = list(index)
    for i, value in zip(places, values):
        full[i] = value
    return tuple(full)


def compiled_cases(count: int) -> list[Any]:
    """A few readable indices with arrays in them, for an array of each number of axes."""
    chance, found = random.Random(5), []
    for degree in DEGREES[1:]:
        x, every = np.arange(1.0, N**degree + 1).reshape((N,) * degree), []
        for _, each in cases(degree):
            every += [case for case in readable(x, each) if isinstance(case[0], tuple) and moving(case[0])[0]]
        found += [(x, *case) for case in chance.sample(every, min(count, len(every)))]
    return found


@pytest.mark.parametrize("part", range(COMPILED))
def test_compiled(part: int) -> None:
    """Reads, writes and their derivatives by traced indices, some of them in one function."""
    chosen = compiled_cases(2 * COMPILED)[part::COMPILED]
    arrays = [moving(index)[1] for _, index, _ in chosen]
    xs = [x for x, *_ in chosen]

    def function(xs: Any, arrays: Any) -> Any:
        results = []
        for (_, index, places), x, values in zip(chosen, xs, arrays):
            full = with_parts(index, moving(index)[0], values)

            def use(x: Any, full: Any = full, places: Any = places) -> Any:
                y = fnp.array(x)
                y[full] = weights(places)
                return fnp.sum(x[full] * weights(places)) + fnp.sum(y * x) + fnp.sum(x.at[full].add(1.0) ** 2)

            results.append((use(x), fnad.grad(use)(x)))
        return results

    got = fnad.jit(function)(xs, arrays)
    for (x, index, places), (value, slope) in zip(chosen, got):
        flat, w = places.reshape(-1), weights(places).reshape(-1)
        y, added = x.reshape(-1).copy(), x.reshape(-1).copy()
        y[flat] = w
        np.add.at(added, flat, 1.0)
        bar = np.where(np.isin(np.arange(x.size), flat), y, 2 * x.reshape(-1)) + 2 * added
        np.add.at(bar, flat, w)
        total = np.sum(x.reshape(-1)[flat] * w) + np.sum(y * x.reshape(-1)) + np.sum(added**2)
        np.testing.assert_allclose(value, total, rtol=1e-13, err_msg=str(index))
        np.testing.assert_allclose(slope.reshape(-1), bar, rtol=1e-13, err_msg=str(index))
