"""The operators, methods and NumPy protocols of traced values: the one place that gives them to `Tracer`."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from fnad.errors import InPlaceError, located
from fnad.lazy import LazyModule
from fnad.numpy import aliases, contractions, indexing, operators, shaping, standard, ufuncs, updates, writing
from fnad.numpy import ufunc_methods as methods
from fnad.numpy.dispatch import RULES, name_of, ordinary_array
from fnad.numpy.flat import Flat, set_flat
from fnad.numpy.promotion import builder_of, cast, loop_dtypes, operand, traced
from fnad.tracing.tracer import Tracer

# --- Ufuncs: np.sin(x), np.add.reduce(x), np.multiply.outer(x, y)

CALLS: dict[np.ufunc, Callable[..., Any]] = {
    **ufuncs.UFUNCS, np.matmul: contractions.matmul_rule,
    **{ufunc: RULES[ufunc] for ufunc in (np.vecdot, np.matvec, np.vecmat)},
}

_scipys = LazyModule("fnad.scipy.special.ufuncs")


def _rule(ufunc: np.ufunc) -> Callable[..., Any] | None:
    """The rule of a ufunc, where there is one; SciPy's ufuncs are looked up when its module is there."""
    rule = CALLS.get(ufunc)
    return _scipys.UFUNCS.get(ufunc) if rule is None and "scipy.special" in sys.modules else rule


# What they say when nothing is meant by them.
_NEUTRAL = {"where": True, "casting": "same_kind", "order": "K", "subok": True, "dtype": None, "out": None}


def _array_ufunc(self: Tracer, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
    if method == "__call__":
        rule = _rule(ufunc)
        if rule is None:
            raise _unsupported(ufunc)
        return _with_keywords(ufunc, rule, inputs, kwargs) if kwargs else rule(*inputs)
    if method in _METHODS and has_rule(ufunc, method):
        return _METHODS[method](ufunc, *inputs, **kwargs)
    if method == "at" and _rule(ufunc) is not None and methods.at(ufunc, *inputs):
        return None
    raise _unsupported(ufunc, f".{method}")


def _with_keywords(ufunc: np.ufunc, rule: Callable[..., Any], inputs: Any, kwargs: dict[str, Any]) -> Any:
    out = kwargs.get("out")
    if out is not None and any([target is not None for target in out]):
        return _into(ufunc, rule, inputs, out, **{k: v for k, v in kwargs.items() if k != "out"})
    meant = {k: v for k, v in kwargs.items() if k not in _NEUTRAL or v is not _NEUTRAL[k] and k not in ("out", "order")}
    where = meant.pop("where", True)
    found = _called(ufunc, rule, inputs, **meant)
    if where is True:
        return found
    results = found if type(found) is tuple else (found,)
    chosen = tuple([np.where(where, y, np.zeros((), y.dtype)) for y in results])  # elsewhere NumPy's has anything
    return chosen if type(found) is tuple else chosen[0]


def _called(
    ufunc: np.ufunc, rule: Callable[..., Any], inputs: Any, dtype: Any = None, casting: str = "same_kind",
    signature: Any = None, subok: bool = True, **rest: Any,
) -> Any:
    """A ufunc in a dtype, or in those of a signature."""
    if rest and not (ufunc is np.vecdot and set(rest) == {"axis"}):
        raise TypeError(
            f"{name_of(ufunc)}: requires no {', '.join(rest)} with a traced operand, got {rest}. "
            "Use np.moveaxis and np.expand_dims."
        )
    if signature is None and dtype is None and casting == "same_kind":
        return rule(*inputs, **rest)
    builder = builder_of(*inputs)
    xs = [operand(builder, x) for x in inputs]
    signature = (*[None] * ufunc.nin, *[np.dtype(dtype)] * ufunc.nout) if dtype is not None else signature
    dtypes = loop_dtypes(ufunc, *xs, signature=signature, casting=casting)
    found = rule(*[cast(traced(builder, x), d) for x, d in zip(xs, dtypes)])
    return found if type(found) is tuple else cast(found, dtypes[-1])


def _into(
    ufunc: np.ufunc, rule: Callable[..., Any], inputs: Any, out: Any, where: Any = True, dtype: Any = None, **rest: Any
) -> Any:
    """A ufunc that writes its result: ``np.add(x, v, out=y)``, and so ``a += v`` of an ordinary array."""
    ordinary = [target for target in out if target is not None and type(target) is not Tracer]
    if ordinary:
        raise ordinary_array(f"{name_of(ufunc)} with out= (a += v of an ordinary array a is one too)", ordinary[0])
    if not any([type(x) is Tracer for x in inputs]):
        rule = ufunc
    elif dtype is not None:
        rule = partial(ufuncs.run, ufunc)
        inputs = (inputs,)
    return writing.into(ufunc, rule, inputs, out, where, dtype)


_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": methods.reduce, "accumulate": methods.accumulate, "outer": methods.outer, "reduceat": methods.reduceat,
}


