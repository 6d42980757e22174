"""Functions that transforms make of functions: called as those, and pickled as the transform and what it was given."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import update_wrapper
from types import MethodType
from typing import Any

from fnad.errors import boundary


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
        update_wrapper(self, function)
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


def place_of(made: Any) -> str | None:
    """The name under which pickle finds an object: where it stands in the place of its function, as a decorated one."""
    name = getattr(made, "__qualname__", None)
    found: Any = sys.modules.get(getattr(made, "__module__", None) or "")
    for part in name.split(".") if isinstance(name, str) else [""]:
        found = getattr(found, part, None)
    return name if found is made else None
