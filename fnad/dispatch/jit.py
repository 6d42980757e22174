"""``jit``: its options, checked, make a `Jitted` of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from fnad.checks import integers, is_integer, require_flag, require_function, require_names
from fnad.dispatch.jitted import Jitted, Options
from fnad.errors import boundary
from fnad.runtime.cuda import devices


@boundary
def jit(
    function: Callable[..., Any] | None = None, *, static_argnums: int | Iterable[int] = (),
    static_argnames: str | Iterable[str] = (), donate_argnums: int | Iterable[int] = (),
    donate_argnames: str | Iterable[str] = (), max_branches: int = 32, background: bool = False,
    device: str | None = None,
) -> Any:
    """Compile a function; it is staged at the first call for each structure, shapes and dtypes of its arguments.

    What the function reads from outside, as globals, closed-over variables and attributes of ``self``, is looked at in
    every call: arrays are read anew, and where anything else has changed the function is staged again. A number that
    has changed twice becomes an input. What cannot be seen to change is named by a warning. Leaves of the arguments
    that are neither arrays nor numbers are constants of the compiled code, and part of the signature.

    Python may ask for values: in ``if``, ``while``, ``assert``, ``range(int(n))``, ``float(x)``. The function is
    staged again when an answer is new, and each path Python has taken is compiled as a branch of its own; a call
    evaluates the conditions by compiled code and takes the branch that is right for its arguments.

    Args:
        function: a pure function from pytrees to a pytree. Without it, ``jit`` is a decorator with options.
        static_argnums: arguments that are constants of the compiled code, by position; they must be hashable. They are
            meant however they are passed.
        static_argnames: likewise by name.
        donate_argnums: arguments, by position, whose arrays are not used again after the call; results of equal
            shape and dtype may be written into their memory.
        donate_argnames: likewise by name.
        max_branches: how many branches of a signature are compiled; past them, after one warning, the function is
            staged and interpreted at each call that takes another.
        background: whether calls are answered by NumPy until the code is compiled, which goes on beside them, so that
            nobody waits for the compiler. Then the bits of a result depend on when it is asked for: compiled code may
            round the last ones of floats otherwise. Off, equal arguments give equal bits.
        device: ``"cpu"``, ``"cuda"``, a device of ``fnad.devices()``, or ``"auto"``: a GPU where one works, else the
            CPU, and one line of log that says why. Without a GPU that works ``"cuda"`` runs on the CPU too, after one
            warning, or is an error where ``fnad.config.strict_device`` is set. Not given, it is where one of the
            arguments' arrays is, or ``fnad.default_device()``. What a compiled function calls runs where that function
            does.

    Returns:
        A function of the same arguments; its arrays are new (or donated) NumPy arrays, on a GPU `DeviceArray`, which
        stay there and may not be computed yet.

    Raises:
        TypeError: an argument's leaf is neither array nor hashable; a static argument is not hashable.
        ConcreteValueError: Python asks for a value that is not known, or for all values of a large array.
        CutGradientError: Python asks for a number on a path that is being differentiated.

    >>> import numpy as np
    >>> @jit
    ... def f(x):
    ...     return np.sum(x ** 2)
    >>> f(np.array([1.0, 2.0]))
    array(5.)
    >>> rates = {"step": 0.5}
    >>> scaled = jit(lambda x: rates["step"] * x)
    >>> first = scaled(2.0)
    >>> rates["step"] = 3.0
    >>> first, scaled(2.0)
    (array(1.), array(6.))
    >>> halve = jit(lambda n: n // 2 if n % 2 == 0 else 3 * n + 1)
    >>> halve(6), halve(7), halve(8), halve.cache_info().branches
    (array(3), array(22), array(4), 2)
    """
    static = integers("jit", "static_argnums", static_argnums)
    donated = integers("jit", "donate_argnums", donate_argnums)
    named = require_names("jit", "donate_argnames", donate_argnames)
    if not is_integer(max_branches) or max_branches < 1:
        raise ValueError(f"jit: requires max_branches to be a positive integer, got {max_branches!r:.60}. Try 32.")
    require_flag("jit", "background", background)
    if device is not None:
        devices.require_name(device)
    static_names = require_names("jit", "static_argnames", static_argnames)
    options = Options(static, static_names, donated, named, max_branches, bool(background), device)
    _require_apart(options)
    if function is None:
        return lambda f: jit(f, **options._asdict())
    require_function("jit", function)
    parameters = _parameters(function)
    if parameters is None:
        return Jitted(function, options)
    _require_parameters(parameters, options)
    static, static_names = _in_both_ways(parameters, static, static_names)
    donated, named = _in_both_ways(parameters, donated, named)
    options = Options(static, static_names, donated, named, *options[4:])
    _require_apart(options)
    return Jitted(function, options)


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters of a function, where they can be known."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def _in_both_ways(
    parameters: Sequence[inspect.Parameter], numbers: Sequence[int], names: Sequence[str]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Arguments that are named by position or by keyword, named by both, for they can be passed by either."""
    if any([p.kind is p.VAR_POSITIONAL for p in parameters]):
        return tuple(numbers), tuple(names)
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    places = {p.name: i for i, p in enumerate(positional)}
    by_number = [n % len(positional) for n in numbers]
    by_name = [positional[n].name for n in by_number if positional[n].kind is not inspect.Parameter.POSITIONAL_ONLY]
    also = [places[name] for name in names if name in places]
    return tuple(dict.fromkeys([*by_number, *also])), tuple(dict.fromkeys([*names, *by_name]))


def _require_parameters(parameters: Sequence[inspect.Parameter], options: Options) -> None:
    """Raise for static or donated arguments that a function with a known signature does not have, or has twice."""
    static, donated = options.static_argnums, options.donate_argnums
    kinds = {p.kind for p in parameters}
    for what, names in (("static_argnames", options.static_argnames), ("donate_argnames", options.donate_argnames)):
        unknown = set(names) - {p.name for p in parameters}
        if unknown and inspect.Parameter.VAR_KEYWORD not in kinds:
            raise ValueError(f"jit: requires {what} of parameters, got {sorted(unknown)}. Check the spelling.")
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return
    count = sum([p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters])
    for what, numbers in (("static_argnums", static), ("donate_argnums", donated)):
        beyond = [n for n in numbers if not -count <= n < count]
        if beyond:
            raise ValueError(f"jit: requires {what} of parameters, got {beyond} of {count}. Count from 0.")
        integers("jit", what, [n % count for n in numbers])


def _require_apart(options: Options) -> None:
    """Raise for an argument that is static and donated."""
    static, donated = ({*options[i], *options[i + 1]} for i in (0, 2))
    twice = static & donated
    if twice:
        raise ValueError(
            f"jit: requires static and donated arguments to differ, got {sorted(twice, key=str)} as both. Leave one of "
            "them out."
        )
