"""Arrays on a device: like NumPy's from outside, brought there and back, and shared with other libraries."""

from __future__ import annotations

import copy
import gc
import pickle
import subprocess
import sys
import warnings
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import DeviceArray, DeviceError
from fnad.runtime.cuda import devices, exchange
from fnad.runtime.cuda.arrays import uploaded
from fnad.runtime.cuda.host import HostRuntime
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

DTYPES = [
    np.dtype(name) for name in (
        "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
        "float64", "complex64", "complex128",
    )
]
ARRAYS = hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))


@pytest.fixture(autouse=True, scope="module")
def runtime() -> Iterator[HostRuntime]:
    with devices.use(HostRuntime("a machine", (8, 0))) as runtime:
        yield runtime


def on_device(array: Any) -> DeviceArray:
    return fnad.device_put(array, "cuda")


def same(x: Any, y: np.ndarray) -> bool:
    x = np.asarray(x)
    return x.shape == y.shape and x.dtype == y.dtype and x.tobytes() == y.tobytes()


# --- Like NumPy's


@given(ARRAYS)
def test_values_go_to_the_device_and_come_back(array: np.ndarray) -> None:
    x = on_device(array)
    assert type(x) is DeviceArray and x.device == "cuda:0"
    for name in ("shape", "dtype", "ndim", "size", "nbytes", "itemsize"):
        assert getattr(x, name) == getattr(array, name)
    assert same(x, array) and same(x.copy(), array) and same(fnad.device_put(x, "cpu"), array)
    assert x.address % 256 == 0 and repr(x.tolist()) == repr(array.tolist())


@given(ARRAYS, st.randoms())
def test_layouts_and_byte_orders_are_straightened(array: np.ndarray, random: Any) -> None:
    axes = random.sample(range(array.ndim), array.ndim)
    assert same(on_device(array.transpose(axes)), np.ascontiguousarray(array.transpose(axes)).reshape(
        array.transpose(axes).shape))
    swapped = array.astype(array.dtype.newbyteorder())
    assert same(on_device(swapped), array)


def test_the_host_array_may_change_afterwards() -> None:
    array = np.arange(3)
    x = on_device(array)
    array[:] = 0
    assert x.tolist() == [0, 1, 2]
    brought = np.asarray(x)
    brought[:] = 0
    assert x.tolist() == [0, 1, 2]


def test_a_scalar_is_a_number() -> None:
    x = on_device(np.float32(2.5))
    assert (float(x), int(x), bool(x), complex(x), x.item(), f"{x:.2f}", f"{x}") == (
        2.5, 2, True, 2.5 + 0j, 2.5, "2.50", "2.5")
    assert [10, 20, 30][on_device(np.int32(1))] == 20
    assert on_device(np.arange(4)).item(2) == 2 and on_device(np.array([3])).item() == 3


@pytest.mark.parametrize(
    ("use", "error"),
    [
        (lambda: bool(on_device(np.ones(2))), ValueError), (lambda: float(on_device(np.ones(2))), TypeError),
        (lambda: on_device(np.ones(2)).item(), ValueError), (lambda: len(on_device(np.ones(()))), TypeError),
        (lambda: [0][on_device(1.0)], TypeError), (lambda: iter(on_device(1.0)), TypeError),
        (lambda: np.array(on_device(1.0), copy=False), ValueError),
    ],
)
def test_what_numpy_refuses_is_refused(use: Any, error: type) -> None:
    with pytest.raises(error):
        use()


def test_it_prints_with_its_device() -> None:
    x = on_device(np.array([[1.5, 2], [3, 4]], np.float32))
    expected = "DeviceArray([[1.5, 2. ],\n             [3. , 4. ]], dtype=float32, device='cuda:0')"
    assert repr(x) == expected and str(x) == str(np.asarray(x))
    assert repr(on_device(np.zeros((0, 2)))) == "DeviceArray([], shape=(0, 2), dtype=float64, device='cuda:0')"
    assert repr(on_device(3)) == "DeviceArray(3, dtype=int64, device='cuda:0')"


def test_conversions_take_a_dtype() -> None:
    x = on_device(np.arange(3))
    assert np.asarray(x, np.float32).dtype == np.float32 and np.array(x, copy=True).tolist() == [0, 1, 2]


def test_parts_along_the_first_axis_are_arrays_of_their_own() -> None:
    x = on_device(np.arange(6).reshape(3, 2))
    assert [part.tolist() for part in x] == [[0, 1], [2, 3], [4, 5]] and len(x) == 3
    assert all(part.address % 256 == 0 for part in x)


