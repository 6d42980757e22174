"""Operations of the user's own, from NumPy functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from types import MethodType
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from fnad.arguments import as_cotangent, as_like, values_among
from fnad.checks import require_flag, require_function
from fnad.errors import boundary
from fnad.ir.primitive import REGISTRY, Primitive
from fnad.ir.types import ArrayType
from fnad.memo import is_hashable
from fnad.ops.shaping import batch_as_it_is
from fnad.tracing.state import innermost
from fnad.tracing.tracer import Tracer, value_type
from fnad.transforms.calls import bare, listed
from fnad.transforms.derived import place_of
from fnad.transforms.per_example import one_by_one, result_types


_BATCHES = {"loop": one_by_one, "broadcast": batch_as_it_is}


class _Declared:
    """The rules of a primitive from what the user gives."""

    def __init__(
        self, name: str, function: Any, shape: Any, vjp: Any, batch: Any, kernel: Any, differentiable: bool
    ) -> None:
        self.name, self.function, self.shape, self.vjp, self.batch = name, function, shape, vjp, batch
        self.primitive = Primitive(
            name, self.type_rule, self.evaluate, differentiable=None if differentiable else (),
            vjp_forward=self.forward if differentiable else None,
            vjp_backward=self.backward if differentiable else None,
            batch=self.by_rule if callable(batch) else _BATCHES[batch], kernel=kernel,
            is_declared=True,
        )

    def type_rule(self, *types: ArrayType, **params: Any) -> Any:
        result = self.shape(*types, **params)
        declared = [self._as_type(t) for t in (result if isinstance(result, list) else [result])]
        return bare(declared)

    def _as_type(self, given: Any) -> ArrayType:
        try:
            shape, dtype = (given.shape, given.dtype) if hasattr(given, "dtype") else given
            return ArrayType(tuple([int(n) for n in shape]), np.dtype(dtype))
        except (TypeError, ValueError):
            raise TypeError(
                f"{self.name}: requires a shape rule that returns (shape, dtype), or a list of them for several "
                f"results, got {given!r:.60}. Return for example (x.shape, x.dtype)."
            ) from None

    def evaluate(self, *inputs: Any, **params: Any) -> Any:
        arrays = [np.asarray(x) for x in inputs]
        # Copies, since the function may keep what it returns, and use it again.
        results = [np.array(y, order="C") for y in listed(self.function(*arrays, **params))]
        got = [ArrayType(y.shape, y.dtype) for y in results]
        # A rule gives lists of types for tuples of results, so that a pair is always (shape, dtype).
        expected = self.type_rule(*[value_type(x) for x in arrays], **params)
        expected = [expected] if isinstance(expected, ArrayType) else list(expected)
        if got != expected:
            raise TypeError(
                f"{self.name}: requires results as its shape rule says, {_words(expected)}, got {_words(got)}. "
                "Change the function or the rule."
            )
        return bare(results)

    def forward(self, active: Sequence[bool], *inputs: Tracer, **params: Any) -> tuple[Any, Any]:
        results = self.primitive(*inputs, **params)
        return results, (inputs, results)

    def backward(self, residuals: Any, g: Any, **params: Any) -> list[Any]:
        inputs, y = residuals
        if self.vjp is None:
            raise TypeError(
                f"{self.name}: requires a derivative where it is differentiated, got a primitive without one. Give it "
                "by vjp=..., or say differentiable=False where none is to flow: the result is piecewise constant."
            )
        bars = self.vjp(g, y, *inputs, **params)
        if not isinstance(bars, (tuple, list)) or len(bars) != len(inputs):
            got = f"{len(bars)} of them" if isinstance(bars, (tuple, list)) else type(bars).__name__
            raise TypeError(
                f"{self.name}: requires a vjp that returns a tuple of {len(inputs)} cotangents, one for each input, "
                f"got {got}. Return None for one that is zero."
            )
        return [
            as_cotangent(self.name, "a cotangent like its input", bar, x.type, f"vjp's result[{i}]")
            for i, (bar, x) in enumerate(zip(bars, inputs))
        ]

    def by_rule(self, op: Primitive, mapped: Sequence[bool], *inputs: Any, **params: Any) -> Any:
        """The results of a batch by the user's rule for it."""
        size = inputs[list(mapped).index(True)].shape[0]
        types = result_types(op, [x.type for x in inputs], mapped, size, tuple(params.items()))
        results = listed(self.batch(size, mapped, *inputs, **params))
        if len(results) != len(types):
            raise TypeError(
                f"{self.name}: requires a batch rule that returns the {len(types)} results of the shape rule, got "
                f"{len(results)}. Return them as a tuple."
            )
        return tuple([
            as_like(self.name, "a result for each example along a first axis", y, t, f"batch's result[{i}]")
            for i, (y, t) in enumerate(zip(results, types))
        ])


