"""Running kernel source and launches on arrays, for the tests of this folder."""

import numpy as np

from fnad.kernels.dtypes import dtype_word
from fnad.runtime.cpu.executor import link
from fnad.runtime.plan import Buffer, Kernel, Launch, Plan, View


def view_of(buffer: int, array: np.ndarray) -> View:
    """The view of a whole array that is buffer number `buffer`."""
    return View(buffer, 0, array.shape, array.strides, array.dtype)


def run_launch(launch: Launch, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> None:
    """Run a plan of one launch; buffers are numbered inputs first, then outputs."""
    buffers = [Buffer(array.nbytes, "input") for array in inputs]
    buffers += [Buffer(array.nbytes, "output") for array in outputs]
    numbers = tuple(range(len(buffers)))
    split = len(inputs)
    link(Plan(tuple(buffers), numbers[:split], numbers[split:], 0, (launch,)))(inputs, outputs)


def kernel(inputs: list[np.ndarray], out: np.ndarray, body: str) -> Kernel:
    """A kernel with pointers x0, x1, ... and `out`, given its loop or whole body."""
    lines = ["def kernel(buffers, params, lo, hi):"]
    for k, array in enumerate([*inputs, out]):
        name = f"x{k}" if k < len(inputs) else "out"
        word = dtype_word(array.dtype)
        lines.append(f"    {name} = as_{word}(operand(buffers, params, {2 * k}), {k})")
    lines += [f"    {line}" for line in body.splitlines()]
    return Kernel("test", "\n".join([*lines, "    return 0", ""]))


def run_body(body: str, inputs: list[np.ndarray], out: np.ndarray, extent: int) -> np.ndarray:
    """Run a kernel body over [0, extent) on flat arrays; gives `out`."""
    params = tuple(word for k in range(len(inputs) + 1) for word in (k, 0))
    run_launch(Launch(kernel(inputs, out, body), params, extent), inputs, [out])
    return out


def elementwise(expression: str, inputs: list[np.ndarray], dtype: object = None) -> np.ndarray:
    """out[i] = expression for all i, with the inputs' elements as a, b, c."""
    names = "abc"[: len(inputs)]
    reads = "".join(f"    {name} = x{k}[i]\n" for k, name in enumerate(names))
    body = f"for i in range(lo, hi):\n{reads}    out[i] = {expression}"
    out = np.empty(inputs[0].shape, dtype or inputs[0].dtype)
    return run_body(body, inputs, out, out.size)
