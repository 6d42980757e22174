"""Functions with derivative rules of their own, as users declare and call them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from functools import update_wrapper
from types import MethodType
from typing import Any

from fnad import tree
from fnad.arguments import values_among, with_own_arrays
from fnad.checks import integers, require_function, require_names
from fnad.errors import boundary
from fnad.ir.primitive import Primitive
from fnad.tracing.staging import stage
from fnad.tracing.state import innermost
from fnad.tracing.tracer import value_type
from fnad.transforms.calls import call_primitive
from fnad.transforms.custom_rules import (
    Arguments, Call, ForwardCall, ReverseCall, custom_jvp_call, custom_vjp_call,
)
from fnad.transforms.derived import place_of


class _Custom:
    """A function with rules; on traced values it is staged as one equation."""

    name: str
    primitive: Primitive
    call: type[Call]
    how: str

    def __init__(self, function: Callable[..., Any], nondiff_argnums: tuple[int, ...]) -> None:
        update_wrapper(self, function)
        # What refers to the function is found among the attributes, as the rules are.
        del self.__wrapped__
        self.function = function
        self.nondiff_argnums = nondiff_argnums
        self.forward: Callable[..., Any] | None = None
        self.backward: Callable[..., Any] | None = None

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    def with_function(self, function: Callable[..., Any]) -> _Custom:
        """The same rules for another function."""
        return _restored(type(self), function, self.nondiff_argnums, self.forward, self.backward)

    def __reduce__(self) -> Any:
        made = _restored, (type(self), self.function, self.nondiff_argnums, self.forward, self.backward)
        return place_of(self) or made

    @boundary
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.forward is None:
            raise TypeError(f"{self.name}: requires a rule, got a function without one. Give it by {self.how}.")
        args = self._positional(args, kwargs)
        arguments = self._arguments(args)
        values = [arguments.leaves[i] for i in arguments.traced]
        if innermost(values) is None:
            return with_own_arrays(self.function(*arguments.complete(with_own_arrays(values))))
        staged = stage(
            lambda *tracers: self.function(*arguments.complete(tracers)), [value_type(v) for v in values], values
        )
        made = self.call(self, arguments.without_values(), staged)
        return staged.restore(
            call_primitive(self.primitive, [*values, *staged.captured], program=staged.program, call=made)
        )

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if not kwargs:
            return args
        bound = inspect.signature(self.function).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(
                f"{self.name}: requires arguments that can be given by position, got {', '.join(bound.kwargs)}. "
                "Make them positional, or bind them by functools.partial."
            )
        return bound.args

    def _arguments(self, args: tuple[Any, ...]) -> Arguments:
        for n in self.nondiff_argnums:
            if not -len(args) <= n < len(args):
                raise ValueError(
                    f"{self.name}: requires nondiff_argnums of arguments that are given, got {n} for {len(args)} of "
                    "them. Pass the argument, or change nondiff_argnums."
                )
        fixed = {n % len(args): args[n] for n in self.nondiff_argnums}
        leaves, treedef = tree.flatten(tuple([a for i, a in enumerate(args) if i not in fixed]))
        return Arguments(fixed, leaves, treedef, values_among(self.name, leaves, lambda: tree.paths(treedef, "args")))


def _restored(
    cls: type[_Custom], function: Callable[..., Any], nondiff_argnums: tuple[int, ...], forward: Any, backward: Any
) -> _Custom:
    """A function with rules, as it was pickled."""
    made = cls(function, nondiff_argnums)
    made.forward, made.backward = forward, backward
    return made


class CustomVJP(_Custom):
    """A function with a rule for reverse mode; made by `custom_vjp`."""

    name, primitive, call, how = "custom_vjp", custom_vjp_call, ReverseCall, "f.defvjp(fwd, bwd)"

    @boundary
    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Give the rule: ``fwd(*args) -> (out, residuals)`` and ``bwd(*nondiff, residuals, cotangent) -> cotangents``.

        Args:
            fwd: takes the function's arguments; ``residuals`` is any pytree that ``bwd`` needs.
            bwd: takes the arguments without derivative, the residuals, and a cotangent like the result (``None``
                for a leaf that is no float or complex array). It returns a tuple with a pytree like each other
                argument; ``None`` in the place of an argument or a leaf means zero.

        Raises:
            TypeError: one of them is no function.
        """
        for rule in (fwd, bwd):
            require_function(self.name, rule)
        self.forward, self.backward = fwd, bwd


