"""Running launches of the library on arrays, by a device that executes their PTX on the CPU and checks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from fnad.compiler.cuda.lower import LAUNCHES
from fnad.ir.primitive import Primitive
from fnad.ir.types import ArrayType
from fnad.runtime import views
from fnad.runtime.plan import Copy, GridLaunch, View

from tests.ptxsim.runtime import PtxRuntime

DEVICES = [((8, 0), "fwd"), ((8, 0), "rev"), ((10, 0), "rand")]
"""Compute capabilities and orders of the threads; the results are to be the same bits."""
ONE = DEVICES[:1]


class Device:
    """Arrays in a device's memory, numbered like the buffers of a plan."""

    def __init__(self, capability: tuple[int, int] = (8, 0), order: str = "fwd") -> None:
        self.runtime = PtxRuntime(capability, order)
        self.memories: list[Any] = []
        self.views: list[View] = []
        self.status = self.runtime.allocate(16)
        self.forget()

    def forget(self) -> None:
        """Forget the failure that a kernel has reported."""
        self.runtime.upload(self.status.address, np.zeros(2, np.int64))

    def workspace(self, nbytes: int) -> int:
        """The number of a new buffer."""
        self.memories.append(self.runtime.allocate(nbytes))
        return len(self.memories) - 1

    def array(self, shape: tuple[int, ...], dtype: Any, values: np.ndarray | None = None, offset: int = 0) -> View:
        """The view of a new array, some bytes from the start of its buffer."""
        dtype = np.dtype(dtype)
        whole = views.whole(0, shape, dtype)
        nbytes = int(np.prod(shape)) * dtype.itemsize
        view = View(self.workspace(offset + nbytes), offset, shape, whole.strides, dtype)
        if values is not None:
            self.runtime.upload(self.address(view), np.ascontiguousarray(values))
        return view

    def address(self, view: Any) -> int:
        return self.memories[view.buffer].address + view.offset

    def run(self, launches: Sequence[GridLaunch | Copy]) -> None:
        """Run launches one after the other; the first failure that one reports is raised at the end."""
        for number, launch in enumerate(launches, 1):
            if isinstance(launch, Copy):
                self.runtime.copy(self.address(launch.target), self.address(launch.source), launch.nbytes)
                continue
            words = [*map(self.address, launch.operands), *launch.params]
            words += [self.status.address, number] if launch.kernel.reports else []
            self.runtime.launch(self.runtime.load(launch.kernel), launch, np.array(words, np.int64))
        number, code = self.read(View(-1, 0, (2,), (8,), np.dtype(np.int64)), self.status.address)
        if number:
            launch = launches[number - 1]
            assert isinstance(launch, GridLaunch)
            raise launch.fails.error(int(code))

    def read(self, view: View, address: int | None = None) -> np.ndarray:
        array = np.empty(view.shape, view.dtype)
        self.runtime.download(self.address(view) if address is None else address, array)
        return array


def results(
    row: Callable[..., Any], inputs: Sequence[np.ndarray], outputs: Sequence[ArrayType], *device: Any, **params: Any
) -> list[np.ndarray]:
    """What the launches of a row give on a device."""
    on = Device(*device)
    given = [on.array(x.shape, x.dtype, x) for x in inputs]
    made = [on.array(t.shape, t.dtype) for t in outputs]
    launches = row(given, made, on.workspace, **params)
    assert launches is not None
    on.run(launches)
    return [on.read(view) for view in made]


def same_results(
    row: Callable[..., Any], inputs: Sequence[np.ndarray], outputs: Sequence[ArrayType], devices: Any = DEVICES,
    **params: Any,
) -> list[np.ndarray]:
    """What the launches give on each of some devices, all of which give the same bits."""
    first, *others = [results(row, inputs, outputs, *device, **params) for device in devices]
    for other in others:
        for a, b in zip(first, other, strict=True):
            assert a.tobytes() == b.tobytes()
    return first


# --- A primitive with one result, by its row


def evaluated(primitive: Primitive, inputs: list[np.ndarray], **params: Any) -> np.ndarray:
    with np.errstate(all="ignore"):
        return np.asarray(primitive.evaluate(*inputs, **params))


def run(primitive: Primitive, inputs: list[np.ndarray], devices: Any = DEVICES, **params: Any) -> np.ndarray:
    """What the library gives on some devices."""
    expected = evaluated(primitive, inputs, **params)
    kind = [ArrayType(expected.shape, expected.dtype)]
    return same_results(LAUNCHES[primitive], inputs, kind, devices, **params)[0]


def check(primitive: Primitive, inputs: list[np.ndarray], devices: Any = DEVICES, **params: Any) -> None:
    """It is what the primitive means."""
    got = run(primitive, inputs, devices, **params)
    np.testing.assert_array_equal(got, evaluated(primitive, inputs, **params))


def whole_numbers(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(-3, 4, shape).astype(dtype)
