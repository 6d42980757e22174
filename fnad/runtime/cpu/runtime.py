"""The CPU as a runtime, beside those of GPUs: its arrays are NumPy's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fnad.errors import place_at
from fnad.runtime.cpu.executor import KernelError, Types, link
from fnad.runtime.plan import Plan, walk
from fnad.runtime.results import allocator


class CPURuntime:
    """The processors of this machine."""

    name = "the CPU"


CPU = CPURuntime()


class OnCPU:
    """A plan that runs on NumPy arrays."""

    def __init__(self, plan: Plan, results: Types, donated: Mapping[int, int], captured: Types) -> None:
        self.plan, self.executable = plan, link(plan, captured)
        self._allocate = allocator(results, donated)

    def __call__(self, inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Run on arrays of the Program's input types; donated ones must own their memory and be writable."""
        outputs = self._allocate(inputs)
        try:
            self.executable(inputs, outputs)
        except KernelError as error:
            raise self._placed(error) from None
        return outputs

    def _placed(self, error: KernelError) -> Exception:
        """The error of a kernel's failure, at the line its instruction comes from."""
        source = next(source for instruction, source in walk(self.plan) if instruction is error.instruction)
        found = error.instruction.fails.error(error.status)
        return found if source is None else place_at(found, source)
