"""Names for parts of the work, which `fnad.show` and `fnad.explain` print beside the lines of code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fnad.checks import require_function
from fnad.errors import boundary, located
from fnad.sources import scopes
from fnad.transforms.derived import Derived


class named_scope:
    """A ``with`` block, or a decorator, whose operations go by a name where they are shown; names nest as paths do.

    Args:
        name: any text.

    Raises:
        TypeError: ``name`` is no text.

    >>> import numpy as np, fnad
    >>> def norm(x):
    ...     with named_scope("norm"):
    ...         return np.sqrt(x)
    >>> print(fnad.make_program(norm)(np.ones(3)))
    program(a: f64[3]):
      b: f64[3] = sqrt a  # norm
      return b
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise located(TypeError(f"named_scope: requires a name, got {name!r:.60}. Pass a text."))
        self.name = name
        self._before: list[str] = []

    def __enter__(self) -> None:
        self._before.append(scopes.path)
        scopes.path = f"{scopes.path}/{self.name}" if scopes.path else self.name

    def __exit__(self, *raised: object) -> None:
        scopes.path = self._before.pop()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        return named_call(function, self.name)


@boundary
def named_call(function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
    """The same function, whose operations go by its name where they are shown.

    Args:
        function: any function.
        name: the name, by default the function's own.

    Returns:
        A function of the same arguments.

    Raises:
        TypeError: ``function`` is no function, or ``name`` no text.

    >>> import numpy as np, fnad
    >>> print(fnad.make_program(named_call(np.sin, name="wave"))(np.ones(2)))
    program(a: f64[2]):
      b: f64[2] = sin a  # wave
      return b
    """
    require_function("named_call", function)
    label = getattr(function, "__name__", type(function).__name__) if name is None else name

    def call(*args: Any, **kwargs: Any) -> Any:
        with named_scope(label):
            return function(*args, **kwargs)

    return Derived(call, function, named_call, function, name)
