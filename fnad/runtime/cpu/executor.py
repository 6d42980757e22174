"""Linking a plan into something that runs: one native call walks all its instructions."""

import ctypes
import sys
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from fnad.kernels.cpu import frame as words
from fnad.lazy import LazyModule
from fnad.runtime.cpu import threads, ufuncs
from fnad.runtime.cpu.code import Code, encode
from fnad.runtime.plan import ARENA_ALIGNMENT, HostStep, Instruction, Kernel, Launch, Plan, View, walk

loading = LazyModule("fnad.runtime.cpu.loader")

RUN_PLAN = Kernel(
    "run_plan",
    "def kernel(buffers, params, lo, hi):\n    return run_plan(buffers, params, lo, hi)\n",
)
Types = Sequence[tuple[tuple[int, ...], np.dtype]]
"""Shapes and dtypes."""
Runner = Callable[[int, int, int, int], int]
"""Machine code to call from Python with a frame, a plan and two lists, all as addresses."""

_KernelType = ctypes.CFUNCTYPE(
    ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p
)


class KernelError(RuntimeError):
    """A kernel returned a status other than 0: the instruction and the status."""

    def __init__(self, instruction: Instruction, status: int) -> None:
        is_launch = isinstance(instruction, Launch)
        name = (instruction.label or instruction.kernel.name) if is_launch else instruction.name
        super().__init__(f"{name}: the kernel ended with status {status}")
        self.instruction, self.status = instruction, status


class Misfit(TypeError):
    """An array is not of the shape and dtype that the Program was compiled for, as one that was given others since."""