class CustomJVP(_Custom):
    """A function with a rule for its tangent; made by `custom_jvp`."""

    name, primitive, call, how = "custom_jvp", custom_jvp_call, ForwardCall, "f.defjvp(rule)"

    @boundary
    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Give the rule: ``rule(*nondiff, primals, tangents) -> (out, tangent)``, linear in ``tangents``.

        Args:
            rule: takes the arguments without derivative, the others as a tuple, and a tuple of tangents like
                them, ``None`` for a leaf that is no float or complex array. A ``tangent`` of ``None`` is zero.

        Returns:
            the rule, so that this is a decorator.

        Raises:
            TypeError: it is no function.
        """
        require_function(self.name, rule)
        self.forward = rule
        return rule


@boundary
def custom_vjp(
    function: Callable[..., Any] | None = None, *, nondiff_argnums: int | Iterable[int] = (),
    nondiff_argnames: str | Iterable[str] = (),
) -> Any:
    """A function whose reverse-mode derivative is a rule of your own, given by ``f.defvjp(fwd, bwd)``.

    Derivatives of higher order differentiate ``fwd`` and ``bwd``; forward mode transposes ``bwd``, which is
    linear in the cotangent. Under `vmap` the rule stays, for each example, however `grad` and `vmap` are nested.
    Python may ask for values inside the rules (``while abs(step) > tol``) wherever it may in the function that is
    differentiated; only a cotangent or tangent that is given later is unknown, and so is all inside of a function
    that `jit` compiles by itself.

    Args:
        function: a pure function of pytrees. Without it, ``custom_vjp`` is a decorator with options.
        nondiff_argnums: positional arguments that are handed to the rules as they are, of any type.
        nondiff_argnames: likewise arguments by name, which the rules are given after those by position.

    Returns:
        a function of the same arguments, with the method ``defvjp``.

    Raises:
        TypeError: when called without a rule, or when a rule returns something else than it must; the message
            names the leaf by its path.
        ValueError: likewise, where structure or shape differ.

    >>> import numpy as np
    >>> from fnad import grad
    >>> @custom_vjp
    ... def clipped(x, low, high):
    ...     return np.clip(x, low, high)
    >>> def fwd(x, low, high):
    ...     return np.clip(x, low, high), None
    >>> def bwd(_, g):
    ...     return g, None, None  # straight through
    >>> clipped.defvjp(fwd, bwd)
    >>> grad(lambda x: clipped(x, 0.0, 1.0) ** 2)(3.0)
    array(2.)
    """
    return _decorated("custom_vjp", CustomVJP, function, nondiff_argnums, nondiff_argnames)


@boundary
def custom_jvp(
    function: Callable[..., Any] | None = None, *, nondiff_argnums: int | Iterable[int] = (),
    nondiff_argnames: str | Iterable[str] = (),
) -> Any:
    """A function whose derivative is a rule of your own for tangents, given by ``f.defjvp(rule)``.

    Reverse mode transposes the rule, which is linear in the tangents. Derivatives of higher order
    differentiate it. Under `vmap` it stays, as that of `custom_vjp`. Like under `jit`, values are unknown inside it.

    Args:
        function: a pure function of pytrees. Without it, ``custom_jvp`` is a decorator with options.
        nondiff_argnums: positional arguments that are handed to the rule as they are, of any type.
        nondiff_argnames: likewise arguments by name.

    Returns:
        a function of the same arguments, with the method ``defjvp``.

    Raises:
        TypeError: as `custom_vjp`.
        ValueError: as `custom_vjp`.

    >>> import numpy as np
    >>> from fnad import grad
    >>> @custom_jvp
    ... def log1pexp(x):
    ...     return np.log(1 + np.exp(x))
    >>> @log1pexp.defjvp
    ... def rule(primals, tangents):
    ...     (x,), (t,) = primals, tangents
    ...     return log1pexp(x), t * (1 - 1 / (1 + np.exp(x)))
    >>> float(grad(log1pexp)(100.0))
    1.0
    """
    return _decorated("custom_jvp", CustomJVP, function, nondiff_argnums, nondiff_argnames)


def _decorated(
    name: str, cls: type[_Custom], function: Any, nondiff_argnums: int | Iterable[int],
    nondiff_argnames: str | Iterable[str],
) -> Any:
    numbers = integers(name, "nondiff_argnums", nondiff_argnums)
    names = require_names(name, "nondiff_argnames", nondiff_argnames)
    if function is None:
        return lambda f: _decorated(name, cls, f, numbers, names)
    require_function(name, function)
    return cls(function, tuple(dict.fromkeys([*numbers, *_positions(name, function, names)])))


def _positions(name: str, function: Callable[..., Any], names: Iterable[str]) -> list[int]:
    """The positions of parameters."""
    if not names:
        return []
    parameters = list(inspect.signature(function).parameters)
    unknown = [n for n in names if n not in parameters]
    if unknown:
        raise ValueError(f"{name}: requires nondiff_argnames of parameters, got {unknown}. Check the spelling.")
    return [parameters.index(n) for n in names]
