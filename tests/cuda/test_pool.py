"""Memory of a device is reused, given back when there is no more, and asked for in words."""

from __future__ import annotations

import gc
import threading

import numpy as np
import pytest
from fnad import DeviceError, DeviceMemoryError
from fnad.runtime.cuda.pool import OutOfMemory, Pool, rounded
from fnad.runtime.cuda.runtime import ALIGNMENT
from hypothesis import given
from hypothesis import strategies as st


class Card:
    """So many bytes of memory; addresses are never used twice."""

    def __init__(self, total: int) -> None:
        self.total, self.taken, self.next = total, {}, 1 << 20

    @property
    def free_bytes(self) -> int:
        return self.total - sum(self.taken.values())

    def allocate(self, nbytes: int) -> int:
        if nbytes > self.free_bytes:
            raise OutOfMemory
        address, self.next = self.next, self.next + nbytes + ALIGNMENT
        self.taken[address] = nbytes
        return address

    def free(self, address: int) -> None:
        del self.taken[address]

    def pool(self) -> Pool:
        return Pool(self.allocate, self.free, lambda: (self.free_bytes, self.total))


@given(st.integers(0, 1 << 40))
def test_sizes_waste_an_eighth_at_most(nbytes: int) -> None:
    size = rounded(nbytes)
    assert size >= nbytes and size % ALIGNMENT == 0
    assert size - nbytes <= max(nbytes / 8, ALIGNMENT)
    assert rounded(size) == size


def test_sizes_are_few() -> None:
    assert len({rounded(n) for n in range(1 << 13, 1 << 15)}) <= 17


def test_memory_that_is_no_longer_used_is_reused_at_once() -> None:
    card = Card(1 << 20)
    pool = card.pool()
    first = pool.take(1000)
    address = first.address
    other = pool.take(1000)
    assert other.address != address
    del first
    assert pool.take(1010).address == address
    assert len(card.taken) == 2


def test_a_piece_of_another_size_is_not_taken() -> None:
    pool = Card(1 << 20).pool()
    address = pool.take(1000).address
    assert pool.take(4000).address != address


@given(st.lists(st.tuples(st.integers(0, 20_000), st.integers(0, 5)), max_size=40))
def test_pieces_that_are_alive_never_overlap(steps: list[tuple[int, int]]) -> None:
    pool, alive = Card(1 << 24).pool(), []
    for nbytes, dropped in steps:
        alive = alive[dropped:]
        alive.append(pool.take(nbytes))
        spans = sorted((piece.address, piece.address + piece.nbytes) for piece in alive)
        assert all(end <= start for (_, end), (start, _) in zip(spans, spans[1:]))
        assert all(start % ALIGNMENT == 0 for start, _ in spans)


def test_trim_gives_back_what_no_array_uses() -> None:
    card = Card(1 << 20)
    pool = card.pool()
    kept, dropped = pool.take(1 << 12), pool.take(1 << 13)
    del dropped
    assert pool.kept == 1 << 13
    pool.trim()
    assert pool.kept == 0 and list(card.taken) == [kept.address]


def test_what_is_kept_is_given_back_before_memory_runs_out() -> None:
    card = Card(1 << 16)
    pool = card.pool()
    pieces = [pool.take(1 << 14) for _ in range(4)]
    del pieces
    assert card.free_bytes == 0
    assert pool.take(1 << 15).nbytes == 1 << 15


def test_garbage_is_collected_before_memory_runs_out() -> None:
    pool = Card(1 << 16).pool()
    gc.disable()
    try:
        circle = [pool.take(1 << 16)]
        circle.append(circle)
        del circle
        assert pool.take(1 << 16)
    finally:
        gc.enable()


def test_no_memory_is_an_error_in_words() -> None:
    pool = Card(1 << 16).pool()
    kept = pool.take(1 << 15)
    with pytest.raises(DeviceMemoryError, match="requires 40000 more bytes of device memory, got 32768 free of 65536"):
        pool.take(40_000)
    assert kept.nbytes == 1 << 15 and issubclass(DeviceMemoryError, (DeviceError, MemoryError))
    assert pool.take(1 << 15)  # what there is can still be had


def test_threads_share_a_pool() -> None:
    card = Card(1 << 24)
    pool, wrong = card.pool(), []

    def work(seed: int) -> None:
        generator = np.random.default_rng(seed)
        for _ in range(300):
            pieces = [pool.take(int(n)) for n in generator.integers(1, 3000, 4)]
            if len({piece.address for piece in pieces}) != 4:
                wrong.append(pieces)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pool.trim()
    assert wrong == [] and card.taken == {}