def test_copies_are_separate_and_a_pickle_is_a_numpy_array() -> None:
    x = on_device(np.arange(3))
    for made in (x.copy(), copy.copy(x), copy.deepcopy(x)):
        assert type(made) is DeviceArray and made.address != x.address and same(made, np.arange(3))
    stored = pickle.loads(pickle.dumps(x))
    assert type(stored) is np.ndarray and same(stored, np.arange(3))


def test_it_is_hashed_by_identity_and_is_a_leaf() -> None:
    x, y = on_device(1), on_device(1)
    assert {x: 1, y: 2}[x] == 1 and fnad.tree.leaves({"a": x, "b": [y]}) == [x, y]


# --- Trees


@dataclass
class Layer:
    weight: Any
    bias: Any


def test_a_tree_goes_to_the_device_and_back() -> None:
    params = {"layers": [Layer(np.ones((2, 3), np.float32), np.zeros(3))], "step": 3, "rate": 0.1, "none": None}
    there = fnad.device_put(params, "cuda")
    assert all(type(leaf) is DeviceArray for leaf in fnad.tree.leaves(there))
    assert there["step"].dtype == np.int64 and there["rate"].dtype == np.float64 and there["none"] is None
    back = fnad.device_put(there, "cpu")
    assert all(type(leaf) is np.ndarray for leaf in fnad.tree.leaves(back))
    assert same(back["layers"][0].weight, params["layers"][0].weight)


def test_what_is_there_already_stays() -> None:
    x = on_device(np.arange(3))
    assert on_device([x])[0] is x
    array = np.arange(3)
    assert fnad.device_put(array, "cpu") is array


def test_an_array_of_another_device_is_moved() -> None:
    other = HostRuntime("another machine", (9, 0))
    x = uploaded(other, np.arange(3))
    moved = on_device(x)
    assert moved.runtime is devices.current() and moved.tolist() == [0, 1, 2]


@pytest.mark.parametrize("leaf", ["text", np.array(["a"]), np.array([None]), object(), np.array(0, "datetime64[s]")])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_is_no_number_is_an_error_with_its_path(leaf: Any, device: str) -> None:
    expected = r"^device_put: requires (NumPy arrays of|arrays and) numbers, got .* at tree\['a'\]\[1\]\."
    with pytest.raises(TypeError, match=expected):
        fnad.device_put({"a": [1.0, leaf]}, device)


def test_a_traced_value_stays_one() -> None:
    program = fnad.make_program(lambda x: fnad.device_put(x, "cuda") * 2)(np.ones(3))
    assert len(program.equations) == 1
    assert fnad.grad(lambda x: np.sum(fnad.device_put(x, "cpu") ** 2))(np.ones(2)).tolist() == [2, 2]


# --- Other libraries


@given(ARRAYS)
def test_others_read_our_memory(array: np.ndarray) -> None:
    x = on_device(array)
    seen = np.from_dlpack(x)
    assert same(seen, array)
    assert not array.size or seen.ctypes.data == x.address


@given(ARRAYS)
def test_we_read_the_memory_of_others(array: np.ndarray) -> None:
    x = fnad.from_dlpack(array)
    assert type(x) is DeviceArray and same(x, array)
    assert x.is_borrowed == (x.address == array.ctypes.data) == (array.ctypes.data % 16 == 0)


@given(hnp.arrays(np.int32, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=5)), st.data())
def test_strided_memory_of_others_is_copied(array: np.ndarray, data: st.DataObject) -> None:
    steps = [data.draw(st.sampled_from([-2, -1, 1, 2])) for _ in array.shape]
    view = array[tuple(slice(None, None, step) for step in steps)]
    x = fnad.from_dlpack(view)
    assert same(x, np.ascontiguousarray(view))


def test_memory_is_kept_as_long_as_it_is_read() -> None:
    x = on_device(np.arange(4.0))
    memory = weakref.ref(x.memory)
    seen = np.from_dlpack(x)
    del x
    gc.collect()
    assert memory() is not None and seen.tolist() == [0, 1, 2, 3]
    del seen
    gc.collect()
    assert memory() is None


@pytest.mark.parametrize("version", [None, (0, 8), (1, 0), (1, 2)])
def test_a_capsule_that_nobody_reads_keeps_nothing(version: Any) -> None:
    x = on_device(np.arange(4.0))
    before = len(exchange._lent)
    capsule = x.__dlpack__(max_version=version)
    name = "dltensor_versioned" if version and version[0] >= 1 else "dltensor"
    assert f'"{name}"' in repr(capsule) and len(exchange._lent) == before + 1
    del capsule
    assert len(exchange._lent) == before


