"""What is different around users' functions that are being staged: by itself nothing; `fnad.plain` brings what is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Result = TypeVar("Result")


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


_here = [Surroundings()]


def surroundings() -> Surroundings:
    """Those that there are."""
    return _here[0]


def surround(others: Surroundings) -> None:
    """Let there be others."""
    _here[0] = others


def repeat(builder: Any, what: str, array: Any = None) -> None:
    """End the staging by a builder, to repeat it, if more of what its function uses is traced then."""
    if builder is not None and builder.repeats and surroundings().widen(what, array):
        builder.again = True
        raise Again
