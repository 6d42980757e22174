"""Tests whose tools are missing are skipped with the reason, or fail where the tools are required."""

from __future__ import annotations

import pytest

from tests.cuda import requirements


def test_nothing_happens_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNAD_REQUIRE_CUDA_STATIC", "1")
    requirements.require("the CUDA compiler", "")


def test_what_is_missing_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FNAD_REQUIRE_CUDA_STATIC", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"is not there: numba-cuda; pip install 'fnad\[cuda-static\]'"):
        requirements.require("the CUDA compiler", "numba-cuda")


def test_what_is_required_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNAD_REQUIRE_CUDA_STATIC", "1")
    with pytest.raises(pytest.fail.Exception, match="the CUDA assembler is not there: ptxas"):
        requirements.require("the CUDA assembler", "ptxas")
