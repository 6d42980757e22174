"""Matrix products by NVIDIA's cuBLAS, which nvmath-python calls, where both are installed.

Lowering describes a product as a `Multiplication`, beside the launches of our own kernels that make it too; a GPU that
has cuBLAS hands the product to it. Fortran's order of elements, which cuBLAS has, is met by transposing everything: a
matrix kept by rows is its transpose kept by columns, and C^T = B^T A^T.

float32 is multiplied as float32: neither TF32 nor emulation is allowed, nor atomic sums, whose order is not certain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from fnad.errors import DeviceError
from fnad.runtime.plan import View

ROUTINES = {"float32": "sgemm_strided_batched_64", "float64": "dgemm_strided_batched_64"}


@dataclass(frozen=True)
class Matrix:
    """An operand as cuBLAS takes it, kept by columns: their distance and that of a batch's matrices, in elements."""

    view: View
    transposed: bool
    column: int
    step: int


@dataclass(frozen=True)
class Multiplication:
    """C^T = alpha B^T A^T + beta C^T, for the `count` products of a batch; `rows` and `columns` are those of C^T."""

    left: Matrix
    right: Matrix
    out: Matrix
    rows: int
    columns: int
    depth: int
    count: int
    alpha: float
    beta: float

    @property
    def operands(self) -> tuple[View, View, View]:
        """The views whose addresses `Cublas.multiply` is given."""
        return self.left.view, self.right.view, self.out.view


class Cublas:
    """cuBLAS on a stream, which it gives products in the ``turn`` of its caller.

    Raises:
        Exception: of nvmath's own kind, where cuBLAS does not start.
    """

    def __init__(self, api: Any, stream: int, turn: Callable[[], AbstractContextManager]) -> None:
        self._api, self._turn = api, turn
        self._handle = api.create()
        self.give_to(stream)
        api.set_math_mode(self._handle, api.Math.PEDANTIC_MATH)
        api.set_atomics_mode(self._handle, api.AtomicsMode.NOT_ALLOWED)
        api.set_pointer_mode(self._handle, api.PointerMode.HOST)

    def give_to(self, stream: int) -> None:
        """Let another stream take the products from now on."""
        self._api.set_stream(self._handle, stream)

    def multiply(self, product: Multiplication, addresses: Sequence[int]) -> None:
        """Multiply on the stream; `addresses` are those of the first elements of the product's operands."""
        dtype, kinds = product.out.view.dtype, (self._api.Operation.N, self._api.Operation.T)
        # The factors are read before the call returns.
        factors = np.array([product.alpha, product.beta], dtype)
        alpha = factors.ctypes.data
        left, right, out = product.left, product.right, product.out
        arguments = (
            self._handle, kinds[left.transposed], kinds[right.transposed], product.rows, product.columns, product.depth,
            alpha, int(addresses[0]), left.column, left.step, int(addresses[1]), right.column, right.step,
            alpha + dtype.itemsize, int(addresses[2]), out.column, out.step, product.count,
        )
        try:
            with self._turn():
                getattr(self._api, ROUTINES[dtype.name])(*arguments)
        except self._api.cuBLASError as error:
            raise DeviceError(
                f"matmul: requires cuBLAS to work, got {error}. Without the package nvmath-python our own kernels "
                "multiply."
            ) from None

    def __del__(self) -> None:
        if hasattr(self, "_handle"):
            self._api.destroy(self._handle)


def start(stream: int, turn: Callable[[], AbstractContextManager] = nullcontext) -> Cublas | None:
    """cuBLAS on a stream; None where it, or nvmath-python, is not installed or does not start."""
    try:
        return Cublas(import_module("nvmath.bindings.cublas"), stream, turn)
    except Exception:  # whatever it is, our own kernels multiply too
        return None
