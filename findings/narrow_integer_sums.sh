#!/usr/bin/env bash
# Which reductions of narrow integers widen differs within one library.
#
# Expected: like np.sum and np.cumsum, both of which give 64 bits for uint8 and int8, or none of them. Seen:
#   - jax 0.12.0.1: jnp.sum and jnp.prod of uint8 widen to 32 bits (64 with x64), jnp.cumsum and jnp.cumprod stay at
#     uint8 and wrap: [200, 100] -> [200, 44];
#   - ml_dtypes 0.6.0 on NumPy 2.5.5: np.sum of int4 stays int4 and wraps: 7 + 7 + 7 = 5.
# PYTHON names an interpreter, 3.12 or newer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.12.0.1 jaxlib==0.12.0.1 ml_dtypes==0.6.0 numpy==2.5.5
cd "$folder"
cat > seen.py <<'PYTHON'
import jax.numpy as jnp
import ml_dtypes
import numpy as np

x = np.array([200, 100], np.uint8)
names = "sum", "prod", "cumsum", "cumprod"
seen = {name: getattr(jnp, name)(jnp.array(x)) for name in names}
for name, result in seen.items():
    right = getattr(np, name)(x)
    print(f"jnp.{name}: {result} {result.dtype}; np.{name}: {right} {right.dtype}")
nibbles = np.sum(np.array([7, 7, 7], ml_dtypes.int4))
print(f"np.sum of int4 [7, 7, 7]: {nibbles} {nibbles.dtype}")
assert [str(r.dtype) for r in seen.values()] == ["uint32", "uint32", "uint8", "uint8"], "jax behaves otherwise now"
assert seen["cumsum"].tolist() == [200, 44] and seen["cumprod"].tolist() == [200, 32] and int(seen["sum"]) == 300
assert (int(nibbles), nibbles.dtype.name) == (5, "int4"), "ml_dtypes behaves otherwise now"
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" seen.py
