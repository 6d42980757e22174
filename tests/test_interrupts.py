"""Exceptions that arrive at any time: the next call works and is right, and nothing is left as it should not be."""

from __future__ import annotations

import itertools
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import errors
from fnad.errors import PACKAGE
from fnad.interpreter import evaluate
from fnad.memo import kept
from fnad.shield import renewed, undisturbed
from fnad.tracing import state

from tests.profiles import is_deep

X = np.linspace(0.5, 2.0, 4)
FUNCTIONS = np.array, np.zeros, np.sum, math.sin


class Alarm(BaseException):
    """What is thrown in, past every ``except Exception``."""


def staged_in_many_ways() -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """A function that takes most of what stages and compiles, made afresh and cold, and what it comes to."""

    @fnad.custom_vjp
    def halved(x: Any) -> Any:
        return x / 2.0

    halved.defvjp(lambda x: (halved(x), None), lambda _, g: (g / 2.0,))
    inner = fnad.jit(lambda x: np.tanh(x) * x)

    def loss(x: Any) -> Any:
        own = np.zeros(4)
        own[1:] = x[0] * math.sin(0.5)
        y = halved(inner(x)) + np.sin(x) + own
        if np.sum(y) > 0.0:
            y = y * 2.0
        total, _ = fnad.scan(lambda c, v: (c * 0.5 + v, None), np.zeros(()), y)
        x = fnad.checkpoint(lambda v: v * v)(x)
        return total + fnad.cond(total > 0.0, lambda v: np.sum(v), lambda v: -np.sum(v), x)

    return fnad.jit(fnad.value_and_grad(loss)), fnad.value_and_grad(loss)


def events(happens: Callable[[int], None]) -> Callable[[FrameType, str, Any], None]:
    """A profiler that counts the moments in the library's code at which Python looks for interrupts: when a function
    begins, and when a call has returned."""
    count = itertools.count()

    def profile(frame: FrameType, event: str, _: Any) -> None:
        if event != "c_call" and event != "c_exception" and frame.f_code.co_filename.startswith(PACKAGE):
            happens(next(count))

    return profile


def interrupted(work: Callable[[], Any], at: int) -> bool:
    """Whether work came to the moment at which an exception is raised."""

    def happens(number: int) -> None:
        if number == at:
            raise Alarm

    try:
        sys.setprofile(events(happens))
        work()
    except Alarm:
        return True
    finally:
        sys.setprofile(None)
    return False


def moments(work: Callable[[], Any]) -> int:
    """How many there are."""
    seen = [0]

    def happens(number: int) -> None:
        seen[0] = number

    sys.setprofile(events(happens))
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen[0] + 1


def require_all_as_before(quiet: Any) -> None:
    """Nothing is being staged or watched, and NumPy's settings are those from before."""
    assert not state.is_staging() and not state.is_recording() and state.thread.enclosing is None
    assert not evaluate.is_watched()
    assert np.geterr() == quiet
    assert all([f is g for f, g in zip((np.array, np.zeros, np.sum, math.sin), FUNCTIONS)])


def test_an_interrupt_at_any_moment_of_staging() -> None:
    f, plain = staged_in_many_ways()
    expected = plain(X)
    other = fnad.jit(lambda x: x * 3.0)
    f(X)  # so that kernels are compiled, and modules imported
    total, before = moments(lambda: staged_in_many_ways()[0](X)), np.geterr()
    count = 2000 if is_deep() else 40
    for at in np.linspace(0, total - 1, count).astype(int):
        f, plain = staged_in_many_ways()
        assert interrupted(lambda: f(X), int(at)) or at > total * 0.9, f"at {at} of {total}"
        require_all_as_before(before)
        np.testing.assert_allclose(f(X)[1], expected[1], rtol=1e-13, err_msg=f"at {at} of {total}")
        np.testing.assert_array_equal(other(X), X * 3.0)
        np.testing.assert_allclose(plain(X)[1], expected[1], rtol=1e-13)


class Told(Exception):
    """A user's own."""


