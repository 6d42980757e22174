"""The errors of traced values: what Python may not have of them, and what to do instead."""

from __future__ import annotations

import gc
from collections.abc import Coroutine, Iterator
from types import FunctionType, ModuleType
from typing import Any

from fnad.errors import (
    ConcreteValueError, CutGradientError, EscapedTracerError, InPlaceError, located,
)
from fnad.instructions import is_reading, is_storing
from fnad.ir.primitive import Traced
from fnad.ir.program import Var
from fnad.ir.types import ArrayType
from fnad.surroundings import repeat
from fnad.tracing.state import current_builder


class LookedInto(BaseException):
    """Python asked for a value that follows from what a function reads from outside alone, as these variables."""

    def __init__(self, variables: set[Var]) -> None:
        self.variables = variables


class NotConcrete(BaseException):
    """A function that was being staged asked for a value that does not follow from its arguments' arrays.

    It ends the staging, past the user's ``except Exception``, and is caught where that was begun.
    """


def escaped() -> Exception:
    """The error of a traced value that is used after its function has returned."""
    # Outside of every function of the library nothing else would name the user's line.
    return located(
        EscapedTracerError(
            "traced value: requires to be used inside the function that it belongs to, "
            "got one whose function has returned. "
            "Return it from the function instead of keeping it in a global, an attribute or a list."
        )
    )


_CHOICE = "Use np.where for a choice, static_argnums for an argument that steers Python, or leave jit off here."
UNKNOWN = {
    "staged": ("whose value is unknown while its function is staged", _CHOICE),
    "large": ("whose {size} elements are too many for a branch of their own", _CHOICE),
    "vmap": (
        "that has one for each example under vmap",
        "Use np.where for a choice, in_axes=None for an argument that steers Python, or a Python loop over the "
        "examples.",
    ),
    "loop": (
        "that has another one at each step of a loop",
        "Use np.where, fnad.cond or fnad.while_loop, or write the loop in Python.",
    ),
    "branch": (
        "that is known only when the branch is taken",
        "Use np.where, fnad.cond or fnad.while_loop, or write the choice in Python.",
    ),
}
"""The reasons of unknown values, and what to do then."""


BOUND = "x[i:j]"
"""The concretization of a bound of a slice."""
MASK = "a boolean mask as an index"
_ORDINARY = (
    "A list takes no traced index, and a slice has a known number of elements: use np.array(data)[i] for data[i], and "
    "data[i + np.arange(n)] for data[i:i + n]."
)
_MASK = "The number of elements that a mask chooses has to be known: use np.where(mask, x, 0)."


def unknown_value(type: ArrayType, what: str, why: str) -> Exception:
    """The error of a value that is asked for and not known; ``why`` is one of the reasons above."""
    divert(type)
    reason, advice = UNKNOWN[why]
    if what == BOUND:
        advice = (
            "The number of elements has to be known: for n of them from i on write x[i + np.arange(n)], or choose "
            "among all of x by np.where."
        )
    elif type.dtype.kind in "iu" and is_reading():
        what, advice = "array[i]", _ORDINARY
    elif type.dtype.kind == "b" and what.startswith("np.array") and is_reading():
        what, advice = "array[mask]", _MASK
    elif what == MASK:
        advice += f" {_MASK}"
    elif what.startswith("float") and why != "staged":
        advice += " NumPy's function, np.sin(x) for math.sin(x), needs no number."
    return stored(type) or ConcreteValueError(
        f"{what}: requires a known value, got a traced {type} {reason.format(size=type.size)}. {advice}"
    )


def unhashable(type: ArrayType) -> Exception:
    """The error of a traced value in a set, or as the key of a dict; what asks for it may not be the library."""
    return located(TypeError(
        f"hash: requires a value that is known, got a traced {type}. Keep traced values in a list, or in a dict under "
        "keys of your own."
    ))


def divert(type: ArrayType) -> None:
    """Before Python is given a value, or the error: repeat the staging if it need not ask for that."""
    if is_storing():
        repeat(current_builder(), "written")
    elif type.dtype.kind in "iub" and is_reading():
        repeat(current_builder(), "read at")
    else:
        repeat(current_builder(), "asked for")


def stored(type: ArrayType) -> InPlaceError | None:
    """The error of a conversion that comes from ``array[i] = x``, where the user's code is doing just that."""
    if not is_storing():
        return None
    return InPlaceError(
        f"array[...] = x: requires a value that is known and not being differentiated, got a traced {type}, which an "
        f"ordinary array cannot hold. {MAKE}"
    )


MAKE = (
    "Make the array inside of the function by one of NumPy's functions, as np.zeros(n) or np.array(y), or have another "
    "one by fnad.numpy.at(y)[...].set(x)."
)
"""The advice for an array that cannot hold a traced value."""


def cut_gradient(type: ArrayType, what: str) -> Exception:
    """The error of a conversion to a number or an ordinary array on a path that is being differentiated."""
    divert(type)
    return stored(type) or CutGradientError(
        f"{what}: requires a value that is not being differentiated, got a traced {type}: the conversion "
        "would cut its gradient. Compute with x itself, by NumPy's functions, or use fnad.stop_gradient(x) where the "
        "cut is meant."
    )


MOST_LOOKED_THROUGH = 256
"""Objects in a result that are looked through."""


def holds_traced(value: Any, builder: Any = None) -> bool:
    """Whether an object holds a traced value, of this builder if one is given; what functions read is not looked at."""
    seen, pending = {id(value)}, [value]
    if isinstance(value, FunctionType):
        pending = [value.__closure__, value.__defaults__, value.__kwdefaults__]
    while pending and len(seen) < MOST_LOOKED_THROUGH:
        for inner in gc.get_referents(pending.pop(0)):
            if isinstance(inner, Traced):
                if builder is None or inner.builder is builder:
                    return True
            elif id(inner) not in seen and not isinstance(inner, (type, ModuleType, FunctionType)):
                seen.add(id(inner))
                pending.append(inner)
    return False


def held_in_result(value: Any) -> TypeError:
    """The error of a result that is no pytree, and holds traced values that nobody can use later."""
    if isinstance(value, FunctionType):
        advice = "Return the arrays that it uses, and make the function outside."
    elif isinstance(value, Iterator):
        advice = "Return list(...) of it."
    elif isinstance(value, Coroutine):
        advice = "Write it without async."
    else:
        advice = "Return a dict or a dataclass of them, or register its class with fnad.tree.register."
    return TypeError(
        "result: requires arrays, numbers, or lists, tuples, dicts or dataclasses of them, got "
        f"a {type(value).__name__} that holds traced values. {advice}"
    )
