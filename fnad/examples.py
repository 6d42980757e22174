"""The examples in functions' texts, called with traced values in place of their numbers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np

from fnad import tree
from fnad.arrays import is_array_like
from fnad.errors import ConcreteValueError
from fnad.ir.program import Literal, Program
from fnad.ir.types import is_inexact
from fnad.lazy import LazyModule
from fnad.numpy.aliases import own
from fnad.numpy.creation import writable
from fnad.tracing.staging import stage
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.grad import grad

doctest = LazyModule("doctest")

# --- A call


class Example(NamedTuple):
    """A function and the leaves of its arguments, of which some are to be traced."""

    function: Callable[..., Any]
    """The function, or the object with the method."""
    method: str
    """The name of the method; empty for a function."""
    leaves: tuple[Any, ...]
    spec: tree.PyTreeSpec
    traced: tuple[int, ...] = ()
    constants: tuple[int, ...] = ()
    """Arrays that are traced, too, as what is written to must be, but no inputs."""
    are_lists: bool = False
    """Whether it is given a list of its rows for a traced array."""

    @property
    def values(self) -> list[Any]:
        return [self.leaves[i] for i in self.traced]

    def arrays(self, find: Callable[[], Any], values: Sequence[Any]) -> list[Tracer]:
        """What the function that is found gives for these values of those that are traced, and what it has written to.

        It is looked up here, where a library's names stand for what takes traced values.
        """
        leaves = list(self.leaves)
        for i in self.constants:
            leaves[i] = writable(leaves[i])
        for i, value in zip(self.traced, values):
            leaves[i] = own(value)
        given = [leaves[i] for i in (*self.traced, *self.constants) if type(leaves[i]) is Tracer]
        before = [x.atom for x in given]
        for i in self.traced if self.are_lists else ():
            leaves[i] = list(leaves[i]) if leaves[i].ndim else leaves[i]
        args, kwargs = tree.unflatten(self.spec, leaves)
        function = getattr(find(), self.method) if self.method else find()
        result = eval(_CALL, {"function": function, "args": args, "kwargs": kwargs})
        found = tree.leaves(dict(result) if isinstance(result, dict) else result)
        return [y for y in (*found, *[x for x, atom in zip(given, before) if x.atom is not atom]) if type(y) is Tracer]


# Code of a user's: the library's own gets NumPy's functions as they are.
_CALL = compile("function(*args, **kwargs)", "<example>", "eval")
# Examples that differentiate call their functions here, for the arguments alone.
_PLAIN = SimpleNamespace(**dict.fromkeys(("grad", "value_and_grad", "jit", "jacobian", "hessian", "vmap"), lambda f: f))


def examples_of(function: Callable[..., Any]) -> list[Example]:
    """The calls of a function in its text; of an object, those of its methods."""
    calls: list[Any] = []

    def spy(of: Callable[..., Any], method: str, *args: Any, **kwargs: Any) -> Any:
        calls.append((method, ([_as_array(a) for a in args], {k: _as_array(a) for k, a in kwargs.items()})))
        return of(*args, **kwargs)

    if inspect.isroutine(function):
        name, shown = function.__name__, partial(spy, function, "")
    else:
        name, shown = function.name, _Shown(lambda method: partial(spy, getattr(function, method), method))
    names: dict[str, Any] = {"np": np, "print": lambda *args, **kwargs: None}
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(function) or ""):
        names |= {name: shown, "fnad": _PLAIN}  # again, where the example has imported them
        try:
            exec(compile(example.source, "<example>", "exec"), names)
        except Exception:  # of what is told by an error, or uses more of the library than there is here
            continue
    flat = [(method, *tree.flatten(call)) for method, call in calls]
    return [Example(function, method, tuple(leaves), spec) for method, leaves, spec in flat]


class _Shown:
    """An object whose methods are what a function gives for their names."""

    def __init__(self, method: Callable[[str], Any]) -> None:
        self._method = method

    def __getattr__(self, name: str) -> Any:
        return self._method(name)


def _as_array(value: Any) -> Any:
    """An argument as it is at the time of the call; lists of numbers as arrays."""
    if not isinstance(value, (list, np.ndarray)):
        return value
    try:
        array = np.array(value)
    except ValueError:
        return [_as_array(part) for part in value]
    return array if array.dtype.kind in "biufc" else value


# --- Trying it


class Trial(NamedTuple):
    """An example that can be staged, and the Program."""

    example: Example
    is_known: bool
    """Whether Python has to know the values."""
    program: Program


def trial_of(example: Example) -> Trial | None:
    """An example with as many of its numbers traced as can be, as floats rather than integers; none without results."""
    asking = []
    for way in _ways(example):
        program, error = _staged(way, partial(way.arrays, lambda: way.function))
        if program is not None and program.outputs:
            return Trial(way, False, program)
        asking += [way] if isinstance(error, ConcreteValueError) else []
    for way in asking:
        program, _ = _staged(way, partial(way.arrays, lambda: way.function), True)
        if program is not None:
            return Trial(way, True, program)
    return None


def works(trial: Trial, find: Callable[[], Any]) -> bool:
    """Whether another function, the one that is found then, takes the same traced values."""
    ways = [trial.example._replace(are_lists=yes) for yes in (False, True)]
    return any([_staged(way, partial(way.arrays, find), trial.is_known)[0] is not None for way in ways])


def _ways(example: Example) -> Iterator[Example]:
    kinds = [np.asarray(leaf).dtype.kind if is_array_like(leaf) else "" for leaf in example.leaves]
    places = range(len(kinds))
    arrays = [i for i in places if isinstance(example.leaves[i], np.ndarray)]
    floats = [i for i in places if kinds[i] in ("f", "c")]
    numbers = sorted({*floats, *[i for i in arrays if kinds[i] in ("i", "u")]})
    for chosen in (numbers, floats, *[[i] for i in numbers]):
        yield _as_floats(example, chosen)
    for chosen in (arrays, *[[i] for i in places if kinds[i]]):
        yield example._replace(traced=tuple(chosen))


def _as_floats(example: Example, chosen: Sequence[int]) -> Example:
    leaves = list(example.leaves)
    for i in chosen:
        if np.asarray(leaves[i]).dtype.kind in "iu":
            leaves[i] = leaves[i].astype(float)
    return example._replace(leaves=tuple(leaves), traced=tuple(chosen))


def _staged(
    example: Example, function: Callable[..., Any], is_known: bool = False
) -> tuple[Program | None, Exception | None]:
    """A function of the traced values as a Program, or why there is none."""
    values = example.values
    if not values:
        return None, None
    try:
        staged = stage(lambda *xs: function(list(xs)), [*map(value_type, values)], values if is_known else None)
    except Exception as error:  # whatever a function says of values that it does not take
        return None, error
    return staged.program, None


# --- Derivatives


def slopes(trial: Trial) -> dict[str, list[Program]]:
    """For each parameter in which there are derivatives, these as Programs, the first and perhaps the second one."""
    by_parameter: dict[str, list[int]] = {}
    for i in trial.example.traced:
        if is_inexact(value_type(trial.example.leaves[i]).dtype):
            by_parameter.setdefault(_parameter(trial.example, i), []).append(i)
    found = {}
    for name, some in by_parameter.items():
        alone = trial.example._replace(traced=tuple(some))
        others = tuple([i for i in trial.example.traced if i not in some])
        found[name] = _slopes(alone._replace(constants=others), trial.is_known) or _slopes(alone, trial.is_known)
    return {name: programs for name, programs in found.items() if programs}


def _parameter(example: Example, leaf: int) -> str:
    """The name of the parameter that a leaf belongs to."""
    args, kwargs = tree.unflatten(example.spec, list(range(len(example.leaves))))
    function = getattr(example.function, example.method) if example.method else example.function
    bound = inspect.signature(function).bind(*args, **kwargs)
    return next(name for name, value in bound.arguments.items() if leaf in tree.leaves(value))


def _slopes(example: Example, is_known: bool) -> list[Program]:
    """The first and the second derivative in all that is traced, as far as there are any."""

    def total(values: Sequence[Any]) -> Any:
        return _sum(example.arrays(lambda: example.function, values))

    program, _ = _staged(example, grad(total), is_known)
    if program is None or all([type(atom) is Literal for atom in program.outputs]):
        return []
    again, _ = _staged(example, grad(lambda values: _sum(grad(total)(values))), is_known)
    return [program] if again is None else [program, again]


def _sum(arrays: Sequence[Tracer]) -> Tracer:
    return sum([y.real.sum() + y.imag.sum() for y in arrays if is_inexact(y.dtype)], 0.0)  # type: ignore[return-value]
