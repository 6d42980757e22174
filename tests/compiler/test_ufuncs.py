"""Loops of other libraries' ufuncs, called by kernels: elementwise ones and generalized ones, through any strides."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import fnad
import numpy as np
import pytest
import scipy.special as sp
from fnad.compiler.cpu.library.ufuncs import ufunc_launch
from fnad.ops.gamma import digamma, gammaln
from fnad.runtime.cpu import ufuncs
from fnad.runtime.plan import HostStep, View, walk
from numpy.fft import _pocketfft_umath as fft
from numpy.linalg import _umath_linalg as linalg

from tests.compiler.kernel_running import run_launch, view_of

F8, F4, C16 = np.dtype("f8"), np.dtype("f4"), np.dtype("c16")


def view(buffer: int, array: np.ndarray, base: np.ndarray) -> View:
    """The view of a part of what is a buffer."""
    offset = array.ctypes.data - base.ctypes.data
    return View(buffer, offset, array.shape, array.strides, array.dtype)


def test_the_layout_of_ufuncs_is_known() -> None:
    assert ufuncs._layout_is_known()


@pytest.mark.parametrize("ufunc", [np.add, np.sin, sp.gammaln, sp.psi, sp.jv, sp.sici, linalg.solve, fft.fft], ids=str)
def test_loops_are_found_by_their_dtypes(ufunc: np.ufunc) -> None:
    rows = ["".join(t.split("->")) for t in ufunc.types if not set(t) & set("OMmS")]
    found = [ufuncs.loop_of(ufunc, tuple(map(np.dtype, row))) for row in rows]
    assert all([loop is not None and loop.function for loop in found])
    assert ufuncs.loop_of(ufunc, (np.dtype("f2"),) * ufunc.nargs) is None or ufunc in (np.add, np.sin)


def test_operands_may_have_any_strides() -> None:
    x, y, out = np.arange(120.0).reshape(2, 3, 4, 5), np.arange(5.0, 20.0).reshape(3, 5), np.zeros((4, 2, 3, 5))
    a, b = x.transpose(2, 0, 1, 3)[::-1], np.broadcast_to(y, (4, 2, 3, 5))
    launch = ufunc_launch(np.hypot, [view(0, a, x), view(1, b, y)], [view_of(2, out)])
    run_launch(launch, [x, y], [out])
    np.testing.assert_array_equal(out, np.hypot(a, b))


@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (100_000,)])
def test_any_shape(shape: tuple[int, ...]) -> None:
    x, out = np.random.default_rng(0).uniform(1, 5, shape), np.zeros(shape)
    run_launch(ufunc_launch(sp.gammaln, [view_of(0, x)], [view_of(1, out)]), [x], [out])
    np.testing.assert_array_equal(out, sp.gammaln(x))


def test_several_results() -> None:
    x, si, ci = np.linspace(0.1, 3, 6, dtype=F4), np.zeros(6, F4), np.zeros(6, F4)
    run_launch(ufunc_launch(sp.sici, [view_of(0, x)], [view_of(1, si), view_of(2, ci)]), [x], [si, ci])
    np.testing.assert_array_equal([si, ci], sp.sici(x))


def test_a_generalized_ufunc_has_core_axes() -> None:
    generator = np.random.default_rng(0)
    a, b, out = generator.normal(size=(2, 3, 4, 4)), generator.normal(size=(3, 4, 2)), np.zeros((3, 2, 4, 2))
    left, right = a.transpose(1, 0, 3, 2), np.broadcast_to(b[:, None], (3, 2, 4, 2))
    launch = ufunc_launch(
        linalg.solve, [view(0, left, a), view(1, right, b)], [view_of(2, out)], core=(4, 2), core_ndims=(2, 2, 2)
    )
    run_launch(launch, [a, b], [out])
    np.testing.assert_array_equal(out, np.linalg.solve(left, right))


@pytest.mark.parametrize(("axis", "n"), [(-1, 6), (0, 8), (0, 3)])
def test_a_generalized_ufunc_along_any_axis(axis: int, n: int) -> None:
    x, scale = np.random.default_rng(0).normal(size=(5, 6)) + 1j, np.ones(1)
    expected = np.fft.fft(x, n, axis)
    out = np.zeros(expected.shape, C16)
    lines, results = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
    scales = np.broadcast_to(scale, lines.shape[:1])
    launch = ufunc_launch(
        fft.fft, [view(0, lines, x), view(1, scales, scale)], [view(2, results, out)],
        core=(lines.shape[1], n), core_ndims=(1, 0, 1),
    )
    run_launch(launch, [x, scale], [out])
    np.testing.assert_allclose(out, expected, rtol=1e-14)


def test_without_a_loop_there_is_no_launch() -> None:
    halves = np.zeros(3, np.float16)
    assert ufunc_launch(sp.gammaln, [view_of(0, halves)], [view_of(1, halves)]) is None


def test_where_the_layout_is_not_known_it_is_a_host_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ufuncs, "_layout_is_known", lambda: False)
    ufuncs.loop_of.cache_clear()
    compiled = fnad.compiler.compile.compile_program(fnad.make_program(gammaln)(np.arange(1.0, 4.0)))
    ufuncs.loop_of.cache_clear()
    assert [i.name for i, _ in walk(compiled.plan) if isinstance(i, HostStep)] == ["gammaln"]
    np.testing.assert_array_equal(compiled([np.arange(1.0, 4.0)])[0], sp.gammaln(np.arange(1.0, 4.0)))


def test_a_broken_layout_is_seen() -> None:
    assert ufuncs._is_read(np.add)
    with pytest.MonkeyPatch.context() as patch:
        fields = [("front", ufuncs.ctypes.c_int64), *ufuncs._UFunc._fields_]
        patch.setattr(ufuncs, "_UFunc", type("Moved", (ufuncs.ctypes.Structure,), {"_fields_": fields}))
        assert not ufuncs._is_read(np.add)


@pytest.mark.parametrize("action", ["raise", "warn"])
def test_compiled_code_neither_raises_nor_warns(action: str) -> None:
    x = np.full(200_000, -1.0)
    f = fnad.jit(lambda x: (gammaln(x), digamma(x)))
    results: list[Any] = []
    before = sp.geterr()
    with sp.errstate(all=action), warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        results.append(f(x))
        thread = threading.Thread(target=lambda: results.append(f(x)))
        thread.start()
        thread.join()
        assert set(sp.geterr().values()) == {action}
    assert sp.geterr() == before
    for found, slope in results:
        assert np.all(found == np.inf) and np.all(np.isnan(slope))