@pytest.mark.parametrize("error", [
    KeyboardInterrupt, SystemExit, GeneratorExit, MemoryError, RecursionError, Told, StopIteration, Alarm, UserWarning,
])
def test_what_user_code_raises_while_it_is_staged(error: type[BaseException]) -> None:
    raising = [True]

    def trouble(*_: Any) -> None:
        if raising[0]:
            raise error("trouble")

    def through(x: Any) -> Any:
        trouble()
        return x * 2.0

    def called_back(x: Any) -> Any:
        fnad.debug.callback(trouble, x)
        return x * 2.0

    @fnad.custom_vjp
    def forward(x: Any) -> Any:
        return x * 2.0

    @fnad.custom_vjp
    def backward(x: Any) -> Any:
        return x * 2.0

    forward.defvjp(lambda x: (through(x), None), lambda _, g: (2.0 * g,))
    backward.defvjp(lambda x: (x * 2.0, None), lambda _, g: (through(g),))
    total = lambda f: lambda x: np.sum(f(x))  # noqa: E731
    scanned = lambda f: lambda x: fnad.scan(lambda c, v: (c, f(v)), 0.0, x)[1]  # noqa: E731
    branched = lambda f: lambda x: fnad.cond(np.sum(x) > 0.0, f, lambda v: v, x)  # noqa: E731
    batched = lambda f: lambda x: fnad.vmap(f)(np.stack([x, x]))[0]  # noqa: E731
    functions = through, called_back, scanned(through), branched(through), fnad.checkpoint(through)
    calls = [(wrapped(f), 2.0 * X) for f in functions for wrapped in (fnad.jit, batched)]
    calls += [(fnad.grad(total(f)), np.full(4, 2.0)) for f in (*functions, forward, backward)]
    calls += [(fnad.jit(call), expected) for call, expected in calls]
    before, raised = np.geterr(), []
    for k, (call, expected) in enumerate(calls):
        raising[0] = True
        try:
            call(X)
        except BaseException as caught:
            assert isinstance(caught, (error, RuntimeError)) and "trouble" in str(caught)
            raised.append(k)
        raising[0] = False
        require_all_as_before(before)
        np.testing.assert_array_equal(call(X), expected)
    assert raised == list(range(len(calls)))


# --- In processes of their own

MAKE = """
import os, random, signal, sys, threading, time
import numpy as np, fnad
from fnad import errors
from fnad.tracing import state

OPERATIONS = [np.sin, np.cos, np.tanh, np.exp, np.arctan, np.square, np.abs, np.log1p, np.cosh, np.sqrt, np.cbrt]
X = np.linspace(0.1, 1.0, 7)

def fresh(chance, count=6):
    chosen = [chance.choice(OPERATIONS) for _ in range(count)]
    def f(x):
        for operation in chosen:
            x = operation(np.abs(x) * 0.3)
        return np.sum(x * x)
    return f

def require_right(f, jitted):
    np.testing.assert_allclose(jitted(X), fnad.grad(f)(X), rtol=1e-9)
"""


def run(script: str, folder: Path, *arguments: Any, timeout: float = 60.0) -> str:
    """What a script prints, in a process of its own with an empty cache; one that hangs or fails is an error."""
    environment = {**os.environ, "FNAD_CACHE_DIR": str(folder / "cache"), "FNAD_NUM_THREADS": "2"}
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(PACKAGE).parent), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-W", "ignore", "-c", MAKE + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no timers")
def test_signals_while_functions_are_compiled(tmp_path: Path) -> None:
    rounds = 100 if is_deep() else 3
    printed = run("""
signal.signal(signal.SIGALRM, signal.default_int_handler)
chance, hits = random.Random(0), 0
for k in range(int(sys.argv[1])):
    f = fresh(chance)
    jitted = fnad.jit(fnad.grad(f))
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.001, 0.5 if k == 0 else 0.1))
        jitted(X)
        time.sleep(1.0)
    except KeyboardInterrupt:
        hits += 1
    assert not state.is_staging()
    require_right(f, jitted)
print(hits)
""", tmp_path, rounds, timeout=20.0 * rounds)
    assert int(printed) == rounds


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_forks_while_other_threads_compile(tmp_path: Path) -> None:
    forks = 60 if is_deep() else 2
    printed = run("""
product = fnad.jit(lambda a: np.sum(np.tanh(a @ a)))
guarded = fnad.jit(lambda x, n: x * 2.0 if n < 1 else x * n if n < 30 else x - n)
A = np.full((400, 400), 0.001)
product(A)

def work(seed):
    chance = random.Random(seed)
    while True:
        f = fresh(chance)
        fnad.jit(fnad.grad(f))(X), product(A), guarded(X, chance.randrange(40))

for seed in (1, 2):
    threading.Thread(target=work, args=(seed,), daemon=True).start()
chance, good = random.Random(0), 0
for k in range(int(sys.argv[1])):
    time.sleep(chance.uniform(0.0, 0.2))
    child = os.fork()
    if child == 0:
        try:
            signal.alarm(60)
            f = fresh(chance)
            require_right(f, fnad.jit(fnad.grad(f)))
            np.testing.assert_array_equal(guarded(X, 7), X * 7)
            np.testing.assert_allclose(product(A), np.sum(np.tanh(A @ A)))
            os._exit(0)
        finally:
            os._exit(1)
    good += os.waitpid(child, 0)[1] == 0
print(good)
""", tmp_path, forks, timeout=90.0 + 10.0 * forks)
    assert int(printed) == forks


