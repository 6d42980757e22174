"""The memory in which the checks keep who used what: shared by overlapping ranges, and by one launch after another."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cuda.ptx_kernels import handwritten, run
from tests.ptxsim import PtxError, shadows
from tests.ptxsim.shadows import Shadows, overlapping

# Thread t of block b adds one to element 64 b + t, or, with the grid turned round, to the same of the last block on.
COUNT = """
mov.u32 %r1, %ctaid.x; {turn}
shl.b32 %r1, %r1, 6; add.u32 %r1, %r1, %r0;
mul.wide.u32 %rd3, %r1, 4; add.s64 %rd3, %rd3, %rd0;
ld.global.u32 %r2, [%rd3]; add.u32 %r2, %r2, 1; st.global.u32 [%rd3], %r2;
"""


def test_ranges_that_overlap_share_a_shadow() -> None:
    groups = overlapping([(0, 100, 4), (200, 300, 4), (50, 120, 1), (120, 130, 4), (0, 100, 4)])
    assert [group[:3] for group in groups] == [(0, 120, 1), (120, 130, 4), (200, 300, 4)]
    rows = Shadows([(0, 100, 4), (50, 120, 1), (300, 400, 0)], 0, 1).rows
    assert {row[:2] for row in rows} == {(0, 100), (50, 120), (300, 400)}
    assert rows[0][2] == 0 and rows[1][2] == rows[2][2] != 0


def test_launches_do_not_race_with_those_before() -> None:
    x = np.zeros(256, np.uint32)
    forward, turned = (handwritten("", COUNT.format(turn=turn), 1) for turn in ("", "sub.u32 %r1, 3, %r1;"))
    for ptx in (forward, turned, forward, turned):
        run(ptx, 4, 64, x)
    assert (x == 4).all()


@pytest.mark.parametrize("turns", [0, 1])
def test_numbers_of_blocks_start_again(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    pool = shadows.Pool()
    monkeypatch.setattr(shadows, "_pool", pool)
    x = np.zeros(256, np.uint32)
    run(handwritten("", COUNT.format(turn=""), 1), 4, 64, x)
    pool.next_block = shadows.MOST - 4 - turns
    run(handwritten("", COUNT.format(turn="sub.u32 %r1, 3, %r1;"), 1), 4, 64, x)
    assert (x == 2).all() and (pool.next_block == 6) == (turns == 0)
    with pytest.raises(PtxError, match="race"):
        run(handwritten("", COUNT.format(turn="mov.u32 %r1, 0;"), 1), 4, 64, x)
