"""What every access to memory is checked for: bounds, alignment, and races with other threads.

A shadow keeps, for each granule of memory (4 bytes, or the element's size where that is less), who wrote it last
and who read it last, and when: the block, the barrier epoch, the epoch of the warp, the thread. Two accesses race
if one of them writes, they come from different threads, and no barrier lies between them. Threads of different
blocks always race. Atomic operations do not race with one another, nor with plain reads: a compare-and-swap loop
starts with one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import carray, cfunc, njit, types
from numba.extending import intrinsic

from tests.ptxsim.context import (
    BLOCK_NUMBER, EPOCH, ERRORS, FIRST, FIRST_BLOCK, IN_SHARED, LOAD, MISALIGNED, OUT_OF_BOUNDS, RACE, RANGE_START,
    RANGE_WORDS, RANGES, READ_ONLY, SHADOW_WORDS, SHARED, SHARED_BYTES, SHARED_GRANULE, SHARED_SHADOW, STORE,
    WARP_EPOCHS,
)

# A shadow record is (block, epoch, warp epoch, thread) of the last write, then of the last read. Blocks are counted on
# from FIRST_BLOCK, and what is less belongs to launches before; FIRST_BLOCK itself, and the thread SEVERAL, stand for
# more than one. A write by an atomic has its thread as ATOMIC_WRITER - thread.
SEVERAL = -1
ATOMIC_WRITER = -1000


# numba keeps compiled functions from one process to the next, until their own file changes, or what they close over:
# those that are kept close over this.
SOURCES = sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()

# Functions of the compiled code alone, in which no division raises.
compiled = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)


def pointer_intrinsic(kind: Any, bits: int) -> Any:
    """A function from an address to a pointer to integers."""

    @intrinsic
    def pointer(typing: Any, address: Any) -> tuple[Any, Callable]:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())

        return types.CPointer(kind)(types.int64), generate

    return pointer


int32_at = pointer_intrinsic(types.int32, 32)
int64_at = pointer_intrinsic(types.int64, 64)


@compiled
def range_of(context, address, nbytes):
    """Where the range that holds an access starts in the context; 0 if there is none."""
    for i in range(context[RANGES]):
        k = RANGE_START + RANGE_WORDS * i
        if address >= context[k] and address + nbytes <= context[k + 1]:
            return k
    return 0


@compiled
def conflicts(record, o, first, block, epoch, warp_epoch, thread, kind):
    """Whether an access races with the write or read that the record keeps at `o`, if by a block from `first` on."""
    if record[o] < first or record[o] > first and first == block:
        return False
    other = record[o + 3]
    if other <= ATOMIC_WRITER:
        if kind != STORE:
            return False
        other = ATOMIC_WRITER - other
    if record[o] != block:
        return True
    if record[o + 1] != epoch:
        return False
    if other == SEVERAL:
        return True
    if other == thread:
        return False
    return other // 32 != thread // 32 or record[o + 2] == warp_epoch


@compiled
def note(record, o, first, block, epoch, warp_epoch, thread, kind):
    """Keep an access in the shadow."""
    if kind != LOAD:
        record[o] = block
        record[o + 1] = epoch
        record[o + 2] = warp_epoch
        record[o + 3] = thread if kind == STORE else ATOMIC_WRITER - thread
        return
    o += 4
    if first < block and record[o] >= first and record[o] != block:
        record[o] = first
        return
    last = record[o + 3]
    same = record[o] == block and record[o + 1] == epoch and last != thread
    if same and (record[o + 2] == warp_epoch or last // 32 != thread // 32):
        thread = SEVERAL
    record[o] = block
    record[o + 1] = epoch
    record[o + 2] = warp_epoch
    record[o + 3] = thread


@compiled
def races(context, shadow, shared, start, last, thread, kind):
    """Whether an access to granules `start` to `last` races; the shadow then knows of it.

    Shared memory is the block's own: what others did in its place before is forgotten.
    """
    record = carray(int32_at(shadow), (1 << 40,))
    block, epoch = context[FIRST_BLOCK] + 1 + context[BLOCK_NUMBER], context[EPOCH]
    first = block if shared else context[FIRST_BLOCK]
    warp_epoch = carray(int64_at(context[WARP_EPOCHS]), (64,))[thread // 32]
    hit = False
    for w in range(start, last + 1):
        o = w * SHADOW_WORDS
        hit |= conflicts(record, o, first, block, epoch, warp_epoch, thread, kind)
        if kind == STORE:
            hit |= conflicts(record, o + 4, first, block, epoch, warp_epoch, thread, kind)
        note(record, o, first, block, epoch, warp_epoch, thread, kind)
    return hit


@compiled
def mistake(context, address, nbytes, kind, thread):
    """What is wrong with an access to an address; 0 for nothing."""
    shared = context[SHARED]
    in_shared = address >= shared and address + nbytes <= shared + context[SHARED_BYTES]
    if in_shared:
        shadow, origin, granule = context[SHARED_SHADOW], shared, context[SHARED_GRANULE]
    else:
        k = range_of(context, address, nbytes)
        if k == 0:
            return OUT_OF_BOUNDS
        shadow, origin, granule = context[k + 2], context[k + 3], context[k + 4]
        if granule == 0 and kind != LOAD:
            return READ_ONLY
    if address % nbytes != 0:
        return MISALIGNED
    if shadow != 0:
        first, last = (address - origin) // granule, (address - origin + nbytes - 1) // granule
        if races(context, shadow, in_shared, first, last, thread, kind):
            return RACE
    return 0


def access_check(sources: str) -> Any:
    """The function that kernels call for each access; see `SOURCES`."""

    @cfunc(types.int32(types.int64, types.int64, types.int64, types.int64, types.CPointer(types.int64)), cache=True)
    def check(address, nbytes, kind, thread, words):
        """Check an access, and keep the first mistake in the context; gives the mistake, 0 for none."""
        sources  # noqa: B018
        context = carray(words, (1 << 40,))
        in_shared, kind = kind >= IN_SHARED, kind % IN_SHARED
        place = address + context[SHARED] if in_shared else address
        outside = in_shared and (address < 0 or address + nbytes > context[SHARED_BYTES])
        found = OUT_OF_BOUNDS if outside else mistake(context, place, nbytes, kind, thread)
        if found:
            if context[ERRORS] == 0:
                context[FIRST] = found
                context[FIRST + 1] = place
                context[FIRST + 2] = thread
                context[FIRST + 3] = context[BLOCK_NUMBER]
                context[FIRST + 4] = kind
                context[FIRST + 5] = nbytes
            context[ERRORS] += 1
        return np.int32(found)

    return check


check = access_check(SOURCES)
