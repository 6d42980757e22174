"""A kernel of PTX made native, and its launches on memory of the host."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from math import prod
from typing import Any

import llvmlite.binding as llvm
import numpy as np
from fnad.runtime.cpu.functions import free_pass_manager

from tests.ptxsim import machine
from tests.ptxsim.checks import check as check_access
from tests.ptxsim.context import (
    BLOCK_SIZE, DYNAMIC_BYTES, EXCHANGE, EXCHANGE_WORDS, FIRST, FIRST_BLOCK, GRID_SIZE, MISTAKES, PARAMETERS,
    RANGE_START, RANGE_WORDS, RANGES, SHARED, SHARED_BYTES, SHARED_GRANULE, SHARED_SHADOW, STATES, WARP_EPOCHS,
)
from tests.ptxsim.parse import SIZES, Entry, PtxError, parse
from tests.ptxsim.shadows import Range, Shadows
from tests.ptxsim.translate import module

# Launches of all threads share the shadows: one runs at a time.
_running = threading.Lock()

MOST_SHARED = 48 * 1024
MOST_THREADS = 1024
MOST_BLOCKS = (2**31 - 1, 65535, 65535)
Extent = tuple[int, int, int]

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
llvm.add_symbol("ptxsim_check", check_access.address)


def aligned_bytes(nbytes: int, alignment: int = 256) -> np.ndarray:
    """Zeros that start at a multiple of the alignment."""
    raw = np.zeros(nbytes + alignment, np.uint8)
    start = -raw.ctypes.data % alignment
    return raw[start : start + nbytes]


def shared_layout(entry: Entry, hostile: bool) -> tuple[dict[str, int], int]:
    """Offsets of the shared variables, and their size: a hostile layout aligns each no more than it asks for."""
    offsets, end = {}, 0
    for v in sorted((v for v in entry.variables if v.space == "shared"), key=lambda v: v.dynamic):
        start = -(-end // v.alignment) * v.alignment
        if hostile and v.alignment < 128 and start % (2 * v.alignment) == 0:
            start += v.alignment
        offsets[v.name] = start
        end = start + v.nbytes
    return offsets, end


def constants(entry: Entry) -> dict[str, np.ndarray]:
    """Memory that holds the module's own variables."""
    held = {}
    for v in entry.variables:
        if v.space in ("global", "const"):
            held[v.name] = aligned_bytes(v.nbytes, max(v.alignment, 16))
            held[v.name][: len(v.initial)] = np.frombuffer(v.initial, np.uint8)
    return held


def compile_native(text: str) -> llvm.ExecutionEngine:
    """Native code of LLVM text.

    Most kernels run once, on little: the passes are few, those that turn the registers into values, and then those
    without which there are no coroutines.
    """
    features = llvm.get_host_cpu_features().flatten()
    target = llvm.Target.from_default_triple().create_target_machine(llvm.get_host_cpu_name(), features, opt=0)
    builder = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=0))
    parsed, passes = llvm.parse_assembly(text, llvm.create_context()), llvm.create_new_module_pass_manager()
    passes.add_sroa_pass()
    passes.add_instruction_combine_pass()
    passes.add_simplify_cfg_pass()
    passes.run(parsed, builder)
    rest = builder.getModulePassManager()
    rest.run(parsed, builder)
    for manager in (passes, rest):
        free_pass_manager(manager)
    code = llvm.ObjectFileRef.from_data(target.emit_object(parsed))
    empty = llvm.parse_assembly("")
    engine = llvm.create_mcjit_compiler(empty, target)
    engine.remove_module(empty)
    engine.add_object_file(code)  # in the place of the module, which takes ten times as much
    engine.finalize_object()
    return engine


