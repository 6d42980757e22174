"""Work divided among threads: the same bits for any number, many callers, forks, failures, and the end of a process."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import tree
from fnad.compiler.compile import Compiled, compile_program
from fnad.compiler.cpu import chunks
from fnad.kernels.cpu.pool import DIVIDE, MOST_CHUNKS
from fnad.runtime.cpu import threads
from fnad.runtime.cpu.executor import KernelError, link
from fnad.runtime.plan import Buffer, Kernel, Launch, Plan, walk
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.test_executor import in_child

COUNTS = (1, 2, 4)
DRAW = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def as_many_threads_as_before() -> Iterator[None]:
    before = fnad.get_num_threads()
    yield
    fnad.set_num_threads(before)


@pytest.fixture
def small_work_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "LEAST", 0.0)
    monkeypatch.setattr(chunks, "PORTION", 1.0)


def compiled_of(function: Callable[..., Any], *args: Any) -> Compiled:
    return compile_program(fnad.make_program(function)(*args))


def divided(compiled: Compiled) -> list[Launch]:
    return [i for i, _ in walk(compiled.plan) if isinstance(i, Launch) and i.chunk]


def normal(*shape: int, dtype: str = "float32") -> np.ndarray:
    return DRAW.standard_normal(shape).astype(dtype)


# Each of the two chunks ends when the other one has begun, or after so long that it has been waited for in vain.
MEETING = Kernel(
    "meeting",
    """\
def kernel(buffers, params, lo, hi):
    words = operand(buffers, params, 0)
    store_word(words + 8 * lo, 1)
    for _ in range(params[2]):
        if load_word(words + 8 * (1 - lo)) == 1:
            return 0
        pause()
    return 1
