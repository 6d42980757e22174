"""What is read from machine code, on kernels in which it is known."""

from __future__ import annotations

import pytest

from tests.cuda.ptx_kernels import compiled, handwritten
from tests.cuda.requirements import needs_assembler, needs_cuda_compiler
from tests.ptxsim import assemble, rules
from tests.ptxsim.sass import count, read

TWO = ("float32", "float32")

LOOP = """
s = cuda.shared.array(64, float32)
s[t] = x[i]
cuda.syncthreads()
a = float32(0)
for k in range(n):
    a = cuda.fma(s[(t + k) % 64], x[k], a)
y[i] = a
"""

HISTOGRAM = """
a = cuda.local.array(64, float32)
for k in range(64):
    a[k] = float32(0)
for k in range(n):
    a[int64(x[k]) & 63] += float32(1)
for k in range(64):
    y[i * 64 + k] = a[k]
"""


@needs_assembler
@pytest.mark.parametrize("arch", [80, 90, 100])
def test_facts_of_machine_code(arch: int) -> None:
    machine = assemble(compiled("x, y, n", TWO, LOOP, capability=divmod(arch, 10)), arch)
    assert 8 <= machine.registers <= 64 and machine.stack == machine.spills == 0
    assert machine.shared >= 256
    assert machine.count("BAR.SYNC") == 1 and machine.count("STS") == 1
    assert any(loop["FFMA"] and count(loop, "LDS") and count(loop, "LDG") for loop in machine.loops)


@needs_assembler
def test_arrays_of_a_thread_are_on_its_stack() -> None:
    ptx = compiled("x, y, n", TWO, HISTOGRAM)
    assert assemble(ptx, 80).stack >= 256
    assert any(rule.startswith("local memory") for rule in rules(ptx))


@needs_assembler
def test_what_the_assembler_refuses_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="ptxas: .*"):
        assemble(handwritten("", "frob.u32 %r1, %r2;"), 80)


@needs_cuda_compiler
def test_rules() -> None:
    assert rules(compiled("x, y", TWO, "y[i] = x[i] + float32(0.1)")) == []
    assert rules(compiled("x, y", TWO, "y[i] = x[i] + 0.1"))[0].startswith("float64 arithmetic")
    assert rules("st.shared.v4.f32 [a], {x, y, z, w};\n.shared .align 16 .b8 a[64];") == []
    assert "a: aligned to 4" in rules("st.shared.v4.f32 [a], {x, y, z, w};\n.shared .align 4 .b8 a[64];")[0]


def test_loops_end_at_jumps_backward() -> None:
    lines = [".L_x_0:", "/*0000*/ FADD R1, R2 ;", ".L_x_1:", "/*0010*/ @!P0 FFMA R1, R2, R3, R4 ;"]
    lines += ["/*0020*/ @P0 BRA `(.L_x_1) ;", "/*0030*/ BRA `(.L_x_2) ;", ".L_x_2:", "/*0040*/ EXIT ;"]
    operations, loops = read("\n".join(lines))
    assert operations == ["FADD", "FFMA", "BRA", "BRA", "EXIT"]
    assert loops == [{"FFMA": 1, "BRA": 1}]