class Kernel:
    """The first entry of PTX text.

    `order` is that in which threads, warps and blocks run: "fwd", "rev" or "rand", by a seed. Without `check`,
    accesses to memory are not checked. `stats` tell of the last launch.
    """

    def __init__(
        self, ptx: str, check: bool = True, order: str = "fwd", seed: int = 0, dynamic_shared: int = 0
    ) -> None:
        self.check, self.order, self.seed, self.dynamic_shared = check, order, seed, dynamic_shared
        self.entry = parse(ptx)
        offsets, self.shared_bytes = shared_layout(self.entry, check)
        self._constants = constants(self.entry)
        addresses = {name: held.ctypes.data for name, held in self._constants.items()}
        text, self.meets, self.shared_granule = module(self.entry, offsets | addresses, check)
        self.entry = replace(self.entry, registers={}, code=[])  # which takes as much as all else
        self._engine = compile_native(text)
        self._address = self._engine.get_function_address("kernel")
        self.stats: dict[str, int] = {}

    def __getitem__(self, shape: tuple[Any, Any]) -> Callable[..., None]:
        """Launch on a grid of blocks: arrays, one pointer each, which are changed, and numbers."""
        grid, block = (three(extent) for extent in shape)
        return lambda *arguments: self._run_on_copies(grid, block, arguments)

    def _run_on_copies(self, grid: Extent, block: Extent, arguments: tuple[Any, ...]) -> None:
        """Arrays are copied to where they are aligned as a device's memory is, and back."""
        words = np.zeros(len(arguments), np.int64)
        copies, ranges = [], []
        for k, argument in enumerate(arguments):
            if isinstance(argument, np.ndarray):
                held = aligned_bytes(argument.nbytes)
                held.view(argument.dtype)[:] = argument.ravel()
                copies.append((argument, held))
                words[k] = held.ctypes.data
                ranges.append((held.ctypes.data, held.ctypes.data + held.nbytes, min(argument.itemsize, 4)))
            else:
                words[k] = bits(argument)
        try:
            self.launch(grid, block, words, ranges)
        finally:
            for argument, held in copies:
                argument[...] = held.view(argument.dtype).reshape(argument.shape)

    def launch(
        self, grid: Extent, block: Extent, words: np.ndarray, ranges: Sequence[Range], order: str = "", seed: int = -1
    ) -> None:
        """Run on memory where it lies: `words` are the arguments, `ranges` what the kernel may touch.

        PtxError: a GPU would refuse the launch, or a check failed.
        """
        self._refuse(grid, block, words)
        with _running:
            self._run(grid, block, words, ranges, order or self.order, self.seed if seed < 0 else seed)

    def _run(
        self, grid: Extent, block: Extent, words: np.ndarray, ranges: Sequence[Range], order: str, seed: int
    ) -> None:
        """Set up the context, and run the grid."""
        shared_bytes = self.shared_bytes + self.dynamic_shared
        shared, n = aligned_bytes(max(shared_bytes + 4, 16)), prod(block)
        shadows = Shadows([*ranges, *self._constant_ranges()], len(shared) // self.shared_granule, prod(grid))
        context = np.zeros(RANGE_START + RANGE_WORDS * len(shadows.rows), np.int64)
        states, exchange = np.zeros(n, np.int64), np.zeros((n, EXCHANGE_WORDS), np.int32)
        epochs, packed = np.zeros(64, np.int64), self._packed(words)
        for number, array in (
            (SHARED, shared), (WARP_EPOCHS, epochs), (PARAMETERS, packed), (STATES, states), (EXCHANGE, exchange),
        ):
            context[number] = array.ctypes.data
        context[SHARED_BYTES], context[DYNAMIC_BYTES] = shared_bytes, self.dynamic_shared
        context[BLOCK_SIZE : BLOCK_SIZE + 3], context[GRID_SIZE : GRID_SIZE + 3] = block, grid
        context[SHARED_SHADOW], context[SHARED_GRANULE] = shadows.shared, self.shared_granule
        context[FIRST_BLOCK], context[RANGES] = shadows.first_block, len(shadows.rows)
        context[RANGE_START:] = np.array(shadows.rows, np.int64).ravel()
        end = machine.run_grid(context, self._address, self.meets, machine.ORDERS[order], seed)
        self.stats = {"blocks": prod(grid), "shared": shared_bytes}
        if end != machine.FINISHED:
            raise PtxError(failure(end, context, states, ranges))

    def _refuse(self, grid: Extent, block: Extent, words: np.ndarray) -> None:
        """A GPU does not start a kernel that asks for too much."""
        shared_bytes = shared_layout(self.entry, hostile=False)[1] + self.dynamic_shared
        if prod(block) > self.entry.block_limit:
            raise PtxError(f"blocks of {prod(block)} threads, at most {self.entry.block_limit}")
        if any(g < 1 for g in (*grid, *block)) or any(g > most for g, most in zip(grid, MOST_BLOCKS)):
            raise PtxError(f"a grid of {grid} blocks of {block} threads, from 1 to {MOST_BLOCKS} blocks")
        if shared_bytes > MOST_SHARED:
            raise PtxError(f"{shared_bytes} bytes of shared memory, at most {MOST_SHARED}")
        if len(words) != len(self.entry.parameters):
            raise PtxError(f"{len(words)} argument words for {len(self.entry.parameters)} parameters")

    def _constant_ranges(self) -> list[Range]:
        return [(held.ctypes.data, held.ctypes.data + held.nbytes, 0) for held in self._constants.values()]

    def _packed(self, words: np.ndarray) -> np.ndarray:
        """The parameters as the kernel reads them, from a word for each."""
        packed, raw = np.zeros(max(self.entry.parameter_bytes, 8), np.uint8), words.astype(np.int64).view(np.uint8)
        for k, (offset, kind) in enumerate(self.entry.parameters.values()):
            packed[offset : offset + SIZES[kind]] = raw[8 * k : 8 * k + SIZES[kind]]
        return packed


def three(extent: Any) -> Extent:
    """An extent of three axes, of which the last may be left out."""
    numbers = tuple(extent) if isinstance(extent, tuple | list) else (extent,)
    return (*(int(number) for number in numbers), 1, 1)[:3]  # type: ignore[return-value]


def bits(number: Any) -> int:
    """A number as an argument word: an integer as it is, a NumPy float by its bits."""
    if isinstance(number, np.floating):
        return int(np.frombuffer(number.tobytes().ljust(8, b"\0"), np.int64)[0])
    return int(number)


def failure(end: int, context: np.ndarray, states: np.ndarray, ranges: Sequence[Range]) -> str:
    """What went wrong, in words."""
    block = int(context[machine.BLOCK_NUMBER])
    if end == machine.FOUND_MISTAKE:
        return mistake(context, ranges)
    if end == machine.TRAP:
        return f"trap in block {block}"
    if end == machine.MISSING_LANES:
        return f"lanes missing at a shuffle, vote or barrier of a warp, block {block}"
    arrived = int((states == machine.AT_BARRIER).sum())
    return f"barrier divergence in block {block}: {arrived} of {len(states)} threads arrived"


def mistake(context: np.ndarray, ranges: Sequence[Range]) -> str:
    """The first mistake that the checks found."""
    which, address, thread, block, kind, nbytes = (int(n) for n in context[FIRST : FIRST + 6])
    access = f"{MISTAKES[which]} {('load', 'store', 'atomic')[kind]} of {nbytes} bytes"
    shared = int(context[SHARED])
    if shared - 4096 <= address < shared + int(context[SHARED_BYTES]) + 4096:
        place = f"shared byte {address - shared}"
    else:
        nearest = min(range(len(ranges)), key=lambda k: distance(address, ranges[k]), default=-1)
        place = f"byte {address - ranges[nearest][0]} of operand {nearest}" if nearest >= 0 else f"address {address:#x}"
    return f"{access}, {place}, thread {thread}, block {block}"


def distance(address: int, span: Range) -> int:
    return max(span[0] - address, address - span[1] + 1, 0)


@lru_cache(maxsize=128)
def kernel_of(ptx: str, check: bool = True) -> Kernel:
    """The kernel of PTX text, which takes a megabyte: the last few are kept."""
    return Kernel(ptx, check)
