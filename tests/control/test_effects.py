"""What is printed inside loops and branches is printed once for each step, in order, under every transform."""

from __future__ import annotations

from typing import Any

import fnad
import numpy as np
import pytest
from fnad import cond, fori_loop, grad, jit, jvp, scan, while_loop


def scanned(x: Any) -> Any:
    def body(c: Any, v: Any) -> Any:
        fnad.debug.print("{}", v)
        return np.sin(c) * v, c

    c, ys = scan(body, x, np.arange(1, 4))
    return c + np.sum(ys)


def repeated(x: Any) -> Any:
    def body(s: Any) -> Any:
        fnad.debug.print("{}", s[0])
        return s[0] + 1, s[1] * x

    return while_loop(lambda s: s[0] < 4, body, (1, x))[1]


def counted(x: Any) -> Any:
    def body(i: Any, nothing: Any) -> Any:
        fnad.debug.print("{}", i)
        return nothing

    fori_loop(1, 4, body, ())
    return x * 2.0


def chosen(x: Any) -> Any:
    def show(word: str) -> Any:
        return lambda x: (fnad.debug.print(word), x * 2.0)[1]

    return cond(x > 0, show("1\n2\n3"), show("not taken"), x)


@pytest.mark.parametrize("function", [scanned, repeated, counted, chosen])
@pytest.mark.parametrize(
    "transform",
    [lambda f: f, jit, grad, lambda f: jit(grad(f)), lambda f: grad(jit(f)), lambda f: lambda x: jvp(f, (x,), (1.0,)),
     lambda f: jit(grad(fnad.checkpoint(f)))],
    ids=["plain", "jit", "grad", "jit grad", "grad jit", "jvp", "checkpoint"],
)
def test_each_step_prints_once(function: Any, transform: Any, capsys: Any) -> None:
    call = transform(function)
    for _ in range(2):
        call(1.5)
        assert capsys.readouterr().out.split() == ["1", "2", "3"]