@boundary
def primitive(
    function: Callable[..., Any], *, shape: Callable[..., Any], vjp: Callable[..., Any] | None = None,
    batch: str | Callable[..., Any] = "loop", kernel: Callable[..., None] | None = None, name: str | None = None,
    differentiable: bool = True,
) -> Callable[..., Any]:
    """Declare an operation from a function of NumPy arrays that cannot be traced, such as one in C.

    Args:
        function: ``(*arrays, **params) -> array``, or a tuple of arrays. It must be pure. Compiled code calls it
            from Python in the middle, where there is no ``kernel``.
        shape: ``(*inputs, **params) -> (shape, dtype)`` of the result, or a list of such pairs for several; the
            inputs have the attributes ``shape`` and ``dtype``.
        vjp: ``(g, y, *inputs, **params) -> cotangents``, a tuple with one for each input, where ``g`` is the
            cotangent of the result ``y`` (tuples for several). It is written in operations that can be traced,
            which other primitives are. ``None`` among the cotangents means zero. Without it the operation cannot be
            differentiated, unless it is declared to be piecewise constant.
        batch: what `vmap` does: ``"loop"`` runs the operation on one example after the other; ``"broadcast"`` runs it
            once, on inputs that all have one more axis in front, which ``function``, ``shape``, ``vjp`` and ``kernel``
            then have to take; or a rule ``(size, mapped, *inputs, **params) -> results`` of your own, in operations
            that can be traced. The inputs that the tuple ``mapped`` marks have a first axis of ``size`` examples, and
            so must all results.
        kernel: the same as ``function`` for compiled code, which calls it without a return to Python:
            ``(*inputs, *outputs, **params) -> None``, a function that numba can compile, or an ``njit`` one. It fills
            the outputs, whose contents are arbitrary before, and leaves the inputs alone; all are C-contiguous
            arrays, of shape ``()`` for numbers, and ``params`` are constants. It should not raise: an exception ends
            the call by one that tells no more than where. It may run in several threads at once.
        name: what a Program shows; by default the function's name.
        differentiable: whether derivatives flow; ``False`` declares that the result is piecewise constant.

    Returns:
        A function of arrays, numbers or traced values, with ``params`` as keywords; it works in every transform.

    Raises:
        TypeError: an argument is no function; or, at a call, a result differs from what the rules say, or numba
            cannot compile the kernel; the message says what it refuses. Likewise where an operation without ``vjp`` is
            differentiated.
        ValueError: at a call, a cotangent or a batched result has another shape than it must.
        RuntimeError: at a call, the kernel raised an exception.

    >>> import numpy as np
    >>> from fnad import grad, vmap
    >>> sine = primitive(np.sin, shape=lambda x: (x.shape, x.dtype), vjp=lambda g, y, x: (g * cosine(x),))
    >>> cosine = primitive(np.cos, shape=lambda x: (x.shape, x.dtype), vjp=lambda g, y, x: (-g * sine(x),))
    >>> grad(grad(sine))(np.pi / 2)
    array(-1.)
    >>> vmap(grad(sine))(np.array([0.0, np.pi]))
    array([ 1., -1.])

    With a kernel, as a loop that NumPy has no word for:

    >>> from fnad import jit
    >>> def decay(x, out, rate):
    ...     level = 0.0
    ...     for i in range(len(x)):
    ...         level = rate * level + x[i]
    ...         out[i] = level
    >>> def decayed(x, rate):
    ...     out = np.empty_like(x)
    ...     decay(x, out, rate)
    ...     return out
    >>> smooth = primitive(decayed, shape=lambda x, rate: (x.shape, x.dtype), kernel=decay)
    >>> jit(lambda x: smooth(x, rate=0.5))(np.ones(3))
    array([1.  , 1.5 , 1.75])
    """
    needed, optional = {"function": function, "shape": shape}, {"vjp": vjp, "kernel": kernel}
    for what, given in {**needed, **{k: v for k, v in optional.items() if v is not None}}.items():
        require_function("primitive", given, f"a function as {what}")
    if not callable(batch) and not (isinstance(batch, str) and batch in _BATCHES):
        raise ValueError(
            f"primitive: requires batch to be 'loop', 'broadcast' or a function, got {batch!r:.60}. Take one of them."
        )
    if name is not None and not isinstance(name, str):
        raise TypeError(f"primitive: requires a name that is a string, got {name!r:.60}. Or leave it out.")
    require_flag("primitive", "differentiable", differentiable)
    if vjp is not None and not differentiable:
        raise ValueError("primitive: requires no vjp with differentiable=False, got one. Leave one of them out.")
    return Operation(function, shape, vjp, batch, kernel, name, bool(differentiable))


