"""The mistakes that users make, each with its cause and its way out, and the trimming of tracebacks.

An error leaves the library with the user's own file and line in its message and without
the library's frames in its traceback.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from types import FrameType, TracebackType
from typing import Any

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
# The demonstration is written as a user would write it, so its lines count as a user's.
_USER_FILES = (os.path.join(PACKAGE, "__main__.py"),)


class ConcreteValueError(TypeError):
    """Python asked for the value of an array that has none while its function is staged.

    Under ``jit`` a function is staged once for all values of its arguments, so ``if x > 0``
    has no answer. Use ``np.where``, mark the argument static (``static_argnums``), or leave
    ``jit`` off: without it the values are known.
    """


class CutGradientError(TypeError):
    """A conversion to a Python number or a NumPy array would cut a gradient without a word.

    ``float(x)``, ``math.sin(x)`` and ``np.array([x, y])`` lose the connection to ``x``. Use
    NumPy's function (``np.sin(x)``), ``np.stack([x, y])``, or say that the cut is meant:
    ``float(fnad.stop_gradient(x))``.
    """


class EscapedTracerError(RuntimeError):
    """A traced value was used after the function that it belongs to had returned.

    It was kept in a global, an attribute or a list. Return it from the function instead.
    """


class InPlaceError(TypeError):
    """A traced value was written into an ordinary NumPy array, or a traced array was written to.

    Build the array with ``np.stack`` / ``np.concatenate``, or use ``x.at[i].set(v)``.
    """


def is_library_file(filename: str) -> bool:
    """Whether frames of this file belong to the library and not to the user."""
    return filename.startswith(PACKAGE) and filename not in _USER_FILES


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, outwards, of the user's own code."""
    while frame is not None and is_library_file(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def boundary(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let errors leave a public function with the user's line and without the library's frames."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            raise _trimmed(error) from error.__cause__

    return wrapper


def _trimmed(error: Exception) -> Exception:
    frames = _frames(error.__traceback__)
    user = [t for t in frames if not is_library_file(t.tb_frame.f_code.co_filename)]
    raised_here = bool(frames) and is_library_file(frames[-1].tb_frame.f_code.co_filename)
    if raised_here and user:
        _add_location(error, user[-1])
    return error.with_traceback(_linked(user))


def _frames(traceback: TracebackType | None) -> list[TracebackType]:
    frames = []
    while traceback is not None:
        frames.append(traceback)
        traceback = traceback.tb_next
    return frames


def _linked(frames: list[TracebackType]) -> TracebackType | None:
    linked = None
    for t in reversed(frames):
        linked = TracebackType(linked, t.tb_frame, t.tb_lasti, t.tb_lineno)
    return linked


def _add_location(error: Exception, where: TracebackType) -> None:
    if getattr(error, "_fnad_located", False) or len(error.args) != 1:
        return
    code = where.tb_frame.f_code
    place = f'  at "{code.co_filename}", line {where.tb_lineno}, in {code.co_name}'
    error.args = (f"{error.args[0]}\n{place}",)
    error._fnad_located = True  # type: ignore[attr-defined]
