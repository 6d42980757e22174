#!/usr/bin/env bash
# numpy.sort does not give back the elements that it was given: signs of zeros, and of NaN, come out as others.
#
# Expected: whatever the order of equal elements, a sorted array is a permutation of the array. Seen with NumPy 2.4.6 on an
# x86-64 processor with AVX2 (kinds "quicksort", the default, and "heapsort", and partition; float64 and float32):
#   - of 64 zeros, 22 of them negative, 32 are negative after sorting in float64, and 24 in float32;
#   - a NaN that carries bits, and one with the sign set, both come out as the plain NaN;
#   - kind="stable" and the elements in the order of argsort are permutations, bit for bit.
# So 1 / numpy.sort(x) has other infinities than x, and values hidden in NaN (as R's NA) are lost by sorting.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
cd "$folder"
cat > seen.py <<'PYTHON'
import numpy as np
from numpy._core._multiarray_umath import __cpu_features__ as features

assert features["AVX2"], "this needs a processor with AVX2, whose sort is another one than that of older ones"


def negative(x):
    return int(np.signbit(x).sum())


seen = {}
for dtype in ("float64", "float32"):
    x = np.zeros(64, dtype)
    x[::3] *= -1
    seen[dtype] = {
        "given": negative(x), "sort": negative(np.sort(x)), "heapsort": negative(np.sort(x, kind="heapsort")),
        "partition": negative(np.partition(x, 32)), "stable": negative(np.sort(x, kind="stable")),
        "argsort": negative(x[np.argsort(x)]),
    }
x = np.arange(64.0)
x[[5, 9]] = np.array([0x7FF8000000000ABC, 0xFFF8000000000000], np.uint64).view(np.float64)
seen["nan"] = {kind: sorted(hex(bits) for bits in np.sort(x, kind=kind)[-2:].view(np.uint64).tolist())
               for kind in ("quicksort", "stable")}
for what, found in seen.items():
    print(f"{what}: {found}")
assert seen["nan"] == {
    "quicksort": ["0x7ff8000000000000", "0x7ff8000000000000"], "stable": ["0x7ff8000000000abc", "0xfff8000000000000"],
}, "NaN is sorted otherwise now"
for dtype in ("float64", "float32"):
    kept = seen[dtype]["given"]
    assert kept == seen[dtype]["stable"] == seen[dtype]["argsort"] == 22
    assert seen[dtype]["sort"] != kept and seen[dtype]["partition"] != kept, "zeros are sorted otherwise now"
PYTHON
"$folder/venv/bin/python" seen.py
