"""Products by cuBLAS: what is asked of it, done by NumPy as cuBLAS would, from addresses and by columns."""

import ctypes
import enum
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceError
from fnad.compiler.cuda.library.matmul import multiplication
from fnad.runtime.cuda import cublas, devices
from fnad.runtime.plan import View

from tests.cuda.launching import Memory
from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim.runtime import PtxRuntime


class Operation(enum.IntEnum):
    N = 0
    T = 1


class Math(enum.IntEnum):
    DEFAULT_MATH = 0
    PEDANTIC_MATH = 2
    TF32_TENSOR_OP_MATH = 3


class PointerMode(enum.IntEnum):
    HOST = 0
    DEVICE = 1


class AtomicsMode(enum.IntEnum):
    NOT_ALLOWED = 0
    ALLOWED = 1


class Fake(ModuleType):
    """nvmath.bindings.cublas on the host."""

    Operation, Math, PointerMode, AtomicsMode = Operation, Math, PointerMode, AtomicsMode
    cuBLASError = type("cuBLASError", (Exception,), {})

    def __init__(self) -> None:
        super().__init__("nvmath.bindings.cublas")
        self.calls: list[tuple] = []

    def create(self) -> int:
        return 7

    def destroy(self, handle: int) -> None:
        self.calls.append(("destroy", handle))

    def set_stream(self, handle: int, stream: int) -> None:
        self.calls.append(("stream", handle, stream))

    def set_math_mode(self, handle: int, mode: int) -> None:
        self.calls.append(("math", handle, mode))

    def set_pointer_mode(self, handle: int, mode: int) -> None:
        self.calls.append(("pointers", handle, mode))

    def set_atomics_mode(self, handle: int, mode: int) -> None:
        self.calls.append(("atomics", handle, mode))

    def sgemm_strided_batched_64(self, *arguments: Any) -> None:
        self._multiply(np.dtype("float32"), *arguments)

    def dgemm_strided_batched_64(self, *arguments: Any) -> None:
        self._multiply(np.dtype("float64"), *arguments)

    def _multiply(
        self, dtype: np.dtype, handle: int, transa: int, transb: int, m: int, n: int, k: int, alpha: int, a: int,
        lda: int, stride_a: int, b: int, ldb: int, stride_b: int, beta: int, c: int, ldc: int, stride_c: int,
        count: int,
    ) -> None:
        assert handle == 7 and min(m, n, k, count) > 0
        self.calls.append((transa, transb, m, n, k, count))
        for i in range(count):
            x = by_columns(a + i * stride_a * dtype.itemsize, (m, k) if transa == Operation.N else (k, m), lda, dtype)
            y = by_columns(b + i * stride_b * dtype.itemsize, (k, n) if transb == Operation.N else (n, k), ldb, dtype)
            z = by_columns(c + i * stride_c * dtype.itemsize, (m, n), ldc, dtype)
            result = number_at(alpha, dtype) * ((x.T if transa else x) @ (y.T if transb else y))
            z[...] = result + number_at(beta, dtype) * z if number_at(beta, dtype) else result


def by_columns(address: int, shape: tuple[int, int], column: int, dtype: np.dtype) -> np.ndarray:
    """A matrix kept by columns, whose starts lie `column` elements apart, at an address."""
    rows, columns = shape
    assert column >= max(rows, 1)
    size = ((columns - 1) * column + rows) * dtype.itemsize
    flat = np.frombuffer((ctypes.c_char * size).from_address(address), dtype)
    strides = (dtype.itemsize, column * dtype.itemsize)
    return np.lib.stride_tricks.as_strided(flat, shape, strides)


def number_at(address: int, dtype: np.dtype) -> Any:
    return np.frombuffer((ctypes.c_char * dtype.itemsize).from_address(address), dtype)[0]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    module = Fake()
    for name in ("nvmath", "nvmath.bindings"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "nvmath.bindings.cublas", module)
    return module


def multiply(memory: Memory, product: cublas.Multiplication) -> None:
    library = cublas.start(5)
    assert library is not None
    library.multiply(product, [memory.buffers[v.buffer].ctypes.data + v.offset for v in product.operands])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("transposed", ["", "a", "b", "ab", "c", "abc"])
