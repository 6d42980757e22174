"""SciPy's own functions, which answer where nothing is traced."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np

from fnad import numpy as fnp
from fnad.errors import boundary
from fnad.lazy import LazyModule
from fnad.numpy.dispatch import any_traced
from fnad.numpy.promotion import is_traced
from fnad.tracing.state import is_staging

F = TypeVar("F", bound=Callable[..., Any])


def answers_for(module: str, runs_functions: bool = False) -> Callable[[F], F]:
    """Let a function answer for the one of its name in a module of SciPy's where an argument is traced.

    One that ``runs_functions`` of the user's answers wherever a function is being staged: they may close over traced
    values.
    """
    scipys = LazyModule(module)

    def register(rule: F) -> F:
        @wraps(rule)
        def function(*args: Any, **kwargs: Any) -> Any:
            is_ours = is_staging() if runs_functions else any_traced(args, kwargs)
            return (rule if is_ours else getattr(scipys, rule.__name__))(*args, **kwargs)

        return boundary(function)  # type: ignore[return-value]

    return register


def as_array(value: Any) -> Any:
    """A value as an array: a traced one where a part of it is, else an ordinary one."""
    return fnp.asarray(value) if is_traced(value) else np.asarray(value)
