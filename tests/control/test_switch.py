"""`cond` and `switch` are the chosen branch, in every transform, and nothing of the others."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad import cond, grad, jit, make_program, scan, switch, vmap
from tests.control.comparing import TRANSFORMS, assert_close

ROW = np.array([1.0, 2.0, 3.0])


def piecewise(x: Any, row: Any) -> Any:
    """Branches with residuals of different numbers and shapes, one of which closes over a value."""
    twice = 2.0 * x
    return cond(
        x > 0,
        lambda x, row: np.sum(np.sin(x * row) * np.exp(row)) * twice,
        lambda x, row: np.sum(row * row * x),
        x, row,
    )


def written_out(x: Any, row: Any) -> Any:
    return np.sum(np.sin(x * row) * np.exp(row)) * (2.0 * x) if x > 0 else np.sum(row * row * x)


BRANCHES = [lambda x: x, lambda x: 1.5, lambda x: np.exp(x) * x]


@pytest.mark.parametrize("compiled", [False, True], ids=["interpreted", "jit"])
@pytest.mark.parametrize("x", [1.3, -0.7])
@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_cond_is_the_branch_written_out(name: str, x: float, compiled: bool) -> None:
    transform = TRANSFORMS[name]
    got = transform(piecewise)
    assert_close((jit(got) if compiled else got)(x, ROW), transform(written_out)(x, ROW))


@pytest.mark.parametrize("index", [-3, -1, 0, 1, 2, 3, 7])
def test_an_index_out_of_range_takes_the_nearest_branch(index: int) -> None:
    expected = BRANCHES[min(max(index, 0), 2)](0.4)
    for f in (switch, jit(lambda i, branches, x: switch(i, branches, x), static_argnums=1)):
        assert f(index, tuple(BRANCHES), 0.4) == pytest.approx(expected)
        assert f(np.int32(index), tuple(BRANCHES), 0.4) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["value", "grad", "jvp", "hessian"])
@pytest.mark.parametrize("axes", [(0, None), (0, 0), (None, 0)])
def test_a_batch_takes_each_examples_own_branch(name: str, axes: Any) -> None:
    x = np.array([1.3, -0.7]) if axes[0] == 0 else -0.7
    row = np.stack([ROW, ROW * 0.5]) if axes[1] == 0 else ROW
    f = TRANSFORMS[name]
    one_by_one = [
        f(written_out)(x[i] if axes[0] == 0 else x, row[i] if axes[1] == 0 else row) for i in range(2)
    ]
    assert_close(vmap(f(piecewise), in_axes=axes)(x, row), fnad.tree.map(lambda *r: np.stack(r), *one_by_one))


def test_an_untaken_branch_cannot_spoil_a_gradient() -> None:
    f = lambda x: cond(x > 0, np.sqrt, lambda x: 0.0 * x, x)  # noqa: E731
    xs = np.array([4.0, -1.0, 0.0])
    np.testing.assert_array_equal(vmap(grad(f))(xs), [0.25, 0.0, 0.0])
    np.testing.assert_array_equal(grad(lambda xs: np.sum(vmap(f)(xs)))(xs), [0.25, 0.0, 0.0])


def test_only_the_chosen_branch_runs() -> None:
    ran: list[str] = []
    note = lambda word: fnad.primitive(  # noqa: E731
        lambda x: (ran.append(word), np.asarray(x))[1], shape=lambda x: (x.shape, x.dtype), name=f"note_{word}"
    )
    left, right = note("left"), note("right")
    f = lambda x: cond(x > 0, left, right, x)  # noqa: E731
    for call in (f, jit(f)):
        ran.clear()
        call(1.0), call(-1.0), call(2.0)
        assert ran == ["left", "right", "left"]


def test_branches_in_a_loop() -> None:
    xs = np.linspace(0.5, 2.0, 6)

    def scanned(c: Any, xs: Any) -> Any:
        return scan(lambda c, x: (cond(c > x, lambda: c - x, lambda: c * x + c), ()), c, xs)[0]

    def looped(c: Any, xs: Any) -> Any:
        for x in xs:
            c = c - x if c > x else c * x + c
        return c

    for transform in TRANSFORMS.values():
        assert_close(transform(scanned)(1.0, xs), transform(looped)(1.0, xs))


def test_residuals_of_the_branches_share_their_slots() -> None:
    f = lambda x: cond(np.sum(x) > 0, lambda: np.sum(np.sin(np.exp(x))), lambda: np.sum(np.cos(np.tanh(x))))
    program = make_program(grad(f))(ROW)
    forward = next(e for e in program.equations if e.primitive.name == "switch")
    assert len(forward.outputs) == 1 + 1, "the value, and one array that serves either branch"


def test_numbers_adapt_to_the_other_branch() -> None:
    result = cond(np.bool_(True), lambda x: 0.0, lambda x: x, np.float32(3))
    assert result.dtype == np.float32
    assert switch(1, [lambda: 1, lambda: 2.0]).dtype == np.float64


def test_operands_are_pytrees() -> None:
    swap = lambda d: {"a": d["b"], "b": d["a"]}  # noqa: E731
    result = jit(lambda p, d: cond(p, swap, lambda d: d, d))(np.bool_(True), {"a": 1.0, "b": ROW[0] * 3})
    assert_close(result, {"a": np.float64(3.0), "b": np.float64(1.0)})


MISTAKES = {
    "shapes": (lambda: cond(True, lambda: ROW, lambda: 1.0), r"got f64\[\]\* of false_fn, f64\[3\] of true_fn at"),
    "dtypes": (lambda: cond(True, lambda: {"a": ROW}, lambda: {"a": ROW > 0}), r"f64\[3\] of true_fn at result\['a'\]"),
    "structure": (lambda: cond(True, lambda: (ROW,), lambda: ROW),
                  r"result of true_fn that is nested like that of false_fn, got \(\*,\) and \*"),
    "predicate": (lambda: cond(1, lambda: 1.0, lambda: 2.0), r"a boolean scalar to choose by, got i64\[\]\*"),
    "no scalar": (lambda: cond(ROW > 0, lambda: 1.0, lambda: 2.0), r"got bool\[3\]"),
    "index": (lambda: switch(1.0, [lambda: 1.0]), "an integer scalar to choose by"),
    "no function": (lambda: cond(True, 1.0, lambda: 2.0), "requires a function, got float"),
    "leaf": (lambda: cond(True, lambda x: 1.0, lambda x: 2.0, "a"), r"got str at operands\[0\]"),
    "result": (lambda: cond(True, lambda: "a", lambda: "b"), "got str at result"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes(name: str) -> None:
    call, message = MISTAKES[name]
    with pytest.raises(TypeError, match=message) as caught:
        call()
    assert "test_switch.py" in str(caught.value)


def test_no_branches() -> None:
    with pytest.raises(ValueError, match="requires one branch at least"):
        switch(0, [])


def test_a_condition_inside_a_branch() -> None:
    f = lambda x: cond(x > 0, lambda x: 1.0 if x > 1 else 2.0, lambda x: x, x)  # noqa: E731
    with pytest.raises(fnad.ConcreteValueError, match="known only when the branch is taken"):
        f(3.0)
