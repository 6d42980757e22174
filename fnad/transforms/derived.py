"""Functions that transforms make of functions: called as those, and pickled as the transform and what it was given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import WRAPPER_ASSIGNMENTS, update_wrapper
from inspect import cleandoc
from textwrap import dedent
from types import MethodType
from typing import Any

from fnad.errors import boundary


class HelpText(str):
    """A function's own docstring, to which ``help`` adds what was made of the function."""

    more: str

    def expandtabs(self, tabsize: int = 8) -> str:  # type: ignore[override]
        """The text for readers: ``inspect.cleandoc``, and so ``help``, begins by asking for it."""
        return f"{cleandoc(str(self))}\n\n{self.more}"


class Help:
    """The ``__doc__`` of a class whose instances were made of functions, and of these: the function's own, and more."""

    def __init__(self, of_class: str | None, more: Callable[[Any], str]) -> None:
        self.of_class, self.more = of_class, more

    def __get__(self, instance: Any, owner: type) -> str | None:
        if instance is None:
            return self.of_class
        own = instance.function.__doc__
        if not isinstance(own, str) or not own:
            return self.more(instance)
        text = HelpText(own)
        text.more = self.more(instance)
        return text


OWN_DOC = tuple([name for name in WRAPPER_ASSIGNMENTS if name != "__doc__"])
"""The attributes that `functools.update_wrapper` copies where `Help` is the docstring."""


class Derived:
    """A function made of another one by ``make(*given)``, of which that is the first, and which ``call`` runs.

    >>> import pickle, numpy as np
    >>> from fnad import grad
    >>> pickle.loads(pickle.dumps(grad(np.sin)))(0.0)
    array(1.)
    """

    # What refers to the function is found among the other attributes.
    __slots__ = ("_call", "_made", "__dict__", "__weakref__")

    def __init__(
        self, call: Callable[..., Any], function: Callable[..., Any], make: Callable[..., Any], *given: Any
    ) -> None:
        update_wrapper(self, function, OWN_DOC)
        self.function = function
        self._call, self._made = call, (make, given)

    @boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    def with_function(self, function: Callable[..., Any]) -> Derived:
        """The same of another function."""
        make, (_, *options) = self._made
        return make(function, *options)

    def __repr__(self) -> str:
        make, _ = self._made
        return f"<{make.__name__} of {getattr(self.function, '__qualname__', self.function)}>"

    def __reduce__(self) -> Any:
        return place_of(self) or self._made


def _made_by(derived: Derived) -> str:
    """The section about results in the text of the transform."""
    make, _ = derived._made
    _, _, after = cleandoc(make.__doc__ or "").partition("\nReturns:\n")
    returned = dedent(after.partition("\n\n")[0])
    return f"Made by `fnad.{make.__name__}`; ``function`` is the function itself.\n\n{returned}"


Derived.__doc__ = Help(Derived.__doc__, _made_by)  # type: ignore[assignment]


def place_of(made: Any) -> str | None:
    """The name under which pickle finds an object: where it stands in the place of its function, as a decorated one."""
    name = getattr(made, "__qualname__", None)
    found: Any = sys.modules.get(getattr(made, "__module__", None) or "")
    for part in name.split(".") if isinstance(name, str) else [""]:
        found = getattr(found, part, None)
    return name if found is made else None