class Frame:
    """The memory of one call: state, the table of buffer addresses, the arena."""

    __slots__ = ("address", "arena", "memory", "table")

    def __init__(self, code: Code, arena_bytes: int) -> None:
        self.memory = np.zeros(words.TABLE + code.slots, np.int64)
        self.arena = np.empty(arena_bytes + ARENA_ALIGNMENT, np.uint8)
        self.address = self.memory.ctypes.data
        self.table = self.memory[words.TABLE :]
        start = -(-self.arena.ctypes.data // ARENA_ALIGNMENT) * ARENA_ALIGNMENT
        slots, offsets = code.temporaries.T
        self.table[slots] = start + offsets
        for slot, value in code.constants:
            self.table[slot] = value.ctypes.data

    def array(self, view: View, base: int) -> np.ndarray:
        """The memory of a view as an array, alive as long as the buffer is; its plan's table starts at `base`."""
        low = sum(min(0, (n - 1) * s) for n, s in zip(view.shape, view.strides, strict=True))
        high = sum(max(0, (n - 1) * s) for n, s in zip(view.shape, view.strides, strict=True))
        nbytes = high - low + view.dtype.itemsize if 0 not in view.shape else 0
        start = int(self.table[base + view.buffer]) + view.offset + (low if nbytes else 0)
        memory = (ctypes.c_char * nbytes).from_address(start)
        return np.ndarray(view.shape, view.dtype, memory, -low if nbytes else 0, view.strides)


class Executable:
    """A linked plan. May be called from several threads at once; each call has its own frame."""

    def __init__(self, plan: Plan, types: Types, code: Code, run: Runner) -> None:
        self.plan, self._types = plan, types
        self._words = np.array([word for t in types for word in _type_words(*t)], np.int64)
        code.words[words.TYPES] = self._words.ctypes.data if types else 0
        code.words[words.TYPED] = len(plan.inputs) - len(types)
        self._code, self._run = code, run
        self._code_address = code.words.ctypes.data
        self._frames: list[Frame] = []

    def __call__(self, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
        """Run on arrays of the plan's shapes and dtypes, filling `outputs`."""
        try:
            frame = self._frames.pop()
        except IndexError:
            frame = Frame(self._code, self.plan.arena_bytes)
        try:
            status = self._run(frame.address, self._code_address, id(inputs), id(outputs))
            if status:
                self._attend(status, frame, inputs, outputs)
        finally:
            self._frames.append(frame)

    def _attend(
        self, status: int, frame: Frame, inputs: list[np.ndarray], outputs: list[np.ndarray]
    ) -> None:
        """Do what native code left to Python, and go on, until the plan has ended."""
        if status == words.UNFIT:
            self._run_copied(frame, inputs, outputs)
            return
        while status in (words.SUSPENDED, words.PAUSED, words.UNSTAFFED):
            if status == words.SUSPENDED:
                self._host_step(frame)
            elif status == words.UNSTAFFED:
                threads.start()
            status = self._run(frame.address, self._code_address, 0, 0)
        if status == words.FAILED:
            position, kernel_status = map(int, frame.memory[: words.TABLE])
            raise KernelError(self._code.origins[position][0], kernel_status)

    def _run_copied(
        self, frame: Frame, inputs: list[np.ndarray], outputs: list[np.ndarray]
    ) -> None:
        """Run on arrays that native code cannot take as they are."""
        plan = self.plan
        if (len(inputs), len(outputs)) != (len(plan.inputs), len(plan.outputs)):
            raise ValueError(
                f"executable: requires {len(plan.inputs)} inputs and {len(plan.outputs)} outputs, "
                f"got {len(inputs)} and {len(outputs)}."
            )
        for x, (shape, dtype) in zip(inputs[len(inputs) - len(self._types) :], self._types):
            if x.shape != shape or x.dtype != dtype:
                raise Misfit(f"executable: requires an array of {dtype}{list(shape)}, got {x.dtype}{list(x.shape)}.")
        fit_inputs, fit_outputs = [_fit(x) for x in inputs], [_fit(x) for x in outputs]
        arrays = [*fit_inputs, *fit_outputs]
        frame.table[: len(arrays)] = [array.ctypes.data for array in arrays]
        frame.memory[words.POSITION] = 0
        status = self._run(frame.address, self._code_address, 0, 0)
        if status:
            self._attend(status, frame, fit_inputs, fit_outputs)
        for given, filled in zip(outputs, fit_outputs, strict=True):
            if filled is not given:
                np.copyto(given, filled)

    def _host_step(self, frame: Frame) -> None:
        position = int(frame.memory[words.POSITION])
        step, base = self._code.origins[position]
        assert isinstance(step, HostStep)
        # Copies, since the function may keep what it is given and the memory is used again.
        results = step.function(*[frame.array(view, base).copy() for view in step.inputs])
        for view, result in zip(step.outputs, results, strict=True):
            if np.shape(result) != view.shape:
                raise ValueError(
                    f"{step.name}: requires a result of shape {view.shape}, got {np.shape(result)}."
                )
            np.copyto(frame.array(view, base), result, casting="equiv")
        frame.memory[words.POSITION] = position + 1


def _fit(array: np.ndarray) -> np.ndarray:
    """The array itself, or a copy that is C-contiguous and aligned."""
    return np.require(array, requirements=["C", "A", "E"])


def link(plan: Plan, types: Types = ()) -> Executable:
    """Find or compile the plan's kernels and lay its instructions out for the executor.

    The last inputs must still be of the types given, whatever has become of the arrays since the caller knew.
    """
    run = _runner()
    if any([isinstance(instruction, Launch) and instruction.calls_scipy for instruction, _ in walk(plan)]):
        run = ufuncs.quiet(run)
    return Executable(plan, types, encode(plan, _header(plan), loading.loader().load), run)


@cache
def _runner() -> Runner:
    return _KernelType(loading.loader().address(RUN_PLAN))


def _header(plan: Plan) -> list[int]:
    header = [0] * words.ROWS
    header[words.INPUTS], header[words.OUTPUTS] = len(plan.inputs), len(plan.outputs)
    object_bytes = object.__basicsize__
    header[words.ARRAY_TYPE] = id(np.ndarray) if _layout_is_known() else 0
    header[words.TYPE] = object_bytes - 8
    header[words.LIST_SIZE], header[words.LIST_ITEMS] = object_bytes, object_bytes + 8
    header[words.DATA], header[words.FLAGS] = object_bytes, object_bytes + 48
    header[words.FLAGS_WANTED] = 0x101  # C-contiguous and aligned
    header[words.POOL] = threads.pool_address()
    return header


@cache
def _layout_is_known() -> bool:
    """Whether lists and arrays lie in memory as native code will read them."""
    if sys.implementation.name != "cpython":
        return False
    arrays = [np.zeros((2, 3)), np.zeros((2, 3), np.int32).T]
    start = object.__basicsize__
    items = _word(id(arrays) + start + 8)
    return _word(id(arrays) + start) == 2 and all(
        _word(items + 8 * k) == id(array)
        and _word(id(array) + start - 8) == id(np.ndarray)
        and _word(id(array) + start) == array.ctypes.data
        and ctypes.c_int32.from_address(id(array) + start + 48).value == array.flags.num
        and ctypes.c_int32.from_address(id(array) + start + words.AXES).value == 2
        and tuple([_word(_word(id(array) + start + words.SIZES) + 8 * k) for k in range(2)]) == array.shape
        and _word(id(array) + start + words.DESCRIPTION) == id(array.dtype)
        and _dtype_word(array.dtype) == ord(array.dtype.kind) + (ord("=") << 16)
        and _word(id(array.dtype) + words.ELEMENT) == array.itemsize
        for k, array in enumerate(arrays)
    )


def _type_words(shape: tuple[int, ...], dtype: np.dtype) -> list[int]:
    """The words of an input's type: what its dtype and its array would show, its sizes behind them."""
    dtype = np.dtype(dtype)
    return [_dtype_word(dtype), dtype.itemsize, len(shape), *shape]


def _dtype_word(dtype: np.dtype) -> int:
    return ctypes.c_int32.from_address(id(dtype) + words.DTYPE).value & words.DTYPE_MASK


def _word(address: int) -> int:
    return ctypes.c_int64.from_address(address).value
