"""The functions that are being staged on a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fnad.ir.primitive import Traced

Result = TypeVar("Result")
Builder = Any
"""One of builder.py, which imports this file."""


class Thread(threading.local):
    """The innermost builders of a thread: of a function, of a branch or loop, of one whose guards are recorded."""

    builder: Builder | None = None
    enclosing: Builder | None = None
    recording: Builder | None = None


thread = Thread()


class Again(BaseException):
    """Ends a staging, past the user's ``except Exception``, that is to be repeated, since more can be traced then."""


class Surroundings:
    """What is different around users' functions that are being staged; `fnad.plain` has another one."""

    def run(self, call: Callable[[], Result]) -> Result:
        """What a call comes to that runs such functions."""
        return call()

    def settled(self, array: Any) -> Any:
        """An array that may be written to while a function is staged, as it is now."""
        return array

    def widen(self, what: str, array: Any) -> bool:
        """Whether from now on more is traced of what stands in the way: where a traced value is ``"written"`` (to this
        array), ``"read at"`` as an index, or ``"asked for"``."""
        return False


surroundings = Surroundings()


def repeat(what: str, array: Any = None) -> None:
    """End the innermost staging, to repeat it, if more of what its function uses is traced then."""
    builder = thread.builder
    if builder is not None and builder.repeats and surroundings.widen(what, array):
        builder.again = True
        raise Again


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
