#!/usr/bin/env bash
# numpy.power.reduce and numpy.arctan2.reduce join the first two elements only, on processors with AVX-512.
#
# Expected: ufunc.reduce joins all elements, and is the last element of ufunc.accumulate. Seen with NumPy 2.4.6 on an
# x86-64 processor with AVX-512:
#   - power.reduce([0.5, 1.5, 2, 1.5]) is 0.3535..., which is 0.5 ** 1.5; accumulate ends with 0.0441..., which is right;
#   - arctan2.reduce([0.5, -1.5, 2, 1.5]) and float32 likewise; hypot and fmod, and power of integers, are right;
#   - with NPY_DISABLE_CPU_FEATURES="X86_V4" all are right: it is the loop for these processors.
# Where the reduced axis is the last one, nothing warns of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
cd "$folder"
cat > seen.py <<'PYTHON'
import sys

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as features

x = np.array([0.5, 1.5, 2, 1.5])
y = np.array([0.5, -1.5, 2, 1.5])
seen = {
    f"{f.__name__} {dtype}": (float(f.reduce(given.astype(dtype))), float(f.accumulate(given.astype(dtype))[-1]))
    for f, given in ((np.power, x), (np.arctan2, y), (np.hypot, y), (np.fmod, x + 3)) for dtype in ("float64", "float32")
}
seen["power int64"] = (int(np.power.reduce(np.array([2, 3, 2]))), 64)
for what, (reduced, accumulated) in seen.items():
    print(f"{what}: reduce {reduced}, accumulate {accumulated}")
wrong = {what for what, (reduced, accumulated) in seen.items() if not np.isclose(reduced, accumulated)}
if sys.argv[1] == "all":
    assert features["X86_V4"], "this needs a processor with AVX-512"
    assert wrong == {f"{name} {dtype}" for name in ("power", "arctan2") for dtype in ("float64", "float32")}, wrong
else:
    assert not wrong, wrong
PYTHON
"$folder/venv/bin/python" seen.py all
echo "without that loop:"
NPY_DISABLE_CPU_FEATURES="X86_V4" "$folder/venv/bin/python" seen.py none
