#!/usr/bin/env bash
# jax.jit, jax.grad and jax.vmap hand a function its dicts with the keys sorted, so a function that goes through them
# gives another result than without the transform.
#
# Expected: the same number with and without jit. Seen with jax 0.12.0.1: for {"b": 1.0, "a": 10.0} a sum weighted by
# position is 21 in Python, 12 under jit, and the gradient belongs to the other order too. An OrderedDict keeps its order.
# PYTHON names an interpreter, 3.12 or newer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.12.0.1 jaxlib==0.12.0.1
cd "$folder"
cat > seen.py <<'PYTHON'
from collections import OrderedDict

import jax
import jax.numpy as jnp


def weighted(params):
    return sum((i + 1) * value for i, value in enumerate(params.values()))


params = {"b": 1.0, "a": 10.0}
batch = {name: jnp.array([value]) for name, value in params.items()}
gradient = jax.grad(weighted)(params)
seen = {
    "Python": weighted(params),
    "jit": float(jax.jit(weighted)(params)),
    "vmap": float(jax.vmap(weighted)(batch)[0]),
    "gradient": [float(gradient[name]) for name in ("b", "a")],
    "jit, OrderedDict": float(jax.jit(weighted)(OrderedDict(params))),
}
print(seen)
assert seen == {"Python": 21.0, "jit": 12.0, "vmap": 12.0, "gradient": [2.0, 1.0], "jit, OrderedDict": 21.0}, "otherwise now"
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" seen.py
