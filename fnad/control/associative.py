"""`associative_scan`: all partial results of an operation that may be bracketed in any way.

The elements are joined in pairs, the halved sequence is scanned the same way, and each result between is one more
join: about 2 log(n) steps of whole arrays, in place of n steps of slices. See Blelloch, "Prefix sums and their
applications" (1990).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fnad import tree
from fnad.checks import require_axis, require_flag
from fnad.control.bodies import leaves_of, require_functions, require_structure
from fnad.errors import boundary

Join = Callable[[list[Any], list[Any]], list[Any]]


@boundary
def associative_scan(fn: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All partial results ``a[0]``, ``fn(a[0], a[1])``, ``fn(fn(a[0], a[1]), a[2])``, ... of an associative function.

    Args:
        fn: takes two pytrees like ``elems`` of equally many elements along the axis, and joins them one by one; its
            result is like them. How the elements are bracketed is not said, so it should be associative.
        elems: a pytree of arrays with one size along the axis.
        reverse: whether to begin at the last element, with ``a[-1]`` and ``fn(a[-1], a[-2])``; the results are in the
            order of ``elems``.
        axis: the axis that counts the elements.

    Returns:
        a pytree like ``elems``.

    Raises:
        TypeError: ``fn`` is no function, or a leaf is no array.
        ValueError: the sizes along the axis differ, or there is no such axis.

    >>> import numpy as np
    >>> associative_scan(np.add, np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    >>> def then(f, g):  # of the maps x -> a x + b
    ...     return f[0] * g[0], f[1] * g[0] + g[1]
    >>> associative_scan(then, (np.array([2.0, 3.0]), np.array([1.0, 1.0])))
    (array([2., 6.]), array([1., 4.]))
    """
    require_functions("associative_scan", fn)
    require_flag("associative_scan", "reverse", reverse)
    leaves = leaves_of("associative_scan", "elems", elems)
    axes = [require_axis("associative_scan", axis, t.shape) for t in leaves.types]
    sizes = {path: t.shape[a] for path, t, a in zip(leaves.paths, leaves.types, axes)}
    if len(set(sizes.values())) > 1:
        got = ", ".join([f"{n} of {path}" for path, n in sizes.items()])
        raise ValueError(f"associative_scan: requires one number of elements, got {got}. Cut the arrays to one size.")

    def join(first: list[Any], second: list[Any]) -> list[Any]:
        given = [leaves.restored([np.moveaxis(x, 0, a) for x, a in zip(side, axes)]) for side in (first, second)]
        joined, treedef = tree.flatten(fn(*given))
        require_structure("associative_scan", "a result", treedef, "elems", leaves.treedef)
        return [np.moveaxis(x, a, 0) for x, a in zip(joined, axes)]

    step = -1 if reverse else 1
    scanned = _scanned(join, [np.moveaxis(np.asarray(x) if not hasattr(x, "shape") else x, a, 0)[::step]
                              for x, a in zip(leaves.values, axes)])
    return leaves.restored([np.moveaxis(x[::step], 0, a) for x, a in zip(scanned, axes)])


def _scanned(join: Join, xs: list[Any]) -> list[Any]:
    """The partial results along the first axes."""
    n = len(xs[0]) if xs else 0
    if n < 2:
        return xs
    odd = _scanned(join, join([x[: n - 1 : 2] for x in xs], [x[1::2] for x in xs]))
    last = len(odd[0]) - (n % 2 == 0)
    even = join([x[:last] for x in odd], [x[2::2] for x in xs]) if n > 2 else [x[:0] for x in xs]
    return [_woven(np.concatenate([x[:1], own]), other) for x, own, other in zip(xs, even, odd)]


def _woven(first: Any, second: Any) -> Any:
    """The elements of two sequences in turn; the first is as long or has one more."""
    n, rest = len(second), first.shape[1:]
    pairs = np.reshape(np.stack([first[:n], second], axis=1), (2 * n, *rest))
    return pairs if len(first) == n else np.concatenate([pairs, first[n:]])
