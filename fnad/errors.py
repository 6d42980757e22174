"""The mistakes that users make, each with its cause and its way out, and the trimming of tracebacks.

An error leaves the library with the user's own file and line in its message and without
the library's frames in its traceback.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from types import CodeType, FrameType, TracebackType
from typing import Any

import numpy as np

from fnad.shield import asked_by

PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep
_NUMPY = os.path.dirname(np.__file__) + os.sep
_INSTALLED = (os.path.dirname(os.path.dirname(np.__file__)) + os.sep, os.path.dirname(os.__file__) + os.sep)
# The demonstration is written as a user would write it, so its lines count as a user's.
_USER_FILES = (os.path.join(PACKAGE, "__main__.py"),)


class ConcreteValueError(TypeError):
    """Python asked for the value of an array that has none while its function is staged.

    Under ``jit`` a value of up to 64 elements is known, and what Python does with it becomes a branch. A
    larger one is not. Use ``np.where``, mark the argument static (``static_argnums``), or leave ``jit``
    off: without it the values are known.
    Under ``vmap`` there is one value for each example: use ``np.where``, or ``in_axes=None`` for an
    argument that steers Python.

    >>> import fnad
    >>> fnad.vmap(lambda x: x if x > 0 else -x)(np.array([1.0, -1.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    fnad.errors.ConcreteValueError: bool(...) or a Python condition: requires ...
    """


class CutGradientError(TypeError):
    """A conversion to a Python number or a NumPy array would cut a gradient without a word.

    ``float(x)``, ``x.item()`` and functions in C that want numbers lose the connection to ``x``. Use
    NumPy's functions, or say that the cut is meant: ``float(fnad.stop_gradient(x))``.

    >>> import fnad
    >>> fnad.grad(lambda x: float(x) ** 2)(3.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    fnad.errors.CutGradientError: float(...): requires ...
    """


class EscapedTracerError(RuntimeError):
    """A traced value was used after the function that it belongs to had returned.

    It was kept in a global, an attribute or a list. Return it from the function instead.

    >>> import fnad
    >>> kept = []
    >>> fnad.make_program(lambda x: kept.append(x) or x)(1.0), kept[0] + 1  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    fnad.errors.EscapedTracerError: ...
    """


class InPlaceError(TypeError):
    """A traced value was written where it cannot be: into an ordinary array, or an array of a function around.

    An array that the traced function makes itself, by ``np.zeros`` or another function of NumPy's, holds traced values;
    one that is the caller's, or that a method has made, does not. A function that is traced inside of another one
    returns the new array.

    >>> import fnad
    >>> def into(x, y):
    ...     y[0] = x
    ...     return y
    >>> fnad.grad(into)(1.0, np.zeros(1))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    fnad.errors.InPlaceError: ...
    """


class NonFiniteError(FloatingPointError):
    """A function that runs under ``check_nans`` made a NaN or an infinity of finite values.

    The message names the operation, forward or backward, the line that it comes from, and the ranges of its
    operands.

    >>> import fnad
    >>> fnad.check_nans(np.log)(0.0)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    fnad.errors.NonFiniteError: check_nans: requires finite values, got inf in 1 of 1 element of log...
    """


class DeviceError(RuntimeError):
    """A GPU was asked for that is not usable, or one stopped working.

    ``fnad.devices()`` says what there is and why a GPU is not usable. Arrays on the host are never harmed by what
    befalls a device.
    """


class DeviceMemoryError(DeviceError, MemoryError):
    """A device has not as much memory as a function needs.

    Use smaller batches, drop device arrays that are no longer needed, or give arguments away (``donate_argnums``).
    """


OWN = (
    ConcreteValueError, CutGradientError, DeviceError, EscapedTracerError, InPlaceError, NonFiniteError,
)


def is_library_file(filename: str) -> bool:
    """Whether frames of this file belong to the library and not to the user."""
    return filename.startswith(PACKAGE) and filename not in _USER_FILES


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, outwards, of the user's own code; NumPy's is not, whose functions call the library's."""
    while frame is not None and (is_library_file(frame.f_code.co_filename) or is_numpy_file(frame.f_code.co_filename)):
        frame = frame.f_back or asked_by()
    return frame


def own_frame(frame: FrameType | None) -> FrameType | None:
    """The nearest frame, outwards, that is of no installed package, such as SciPy; without one the nearest at all."""
    nearest = frame = user_frame(frame)
    while frame is not None and frame.f_code.co_filename.startswith(_INSTALLED):
        frame = user_frame(frame.f_back)
    return frame or nearest


def warn(message: str, category: type[Warning] = RuntimeWarning) -> None:
    """Warn at the user's line, also where another thread or another library works for it."""
    frame = own_frame(sys._getframe(1))
    if frame is None:
        warnings.warn(message, category, stacklevel=2)
        return
    names, code = frame.f_globals, frame.f_code
    registry = names.setdefault("__warningregistry__", {})
    module = names.get("__name__")
    warnings.warn_explicit(message, category, code.co_filename, frame.f_lineno, module, registry)


def boundary(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let errors leave a public function with the user's line and without the library's frames."""

    @wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as caught:
            error, frames = _own(caught)
            _trim(error, frames)
            try:
                raise error
            except Exception:
                error.__traceback__ = error.__traceback__.tb_next
                raise  # without an expression: what is raised anew has this frame in its traceback again

    return wrapper


MOST_USER_FRAMES = 100
"""Frames of the user's in a recursion without end that is the library's: it walks down his data."""


def _own(error: Exception) -> tuple[Exception, list[TracebackType]]:
    """The error itself, or that of the library which NumPy has wrapped in one of its own; and its frames."""
    frames, cause = _frames(error.__traceback__), error.__cause__
    if type(error) is RecursionError and _is_raised_here(frames) and len(_of_user(frames)) < MOST_USER_FRAMES:
        return ValueError(
            "fnad: requires data that is not nested without end, got lists, tuples or objects of too many levels, or "
            "that hold themselves. Use arrays, or lists of fewer levels."
        ).with_traceback(error.__traceback__), frames
    if not isinstance(cause, OWN):
        return error, frames
    cause.__suppress_context__ = True
    return cause, frames + _frames(cause.__traceback__)


def located(error: Exception) -> Exception:
    """The error, with the user's line that led to it in its message."""
    where = user_frame(sys._getframe(1))
    if where is not None:
        _add_location(error, where.f_code, where.f_lineno)
    return error


def place_at(error: Exception, source: Sequence[Any]) -> Exception:
    """The error, with a file, a line and a function's name in its message in place of the line of the call."""
    file, line, function = source[:3]
    _add_place(error, f'  at "{file}", line {line}, in {function}')
    return error


def _trim(error: Exception, frames: list[TracebackType]) -> None:
    """Leave the user's frames in a traceback; an error of the library's own gets the user's line."""
    user = _of_user(frames)
    if _is_raised_here(frames):
        user = [t for t in user if not is_numpy_file(t.tb_frame.f_code.co_filename)]
        if user:
            _add_location(error, user[-1].tb_frame.f_code, user[-1].tb_lineno)
        else:
            located(error)  # raised before or after the user's function ran: the line of the call
    error.__traceback__ = _linked(user)


def _of_user(frames: list[TracebackType]) -> list[TracebackType]:
    return [t for t in frames if not is_library_file(t.tb_frame.f_code.co_filename)]


def _is_raised_here(frames: list[TracebackType]) -> bool:
    """Whether the library raised an error, itself or by what it asked NumPy for."""
    files = [t.tb_frame.f_code.co_filename for t in frames]
    own = [name for name in files if not is_numpy_file(name)]
    return bool(own) and is_library_file(own[-1])


def is_numpy_file(filename: str) -> bool:
    return filename.startswith(_NUMPY)


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


def _add_location(error: Exception, code: CodeType, line: int) -> None:
    _add_place(error, f'  at "{code.co_filename}", line {line}, in {code.co_name}')


def _add_place(error: Exception, place: str) -> None:
    if getattr(error, "_fnad_located", False):
        return
    if len(error.args) == 1 and str(error) == str(error.args[0]):
        error.args = (f"{error.args[0]}\n{place}",)
    else:
        error.add_note(place)  # an error that makes its message of other parts
    error._fnad_located = True  # type: ignore[attr-defined]
