"""Results share memory with nothing, lie in C order, and are right however arguments lie and share memory."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit, tree, vmap
from hypothesis import given
from hypothesis import strategies as st

SHAPE = (3, 4)


def _frombuffer(x: np.ndarray, offset: int) -> np.ndarray:
    return np.frombuffer(bytes(offset) + x.tobytes(), x.dtype, offset=offset).reshape(x.shape)


def _strided(x: np.ndarray) -> np.ndarray:
    whole = np.zeros((2 * x.shape[0], 3 * x.shape[1]), x.dtype)
    whole[::2, 1::3] = x
    return whole[::2, 1::3]


def _read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "C": lambda x: x.copy(),
    "F": np.asfortranarray,
    "transposed": lambda x: x.T.copy().T,
    "reversed": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "strided": _strided,
    "read-only": _read_only,
    "swapped": lambda x: x.astype(x.dtype.newbyteorder()),
    "swapped F": lambda x: np.asfortranarray(x.astype(x.dtype.newbyteorder())),
    "borrowed": lambda x: _frombuffer(x, 0),
    "unaligned": lambda x: _frombuffer(x, 3),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
}
VALUES = np.arange(12.0).reshape(SHAPE) % 5 - 1.7
CLOSED = np.linspace(0.5, 2.0, 12).reshape(SHAPE)


def outputs(x: Any, y: Any) -> dict[str, Any]:
    """Results of many kinds: computed, passed through, given twice, closed over, parts and other views."""
    z = np.tanh(x) * y + CLOSED
    return {
        "z": z, "again": z, "x": x, "y": y, "closed": CLOSED, "part": x[1:], "T": x.T, "sum": np.sum(x * y, axis=0),
        "reversed": y[::-1], "spread": np.broadcast_to(x[0], SHAPE), "pair": (x, [y.reshape(4, 3)]),
    }


def arrays_of(result: Any) -> list[np.ndarray]:
    return [leaf for leaf in tree.leaves(result) if isinstance(leaf, np.ndarray)]


def require_own(result: Any, *others: Any) -> None:
    """Every array lies in C order, is native and can be written to, and shares memory with none of all the others."""
    own = arrays_of(result)
    assert own
    for a in own:
        assert a.flags.c_contiguous and a.flags.writeable and a.dtype.isnative and type(a) is np.ndarray
    for a in own:
        for b in arrays_of(others):
            assert not np.shares_memory(a, b)
    for a, b in combinations(own, 2):
        assert not np.shares_memory(a, b)


TRANSFORMS = {
    "jit": lambda f: jit(f),
    "grad": lambda f: fnad.value_and_grad(lambda x, y: (np.sum(np.tanh(x) * y), f(x, y)), (0, 1), has_aux=True),
    "grad of identities": lambda f: fnad.value_and_grad(lambda x, y: (np.sum(x + y), (x, y, CLOSED)), (0, 1), True),
    "vjp": lambda f: lambda x, y: _pulled(f, x, y),
    "jvp": lambda f: lambda x, y: fnad.jvp(f, (x, y), (CLOSED, CLOSED.T.copy().T)),
    "jvp with aux": lambda f: lambda x, y: fnad.jvp(lambda x, y: (x, f(x, y)), (x, y), (x, y), has_aux=True),
    "linearize": lambda f: lambda x, y: _linearized(f, x, y),
    "linear_transpose": lambda f: lambda x, y: fnad.linear_transpose(lambda v: (v, 2.0 * v), x)((y, x)),
    "jacrev": lambda f: fnad.jacrev(lambda x, y: np.tanh(x) * y, (0, 1)),
    "jacfwd": lambda f: fnad.jacfwd(lambda x, y: x[:, :2], (0, 1)),
    "hvp": lambda f: lambda x, y: fnad.hvp(lambda x: np.sum(x**3), (x,), (y,)),
    "vmap": lambda f: vmap(lambda x, y: {"x": x, "y": y, "t": np.tanh(x), "closed": CLOSED, "s": x[::-1]}),
    "vmap over columns": lambda f: vmap(lambda x, y: (x, y * 2.0, CLOSED[:, 0]), 1, 1),
    "vmap of one": lambda f: vmap(lambda x, y: (x, y, x + y), (0, None), (0, None, 1)),
    "checkpoint": lambda f: fnad.checkpoint(f),
    "checkpoint in grad": lambda f: fnad.value_and_grad(lambda x, y: (np.sum(x), fnad.checkpoint(f)(x, y)), 0, True),
    "custom_vjp": lambda f: _custom(f),
    "custom_jvp": lambda f: _custom_jvp(f),
    "scan of nothing": lambda f: lambda x, y: fnad.scan(lambda c, _: (c, c["x"]), {"x": x, "y": y}, None, length=0)[0],
    "scan": lambda f: lambda x, y: fnad.scan(lambda c, r: ((c[0], c[1]), (r, c[0])), (x, y), x),
    "fori_loop": lambda f: lambda x, y: fnad.fori_loop(0, 2, lambda i, c: (c[1], c[0]), (x, y)),
    "fori_loop of nothing": lambda f: lambda x, y: fnad.fori_loop(0, 0, lambda i, c: c, (x, y)),
    "while_loop of nothing": lambda f: lambda x, y: fnad.while_loop(lambda c: np.sum(c[0]) > 1e9, lambda c: c, (x, y)),
    "cond": lambda f: lambda x, y: fnad.cond(True, lambda x, y: (x, y, x), lambda x, y: (y, x, x), x, y),
    "switch": lambda f: lambda x, y: fnad.switch(1, [lambda x, y: (x, y), lambda x, y: (y, CLOSED)], x, y),
    "check_nans": lambda f: fnad.check_nans(f),
}


def _pulled(f: Any, x: Any, y: Any) -> Any:
    """A result and cotangents; what the pullback keeps is its own, whatever is written to them and to the arguments."""
    given = (np.array(x), np.array(y)) if type(x) is np.ndarray else (x, y)
    out, pullback = fnad.vjp(f, *given)
    cotangent = tree.map(lambda a: np.asfortranarray(a) if type(a) is np.ndarray else a, fnad.vjp(f, x, y)[0])
    bars = pullback(cotangent)
    if type(x) is not np.ndarray:  # traced: nothing is written to
        return out, bars
    require_own(bars, cotangent, out, given)
    kept = tree.map(np.copy, (out, bars))
    for leaf in arrays_of((out, bars, given)):
        leaf[...] = 1e9
    for a, b in zip(pullback(cotangent), kept[1]):
        np.testing.assert_array_equal(a, b)
    return kept


def _linearized(f: Any, x: Any, y: Any) -> Any:
    """A result and tangents, likewise."""
    given = (np.array(x), np.array(y)) if type(x) is np.ndarray else (x, y)
    out, move = fnad.linearize(f, *given)
    moved = move(x, y)
    if type(x) is not np.ndarray:
        return out, moved
    require_own(moved, x, y, out, given)
    kept = tree.map(np.copy, (out, moved))
    for leaf in arrays_of((out, moved, given)):
        leaf[...] = 1e9
    for a, b in zip(tree.leaves(move(x, y)), tree.leaves(kept[1])):
        np.testing.assert_array_equal(a, b)
    return kept


def _custom(f: Any) -> Any:
    made = fnad.custom_vjp(lambda x, y: f(x, y))
    made.defvjp(lambda x, y: (f(x, y), None), lambda kept, g: (g["x"], g["y"]))
    return made


def _custom_jvp(f: Any) -> Any:
    made = fnad.custom_jvp(lambda x, y: f(x, y))
    made.defjvp(lambda primals, tangents: (f(*primals), f(*primals)))
    return made


@pytest.mark.parametrize("name", TRANSFORMS)
def test_results_share_no_memory_and_lie_in_c_order(name):
    transform = TRANSFORMS[name]
    plain = transform(outputs)
    compiled = jit(plain) if name != "check_nans" else plain  # which is outermost
    for layout in LAYOUTS:
        x, y, closed = LAYOUTS[layout](VALUES), LAYOUTS[layout](VALUES * 0.7 + 1.0), CLOSED.copy()
        before = x.copy(), y.copy()
        expected = transform(outputs)(np.array(x, float, order="C"), np.array(y, float, order="C"))
        for f in (plain, compiled):
            got = f(x, y)
            require_own(got, x, y, CLOSED)
            for a, b in zip(tree.leaves(got), tree.leaves(expected)):
                np.testing.assert_allclose(a, b, rtol=1e-13)
            for leaf in arrays_of(got):
                leaf[...] = -7.0  # nobody else sees this
            for a, b in zip(tree.leaves(f(x, y)), tree.leaves(expected)):
                np.testing.assert_allclose(a, b, rtol=1e-13)
        assert (x == before[0]).all() and (y == before[1]).all() and (CLOSED == closed).all()


# --- Donated arguments

VIEWS = {
    "itself": lambda x: x,
    "all of it": lambda x: x[...],
    "reversed": lambda x: x[::-1],
    "transposed": lambda x: x.T,
    "a part": lambda x: x[1:],
    "columns": lambda x: x[:, ::2],
    "flat": lambda x: x.reshape(-1),
    "bytes": lambda x: x.view(np.uint8),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
    "over a buffer": lambda x: np.frombuffer(memoryview(x).cast("B"), x.dtype, 8, 8),
    "by DLPack": lambda x: np.from_dlpack(x),
    "by the interface": lambda x: np.asarray(_Interface(x)),
    "of a view": lambda x: x[1:][::-1][:1],
    "strides": lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=1),
    "of a buffer's": lambda x: np.frombuffer(memoryview(x).cast("B"), x.dtype)[2:7],
}


class _Interface:
    def __init__(self, x: np.ndarray) -> None:
        self.__array_interface__ = x.__array_interface__
        self.x = x


@pytest.mark.parametrize("view", VIEWS)
def test_a_donated_argument_may_share_memory_with_another_one(view):
    def step(x: Any, y: Any) -> Any:
        return x + 1.0 + np.sum(y), y * 2

    first, second, both = jit(step, donate_argnums=0), jit(step, donate_argnums=1), jit(step, donate_argnums=(0, 1))
    for f, order in [(first, 1), (second, 1), (both, 1), (first, -1), (second, -1), (both, -1)]:
        x = VALUES.copy()
        args = (x, VIEWS[view](x))[::order]
        expected = step(*[a.copy() for a in args])
        got = f(*args)
        for a, b in zip(got, expected):
            np.testing.assert_allclose(a, b)
        require_own(got)


@pytest.mark.parametrize("view", VIEWS)
def test_a_donated_argument_may_share_memory_with_what_the_function_closes_over(view):
    x = VALUES.copy()
    held = {"y": VIEWS[view](x)}
    f = jit(lambda x: (x + 1.0, held["y"] * 2), donate_argnums=0)
    for _ in range(2):
        x[...] = VALUES
        expected = x + 1.0, held["y"] * 2
        for a, b in zip(f(x), expected):
            np.testing.assert_allclose(a, b)


def test_a_donated_argument_that_shares_with_none_is_used_again():
    f = jit(lambda x, y: x + y, donate_argnums=0)
    x, data = VALUES.copy(), np.ones((5, *SHAPE))
    assert f(x, data[2]) is x  # a part of an array that is not given away


def test_a_memory_map_is_an_argument(tmp_path):
    mapped = np.memmap(tmp_path / "map", float, "w+", shape=SHAPE)
    mapped[...] = VALUES
    f = jit(lambda x, y: (x * 2.0, y[::-1] + 1.0), donate_argnums=0)
    for pair in [(mapped, mapped[::-1]), (mapped[:2], mapped), (mapped, mapped)]:
        expected = [np.asarray(pair[0]) * 2.0, np.asarray(pair[1])[::-1] + 1.0]
        for a, b in zip(f(*pair), expected):
            np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(mapped, VALUES)


views = st.builds(
    lambda start, step, columns, flip, swap: (start, step, columns, flip, swap),
    st.integers(0, 2), st.sampled_from([1, 2, -1]), st.sampled_from([1, 2, -1]), st.booleans(), st.booleans(),
)


def view_of(base: np.ndarray, how: tuple[Any, ...]) -> np.ndarray:
    start, step, columns, flip, swap = how
    part = base[start:][::step, ::columns]
    part = part[::-1] if flip else part
    part = part.T if swap else part
    return part


LAYING = st.sampled_from([k for k in LAYOUTS if k != "broadcast"])


def _mixed(a: Any, b: Any, c: Any) -> Any:
    return {"a": np.sin(a), "ab": a * np.sum(b), "b": b, "c": c[::-1], "sum": np.sum(c, axis=0) + np.sum(a)}


_DONATED = {n: jit(_mixed, donate_argnums=n) for n in [(), (0,), (1,), (0, 1, 2)]}


@pytest.mark.filterwarnings("ignore:jit. requires few different signatures")
@given(st.lists(views, min_size=3, max_size=3), LAYING, st.sampled_from(sorted(_DONATED)), st.integers(0, 2))
def test_overlapping_views_donated_or_not_are_computed_as_python_does(three, laying, donated, whole):
    base = LAYOUTS[laying](VALUES)
    args = [view_of(base, how) for how in three]
    if base.flags.owndata:
        args[whole] = base
    expected = _mixed(*[np.array(a, float, order="C") for a in args])
    got = _DONATED[donated](*args)
    for name, value in expected.items():
        np.testing.assert_allclose(got[name], value, rtol=1e-12, atol=1e-12)
    kept = [a for i, a in enumerate(args) if not any([np.shares_memory(a, args[d]) for d in donated])]
    require_own(got, *kept)


# --- Functions without a transform

F = np.asfortranarray(VALUES)
EAGER = {
    "relu": lambda x: fnad.nn.relu(x), "gelu": lambda x: fnad.nn.gelu(x), "softmax": lambda x: fnad.nn.softmax(x),
    "sin": lambda x: fnad.numpy.sin(x), "add": lambda x: fnad.numpy.add(x, x),
    "divmod": lambda x: fnad.numpy.divmod(x, 2.0),
    "where": lambda x: fnad.numpy.where(x > 0, x, 1.0), "sort": lambda x: fnad.numpy.sort(x, axis=0),
    "zeros_like": lambda x: fnad.numpy.zeros_like(x), "concatenate": lambda x: fnad.numpy.concatenate([x, x]),
    "cumsum": lambda x: fnad.numpy.cumsum(x, axis=1), "copy": lambda x: fnad.numpy.copy(x),
    "array": lambda x: fnad.numpy.array(x),
    "at": lambda x: fnad.numpy.at(x)[0].add(1.0), "clip": lambda x: fnad.numpy.clip(x, 0, 1),
    "logsumexp": lambda x: fnad.numpy.logsumexp(x, axis=0), "xlogy": lambda x: fnad.numpy.xlogy(x, x),
    "sgd": lambda x: fnad.optim.sgd(0.1, 0.9).update([x], fnad.optim.sgd(0.1, 0.9).init([x]), [x]),
    "adam": lambda x: fnad.optim.adam(0.1).update([x], fnad.optim.adam(0.1).init([x]), [x]),
    "primitive": lambda x: SINE(x), "uniform": lambda x: fnad.random.uniform(KEY, SHAPE, low=x, high=x + 1),
    "normal": lambda x: fnad.random.normal(KEY, SHAPE, loc=x),
}
BUFFER, KEY = np.zeros(SHAPE), fnad.random.key(0)
SINE = fnad.primitive(lambda x: np.sin(x, out=BUFFER), shape=lambda x: (x.shape, x.dtype), name="buffered_sine")


@pytest.mark.parametrize("name", EAGER)
def test_functions_of_values_give_new_arrays_in_c_order(name):
    for layout in ("F", "transposed", "strided", "reversed"):
        x = LAYOUTS[layout](VALUES)
        require_own(EAGER[name](x), x, BUFFER)
    if name not in ("sort", "zeros_like", "copy", "array", "divmod"):  # NumPy's own keep the dtype
        require_own(EAGER[name](LAYOUTS["swapped F"](VALUES)))
