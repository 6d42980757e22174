"""A distribution: a record of formulas in standard form, from which SciPy's methods follow.

The formulas are of arrays in float64, and are right inside of the support. Where parameters are not, or arguments lie
outside, a method says what SciPy does; what a formula says there is hidden by a mask, from derivatives too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from fnad.errors import boundary
from fnad.lazy import LazyModule
from fnad.numpy.dispatch import any_traced
from fnad.scipy.originals import as_array

stats = LazyModule("scipy.stats")

Formula = Callable[..., Any]


def method(rule: Callable[..., Any]) -> Callable[..., Any]:
    """A method of SciPy's: ours where an argument is traced, else SciPy's own."""

    @wraps(rule)
    def run(self: Distribution, *args: Any, **kwargs: Any) -> Any:
        if not any_traced(args, kwargs):
            return getattr(getattr(stats, self.name), rule.__name__)(*args, **kwargs)
        return rule(self, *args, **kwargs)

    return boundary(run)


class Distribution:
    """A distribution of numbers.

    Args:
        name: SciPy's.
        title: its name in words.
        shapes: the names of its parameters besides ``loc`` and ``scale``.
        support: its ends, or a function of the shapes that gives them.
        valid: whether shapes may be so.
        formulas: ``logpdf`` (of a discrete one ``logpmf``), ``cdf``, ``sf``, ``logcdf``, ``logsf``, ``ppf`` and ``isf``
            of an argument and the shapes, ``mean``, ``var`` and ``entropy`` of the shapes. What is missing and follows
            from others is made of these.
    """

    others: tuple[str, ...] = ("loc", "scale")
    defaults = {"loc": 0.0, "scale": 1.0}

    def __init__(
        self, name: str, title: str, shapes: str = "", support: Any = (-np.inf, np.inf),
        valid: Formula = lambda *shapes: _all_positive(shapes), **formulas: Formula,
    ) -> None:
        self.name, self.shapes, self.valid, self.formulas = name, tuple(shapes.split()), valid, formulas
        self.support: Formula = support if callable(support) else lambda *shapes: support
        self.__doc__ = _text(self, title)

    def __call__(self, *args: Any, **kwargs: Any) -> Frozen:
        """The distribution with its parameters given."""
        return Frozen(self, args, kwargs)

    def __repr__(self) -> str:
        return f"fnad.scipy.stats.{self.name}"

    # --- Parameters

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        """The shapes, then loc (and scale), as arrays of float64."""
        names = (*self.shapes, *self.others)
        given = self.defaults | dict(zip(names, args)) | kwargs
        twice, unknown = {*names[: len(args)]} & {*kwargs}, {*kwargs} - {*names}
        missing = {*names} - {*given}
        if len(args) > len(names) or twice or unknown or missing:
            raise TypeError(
                f"{self.name}: requires the parameters {', '.join(names)}, got {len(args)} by position and "
                f"{', '.join(kwargs) or 'none'} by name. Give each of them once."
            )
        return [floats(given[name]) for name in names]

    def _standard(self, x: Any, args: Any, kwargs: Any) -> tuple[Any, list[Any], Any, Any]:
        """The argument in standard form, the shapes, the scale, and whether all is valid."""
        *shapes, loc, scale = self._given(args, kwargs)
        y = (floats(x) - loc) / scale
        return y, shapes, scale, self.valid(*shapes) & (scale > 0)

    def _quantile(self, q: Any, args: Any, kwargs: Any, name: str) -> Any:
        *shapes, loc, scale = self._given(args, kwargs)
        q = floats(q)
        ends = self.support(*shapes)
        low, high = ends if name == "ppf" else ends[::-1]
        inner = np.where(q == 0, low, np.where(q == 1, high, self._formula(name)(q, *shapes)))
        is_valid = self.valid(*shapes) & (scale > 0) & (q >= 0) & (q <= 1)
        return np.where(is_valid, inner * scale + loc, np.nan)

    def _formula(self, name: str) -> Formula:
        """A formula of the record, or one that follows from those that are."""
        found = self.formulas.get(name)
        if found is None and name in _FOLLOWING:
            found = _FOLLOWING[name](self)
        if found is None:
            raise TypeError(
                f"{self.name}.{name}: requires arguments that are not traced, got a traced one, for which fnad has no "
                "formula. Take it of values outside of the function."
            )
        return found

    def _below(self, name: str, x: Any, args: Any, kwargs: Any, ends: tuple[float, float]) -> Any:
        """A function of the probability to one side, which has the values ``ends`` outside of the support."""
        y, shapes, _, is_valid = self._standard(x, args, kwargs)
        low, high = self.support(*shapes)
        inner = np.where(y <= low, ends[0], np.where(y >= high, ends[1], self._formula(name)(y, *shapes)))
        return np.where(is_valid & (y == y), inner, np.nan)

    # --- SciPy's methods

    @method
    def logpdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the density."""
        y, shapes, scale, is_valid = self._standard(x, args, kwargs)
        low, high = self.support(*shapes)
        inner = np.where((low <= y) & (y <= high), self._formula("logpdf")(y, *shapes) - np.log(scale), -np.inf)
        return np.where(is_valid & (y == y), inner, np.nan)

    @method
    def pdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The density."""
        return np.exp(self.logpdf(x, *args, **kwargs))

    @method
    def cdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of what is at most ``x``."""
        return self._below("cdf", x, args, kwargs, (0.0, 1.0))

    @method
    def sf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of what is above ``x``."""
        return self._below("sf", x, args, kwargs, (1.0, 0.0))

    @method
    def logcdf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `cdf`."""
        return self._below("logcdf", x, args, kwargs, (-np.inf, 0.0))

    @method
    def logsf(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of `sf`."""
        return self._below("logsf", x, args, kwargs, (0.0, -np.inf))

    @method
    def ppf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """The inverse of `cdf`."""
        return self._quantile(q, args, kwargs, "ppf")

    @method
    def isf(self, q: Any, *args: Any, **kwargs: Any) -> Any:
        """The inverse of `sf`."""
        return self._quantile(q, args, kwargs, "isf")

    @method
    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """The mean."""
        *shapes, loc, scale = self._given(args, kwargs)
        return np.where(self.valid(*shapes) & (scale > 0), self._formula("mean")(*shapes) * scale + loc, np.nan)

    @method
    def var(self, *args: Any, **kwargs: Any) -> Any:
        """The variance."""
        *shapes, _, scale = self._given(args, kwargs)
        return np.where(self.valid(*shapes) & (scale > 0), self._formula("var")(*shapes) * scale**2, np.nan)

    @method
    def std(self, *args: Any, **kwargs: Any) -> Any:
        """The standard deviation."""
        return np.sqrt(self.var(*args, **kwargs))

    @method
    def entropy(self, *args: Any, **kwargs: Any) -> Any:
        """The differential entropy."""
        *shapes, _, scale = self._given(args, kwargs)
        return np.where(
            self.valid(*shapes) & (scale > 0), self._formula("entropy")(*shapes) + np.log(scale), np.nan
        )


class Discrete(Distribution):
    """A distribution of whole numbers, by its ``logpmf``."""

    others = ("loc",)
    defaults = {"loc": 0.0}

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
        return [*super()._given(args, kwargs), np.ones(())]  # as if there were a scale

    def _below(self, name: str, x: Any, args: Any, kwargs: Any, ends: tuple[float, float]) -> Any:
        y, shapes, _, is_valid = self._standard(x, args, kwargs)
        low, high = self.support(*shapes)
        k = np.floor(y)
        inner = np.where(k < low, ends[0], np.where(k >= high, ends[1], self._formula(name)(k, *shapes)))
        return np.where(is_valid & (y == y), inner, np.nan)

    def _quantile(self, q: Any, args: Any, kwargs: Any, name: str) -> Any:
        *shapes, loc, _ = self._given(args, kwargs)
        q = floats(q)
        low, high = self.support(*shapes)
        none, whole = (q == 0, q == 1) if name == "ppf" else (q == 1, q == 0)
        inner = np.where(none, low - 1, np.where(whole, high, self._formula(name)(q, *shapes)))
        return np.where(self.valid(*shapes) & (q >= 0) & (q <= 1), inner + loc, np.nan)

    @method
    def logpmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The logarithm of the probability of ``k``."""
        y, shapes, _, is_valid = self._standard(k, args, kwargs)
        low, high = self.support(*shapes)
        is_inside = (low <= y) & (y <= high) & (np.floor(y) == y)
        return np.where(
            is_valid & (y == y), np.where(is_inside, self._formula("logpmf")(y, *shapes), -np.inf), np.nan
        )

    @method
    def pmf(self, k: Any, *args: Any, **kwargs: Any) -> Any:
        """The probability of ``k``."""
        return np.exp(self.logpmf(k, *args, **kwargs))

    logpdf = pdf = None  # type: ignore[assignment]


class Frozen:
    """A distribution with its parameters given; it has the methods of the distribution."""

    def __init__(self, dist: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.dist, self.args, self.kwds = dist, args, kwargs

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        own = getattr(self.dist, name)
        return lambda *x: own(*x, *self.args, **self.kwds)


def floats(x: Any) -> Any:
    return as_array(x).astype(float)


def _all_positive(shapes: tuple[Any, ...]) -> Any:
    valid: Any = np.ones((), bool)
    for shape in shapes:
        valid = valid & (shape > 0)
    return valid


_FOLLOWING: dict[str, Callable[[Distribution], Formula]] = {
    "sf": lambda own: lambda x, *shapes: 1 - own._formula("cdf")(x, *shapes),
    "logcdf": lambda own: lambda x, *shapes: np.log(own._formula("cdf")(x, *shapes)),
    "logsf": lambda own: lambda x, *shapes: np.log(own._formula("sf")(x, *shapes)),
    "isf": lambda own: lambda q, *shapes: own._formula("ppf")(1 - q, *shapes),
}


def _text(own: Distribution, title: str) -> str:
    names = [*own.shapes, *[f"{name}={own.defaults[name]:g}" for name in own.others]]
    density = "logpmf" if "logpmf" in own.formulas else "logpdf"
    call = ", ".join(["1.0", *["1.5"] * len(own.shapes)])
    return f"""{title}, `scipy.stats.{own.name}`, of traced values too.

    Its methods are SciPy's, with the parameters {', '.join(names)}: ``{density}`` and the like of an argument and
    these, or of ``{own.name}(...)``, which has them given. Results are float64. Derivatives: of all orders in the
    argument and the parameters.

    >>> np.shape({own.name}.{density}({call}))
    ()
    """