@pytest.mark.parametrize("version", [None, (1, 0)])
def test_our_own_capsules_are_read(version: Any) -> None:
    array = np.arange(6, dtype=np.complex64).reshape(2, 3)
    x = on_device(array)
    before = len(exchange._lent)
    tensor = exchange.from_capsule(x.__dlpack__(max_version=version))
    assert (tensor.address, tensor.shape, tensor.strides) == (x.address, (2, 3), (24, 8))
    assert tensor.dtype == np.complex64 and tensor.is_contiguous
    del tensor
    assert len(exchange._lent) == before


def test_a_capsule_is_read_once() -> None:
    capsule = on_device(np.arange(4.0)).__dlpack__()
    exchange.from_capsule(capsule)
    with pytest.raises(ValueError, match="requires a capsule that was not read before"):
        exchange.from_capsule(capsule)


def test_the_lender_is_told_when_nobody_reads_any_more() -> None:
    array = np.arange(4.0)
    lent = weakref.ref(array)
    x = fnad.from_dlpack(array)
    del array
    assert lent() is not None and x.tolist() == [0, 1, 2, 3]
    del x
    gc.collect()
    assert lent() is None


def test_a_copy_can_be_asked_for() -> None:
    x = on_device(np.arange(3))
    assert np.from_dlpack(x, copy=True).ctypes.data != x.address
    with pytest.raises(BufferError, match="requires device .1, 0., where the array is, got .2, 0."):
        x.__dlpack__(dl_device=(2, 0))


class _Card(HostRuntime):
    """A device whose memory is said to be a GPU's."""

    is_host, ordinal, stream = False, 1, 77

    def __init__(self) -> None:
        super().__init__("a card", (8, 0))
        self.waited: list[int] = []

    def wait_for(self, stream: int) -> None:
        self.waited.append(stream)


class _Foreign:
    """An array of another library that has the interface, and no DLPack."""

    def __init__(self, array: np.ndarray, **more: Any) -> None:
        self.array = array
        self.__cuda_array_interface__ = {
            "shape": array.shape, "typestr": array.dtype.str, "data": (array.ctypes.data, False),
            "strides": None if array.flags.c_contiguous else array.strides, "version": 3, **more,
        }


def aligned(shape: tuple[int, ...], dtype: Any, offset: int = 0) -> np.ndarray:
    nbytes = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(nbytes + 64 + offset, np.uint8)
    start = -memory.ctypes.data % 64 + offset
    return memory[start : start + nbytes].view(dtype).reshape(shape)


def test_the_interface_of_a_gpus_array() -> None:
    with devices.use(_Card()):
        x = on_device(np.arange(6, dtype=np.float32).reshape(2, 3))
        assert x.device == "cuda:1" and x.__dlpack_device__() == (2, 1)
        assert x.__cuda_array_interface__ == {
            "shape": (2, 3), "typestr": "<f4", "data": (x.address, False), "strides": None, "version": 3, "stream": 77,
        }
        assert np.from_dlpack(x, device="cpu").tolist() == x.tolist()
        with pytest.raises(BufferError, match="requires device .2, 1., where the array is, got .1, 0."):
            np.from_dlpack(x, device="cpu", copy=False)
        assert on_device(np.zeros((0, 2), bool)).__cuda_array_interface__["data"] == (0, False)
        assert on_device(np.zeros(1, bool)).__cuda_array_interface__["typestr"] == "|b1"
    assert not hasattr(on_device(1.0), "__cuda_array_interface__")  # its memory is no GPU's


def test_arrays_that_have_the_interface_are_taken() -> None:
    with devices.use(_Card()) as card:
        array = aligned((2, 3), np.float32)
        array[:] = np.arange(6).reshape(2, 3)
        x = on_device({"a": _Foreign(array, stream=1)})["a"]
        assert x.is_borrowed and x.address == array.ctypes.data and same(x, array) and card.waited == [1]
        shifted = aligned((4,), np.float32, offset=4)
        assert not on_device(_Foreign(shifted)).is_borrowed
        turned = on_device(_Foreign(array.T))
        assert same(turned, np.ascontiguousarray(array.T)) and turned.shape == (3, 2)
        assert same(fnad.device_put(_Foreign(array), "cpu"), array)
        with pytest.raises(TypeError, match="requires an array without a mask"):
            on_device(_Foreign(array, mask=_Foreign(array)))
        with pytest.raises(TypeError, match="requires booleans, integers, floats or complex numbers, got >f4"):
            on_device(_Foreign(array.astype(">f4")))


