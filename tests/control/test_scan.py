"""`scan` is the loop written out, in every transform."""

from __future__ import annotations

from typing import Any

import fnad
import hypothesis.strategies as st
import numpy as np
import pytest
from fnad import fori_loop, grad, jit, make_program, scan, tree, vmap
from fnad.ir.program import subprograms
from hypothesis import given
from tests.control.comparing import TRANSFORMS, assert_close


def loop(body: Any, init: Any, xs: Any, length: int, reverse: bool = False) -> Any:
    """What `scan` means."""
    carry, ys = init, [None] * length
    for i in reversed(range(length)) if reverse else range(length):
        carry, ys[i] = body(carry, tree.map(lambda x: x[i], xs))
    return carry, (tree.map(lambda *rows: np.stack(rows), *ys) if length else None)


WEIGHTS = np.linspace(-1.0, 1.0, 6).reshape(3, 2)
ROWS = np.sin(np.arange(12.0)).reshape(4, 3)


def recurrent(p: dict, xs: Any, run: Any, reverse: bool = False) -> Any:
    """A loop with constants, a carry of several arrays, and results for each step."""

    def body(carry: Any, x: Any) -> Any:
        h, count = carry
        h = np.tanh(x @ p["w"] + h * p["a"])
        return (h, count + 1), {"h": h, "sum": np.sum(h) * x[0]}

    (h, count), ys = run(body, (p["h"], 0), xs, len(xs), reverse)
    return np.sum(h * 2.0) + np.sum(ys["h"] ** 2) + np.sum(np.cos(ys["sum"])) + 0.1 * count


def scanned(body: Any, init: Any, xs: Any, length: int, reverse: bool = False) -> Any:
    return scan(body, init, xs, length, reverse)


def parameters(seed: int = 0) -> dict:
    random = np.random.default_rng(seed)
    return {"w": random.normal(size=(3, 2)), "a": random.normal(size=()), "h": random.normal(size=2)}


