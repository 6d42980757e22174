"""vmap is the stacked loop, without one: for every operation, for pytrees and axes, in every nesting."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from fnad import (
    ConcreteValueError, InPlaceError, grad, jit, make_program, nn, optim, random, tree, value_and_grad, vjp, vmap,
)
from fnad.ir.primitive import REGISTRY, Primitive

from tests.properties.cases import CASES, DTYPES, Case, Domain, Sample
from tests.properties.running import assert_same, interpreted

ROWS = [
    pytest.param(case, dtype, id=f"{case.name}-{dtype}")
    for case in CASES.values() for dtype in DTYPES if any(case.takes(dtype, s) for s in case.samples)
]
SIZE = 3
X = np.random.default_rng(0).normal(size=(5, 3))
W = np.random.default_rng(1).normal(size=(4, 3))

# --- Every operation


def numbers(domain: Domain, dtype: np.dtype, shape: tuple[int, ...], generator: np.random.Generator) -> np.ndarray:
    """Numbers of a domain."""
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(bool)
    if dtype.kind in "iu":
        low = max(int(np.ceil(domain.low)), 0 if dtype.kind == "u" else -100)
        return generator.integers(low, int(np.floor(domain.high)) + 1, shape).astype(dtype)
    real = generator.uniform(domain.low, domain.high, shape)
    return (real + 0.5j * generator.uniform(-1, 1, shape) if dtype.kind == "c" else real).astype(dtype)


def examples(case: Case, sample: Sample, dtype: str, count: int) -> list[list[np.ndarray]]:
    """Inputs of a case, several times."""
    generator = np.random.default_rng(0)
    types = case.input_types(sample, dtype)
    return [
        case.arranged([np.asarray(numbers(case.domain(i), t.dtype, t.shape, generator)) for i, t in enumerate(types)])
        for _ in range(count)
    ]


def combinations(count: int) -> list[tuple[bool, ...]]:
    """Which of the inputs are mapped: every way but none at all."""
    return [flags for flags in product((True, False), repeat=count) if any(flags)]


def assert_agree(got: list[np.ndarray], expected: list[np.ndarray]) -> None:
    """Require equal dtypes and shapes, and values equal but for the order of sums."""
    assert len(got) == len(expected)
    for g, e in zip(got, expected):
        assert_same(g, e, rtol=16 * float(np.finfo(e.dtype).eps) if e.dtype.kind in "fc" else 0.0)


@pytest.mark.parametrize(("case", "dtype"), ROWS)
def test_vmap_is_the_stacked_loop(case: Case, dtype: str) -> None:
    for sample in [s for s in case.samples if case.takes(dtype, s)]:
        each = examples(case, sample, dtype, SIZE)
        call = partial(case.call, sample=sample)
        for mapped in combinations(len(sample.shapes)):
            own = [[xs[i] if m else each[0][i] for i, m in enumerate(mapped)] for xs in each]
            expected = [np.stack(ys) for ys in zip(*[interpreted(call)(*xs) for xs in own])]
            inputs = [np.stack([xs[i] for xs in each]) if m else each[0][i] for i, m in enumerate(mapped)]
            got = interpreted(vmap(call, tuple([0 if m else None for m in mapped])))(*inputs)
            assert_agree(got, expected)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@pytest.mark.parametrize("size", [0, 1])
def test_batches_may_be_of_one_example_or_none(case: Case, size: int) -> None:
    sample = case.samples[0]
    dtype = next(d for d in reversed(DTYPES) if case.takes(d, sample))
    inputs = [np.stack(xs)[:size] for xs in zip(*examples(case, sample, dtype, 1))]
    single = [np.asarray(y) for y in case.call(*examples(case, sample, dtype, 1)[0], sample=sample)]
    got = interpreted(vmap(lambda *xs: case.call(*xs, sample=sample)))(*inputs)
    assert_agree(got, [np.stack([y])[:size] for y in single])


STRUCTURAL = ["matmul", "gather", "scatter/add", "scatter/set", "concatenate", "pad", "set_slice", "reduce_sum",
              "cumsum", "argsort", "select", "dense", "mse_with_gradient", "softmax_cross_entropy_with_gradient/labels"]


@pytest.mark.parametrize("name", STRUCTURAL)
def test_compiled_batches_are_the_interpreted_ones(name: str) -> None:
    case = CASES[name]
    sample = case.samples[0]
    each = examples(case, sample, "float64", SIZE)
    for mapped in combinations(len(sample.shapes)):
        inputs = [np.stack([xs[i] for xs in each]) if m else each[0][i] for i, m in enumerate(mapped)]
        batched = vmap(lambda *xs: case.call(*xs, sample=sample), tuple([0 if m else None for m in mapped]))
        assert_agree(jit(batched)(*inputs), interpreted(batched)(*inputs))


@pytest.mark.parametrize("name", ["matmul", "gather", "scatter/add"])
def test_a_product_or_an_access_stays_one_operation(name: str) -> None:
    case = CASES[name]
    for sample in case.samples[:3]:
        each = examples(case, sample, "float64", SIZE)
        for mapped in combinations(len(sample.shapes)):
            inputs = [np.stack([xs[i] for xs in each]) if m else each[0][i] for i, m in enumerate(mapped)]
            batched = vmap(partial(case.call, sample=sample), tuple([0 if m else None for m in mapped]))
            primitives = [eqn.primitive for eqn in make_program(batched)(*inputs).equations]
            assert primitives.count(case.primitive) == 1
            assert all(p.name in (case.primitive.name, "reshape", "transpose", "broadcast") for p in primitives)


def test_losses_of_many_blocks_are_batched() -> None:
    p, t = np.random.default_rng(0).normal(size=(2, 3, 10_000))
    per_example = vmap(value_and_grad(nn.mse))
    expected = [value_and_grad(nn.mse)(*each) for each in zip(p, t)]
    for run in (per_example, jit(per_example)):
        values, gradients = run(p, t)
        np.testing.assert_allclose(values, [value for value, _ in expected], rtol=1e-12)
        np.testing.assert_allclose(gradients, np.stack([gradient for _, gradient in expected]), rtol=1e-12)


def test_an_operation_without_rule_and_expansion_is_an_error() -> None:
    bare = Primitive("bare_of_rules", lambda x: x, lambda x: x, differentiable=())
    try:
        with pytest.raises(TypeError, match="bare_of_rules: requires a batching rule or an expansion under vmap"):
            vmap(bare)(X)
        np.testing.assert_array_equal(vmap(lambda x, c: x + bare(c), (0, None))(X, 1.0), X + 1)
    finally:
        del REGISTRY["bare_of_rules"]


# --- NumPy's functions, and their gradients

SHARED = np.random.default_rng(2).normal(size=(3, 5))
FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "sort": lambda x: np.sort(x, axis=0), "median": lambda x: np.median(x, axis=1), "norm": np.linalg.norm,
    "std": lambda x: np.std(x, axis=0), "prod": lambda x: np.prod(x, axis=0), "cumsum": lambda x: np.cumsum(x),
    "einsum": lambda x: np.einsum("ij,kj->ik", x, SHARED), "left": lambda x: SHARED.T @ x,
    "right": lambda x: x @ SHARED.T, "batches": lambda x: np.stack([SHARED, SHARED]) @ x.T,
    "vector": lambda x: SHARED @ x[0], "dot": lambda x: x[0] @ x[1],
    "choice": lambda x: np.where(x[0, 0] > 0, x, SHARED), "ends": lambda x: np.concatenate([x, SHARED])[::-1, 1:],
    "write": lambda x: x.at[1].set(0.0), "twice": lambda x: x.at[np.array([0, 0])].add(x[:2]),
    "rows": lambda x: x[[2, 0]],
    "largest": lambda x: x[np.argmax(x[:, 0])], "tril": np.tril, "roll": lambda x: np.roll(x, 1, axis=1),
    "diagonal": lambda x: np.diag(x[:, :3]), "pad": lambda x: np.pad(x, 1), "clip": lambda x: np.clip(x, -0.5, 0.5),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_and_their_gradients_are_batched(name: str) -> None:
    def loss(x: Any) -> Any:
        return np.sum(np.sin(FUNCTIONS[name](x)))

    def slope(x: Any) -> Any:
        return np.sum(grad(loss)(x) ** 2)

    x = np.random.default_rng(0).normal(size=(4, 3, 5))
    for f in (loss, grad(loss), grad(slope)):
        expected = np.stack([interpreted(f)(each)[0] for each in x])
        np.testing.assert_allclose(vmap(f)(x), expected, rtol=1e-9, atol=1e-11)
    each = np.stack([grad(loss)(each) for each in x])
    np.testing.assert_allclose(grad(lambda x: np.sum(vmap(loss)(x)))(x), each, rtol=1e-9, atol=1e-11)


# --- Pytrees and axes


class Pair(NamedTuple):
    left: Any
    right: Any


def test_arguments_and_results_are_pytrees() -> None:
    def f(params: Any, pair: Pair, *, scale: Any) -> Any:
        return {"y": params["w"] @ pair.left + params["b"], "rest": [pair.right * scale, None, "text"]}

    params = {"w": W, "b": np.arange(20.0).reshape(4, 5)}
    pair = Pair(X, (np.arange(5.0)))
    got = vmap(f, in_axes=({"w": None, "b": -1}, 0), out_axes={"y": 1, "rest": 0})(params, pair, scale=np.arange(5))
    np.testing.assert_allclose(got["y"], (X @ W.T + params["b"].T).T)
    assert got["y"].flags.c_contiguous
    np.testing.assert_array_equal(got["rest"][0], np.arange(5.0) ** 2)
    assert got["rest"][1:] == [None, "text"]


@pytest.mark.parametrize("in_axis", [0, 1, 2, -1, -2, -3])
@pytest.mark.parametrize("out_axis", [0, 1, 2, -1, -2, -3])
def test_any_axis_may_count_the_examples(in_axis: int, out_axis: int) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 4))
    expected = np.stack([np.sin(each).T for each in np.moveaxis(x, in_axis, 0)], axis=out_axis)
    got = vmap(lambda x: np.sin(x.T), in_axis, out_axis)(x)
    np.testing.assert_array_equal(got, expected)


def test_axes_may_be_a_list_and_arguments_may_be_shared() -> None:
    np.testing.assert_allclose(vmap(lambda x, w, c: w @ x + c, [0, None, None])(X, W, 2.0), X @ W.T + 2)
    np.testing.assert_allclose(vmap(lambda x, shared: x * shared["a"], (0, None))(X, {"a": 2}), 2 * X)


def test_what_depends_on_no_mapped_argument_is_repeated_or_given_once() -> None:
    def f(x: Any, c: Any) -> Any:
        return x * 2, np.sin(c), 7.0, c

    c = np.ones(2)
    doubled, sines, sevens, same = vmap(f, (0, None))(X, c)
    assert sines.shape == (5, 2) and sevens.shape == (5,) and same.shape == (5, 2)
    same[0] = 5.0  # an array of its own
    np.testing.assert_array_equal(c, np.ones(2))
    for run in (f, jit(f)):
        doubled, sine, seven, same = vmap(run, (0, None), (0, None, None, 1))(X, c)
        np.testing.assert_array_equal(doubled, 2 * X)
        assert sine.shape == (2,) and seven.shape == () and same.shape == (2, 5)


def test_dtypes_are_those_of_an_example() -> None:
    x = np.ones((4, 2), np.float32)
    got = vmap(lambda x, n: (x * 2.0, n + 1, x > 0, x * n))(x, np.arange(4, dtype=np.int32))
    assert [y.dtype for y in got] == ["float32", "int32", "bool", "float64"]


def test_numbers_that_are_the_same_for_all_steer_python() -> None:
    def f(x: Any, n: Any, table: Any) -> Any:
        for _ in range(n):
            x = x * 2
        return x if np.sum(table) > 0 else -x

    np.testing.assert_array_equal(vmap(f, (0, None, None))(X, 3, np.ones(2)), 8 * X)
    np.testing.assert_array_equal(vmap(jit(lambda x, n: f(x, n, 1), static_argnums=1), (0, None))(X, 3), 8 * X)
    words = np.array(["a", "b"])
    np.testing.assert_array_equal(vmap(lambda x, words: x * len(words[0]), (0, None))(X, words), X)


def test_rows_of_a_shared_table_may_be_looked_up() -> None:
    places = np.array([2, 0, -1])
    for run in (lambda f: f, jit):
        np.testing.assert_array_equal(run(vmap(lambda i, table: table[i], (0, None)))(places, X), X[places])


# --- Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: vmap(lambda x, p: x)(X, {"w": W}), ValueError, r"got 5 along axis 0 of x, 4 along axis 0 of p\['w'\]"),
        (lambda: vmap(lambda x, k: x)(X, k=W), ValueError, "got 5 along axis 0 of x, 4 along axis 0 of k"),
        (lambda: vmap(np.sin, 2)(X), ValueError, r"an axis 2 to map over, got f64\[5,3\] at"),
        (lambda: vmap(lambda x: x)(1.0), ValueError, r"an axis 0 to map over, got f64\[\]\* at x"),
        (lambda: vmap(lambda x: x, None)(X), ValueError, "an axis to map over, got none"),
        (lambda: vmap(lambda: 1.0)(), ValueError, "an axis to map over, got none"),
        (lambda: vmap(lambda x, s: x)(X, "text"), TypeError, "arrays to map over, got str at s"),
        (lambda: vmap(lambda x, y: x, (0,))(X, X), ValueError, r"in_axes that fit .*, got \(0,\)"),
        (lambda: vmap(lambda d: d, ({"a": 0},))({"b": X}), ValueError, "in_axes that fit the structure"),
        (lambda: vmap(lambda x: x, 0.5)(X), TypeError, "in_axes of integers and None, got float 0.5"),
        (lambda: vmap(lambda x: x, True)(X), TypeError, "in_axes of integers and None, got bool True"),
        (lambda: vmap(lambda x: x, 0, None)(X), ValueError, "got out_axes=None at result"),
        (lambda: vmap(lambda x: {"y": x}, 0, 2)(X), ValueError, r"from -2 to 1 .* got 2 at result\['y'\]"),
        (lambda: vmap(lambda x: x, 0, (0, 1))(X), ValueError, "out_axes that fit the structure"),
        (lambda: vmap(X), TypeError, "requires a function, got ndarray"),
    ],
)
def test_errors_say_what_is_wrong(call: Callable[[], Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message) as caught:
        call()
    assert str(caught.value).startswith("vmap: requires ")
    assert __file__ in str(caught.value)


@pytest.mark.parametrize("convert", [bool, float, int, lambda x: x.__array__()])
@pytest.mark.parametrize("around", [lambda f: f, grad, jit], ids=["alone", "grad", "jit"])
def test_python_may_not_ask_for_a_value_of_many(convert: Callable[[Any], Any], around: Callable[..., Any]) -> None:
    outer = around(lambda x: np.sum(vmap(lambda each: each * convert(each > 0))(x)))
    with pytest.raises(ConcreteValueError, match=r"one for each example under vmap. Use np.where"):
        outer(X[0])


def test_python_may_not_write_a_value_of_many_into_an_array_of_its_caller() -> None:
    y = np.zeros(2)

    def f(x: Any) -> Any:
        y[0] = x
        return y

    with pytest.raises(InPlaceError):
        vmap(f)(X[0])


# --- Nesting


def model(w: Any, x: Any) -> Any:
    hidden = np.tanh(w @ x)
    return np.sum(hidden[np.argsort(hidden)[1:]] ** 2) + np.max(x) * w[0, 0]


GRADIENTS = np.stack([grad(model)(W, x) for x in X])


@pytest.mark.parametrize(
    "nested",
    [
        vmap(grad(model), (None, 0)), jit(vmap(grad(model), (None, 0))), vmap(jit(grad(model)), (None, 0)),
        vmap(grad(jit(model)), (None, 0)), jit(vmap(jit(grad(jit(model))), (None, 0))),
        vmap(lambda w, x: vjp(lambda w: model(w, x), w)[1](1.0)[0], (None, 0)),
        vmap(lambda w, x: grad(lambda w: np.sum(vmap(model, (None, 0))(w, x[None])))(w), (None, 0)),
    ],
    ids=["vmap grad", "jit vmap grad", "vmap jit grad", "vmap grad jit", "all of them", "vmap vjp", "vmap grad vmap"],
)
def test_gradients_of_each_example(nested: Callable[..., Any]) -> None:
    for _ in range(2):
        np.testing.assert_allclose(nested(W, X), GRADIENTS, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("batched", [vmap(model, (None, 0)), vmap(jit(model), (None, 0)), jit(vmap(model, (None, 0)))],
                         ids=["vmap", "vmap jit", "jit vmap"])
def test_the_gradient_of_a_batch_is_the_sum(batched: Callable[..., Any]) -> None:
    for run in (grad, lambda f: jit(grad(f)), lambda f: lambda w: vjp(f, w)[1](1.0)[0]):
        np.testing.assert_allclose(run(lambda w: np.sum(batched(w, X)))(W), GRADIENTS.sum(axis=0), rtol=1e-12)


def test_a_compiled_function_is_compiled_once_for_a_batch() -> None:
    batched = vmap(jit(np.sin))
    first, second = (make_program(batched)(x).equations[0].params["program"] for x in (X, X + 1))
    assert first is second


def test_maps_may_be_nested() -> None:
    outer = vmap(vmap(lambda a, b: a * b + np.sin(b), (None, 0)), (0, None))
    np.testing.assert_allclose(outer(X[0], W[0]), X[0][:, None] * W[0] + np.sin(W[0]))
    pairs = vmap(lambda x: vmap(lambda w: w @ x)(W))  # closes over what the outer one maps
    np.testing.assert_allclose(pairs(X), X @ W.T)
    np.testing.assert_allclose(jit(pairs)(X), X @ W.T)
    hessian = vmap(grad(lambda v, x: grad(lambda x: np.sum(x**3))(x) @ v, 1), (0, None))
    np.testing.assert_allclose(hessian(np.eye(3), X[0]), np.diag(6 * X[0]))


def test_closed_over_values_of_outer_transforms_are_the_same_for_all() -> None:
    def loss(w: Any) -> Any:
        return np.sum(vmap(lambda x: np.tanh(w @ x))(X))

    expected = grad(lambda w: np.sum(np.tanh(X @ w.T)))(W)
    np.testing.assert_allclose(grad(loss)(W), expected)
    np.testing.assert_allclose(jit(grad(loss))(W), expected)


def test_closed_over_arrays_are_read_anew_by_compiled_functions() -> None:
    table = np.ones(3)
    f = jit(vmap(lambda x: x * table))
    np.testing.assert_array_equal(f(X), X)
    table[:] = 2.0
    np.testing.assert_array_equal(f(X), 2 * X)


# --- Gradients of each example of a network, compiled without a loop


def test_gradients_of_a_network_for_each_example_are_compiled_without_a_loop() -> None:
    init, apply = nn.mlp([6, 8, 3])
    params = init(random.key(0))

    def loss(params: Any, x: Any, label: Any) -> Any:
        return nn.softmax_cross_entropy(apply(params, x[None]), label[None])

    def mean_loss(params: Any, x: Any, labels: Any) -> Any:
        return nn.softmax_cross_entropy(apply(params, x), labels)

    per_example = jit(vmap(grad(loss), in_axes=(None, 0, 0)))
    counts = []
    for size in (4, 64):
        generator = np.random.default_rng(size)
        x, labels = generator.normal(size=(size, 6)).astype(np.float32), generator.integers(0, 3, size)
        got = per_example(params, x, labels)
        each = [grad(loss)(params, *example) for example in zip(x, labels)]
        tree.map(lambda g, *own: np.testing.assert_allclose(g, np.stack(own), rtol=1e-4, atol=1e-6), got, *each)
        mean = grad(mean_loss)(params, x, labels)
        tree.map(lambda g, m: np.testing.assert_allclose(g.mean(axis=0), m, rtol=1e-4, atol=1e-6), got, mean)
        counts.append(len(per_example.inspect(params, x, labels)[0][1].compiled.plan.instructions))
    assert counts[0] == counts[1] < 30


def test_networks_are_trained_side_by_side() -> None:
    init, apply = nn.mlp([6, 8, 3])
    optimizer = optim.adam(lr=0.01)
    generator = np.random.default_rng(0)
    x, labels = generator.normal(size=(16, 6)).astype(np.float32), generator.integers(0, 3, 16)

    def step(params: Any, state: Any) -> Any:
        value, grads = value_and_grad(lambda p: nn.softmax_cross_entropy(apply(p, x), labels))(params)
        return *optimizer.update(grads, state, params), value

    keys = random.split(random.key(0), 3)
    params = vmap(init)(keys)
    state, together = vmap(optimizer.init)(params), jit(vmap(step))
    singles = [(own, optimizer.init(own)) for own in map(init, keys)]
    for _ in range(5):
        params, state, values = together(params, state)
        results = [step(*single) for single in singles]
        singles = [result[:2] for result in results]
        np.testing.assert_allclose(values, [result[2] for result in results], rtol=1e-5)


# --- Random numbers


@pytest.mark.parametrize(
    "sampler",
    [
        lambda key: random.normal(key, (3,)), lambda key: random.normal(key, (3,), np.float32, scale=2.0),
        lambda key: random.uniform(key, (2, 2)), lambda key: random.randint(key, (4,), 0, 10),
        lambda key: random.bernoulli(key, 0.3, (5,)), lambda key: random.permutation(key, 6),
        lambda key: random.categorical(key, np.zeros(4)), lambda key: random.split(key, 3),
        lambda key: random.fold_in(key, 7), lambda key: random.normal(random.split(key)[1]),
    ],
)
def test_samplers_take_a_key_for_each_example(sampler: Callable[[Any], Any]) -> None:
    keys = random.split(random.key(0), 5)
    expected = np.stack([sampler(key) for key in keys])
    for run in (vmap(sampler), jit(vmap(sampler)), vmap(jit(sampler))):
        got = run(keys)
        assert got.dtype == expected.dtype
        np.testing.assert_array_equal(got, expected)


def test_a_shared_key_gives_all_examples_the_same_numbers() -> None:
    noisy = vmap(lambda x, key: x + random.normal(key, (3,)), (0, None))
    np.testing.assert_allclose(noisy(X, random.key(0)) - X, np.tile(random.normal(random.key(0), (3,)), (5, 1)))
    steps = vmap(lambda step: random.fold_in(random.key(0), step))(np.arange(3))
    np.testing.assert_array_equal(steps, [random.fold_in(random.key(0), step) for step in range(3)])