class Operation:
    """A primitive as users call it; pickled as what it was declared from."""

    def __init__(self, function: Callable[..., Any], *declaration: Any) -> None:
        shape, vjp, batch, kernel, name, differentiable = declaration
        update_wrapper(self, function, updated=())
        name = _free(name or getattr(function, "__name__", "primitive"))
        self._given = (function, *declaration)
        self._declared = _Declared(name, function, shape, vjp, batch, kernel, differentiable)
        if is_hashable(self._given):
            _operations[self._given] = self

    @boundary
    def __call__(self, *args: Any, **params: Any) -> Any:
        return _apply(self._declared.primitive, args, params)

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else MethodType(self, instance)

    def __repr__(self) -> str:
        return f"<primitive {self._declared.name}>"

    def __reduce__(self) -> Any:
        return place_of(self) or (_declared_again, self._given)


_operations: WeakValueDictionary[tuple[Any, ...], Operation] = WeakValueDictionary()


def _declared_again(*given: Any) -> Operation:
    """The operation of a declaration that was pickled: where it is known here, itself."""
    known = _operations.get(given) if is_hashable(given) else None
    return known or Operation(*given)


def _apply(made: Primitive, args: Sequence[Any], params: dict[str, Any]) -> Any:
    args = [np.asarray(a) if isinstance(a, (list, tuple)) else a for a in args]
    found = values_among(str(made), args, lambda: [f"args[{i}]" for i in range(len(args))])
    for i in {*range(len(args))} - {*found}:
        raise TypeError(
            f"{made}: requires arrays or numbers, got {type(args[i]).__name__} as argument {i}. "
            "Pass other values by keyword."
        )
    builder = innermost(args)
    return made(*[np.asarray(a) if builder is None else builder.tracer(a) for a in args], **params)


def _free(name: str) -> str:
    """The name itself, or with a number where it is taken."""
    number, free = 1, name
    while free in REGISTRY:
        number, free = number + 1, f"{name}_{number + 1}"
    return free


def _words(types: Sequence[ArrayType]) -> str:
    return ", ".join(map(str, types))
