"""Launches divided among threads: what their owner does, and what the workers of the pool do.

Chunks are fixed when a plan is made, so the number of threads decides only who runs them: one thread alone
runs the same chunks. Nobody waits for a thread to arrive: its owner takes the chunks that are left, and where
another launch has the pool, all of them. `pool` is the address of the words of pool.py.
"""

from numba import njit

from fnad.kernels.cpu import frame
from fnad.kernels.cpu.atomics import (
    acquire_lock,
    add_to_word,
    give_way,
    load_word,
    pause,
    release_lock,
    replace_word,
    store_word,
)
from fnad.kernels.cpu.executor import run_alone
from fnad.kernels.cpu.pointers import as_int64, call_kernel
from fnad.kernels.cpu.pool import (
    ACQUIRE,
    BUFFERS,
    CHUNK,
    CHUNK_MASK,
    CHUNKS,
    EXTENT,
    FINISHED,
    FIRST_BITS,
    KERNEL,
    LAUNCH,
    LAUNCH_BITS,
    LOCK,
    LOOKS,
    MOST_CHUNKS,
    OWNED,
    OWNER_LOCK,
    OWNER_SLEEPS,
    PARAMS,
    PATIENCE,
    RELEASE,
    SLEEPS,
    STATUSES,
    STOPPING,
    THREADS,
    TICKET,
    WORKER_WORDS,
    WORKERS,
    YIELD,
)


@njit
def run_divided(pool, buffers, row):
    """Run a row of a plan, which has a chunk, on all threads; gives the status of the first chunk that fails, or 0."""
    kernel, params, extent, chunk = row[frame.KERNEL], row[frame.PARAMS], row[frame.EXTENT], row[frame.CHUNK]
    is_fit = extent <= chunk * MOST_CHUNKS and load_word(pool + 8 * THREADS) > 1
    if is_fit and replace_word(pool + 8 * OWNED, 0, 1):
        status = run_together(pool, kernel, buffers, params, extent, chunk)
        store_word(pool + 8 * OWNED, 0)
        return status
    return run_alone(kernel, buffers, params, extent, chunk)


@njit
def run_together(pool, kernel, buffers, params, extent, chunk):
    """Run chunks beside the workers, as the owner of the pool."""
    words = as_int64(pool)
    count = (extent + chunk - 1) // chunk
    words[LAUNCH] += 1
    words[KERNEL], words[BUFFERS], words[PARAMS] = kernel, buffers, params
    words[EXTENT], words[CHUNK], words[CHUNKS] = extent, chunk, count
    store_word(pool + 8 * FINISHED, 0)
    store_word(pool + 8 * TICKET, words[LAUNCH] << LAUNCH_BITS | count)
    wake_workers(pool, min(words[THREADS], count) - 1)
    take_chunks(pool, True)
    await_the_rest(pool, count)
    for k in range(count):
        if words[STATUSES + k] != 0:
            return words[STATUSES + k]
    return 0


@njit
def take_chunks(pool, is_owner):
    """Run chunks until none is left; the owner's are the first, so that a thread often meets the memory it knows."""
    words = as_int64(pool)
    while True:
        ticket = load_word(pool + 8 * TICKET)
        first, end = ticket >> FIRST_BITS & CHUNK_MASK, ticket & CHUNK_MASK
        if first == end:
            return
        if is_owner:
            number, rest = first, ticket + (1 << FIRST_BITS)
        else:
            number, rest = end - 1, ticket - 1
        if not replace_word(pool + 8 * TICKET, ticket, rest):
            continue
        # From here until the chunk is counted the launch stays what it is.
        lo, count = number * words[CHUNK], words[CHUNKS]
        hi = min(lo + words[CHUNK], words[EXTENT])
        words[STATUSES + number] = call_kernel(words[KERNEL], words[BUFFERS], words[PARAMS], lo, hi)
        if add_to_word(pool + 8 * FINISHED, 1) + 1 == count:
            wake(pool, OWNER_SLEEPS, OWNER_LOCK)


@njit
def await_the_rest(pool, count):
    """Wait until all chunks are done: look for a while, then sleep."""
    finished, sleeps = pool + 8 * FINISHED, pool + 8 * OWNER_SLEEPS
    words = as_int64(pool)
    patience = words[PATIENCE]
    while load_word(finished) != count:
        if patience > 0:
            patience -= 1
            look_for_end(pool, count)
            continue
        store_word(sleeps, 1)
        # Whoever sets the word back to 0 either wakes the sleeper or is the sleeper: a lock is never left unlocked.
        if load_word(finished) != count or not replace_word(sleeps, 1, 0):
            acquire_lock(words[ACQUIRE], words[OWNER_LOCK])


@njit
def look_for_end(pool, count):
    """Wait about a microsecond for the last chunk, then give way, as in `look_for_chunks`."""
    for _ in range(LOOKS):
        if load_word(pool + 8 * FINISHED) == count:
            return
        pause()
    give_way(as_int64(pool)[YIELD])


@njit
def wake(pool, sleeps, lock):
    """Let a thread that sleeps on a lock go on; the words of both are given."""
    if load_word(pool + 8 * sleeps) != 0 and replace_word(pool + 8 * sleeps, 1, 0):
        words = as_int64(pool)
        release_lock(words[RELEASE], words[lock])


@njit
def wake_workers(pool, count):
    """Wake those of the first workers that sleep."""
    for k in range(count):
        at = WORKERS + WORKER_WORDS * k
        wake(pool, at + SLEEPS, at + LOCK)


@njit
def has_chunks(pool):
    """Whether there is a chunk to take."""
    ticket = load_word(pool + 8 * TICKET)
    return ticket >> FIRST_BITS & CHUNK_MASK != ticket & CHUNK_MASK


@njit
def serve(pool, number):
    """Be a worker until the pool is stopped."""
    words = as_int64(pool)
    at = WORKERS + WORKER_WORDS * number
    sleeps, stopping = pool + 8 * (at + SLEEPS), pool + 8 * STOPPING
    patience = words[PATIENCE]
    while load_word(stopping) == 0:
        if has_chunks(pool):
            take_chunks(pool, False)
            patience = words[PATIENCE]
        elif patience > 0:
            patience -= 1
            look_for_chunks(pool)
        else:
            store_word(sleeps, 1)
            is_idle = not has_chunks(pool) and load_word(stopping) == 0
            if is_idle or not replace_word(sleeps, 1, 0):
                acquire_lock(words[ACQUIRE], words[at + LOCK])
            patience = words[PATIENCE]
    return 0


@njit
def look_for_chunks(pool):
    """Wait about a microsecond for chunks, then give way: the owner may have been put on this very processor."""
    for _ in range(LOOKS):
        if has_chunks(pool):
            return
        pause()
    give_way(as_int64(pool)[YIELD])


@njit
def stop_workers(pool, count):
    """Have the first workers end as soon as they have done what they are at."""
    store_word(pool + 8 * STOPPING, 1)
    wake_workers(pool, count)
    return 0
