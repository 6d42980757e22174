"""Einstein's summation: each operand has a letter for each of its axes; two at a time are contracted."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from fnad.numpy.aliases import view
from fnad.numpy.contractions import MULTIPLY, ordered
from fnad.numpy.dispatch import RULES, implements, refuse_out
from fnad.numpy.promotion import builder_of, cast, size_of, spread_to, traced
from fnad.numpy.shaping import reshaped, stand_in
from fnad.ops import contractions as ops
from fnad.tracing.tracer import Tracer


@implements(np.einsum)
def einsum(
    *operands: Any, out: Any = None, optimize: Any = False, dtype: Any = None, casting: str = "safe", order: str = "K"
) -> Any:
    """Several operands are always contracted in an order that costs little.

    Dtypes: all. Derivative: in each operand the cotangent contracted with the others.

    >>> einsum("ij,j->i", [[1.0, 2.0], [3.0, 4.0]], [1.0, 1.0])
    array([3., 7.])
    """
    refuse_out("np.einsum", out)
    subscripts, arrays = _as_text(operands)
    builder = builder_of(*arrays)
    xs = [traced(builder, a) for a in arrays]
    terms, result = _terms(subscripts, xs, sums_ellipses=optimize is not False)
    common = np.result_type(*[x.dtype for x in xs]) if dtype is None else np.dtype(dtype)
    _require_casts(xs, common, casting)
    pool = [_simplified(cast(x, common), term) for x, term in zip(xs, terms)]
    sizes = _sizes(pool)
    for chosen in _pairs(pool, result, sizes, optimize):
        picked = [pool[i] for i in chosen]
        pool = [p for i, p in enumerate(pool) if i not in chosen]
        needed = set(result).union(*[term for _, term in pool])
        pool.append(_joined(picked, needed))
    (x, term), = pool
    found = _arranged(x, term, result, sizes)
    is_view = len(xs) == 1 and set(term) == set(result) and x.dtype == xs[0].dtype
    return view(xs[0], found) if is_view else found


Term = tuple[Tracer, str]
ALPHABET = string.ascii_uppercase + string.ascii_lowercase
"""The letters for the numbers of axes, in the order in which they sort."""
_SPARE = "".join([chr(c) for c in range(0x3B1, 0x3B1 + 64)])
"""Letters that no subscript may use, for the axes that an ellipsis stands for."""

# --- Subscripts


def _as_text(operands: tuple[Any, ...]) -> tuple[str, list[Any]]:
    """Subscripts as text, and the arrays; each array may also be followed by a list of the numbers of its axes."""
    if not operands:
        raise ValueError("must specify the einstein sum subscripts string and at least one operand, or at least one "
                         "operand and its corresponding subscripts list")
    if isinstance(operands[0], str):
        return operands[0].replace(" ", ""), list(operands[1:])
    arrays, lists = list(operands[: len(operands) // 2 * 2 : 2]), list(operands[1::2])
    text = ",".join([_letters(labels) for labels in lists])
    return (f"{text}->{_letters(operands[-1])}" if len(operands) % 2 else text), arrays


def _letters(labels: Any) -> str:
    numbers = [n for n in labels if n is not Ellipsis]
    if any([not isinstance(n, (int, np.integer)) for n in numbers]):
        raise TypeError("each subscript must be either an integer or an ellipsis")
    if any([not 0 <= n < len(ALPHABET) for n in numbers]):
        raise ValueError("subscript is not within the valid range [0, 52)")
    return "".join(["..." if n is Ellipsis else ALPHABET[n] for n in labels])


def _terms(subscripts: str, xs: list[Tracer], sums_ellipses: bool) -> tuple[list[str], str]:
    """The letters of every operand and of the result, an ellipsis spelled out.

    The axes of an ellipsis that the result does not name are summed, or an error.
    """
    given, arrow, result = subscripts.partition("->")
    terms = given.split(",")
    plain = [term.replace("...", "", 1) for term in terms]
    hidden = [x.ndim - len(letters) for x, letters in zip(xs, plain)]
    widest = max([0, *hidden])
    fits = len(terms) == len(xs) and all([n == 0 or n > 0 and "..." in term for n, term in zip(hidden, terms)])
    is_right = fits and all([_are_letters(letters) for letters in plain]) and all(map(_is_square, terms, xs))
    if is_right and arrow:
        named = result.replace("...", "", 1)
        is_right = _are_letters(named) and len(set(named)) == len(named) and set(named) <= set("".join(plain))
        is_right = is_right and ("..." in result or sums_ellipses or not widest)
    full = [term.replace("...", _SPARE[widest - n : widest]) for term, n in zip(terms, hidden)]
    if not (is_right and _are_alike(full, xs)):
        raise _numpys_error(subscripts, xs)
    if arrow:
        return full, result.replace("...", _SPARE[:widest])
    text = "".join(plain)
    return full, _SPARE[:widest] + "".join(sorted([c for c in set(text) if text.count(c) == 1]))


def _are_letters(text: str) -> bool:
    return all([c in ALPHABET for c in text])


def _is_square(term: str, x: Tracer) -> bool:
    """Whether axes of one operand with the same letter are of one size."""
    before, _, after = term.partition("...")
    sizes = [*zip(before, x.shape), *zip(reversed(after), reversed(x.shape))]
    return len(set(sizes)) == len({letter for letter, _ in sizes})


def _are_alike(terms: list[str], xs: list[Tracer]) -> bool:
    """Whether axes with the same letter are of one size, or of size 1."""
    sizes = {(letter, n) for term, x in zip(terms, xs) for letter, n in zip(term, x.shape) if n != 1}
    return len(sizes) == len({letter for letter, _ in sizes})


def _numpys_error(subscripts: str, xs: list[Tracer]) -> Exception:
    """NumPy's error for the operands."""
    try:
        np.einsum(subscripts, *[stand_in(x.shape, x.dtype) for x in xs])
    except Exception as error:
        return error
    shapes = ", ".join([str(x.shape) for x in xs])
    return ValueError(f"einsum: requires subscripts that fit the operands, got {subscripts!r} for shapes {shapes}.")


