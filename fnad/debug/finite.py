"""Finding the operation that makes a NaN or an infinity: the function is interpreted and each step is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.arguments import call_paths, flat_function, traced_leaves
from fnad.checks import require_flag, require_function
from fnad.errors import NonFiniteError, boundary, place_at
from fnad.interpreter.evaluate import evaluate, read, watched
from fnad.ir.program import Equation, Var
from fnad.ir.types import is_inexact, type_of
from fnad.ops.elementwise import div, exp, log, log1p, power, sqrt
from fnad.tracing.staging import stage
from fnad.tracing.tracer import Tracer, is_value, value_type
from fnad.transforms.derived import Derived

ADVICE = {
    log: "Keep its operand above 0, as np.maximum(x, tiny) does, or use log_softmax or logsumexp for probabilities.",
    log1p: "Keep its operand above -1.",
    sqrt: "Keep its operand from being negative.",
    exp: "Subtract the largest operand first, as softmax and logsumexp do, or clip it.",
    div: "Keep the divisor from 0, as np.where(y == 0, 1, y) does.",
    power: "Keep the base above 0 where the exponent is no integer.",
}

BACKWARD = (
    "The derivative is not finite there: keep the operands of that line away from that point, by np.where on them and "
    "not on its result."
)


@boundary
def check_nans(function: Callable[..., Any], inf: bool = True) -> Callable[..., Any]:
    """The same function, which raises where it first makes a NaN or an infinity.

    The function is staged and then interpreted, equation by equation, with everything that it calls opened up:
    compiled and checkpointed functions, custom rules, loops. It is much slower, and says where the numbers go wrong:
    ``check_nans(grad(loss))`` looks at the backward pass too, ``check_nans(jit(step))`` into compiled functions.

    An operation is to blame if one of its results has a NaN and none of its operands has, or likewise an infinity
    (and none of its operands has a NaN). So a ``-inf`` that is written down, as a mask or the start of a
    maximum, is no error. A value that ``np.where`` does not choose later is one: its derivative is a NaN times 0. So is
    what `vmap` computes for an example whose ``while_loop`` is over while others go on.

    Args:
        function: a function from pytrees to a pytree of arrays.
        inf: whether infinities count too.

    Returns:
        A function of the same arguments with the same result.

    Raises:
        NonFiniteError: from the call, where an operation makes a NaN or an infinity, or an argument holds one. It names
            the operation, the user's line, whether it is in the backward pass, and the ranges of the operands.
        TypeError: ``function`` is no function, or it is called with traced values.

    >>> import numpy as np
    >>> from fnad import grad
    >>> check_nans(grad(lambda x: np.sum(np.sqrt(x))))(np.array([4.0, 0.0]))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    fnad.errors.NonFiniteError: check_nans: requires finite values, got inf in 1 of 2 elements of ...
    """
    require_function("check_nans", function)
    require_flag("check_nans", "inf", inf)

    def call(*args: Any, **kwargs: Any) -> Any:
        leaves, treedef = tree.flatten((args, kwargs))
        traced = traced_leaves("check_nans", function, leaves, treedef)
        values = [leaves[i] for i in traced]
        _require_finite_arguments(function, leaves, treedef, inf)

        def run() -> Any:
            flat = flat_function(function, leaves, treedef, traced)
            staged = stage(flat, [value_type(v) for v in values], values)
            inputs = [*values, *staged.captured]
            _require_closed(inputs)
            _require_no_nan(staged.captured)
            arrays = [np.asarray(v, t.dtype) for v, t in zip(inputs, staged.program.input_types)]
            return staged.restore(evaluate(staged.program, arrays))

        return watched(_Watcher(inf), run)

    return Derived(call, function, check_nans, function, inf)


def _require_closed(values: Sequence[Any]) -> None:
    if Tracer in map(type, values):
        raise TypeError(
            "check_nans: requires arrays, got traced values. Put it outermost: check_nans(grad(f)), check_nans(jit(f))."
        )


def _require_finite_arguments(
    function: Callable[..., Any], leaves: Sequence[Any], treedef: tree.TreeDef, inf: bool
) -> None:
    for leaf, path in zip(leaves, call_paths(function, treedef)):
        if not is_value(leaf):
            continue
        _require_closed([leaf])
        found = _found(leaf, inf)
        if found is not None:
            raise NonFiniteError(
                f"check_nans: requires finite values, got {_count(leaf, found)} of the argument {path}. "
                f"Look at where it comes from{'; inf=False lets infinities pass' if found == 'inf' else ''}."
            )


def _require_no_nan(captured: Sequence[Any]) -> None:
    for value in captured:
        if _found(value, False):  # an infinity is a constant like others
            raise NonFiniteError(
                f"check_nans: requires finite values, got {_count(value, 'nan')} of a {type_of(value)} that the "
                "function closes over, or computes from constants alone. Look at where it comes from."
            )


class _Watcher:
    """Raises for the first equation that makes of finite values what is not."""

    def __init__(self, inf: bool) -> None:
        self.inf = inf

    def __call__(self, equation: Equation, values: dict[Var, Any]) -> None:
        results = [values[v] for v in equation.outputs]
        if not any([_found(y, self.inf) for y in results]):
            return
        operands = [read(a, values) for a in equation.inputs]
        allowed = _allowed([_found(x, True) for x in operands])
        for k, result in enumerate(results):
            found = _found(result, self.inf)
            if found is not None and found not in allowed:
                raise self._error(equation, operands, k, result, found)

    def _error(
        self, equation: Equation, operands: Sequence[Any], k: int, result: Any, found: str
    ) -> NonFiniteError:
        primitive, source = equation.primitive, equation.source
        where = f"result {k} of {primitive.name}" if len(equation.outputs) > 1 else primitive.name
        way = ", backward, in the derivative of the line below" if source is not None and source.backward else ""
        ranges = "".join([f"\n  operand {i}: {_range(x)}" for i, x in enumerate(operands)])
        advice = BACKWARD if way else ADVICE.get(primitive, "Keep the operands in the range where it is defined.")
        if found == "inf":
            advice += " inf=False lets infinities pass."
        error = NonFiniteError(
            f"check_nans: requires finite values, got {_count(result, found)} of {where}{way}.{ranges}\n  {advice}"
        )
        return error if source is None else place_at(error, source)  # type: ignore[return-value]


def _allowed(found: Sequence[str | None]) -> set[str]:
    """The kinds of value that are not new in a result: of a NaN anything comes, of an infinity another one."""
    return {"nan", "inf"} if "nan" in found else {"inf"} if "inf" in found else set()


def _found(value: Any, inf: bool) -> str | None:
    """Whether an array holds a ``nan``, or an ``inf``, where that counts; a NaN is the worse."""
    array = np.asarray(value)
    if not is_inexact(array.dtype) or np.isfinite(array).all():
        return None
    return "nan" if np.isnan(array).any() else "inf" if inf else None


def _count(value: Any, found: str) -> str:
    array = np.asarray(value)
    bad = np.isnan(array) if found == "nan" else np.isinf(array)
    return f"{found} in {np.count_nonzero(bad)} of {array.size} element{'s' if array.size != 1 else ''}"


def _range(value: Any) -> str:
    """The type of an operand, its smallest and largest finite element, and what else it holds."""
    array = np.asarray(value)
    words = [str(type_of(array))]
    finite = array[np.isfinite(array)] if is_inexact(array.dtype) else array
    if finite.size:
        measured, what = (np.abs(finite), "of absolute value ") if array.dtype.kind == "c" else (finite, "")
        low, high = measured.min(), measured.max()
        words.append(f"{what}{low:.6g}" if low == high else f"{what}{low:.6g} to {high:.6g}")
    words += [_count(array, bad) for bad in ("nan", "inf") if is_inexact(array.dtype) and _holds(array, bad)]
    return ", ".join(words)


def _holds(array: np.ndarray, bad: str) -> bool:
    return bool((np.isnan(array) if bad == "nan" else np.isinf(array)).any())
