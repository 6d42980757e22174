"""What may be an argument: NumPy's arrays of numbers, of every such dtype; others are refused, alike everywhere."""

from __future__ import annotations

import array
from typing import Any

import fnad
import numpy as np
import pytest
from fnad import grad, jit, vmap
from fnad.arguments import argument_name
from fnad.arrays import FIT

ML_DTYPES = ("bfloat16", "float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu", "int4", "uint4", "float4_e2m1fn")
NUMBERS = [np.dtype(code) for code in (*"?bhilqpBHILQPefdgFDG", ">f8", ">i4", "<u2", ">c8")]


class Foreign:
    """An array of another library."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.values.astype(dtype or float)


class Lent:
    """Another one, that gives its memory away."""

    def __init__(self, values: Any) -> None:
        self.__array_interface__ = np.asarray(values).__array_interface__

    def __dlpack__(self) -> Any:
        raise NotImplementedError


class Plain(np.ndarray):
    """An array with a name, and NumPy's meaning."""

    def __array_finalize__(self, obj: Any) -> None:
        self.name = getattr(obj, "name", "")


class Doubled(np.ndarray):
    """An array whose products are others than NumPy's."""

    def __mul__(self, other: Any) -> Any:
        return 2 * np.asarray(self) * other


PRICES = np.dtype([("price", "f8"), ("n", "i4")])
REFUSED = {
    "object": (lambda: np.array([1.0, 2.0], object), r"dtype object at {}\. Convert it with x\.astype\(float\)\."),
    "structured": (lambda: np.ones(2, PRICES), r"dtype \[\('price', .*\] at {}\. Pass its fields, as x\['price'\]\."),
    "record": (lambda: np.ones(2, PRICES).view(np.recarray), r"dtype .*price.* at {}\. Pass its fields"),
    "record scalar": (lambda: np.ones(2, PRICES)[0], r"dtype .*price.* at {}\. Pass its fields"),
    "void": (lambda: np.zeros(2, "V4"), r"dtype void32 at {}\. View it as numbers"),
    "datetime": (lambda: np.array(["2020-01-01", "2021-01-01"], "M8[D]"), r"dtype datetime64\[D\] at {}\. Convert"),
    "datetime scalar": (lambda: np.datetime64("2020-01-01"), r"dtype datetime64\[D\] at {}\. Convert"),
    "timedelta": (lambda: np.array([1, 2], "m8[s]"), r"dtype timedelta64\[s\] at {}\. Convert .*as x / np"),
    "text": (lambda: np.array(["a", "b"]), r"dtype str32 at {}\. Give its texts numbers"),
    "bytes": (lambda: np.array([b"a", b"b"]), r"dtype bytes8 at {}\. Give its texts numbers"),
    "long texts": (lambda: np.array(["a"], np.dtypes.StringDType()), r"dtype StringDType\S* at {}\. Give"),
    "masked": (lambda: np.ma.masked_array([1.0], [True]), r"a MaskedArray, whose .* NumPy's at {}\. Use"),
    "matrix": (lambda: np.matrix([[1.0]]), r"a matrix, whose operations are not NumPy's at {}\."),
    "another meaning": (lambda: np.ones(2).view(Doubled), r"a Doubled, whose operations .* at {}\. Use np\.asarray"),
    "foreign": (lambda: Foreign([1.0, 2.0]), r"tests\.test_arguments\.Foreign at {}\. Convert it with np\.asarray\(x"),
    "lent": (lambda: Lent([1.0, 2.0]), r"tests\.test_arguments\.Lent at {}\. Convert it with np\.asarray\(x\)\."),
    "memoryview": (lambda: memoryview(np.ones(2)), r"builtins\.memoryview at {}\. Convert it with np\.asarray"),
    "bytearray": (lambda: bytearray(8), r"builtins\.bytearray at {}\. Convert it with np\.asarray"),
    "array.array": (lambda: array.array("d", [1.0]), r"array\.array at {}\. Convert it with np\.asarray"),
}


def total(p: Any, *rest: Any) -> Any:
    return np.sum(p["x"]["price"] if getattr(p["x"].dtype, "names", None) else p["x"] * 1.0)


TRANSFORMS = {
    "jit": lambda: lambda p: jit(total)(p),
    "grad": lambda: grad(total),
    "vjp": lambda: lambda p: fnad.vjp(total, p),
    "jvp": lambda: lambda p: fnad.jvp(total, (p,), (p,)),
    "linearize": lambda: lambda p: fnad.linearize(total, p),
    "linear_transpose": lambda: lambda p: fnad.linear_transpose(total, p),
    "jacfwd": lambda: fnad.jacfwd(total),
    "jacrev": lambda: fnad.jacrev(total),
    "vmap": lambda: vmap(total),
    "checkpoint": lambda: fnad.checkpoint(total),
    "make_program": lambda: fnad.make_program(total),
    "check_nans": lambda: fnad.check_nans(total),
    "scan": lambda: lambda p: fnad.scan(lambda c, x: (c, c), p, None, length=1),
    "scan over": lambda: lambda p: fnad.scan(lambda c, x: (c, c), 0.0, p),
    "fori_loop": lambda: lambda p: fnad.fori_loop(0, 1, lambda i, c: c, p),
    "while_loop": lambda: lambda p: fnad.while_loop(lambda c: False, lambda c: c, p),
    "cond": lambda: lambda p: fnad.cond(True, total, total, p),
}


