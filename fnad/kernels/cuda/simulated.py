"""The words of kernel source as Python functions, for numba's simulator of a GPU.

They have NumPy's meaning and keep the dtype of their operands, but not every bit of the real words. Memory is
seen through a `Pointer`, which knows where it ends.
"""

import itertools
import math
import operator
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad.kernels.cuda.sizes import WARP
from fnad.kernels.elementary import COMPLEX_ULPS, ULPS
from fnad.shield import renewed


def _in_dtype(function: Callable, dtype: Any, *operands: Any) -> Any:
    """The result of a function, as the scalar of a dtype."""
    with np.errstate(all="ignore"):
        return np.asarray(function(*operands)).astype(dtype)[()]


# --- arithmetic -------------------------------------------------------------------------------


def _operation(function: Callable) -> Callable:
    return lambda x, *others: _in_dtype(function, np.asarray(x).dtype, x, *others)


def _order(test: Callable) -> Callable:
    """A comparison, of complex numbers by their real parts first."""
    def compare(x: Any, y: Any) -> Any:
        return test(np.real(x), np.real(y)) | (np.real(x) == np.real(y)) & test(np.imag(x), np.imag(y))

    return compare


above, below = _order(np.greater), _order(np.less)
add = radd = _operation(np.add)
multiply = rmul = _operation(np.multiply)
maximum = rmax = _operation(np.maximum)
minimum = rmin = _operation(np.minimum)

sqrt, fabs, copysign = _operation(np.sqrt), _operation(np.fabs), _operation(np.copysign)
floor, ceil, trunc, rint = _operation(np.floor), _operation(np.ceil), _operation(np.trunc), _operation(np.rint)

floor_divide, remainder = _operation(np.floor_divide), _operation(np.remainder)
fmod = _operation(np.fmod)
subtract, negate, gcd = _operation(np.subtract), _operation(np.negative), _operation(np.gcd)
left_shift, right_shift = _operation(np.left_shift), _operation(np.right_shift)
integer_power = _operation(lambda base, exponent: np.power(base, exponent) if exponent >= 0 else 0)


@_operation
def fma(x: Any, y: Any, z: Any) -> Any:
    """x * y + z in the next wider dtype."""
    wide = np.float64 if x.dtype == np.float32 else np.longdouble
    return wide(x) * wide(y) + wide(z)


real, imag = np.real, np.imag


def complex_of(re: Any, im: Any) -> Any:
    """The complex number with two parts."""
    return np.array([re, im]).view(np.result_type(re, np.complex64))[0]


def select(condition: Any, a: Any, b: Any) -> Any:
    """a where the condition holds, else b."""
    return a if condition else b


def bitcast(value: Any, dtype: Any) -> Any:
    """The bits of a number read as another dtype."""
    return np.asarray(value).view(dtype)[()]


def truncated(value: Any, dtype: Any) -> Any:
    """A float rounded towards zero in an integer dtype."""
    wide = np.int64 if dtype is np.uint32 else dtype  # NumPy's uint32 depends on an element's neighbours
    return _in_dtype(dtype, dtype, _in_dtype(operator.pos, wide, value))


def number_like(value: Any, like: Any) -> Any:
    """A number in the dtype of another one."""
    return _in_dtype(operator.pos, np.asarray(like).dtype, value)


# --- elementary functions ---------------------------------------------------------------------

_NOT_OF_NUMPY = {
    "pow": np.power, "erf": math.erf, "erfc": math.erfc, "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "unit": np.sign,
}


def _elementary(op: str, dtype: Any) -> Callable:
    """The function, computed in float64."""
    function = _NOT_OF_NUMPY.get(op) or getattr(np, op)
    return lambda *operands: _in_dtype(function, dtype, *(np.float64(dtype(x)) for x in operands))


def _of_complex(op: str) -> Callable:
    return _operation(_NOT_OF_NUMPY.get(op) or getattr(np, op))


globals().update(
    {f"{op}_{dtype.__name__}": _elementary(op, dtype) for op in ULPS for dtype in (np.float32, np.float64)}
    | {f"{op}_complex{bits}": _of_complex(op) for op in COMPLEX_ULPS for bits in (64, 128)}
)


def add_outer(totals: tuple, x: tuple, y: tuple) -> tuple:
    """The totals plus x[i] y[j], row by row."""
    return tuple(fma(a, b, total) for (a, b), total in zip(itertools.product(x, y), totals))


# --- memory -----------------------------------------------------------------------------------


