"""The functions that are being staged on a thread."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from fnad.ir.primitive import Traced

Builder = Any
"""One of builder.py, which imports this file."""


class Thread(threading.local):
    """The innermost builders of a thread: of a function, of a branch or loop, of one whose guards are recorded."""

    builder: Builder | None = None
    enclosing: Builder | None = None
    recording: Builder | None = None


thread = Thread()


def current_builder() -> Builder | None:
    """The builder of the innermost function that is being staged on this thread."""
    return thread.builder


def enclosing(builder: Builder) -> Builder | None:
    """The branch or body of a loop that is being staged inside of a builder's function.

    Its work is its own, whatever it works on: where its operands are it would run though the branch is not taken, or
    the loop makes no step.
    """
    inner = thread.enclosing
    return inner if inner is not None and inner.level > builder.level else None


def recording() -> Builder | None:
    """The builder of the innermost function that is staged with its guards recorded."""
    return thread.recording


def is_staging() -> bool:
    """Whether a function is being staged on this thread."""
    return thread.builder is not None


def is_recording() -> bool:
    """Whether a value that Python asks for on this thread is recorded, as a guard."""
    return thread.recording is not None


def innermost(args: Iterable[Any]) -> Builder | None:
    """The innermost builder among traced arguments."""
    builders = [a.builder for a in args if isinstance(a, Traced)]
    return max(builders, key=lambda b: b.level) if builders else None
