"""Writing to traced arrays: NumPy itself says what must come of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import fnad.numpy as fnp
import numpy as np
import pytest
from fnad import checkpoint, grad, jit, jvp, make_program, value_and_grad, vjp, vmap
from fnad.errors import EscapedTracerError, InPlaceError
from fnad.interpreter.evaluate import evaluate
from fnad.ir.types import type_of
from fnad.numpy.dispatch import RULES, name_of
from fnad.numpy.protocols import CALLS
from fnad.testing import check_grads
from fnad.tracing.staging import stage
from fnad.tracing.tracer import Tracer
from hypothesis import given, settings
from hypothesis import strategies as st

X = np.arange(1.0, 13.0).reshape(3, 4)
Function = Callable[..., Any]


def interpreted(function: Function, *args: Any) -> list[Any]:
    """What a function returns when it is staged and its Program interpreted."""
    staged = stage(function, [type_of(a) for a in args], args)
    return evaluate(staged.program, [*map(np.asarray, args), *staged.captured])


def assert_like_arrays(function: Function, *args: Any) -> None:
    """A function of the namespace and arrays does traced what it does on arrays, and leaves its arguments alone."""
    expected = function(np, *[np.array(a) for a in args])
    given_ = [np.array(a) for a in args]
    (found,) = interpreted(lambda *xs: function(fnp, *xs), *given_)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype
    for a, b in zip(given_, args):
        np.testing.assert_array_equal(a, b)


# --- Any sequence of views, reads and writes

SLICES = st.sampled_from([
    np.s_[1:], np.s_[:-1], np.s_[::2], np.s_[::-1], np.s_[1:2], np.s_[...], np.s_[..., 0:2], np.s_[None],
    np.s_[:, None], np.s_[0], np.s_[-1], np.s_[..., 0], np.s_[..., ::-2], np.s_[0:0], np.s_[0, ...],
])
PLACES = st.one_of(SLICES, st.sampled_from([[0, 0], np.array([0, -1])]))
VIEWS: dict[str, Function] = {
    "transpose": lambda x, n: x.T, "swapaxes": lambda x, n: np.swapaxes(x, 0, -1),
    "moveaxis": lambda x, n: np.moveaxis(x, 0, n % x.ndim), "rollaxis": lambda x, n: np.rollaxis(x, n % x.ndim),
    "reshape": lambda x, n: x.reshape(-1), "reshape_f": lambda x, n: np.reshape(x, -1, "F"),
    "fold": lambda x, n: x.reshape(-1, 2) if x.size % 2 == 0 else x, "ravel": lambda x, n: np.ravel(x),
    "squeeze": lambda x, n: np.squeeze(x), "expand_dims": lambda x, n: np.expand_dims(x, n % x.ndim),
    "flip": lambda x, n: np.flip(x), "flipud": lambda x, n: np.flipud(x),
    "fliplr": lambda x, n: np.fliplr(x) if x.ndim > 1 else x, "rot90": lambda x, n: np.rot90(x, n) if x.ndim > 1 else x,
    "split": lambda x, n: np.array_split(x, 2)[n % 2], "atleast": lambda x, n: np.atleast_2d(x),
    "atleast_3d": lambda x, n: np.atleast_3d(x), "itself": lambda x, n: np.atleast_1d(x),
    "row": lambda x, n: list(x)[0] if x.ndim > 1 and len(x) else x, "copy": lambda x, n: x.copy(),
    "flatten": lambda x, n: x.flatten(), "sum": lambda x, n: np.add(x, 1.0, order="C"),
    "broadcast_to": lambda x, n: np.broadcast_to(x, (2, *x.shape)),
    "diagonal": lambda x, n: np.diagonal(x) if x.ndim > 1 else x,
    "permute": lambda x, n: np.transpose(x, np.roll(np.arange(x.ndim), n)),
    "positive": lambda x, n: np.positive(x, order="C"), "real": lambda x, n: np.real(x),
}
WRITES: dict[str, Function] = {
    "set": lambda x, index, v: x.__setitem__(index, v), "add": lambda x, index, v: x.__iadd__(v),
    "add_at": lambda x, index, v: x.__setitem__(index, x[index].__imul__(v) if np.ndim(x[index]) else v),
    "mask": lambda x, index, v: x.__setitem__(x > v, v), "ufunc_at": lambda x, index, v: _add_at(x, index, v),
    "from_itself": lambda x, index, v: x.__setitem__(slice(1, None), x[:-1]), "fill": lambda x, index, v: x.fill(v),
    "out": lambda x, index, v: np.multiply(x, v, out=x),
}


def _add_at(x: Any, index: Any, v: float) -> None:
    x[:0] = 0.0  # refused of a read-only view, which np.add.at itself forgets to check
    np.add.at(x, index, v)


def run(steps: Any, x: Any) -> list[Any]:
    """Take views of x and write to them: all that there is in the end.

    What is computed is computed into C order: NumPy keeps the order of the operands otherwise, and we do not.
    """
    names = [x]
    for what, which, n, index, value in steps:
        y = names[which % len(names)]
        if what in VIEWS and y.ndim:
            names.append(VIEWS[what](y, n))
        elif what == "index" and y.ndim:
            try:
                found = y[index] if not isinstance(index, (list, np.ndarray)) else y[index].copy()
            except IndexError:
                continue
            if np.ndim(found):
                names.append(found)
        elif what in WRITES and y.ndim:
            try:
                WRITES[what](y, index, value)
            except (IndexError, ValueError):
                continue
    return names


assert VIEWS.keys().isdisjoint(WRITES)
STEP = st.tuples(
    st.sampled_from([*VIEWS, *WRITES, *["index"] * 12, *["set"] * 6, *["add"] * 4]), st.integers(0, 7),
    st.integers(0, 3), PLACES, st.sampled_from([2.0, -3.0, 0.5, 7.0]),
)


def assert_like_numpy(steps: Any, shape: Any) -> None:
    x = np.arange(1.0, np.prod(shape) + 1).reshape(shape)
    expected = run(steps, x.copy())
    found = interpreted(lambda t: run(steps, t), x)
    assert len(found) == len(expected)
    for e, f in zip(expected, found):
        np.testing.assert_array_equal(f, e)


@given(st.lists(STEP, max_size=14), st.sampled_from([(6,), (3, 4), (2, 3, 2), (1, 4), (4, 1, 2)]))
@settings(max_examples=300)
def test_all_names_see_what_they_see_in_numpy(steps: Any, shape: Any) -> None:
    assert_like_numpy(steps, shape)


ROW, WRITE = ("index", 0, 0, np.s_[0], 1.0), ("add", 0, 0, np.s_[0], 2.0)
COPY = ("copy", 0, 0, np.s_[0], 1.0)


@pytest.mark.parametrize(("name", "wrong", "steps"), [
    ("are_apart", lambda *windows: True, [ROW, WRITE]), ("own", lambda x: x, [COPY, WRITE]),
    ("view", lambda base, result, **_: result, [ROW, WRITE]),
])
def test_the_comparison_notices_what_is_wrong(name: str, wrong: Function, steps: Any, monkeypatch: Any) -> None:
    assert_like_numpy(steps, (3, 4))
    for user in ("aliases", "creation", "indexing"):
        monkeypatch.setattr(f"fnad.numpy.{user}.{name}", wrong, raising=False)
    with pytest.raises(AssertionError):
        assert_like_numpy(steps, (3, 4))


# --- Which functions give views: all there are, as NumPy itself has it

MORE: dict[Function, list[tuple[Any, ...]]] = {
    np.roll: [(0,), (0, 0)], np.repeat: [(1,), (1, 0)], np.tile: [(1,), ((1, 1),)], np.pad: [(0,)],
    np.reshape: [(-1,), ((4, 3),), ((3, 4),)], np.moveaxis: [(0, -1), (0, 0)], np.swapaxes: [(0, -1)],
    np.rollaxis: [(-1,)], np.expand_dims: [(0,)], np.split: [(1,)], np.array_split: [(2,), (1,)], np.hsplit: [(1,)],
    np.vsplit: [(1,)], np.broadcast_to: [((3, 4),), ((2, 3, 4),)], np.take: [([0],), ([0], 0)], np.diff: [(0,), (1,)],
    np.astype: [(float,), (int,)], np.clip: [(0, 100)], np.full_like: [(1.0,)], np.round: [(0,)], np.sum: [((),)],
    np.prod: [((),)], np.max: [((),)], np.min: [((),)], np.mean: [((),)], np.all: [((),)], np.any: [((),)],
    np.transpose: [((0, 1),)], np.rot90: [(0,), (4,), (2,)], np.power: [(1,), (2,)], np.float_power: [(1,)],
}
# np.imag of real numbers is an array of zeros that NumPy does not let be written; the others write themselves.
APART = {np.imag, np.copyto, np.fill_diagonal, np.putmask, np.put_along_axis}
ARRAYS = [X, X.astype(int), np.ones((3, 4), bool), X + 1j, X[0], X[:, :3], np.zeros(1)]


def _all(result: Any) -> list[Any]:
    return list(result) if isinstance(result, (tuple, list)) else [result]


def _reached(function: Function, x: np.ndarray, rest: tuple[Any, ...]) -> list[bool | None] | None:
    """Whether a write to each result of a function reaches its argument; ``None`` for a read-only result."""
    x = x.copy()
    try:
        with np.errstate(all="ignore"):
            results = _all(function(x, *rest))
    except Exception:
        return None
    results = [y for y in results if isinstance(y, np.ndarray) and y.ndim and y.size]
    return [bool(np.shares_memory(y, x)) if y.flags.writeable else None for y in results]


def _reached_traced(function: Function, x: np.ndarray, rest: tuple[Any, ...]) -> list[bool | None]:
    """The same of a traced argument; nothing where there is no traced result."""
    found: list[bool | None] = []

    def write(t: Any) -> Any:
        for y in _all(function(t, *rest)):
            if type(y) is Tracer and y.shape and y.size:
                before = t.atom
                try:
                    y[...] = np.logical_not(y)
                    found.append(t.atom is not before)
                except ValueError:
                    found.append(None)
        return t

    try:
        stage(write, [type_of(x)], [x])
    except (TypeError, ValueError, IndexError, AttributeError):  # for which there is no rule, or too few axes
        return []
    return found


NUMPYS = [f for f in {**RULES, **CALLS} if f not in APART and name_of(f).startswith("np.")]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", NUMPYS, ids=lambda f: f.__name__)
def test_a_write_to_a_result_reaches_the_argument_as_in_numpy(function: Function) -> None:
    for x in ARRAYS:
        for rest in [(), *MORE.get(function, [])]:
            expected, found = _reached(function, x, rest), _reached_traced(function, x, rest)
            if expected and found:
                assert found == expected, (x.dtype, x.shape, rest)


# --- What can be written, and how


def _rows(np: Any, x: Any) -> Any:
    y = np.zeros_like(x)
    for i in range(3):
        y[i] = x[i] * 2 + (y[i - 1] if i else 0)
    return y


def _chain(np: Any, x: Any) -> Any:
    y = np.zeros((3, 4))
    y[0] = x[1]
    y[1][1:] += x[0, :3]
    row = y[2]
    row[:] = 7
    y[1:][::2].T[0] = 5
    y.reshape(2, 6)[1, 3:] *= x[1, :3]
    return y


def _indices(np: Any, x: Any) -> Any:
    x[0:2, ::-1] = x[1:3]
    x[..., 0] = [1, 2, 3]
    x[None, 1] = 4
    x[:, [0, 1]] = 3
    x[np.array([0, 2]), 1] = x[0, 2:]
    x[-1, -1] = x[0, 0]
    return x


def _masks(np: Any, x: Any) -> Any:
    x[x > 6] = 0
    x[x < 3] += 1
    x[[True, False, True]] = x[1] + 20
    x[x > 20, ...] = x[x > 20] - 1
    return x


def _repeated(np: Any, x: Any) -> Any:
    x[[0, 0, 1]] += 1
    return x


def _accumulated(_: Any, x: Any) -> Any:
    np.add.at(x, [0, 0, 1], 1.0)
    np.multiply.at(x, (slice(None), [1, 1]), 2.0)
    np.maximum.at(x, 2, x[0])
    return x


def _operators(np: Any, x: Any) -> Any:
    y = -x
    y[0] -= 1
    y /= 2
    y **= 2
    y //= 1
    y %= 7
    k = np.arange(4)
    k <<= 2
    k |= 1
    k &= 13
    k ^= 2
    k >>= 1
    m = np.eye(4)
    m @= np.ones((4, 4))
    return y + k + m[0]


def _into(namespace: Any, x: Any) -> Any:
    y = namespace.zeros((3, 4))
    np.add(x, 1, out=y)
    np.multiply(y, 2, out=y, where=x > 3)
    np.exp(np.zeros(4), out=y[0])
    np.modf(x, out=(y[:, ::-1], None))
    return y + np.multiply(x, 2, out=x.T.T, dtype=np.float64)


def _made(np: Any, x: Any) -> Any:
    made = [np.full(3, 2.5), np.full_like(x, 3.0), np.ones(3), np.empty(2), np.array([1.0, 2.0]), np.linspace(0, 1, 5),
            np.arange(3.0), np.identity(2), np.tri(2), np.ones_like(x), np.empty_like(x), np.full(2, 1.5)]
    made[3][:] = made[10][:] = 0
    for y in made:
        y[0] = x[1, 1]
    return np.concatenate([y.ravel() for y in made])


def _methods(_: Any, x: Any) -> Any:
    turned = x[::-1]
    turned.sort(0)
    x[:, 2].fill(3)
    np.fill_diagonal(x, [9, 8])
    np.copyto(x[1], 5.0)
    np.copyto(x, -x, where=x > 8)
    np.put_along_axis(x, np.array([[0], [1], [2]]), -1.0, 1)
    np.putmask(x, x > 8, [1.0, 2.0])
    return x


def _complex(_: Any, x: Any) -> Any:
    z = x + 1j * x
    z.real[0] = 5
    z.imag *= 2
    z.real = z.imag + 1
    z.T[0] = 1
    return z


def _names(_: Any, x: Any) -> Any:
    z, s, copied = x, x[0, 0], copy.copy(x)
    z += 1
    s += 100  # a number, as NumPy's: the name alone
    one = np.squeeze(x[:1, :1])
    one += 0.5
    x[0, 1, ...][...] = 30
    a, b = np.split(x, 2, axis=1)
    a += b
    b[:] = copied[:, :2] + s
    return x


def _numbers(np: Any, x: Any) -> Any:
    n = np.zeros(3, int)
    n[0] = 2.7
    n[1:] = x[0, 1:3]
    z = np.zeros(())
    z[...] = x[0, 0]
    z[()] = x[1, 1]
    return n * z


def _known_values(np: Any, x: Any) -> Any:
    y = np.zeros(len(np.arange(3)))
    for i in np.arange(3):
        y[i] = x[i, int(np.ones(3)[i])]
    if np.array([1, 2])[1] > np.ones(2).sum() - 1:
        y *= 2
    return y[np.arange(3) < 2]


USES = [_rows, _chain, _indices, _masks, _repeated, _accumulated, _operators, _into, _made, _methods, _complex, _names,
        _numbers, _known_values]


@pytest.mark.parametrize("function", USES, ids=lambda f: f.__name__)
def test_a_function_that_writes_means_what_it_means_in_numpy(function: Function) -> None:
    assert_like_arrays(function, X)


@pytest.mark.parametrize("function", [_rows, _chain, _indices, _masks], ids=lambda f: f.__name__)
def test_it_does_compiled(function: Function) -> None:
    np.testing.assert_array_equal(jit(lambda x: function(fnp, x))(X), function(np, X.copy()))


def test_known_values_are_no_branches() -> None:
    f = jit(lambda x: _known_values(fnp, x))
    f(X), f(X + 1)
    assert f.cache_info().branches == 1


def test_outside_of_a_traced_function_new_arrays_are_ordinary() -> None:
    made = [fnp.zeros(2), fnp.ones((2, 3)), fnp.empty(2), fnp.full(2, 3.0), fnp.arange(3), fnp.eye(2), fnp.array([1.0]),
            fnp.zeros_like(X), fnp.full_like(X, 2), fnp.linspace(0, 1, 3)]
    assert all([type(a) is np.ndarray and a.flags.writeable for a in made])


def test_new_arrays_are_constants_where_nothing_is_written() -> None:
    program = make_program(lambda x: x + fnp.ones(3) * 2 - fnp.zeros_like(np.ones(3)))(np.ones(3))
    assert len(program.inputs) == 1 and [e.primitive.name for e in program.equations] == ["add", "sub"]


def test_an_update_and_a_write_are_one_operation() -> None:
    def names(f: Function) -> list[str]:
        return [e.primitive.name for e in make_program(f)(X).equations]

    def write(x: Any) -> Any:
        x[1:, ::2] = 0.0
        return x

    assert names(write) == names(lambda x: x.at[1:, ::2].set(0.0)) == ["set_slice"]
    assert names(lambda x: x.at[[0, 1]].set(0.0))[-1] != "set_slice"


def test_an_addition_to_a_row_writes_it_once() -> None:
    def add(x: Any) -> Any:
        x[1] += 1.0
        return x

    assert [e.primitive.name for e in make_program(add)(X).equations].count("set_slice") == 1


# --- Errors


def _write_row(x: Any) -> None:
    x[0] = np.ones(3)


def _add_rows(x: Any) -> None:
    x[0] += x


def _write_beyond(x: Any) -> None:
    x[3] = 0


def _write_complex(x: Any) -> None:
    x[0] = x[0] * 1j


def _write_by_a_small_mask(x: Any) -> None:
    x[np.ones(2, bool)] = 1


def _add_to_integers(x: Any) -> None:
    np.add.at(fnp.zeros(3, int), 0, x[0, 0])


def _delete(x: Any) -> None:
    del x[0]


OUTSIDE = np.zeros((3, 4))
MISTAKES = [
    (_write_row, ValueError, r"could not broadcast input array from shape \(3,\) into shape \(4,\)"),
    (_add_rows, ValueError, r"output operand with shape \(4,\) doesn't match the broadcast shape \(3,4\)"),
    (_write_beyond, IndexError, "index 3 is out of bounds for axis 0 with size 3"),
    (_write_complex, TypeError, r"x\[i\] = v: requires values that fit into float64, got complex128"),
    (_write_by_a_small_mask, IndexError, "boolean index did not match"),
    (_add_to_integers, TypeError, "Cannot cast ufunc 'add' output"),
    (_delete, ValueError, "cannot delete array elements"),
    (lambda x: x.T.__setitem__((0, 0, 0), 1), IndexError, "too many indices"),
    (lambda x: np.diagonal(x).fill(0), ValueError, "read-only view"),
    (lambda x: np.broadcast_to(x, (2, 3, 4))[0].fill(0), ValueError, "read-only view"),
    (lambda x: np.add(x, 1, out=OUTSIDE), InPlaceError, r"np\.zeros\(n\)"),
    (lambda x: np.copyto(OUTSIDE, x), InPlaceError, r"np\.zeros\(n\)"),
]


@pytest.mark.parametrize(("function", "error", "message"), MISTAKES)
def test_mistakes_are_errors(function: Function, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        make_program(function)(X)


@pytest.mark.parametrize("transform", [
    lambda f: lambda x: grad(f)(x), lambda f: lambda x: vmap(f)(x), lambda f: lambda x: jit(f)(x),
    lambda f: lambda x: checkpoint(f)(x),
])
def test_a_function_inside_cannot_write_to_what_it_closes_over(transform: Function) -> None:
    def outer(y: Any) -> Any:
        def inner(x: Any) -> Any:
            y[0] = x.sum()
            return y.sum()

        return transform(inner)(y[1])

    with pytest.raises(InPlaceError, match="a function around it"):
        make_program(outer)(X)


def test_what_a_function_inside_makes_of_values_around_it_is_its_own() -> None:
    def step(x: Any, w: Any) -> Any:
        def loss(w: Any) -> Any:
            r = -x
            row, line, copied, blank = r[0], np.diagonal(r), x.copy(), np.zeros_like(x)
            r += w
            row *= 2.0
            copied[1] = w[0]
            blank[2] = w[1]
            return np.sum(r * copied) + np.sum(row) + np.sum(line**2) + np.sum(blank)

        return grad(loss)(w)

    def plain(w: Any) -> Any:
        r = np.concatenate([2 * (w[:1] - X[:1]), w[1:] - X[1:]])
        copied = np.stack([X[0], w[0], X[2]])
        return np.sum(r * copied) + np.sum(r[0]) + np.sum(np.diagonal(r) ** 2) + np.sum(w[1])

    w = np.cos(X)
    np.testing.assert_allclose(jit(step)(X, w), grad(plain)(w), rtol=1e-12)
    np.testing.assert_allclose(vmap(step)(X[None], w[None])[0], grad(plain)(w), rtol=1e-12)


def test_an_array_of_a_function_that_has_returned_cannot_be_written() -> None:
    kept: list[Any] = []
    make_program(lambda x: kept.append(x) or x)(X)
    with pytest.raises(EscapedTracerError):
        kept[0][0] = 1.0


# --- Transforms


def _recurrence(x: Any) -> Any:
    y = fnp.zeros((4, 3))
    y[0] = x
    for i in range(1, 4):
        y[i] = np.sin(y[i - 1]) * x
        y[i, 1:] += y[0, :2]
    y *= 2
    y[y > 2] = 0.5
    return y


def _recurrence_by_stacking(x: Any) -> Any:
    rows = [x]
    for _ in range(1, 4):
        row = np.sin(rows[-1]) * x
        rows.append(np.concatenate([row[:1], row[1:] + x[:2]]))
    y = np.stack(rows) * 2
    return np.where(y > 2, 0.5, y)


V = np.array([0.3, -0.7, 1.1])
TRANSFORMED: list[Function] = [
    lambda f: grad(lambda x: np.sum(f(x) ** 2)), lambda f: lambda x: jvp(f, (x,), (np.ones(3),))[1],
    lambda f: lambda x: vjp(f, x)[1](np.arange(12.0).reshape(4, 3))[0],
    lambda f: lambda x: vmap(f)(x[None] * [[1], [2]]),
    lambda f: grad(lambda x: np.sum(vmap(f)(x[None] * [[1], [2]]))), lambda f: jit(grad(lambda x: np.sum(f(x) ** 2))),
    lambda f: grad(lambda x: np.sum(checkpoint(f)(x) ** 2)),
    lambda f: grad(lambda x: np.sum(grad(lambda z: np.sum(f(z) ** 3))(x) ** 2)),
]


@pytest.mark.parametrize("transform", TRANSFORMED)
def test_transforms_of_a_function_that_writes(transform: Function) -> None:
    np.testing.assert_allclose(transform(_recurrence)(V), transform(_recurrence_by_stacking)(V), rtol=1e-12)


def test_derivatives_of_writes_are_checked_by_differences() -> None:
    check_grads(lambda x: _recurrence(x)[:3], (V,), order=2)
    check_grads(lambda x: _chain(fnp, x) * x, (X / 7,), order=1)


def test_a_pullback_keeps_the_values_of_its_time() -> None:
    def f(x: Any) -> Any:
        y = x * 1.0
        _, pullback = vjp(lambda z: z**2 * y, y)
        before = pullback(np.ones(3))[0]
        y *= 10
        return before - pullback(np.ones(3))[0]

    np.testing.assert_array_equal(interpreted(f, V)[0], np.zeros(3))


def test_the_arguments_of_the_caller_stay_as_they_are() -> None:
    def loss(params: Any) -> Any:
        params["w"] *= 2
        params["b"][0] = 0.0
        return np.sum(params["w"] * params["b"])

    params = {"w": V.copy(), "b": np.ones(3)}
    for f in (value_and_grad(loss), jit(value_and_grad(loss))):
        value, grads = f(params)
        np.testing.assert_allclose(value, 2 * (V[1] + V[2]))
        np.testing.assert_array_equal(grads["w"], [0, 2, 2])
    np.testing.assert_array_equal(params["w"], V)


def test_writing_by_a_traced_mask_under_vmap() -> None:
    def f(x: Any) -> Any:
        x[x > 6] = 0.0
        x[x[:, 0] > 1] = x[0]
        return x

    np.testing.assert_array_equal(vmap(f)(np.stack([X, X - 3])), np.stack([f(X.copy()), f(X - 3)]))


@pytest.mark.parametrize("index", [0, (0,), (-1, 2), np.array(0), (np.array(1), 0), (0, ...), slice(1), (0, 0, None)])
@pytest.mark.parametrize("dtype", [float, complex, bool])
def test_an_element_takes_no_array_with_an_axis(index: Any, dtype: Any) -> None:
    arrays = [1.0, np.float64(1), np.array(1.0), np.ones(1), np.ones((1, 1)), np.ones(2)]
    lists = [[1.0], []] if dtype is not bool else []  # whose truth is what NumPy writes among truth values
    x = np.zeros(4 if type(index) is not tuple or len(index) == 1 else (3, 4), dtype)
    for value in arrays + lists:

        def write(x: Any) -> Any:
            x = x.copy()
            x[index] = value
            return x

        try:
            expected = write(x)
        except (TypeError, ValueError) as error:
            with pytest.raises(type(error), match="sequence|broadcast|0-dimensional"):
                interpreted(write, x)
        else:
            np.testing.assert_array_equal(interpreted(write, x)[0], expected)
