"""Linked plans: order, memory, host steps, errors, threads and forks."""

import os
import threading
import time

import numpy as np
import pytest

from fnad.runtime.cache import DiskCache, Statistics
from fnad.runtime.cpu import executor
from fnad.runtime.cpu.executor import Executable, KernelError, link
from fnad.runtime.cpu.loader import Loader
from fnad.runtime.plan import Buffer, HostStep, Kernel, Launch, Plan, View

FLOAT = np.dtype("float32")
COUNT = 37
NBYTES = COUNT * FLOAT.itemsize


def affine(scale: float, shift: float) -> Kernel:
    """out = scale x + shift over float32, with params (x, offset, out, offset)."""
    return Kernel(
        "affine",
        f"""\
def kernel(buffers, params, lo, hi):
    x = as_float32(operand(buffers, params, 0), 0)
    out = as_float32(operand(buffers, params, 2), 1)
    for i in range(lo, hi):
        out[i] = float32({scale}) * x[i] + float32({shift})
    return 0
""",
    )


def step(source: int, target: int, scale: float = 2.0, shift: float = 1.0) -> Launch:
    return Launch(affine(scale, shift), (source, 0, target, 0), COUNT, "affine")


def whole(buffer: int) -> View:
    return View(buffer, 0, (COUNT,), (FLOAT.itemsize,), FLOAT)