@pytest.mark.parametrize("seed", range(20 if is_deep() else 1))
def test_a_process_ends_while_threads_are_inside_of_calls(seed: int, tmp_path: Path) -> None:
    printed = run("""
import atexit

chance = random.Random(int(sys.argv[1]))
loop = fnad.jit(lambda x: fnad.fori_loop(0, 10 ** 12, lambda i, c: c * 0.999 + 1.0, x))
product = fnad.jit(lambda a: np.sum(a * a))
waiting = fnad.jit(lambda x: (fnad.debug.callback(time.sleep, 10 ** 6), x)[1])
A = np.full(10 ** 5, 0.001)  # much enough to be split among threads

def compile_on():
    while True:
        fnad.jit(fresh(chance, 1))(X)
        time.sleep(0.01)  # else nobody else would ever get to the compiler

def multiply_on():
    while True:
        product(A)

product(A)
atexit.register(lambda: print(float(fnad.jit(lambda x: np.sum(np.sinh(x) + 7.0))(np.zeros(3)))))
for target in (lambda: loop(X), multiply_on, lambda: waiting(1.0), compile_on):
    threading.Thread(target=target, daemon=True).start()
time.sleep(chance.uniform(0.0, 0.6))
fnad.jit(fresh(chance, 1), background=True)(X)
""", tmp_path, seed, timeout=240.0)
    assert float(printed) == 21.0


@pytest.mark.parametrize("seed", range(40 if is_deep() else 2))
def test_a_process_ends_while_threads_work_with_pytrees(seed: int, tmp_path: Path) -> None:
    run("""
from fnad import tree
chance = random.Random(int(sys.argv[1]))

class Node:
    def __init__(self, children):
        self.children = children

tree.register(Node, lambda node: (node.children, None), lambda _, children: Node(list(children)))
nested = {str(i): [Node([1.0, (2.0, {"z": 3.0})]), 4.0] for i in range(20)}
structure = tree.structure(nested)
works = [
    lambda: tree.leaves(nested), lambda: tree.map(lambda x: x, nested), lambda: tree.paths(structure),
    lambda: tree.broadcast_prefix(0, nested), lambda: tree.unflatten(structure, range(60)),
    lambda: fnad.grad(lambda t: t["0"][1] * 2.0)(nested), lambda: tree.flatten_like("f", structure, nested),
]

def work_on(work):
    while True:
        work()

for _ in range(4):
    threading.Thread(target=work_on, args=(chance.choice(works),), daemon=True).start()
time.sleep(chance.uniform(0.0, 0.1))
threading.excepthook = lambda told: os._exit(3)  # a thread that is made to fail by the end of the process
""", tmp_path, seed)


class Slow:
    """A node of pytrees that takes its time."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_what_a_child_could_not_do_without() -> None:
    going, left = threading.Event(), []
    lock = renewed(threading.Lock())

    def flattened(_: Slow) -> tuple[tuple[()], None]:
        going.set()
        time.sleep(0.2)
        return (), None

    def work() -> None:
        fnad.tree.leaves(Slow())
        left.append(True)

    class Holder:
        @kept
        def slow(self) -> float:
            going.set()
            time.sleep(0.2)
            return 3.0

    fnad.tree.register(Slow, flattened, lambda _, __: Slow())
    holder = Holder()
    for wait, is_there in [
        (work, lambda: left == [True]), (lambda: holder.slow, lambda: holder.slow == 3.0),
        (lambda: lock.acquire() and going.set(), lambda: lock.acquire(timeout=0.0)),
    ]:
        going.clear()
        helper = threading.Thread(target=wait)
        helper.start()
        assert going.wait(60)
        child = os.fork()
        if child == 0:
            os._exit(0 if is_there() else 1)
        assert os.waitpid(child, 0)[1] == 0
        helper.join()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Python's own handler, also where the process was started with interrupts ignored, as in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c")
def test_work_that_is_shielded_is_finished() -> None:
    going, go_on, done = threading.Event(), threading.Event(), []

    def work() -> None:
        going.set()
        assert go_on.wait(60)
        done.append(True)

    def interrupt() -> None:
        going.wait(60)
        os.kill(os.getpid(), signal.SIGINT)

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        undisturbed(work)
    helper.join()
    go_on.set()
    assert undisturbed(lambda: list(done)) == [True]  # which has waited for it
    with pytest.raises(Told):
        undisturbed(lambda: exec("raise error", {"error": Told()}))


def test_a_warning_of_shielded_work_names_the_line_of_the_call() -> None:
    with pytest.warns(RuntimeWarning, match="look") as caught:
        undisturbed(errors.warn, "look here")
    assert caught[0].filename == __file__
