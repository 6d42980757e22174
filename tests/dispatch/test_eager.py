"""The operators, methods and functions of device arrays give what NumPy gives, and stay on the device."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceArray, InPlaceError, tree
from fnad.runtime.cuda import devices
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim.runtime import PtxRuntime

pytestmark = needs_cuda_compiler

A = np.random.default_rng(0).normal(size=(3, 4))
B = np.random.default_rng(1).normal(size=(3, 4))
N = np.random.default_rng(2).integers(-3, 4, (3, 4))
ROW = np.random.default_rng(3).normal(size=4).astype(np.float32)
MASK = A > 0


@pytest.fixture(autouse=True, scope="module")
def device() -> Iterator[PtxRuntime]:
    with devices.use(PtxRuntime(order="rev")) as runtime:
        yield runtime


def put(x: Any) -> Any:
    return fnad.device_put(x, "cuda") if isinstance(x, np.ndarray) else tree.map(put, x) if type(x) is list else x


def same(function: Callable[..., Any], *args: Any, is_there: bool = True) -> None:
    """Require what NumPy gives, of the same type, on the device or not."""
    with np.errstate(all="ignore"):
        expected = tree.leaves(function(*args))
    got = tree.leaves(function(*map(put, args)))
    assert len(got) == len(expected)
    for g, e in zip(got, expected):
        if isinstance(e, (np.ndarray, np.generic)):
            assert (type(g) is DeviceArray) == is_there and (g.dtype, g.shape) == (e.dtype, e.shape)
            np.testing.assert_allclose(np.asarray(g), e, rtol=1e-6, atol=1e-12)
        else:
            assert g == e


ARITHMETIC = ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "eq", "ne", "gt", "ge"]
OPERANDS = [(A, B), (A, N + 5), (N, N + 5), (A, 2), (2, A), (ROW, 2.5), (ROW, A), (np.float32(2), ROW)]


@pytest.mark.parametrize("name", ARITHMETIC)
def test_operators(name: str) -> None:
    for x, y in OPERANDS if name != "pow" else [(abs(A), B), (ROW, 2), (2, A), (N, 2)]:
        same(getattr(operator, name), x, y)


@pytest.mark.parametrize("name", ["and_", "or_", "xor", "lshift", "rshift"])
def test_operators_of_bits(name: str) -> None:
    for x, y in [(N, abs(N)), (N, 3), (3, abs(N))] + [(MASK, ~MASK), (MASK, True)] * ("shift" not in name):
        same(getattr(operator, name), x, y)


def test_other_operators() -> None:
    same(operator.matmul, A, B.T.copy())
    same(lambda x: A.T @ x, B)
    for function in (operator.neg, operator.pos, abs):
        same(function, A)
    same(operator.invert, N)
    same(divmod, A, B)
    same(lambda x: [1, 2, 3, 4] + x, A)
    same(lambda x: x == None, A, is_there=False)  # noqa: E711
    same(lambda x: [A[0, 1] in x, 5.0 in x], A)


def test_what_is_added_to_is_a_new_array() -> None:
    x = y = put(A)
    y += 1
    assert type(y) is DeviceArray and (np.asarray(x) == A).all() and (np.asarray(y) == A + 1).all()
    with pytest.raises(InPlaceError, match="which never changes. Write to it in a function that jit compiles"):
        x[0] = 1
    z = np.zeros((3, 4))
    z += x
    assert type(z) is np.ndarray and (z == A).all()


INDICES: dict[str, Any] = {
    "int": 0, "negative": -1, "slice": slice(1, None), "steps": slice(None, None, 2), "reversed": slice(None, None, -1),
    "element": (1, 2), "column": (slice(None), 1), "dots": (..., 0), "none": None, "none and int": (None, 0),
    "list": [0, 2], "array": np.array([0, -2]), "mask": MASK, "mask of rows": np.array([True, False, True]),
    "two arrays": (np.array([0, 1]), np.array([2, 3])), "slice and array": (slice(None), np.array([0, 1])),
    "no axes": np.array(1), "numpy's int": np.int64(2), "nothing": slice(3, 3), "all": (),
    "truth": True,
}


@pytest.mark.parametrize("name", INDICES)
def test_items(name: str) -> None:
    same(lambda x: x[INDICES[name]], A)


def test_items_by_arrays_of_the_device() -> None:
    for index in (np.array([0, 2]), np.array(1), MASK):
        same(lambda x, i: x[i], A, index)
    same(lambda x, i: x[i, 1], A, np.array([0, 2]))
    same(lambda i: [[5, 6, 7][i], A.tolist()[i]], np.array(1))


@pytest.mark.parametrize("index", [3, (0, 4), (0, 0, 0), "a", 1.5], ids=str)
def test_items_that_there_are_not(index: Any) -> None:
    with pytest.raises((IndexError, TypeError)) as raised:
        np.asarray(put(A)[index])
    assert raised.traceback[-1].path.name != "memory.py"


METHODS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("sum", (0,), {"keepdims": True}), ("mean", (), {}), ("var", (1,), {}), ("max", (), {}), ("argmin", (0,), {}),
    ("any", (), {}), ("cumsum", (1,), {}), ("reshape", (4, 3), {}), ("reshape", ((2, 6),), {"order": "F"}),
    ("transpose", (), {}), ("transpose", ((1, 0),), {}), ("astype", ("f4",), {}), ("ravel", (), {}),
    ("repeat", (2, 0), {}), ("take", ([0, 1],), {}), ("dot", (ROW,), {}), ("clip", (-0.5, 0.5), {}),
    ("round", (2,), {}), ("trace", (), {}), ("diagonal", (), {}), ("argsort", (), {}), ("swapaxes", (0, 1), {}),
    ("conj", (), {}), ("nonzero", (), {}), ("copy", (), {}), ("item", (1, 2), {}), ("tolist", (), {}),
    ("argpartition", (0, 1), {}), ("compress", ([True, False, True],), {"axis": 0}),
]


@pytest.mark.parametrize(("name", "args", "keywords"), METHODS, ids=[f"{n}{a}" for n, a, _ in METHODS])
def test_methods(name: str, args: Any, keywords: Any) -> None:
    same(lambda x: getattr(x, name)(*args, **keywords), A)


def test_properties() -> None:
    same(lambda x: [x.T, x.mT, x.real, x.imag, x.shape, x.ndim, x.size, x.itemsize, x.nbytes], A)


FUNCTIONS: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (np.exp, (A,)), (np.where, (MASK, A, B)), (np.concatenate, ([A, B],)), (np.einsum, ("ij,kj->ik", A, B)),
    (np.linalg.norm, (A,)), (np.sort, (A,)), (np.zeros_like, (A,)), (np.full_like, (A, 2.0)), (np.pad, (A, 1)),
    (np.broadcast_to, (ROW, (3, 4))), (np.outer, (ROW, ROW)), (np.allclose, (A, A)), (np.split, (A, 2, 1)),
    (np.argwhere, (N,)), (np.add.reduce, (A,)), (np.add.accumulate, (A,)), (np.add.outer, (ROW, ROW)),
    (np.maximum.reduce, (A, 1)), (np.unique, (N,)), (np.interp, (ROW, np.arange(2.0), np.arange(2.0))),
    (np.histogram, (A,)), (np.bincount, (abs(N).ravel(),)), (np.subtract.accumulate, (A,)),
    (np.add.reduceat, (A, [0, 1])),
]


@pytest.mark.parametrize(("function", "args"), FUNCTIONS)
def test_functions_of_numpy(function: Callable[..., Any], args: Any) -> None:
    same(function, *args)


BY_NUMPY: list[tuple[Callable[..., Any], tuple[Any, ...]]] = [
    (np.array, (A,)),
]


@pytest.mark.parametrize(("function", "args"), BY_NUMPY)
def test_functions_that_are_not_compiled_take_the_values(function: Callable[..., Any], args: Any) -> None:
    same(function, *args, is_there=False)


def test_arrays_that_are_written_to() -> None:
    same(lambda x: np.exp(x, out=np.empty((3, 4))), A, is_there=False)
    same(lambda x: np.exp(x, where=MASK, out=np.zeros((3, 4))), A, is_there=False)
    counted = np.zeros(5)
    np.add.at(counted, put(np.array([0, 0, 2])), 1.0)
    assert counted.tolist() == [2, 0, 1, 0, 0]


def test_errors_name_the_line() -> None:
    with pytest.raises(ValueError, match="could not be broadcast") as raised:
        put(A) + np.ones(3)
    assert f'"{__file__}"' in str(raised.value)
    with pytest.raises(ValueError, match="dimensions") as raised:
        np.concatenate([put(A), np.ones(3)])
    assert f'"{__file__}"' in str(raised.value)


def in_closures(d: Any) -> list[tuple[Callable[..., Any], Any]]:
    return [
        (fnad.grad(lambda x: (x * d).sum()), A), (fnad.grad(lambda x: (d - x).sum()), A),
        (fnad.grad(lambda x: (d.T @ x).sum()), A), (fnad.grad(lambda x: np.sum(np.maximum(d, x))), A),
        (fnad.grad(lambda x: np.concatenate([d, x]).prod()), A), (fnad.vmap(lambda x: x + d[0]), A),
        (fnad.jit(lambda x: x @ d.T), A), (lambda x: fnad.jvp(lambda y: np.sin(y) * d, (x,), (x,)), A),
        (fnad.jit(lambda i: d[i]), np.array([0, 2])), (fnad.jit(lambda x: x * d, device="cpu"), A),
        (fnad.grad(lambda x: (x * 2).sum() if d[0, 0] > 0 else x.sum()), A),
    ]


@pytest.mark.parametrize("number", range(len(in_closures(A))))
def test_functions_that_close_over_arrays_of_the_device(number: int) -> None:
    ours, theirs = in_closures(put(A))[number], in_closures(A)[number]
    for g, e in zip(tree.leaves(ours[0](ours[1])), tree.leaves(theirs[0](theirs[1])), strict=True):
        np.testing.assert_allclose(np.asarray(g), np.asarray(e), rtol=1e-6)


@settings(max_examples=15)
@given(
    shape=st.sampled_from([(3,), (1, 4), (2, 3, 2), (0, 2), ()]), data=st.data(),
    dtypes=st.tuples(*[st.sampled_from(["f4", "f8", "i8", "i4", "bool"])] * 2),
)
def test_any_operator_of_any_dtypes(shape: tuple[int, ...], data: st.DataObject, dtypes: tuple[str, str]) -> None:
    name = data.draw(st.sampled_from(["add", "mul", "truediv", "eq", "lt"]))
    random = np.random.default_rng(data.draw(st.integers(0, 3)))
    x, y = (random.integers(0, 3, shape)[...].astype(dtype) for dtype in dtypes)
    same(getattr(operator, name), np.asarray(x), np.asarray(y))