""",
)


def meet(patience: int) -> None:
    """Run a launch whose chunks must run at the same time."""
    launch = Launch(MEETING, (0, 0, patience), 2, "meeting", 1)
    link(Plan((Buffer(16, "output"),), (), (0,), 0, (launch,)))([], [np.zeros(2, np.int64)])


def start_threads(count: int) -> None:
    """Set the number of threads, and wait until there are workers at work."""
    fnad.set_num_threads(count)
    if count > 1:
        threads.start()
        deadline = time.monotonic() + 60
        while not threads._pool().words[DIVIDE] and time.monotonic() < deadline:
            time.sleep(0.001)
        meet(10**9)


def test_chunks_run_at_the_same_time_if_there_is_more_than_one_thread() -> None:
    for count in (2, 4):
        start_threads(count)
    fnad.set_num_threads(1)
    with pytest.raises(KernelError, match="meeting: the kernel ended with status 1"):
        meet(1000)


# --- the same bits ----------------------------------------------------------------------------


def three_sums(x: Any) -> Any:
    y = np.tanh(x) * x
    return y, np.sum(y), np.sum(y, axis=0), np.sum(y, axis=(1, 2)), np.sum(y, axis=(0, 2))


def extremes(x: Any) -> Any:
    tests = np.all(x > -9, axis=0), np.any(x > 9)
    return np.max(x), np.min(x, axis=0), tests, np.argmax(x, axis=1), np.cumsum(x, axis=1)


def losses(x: Any, labels: Any) -> Any:
    return fnad.value_and_grad(fnad.nn.softmax_cross_entropy)(x, labels), fnad.value_and_grad(fnad.nn.mse)(x, x * 0.5)


def places(x: Any, rows: Any) -> Any:
    taken, added = x[rows], x * 1
    np.add.at(added, rows, taken)
    return taken, added


def products(x: Any, y: Any) -> Any:
    wide = x @ y
    return wide, wide.T, x[0] @ y, wide @ wide[0], np.stack([x] * 5) @ y


def loss(params: Any, x: Any, labels: Any) -> Any:
    for layer in params[:-1]:
        x = np.maximum(x @ layer["w"] + layer["b"], 0)
    return fnad.nn.softmax_cross_entropy(x @ params[-1]["w"] + params[-1]["b"], labels)


def step(params: Any, x: Any, labels: Any) -> Any:
    value, grads = fnad.value_and_grad(loss)(params, x, labels)
    return value, tree.map(lambda p, g: p - np.float32(0.1) * g, params, grads)


def parameters(*sizes: int) -> Any:
    return [{"b": normal(n), "w": normal(m, n) / m} for m, n in zip(sizes, sizes[1:])]


def body(carry: Any, x: Any) -> Any:
    carry = np.sin(carry) @ x + carry
    return carry, np.sum(carry)


def labels_of(rows: int, classes: int = 10) -> np.ndarray:
    return DRAW.integers(0, classes, rows)


FUNCTIONS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "chain": (lambda x: np.exp(-x * x) + np.log1p(np.abs(x)), (normal(1003),)),
    "in two directions": (lambda x, y: x.T * 2 + y, (normal(70, 90), normal(70))),
    "sums": (three_sums, (normal(40, 9, 31),)),
    "sums in float64": (three_sums, (normal(40, 9, 31, dtype="float64"),)),
    "extremes": (extremes, (normal(64, 33),)),
    "losses": (losses, (normal(70, 10), labels_of(70))),
    "places": (places, (normal(30, 200), DRAW.integers(-30, 30, 500))),
    "tall products": (products, (normal(131, 40), normal(40, 60))),
    "wide products": (products, (normal(50, 40), normal(40, 150))),
    "products in float64": (products, (normal(50, 40, dtype="float64"), normal(40, 150, dtype="float64"))),
    "integer products": (np.matmul, (DRAW.integers(-9, 9, (50, 20)), DRAW.integers(-9, 9, (20, 60)))),
    "random numbers": (lambda key: fnad.random.normal(key, (999,)), (fnad.random.key(0),)),
    "a loop": (lambda c, xs: fnad.scan(body, c, xs), (normal(48, 48), normal(3, 48, 48))),
    "a step with the digits": (step, (parameters(64, 128, 128, 10), normal(128, 64), labels_of(128))),
    "a larger step": (step, (parameters(196, 256, 64, 10), normal(96, 196), labels_of(96))),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_any_number_of_threads_gives_the_same_bits(name: str, small_work_is_divided: None) -> None:
    function, args = FUNCTIONS[name]
    assert divided(compiled_of(function, *args))
    compiled, results = fnad.jit(function), []
    for count in COUNTS:
        start_threads(count)
        results += [tree.leaves(compiled(*args)) for _ in range(5)]
    expected = [np.asarray(leaf) for leaf in tree.leaves(function(*args))]
    for found in results:
        for got, first, want in zip(found, results[0], expected, strict=True):
            assert got.tobytes() == first.tobytes()
            tolerance = 1e-4 if got.dtype == np.float32 else 1e-9
            np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def test_other_chunks_would_give_other_bits(monkeypatch: pytest.MonkeyPatch, small_work_is_divided: None) -> None:
    """So the equality above is not a matter of course."""
    arrays = [normal(5000) for _ in range(20)]
    fine = compiled_of(np.sum, arrays[0])
    monkeypatch.setattr(chunks, "CHUNKS", 7)
    coarse = compiled_of(np.sum, arrays[0])
    assert any([fine([x]) != coarse([x]) for x in arrays])


def test_a_new_size_compiles_nothing_though_it_is_divided(small_work_is_divided: None) -> None:
    args = parameters(20, 150, 10), normal(64, 20), labels_of(64)
    compiled_of(step, *args)
    assert compiled_of(step, args[0], normal(200, 20), labels_of(200)).kernels.compiled == 0


# --- what is divided --------------------------------------------------------------------------


def test_small_work_is_not_divided() -> None:
    args = parameters(10, 5, 1), normal(100, 10), labels_of(100, 1)
    assert divided(compiled_of(step, *args)) == []
    assert divided(compiled_of(three_sums, normal(40, 9, 31))) == []


def test_large_work_is_divided(capsys: pytest.CaptureFixture) -> None:
    compiled = compiled_of(lambda x: np.sum(np.tanh(x) @ x), np.ones((256, 256), np.float32))
    assert [launch.label for launch in divided(compiled)] == ["tanh", "matmul"]
    fnad.explain(lambda x: x @ x)(np.ones((256, 256)))
    assert "matmul over 256 in chunks of 64" in capsys.readouterr().out


@given(st.integers(1, 10**7), st.floats(0.01, 1e6), st.sampled_from([1, 8, 64]))
def test_chunks_are_few_and_no_less_than_the_range(extent: int, each: float, unit: int) -> None:
    chunk = chunks.chunk_of(extent, each, unit)
    assert 0 <= chunk < extent
    if chunk:
        assert -(-extent // chunk) <= MOST_CHUNKS
        assert extent * each >= chunks.LEAST
        assert chunk * each >= chunks.PORTION


def test_empty_work_is_not_divided(small_work_is_divided: None) -> None:
    x, y = np.ones((5, 0, 300)), np.ones((5, 300, 3000))
    compiled = compiled_of(lambda x, y: (x @ y, np.sum(x * 2, axis=1), np.sum(x)), x, y)
    assert divided(compiled) == []
    for got, want in zip(compiled([x, y]), (x @ y, np.zeros((5, 300)), 0.0), strict=True):
        np.testing.assert_array_equal(got, want)


# --- failures ---------------------------------------------------------------------------------


@pytest.mark.parametrize("count", COUNTS)
def test_the_first_index_out_of_bounds_is_told(count: int, small_work_is_divided: None) -> None:
    start_threads(count)
    x, rows = normal(30, 20), np.zeros(600, np.int64)
    rows[[599, 311, 40, 350]] = 99, 77, 55, -31
    gather = compiled_of(lambda x, rows: x[rows], x, rows)
    assert divided(gather)
    for _ in range(20):
        with pytest.raises(IndexError, match="index 55 is out of bounds for axis 0 with size 30"):
            gather([x, rows])
    np.testing.assert_array_equal(gather([x, rows % 30])[0], x[rows % 30])


FAILING = Kernel("failing", "def kernel(buffers, params, lo, hi):\n    return lo if lo >= params[0] else 0\n")


@pytest.mark.parametrize("count", COUNTS)
def test_the_first_chunk_that_fails_decides(count: int) -> None:
    start_threads(count)
    for first in (1, 150, 975):
        failing = link(Plan((), (), (), 0, (Launch(FAILING, (first,), 1000, "failing", 20),)))
        for _ in range(20):
            with pytest.raises(KernelError) as caught:
                failing([], [])
            assert caught.value.status == -(-first // 20) * 20


def test_more_chunks_than_the_pool_has_room_for_are_run_all_the_same() -> None:
    start_threads(3)
    failing = link(Plan((), (), (), 0, (Launch(FAILING, (990,), 1000, "failing", 2),)))
    for _ in range(20):
        with pytest.raises(KernelError) as caught:
            failing([], [])
        assert caught.value.status == 990


# --- many callers -----------------------------------------------------------------------------


def together(work: Callable[[int], None], callers: int = 6) -> None:
    """Run `work` on many threads at once; an error in any of them is the test's."""
    barrier, errors = threading.Barrier(callers), []

    def run(number: int) -> None:
        barrier.wait()
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    running = [threading.Thread(target=run, args=(number,)) for number in range(callers)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    if errors:
        raise errors[0]


def test_many_callers_of_the_same_and_of_other_functions(small_work_is_divided: None) -> None:
    start_threads(3)
    x = normal(40, 9, 31)
    common = fnad.jit(three_sums)
    own = [fnad.jit(lambda x, k=k: np.sum(np.cos(x) * k, axis=0)) for k in range(6)]
    found: list[list[Any]] = [[] for _ in range(6)]

    def work(number: int) -> None:
        for _ in range(60):  # the first of them compiles
            found[number].append((*common(x), own[number](x)))

    together(work)
    fnad.set_num_threads(1)
    for number, results in enumerate(found):
        expected = (*common(x), own[number](x))
        for result in results:
            assert all([a.tobytes() == b.tobytes() for a, b in zip(result, expected, strict=True)])


def test_the_number_of_threads_changes_while_others_call(small_work_is_divided: None) -> None:
    x = normal(2000)
    function = fnad.jit(lambda x: np.sum(np.sin(x)))
    expected = function(x).tobytes()

    def work(number: int) -> None:
        for k in range(100):
            if number == 0:
                fnad.set_num_threads(1 + k % 4)
            assert function(x).tobytes() == expected

    together(work)


def test_where_no_thread_can_be_started_the_caller_does_it_all(
    monkeypatch: pytest.MonkeyPatch, small_work_is_divided: None
) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    x = normal(2000)
    compiled = compiled_of(np.sum, x)
    fnad.set_num_threads(1)
    expected = compiled([x])[0].tobytes()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    fnad.set_num_threads(4)
    assert compiled([x])[0].tobytes() == expected
    assert threads._pool().workers == []


# --- forks and the end of a process -----------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own(small_work_is_divided: None) -> None:
    start_threads(3)
    x = normal(3000)
    compiled = compiled_of(lambda x: np.sum(np.sin(x)), x)
    expected = compiled([x])[0].tobytes()

    def check() -> bool:
        assert threads._pool().workers == []
        same = all([compiled([x])[0].tobytes() == expected for _ in range(50)])
        alive = [worker.is_alive() for worker in threads._pool().workers]
        fnad.set_num_threads(1)
        return same and alive == [True, True] and compiled([x])[0].tobytes() == expected

    for _ in range(3):
        in_child(check)
        assert compiled([x])[0].tobytes() == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_a_fork_while_the_pool_works(small_work_is_divided: None) -> None:
    start_threads(3)
    x = normal(3000)
    compiled = compiled_of(lambda x: np.sum(np.sin(x)), x)
    expected = compiled([x])[0].tobytes()
    stop = threading.Event()

    def call_on() -> None:
        while not stop.is_set():
            compiled([x])

    caller = threading.Thread(target=call_on)
    caller.start()
    try:
        for _ in range(5):
            in_child(lambda: all([compiled([x])[0].tobytes() == expected for _ in range(20)]))
    finally:
        stop.set()
        caller.join()


SCRIPT = """
import threading
import numpy as np
import fnad
assert threading.active_count() == 1
add_one = fnad.jit(lambda x: x + 1)
add_one(np.ones(3))
assert threading.active_count() == 1
double = fnad.jit(lambda x: x @ x)
x = np.ones((300, 300))
assert (double(x) == 300).all()
assert threading.active_count() == fnad.get_num_threads() == 3, threading.enumerate()
assert (double(x) == 300).all()
"""


def test_threads_start_when_they_are_needed_and_let_the_process_end() -> None:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT], env={**os.environ, "FNAD_NUM_THREADS": "3"}, capture_output=True, text=True,
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, "")


