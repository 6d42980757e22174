"""Einstein's summation over any subscripts is NumPy's, and its derivatives follow."""

from __future__ import annotations

from typing import Any

import fnad
import fnad.numpy as fnp
import numpy as np
import pytest
from fnad.testing import check_grads
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.numpy.comparing import assert_like_numpy, run_traced

RNG = np.random.default_rng(0)


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape)


A, B = normal(2, 3, 4), normal(4, 3, 5)


# The operands have one letter for each axis, of the size below.
SIZES = {"i": 2, "j": 3, "k": 4, "l": 5, "m": 1}
EINSUMS = [
    "ij,jk->ik", "ij,jk", "ij->ji", "ij", "ji", "ii", "ii->i", "ii->", "iij->ij", "iij->j", "ij,ij->", "ij,ij->ij",
    "i,j->ij", "i,j->ji", "ij,j->i", "ij,k->ijk", "ijk,ikl->ijl", "ijk,ilk->ijl", "ij,jk,kl->il", "ij,jk,kl,l->",
    "ij,ij,ij->ij", "i,i,i->", "ij->", "ijk->ki", "ijk,jk->", "i,ij,j", "ijk,jil->kl", "i->i", ",ij->ij", "->",
    "iji,j->i", "ijij->ij", "ijk,kj->i", "ik,jk,lk->ijl",
]


@pytest.mark.parametrize("subscripts", EINSUMS)
def test_einsum(subscripts: str) -> None:
    operands = [normal(*[SIZES[c] for c in term]) for term in subscripts.partition("->")[0].split(",")]
    assert_like_numpy(lambda *xs: np.einsum(subscripts, *xs), *operands)
    check_grads(lambda *xs: np.einsum(subscripts, *xs), operands)


# --- Any subscripts: letters once and twice, sizes 0 and 1 that are repeated, an ellipsis, lists in the place of text


@st.composite
def calls(draw: Any) -> tuple[list[Any], dict[str, Any]]:
    """What einsum takes, with arrays of small integers."""
    letters = draw(st.sampled_from(["i", "ij", "ijk", "ijkl"]))
    sizes = {c: draw(st.sampled_from([2, 3, 1, 2, 3, 0])) for c in letters}
    hidden = draw(st.sampled_from([None, (), (2,), (3, 2)]))
    dtypes = draw(st.sampled_from([("f8",), ("f8", "f4", "i8", "c16"), ("?",), ("i1",)]))
    terms, arrays = [], []
    for _ in range(draw(st.integers(1, 4))):
        term = draw(st.text(letters, max_size=3))
        own = {c: draw(st.sampled_from([sizes[c]] * 3 + [1])) for c in dict.fromkeys(term)}
        shape = [own[c] for c in term]
        if hidden is not None and draw(st.booleans()):
            at, kept = draw(st.integers(0, len(term))), draw(st.integers(0, len(hidden)))
            term = f"{term[:at]}...{term[at:]}"
            shape[at:at] = [draw(st.sampled_from([n, n, 1])) for n in hidden[len(hidden) - kept :]]
        terms.append(term)
        values = np.random.default_rng(draw(st.integers(0, 9))).integers(-3, 4, shape)
        arrays.append(values.astype(draw(st.sampled_from(dtypes))))
    result = None
    if draw(st.booleans()):
        used = draw(st.permutations(sorted(set("".join(terms)) - {"."})))
        result = "".join(used[: draw(st.integers(0, len(used)))])
        at = draw(st.integers(0, len(result)))
        result = result if hidden is None else f"{result[:at]}...{result[at:]}"
    # NumPy ignores the dtype where it gives a view, and sums truth values of some ways as they are.
    options = draw(st.sampled_from([{}, {"optimize": True}, {"optimize": "greedy"}, {"order": "C"}]))
    options = {} if "?" in dtypes else options
    if draw(st.booleans()):
        text = ",".join(terms)
        return [text if result is None else f"{text}->{result}", *arrays], options
    mixed = [part for term, array in zip(terms, arrays) for part in (array, _numbers(term))]
    return mixed + ([] if result is None else [_numbers(result)]), options


def _numbers(term: str) -> list[Any]:
    """A term as a list of the numbers of its axes."""
    return [Ellipsis if c == "." else "ijkl".index(c) for c in term.replace("...", ".")]


def einsum_of(args: list[Any], options: dict[str, Any], module: Any) -> tuple[Any, list[np.ndarray]]:
    """The call as a function of its arrays, and these."""
    places = [i for i, a in enumerate(args) if isinstance(a, np.ndarray)]

    def function(*xs: Any) -> Any:
        full = list(args)
        for i, x in zip(places, xs):
            full[i] = x
        return module.einsum(*full, **options)

    return function, [args[i] for i in places]


@settings(max_examples=settings.default.max_examples * 8)
@given(calls())
def test_any_einsum(call: Any) -> None:
    function, arrays = einsum_of(*call, fnp)
    assert_like_numpy(function, *arrays)