def has_rule(ufunc: np.ufunc, method: str) -> bool:
    """Whether traced values may be given to a ufunc, ``"__call__"``, or to a method of it."""
    is_joining = method in ("__call__", "outer") or method in _METHODS and methods.reduces(ufunc)
    return is_joining and _rule(ufunc) is not None


# --- Functions: np.sum(x), np.concatenate([x, y])


def _array_function(
    self: Tracer, function: Callable[..., Any], types: Sequence[type], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    rule = RULES.get(function)
    if rule is None:
        raise _unsupported(function)
    return rule(*args, **kwargs)


def _unsupported(function: Callable[..., Any], method: str = "") -> TypeError:
    advice = (
        "write it with functions of fnad.numpy, take it of a value outside of the function, or bring it in by "
        "fnad.primitive"
    )
    return TypeError(
        f"{name_of(function)}{method}: requires arrays that are not traced, got a traced one, for which fnad has no "
        f"rule. {advice[0].upper()}{advice[1:]}."
    )


# --- Items


def _iterate(self: Tracer) -> Iterator[Tracer]:
    if not self.shape:
        raise TypeError("iteration over a 0-d array")
    return iter([indexing.getitem(self, i) for i in range(self.shape[0])])


def _contains(self: Tracer, value: Any) -> bool:
    return bool(np.any(self == value))


def _format(self: Tracer, spec: str) -> str:
    """The value as text, which cuts no gradient."""
    if not spec:
        return str(self)
    return format(self.concrete(f"format {spec!r}")[()], spec)


def _round(self: Tracer, ndigits: int | None = None) -> Any:
    """Without digits, as for Python's numbers, an integer."""
    if ndigits is None and not self.shape:
        return int(self.concrete("round(...)").round())
    return RULES[np.round](self, ndigits or 0)


# --- Methods


def _reshape(self: Tracer, *shape: Any, order: str = "C", copy: Any = None) -> Tracer:
    if not shape:
        raise TypeError("reshape() takes exactly 1 argument (0 given)")
    return RULES[np.reshape](self, shape[0] if len(shape) == 1 else shape, order, copy=copy)


def _transpose(self: Tracer, *axes: Any) -> Tracer:
    given = axes[0] if len(axes) == 1 and (axes[0] is None or np.ndim(axes[0])) else axes or None
    return RULES[np.transpose](self, given)


def _astype(
    self: Tracer, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True, copy: bool = True
) -> Tracer:
    return shaping.astype(self, dtype, copy=copy)


def _squeeze(self: Tracer, axis: Any = None) -> Tracer:
    return RULES[np.squeeze](self, axis)


def _flatten(self: Tracer, order: str = "C") -> Tracer:
    return aliases.own(RULES[np.ravel](self, order))


def _conjugate(self: Tracer) -> Tracer:
    """As NumPy's, a real array itself."""
    return self if self.dtype.kind != "c" else ufuncs.UFUNCS[np.conjugate](self)


def _item(self: Tracer, *args: Any) -> Any:
    """The value of one element as a Python number, where no gradient is cut."""
    index = args[0] if len(args) == 1 else args
    element = self if not args else indexing.getitem(self, index) if isinstance(index, tuple) else Flat(self)[index]
    return element.cutting_value("item()", np.ndarray.item)


def _view(self: Tracer, dtype: Any = None, type: Any = None) -> Tracer:
    """Another array of the same memory, of the same dtype."""
    is_class = isinstance(dtype, builtins.type) and issubclass(dtype, np.ndarray)
    if dtype is not None and not is_class and np.dtype(dtype) != self.dtype:
        raise TypeError(
            f"x.view(dtype): requires the array's own dtype, got {np.dtype(dtype)} for a traced {self.type}, whose "
            "bits cannot be taken for other numbers. Use x.astype(dtype) for the same values, and np.real and np.imag "
            "for the parts of complex numbers."
        )
    return aliases.view(self, Tracer(self.builder, self.atom))


def _resize(self: Tracer, *new_shape: Any, refcheck: bool = True) -> None:
    """``x.resize(shape)``, to a shape of as many elements."""
    shape = new_shape[0] if len(new_shape) == 1 else new_shape
    sizes = np.zeros(self.size, bool)
    sizes.resize(shape, refcheck=False)
    if sizes.size != self.size:
        raise InPlaceError(
            f"x.resize(): requires a shape of as many elements as a traced array has, {self.size}, got {sizes.shape}. "
            "Use np.resize or np.pad for more, and x[...] for fewer."
        )
    aliases.set_shape(self, sizes.shape)


def _refused(name: str, way: str) -> Callable[..., Any]:
    def method(self: Tracer, *args: Any, **kwargs: Any) -> Any:
        raise InPlaceError(
            f"x.{name}: requires an array that is not traced, got a traced {self.type}. {way}"
        )

    return method


def _unset(name: str, way: str = "Make a new array with the functions of fnad.numpy.") -> Callable[[Tracer, Any], None]:
    """The setter of an attribute that follows from the others: an error."""
    def refuse(self: Tracer, value: Any) -> None:
        raise AttributeError(
            f"x.{name} = v: requires an attribute that can be set, as x.shape, x.flat and x.real can, got {name!r} of "
            f"a traced {self.type}. {way}"
        )

    return refuse


_ABSENT = {
    "strides": "np.transpose and np.flip tell how it is read.",
    "byteswap": "Use x.astype(dtype) for other values.", "tobytes": "Return the array, and take its bytes outside.",
}
_OWN_ATOM = ("atom", "builder")


def _absent(self: Tracer, name: str) -> Any:
    """The error for an attribute that NumPy's arrays have and traced ones do not."""
    if name.startswith("__") or name in _OWN_ATOM:
        raise AttributeError(name)
    if not hasattr(np.ndarray, name):
        raise AttributeError(f"x.{name}: a traced {self.type} has no such attribute.")
    way = _ABSENT.get(name, "Use the functions of fnad.numpy, or np.asarray(x) outside of the function.")
    raise AttributeError(
        f"x.{name}: requires an array that lies in memory, got a traced {self.type}, whose values are not known. {way}"
    )


# A method of an array is the function of NumPy with the array as its first argument.
_FUNCTIONS = {
    "sum": np.sum, "prod": np.prod, "mean": np.mean, "var": np.var, "std": np.std, "max": np.max, "min": np.min,
    "argmax": np.argmax, "argmin": np.argmin, "any": np.any, "all": np.all, "cumsum": np.cumsum, "cumprod": np.cumprod,
    "swapaxes": np.swapaxes, "ravel": np.ravel, "repeat": np.repeat, "take": np.take, "dot": np.dot, "clip": np.clip,
    "round": np.round, "copy": np.copy, "trace": np.trace, "diagonal": np.diagonal, "argsort": np.argsort,
    "nonzero": np.nonzero, "put": np.put, "searchsorted": np.searchsorted, "argpartition": np.argpartition,
    "choose": np.choose,
}


def _unpicklable(self: Tracer, protocol: int) -> Any:
    raise located(TypeError(
        f"pickle: requires a value that is known, got a traced {self.type}. Return it from the function, and pickle or "
        "send the result."
    ))


_METHODS_OF_OUR_OWN: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "transpose": _transpose, "astype": _astype, "squeeze": _squeeze, "flatten": _flatten,
    "conj": _conjugate, "conjugate": _conjugate,
    "compress": lambda self, condition, axis=None, out=None: RULES[np.compress](condition, self, axis, out),
    "sort": writing.sort_in_place, "partition": writing.partition_in_place, "fill": writing.fill,
    "to_device": standard.to_device, "item": _item, "view": _view, "resize": _resize,
    "itemset": _refused("itemset()", "Write x[i] = v."),
}
_PROPERTIES: dict[str, Callable[[Tracer], Any]] = {
    "T": RULES[np.transpose],
    "mT": RULES[np.matrix_transpose],
    "real": RULES[np.real],
    "imag": RULES[np.imag],
    "flat": Flat,
    "at": updates.At,
    "device": lambda self: standard.DEVICE,
}
_SETTERS: dict[str, Callable[[Tracer, Any], None]] = {
    **{name: _unset(name) for name in ("T", "mT", "at", "device", "ndim", "size", "nbytes", "itemsize")},
    "dtype": _unset("dtype", "Use x.astype(dtype)."), "shape": aliases.set_shape, "flat": set_flat,
    "real": writing.set_real, "imag": writing.set_imag,
}
_SPECIAL: dict[str, Callable[..., Any]] = {
    "__array_namespace__": standard.namespace_of,
    "__array_ufunc__": _array_ufunc, "__array_function__": _array_function,
    "__matmul__": contractions.matmul_operator, "__rmatmul__": contractions.reflected_matmul_operator,
    "__getitem__": indexing.getitem, "__setitem__": writing.setitem, "__delitem__": writing.delitem,
    "__iter__": _iterate, "__contains__": _contains,
    "__getattr__": _absent,
    "__format__": _format, "__round__": _round, "__copy__": aliases.own,
    "__deepcopy__": lambda self, memo: aliases.own(self), "__reduce_ex__": _unpicklable,
}


def _install() -> None:
    methods = {name: RULES[function] for name, function in _FUNCTIONS.items()} | _METHODS_OF_OUR_OWN
    for name, function in {**operators.OPERATORS, **writing.IN_PLACE, **methods, **_SPECIAL}.items():
        setattr(Tracer, name, function)
    for name, function in _PROPERTIES.items():
        # The text is of a property: the examples are those of the function.
        setattr(Tracer, name, property(function, doc=(function.__doc__ or "").partition("\n\n")[0]))
    for name, setter in _SETTERS.items():
        setattr(Tracer, name, getattr(Tracer, name).setter(setter))


_install()
