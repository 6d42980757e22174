"""Names of parts: they nest, end with their block, and belong to one thread."""

from __future__ import annotations

import threading
from typing import Any

import fnad
import numpy as np
import pytest


@fnad.named_call
def inner(x: Any) -> Any:
    return np.sin(x)


def outer(x: Any) -> Any:
    with fnad.named_scope("layer"):
        y = inner(x) + 1.0
    return np.exp(y)


def test_names_nest_and_end() -> None:
    lines = str(fnad.make_program(outer)(np.ones(2))).splitlines()
    assert [line.partition("  # ")[2] for line in lines] == ["", "layer/inner", "layer", "", ""]


def test_they_stay_in_the_backward_pass_and_in_plans(capsys: pytest.CaptureFixture[str]) -> None:
    fnad.show(fnad.grad(lambda x: np.sum(outer(x))))(np.ones(2))
    assert "# layer/inner" in capsys.readouterr().out
    fnad.show(lambda x: fnad.named_call(np.cumsum, name="sums")(x), "plan")(np.ones(2))
    assert ", sums)" in capsys.readouterr().out


def test_it_is_a_decorator() -> None:
    assert "# wave" in str(fnad.make_program(fnad.named_scope("wave")(np.sin))(np.ones(2)))
    assert fnad.jit(fnad.named_call(inner))(0.0) == 0


def test_an_error_ends_a_name() -> None:
    with pytest.raises(KeyError), fnad.named_scope("a"):
        raise KeyError
    assert "#" not in str(fnad.make_program(np.sin)(1.0))


def test_another_thread_has_names_of_its_own() -> None:
    found: list[str] = []
    with fnad.named_scope("here"):
        thread = threading.Thread(target=lambda: found.append(str(fnad.make_program(np.sin)(1.0))))
        thread.start(), thread.join()
        assert "# here" in str(fnad.make_program(np.sin)(1.0)) and "#" not in found[0]


def test_what_is_no_name() -> None:
    with pytest.raises(TypeError, match="requires a name, got 3"):
        fnad.named_scope(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="a function"):
        fnad.named_call(3)  # type: ignore[arg-type]
