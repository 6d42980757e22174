"""Running a grid: block after block, thread after thread, in native code.

A block's threads run one at a time, each until it ends or waits; those that wait are let go on when all have come that
must meet. Orders are fixed by a mode and a seed: first to last, last to first, or steps through all from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, njit, types
from numba.extending import intrinsic

from tests.ptxsim.checks import SOURCES, compiled, int32_at, int64_at
from tests.ptxsim.context import (
    AT_BARRIER, AT_SHUFFLE, AT_VOTE, BLOCK_INDEX, BLOCK_NUMBER, BLOCK_SIZE, DONE, EPOCH, ERRORS, EXCHANGE,
    EXCHANGE_WORDS, GRID_SIZE, LANES, MODE, REDUCTION, SECOND, SHARED, SHARED_BYTES,
    STATES, THIRD, TRAPPED, VALUE, WARP_EPOCHS,
)

FORWARD, REVERSE, RANDOM = range(3)
ORDERS = {"fwd": FORWARD, "rev": REVERSE, "rand": RANDOM}

# How a run of the grid ends.
FINISHED, FOUND_MISTAKE, TRAP, DIVERGENT_BARRIER, MISSING_LANES = range(5)


@intrinsic
def start(typing: Any, function: Any, context: Any, thread: Any, x: Any, y: Any, z: Any) -> tuple[Any, Callable]:
    """Run a thread from its start; gives the handle of a coroutine."""

    def generate(_: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word, small = ir.IntType(64), ir.IntType(32)
        kind = ir.FunctionType(word, [word, word, small, small, small])
        pointer = builder.inttoptr(arguments[0], kind.as_pointer())
        return builder.call(pointer, [*arguments[1:3], *(builder.trunc(n, small) for n in arguments[3:])])

    return types.int64(*[types.int64] * 6), generate


def frame_function(index: int) -> Any:
    """A function that calls the one that is word `index` of a coroutine's frame, on the frame."""

    @intrinsic
    def call(typing: Any, handle: Any) -> tuple[Any, Callable]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            word = ir.IntType(64)
            kind = ir.FunctionType(ir.VoidType(), [word])
            frame = builder.inttoptr(arguments[0], kind.as_pointer().as_pointer())
            function = builder.load(builder.gep(frame, [ir.Constant(word, index)]))
            builder.call(function, arguments, cconv="fastcc")
            return context.get_dummy_value()

        return types.void(types.int64), generate

    return call


resume, destroy = frame_function(0), frame_function(1)


@compiled
def random(seed, below):
    """The next state of a generator of numbers, and a number below a limit."""
    seed = (seed * 6364136223846793005 + 1442695040888963407) & 0x7FFFFFFFFFFFFFFF
    return seed, (seed >> 33) % below


@compiled
def common_divisor(a, b):
    while b:
        a, b = b, a % b
    return a


@compiled
def order(mode, seed, count):
    """Seed, first, step: the numbers below `count` are run as first + i * step, modulo count."""
    if mode == FORWARD or count < 2:
        return seed, 0, 1
    if mode == REVERSE:
        return seed, count - 1, count - 1
    seed, first = random(seed, count)
    seed, step = random(seed, count)
    while common_divisor(step, count) != 1:
        step = (step + 1) % count
    return seed, first, step


@compiled
def permute(value, n, first, step):
    return (first + value * step) % n


@compiled
def shuffle_source(lane, mode, b, c):
    """The lane that a lane reads from, and whether that lies within its segment."""
    clamp, segment = c & 31, (c >> 8) & 31
    last, first = (lane & segment) | (clamp & ~segment), lane & segment
    if mode == 0:
        source = lane - b
        return source, source >= last
    if mode == 1:
        source = lane + b
    elif mode == 2:
        source = lane ^ b
    else:
        source = first | (b & ~segment & 31)
    return source, source <= last


@compiled
def shuffle(exchange, base, lanes, mask):
    """Give each lane the value of the lane that it asks for, and whether there is one."""
    values = exchange[base : base + lanes, VALUE].copy()
    for i in range(lanes):
        if mask >> i & 1:
            words = exchange[base + i]
            source, within = shuffle_source(i, words[MODE], words[SECOND] & 31, words[THIRD])
            if not within:
                source = i
            words[VALUE] = values[source] if source < lanes else 0
            words[SECOND] = within


@compiled
def vote(exchange, base, lanes, mask):
    """Tell each lane for which lanes, or whether for all or any, the predicate holds."""
    ballot, mode = 0, 0
    for i in range(lanes):
        if mask >> i & 1:
            ballot |= (exchange[base + i, VALUE] & 1) << i
            mode = exchange[base + i, MODE]
    if mode == 1:
        result = int(ballot == mask)
    elif mode == 2:
        result = int(ballot != 0)
    elif mode == 3:
        result = int(ballot == 0 or ballot == mask)
    else:
        result = ballot
    for i in range(lanes):
        if mask >> i & 1:
            exchange[base + i, VALUE] = result


@compiled
def meeting_lanes(state, exchange, base, lanes, lane):
    """The lanes that a waiting lane meets; 0 if not all have come. Lanes that are not there need not come.

    A barrier of the warp does not wait for lanes that have ended; a shuffle or vote must not name any.
    """
    kind = state[base + lane]
    mask = exchange[base + lane, LANES] & ((1 << lanes) - 1)
    for i in range(lanes):
        if mask >> i & 1 and state[base + i] != kind:
            if state[base + i] == DONE and kind not in (AT_SHUFFLE, AT_VOTE):
                mask &= ~(1 << i)
            else:
                return 0
    return mask


