"""What the machine code of kernels may cost: registers, memory, and the kinds of its instructions.

budgets.json holds what was measured. Write it anew, after a change that is meant, with

    python -m tests.cuda.budgets --write
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fnad.compiler.cuda.library import dense as layers
from fnad.compiler.cuda.library import matmul as products
from fnad.ops.strides import transpose
from fnad.runtime import views
from fnad.runtime.cuda import loader
from fnad.runtime.plan import GridKernel, GridLaunch, View
from tests.cuda import generated_kernels, library_kernels
from tests.ptxsim import assemble
from tests.ptxsim.sass import count

PATH = Path(__file__).with_name("budgets.json")
CAPABILITIES = ((8, 0), (9, 0), (10, 0))

Facts = dict[str, Any]


# --- the kernels ------------------------------------------------------------------------------


def _view(shape: tuple[int, ...], dtype: str, transposed: bool = False) -> View:
    if transposed:
        return transpose(views.whole(0, shape[::-1], np.dtype(dtype)), (1, 0))
    return views.whole(0, shape, np.dtype(dtype))


def _first(launches: Sequence[GridLaunch] | None) -> GridKernel:
    assert launches
    return launches[0].kernel


def matmul(m: int, k: int, n: int, dtype: str = "float32", kept: str = "NN", alpha: float = 1) -> list[GridLaunch]:
    """A product of matrices that are kept by rows (N) or transposed (T)."""
    a, b = _view((m, k), dtype, kept[0] == "T"), _view((k, n), dtype, kept[1] == "T")
    return products.matmul(a, b, _view((m, n), dtype), lambda nbytes: 1, alpha)


def dense(m: int, k: int, n: int, dtype: str = "float32") -> list[GridLaunch]:
    operands = (_view(shape, dtype) for shape in ((m, k), (k, n), (n,), (m, n)))
    return layers.dense(*operands, lambda nbytes: 1, True)


def relu_backward_sum(m: int, n: int, dtype: str = "float32") -> list[GridLaunch]:
    operands = (_view(shape, dtype) for shape in ((m, n), (m, n), (m, n), (n,)))
    return layers.relu_backward_sum(*operands, lambda nbytes: 1)


PRODUCTS: dict[str, GridKernel] = {
    "dense relu, large": _first(dense(2048, 1024, 1024)),
    "dense relu, medium": _first(dense(1024, 1024, 1024)),
    "dense relu, small": _first(dense(128, 200, 256)),
    "dense relu, tall": _first(dense(1024, 256, 16)),
    "dense relu, tall and ragged": _first(dense(1024, 256, 10)),
    "dense relu, float64": _first(dense(2048, 1024, 1024, "float64")),
    "matmul, large, B transposed": _first(matmul(2048, 1024, 1024, kept="NT")),
    "matmul, large, A transposed": _first(matmul(2048, 1024, 1024, kept="TN")),
    "matmul, large, scaled": _first(matmul(2048, 1024, 1024, alpha=-0.1)),
    "matmul, large and ragged": _first(matmul(2049, 1025, 1025)),
    "matmul, small, B transposed": _first(matmul(128, 200, 256, kept="NT")),
    "matmul, small, A transposed": _first(matmul(256, 200, 256, kept="TN")),
    "matmul, flat": _first(matmul(16, 256, 1024)),
    "matmul, small, float64": _first(matmul(256, 200, 256, "float64")),
    "matmul, vector": _first(matmul(256, 256, 1)),
    "matmul, vector, A transposed": _first(matmul(256, 256, 1, kept="TN")),
    "matmul, int32": _first(matmul(64, 64, 64, "int32")),
    "sum of dense relu": dense(64, 4096, 32)[1].kernel,
    "relu_backward_sum": _first(relu_backward_sum(128, 256)),
}
KERNELS = {**PRODUCTS, **library_kernels.KERNELS, **generated_kernels.KERNELS}
"""Every kernel written by hand and one of each kind that the compiler writes, by a name for people."""


# --- what is measured -------------------------------------------------------------------------


def measure(kernel: GridKernel, capability: tuple[int, int]) -> Facts:
    """What a kernel's machine code costs on devices of a compute capability."""
    major, minor = capability
    machine = assemble(loader.ptx_of(kernel, capability), 10 * major + minor)
    facts = {
        "registers": machine.registers,
        "shared": machine.shared,
        "spilled": machine.spills + machine.stack + machine.count("LDL") + machine.count("STL"),
        "float64": sum(n for name, n in machine.instructions.items() if _is_float64(name)),
        "loads of 16 bytes": machine.count("LDG.E.128"),
        "stores of 16 bytes": machine.count("STG.E.128"),
    }
    main = max(machine.loops, key=_fused, default=Counter())
    fused, shared_loads = _fused(main), count(main, "LDS")
    facts |= {"main loop": sum(main.values()) if fused else 0, "fused in it": fused}
    return facts | {"fused per shared load": round(fused / shared_loads, 1) if shared_loads else 0}


def _fused(loop: Counter[str]) -> int:
    """Multiply-adds of floats."""
    return count(loop, "FFMA") + count(loop, "DFMA")


def _is_float64(name: str) -> bool:
    return ".F64" in name or name.startswith(("DFMA", "DADD", "DMUL", "DSETP", "DMNMX"))


SLACK = 8
"""Registers that another version of the compiler may take more."""


def excess(kernel: GridKernel, found: Facts, budget: Facts) -> list[str]:
    """Where a kernel costs more than its budget, or more than any kernel may."""
    wrong = []
    if found["registers"] > budget["registers"] + SLACK:
        wrong.append(f"{found['registers']} registers, {budget['registers']} in the budget")
    if found["shared"] > budget["shared"]:
        wrong.append(f"{found['shared']} bytes of shared memory, {budget['shared']} in the budget")
    if found["spilled"]:
        wrong.append("registers spill to memory, or arrays lie there")
    if found["float64"] and not {"float64", "complex128"} & set(kernel.pointers):
        wrong.append("float64 arithmetic")
    wrong += [f"no {kind}" for kind in ("loads of 16 bytes", "stores of 16 bytes") if budget[kind] and not found[kind]]
    if found["fused per shared load"] < budget["fused per shared load"]:
        wrong.append(f"{found['fused per shared load']} multiply-adds per load from shared memory in the main loop")
    return wrong


def measured() -> dict[str, dict[str, Facts]]:
    return {
        name: {"sm_{}{}".format(*capability): measure(kernel, capability) for capability in CAPABILITIES}
        for name, kernel in KERNELS.items()
    }


def table(budgets: dict[str, dict[str, Facts]]) -> str:
    """The budgets as lines for people."""
    lines = [f"{'':32}registers   shared  spilled  16-byte loads, stores  multiply-adds per shared load"]
    for name, per_device in budgets.items():
        registers = "/".join(str(facts["registers"]) for facts in per_device.values())
        facts = next(iter(per_device.values()))
        worst = max(each["spilled"] for each in per_device.values())
        lines.append(
            f"{name:30}{registers:>11}{facts['shared']:9}{worst:9}{facts['loads of 16 bytes']:12}, "
            f"{facts['stores of 16 bytes']:<8}{facts['fused per shared load']:14}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        PATH.write_text(json.dumps(measured(), indent=1) + "\n")
    print(table(json.loads(PATH.read_text())))
