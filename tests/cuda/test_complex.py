"""Complex numbers on a device: formulas, reductions, loops and the gradient of one, without a step of the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad
from fnad.compiler.compile import run_passes
from fnad.compiler.cuda.target import CUDA
from fnad.runtime.plan import HostStep, walk

from tests.compiler.test_complex import CONTROL, FORMULAS, PRODUCTS, REDUCTIONS, Z, products
from tests.cuda.devices_in_use import assert_as_on_cpu
from tests.cuda.requirements import needs_cuda_compiler

pytestmark = needs_cuda_compiler


def together(functions: dict[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    return lambda z: [f(z) for f in functions.values()]


CASES = {
    "reductions": together(REDUCTIONS), "products": together(PRODUCTS), "formulas": together(FORMULAS),
    "control": together(CONTROL), "gradient": grad(lambda z: np.sum(np.abs(products(z)[0]) ** 2)),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name: str) -> None:
    function = CASES[name]
    plan = run_passes(fnad.make_program(function)(Z), CUDA)["lowering"]
    assert [step.name for step, _ in walk(plan) if isinstance(step, HostStep)] == []
    assert_as_on_cpu(function, Z, rtol=1e-11, order="rand")
