"""Loops and branches compiled give what they give interpreted, and write only what is theirs."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import fnad
import numpy as np
import pytest
from fnad.compiler.compile import Compiled, compile_program
from fnad.compiler.passes import control
from fnad.compiler.report import describe
from fnad.control.loops import while_p
from fnad.control.scan_rules import scan_p
from fnad.control.switch import switch_p
from fnad.interpreter.evaluate import evaluate
from fnad.ir.program import Program, filled
from fnad.ir.types import ArrayType
from fnad.ops.contractions import matmul
from fnad.ops.dense import relu_backward_sum
from fnad.ops.elementwise import add, convert, lt, maximum, minimum, mul, sub
from fnad.ops.indexing import gather, scatter
from fnad.ops.losses import mse_with_gradient
from fnad.ops.reductions import argmax, cumsum, recurrence, reduce_logsumexp, reduce_max, reduce_norm
from fnad.ops.shaping import broadcast, flip, reduce_sum, reshape, transpose
from fnad.random.bits import UINT32, random_bits
from fnad.random.noise import normal_noise
from fnad.runtime.plan import Copy, HostStep, Launch, Scan, While, walk
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.compiler.random_programs import SHAPE, functions, numbers

LENGTHS = [0, 1, 2, 3, 5]


def program_of(function: Callable[..., Any], *args: Any) -> Program:
    return fnad.make_program(function)(*map(np.asarray, args))


def compiled_alike(function: Callable[..., Any], *args: Any) -> Compiled:
    """Compile a function and compare what it gives, in two calls, with its NumPy meaning."""
    arrays = list(map(np.asarray, args))
    kept = [x.copy() for x in arrays]
    program = program_of(function, *arrays)
    compiled, expected = compile_program(program), evaluate(program, arrays)
    for _ in range(2):
        results = compiled(arrays)
        for got, want in zip(results, expected, strict=True):
            np.testing.assert_array_equal(got, want)
            assert got.dtype == want.dtype and not any(np.shares_memory(got, x) for x in arrays)
        assert len({id(r) for r in results}) == len(results)
    for x, original in zip(arrays, kept):
        np.testing.assert_array_equal(x, original)
    return compiled


def scanned(
    body: Callable[..., Any], *args: Any, constants: int = 0, carries: int, length: int, reverse: bool = False
) -> Any:
    """A scan of a function, staged on arrays like the arguments."""
    first = constants + carries
    types = [np.zeros(x.shape, x.dtype) for x in args[:first]] + [np.zeros(x.shape[1:], x.dtype) for x in args[first:]]
    program = program_of(body, *types)
    return scan_p(*args, body=program, constants=constants, carries=carries, length=length, reverse=reverse)


def looped(
    condition: Callable[..., Any], body: Callable[..., Any], *args: Any, asked: int = 0, constants: int = 0
) -> Any:
    """A while_loop of functions, staged on arrays like the arguments."""
    like = [np.zeros(x.shape, x.dtype) for x in args]
    return while_p(
        *args, condition=program_of(condition, *like[:asked], *like[asked + constants :]),
        body=program_of(body, *like[asked:]), condition_constants=asked, body_constants=constants,
    )


def switched(index: Any, branches: Sequence[Callable[..., Any]], *args: Any) -> Any:
    like = [np.zeros(x.shape, x.dtype) for x in args]
    return switch_p(index, *args, branches=tuple([program_of(branch, *like) for branch in branches]))


def found(compiled: Compiled, kind: type) -> list[Any]:
    return [i for i, _ in walk(compiled.plan) if isinstance(i, kind)]


# --- scan


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("reverse", [False, True])
def test_carries_that_change_places(length: int, reverse: bool) -> None:
    def body(k: Any, a: Any, b: Any, x: Any) -> Any:
        return b, add(add(a, b), mul(x, k)), a

    compiled_alike(
        lambda *args: scanned(body, *args, constants=1, carries=2, length=length, reverse=reverse),
        3.0, 1.0, 2.0, np.arange(float(length)),
    )


@pytest.mark.parametrize("length", LENGTHS)
def test_a_carry_that_cannot_be_written_in_place_takes_turns(length: int) -> None:
    def body(c: Any, x: Any) -> Any:
        return add(flip(c, axes=(0,)), x), c

    compiled = compiled_alike(
        lambda c, xs: scanned(body, c, xs, carries=1, length=length), np.arange(3.0), numbers(0, length, 3)
    )
    assert len(found(compiled, Copy)) == (length == 0)
    assert [len(scan.double_buffers) for scan in found(compiled, Scan)] == [length > 1] * (length > 0)


def test_a_carry_is_written_in_place_and_copied_once() -> None:
    def body(buffer: Any, i: Any) -> Any:
        index = reshape(i, shape=(1,))
        old = gather(buffer, index)
        return scatter(buffer, convert(add(index, 10), dtype=np.dtype(float)), index, mode="set"), old

    def loop(buffer: Any, order: Any) -> Any:
        return scanned(body, buffer, order, carries=1, length=4)

    compiled = compiled_alike(loop, np.arange(6.0), np.array([2, 0, 2, 5]))
    assert len(found(compiled, Copy)) == 1 and not found(compiled, Scan)[0].double_buffers
    assert not found(compile_program(program_of(loop, np.zeros(6), np.zeros(4, int)), donated=[0]), Copy)
    # A temporary that dies with the loop is written over, one that is read afterwards is not.
    assert not found(compiled_alike(lambda x, i: loop(mul(x, 2.0), i), np.arange(6.0), np.arange(4)), Copy)

    def read_again(x: Any, i: Any) -> Any:
        y = mul(x, 2.0)
        last, stacked = loop(y, i)
        return add(last, y), stacked

    assert len(found(compiled_alike(read_again, np.arange(6.0), np.arange(4)), Copy)) == 1


def test_an_operand_of_two_carries_and_of_both_a_carry_and_a_constant() -> None:
    def body(k: Any, a: Any, b: Any) -> Any:
        return mul(a, k), add(b, add(a, k))

    def function(x: Any) -> Any:
        y = add(x, 1.0)
        return scanned(body, y, y, y, constants=1, carries=2, length=3)

    compiled_alike(function, np.arange(3.0))


def test_a_carry_whose_memory_another_result_could_take() -> None:
    def body(a: Any, b: Any) -> Any:
        return mul(b, 2.0), flip(add(a, 1.0), axes=(0,)), add(a, b)

    compiled_alike(lambda a, b: scanned(body, a, b, carries=2, length=3), np.arange(3.0), np.ones(3))


@pytest.mark.parametrize("reverse", [False, True])
def test_slices_are_read_and_written_where_they_lie(reverse: bool) -> None:
    def function(c: Any, xs: Any, column: Any) -> Any:
        operands = [flip(xs, axes=(0,)), transpose(xs, perm=(1, 0, 2)), broadcast(column, shape=(3, 2), dims=(1,))]
        return scanned(
            lambda c, x, y, z: (add(c, reduce_sum(x, axes=(0, 1))), add(x, broadcast(z, shape=(3, 2), dims=(1,))), y),
            c, *operands, carries=1, length=3, reverse=reverse,
        )

    compiled = compiled_alike(function, 1.0, numbers(1, 3, 3, 2), np.arange(2.0))
    # Only the transposed stack moves, as a result.
    assert len([i for i in compiled.plan.instructions if isinstance(i, Launch)]) <= 2


@pytest.mark.parametrize("shape", [(0,), (2, 0), (0, 3)])
def test_empty_arrays(shape: tuple[int, ...]) -> None:
    compiled_alike(
        lambda c, xs: scanned(lambda c, x: (mul(c, x), add(c, x)), c, xs, carries=1, length=3),
        np.ones(shape), np.ones((3, *shape)),
    )


DTYPES = ["bool", "int8", "uint16", "int64", "float16", "float32", "complex64", "longdouble", "clongdouble"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes(dtype: str) -> None:
    xs = np.arange(4).astype(dtype)
    compiled_alike(
        lambda a, b, xs: scanned(lambda a, b, x: (b, x, a), a, b, xs, carries=2, length=4), xs[1], xs[2], xs
    )


# --- while_loop and switch


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 6])
def test_while_loops(steps: int) -> None:
    compiled = compiled_alike(
        lambda limit, k, i, x, y: looped(
            lambda limit, i, x, y: lt(i, limit),
            lambda k, i, x, y: (add(i, 1), mul(flip(x, axes=(0,)), k), y),
            limit, k, i, x, y, asked=1, constants=1,
        ),
        steps, np.full(3, 2.0), 0, np.arange(3.0), np.ones(2),
    )
    (loop,) = found(compiled, While)
    assert len(loop.double_buffers) == 1 and "while_loop" in describe(compiled)


@pytest.mark.parametrize("length", [4094, 4095, 4096, 4097, 10_000])
def test_long_loops_pause_and_go_on(length: int) -> None:
    compiled_alike(
        lambda c, i: [
            scanned(lambda c: add(c, 1), c, carries=1, length=length),
            looped(lambda i: lt(i, length), lambda i: add(i, 1), i),
        ],
        np.array(0), np.array(0),
    )


@pytest.mark.parametrize("dtype", ["bool", *[f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32, 64)]])
def test_the_index_of_a_switch_is_clamped(dtype: str) -> None:
    branches = [lambda x: mul(x, 2.0), lambda x: x, lambda x: flip(x, axes=(0,))]
    x = np.arange(4.0)
    type = np.dtype(dtype)
    compiled = compile_program(program_of(lambda i, x: switched(i, branches, x), np.zeros((), type), x))
    limits = [] if dtype == "bool" else [np.iinfo(type).min, np.iinfo(type).max, 2, 3]
    for index in [0, 1, *limits]:
        expected = [2 * x, x, x[::-1]][min(max(index, 0), 2)]
        np.testing.assert_array_equal(compiled([np.array(index, type), x])[0], expected)


def test_a_switch_whose_index_is_known_is_its_branch() -> None:
    index, branches = filled(-7, ArrayType((), np.dtype(np.int64))), [lambda x: add(x, 1.0), lambda x: mul(x, 2.0)]
    compiled = compiled_alike(lambda x: switched(index, branches, add(x, 1.0)), np.arange(3.0))
    assert "switch" not in describe(compiled)


def test_what_all_branches_give_back_is_known() -> None:
    branches = [lambda x, y: (x, add(y, 1.0), y), lambda x, y: (x, y, y)]
    compiled = compiled_alike(lambda i, x, y: switched(i, branches, x, y), 1, np.ones(2), np.zeros(3))
    (eqn,) = [e for e in compiled.program.equations if e.primitive is switch_p]
    assert len(eqn.inputs) == 2 and len(eqn.outputs) == 1


def test_a_branch_writes_in_place_what_the_other_leaves_as_it_is() -> None:
    def write(buffer: Any, i: Any) -> Any:
        half = broadcast(mul(reduce_sum(buffer, axes=(0,)), 0.5), shape=(1,), dims=())
        return scatter(buffer, half, reshape(i, shape=(1,)), mode="set")

    def loop(buffer: Any, order: Any) -> Any:
        return scanned(
            lambda b, i: switched(lt(i, 3), [lambda b, i: b, write], b, i), buffer, order, carries=1, length=4
        )

    compiled = compiled_alike(loop, np.arange(6.0), np.array([5, 0, 4, 2]))
    assert [type(i) for i, _ in walk(compiled.plan)][:2] == [Copy, Scan] and len(found(compiled, Copy)) == 1
    assert "copy" not in {launch.label for launch in found(compiled, Launch)}

    def read_again(buffer: Any, i: Any) -> Any:
        buffer = mul(buffer, 2.0)
        return switched(lt(i, 3), [lambda b, i: b, write], buffer, i), buffer

    compiled_alike(read_again, np.arange(6.0), 1)
    swaps = [lambda b, c: (b, c), lambda b, c: (c, b)]
    compiled_alike(lambda b, c, i: switched(lt(i, 3), swaps, b, c), np.ones(2), np.zeros(2), 5)


# --- Loops and branches in each other


def nested(x: Any, xs: Any) -> Any:
    def halve(total: Any) -> Any:
        return looped(lambda t: lt(np.float64(3.0), t), lambda t: mul(t, 0.5), total)

    def sums(c: Any, row: Any) -> Any:
        return scanned(lambda c, e: (add(mul(c, 0.5), e), add(c, e)), c, row, carries=1, length=row.shape[0])

    def step(c: Any, row: Any) -> Any:
        total, parts = sums(c, row)
        smaller = halve(total)
        index = convert(lt(total, 1.0), dtype=np.dtype(np.int32))
        return switched(index, [lambda s, p: (s, p), lambda s, p: sums(s, p)], smaller, parts)

    return scanned(step, x, xs, carries=1, length=xs.shape[0])


def test_loops_and_branches_in_each_other() -> None:
    compiled = compiled_alike(nested, 2.0, numbers(2, 5, 3))
    text = describe(compiled)
    for words in ("scan of 5 steps", "scan of 3 steps", "while_loop", "condition:", "switch of 2", "branch 1:"):
        assert words in text
    assert not found(compiled, HostStep)


def test_calls_from_threads_have_frames_of_their_own() -> None:
    program = program_of(nested, 2.0, np.ones((200, 3)))
    compiled = compile_program(program)
    inputs = [[np.array(float(k)), numbers(k, 200, 3)] for k in range(4)]
    expected = [evaluate(program, arrays) for arrays in inputs]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(50):
            results = compiled(inputs[k])
            if any(not np.array_equal(got, want) for got, want in zip(results, expected[k])):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- Python and errors inside of loops


class Ordering:
    """A function in Python, which may be made to fail."""

    failing = 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        self.failing -= 1
        if self.failing == 0:
            raise ZeroDivisionError("once")
        return np.argsort(x, kind="stable").astype(float)


ordering = Ordering()
order = fnad.primitive(ordering, shape=lambda x: x, differentiable=False, name="order")


def test_host_steps_inside() -> None:
    def body(c: Any, x: Any) -> Any:
        found = order(add(c, x))
        return found, convert(found, dtype=np.dtype(int))

    compiled = compiled_alike(
        lambda c, xs: scanned(
            lambda c, rows: scanned(body, c, rows, carries=1, length=2), c, reshape(xs, shape=(2, 2, 5)), carries=1,
            length=2,
        ),
        np.zeros(5), numbers(3, 4, 5),
    )
    assert len(found(compiled, HostStep)) == 1 and "1 of them host steps" in describe(compiled)


def test_an_error_of_a_host_step_inside_leaves_the_loop_usable(monkeypatch: pytest.MonkeyPatch) -> None:
    def loop(c: Any, xs: Any) -> Any:
        return scanned(lambda c, x: (add(c, order(x)), c), c, xs, carries=1, length=4)

    arrays = [np.zeros(5), numbers(4, 4, 5)]
    program = program_of(loop, *arrays)
    compiled, expected = compile_program(program), evaluate(program, arrays)
    monkeypatch.setattr(ordering, "failing", 3)
    with pytest.raises(ZeroDivisionError, match="once"):
        compiled(arrays)
    for got, want in zip(compiled(arrays), expected):
        np.testing.assert_array_equal(got, want)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="has no timer that interrupts")
def test_an_endless_loop_can_be_interrupted() -> None:
    class Interrupted(Exception):
        pass

    def interrupt(*args: Any) -> None:
        raise Interrupted

    compiled = compile_program(program_of(lambda i: looped(lambda i: lt(i, 10), lambda i: sub(0, i), i), np.array(0)))
    usual = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(Interrupted):
            compiled([np.array(0)])
    finally:
        signal.signal(signal.SIGALRM, usual)
    assert compiled([np.array(10)])[0] == 10


def test_an_index_out_of_bounds_names_the_line_in_the_body() -> None:
    def body(c: Any, i: Any) -> Any:
        read = gather(c, reshape(i, shape=(1,)))  # this line
        return add(c, broadcast(reshape(read, shape=()), shape=(3,), dims=())), read

    def loop(c: Any, order: Any) -> Any:
        return scanned(body, c, order, carries=1, length=3)

    compiled = compile_program(program_of(loop, np.arange(3.0), np.zeros(3, int)))
    with pytest.raises(IndexError, match="index 3 is out of bounds for axis 0 with size 3") as caught:
        compiled([np.arange(3.0), np.array([0, 1, 3])])
    line = body.__code__.co_firstlineno + 1
    assert f'"{__file__}", line {line}, in body' in str(caught.value)
    (last, _) = compiled([np.arange(3.0), np.array([0, 1, 2])])
    np.testing.assert_array_equal(last, [4.0, 5.0, 6.0])


# --- What a loop need not contain


def body_equations(compiled: Compiled, key: str = "body") -> list[str]:
    (loop,) = [e for e in compiled.program.equations if key in e.params]
    return [e.primitive.name for e in loop.params[key].equations]


def test_what_depends_on_constants_only_is_computed_before_the_loop() -> None:
    def body(w: Any, scale: Any, fixed: Any, c: Any) -> Any:
        heavy = cumsum(matmul(w, w), axis=0)
        wide = mul(broadcast(scale, shape=(300, 3), dims=(1,)), 2.0)
        step = matmul(heavy, add(c, broadcast(reduce_sum(wide, axes=(0,)), shape=(3, 3), dims=(1,))))
        return fixed, add(mul(step, 0.001), fixed), heavy

    def function(w: Any, scale: Any, fixed: Any, c: Any) -> Any:
        return scanned(body, w, scale, fixed, c, constants=2, carries=2, length=3)

    compiled = compiled_alike(function, np.eye(3), np.arange(3.0), np.ones((3, 3)), np.ones((3, 3)))
    assert body_equations(compiled) == ["broadcast", "add", "matmul", "mul", "add"]


def test_a_loop_reads_small_arrays_rather_than_what_they_are_spread_to() -> None:
    def body(scale: Any, c: Any) -> Any:
        return mul(c, add(broadcast(scale, shape=(100, 3), dims=(1,)), 1.0))

    compiled = compiled_alike(
        lambda s, c: scanned(body, s, c, constants=1, carries=1, length=3), np.arange(3.0), np.ones((100, 3))
    )
    assert body_equations(compiled) == ["broadcast", "add", "mul"]
    spread = compiled_alike(
        lambda s, c: scanned(
            mul, broadcast(s, shape=(100, 3), dims=(1,)), c, constants=1, carries=1, length=3,
        ), np.arange(3.0), np.ones((100, 3))
    )
    assert body_equations(spread) == ["broadcast", "mul"]


def test_an_array_that_a_kernel_reads_whole_is_made_once() -> None:
    def body(table: Any, c: Any, i: Any) -> Any:
        return add(c, gather(flip(table, axes=(0,)), reshape(i, shape=(1,)))), c

    compiled = compiled_alike(
        lambda t, c, i: scanned(body, t, c, i, constants=1, carries=1, length=3),
        np.arange(4.0), np.zeros(1), np.array([0, 3, 1]),
    )
    assert "flip" not in body_equations(compiled)


def test_stacks_that_are_known_without_the_loop() -> None:
    def body(k: Any, c: Any, x: Any) -> Any:
        return maximum(c, x), x, k, mul(k, 3.0)

    compiled = compiled_alike(
        lambda k, c, xs: scanned(body, k, c, xs, constants=1, carries=1, length=3),
        np.ones(2), np.ones(2), numbers(5, 3, 2),
    )
    assert len([e for e in compiled.program.equations if e.primitive is scan_p][0].outputs) == 1


def test_a_while_loop_computes_before_it_only_what_cannot_fail() -> None:
    def body(k: Any, table: Any, i: Any, total: Any, fixed: Any) -> Any:
        read = gather(table, reshape(k, shape=(1,)))
        return add(i, 1), add(total, add(read, mul(fixed, 2.0))), fixed

    compiled = compiled_alike(
        lambda k, table, i, total, fixed: looped(
            lambda limit, i, total, fixed: lt(i, add(limit, 1)), body, k, k, table, i, total, fixed,
            asked=1, constants=2,
        ),
        2, np.arange(4.0), 0, np.zeros(1), np.ones(1),
    )
    assert body_equations(compiled) == ["gather", "add", "add", "add"]
    assert body_equations(compiled, "condition") == ["lt"]
    # No step is made, so no index is out of bounds.
    compiled([np.array(9), np.arange(4.0), np.array(10), np.zeros(1), np.ones(1)])


FIXED = {  # of what a body does with constants: an operation, and its operands
    "reduce_norm": (lambda x: reduce_norm(x, axes=(0,)), np.ones(100)),
    "reduce_logsumexp": (lambda x: reduce_logsumexp(x, axes=(0,)), np.ones(100)),
    "argmax": (lambda x: convert(argmax(x, axis=0), dtype=x.dtype), np.ones(100)),
    "recurrence": (lambda x: reduce_sum(recurrence(x, x, axis=0), axes=(0,)), np.ones(100)),
    "relu_backward_sum": (lambda x: reduce_sum(relu_backward_sum(x, x)[1], axes=(0,)), np.ones((9, 10))),
    "mse_with_gradient": (lambda x: reduce_sum(mse_with_gradient(x, x)[0], axes=(0,)), np.ones(100)),
    "random_bits": (
        lambda key: reduce_sum(
            convert(random_bits(key, shape=(90,), dtype=UINT32, stream=0), dtype=np.dtype(float)), axes=(0,),
        ), np.zeros(2, "u4"),
    ),
    "normal_noise": (lambda bits: reduce_max(normal_noise(bits), axes=(0,)), np.zeros(90, "u8")),
    "scan": (
        lambda x: scanned(lambda c, s: (add(c, s),), np.float64(0), x, constants=0, carries=1, length=100),
        np.ones(100),
    ),
}


@pytest.mark.parametrize("name", FIXED)
def test_what_cannot_fail_is_computed_before_a_while_loop(name: str) -> None:
    operation, operand = FIXED[name]
    compiled = compiled_alike(
        lambda x, total: looped(
            lambda total: lt(total, 300.0), lambda x, total: (add(total, operation(x)) + 200.0,), x, total,
            asked=0, constants=1,
        ),
        operand, np.float64(0),
    )
    (loop,) = [eqn for eqn in compiled.program.equations if eqn.primitive is while_p]
    assert {eqn.primitive for eqn in loop.params["body"].equations} == {add}


# --- Random ones


class Case(NamedTuple):
    program: Program
    inputs: list[np.ndarray]
    donated: set[int]


@st.composite
def cases(draw: Any) -> Case:
    """A random scan, perhaps of a random loop or branch, between random operations on its operands and results."""
    constants, carries, slices = draw(st.integers(0, 2)), draw(st.integers(1, 3)), draw(st.integers(0, 2))
    length, reverse, stacks = draw(st.sampled_from(LENGTHS)), draw(st.booleans()), draw(st.integers(0, 2))
    before = draw(functions(results=constants + carries, most_steps=3))
    step = draw(functions(results=carries + stacks))
    after = draw(functions(results=2, most_steps=2))
    inner = draw(st.sampled_from(["none", "scan", "while_loop", "switch"]))
    other = draw(functions(results=carries, most_steps=3))

    def body(*args: Any) -> Any:
        results = step(args)
        if inner == "scan":
            results[:carries] = as_list(
                scanned(lambda *c: other(c), *results[:carries], carries=carries, length=2)
            )
        elif inner == "switch":
            index = convert(reduce_sum(results[0], axes=(0, 1)), dtype=np.dtype(np.int64))
            branches = [lambda *c: list(c), lambda *c: other(c)]
            results[:carries] = as_list(switched(index, branches, *results[:carries]))
        elif inner == "while_loop":
            steps = convert(minimum(reduce_sum(results[0], axes=(0, 1)), 3.0), dtype=np.dtype(np.int64))
            results[:carries] = as_list(looped(
                lambda n, i, *c: lt(i, n), lambda i, *c: [add(i, 1), *other(c)], steps, sub(steps, steps),
                *results[:carries], asked=1,
            ))[1:]
        return results

    def function(x: Any, y: Any, *sequences: Any) -> Any:
        operands = before([x, y])
        results = as_list(scanned(
            body, *operands, *sequences, constants=constants, carries=carries, length=length, reverse=reverse
        ))
        return [*results, *after([x, y, *operands, *results[:carries]])]

    seed = draw(st.integers(0, 2**16))
    inputs = [*numbers(seed, 2, *SHAPE), *numbers(seed + 1, slices, length, *SHAPE)]
    return Case(program_of(function, *inputs), inputs, draw(st.sets(st.integers(0, 1))))


def as_list(results: Any) -> list[Any]:
    return list(results) if isinstance(results, (tuple, list)) else [results]


def law(case: Case) -> None:
    expected = evaluate(case.program, case.inputs)
    compiled = compile_program(case.program, case.donated)
    for _ in range(2):
        given_arrays = [x.copy() if k in case.donated else x for k, x in enumerate(case.inputs)]
        kept = [x.copy() for x in case.inputs]
        for got, want in zip(compiled(given_arrays), expected, strict=True):
            np.testing.assert_array_equal(got, want)
        for x, original in zip(case.inputs, kept):
            np.testing.assert_array_equal(x, original)


test_random_loops = settings(max_examples=60)(given(cases())(law))


def wrong_parity(carries: Any, length: int) -> Any:
    return RIGHT["_ends_in_final"](carries, length + 1)


def wrong_buffers(step: Any, *args: Any) -> Any:
    return RIGHT["_carried"](step, *args)._replace(double_buffers=())


def wrong_copies(step: Any, *args: Any) -> Any:
    return RIGHT["_carried"](step, *args)._replace(copies=[])


RIGHT = {name: getattr(control, name) for name in ("_ends_in_final", "_carried")}
WRONG = {"parity": wrong_parity, "buffers": wrong_buffers, "copies": wrong_copies}


@pytest.mark.parametrize("name", WRONG)
def test_random_loops_find_wrong_moves_of_carries(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "_ends_in_final" if name == "parity" else "_carried", WRONG[name])
    with pytest.raises(AssertionError):
        settings(max_examples=60, phases=[Phase.generate])(given(cases())(law))()
