"""Running launches on arrays, on a device of PTX with all checks on, in every order of threads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from fnad.runtime.plan import GridLaunch, Multiply, View
from tests.ptxsim.runtime import PtxRuntime

ORDERS = ("fwd", "rev", "rand")


class Memory:
    """Buffers of flat arrays, and views of them. What no view shows is NaN, or 99 among integers."""

    def __init__(self) -> None:
        self.buffers: list[np.ndarray] = []

    def hold(self, array: np.ndarray, transposed: bool = False, pad: int = 0, offset: int = 0) -> View:
        """A new buffer with an array in it: from element `offset` on, its rows `pad` elements apart.

        An axis of stride 0 is kept once.
        """
        axes = [0 if stride == 0 else slice(None) for stride in array.strides[:-2]]
        kept = array[tuple([axis if axis == slice(None) else slice(0, 1) for axis in axes])]
        kept = kept.swapaxes(-1, -2) if transposed else kept
        shape = (*kept.shape[:-1], kept.shape[-1] + pad)
        size = int(np.prod(shape))
        buffer = np.full(size + offset + 5, blank(array.dtype), array.dtype)
        held = buffer[offset : offset + size].reshape(shape)[..., : kept.shape[-1]]
        held[...] = kept
        held = np.broadcast_to(held.swapaxes(-1, -2) if transposed else held, array.shape)
        self.buffers.append(buffer)
        return View(len(self.buffers) - 1, offset * array.itemsize, array.shape, held.strides, array.dtype)

    def workspace(self, nbytes: int) -> int:
        self.buffers.append(np.full(nbytes, 0xFF, np.uint8))
        return len(self.buffers) - 1

    def show(self, view: View) -> np.ndarray:
        start = self.buffers[view.buffer].reshape(-1)[view.offset // view.dtype.itemsize :]
        return np.lib.stride_tricks.as_strided(start, view.shape, view.strides)

    def run(
        self, launches: Sequence[GridLaunch | Multiply], capability: tuple[int, int] = (8, 0), order: str = "fwd"
    ) -> None:
        runtime = PtxRuntime(capability, order)
        memories = [runtime.allocate(buffer.nbytes) for buffer in self.buffers]
        for memory, buffer in zip(memories, self.buffers):
            runtime.upload(memory.address, buffer)
        for launch in _launches_of(launches):
            addresses = [memories[view.buffer].address + view.offset for view in launch.operands]
            runtime.launch(runtime.load(launch.kernel), launch, np.array([*addresses, *launch.params], np.int64))
        for memory, buffer in zip(memories, self.buffers):
            runtime.download(memory.address, buffer)


def _launches_of(instructions: Sequence[GridLaunch | Multiply]) -> list[GridLaunch]:
    """The launches, also of what a library of the device would do."""
    return [launch for i in instructions for launch in (i.launches if isinstance(i, Multiply) else [i])]


def blank(dtype: np.dtype) -> object:
    return np.nan if dtype.kind in "fc" else 99


def run_in_every_order(
    build: Callable[[Memory], tuple[Sequence[GridLaunch | Multiply], Sequence[View]]],
    capability: tuple[int, int] = (8, 0), orders: Sequence[str] = ORDERS,
) -> list[np.ndarray]:
    """What launches leave in their outputs: the same bits whatever the order of threads."""
    results = []
    for order in orders:
        memory = Memory()
        launches, outputs = build(memory)
        memory.run(launches, capability, order)
        results.append([memory.show(view).copy() for view in outputs])
    for other in results[1:]:
        assert [a.tobytes() for a in other] == [a.tobytes() for a in results[0]]
    return results[0]


# --- Operands and results


def draw(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> np.ndarray:
    if np.dtype(dtype).kind in "iu":
        return rng.integers(0 if dtype[0] == "u" else -99, 100, shape).astype(dtype)
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else values).astype(dtype)


def assert_near(found: np.ndarray, expected: np.ndarray, terms: np.ndarray, k: int) -> None:
    """Equal integers; floats within what rounding k terms, whose absolute values add up to `terms`, may cost."""
    if found.dtype.kind in "iu":
        np.testing.assert_array_equal(found, expected.astype(found.dtype))
    else:
        assert (np.abs(found - expected) <= (np.sqrt(k) + 4) * np.finfo(found.dtype).eps * terms).all()
