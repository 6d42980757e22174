"""A parsed kernel as an LLVM module with one function, `kernel(context, thread, x, y, z)`.

It runs one thread of the block. The function of a kernel whose threads meet (at barriers, shuffles, votes) is a
coroutine that returns its handle, and goes on where it waits when it is resumed. Any other just runs to its end.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests.ptxsim import bits, memory
from tests.ptxsim.context import DONE, PARAMETERS, STATES
from tests.ptxsim.instructions import translate
from tests.ptxsim.parse import Entry
from tests.ptxsim.writer import Writer

# The modules whose instructions are in the table when they are imported.
INSTRUCTION_SETS = (bits, memory)

DECLARATIONS = """
declare ptr @malloc(i64)
declare void @free(ptr)
declare i32 @ptxsim_check(i64, i64, i64, i64, ptr)
declare float @tanhf(float)
declare token @llvm.coro.id(i32, ptr, ptr, ptr)
declare i64 @llvm.coro.size.i64()
declare ptr @llvm.coro.begin(token, ptr)
declare i8 @llvm.coro.suspend(token, i1)
declare ptr @llvm.coro.free(token, ptr)
declare void @llvm.coro.end(ptr, i1, token)
"""

COROUTINE_START = """
  %id = call token @llvm.coro.id(i32 0, ptr null, ptr null, ptr null)
  %size = call i64 @llvm.coro.size.i64()
  %frame = call ptr @malloc(i64 %size)
  %handle = call ptr @llvm.coro.begin(token %id, ptr %frame)
"""

COROUTINE_END = f"""
  %states.word = getelementptr i64, ptr %context, i64 {STATES}
  %states.address = load i64, ptr %states.word
  %states = inttoptr i64 %states.address to ptr
  %state = getelementptr i64, ptr %states, i64 %thread
  store i64 {DONE}, ptr %state
  %last = call i8 @llvm.coro.suspend(token none, i1 true)
  switch i8 %last, label %suspended [i8 0, label %never i8 1, label %cleanup]
never:
  unreachable
cleanup:
  %memory = call ptr @llvm.coro.free(token %id, ptr %handle)
  call void @free(ptr %memory)
  br label %suspended
suspended:
  call void @llvm.coro.end(ptr %handle, i1 false, token none)
  ret ptr %handle
"""

ARGUMENTS = "ptr %context, i64 %thread, i32 %x, i32 %y, i32 %z"


def module(entry: Entry, symbols: Mapping[str, int], checked: bool) -> tuple[str, bool, int]:
    """LLVM text, whether the threads meet, and the least size of elements in shared memory, at most 4."""
    writer = Writer(entry, symbols, checked)
    for item in entry.code:
        if isinstance(item, str):
            writer.emit(f'br label %"{item}"')
            writer.place(f'"{item}"')
        else:
            translate(writer, item)
    writer.emit("br label %finish")
    body = "\n".join([*slots(writer), *writer.lines])
    start, end = (COROUTINE_START, COROUTINE_END) if writer.meets else ("", "\n  ret ptr null\n")
    kind = " presplitcoroutine" if writer.meets else ""
    text = f"define ptr @kernel({ARGUMENTS}){kind} {{\nentry:{start}\n{body}\nfinish:{end}}}\n"
    return DECLARATIONS + text, writer.meets, writer.shared_granule


def slots(writer: Writer) -> list[str]:
    """The kernel's own memory: the carry, its registers, its local variables, and where its parameters lie."""
    lines = ["  %carry = alloca i1"]
    lines += [f"  {writer.slot(name)} = alloca {kind}" for name, kind in writer.kinds.items()]
    for v in writer.locals.values():
        lines.append(f'  %"L{v.name}" = alloca [{v.nbytes} x i8], align {max(v.alignment, 16)}')
    return [
        *lines,
        f"  %parameters.word = getelementptr i64, ptr %context, i64 {PARAMETERS}",
        "  %parameters.address = load i64, ptr %parameters.word",
        "  %parameters = inttoptr i64 %parameters.address to ptr",
    ]
