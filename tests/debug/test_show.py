"""Each stage on the way to machine code is shown, and a wrong name is refused."""

from __future__ import annotations

import re
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import debug, show
from fnad.compiler.compile import PASSES
from fnad.dispatch.show import STAGES

X = np.array([1.0, 2.0, 3.0])


def loss(x: Any) -> Any:
    y = np.tanh(x) * 2.0
    return np.sum(y * np.cumsum(x))


def shown(capsys: pytest.CaptureFixture[str], function: Any, stage: str, *args: Any) -> str:
    show(function, stage)(*args)
    return capsys.readouterr().out


def test_each_stage_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    nested = fnad.jit(lambda x: fnad.jit(loss)(x))
    names = ("program", "simplified", "fused", "plan", "kernels", "all")
    program, simplified, fused, plan, kernels, everything = (shown(capsys, nested, name, X) for name in names)
    assert {*names, *PASSES} == set(STAGES)
    assert "jit_call" in program and program.startswith("program(a: f64[3]):")
    assert "jit_call" not in simplified and "cumsum[axis=0]" in simplified
    assert "call cumsum(%0: f64[3]) -> %1: f64[3]" in fused and "loop over 3" in fused and "tanh" in fused
    assert f"# {__file__}:" in fused and "return %2: f64[]" in fused
    assert plan.startswith("instructions:") and "buffers:" in plan and "def kernel" not in plan
    assert plan.strip() in kernels and "def kernel" in kernels
    fnad.explain(nested)(X)
    assert capsys.readouterr().out == everything and "compiled in" in everything
    assert simplified.strip() in everything and plan.strip() in everything


def test_each_pass_of_the_compiler_is_a_stage(capsys: pytest.CaptureFixture[str]) -> None:
    def step(p: Any, x: Any, g: Any) -> Any:
        y = np.exp(p - np.max(p, axis=1, keepdims=True))
        return p - 0.1 * (x.T @ g), fnad.scan(lambda c, t: (c + t, c), np.sum(y), p[0])[0], y / np.sum(y, axis=1)

    args = np.ones((3, 3)), np.ones((2, 3)), np.ones((2, 3))
    made = {name: shown(capsys, step, name, *args) for name in PASSES}
    assert list(made) == [
        "simplify", "accumulate", "sink", "schedule", "prepare", "rows", "control", "divide", "memory", "lowering",
    ]
    assert "matmul_add" not in made["simplify"] and "matmul" in made["simplify"]
    assert "matmul_add[alpha=-0.1]" in made["accumulate"]
    assert made["sink"].count(" = ") == made["accumulate"].count(" = ")
    assert made["accumulate"].index("matmul_add") < made["sink"].index("matmul_add")
    for name in ("schedule", "prepare", "rows", "control", "divide"):
        assert made[name].startswith("steps from %0: f64[3,3]") and "call matmul_add" in made[name]
    assert made["divide"] == shown(capsys, step, "fused", *args)
    assert made["memory"].startswith(made["divide"].rstrip()) and "  %0 in buffer 0\n" in made["memory"]
    assert made["lowering"] == shown(capsys, step, "plan", *args)
    assert made["lowering"].partition("buffers:")[2] == made["memory"].partition("buffers:")[2]
    assert made["simplify"] == shown(capsys, step, "simplified", *args)


def test_the_place_of_a_donated_array_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    donating = fnad.jit(lambda x: np.exp(x), donate_argnums=0)
    assert "%1 in buffer 0" in shown(capsys, donating, "memory", X)
    assert "%1 in buffer 1" in shown(capsys, fnad.jit(lambda x: np.exp(x)), "memory", X)


def test_what_moves_elements_is_a_view_in_the_fused_stage(capsys: pytest.CaptureFixture[str]) -> None:
    fused = shown(capsys, lambda x: np.exp(x.T[1:]), "fused", np.ones((2, 3)))
    assert "%0: f64[2,2] at 8 by 8,24" in fused


def test_branches_and_functions_without_arrays(capsys: pytest.CaptureFixture[str]) -> None:
    jitted = fnad.jit(lambda x: x * 2.0 if x[0] > 0 else x - 1.0)
    jitted(X)
    text = shown(capsys, jitted, "program", -X)
    assert "branch 0:" in text and "branch 1:" in text and "is False" in text and "sub a 1.0[3]" in text
    assert "Nothing to compile" in shown(capsys, lambda: "text", "kernels")
    assert "host step debug_callback" in shown(capsys, lambda x: debug.print("{}", x), "plan", X)
    assert "no kernels" in shown(capsys, lambda x: debug.print("{}", x), "kernels", X)


def test_a_wrong_stage_is_an_error_that_lists_them() -> None:
    expected = f"show: requires a stage among {', '.join(STAGES)}, got 'fuse'. Take one of these."
    with pytest.raises(ValueError, match=re.escape(expected)):
        show(loss, "fuse")
    with pytest.raises(TypeError, match="requires a function, got float64"):
        show(loss(X))


def test_a_copy_reads_as_one(capsys: Any) -> None:
    show(lambda x: np.concatenate([x, np.exp(x)]), "fused")(X := np.ones(3))
    show(lambda x: (x, fnad.stop_gradient(x)), "plan")(X)
    printed = capsys.readouterr().out
    assert ": f64[3] = copy " in printed and "stop_gradient" not in printed
