"""Piecewise polynomials: evaluated, differentiated and integrated, at points and with coefficients that are traced."""

from __future__ import annotations

from math import perm
from typing import Any

import numpy as np

from fnad import numpy as fnp
from fnad import tree
from fnad.scipy.originals import as_array


class Piecewise:
    """A pytree of arrays, by the names in ``ARRAYS``, and of what is the same in all of a kind, by those in ``STATIC``.
    """

    ARRAYS: tuple[str, ...] = ()
    STATIC: tuple[str, ...] = ()

    def __init_subclass__(cls) -> None:
        tree.register(cls, _parts, lambda static, arrays: cls._of(static, arrays))

    @classmethod
    def _of(cls, static: Any, arrays: Any) -> Any:
        self = object.__new__(cls)
        vars(self).update(zip((*cls.ARRAYS, *cls.STATIC), (*arrays, *static)))
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join([f'{name}={getattr(self, name)!r:.60}' for name in self.ARRAYS])})"


def _parts(self: Piecewise) -> tuple[list[Any], Any]:
    return [getattr(self, n) for n in self.ARRAYS], tuple([getattr(self, n) for n in self.STATIC])


class PPoly(Piecewise):
    """A piecewise polynomial: sum of ``c[m, i] * (t - x[i])**(k - m)`` for t between ``x[i]`` and ``x[i + 1]``.

    It is a pytree, so that it can be an argument and a result of compiled and differentiated functions.

    Args:
        c: the coefficients, an array of shape (k + 1, pieces, ...), of the highest power first.
        x: the breakpoints, increasing (which is not checked where ``x`` is traced).
        extrapolate: whether the first and last piece go on; outside it is NaN if not; or "periodic".
        axis: the axis of ``c[0]`` that counts the pieces.

    Raises:
        ValueError: ``c`` and ``x`` do not fit, or ``x`` does not increase.

    >>> p = PPoly(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 1.0, 2.0]))
    >>> p(np.array([0.5, 1.5])), p.derivative()(0.5), p.integrate(0.0, 2.0)
    (array([0.5, 1. ]), array(1.), np.float64(1.5))
    """

    ARRAYS, STATIC = ("c", "x"), ("extrapolate", "axis")
    c: Any
    x: Any
    extrapolate: Any
    axis: int

    def __init__(self, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
        c, x = as_array(c), np.astype(as_array(x), np.float64)
        if c.ndim < 2:
            raise ValueError("Coefficients array must be at least 2-dimensional.")
        if not 0 <= axis < c.ndim - 1:
            raise ValueError(f"axis={axis} must be between 0 and {c.ndim - 1}")
        c = np.moveaxis(np.moveaxis(c, axis + 1, 0), axis + 1, 0) if axis else c
        _require_fit(c, x)
        self.c, self.x = np.astype(c, complex if c.dtype.kind == "c" else float), x
        self.extrapolate, self.axis = True if extrapolate is None else extrapolate, axis

    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The values at points, or the derivatives of order ``nu``.

        Args:
            x: the points, an array of any shape.
            nu: the order.
            extrapolate: as of the class; None for what was said there.

        Returns:
            An array in which the shape of ``x`` stands in the place of the axis of the pieces.

        Raises:
            ValueError: ``nu`` is negative.
        """
        if nu < 0:
            raise ValueError("Order of derivative cannot be negative")
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        points = np.astype(as_array(x), np.float64)
        if extrapolate == "periodic":
            points = self.x[0] + (points - self.x[0]) % (self.x[-1] - self.x[0])
        flat = np.ravel(points)
        y = _evaluated(self.c, self.x, flat, nu)
        if extrapolate is not True and extrapolate != "periodic" and not extrapolate:
            inside = (flat >= self.x[0]) & (flat <= self.x[-1])
            y = np.where(np.reshape(inside, (-1,) + (1,) * (y.ndim - 1)), y, np.nan)
        y = np.reshape(y, points.shape + self.c.shape[2:])
        return np.moveaxis(y, range(points.ndim), range(self.axis, self.axis + points.ndim)) if self.axis else y

    def derivative(self, nu: int = 1) -> PPoly:
        """The derivative of order ``nu``, a piecewise polynomial; of a negative order an antiderivative."""
        if nu < 0:
            return self.antiderivative(-nu)
        k = self.c.shape[0]
        if nu >= k:
            return self._like(np.zeros_like(self.c[:1]))
        return self._like(np.stack([self.c[m] * perm(k - 1 - m, nu) for m in range(k - nu)]))

    def antiderivative(self, nu: int = 1) -> PPoly:
        """The antiderivative of order ``nu`` that is continuous and 0 at the first breakpoint."""
        if nu <= 0:
            return self.derivative(-nu)
        c, k = self.c, self.c.shape[0]
        raised = [c[m] / (k - m) for m in range(k)]
        widths = np.reshape(np.diff(self.x), (-1,) + (1,) * (c.ndim - 2))
        ends = np.cumsum(_horner(raised, widths) * widths, axis=0)
        constants = np.concatenate([np.zeros_like(ends[:1]), ends[:-1]])
        return self._like(np.stack([*raised, constants])).antiderivative(nu - 1)

    def _like(self, c: Any) -> PPoly:
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        return PPoly._of((extrapolate, self.axis), (c, self.x))

    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from ``a`` to ``b``.

        Args:
            a, b: the limits, numbers.
            extrapolate: as of the class; None for what was said there.

        Returns:
            An array of the shape of the values at one point.
        """
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        whole = self.antiderivative()
        if extrapolate != "periodic":
            return whole(b, 0, extrapolate) - whole(a, 0, extrapolate)
        start, period = self.x[0], self.x[-1] - self.x[0]

        def until(t: Any) -> Any:
            turns = np.floor((t - start) / period)
            return turns * whole(self.x[-1], 0, True) + whole(t - turns * period, 0, True)

        return until(b) - until(a)


def _require_fit(c: Any, x: Any) -> None:
    """SciPy's errors of coefficients and breakpoints."""
    if x.ndim != 1:
        raise ValueError("x must be 1-dimensional")
    if x.shape[0] < 2:
        raise ValueError("at least 2 breakpoints are needed")
    if not c.shape[0]:
        raise ValueError("polynomial must be at least of order 0")
    if c.shape[1] != x.shape[0] - 1:
        raise ValueError("number of coefficients != len(x)-1")
    if type(x) is np.ndarray and not np.all(np.diff(x) >= 0):
        raise ValueError("`x` must be strictly increasing or decreasing.")


def _evaluated(c: Any, x: Any, points: Any, nu: int) -> Any:
    """The derivative of order nu at points, each in a row."""
    k, pieces = c.shape[:2]
    if nu >= k:
        return np.zeros((points.shape[0], *c.shape[2:]), c.dtype) + 0.0 * np.reshape(
            points, (-1,) + (1,) * (c.ndim - 2)
        )
    i = np.clip(np.searchsorted(x, points, side="right") - 1, 0, pieces - 1)
    s = np.reshape(points - rows(x, i), (-1,) + (1,) * (c.ndim - 2))
    return _horner([rows(c[m], i) * perm(k - 1 - m, nu) for m in range(k - nu)], s)


def _horner(coefficients: list[Any], s: Any) -> Any:
    total = coefficients[0]
    for c in coefficients[1:]:
        total = total * s + c
    return total + 0.0 * s if len(coefficients) == 1 else total


def like_rows(x: Any, y: Any) -> Any:
    """A vector with axes for those of arrays in rows."""
    return np.reshape(x, (-1,) + (1,) * (y.ndim - 1))


def rows(x: Any, places: Any) -> Any:
    """Rows of an array, also an ordinary one at places that are traced."""
    return fnp.take(x, places, axis=0)  # NumPy's own asks the array alone whether it is traced