@pytest.mark.parametrize("compiled", [False, True], ids=["interpreted", "jit"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_scan_is_the_loop_written_out(name: str, reverse: bool, compiled: bool) -> None:
    transform = TRANSFORMS[name]
    got = transform(lambda p, xs: recurrent(p, xs, scanned, reverse))
    expected = transform(lambda p, xs: recurrent(p, xs, loop, reverse))(parameters(), ROWS)
    assert_close((jit(got) if compiled else got)(parameters(), ROWS), expected)


@pytest.mark.parametrize("axes", [(0, None), (None, 0), (0, 0), ({"w": 0, "a": None, "h": 1}, None)])
@pytest.mark.parametrize("name", ["value", "grad", "jvp"])
def test_a_batch_of_scans_is_a_scan_for_each_example(name: str, axes: Any) -> None:
    many = tree.map(lambda *ps: np.stack(ps), parameters(0), parameters(1))
    p = many if axes[0] is not None else parameters()
    if isinstance(axes[0], dict):
        p = {"w": many["w"], "a": parameters()["a"], "h": many["h"].T}
    xs = np.stack([ROWS, ROWS[::-1]]) if axes[1] == 0 else ROWS
    one, written_out = (
        vmap(TRANSFORMS[name](lambda p, xs, run=run: recurrent(p, xs, run)), in_axes=axes) for run in (scanned, loop)
    )
    assert_close(one(p, xs), written_out(p, xs))


def test_the_gradient_of_a_batch() -> None:
    many = tree.map(lambda *ps: np.stack(ps), parameters(0), parameters(1))
    got, expected = (
        grad(lambda p, run=run: np.sum(vmap(lambda p: recurrent(p, ROWS, run))(p)))(many) for run in (scanned, loop)
    )
    assert_close(got, expected)


@given(length=st.integers(0, 4), shape=st.sampled_from([(), (0,), (1,), (2, 3)]), reverse=st.booleans(),
       dtype=st.sampled_from(["f4", "f8", "c16", "i4", "b1"]))
def test_shapes_and_dtypes(length: int, shape: tuple[int, ...], reverse: bool, dtype: str) -> None:
    xs = (np.arange(length * int(np.prod(shape))).reshape(length, *shape) % 3).astype(dtype)
    start = np.ones(shape, dtype)
    body = lambda c, x: (c * x + x, c)  # noqa: E731
    got = scan(body, start, xs, reverse=reverse)
    expected = loop(body, start, xs, length, reverse)
    assert_close(got[0], expected[0])
    assert got[0].dtype == got[1].dtype == dtype and got[1].shape == xs.shape
    if length:
        assert_close(got[1], expected[1])


@pytest.mark.parametrize("length", [1, 4, 7])
@pytest.mark.parametrize("every", [True, 1, 2, 3, 7, 9])
@pytest.mark.parametrize("reverse", [False, True])
def test_segments_that_are_computed_again_change_nothing(length: int, every: Any, reverse: bool) -> None:
    xs = np.cos(np.arange(length * 3.0)).reshape(length, 3)

    def loss(p: dict, xs: Any, checkpoint: Any) -> Any:
        carry, ys = scan(
            lambda h, x: (np.tanh(x @ p["w"] + h), h * p["a"]), p["h"], xs, reverse=reverse, checkpoint=checkpoint
        )
        return np.sum(carry) + np.sum(ys**2)

    for transform in (lambda f: f, lambda f: grad(f, (0, 1))):
        got, expected = (
            transform(lambda p, xs, k=k: loss(p, xs, k))(parameters(), xs) for k in (every, False)
        )
        assert_close(got, expected)


def test_segments_are_kept_as_their_carries_alone() -> None:
    def residuals(checkpoint: Any) -> int:
        f = lambda h: np.sum(scan(lambda h, _: (np.tanh(np.sin(h)) + h, ()), h, length=64, checkpoint=checkpoint)[0])
        program = make_program(grad(f))(np.ones(3))
        forward = next(e for e in program.equations if e.outputs[1:])
        return sum(v.type.nbytes for v in forward.outputs[1:])

    assert residuals(False) >= 2 * 64 * 24
    assert residuals(True) == 8 * 24


def test_only_what_the_way_back_reads_is_stacked() -> None:
    xs = np.ones((5, 2))
    program = make_program(grad(lambda w: np.sum(scan(lambda c, x: (c + w * x, ()), np.zeros(2), xs)[0])))(1.5)
    (backward,) = [e for e in program.equations if subprograms(e.params) and e.params["reverse"]]
    assert len(backward.inputs) == 3, "the cotangent and the sum at the start, and the slices"


def test_what_is_the_same_in_all_steps_is_computed_before() -> None:
    program = make_program(lambda w, xs: scan(lambda c, x: (c + np.exp(w) * x, ()), 0.0, xs)[0])(1.5, np.ones(4))
    (body,) = subprograms(program.equations[-1].params)
    assert program.equations[0].primitive.name == "exp" and [e.primitive.name for e in body.equations] == ["mul", "add"]


def test_a_result_that_nobody_needs_costs_nothing() -> None:
    def f(x: Any) -> Any:
        (a, b), (y, z) = scan(lambda c, _: ((c[0] * 2.0, np.sin(c[1])), (c[0], np.cos(c[1]))), (x, x), length=3)
        return a, y

    program = make_program(grad(lambda x: f(x)[0]))(1.0)
    names = [e.primitive.name for eqn in program.equations for p in subprograms(eqn.params) for e in p.equations]
    assert "mul" in names and "sin" not in names and "cos" not in names


def test_the_gradient_of_a_weight_is_one_product_of_all_steps() -> None:
    """It is not a sum that each step adds a product of its own to."""
    xs, w = np.ones((5, 2, 4)), np.full((4, 4), 0.1)

    def loss(w: Any, run: Any) -> Any:
        return np.sum(run(lambda h, x: (np.tanh(x + h @ w), 0.0), np.zeros((2, 4)), xs, 5)[0] ** 2)

    program = make_program(grad(lambda w: loss(w, scanned)))(w)
    (backward,) = [e for e in program.equations if subprograms(e.params) and e.params["reverse"]]
    assert backward.params["carries"] == 1
    assert_close(grad(lambda w: loss(w, scanned))(w), grad(lambda w: loss(w, loop))(w))


def test_python_numbers_take_the_dtype_of_the_body() -> None:
    total, _ = scan(lambda c, x: (c + x, ()), 0.0, np.ones(3, np.float32))
    assert total.dtype == np.float32
    total, _ = scan(lambda c, x: (c + x, ()), 0, np.ones(3))
    assert total.dtype == np.float64


def test_nested_scans() -> None:
    def f(x: Any, run: Any) -> Any:
        def outer(c: Any, row: Any) -> Any:
            d, ys = run(lambda d, v: (np.sin(d * v) + c, d), c, row, 3)
            return d + c, np.sum(ys) if ys is not None else 0.0

        carry, ys = run(outer, x, ROWS, 4)
        return carry + np.sum(ys)

    for transform in (lambda f: f, grad, lambda f: grad(grad(f))):
        got, expected = (transform(lambda x, run=run: f(x, run))(0.7) for run in (scanned, loop))
        assert_close(got, expected)


def test_a_map_is_a_vmap_one_after_the_other() -> None:
    f = lambda x: {"a": np.sum(np.sin(x)), "b": x * 2.0}  # noqa: E731
    assert_close(fnad.control.map(f, ROWS), vmap(f)(ROWS))
    loss = lambda g: lambda xs: np.sum(g(xs)["a"] ** 2)  # noqa: E731
    assert_close(grad(loss(lambda xs: fnad.map(f, xs)))(ROWS), grad(loss(vmap(f)))(ROWS))


# --- Errors

MISTAKES = {
    "no pair": (lambda: scan(lambda c, x: c, 0.0, np.ones(3)), TypeError, r"returns \(carry, y\), got"),
    "shape": (lambda: scan(lambda c, x: (c + x, ()), 0.0, np.ones((3, 2))), TypeError,
              r"keeps its shape and dtype, got f64\[\]\* at init that comes back as f64\[2\]"),
    "dtype": (lambda: scan(lambda c, x: ({"a": c["a"] + x}, ()), {"a": np.float32(0)}, np.ones(3)), TypeError,
              r"init\['a'\].*astype"),
    "structure": (lambda: scan(lambda c, x: ((c, c), ()), 0.0, np.ones(3)), TypeError,
                  r"a carry that is nested like init, got \(\*, \*\) and \*"),
    "lengths": (lambda: scan(lambda c, x: (c, ()), 0.0, (np.ones(3), np.ones(4))), ValueError,
                r"one number of steps, got 3 of xs\[0\], 4 of xs\[1\]"),
    "length": (lambda: scan(lambda c, x: (c, ()), 0.0, np.ones(3), length=4), ValueError, "4 of length, 3 of xs"),
    "no length": (lambda: scan(lambda c, x: (c, ()), 0.0), ValueError, "Give length=n"),
    "bad length": (lambda: scan(lambda c, x: (c, ()), 0.0, length=-1), ValueError, "at least 0 that.* got -1"),
    "bad checkpoint": (lambda: scan(lambda c, x: (c, ()), 0.0, length=3, checkpoint=0), ValueError, "at least 1"),
    "scalar": (lambda: scan(lambda c, x: (c, ()), 0.0, 1.0), ValueError, "a first axis that counts the steps"),
    "forgotten return": (lambda: fori_loop(0, 3, lambda i, c: None, {"a": 0.0}), TypeError,
                         r"fori_loop: requires a carry that is nested like init, got None and \{'a': \*\}"),
    "map": (lambda: fnad.map(lambda x: {"s": "a"}, np.ones(3)), TypeError, r"map: .* got str at result\['s'\]"),
    "traced length": (lambda: jit(lambda n: scan(lambda c, _: (c, ()), 0.0, length=n))(3), TypeError, "fori_loop"),
    "leaf": (lambda: scan(lambda c, x: (c, ()), "a", np.ones(3)), TypeError, "got str at init"),
    "result": (lambda: scan(lambda c, x: (c, "a"), 0.0, np.ones(3)), TypeError, r"got str at result\[1\]"),
    "function": (lambda: scan(3.0, 0.0, np.ones(3)), TypeError, "requires a function, got float"),
    "list": (lambda: scan(lambda c, i: (c + WEIGHTS.tolist()[i][0], ()), 0.0, np.arange(2)),
             fnad.ConcreteValueError, r"array\[i\]: .* use np.array\(data\)\[i\]"),
    "value": (lambda: scan(lambda c, x: (c if c > 0 else x, ()), 0.0, np.ones(3)), fnad.ConcreteValueError,
              "another one at each step of a loop"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    call, error, message = MISTAKES[name]
    with pytest.raises(error, match=message) as caught:
        call()
    assert "test_scan.py" in str(caught.value)
