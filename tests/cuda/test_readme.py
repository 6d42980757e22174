"""What the README shows for a GPU, which its doctests cannot run, does what it says."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import Any

import fnad
import numpy as np
import pytest
from fnad.runtime.cuda import devices

from tests.cuda.requirements import needs_cuda_compiler
from tests.ptxsim.runtime import PtxRuntime

README = Path(__file__).parents[2] / "README.md"


def blocks() -> tuple[str, str]:
    """The first example's code, and that for a GPU, which goes on with its names."""
    text = README.read_text()
    first = text.split("```python\n")[1].split("```")[0]
    on_gpu = text.split("<!-- gpu example -->\n```python\n")[1].split("```")[0]
    return "".join([example.source for example in doctest.DocTestParser().get_examples(first)]), on_gpu


@needs_cuda_compiler
def test_the_example_trains_on_a_device(capsys: pytest.CaptureFixture[str]) -> None:
    first, on_gpu = blocks()
    names: dict[str, Any] = {}
    exec(first, names)
    step, params, x, y = (names[name] for name in ("step", "params", "x", "y"))
    with devices.use(PtxRuntime()) as runtime:
        exec(on_gpu, names)
        assert all([isinstance(leaf, fnad.DeviceArray) for leaf in fnad.tree.leaves(names["params"])])
        assert runtime.launches > 20
    for _ in range(20):
        params, value = step(params, x, y)
    assert float(capsys.readouterr().out) == pytest.approx(float(value), rel=1e-12)
    np.testing.assert_allclose(names["params"]["w1"], params["w1"], rtol=1e-10)