# --- how many ---------------------------------------------------------------------------------


def test_the_number_of_threads_is_what_was_set() -> None:
    for count in (2, np.int64(5), 256, 1):
        fnad.set_num_threads(count)
        assert fnad.get_num_threads() == count and type(fnad.get_num_threads()) is int


@pytest.mark.parametrize("wrong", [0, -1, 257])
def test_a_number_out_of_range_is_an_error(wrong: int) -> None:
    expected = rf"^set_num_threads: requires a number from 1 to 256, got {wrong}\. Pass one such as 2\."
    with pytest.raises(ValueError, match=expected):
        fnad.set_num_threads(wrong)


@pytest.mark.parametrize("wrong", [1.5, "2", None, True])
def test_what_is_no_integer_is_an_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"^set_num_threads: requires an integer, got {wrong!r}"):
        fnad.set_num_threads(wrong)


def usable() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.mark.parametrize(
    ("variables", "count"),
    [
        ({}, usable()), ({"OMP_NUM_THREADS": "1"}, 1), ({"OMP_NUM_THREADS": "1,4"}, 1),
        ({"OMP_NUM_THREADS": "x"}, usable()),
        ({"OMP_NUM_THREADS": "100000"}, usable()), ({"OMP_NUM_THREADS": "1", "FNAD_NUM_THREADS": "7"}, 7),
    ],
)
def test_the_environment_decides_how_many_there_are(
    variables: dict[str, str], count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("FNAD_NUM_THREADS", "OMP_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert threads.default_threads() == count


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity here")
def test_affinity_decides_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FNAD_NUM_THREADS", raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert threads.default_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize("wrong", ["0", "many", "-2", "257"])
def test_a_wrong_variable_is_an_error(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FNAD_NUM_THREADS", wrong)
    with pytest.raises(ValueError, match=f"^FNAD_NUM_THREADS: requires a number from 1 to 256, got '{wrong}'"):
        threads.default_threads()