@pytest.mark.parametrize(
    ("sizes", "batch", "fixed"),
    [((4, 5, 6), (), ""), ((4, 5, 6), (3,), "a"), ((4, 5, 6), (2, 3), ""), ((4, 5, 1), (), ""), ((1, 5, 4), (2,), "b")],
)
@pytest.mark.parametrize(("alpha", "beta"), [(1, 0), (-0.5, 2)])
def test_what_is_asked_of_cublas(
    fake: Fake, sizes: Any, batch: Any, fixed: str, transposed: str, dtype: str, alpha: float, beta: float,
) -> None:
    (m, k, n), rng, memory = sizes, np.random.default_rng(0), Memory()
    a, b, c = (rng.standard_normal((*batch, *shape)).astype(dtype) for shape in ((m, k), (k, n), (m, n)))
    a, b = (np.broadcast_to(x[:1], x.shape) if name in fixed else x for x, name in ((a, "a"), (b, "b")))
    start = c if beta else np.full_like(c, np.nan)
    views: list[View] = [
        memory.hold(x, name in transposed, pad=2, offset=1) for x, name in ((a, "a"), (b, "b"), (start, "c"))
    ]
    if len(batch) == 2:  # rows apart by more than their length keep the axes of a batch apart, too
        views = [memory.hold(x, name in transposed) for x, name in ((a, "a"), (b, "b"), (start, "c"))]
    product = multiplication(*views, alpha, beta)
    assert product is not None
    multiply(memory, product)
    np.testing.assert_allclose(memory.show(views[2]), alpha * (a @ b) + beta * c, rtol=1e-4, atol=1e-5)


def test_cublas_is_set_to_exact_products_on_the_stream(fake: Fake) -> None:
    library = cublas.start(5)
    assert fake.calls == [
        ("stream", 7, 5), ("math", 7, Math.PEDANTIC_MATH), ("atomics", 7, AtomicsMode.NOT_ALLOWED),
        ("pointers", 7, PointerMode.HOST),
    ]
    del library
    assert fake.calls[-1] == ("destroy", 7)


def test_cublas_multiplies_in_turn_and_where_it_is_told(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def turn() -> Iterator[None]:
        fake.calls.append("turn")
        yield
        fake.calls.append("end")

    library, memory = cublas.start(5, turn), Memory()
    product = multiplication(*[memory.hold(np.ones((2, 2), np.float32)) for _ in range(3)])
    addresses = [memory.buffers[v.buffer].ctypes.data for v in product.operands]
    library.give_to(6)
    library.multiply(product, addresses)
    assert fake.calls[-4] == ("stream", 7, 6) and fake.calls[-3] == "turn" and fake.calls[-1] == "end"

    def fail(*arguments: Any) -> None:
        raise fake.cuBLASError("CUBLAS_STATUS_EXECUTION_FAILED")

    monkeypatch.setattr(fake, "sgemm_strided_batched_64", fail)
    with pytest.raises(DeviceError, match="matmul: requires cuBLAS to work, got CUBLAS_STATUS_EXECUTION_FAILED"):
        library.multiply(product, addresses)


def test_what_cublas_is_not_asked() -> None:
    memory = Memory()

    def product(dtype: str, batch: tuple[int, ...] = (), k: int = 4, fixed: bool = False) -> Any:
        a, b, c = (np.zeros((*batch, *shape), dtype) for shape in ((3, k), (k, 5), (3, 5)))
        a = np.broadcast_to(a[:1], a.shape) if fixed else a
        return multiplication(*map(memory.hold, (a, b, c)))

    assert product("float32") is not None
    assert product("int32") is None and product("complex64") is None
    assert product("float32", k=0) is None and product("float32", (0,)) is None
    assert product("float32", (2, 3), fixed=True) is None


def test_without_cublas_there_is_none(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    def create() -> int:
        raise RuntimeError("libcublas.so is not there")

    monkeypatch.setattr(fake, "create", create)
    assert cublas.start(0) is None
    monkeypatch.setitem(sys.modules, "nvmath.bindings.cublas", None)
    assert cublas.start(0) is None


@needs_cuda_compiler
def test_compiled_functions_multiply_by_it_where_it_is_there(fake: Fake) -> None:
    def step(w: Any, x: Any, y: Any) -> Any:
        return w - 0.1 * fnad.grad(lambda w: np.mean((x @ w - y) ** 2))(w)

    w, x, y = (np.random.default_rng(0).normal(size=size) for size in ((5, 3), (20, 5), (20, 3)))
    runtime = PtxRuntime()
    with devices.use(runtime):
        own = np.asarray(fnad.jit(step, device="cuda")(w, x, y))
        launches, runtime.launches, runtime.blas = runtime.launches, 0, cublas.start(0)
        found = np.asarray(fnad.jit(step, device="cuda")(w, x, y))
    products = [call for call in fake.calls if call[0] in (Operation.N, Operation.T)]
    assert len(products) == 2 and runtime.launches < launches
    np.testing.assert_allclose(found, own, rtol=1e-12)
    np.testing.assert_allclose(own, fnad.jit(step)(w, x, y), rtol=1e-12)
