"""The params of a launch, and the lines of its kernel's source that name them: no kernel counts words by hand."""

from __future__ import annotations

from collections.abc import Sequence

from fnad.runtime.plan import View


class Params:
    """Words for a kernel, in the order in which they are named."""

    def __init__(self) -> None:
        self.words: list[int] = []
        self.lines: list[str] = []

    def pointer(self, name: str, view: View, dtype: str, scope: int) -> None:
        """Name a pointer to a view's first element, taken for one of a dtype; LLVM takes scopes for apart."""
        self.lines.append(f"{name} = as_{dtype}(operand(buffers, params, {len(self.words)}), {scope})")
        self.words += [view.buffer, view.offset]

    def number(self, name: str, value: int) -> None:
        """Name a number."""
        self.lines.append(f"{name} = params[{len(self.words)}]")
        self.words.append(value)

    def table(self, name: str, values: Sequence[int]) -> None:
        """Name a pointer to numbers that follow each other."""
        self.lines.append(f"{name} = words_from(params, {len(self.words)})")
        self.words += values


def kernel_source(lines: Sequence[str]) -> str:
    """The source of a kernel, from the lines of its body."""
    return "\n    ".join(["def kernel(buffers, params, lo, hi):", *lines]) + "\n"