def _require_casts(xs: list[Tracer], common: np.dtype, casting: str) -> None:
    for i, x in enumerate(xs):
        if not np.can_cast(x.dtype, common, casting):
            raise TypeError(
                f"Iterator operand {i} dtype could not be cast from {x.dtype!r} to {common!r} according to the rule "
                f"'{casting}'"
            )


# --- Contracting


def _simplified(x: Tracer, term: str) -> Term:
    """Take the diagonal where a letter occurs twice in one operand."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first = term.index(letter)
            second = term.index(letter, first + 1)
            x = RULES[np.diagonal](x, 0, first, second)
            term = term[:first] + term[first + 1 : second] + term[second + 1 :] + letter
    return x, term


def _sizes(pool: list[Term]) -> dict[str, int]:
    """The size of the axes of each letter; those of size 1 are repeated."""
    sizes: dict[str, int] = {}
    for x, term in pool:
        for letter, n in zip(term, x.shape):
            sizes[letter] = n if sizes.get(letter, 1) == 1 else sizes[letter]
    return sizes


def _pairs(pool: list[Term], result: str, sizes: dict[str, int], optimize: Any) -> list[tuple[int, ...]]:
    """The operands to contract, step by step; what is made goes to the end."""
    if len(pool) < 3:
        return [(0, 1)] if len(pool) == 2 else []
    names = dict(zip(sizes, ALPHABET))
    text = ",".join(["".join([names[c] for c in term]) for _, term in pool])
    text += "->" + "".join([names[c] for c in result])
    shapes = [tuple([sizes[c] for c in term]) for _, term in pool]
    way = "greedy" if optimize in (True, False) else optimize
    path = np.einsum_path(text, *[stand_in(shape, float) for shape in shapes], optimize=way)[0]
    steps, count = [], len(pool)
    for step in path[1:]:
        steps += _in_twos(step, count)
        count -= len(step) - 1
    return steps


def _in_twos(step: tuple[int, ...], count: int) -> list[tuple[int, ...]]:
    """A step that contracts several of so many operands as steps of two."""
    if len(step) <= 2:
        return [step]
    first, *rest = sorted(step, reverse=True)
    # What has been made stands at the end; those before it that were taken stood behind what is to come.
    return [(first, rest[0])] + [(other, count - 2 - i) for i, other in enumerate(rest[1:])]


def _joined(picked: list[Term], needed: set[str]) -> Term:
    """One operand or two as one that has only letters that are still needed."""
    if len(picked) == 1:
        return _summed(*picked[0], needed)
    (x, s), (y, t) = picked
    x, s = _summed(x, s, needed | set(t))
    y, t = _summed(y, t, needed | set(s))
    shared = [c for c in s if c in t]
    contracted = [c for c in shared if c not in needed]
    batch = [c for c in shared if c in needed]
    rows, columns = [c for c in s if c not in t], [c for c in t if c not in s]
    term = "".join(batch + rows + columns)
    if not contracted:
        return MULTIPLY(_aligned(x, s, term), _aligned(y, t, term)), term
    sizes = _sizes([(x, s), (y, t)])
    x, y = _widened(x, s, shared, sizes), _widened(y, t, shared, sizes)
    b, m, k, n = [size_of(tuple([sizes[c] for c in part])) for part in (batch, rows, contracted, columns)]
    left = reshaped(_by_letters(x, s, batch + rows + contracted), (b, m, k) if batch else (m, k))
    right = reshaped(_by_letters(y, t, batch + contracted + columns), (b, k, n) if batch else (k, n))
    return reshaped(ops.matmul(left, right), tuple([sizes[c] for c in term])), term


def _summed(x: Tracer, term: str, needed: set[str]) -> Term:
    axes = tuple([i for i, c in enumerate(term) if c not in needed])
    return (np.sum(x, axis=axes, dtype=x.dtype) if axes else x), "".join([c for c in term if c in needed])


def _widened(x: Tracer, term: str, letters: list[str], sizes: dict[str, int]) -> Tracer:
    """``x`` with the axes of these letters broadcast to their full size."""
    return spread_to(x, tuple([sizes[c] if c in letters else n for c, n in zip(term, x.shape)]))


def _by_letters(x: Tracer, term: str, letters: list[str]) -> Tracer:
    return ordered(x, tuple([term.index(c) for c in letters]))


def _aligned(x: Tracer, own: str, term: str) -> Tracer:
    """``x`` with its axes in the order of a term, and axes of size 1 for the other letters."""
    in_order = _by_letters(x, own, [c for c in term if c in own])
    sizes = iter(in_order.shape)
    return reshaped(in_order, tuple([next(sizes) if c in own else 1 for c in term]))


def _arranged(x: Tracer, term: str, result: str, sizes: dict[str, int]) -> Tracer:
    x, term = _summed(x, term, set(result))
    return _by_letters(_widened(x, term, list(term), sizes), term, list(result))