def one_to_one(*instructions, temporaries: int = 0) -> Executable:
    """A plan from buffer 0 to buffer 1; buffers 2, 3, ... are temporaries."""
    room = -(-NBYTES // 64) * 64
    arena = [Buffer(NBYTES, "temporary", k * room) for k in range(temporaries)]
    buffers = (Buffer(NBYTES, "input"), Buffer(NBYTES, "output"), *arena)
    return link(Plan(buffers, (0,), (1,), temporaries * room, instructions))


def example() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(COUNT).astype("float32")


def called(executable: Executable, x: np.ndarray) -> np.ndarray:
    out = np.full(COUNT, np.nan, "float32")
    executable([x], [out])
    return out


def test_instructions_run_in_order_through_temporaries():
    x = example()
    executable = one_to_one(step(0, 2), step(2, 3), step(3, 1), temporaries=2)
    for _ in range(3):
        np.testing.assert_allclose(called(executable, x), 8 * x + 7, rtol=1e-6)


def test_calls_one_after_the_other_share_their_memory():
    executable = one_to_one(step(0, 2), step(2, 1), temporaries=1)
    for _ in range(3):
        called(executable, example())
    assert len(executable._frames) == 1


def test_a_plan_without_instructions_does_nothing():
    assert np.isnan(called(one_to_one(), example())).all()


def test_temporaries_are_aligned():
    source = "def kernel(buffers, params, lo, hi):\n    return operand(buffers, params, 0) % 64\n"
    looks = [Launch(Kernel("look", source), (k, 0), 1) for k in (2, 3)]
    one_to_one(*looks, temporaries=2)([example()], [example()])


def test_constants_are_the_plans_own():
    value = np.arange(COUNT, dtype="float32")
    buffers = (Buffer(NBYTES, "output"), Buffer(NBYTES, "constant", value=value))
    executable = link(Plan(buffers, (), (0,), 0, (step(1, 0),)))
    out = np.empty(COUNT, "float32")
    executable([], [out])
    np.testing.assert_array_equal(out, 2 * value + 1)


# --- arrays as they come ----------------------------------------------------------------------


def misaligned(x: np.ndarray) -> np.ndarray:
    raw = np.empty(x.nbytes + 1, "uint8")[1:].view(x.dtype)
    raw[...] = x
    assert not raw.flags.aligned
    return raw


class Subclass(np.ndarray):
    """An array type of the user's own."""


LAYOUTS = {
    "strided": lambda x: np.repeat(x, 2)[::2],
    "reversed": lambda x: x[::-1].copy()[::-1],
    "misaligned": misaligned,
    "subclass": lambda x: x.view(Subclass),
    "read-only": lambda x: np.broadcast_to(x, x.shape),
    "list": lambda x: [np.float32(value) for value in x],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_native_code_cannot_take_is_copied(layout, monkeypatch):
    copied = []
    monkeypatch.setattr(executor, "_fit", lambda x: copied.append(x) or np.require(x, None, "CAE"))
    one_to_one(step(0, 1))([LAYOUTS[layout](example())], [np.empty(COUNT, "float32")])
    assert bool(copied) == (layout != "read-only")


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("with_host_step", [False, True])
def test_inputs_of_any_layout(layout, with_host_step):
    x = example()
    middle = host(lambda a: [a]) if with_host_step else step(2, 3, 1.0, 0.0)
    executable = one_to_one(step(0, 2), middle, step(3, 1), temporaries=2)
    given = LAYOUTS[layout](x)
    out = np.empty(COUNT, "float32")
    executable([given], [out])
    np.testing.assert_allclose(out, 4 * x + 3, rtol=1e-6)
    np.testing.assert_array_equal(np.ravel(given), x)


def test_an_output_of_any_layout_is_filled():
    out = np.zeros(2 * COUNT, "float32")
    one_to_one(step(0, 1))([example()], [out[::2]])
    np.testing.assert_allclose(out[::2], 2 * example() + 1, rtol=1e-6)
    assert not out[1::2].any()


def test_a_donated_input_may_be_the_output():
    x = example()
    one_to_one(step(0, 1))([x], [x])
    np.testing.assert_allclose(x, 2 * example() + 1, rtol=1e-6)


def test_where_the_layout_of_objects_is_unknown_addresses_come_from_numpy(monkeypatch):
    monkeypatch.setattr(executor, "_layout_is_known", lambda: False)
    executable = one_to_one(step(0, 2), host(lambda a: [a]), step(3, 1), temporaries=2)
    np.testing.assert_allclose(called(executable, example()), 4 * example() + 3, rtol=1e-6)


def test_the_layout_of_objects_is_known_here():
    assert executor._layout_is_known()


@pytest.mark.parametrize(("inputs", "outputs"), [(0, 1), (2, 1), (1, 0), (1, 2)])
def test_a_wrong_number_of_arrays_is_an_error(inputs, outputs):
    x = example()
    with pytest.raises(ValueError, match="requires 1 inputs and 1 outputs, got"):
        one_to_one(step(0, 1))([x] * inputs, [x] * outputs)


# --- host steps -------------------------------------------------------------------------------


def host(function, source: int = 2, target: int = 3) -> HostStep:
    return HostStep("host", function, (whole(source),), (whole(target),))


def test_host_steps_first_middle_and_last():
    double = host(lambda a: [a * 2], 0, 2)
    executable = one_to_one(double, step(2, 3), host(lambda a: [-a], 3, 1), temporaries=2)
    np.testing.assert_allclose(called(executable, example()), -(4 * example() + 1), rtol=1e-6)


def test_host_steps_see_and_fill_strided_views():
    matrix = View(2, 4, (3, 4), (4, 12), FLOAT)  # a transposed 4x3 block, one element in
    backward = View(1, 11 * 4, (12,), (-4,), FLOAT)
    seen = []

    def flatten(block, nothing, scalar):
        seen.append((block.copy(), nothing.shape, scalar[()]))
        return [block.ravel()]

    empty, scalar = View(2, 0, (0, 5), (20, 4), FLOAT), View(2, 4, (), (), FLOAT)
    views = (matrix, empty, scalar)
    executable = one_to_one(
        step(0, 2, 1.0, 0.0),
        step(0, 1, 0.0, 0.0),
        HostStep("flatten", flatten, views, (backward,)),
        temporaries=1,
    )
    x = example()
    out = called(executable, x)
    want = x[1:13].reshape(4, 3).T
    np.testing.assert_array_equal(seen[0][0], want)
    assert seen[0][1:] == ((0, 5), x[1])
    np.testing.assert_array_equal(out[:12], want.ravel()[::-1])
    assert not out[12:].any()


def test_what_a_host_step_keeps_stays_as_it_was():
    kept = []
    executable = one_to_one(host(lambda a: kept.append(a) or [a], 0, 1))
    x = example()
    called(executable, x)
    x[:] = 0
    np.testing.assert_array_equal(kept[0], example())


def test_an_error_in_a_host_step_is_the_callers_and_the_next_call_works():
    faults = [ZeroDivisionError("once")]

    def fail_once(a):
        if faults:
            raise faults.pop()
        return [a]

    executable = one_to_one(step(0, 2), host(fail_once, 2, 1), temporaries=1)
    with pytest.raises(ZeroDivisionError, match="once"):
        called(executable, example())
    np.testing.assert_allclose(called(executable, example()), 2 * example() + 1, rtol=1e-6)


@pytest.mark.parametrize("wrong", [np.zeros(1, "float32"), np.zeros(COUNT, "float64")])
def test_a_wrong_result_of_a_host_step_is_an_error(wrong):
    with pytest.raises((ValueError, TypeError)):
        called(one_to_one(host(lambda a: [wrong], 0, 1)), example())


def test_a_host_step_may_call_its_own_executable():
    depth = []

    def again(a):
        if len(depth) < 3:
            depth.append(1)
            return [called(executable, a)]
        return [a]

    executable = one_to_one(step(0, 2), host(again, 2, 1), temporaries=1)
    want = example()
    for _ in range(4):
        want = 2 * want + 1
    np.testing.assert_allclose(called(executable, example()), want, rtol=1e-5)


# --- errors, threads, forks -------------------------------------------------------------------


def test_a_status_names_the_instruction_and_stops_the_plan():
    source = "def kernel(buffers, params, lo, hi):\n    return params[0]\n"
    failing = Launch(Kernel("failing", source), (-42,), 1, "failing")
    executable = one_to_one(step(0, 2), failing, step(2, 1), temporaries=1)
    out = np.zeros(COUNT, "float32")
    with pytest.raises(KernelError, match="failing: .* status -42") as caught:
        executable([example()], [out])
    assert caught.value.instruction is failing
    assert caught.value.status == -42
    assert not out.any()


@pytest.fixture
def cold(monkeypatch, tmp_path):
    """A loader that has never seen a kernel, in place of the process's own."""
    empty = Loader(DiskCache(tmp_path, 2**20), Statistics())
    monkeypatch.setattr(executor.loading, "loader", lambda: empty, raising=False)
    return empty


def test_threads_that_call_cold_and_together(cold):
    barrier = threading.Barrier(8)
    wrong: list[int] = []
    shared: list[Executable] = []
    lock = threading.Lock()

    def work(number: int) -> None:
        x = np.full(COUNT, number, "float32")
        barrier.wait()
        with lock:
            if not shared:
                steps = step(0, 2), host(lambda a: [a]), step(3, 1)
                shared.append(one_to_one(*steps, temporaries=2))
        mine = one_to_one(step(0, 1, 3.0, 0.0))
        for _ in range(50):
            if not np.allclose(called(mine, x), 3 * x):
                wrong.append(number)
            if not np.allclose(called(shared[0], x), 4 * x + 3):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cold.counts.compiled == 2


def in_child(check) -> None:
    """Fork; the child must find `check()` true within a minute."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if check() else 2
        finally:
            os._exit(code)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert os.waitstatus_to_exitcode(status) == 0
            return
        time.sleep(0.01)
    os.kill(child, 9)
    pytest.fail("the forked child hangs")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_runs_and_compiles(cold):
    executable = one_to_one(step(0, 1))
    called(executable, example())

    def check() -> bool:
        known = np.allclose(called(executable, example()), 2 * example() + 1)
        new = np.allclose(called(one_to_one(step(0, 1, 5.0)), example()), 5 * example() + 1)
        return known and new and cold.counts.compiled == 2

    in_child(check)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_compiles(cold):
    stop = threading.Event()

    def compile_on() -> None:
        scale = 10
        while not stop.is_set():
            scale += 1
            one_to_one(step(0, 1, scale, 0.0))

    thread = threading.Thread(target=compile_on)
    thread.start()
    try:
        for shift in range(3):
            time.sleep(0.03)
            in_child(lambda shift=shift: one_to_one(step(0, 1, 3.0, shift)) is not None)
    finally:
        stop.set()
        thread.join()