@compiled
def run_warp(state, exchange, handles, epochs, warp, lanes, mode, seed):
    """Let a warp's lanes meet and run until none of them can go on; gives whether any did."""
    base, moved = warp * 32, False
    while True:
        mask = 0
        for lane in range(lanes):
            if state[base + lane] > AT_BARRIER:
                mask = meeting_lanes(state, exchange, base, lanes, lane)
                if mask:
                    break
        if mask == 0:
            return seed, moved
        moved = True
        epochs[warp] += 1
        if state[base + lane] == AT_SHUFFLE:
            shuffle(exchange, base, lanes, mask)
        elif state[base + lane] == AT_VOTE:
            vote(exchange, base, lanes, mask)
        seed, first, step = order(mode, seed, lanes)
        for i in range(lanes):
            lane = permute(i, lanes, first, step)
            if mask >> lane & 1:
                resume(handles[base + lane])


@compiled
def run_warps(state, exchange, handles, epochs, n, mode, seed):
    """Run all warps of a block until each thread has ended or waits at the barrier, or can not go on."""
    warps, moved = (n + 31) // 32, True
    while moved:
        moved = False
        seed, first, step = order(mode, seed, warps)
        for i in range(warps):
            warp = permute(i, warps, first, step)
            seed, went = run_warp(state, exchange, handles, epochs, warp, min(32, n - warp * 32), mode, seed)
            moved |= went
    return seed


@compiled
def reduce(exchange, n):
    """Tell all threads at a reducing barrier the result."""
    how, count = exchange[0, REDUCTION], 0
    if how:
        for i in range(n):
            count += exchange[i, VALUE]
        exchange[:n, VALUE] = count if how == 1 else int(count == n) if how == 2 else int(count > 0)


@compiled
def ending(context, state, n):
    """FINISHED, or what went wrong, of a block whose threads can not go on; -1 when all are at the barrier."""
    if context[ERRORS]:
        return FOUND_MISTAKE
    if context[TRAPPED]:
        return TRAP
    done, at_barrier = 0, 0
    for i in range(n):
        done += state[i] == DONE
        at_barrier += state[i] == AT_BARRIER
    if at_barrier == n:
        return -1
    if done + at_barrier < n:
        return MISSING_LANES
    return FINISHED if done == n else DIVERGENT_BARRIER


@compiled
def run_meeting_block(context, kernel, handles, n, mode, seed):
    """Run the threads of a block that meet; gives the seed, and how it ended."""
    state = carray(int64_at(context[STATES]), (n,))
    exchange = carray(int32_at(context[EXCHANGE]), (n, EXCHANGE_WORDS))
    epochs = carray(int64_at(context[WARP_EPOCHS]), (64,))
    seed = start_threads(context, kernel, handles, n, mode, seed)
    while True:
        seed = run_warps(state, exchange, handles, epochs, n, mode, seed)
        end = ending(context, state, n)
        if end >= 0:
            break
        reduce(exchange, n)
        context[EPOCH] += 1
        seed, first, step = order(mode, seed, n)
        for i in range(n):
            resume(handles[permute(i, n, first, step)])
    for i in range(n):
        destroy(handles[i])
    return seed, end


@compiled
def start_threads(context, kernel, handles, n, mode, seed):
    """Start the threads of a block, which run until they end or wait."""
    wide, high = context[BLOCK_SIZE], context[BLOCK_SIZE + 1]
    seed, first, step = order(mode, seed, n)
    for i in range(n):
        thread = permute(i, n, first, step)
        handles[thread] = start(
            kernel, context.ctypes.data, thread, thread % wide, thread // wide % high, thread // (wide * high)
        )
    return seed


@compiled
def prepare_block(context, block):
    """Set the block's index, and poison its shared memory with nan."""
    wide, high = context[GRID_SIZE], context[GRID_SIZE + 1]
    context[BLOCK_NUMBER] = block
    context[BLOCK_INDEX] = block % wide
    context[BLOCK_INDEX + 1] = block // wide % high
    context[BLOCK_INDEX + 2] = block // (wide * high)
    words = (context[SHARED_BYTES] + 3) // 4
    if words:
        carray(int32_at(context[SHARED]), (words,))[:] = -1


def grid_runner(sources: str) -> Any:
    """The function that runs a grid; see `SOURCES`."""

    @njit(error_model="numpy", cache=True)
    def run_grid(context, kernel, meets, mode, seed):
        """Run all blocks, until one fails; gives how it ended."""
        sources  # noqa: B018
        n = context[BLOCK_SIZE] * context[BLOCK_SIZE + 1] * context[BLOCK_SIZE + 2]
        blocks = context[GRID_SIZE] * context[GRID_SIZE + 1] * context[GRID_SIZE + 2]
        handles = np.zeros(n, np.int64)
        seed, first, step = order(mode, seed, blocks)
        for i in range(blocks):
            prepare_block(context, permute(i, blocks, first, step))
            if meets:
                seed, end = run_meeting_block(context, kernel, handles, n, mode, seed)
            else:
                seed = start_threads(context, kernel, handles, n, mode, seed)
                end = FOUND_MISTAKE if context[ERRORS] else TRAP if context[TRAPPED] else FINISHED
            if end != FINISHED:
                return end
            context[EPOCH] += 1
        return FINISHED

    return run_grid


run_grid = grid_runner(SOURCES)