class Pointer:
    """An element of a flat array that is a piece of the device's memory, and the elements around it."""

    def __init__(self, array: np.ndarray, offset: int = 0) -> None:
        self.array, self.offset = array, offset

    def __getitem__(self, i: int) -> Any:
        return self.array[self._place(i)]

    def __setitem__(self, i: int, value: Any) -> None:
        self.array[self._place(i)] = value

    def __add__(self, distance: int) -> "Pointer":
        return Pointer(self.array, self.offset + int(distance))

    def _place(self, i: int, count: int = 1) -> int:
        place = self.offset + int(i)
        if not 0 <= place <= self.array.size - count or place % count:
            raise IndexError(
                f"memory: requires {count} elements, aligned, of the {self.array.size} of {self.array.dtype} "
                f"that lie there, got the place {place}."
            )
        return place

    def piece(self, i: int, count: int) -> np.ndarray:
        """So many elements, which start at a multiple of their number."""
        place = self._place(i, count)
        return self.array[place : place + count]


def _piece(memory: Any, i: int, count: int) -> np.ndarray:
    """Elements behind a pointer, or of a shared array."""
    return (memory if isinstance(memory, Pointer) else Pointer(memory)).piece(i, count)


def load_vector(memory: Any, i: int, count: int) -> tuple:
    """The elements i, i + 1, ... as a tuple."""
    return tuple(_piece(memory, i, count))


def store_vector(memory: Any, i: int, values: Sequence[Any]) -> None:
    """Set the elements i, i + 1, ..."""
    _piece(memory, i, len(values))[:] = values


def load_float32x4(memory: Any, i: int) -> tuple:
    return load_vector(memory, i, 4)


def load_float64x2(memory: Any, i: int) -> tuple:
    return load_vector(memory, i, 2)


def store_float32x4(memory: Any, i: int, *values: Any) -> None:
    store_vector(memory, i, values)


def store_float64x2(memory: Any, i: int, *values: Any) -> None:
    store_vector(memory, i, values)


def zero_of(pointer: Pointer) -> Any:
    """Zero in the dtype that a pointer points to."""
    return pointer.array.dtype.type(0)


# --- what the threads of a block share --------------------------------------------------------


class _Warp:
    """The barrier and the exchanged values of a warp's lanes."""

    def __init__(self, lanes: int) -> None:
        self._barrier, self._left = threading.Barrier(lanes, timeout=60), [None] * lanes

    def exchange(self, lane: int, value: Any) -> list[Any]:
        """The values of all lanes."""
        self._left[lane] = value
        self._barrier.wait()
        values = list(self._left)
        self._barrier.wait()
        return values


class _Block:
    """The memory and the warps of a block of threads."""

    def __init__(self, threads: int) -> None:
        self.memory: dict[Any, np.ndarray] = {}
        self.warps = [_Warp(min(WARP, threads - first)) for first in range(0, threads, WARP)]


_blocks: weakref.WeakKeyDictionary[Any, _Block] = weakref.WeakKeyDictionary()
_first = renewed(threading.Lock())


def _block() -> tuple[_Block, int]:
    """This thread's block, and its number there; the simulator's threads know both."""
    thread: Any = threading.current_thread()
    manager = thread._manager
    with _first:
        if manager not in _blocks:
            _blocks[manager] = _Block(math.prod(manager._block_dim))
        return _blocks[manager], thread.thread_id


def shared_like(value: Any, length: int) -> Pointer:
    """Memory of a value's dtype that belongs to the place of the call and to the block."""
    caller, dtype = sys._getframe(1), np.asarray(value).dtype
    block, _ = _block()
    with _first:
        return Pointer(block.memory.setdefault((caller.f_code, caller.f_lasti, dtype), np.empty(length, dtype)))


def _exchanged(value: Any) -> tuple[int, list[Any]]:
    """This thread's lane, and the values of all lanes of its warp."""
    block, thread = _block()
    return thread % WARP, block.warps[thread // WARP].exchange(thread % WARP, value)


def shuffle(value: Any, lane: int) -> Any:
    return _exchanged(value)[1][lane]


def shuffle_up(value: Any, distance: int) -> Any:
    lane, values = _exchanged(value)
    return values[lane - distance] if lane >= distance else value


def shuffle_xor(value: Any, bits: int) -> Any:
    lane, values = _exchanged(value)
    return values[lane ^ bits]


def ballot(holds: Any) -> int:
    return sum(1 << lane for lane, value in enumerate(_exchanged(holds)[1]) if value)


def warp_barrier() -> None:
    _exchanged(None)


# --- failures ---------------------------------------------------------------------------------


def report(status: Pointer, number: int, code: int) -> None:
    """Say that a kernel failed, unless one has said so before."""
    with _first:
        if status[0] == 0:
            status[0], status[1] = number, code
