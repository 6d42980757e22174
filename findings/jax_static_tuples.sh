#!/usr/bin/env bash
# jax.jit tells the static arguments 1, True and 1.0 apart, but not the tuples (1,), (True,) and (1.0,).
#
# Expected: either both or neither. Seen with jax 0.12.0.1: the scalars are three compilations, each right; of the
# tuples, which are equal and hash alike, the first call's code answers for all three, silently.
# PYTHON names an interpreter, 3.12 or newer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet jax==0.12.0.1 jaxlib==0.12.0.1
cd "$folder"
cat > seen.py <<'PYTHON'
import jax


def weight(mark):
    return 2 if mark is True else 3 if isinstance(mark, float) else 5


scalars = jax.jit(lambda x, mark: x * weight(mark), static_argnums=1)
tuples = jax.jit(lambda x, marks: x * weight(marks[0]), static_argnums=1)
seen = [float(scalars(1.0, m)) for m in (1, True, 1.0)], [float(tuples(1.0, (m,))) for m in (1, True, 1.0)]
print("static 1, True, 1.0:", *seen[0])
print("static (1,), (True,), (1.0,):", *seen[1], "(without jit 5.0 2.0 3.0)")
assert seen == ([5.0, 2.0, 3.0], [5.0, 5.0, 5.0]), "jax.jit behaves otherwise now"
PYTHON
JAX_PLATFORMS=cpu "$folder/venv/bin/python" seen.py