class _Tensor:
    """An array of another library that speaks DLPack, of the first version or a later one."""

    def __init__(self, array: DeviceArray, device: tuple[int, int], versions: bool = True) -> None:
        self.array, self.device, self.versions, self.streams = array, device, versions, []

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device

    def __dlpack__(self, *, stream: Any = None, **more: Any) -> Any:
        if more and not self.versions:
            raise TypeError("unexpected keyword argument 'max_version'")
        self.streams.append(stream)
        return exchange.capsule(
            self.array.address, self.array.shape, self.array.dtype, self.device, self.array, more.get("max_version")
        )


@pytest.mark.parametrize("versions", [False, True])
def test_gpu_memory_of_others_is_read_on_our_stream(versions: bool) -> None:
    with devices.use(_Card()):
        tensor = _Tensor(on_device(np.arange(3)), (2, 1), versions)
        for x in (fnad.from_dlpack(tensor), on_device(tensor)):
            assert x.is_borrowed and x.tolist() == [0, 1, 2]
        assert tensor.streams == [77, 77] and same(fnad.device_put(tensor, "cpu"), np.arange(3))
        with pytest.raises(ValueError, match="requires an array on cuda:1, the GPU in use, got one on cuda:0"):
            fnad.from_dlpack(_Tensor(tensor.array, (2, 0)))


def test_memory_of_the_host_stays_there_where_a_gpu_is_in_use() -> None:
    with devices.use(_Card()):
        array = np.arange(3)
        seen = fnad.from_dlpack(array)
        assert type(seen) is np.ndarray and seen.ctypes.data == array.ctypes.data
        x = on_device(_Host(array))
        assert type(x) is DeviceArray and x.tolist() == [0, 1, 2] and not x.is_borrowed


class _Host:
    """An array of another library in the host's memory."""

    def __init__(self, array: np.ndarray) -> None:
        self.__dlpack__, self.__dlpack_device__ = array.__dlpack__, array.__dlpack_device__


def test_what_does_not_speak_dlpack_is_an_error() -> None:
    with pytest.raises(TypeError, match="from_dlpack: requires an array that has __dlpack__, got list"):
        fnad.from_dlpack([1, 2])


def test_gpu_memory_without_a_usable_gpu_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    tensor = _Tensor(on_device(np.arange(3)), (2, 0))
    monkeypatch.setattr(devices, "_installed", [])
    monkeypatch.setattr(devices, "_known", [devices._Opened(None, "no driver.")])
    with pytest.raises(DeviceError, match="from_dlpack: requires a GPU that works, got none: no driver."):
        fnad.from_dlpack(tensor)


def test_torch_reads_and_is_read() -> None:
    torch = pytest.importorskip("torch")
    x = on_device(np.arange(6, dtype=np.float32).reshape(2, 3))
    seen = torch.from_dlpack(x)
    assert seen.data_ptr() == x.address and seen.tolist() == x.tolist()
    tensor = torch.arange(64, dtype=torch.float32)
    ours = fnad.from_dlpack(tensor)
    assert ours.address == tensor.data_ptr() and same(on_device({"t": tensor})["t"], tensor.numpy())
    del x, ours
    assert seen.tolist() == [[0, 1, 2], [3, 4, 5]]


def test_reading_an_array_raises_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.asarray(on_device(np.ones(3))), np.array(on_device(1.0)), np.asarray(on_device(1), dtype=float)


def test_another_librarys_array_may_end_after_our_modules() -> None:
    """At exit, Python ends the globals of a script last; what still reads our memory then gives it back."""
    script = """
import ctypes, sys, weakref
import numpy as np
from fnad.runtime.cuda import exchange

class Memory:
    def __del__(self, write=sys.stdout.write):
        write("given back")

class Reader:
    def __init__(self):
        capsule = exchange.capsule(4096, (3,), np.dtype("float32"), (2, 0), Memory(), None)
        self.address = exchange._pointer(id(capsule), b"dltensor")
        exchange._rename(id(capsule), b"used_dltensor")
        self.deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(exchange._Managed.from_address(self.address).deleter)
        self.ours = weakref.ref(exchange._deleters[exchange._Managed])

    def __del__(self, write=sys.stdout.write):
        if self.ours() is None:
            write("calls memory that is free, ")
        else:
            self.deleter(self.address)

reader = Reader()

def function_that_keeps_the_globals():
    return reader
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "given back", "")