@pytest.mark.filterwarnings("ignore:the matrix subclass")
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_array_of_numbers_is_refused_alike(kind, transform):
    make, message = REFUSED[kind]
    f = TRANSFORMS[transform]()
    for _ in range(2):
        path = r"\S+(\[0\])?\['x'\]"
        with pytest.raises(TypeError, match=rf"^{transform.split()[0]}: requires {FIT}, got {message.format(path)}"):
            f({"x": make()})


@pytest.mark.parametrize("make", [REFUSED["foreign"][0], REFUSED["lent"][0], REFUSED["memoryview"][0]])
def test_arrays_of_others_are_no_static_arguments(make):
    f = jit(lambda x, kept: x, static_argnums=1)
    with pytest.raises(TypeError, match=rf"jit: requires {FIT}, got \S+ at a static argument\. Convert"):
        f(1.0, make())


@pytest.mark.parametrize("around", [jit, grad])
@pytest.mark.parametrize("call", [
    lambda n: jit(lambda x, n: x * n, static_argnums=1)(1.0, n),
    lambda n: jit(lambda x, n: x * n, static_argnames="n")(1.0, n=n),
])
def test_traced_values_are_no_static_arguments(around, call):
    with pytest.raises(TypeError, match=r"^jit: requires static arguments that are known, got a traced f64\[\]"):
        around(call)(2.0)


def test_fields_of_a_structured_array_are_the_way_out():
    f = jit(fnad.value_and_grad(lambda w, price: np.sum(w * price)))
    rows = np.ones(3, PRICES)
    for price in (2.0, 5.0):
        rows["price"] = price
        value, gradient = f(np.ones(3), rows["price"])
        assert value == 3 * price and (gradient == price).all()


@pytest.mark.parametrize("dtype", NUMBERS, ids=str)
def test_every_dtype_of_numbers_is_an_array(dtype):
    f = jit(lambda x: x + x)
    for values in ([1, 0, 1], [0, 0, 1]):  # the values of this call, not of the first one
        x = np.array(values, dtype)
        for got in (f(x), vmap(lambda x: x + x)(x), fnad.checkpoint(lambda x: x + x)(x)):
            np.testing.assert_array_equal(got, x + x)
            assert got.dtype == (x + x).dtype and got.dtype.isnative
    assert f.cache_info().stagings == 1


@pytest.mark.parametrize("name", ML_DTYPES)
def test_other_libraries_numbers_are_refused_by_name(name):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.ones(2, getattr(ml_dtypes, name))
    message = rf"requires {FIT}, got dtype {name}( at \S+)?\. Convert it with x\.astype\(np\.float32\)"
    calls = [
        *[lambda f=f: f()({"x": x}) for f in TRANSFORMS.values()], lambda: fnad.nn.relu(x),
        lambda: jit(lambda y: y * x)(np.ones(2)), lambda: grad(lambda y: np.sum(y * x))(np.ones(2)),
        lambda: jit(lambda y: y * 1)(x[0]),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=message):
            call()


@pytest.mark.parametrize("make", [
    lambda x, path: np.memmap(path, x.dtype, "w+", shape=x.shape), lambda x, path: x.view(np.recarray),
    lambda x, path: x.view(Plain), lambda x, path: x[()],
])
def test_arrays_of_derived_classes_with_numpys_meaning_are_arrays(make, tmp_path):
    given = make(np.ones((2, 3)), tmp_path / "map")
    f = jit(lambda x: x * 2.0)
    for value in (1.0, 3.0):
        given[...] = value
        for g in (f, lambda x: vmap(lambda y: y * 2.0)(x), fnad.checkpoint(lambda x: x * 2.0)):
            assert type(g(given)) is np.ndarray and (g(given) == 2 * value).all()
        assert (grad(lambda x: np.sum(x * x))(given) == 2 * value).all()


def test_texts_and_other_constants_belong_to_the_signature():
    f = jit(lambda x, how: x + len(how))
    assert [float(f(1.0, how)) for how in ("a", np.str_("ab"), np.bytes_(b"abc"), b"abcd", "a")] == [2, 3, 4, 5, 2]


def test_results_of_a_compiled_function_are_arrays_of_numbers_or_constants():
    with pytest.raises(TypeError, match=rf"jit: requires a function that returns {FIT} or constants, got"):
        jit(lambda x: (x, np.array(["a"])))(1.0)
    names = np.array(["a"])
    assert grad(lambda x: (x, names), has_aux=True)(1.0)[1] is names


def test_a_parameter_is_named_by_its_function():
    assert argument_name(lambda x, y: x, 1) == "y"
    with pytest.raises(TypeError, match=r"dtype str32 at weights\['a'\]\[0\]"):
        jit(lambda x, weights: x)(1.0, weights={"a": [np.array(["a"])]})
    with pytest.raises(TypeError, match=r"dtype str32 at weights\['a'\]\[0\]"):
        jit(lambda x, n, weights: x, static_argnums=1)(1.0, 2, {"a": [np.array(["a"])]})