@settings(max_examples=settings.default.max_examples * 3)
@given(calls(), st.integers(0, 3))
def test_derivatives_of_any_einsum(call: Any, i: int) -> None:
    """It is linear in each operand: so is its value along any direction, which both modes have to give."""
    function, arrays = einsum_of(*call, np)
    arrays = [a.real.astype(float) for a in arrays]
    i %= len(arrays)
    direction = np.cos(np.arange(arrays[i].size)).reshape(arrays[i].shape)
    try:
        expected = function(*arrays[:i], direction, *arrays[i + 1 :])
    except ValueError:
        return
    traced, _ = einsum_of(*call, fnp)
    weights = np.sin(np.arange(expected.size) + 1.0).reshape(expected.shape)

    def both(*xs: Any) -> Any:
        def own(x: Any) -> Any:
            return traced(*xs[:i], x, *xs[i + 1 :])

        return fnad.jvp(own, (xs[i],), (direction,))[1], fnad.vjp(own, xs[i])[1](weights)[0]

    tangent, bar = run_traced(both, *arrays)
    np.testing.assert_allclose(tangent, expected, atol=1e-12)
    np.testing.assert_allclose(np.sum(bar * direction), np.sum(weights * expected), atol=1e-10)


def test_sizes_of_one_are_repeated() -> None:
    x, y, z = normal(1, 2), normal(1, 2), normal(1, 2)
    assert_like_numpy(lambda *xs: np.einsum("ij,kj,lk->il", *xs), x, y, z)
    check_grads(lambda *xs: np.einsum("ij,kj,lk->il", *xs), (x, y, z))


SAMPLE = ["ij,kj,lk->il", "...i,ii->i...", "iji,j->ij"]


def test_compiled_batches() -> None:
    x = normal(3, 3)
    operands = dict(zip(SAMPLE, ([x, x[:1], x + 1], [x, x - 1], [np.stack([x, x + 1, x + 2]), x[0]])))

    def total(operands: Any) -> Any:
        return sum([np.sum(np.einsum(s, *xs) ** 2) for s, xs in operands.items()])

    batch = fnad.tree.map(lambda a: np.stack([a, a * 0.5]), operands)
    values, slopes = fnad.jit(fnad.vmap(fnad.value_and_grad(total)))(batch)
    for k, scale in enumerate((1.0, 0.5)):
        one = fnad.tree.map(lambda a: a * scale, operands)
        np.testing.assert_allclose(values[k], total(one), rtol=1e-12)
        for got, expected in zip(fnad.tree.leaves(slopes), fnad.tree.leaves(fnad.grad(total)(one))):
            np.testing.assert_allclose(got[k], expected, rtol=1e-10, atol=1e-10)


def test_one_operand_is_a_view_as_numpys() -> None:
    def write(x: Any) -> Any:
        y = np.einsum("ij->ji", x)
        y[0] = 7.0
        return x

    assert_like_numpy(lambda x: write(x.copy()), A[0])
    with pytest.raises(ValueError, match="read-only view"):
        run_traced(lambda x: np.einsum("ii->i", x[:, :3]).fill(0.0), A[0])


# --- An ellipsis, lists, errors


MORE_EINSUMS = [
    lambda a, b: np.einsum("...ij,...jk->...ik", a, a.mT), lambda a, b: np.einsum("...j,j...", a.mT, b[0, :, :]),
    lambda a, b: np.einsum("i...->...", a), lambda a, b: np.einsum("...ij->...ji", a),
    lambda a, b: np.einsum(a, [0, 1, 2], b, [2, 1, 3], [0, 3]), lambda a, b: np.einsum(a, [0, 1, 2]),
    lambda a, b: np.einsum(a, [..., 1], b, [1, 2, 0], [..., 2]),
    lambda a, b: np.einsum("ijk, kjl -> il", a, b, optimize=True), lambda a, b: np.einsum("...,...", a, 2.0),
    lambda a, b: np.einsum("ijk,kjl", a, b.astype(np.float32)), lambda a, b: np.einsum("...i->...", a[0, 0]),
    lambda a, b: np.einsum("a...b,b...c->a...c", a, b),
]


@pytest.mark.parametrize("f", MORE_EINSUMS)
def test_einsum_with_an_ellipsis_or_lists(f: Any) -> None:
    assert_like_numpy(f, A, B)


BAD_EINSUMS = [
    ("ij,jk", A, B), ("ijk", A[0]), ("ijk->z", A), ("ijk,ikl->jl", A, B), ("ij,jk", A[0]), ("ijk->ii", A),
    ("i+k", A[0]), ("iij", A), ("...j->j", A[0]), ("ij->...j...", A[0]), ("i...j...", A), ("ij", A[0], A[0]),
    ("i->j->", A), ("ij,ji", A[0], A[0]), ("...i,...i", A, A[:, :2]), ("é", A[0, 0]),
    ("ij,kj,lk->il", A[0], A[0, :, :2], A[0, :, :1]),
]


@pytest.mark.parametrize("case", BAD_EINSUMS, ids=lambda c: c[0])
def test_einsum_errors(case: Any) -> None:
    assert_like_numpy(lambda *xs: np.einsum(case[0], *xs), *case[1:])
