"""The machine code of hand-written kernels keeps to its budget."""

import json
from dataclasses import replace

import pytest

from tests.cuda.budgets import CAPABILITIES, KERNELS, PATH, excess, matmul, measure
from tests.cuda.requirements import needs_assembler

BUDGETS = json.loads(PATH.read_text())
TILED = [name for name, kernel in KERNELS.items() if kernel.name == "matmul_float32"]


@needs_assembler
@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_keeps_to_its_budget(name: str, capability: tuple[int, int]) -> None:
    budget = BUDGETS[name]["sm_{}{}".format(*capability)]
    assert excess(KERNELS[name], measure(KERNELS[name], capability), budget) == []


def test_the_budgets_are_those_of_the_kernels() -> None:
    assert list(BUDGETS) == list(KERNELS)


@pytest.mark.parametrize("name", TILED)
def test_a_product_does_eight_multiply_adds_for_a_load_from_shared_memory(name: str) -> None:
    assert all(facts["fused per shared load"] >= 8 for facts in BUDGETS[name].values())
    if "ragged" not in name:
        assert all(facts[f"{what} of 16 bytes"] for facts in BUDGETS[name].values() for what in ("loads", "stores"))


@needs_assembler
@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("(totals00[0], ", "(float32(totals00[0] * 0.1), ", "float64 arithmetic"),
        ("fetch_float32x4(", "fetch_each_float32x4(", "no loads of 16 bytes"),
        ("put_float32x4(", "put_each_float32x4(", "no stores of 16 bytes"),
        ("totals00 = add_outer(totals00, a_group0, b_group0)", "zero += a_group0[0] * b_group0[0]", "multiply-adds"),
        ("cuda.shared.array(1152,", "cuda.shared.array(1160,", "bytes of shared memory"),
    ],
)
def test_a_worse_kernel_exceeds_its_budget(right: str, wrong: str, message: str) -> None:
    kernel = matmul(128, 200, 256, kept="NT")[0].kernel
    assert right in kernel.source
    source = kernel.source.replace(right, wrong, 8)  # of the 16 steps through a tile
    budget = BUDGETS["matmul, small, B transposed"]["sm_80"]
    assert message in " ".join(excess(kernel, measure(replace(kernel, source=source), (8, 0)), budget))


@needs_assembler
def test_spilled_registers_exceed_any_budget() -> None:
    name = "dense relu, large"
    kernel = replace(KERNELS[name], min_blocks=4)
    assert "registers spill to memory, or arrays lie there" in excess(
        kernel, measure(kernel, (8, 0)), BUDGETS[name]["sm_80"]
    )
