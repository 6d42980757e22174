#!/usr/bin/env bash
# Three functions of NumPy's that numba 0.68.1 compiles to other values than NumPy gives (NumPy 2.4.6).
#
# Expected: the same values up to rounding. Seen under njit:
#   - np.fmod(-7, 3) of integers is 0, NumPy's is -1 (floats are right);
#   - np.histogram of equal values counts none of them: [0, 0, 0] for [2.0], NumPy widens the range and counts one;
#   - np.mean of 2**25 float32 ones is 0.5 and np.var 0.25: one running float32 sum stops growing at 2**24. NumPy's
#     pairwise sum gives 1 and 0.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numba==0.68.1 numpy==2.4.6
cd "$folder"
cat > seen.py <<'PYTHON'
import numpy as np
from numba import njit


def remainder(a, b):
    return np.fmod(a, b)


def counts(x):
    return np.histogram(x, 3)[0]


def moments(x):
    return np.mean(x), np.var(x)


def both(function, *args):
    """What the function gives compiled and plain, as lists."""
    return [np.asarray(f(*args), float).tolist() for f in (njit(function), function)]


seen = {
    "np.fmod(-7, 3)": both(remainder, -7, 3),
    "np.fmod(-7.0, 3.0)": both(remainder, -7.0, 3.0),
    "np.histogram([2.0], 3)": both(counts, np.array([2.0])),
    "mean and variance of ones": both(moments, np.ones(2**25, np.float32)),
}
for what, (compiled, plain) in seen.items():
    print(f"{what}: compiled {compiled}, NumPy {plain}")
assert seen == {
    "np.fmod(-7, 3)": [0.0, -1.0], "np.fmod(-7.0, 3.0)": [-1.0, -1.0], "np.histogram([2.0], 3)": [[0, 0, 0], [0, 1, 0]],
    "mean and variance of ones": [[0.5, 0.25], [1.0, 0.0]],
}, "numba behaves otherwise now"
PYTHON
"$folder/venv/bin/python" seen.py
