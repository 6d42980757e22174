"""Kernels that the made-up driver is given, run from their PTX on the CPU."""

from __future__ import annotations

from tests.cuda.fake_driver import FakeDriver, Launched
from tests.ptxsim.kernel import kernel_of


def execute_ptx(launched: Launched, fake: FakeDriver) -> None:
    """Run a launch on the memory that the driver has given."""
    kernel = kernel_of(launched.image.decode().strip("\0"))
    ranges = [(memory.address, memory.address + memory.nbytes, 1) for memory in fake.memory.values()]
    kernel.launch(launched.grid, launched.block, launched.words, ranges)
