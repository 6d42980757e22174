#!/usr/bin/env bash
# np.sort leaves a bfloat16 array with NaN unsorted, and what is built on sorting is wrong without a word.
#
# Expected: NaN goes last, as NumPy does for its own float16. Seen with ml_dtypes 0.6.0 on NumPy 2.5.5: of
# [3, nan, 1, 2, nan, 0] sort and unique give back the input and argsort 0 to 5; max is nan (right), and median is 1.5
# where it is nan. Without NaN the same calls are right. float8_e4m3fn alike.
# PYTHON names an interpreter, 3.12 or newer.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ml_dtypes==0.6.0 numpy==2.5.5
cd "$folder"
cat > seen.py <<'PYTHON'
import ml_dtypes
import numpy as np

numbers, nan = [3, np.nan, 1, 2, np.nan, 0], float("nan")


def texts(dtype, values=numbers):
    """Sorted, distinct, order, largest and median of the numbers, as text, so that nan is like nan."""
    x = np.array(values, dtype)
    results = np.sort(x), np.unique(x), np.argsort(x, kind="stable"), np.max(x), np.median(x)
    return [str(np.asarray(r, float).tolist()) for r in results]


for dtype in (ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn):
    got, right = texts(dtype), texts(np.float16)
    print(np.dtype(dtype).name, got, "float16", right)
    unsorted = str([3.0, nan, 1.0, 2.0, nan, 0.0])
    assert got == [unsorted, unsorted, str([0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), "nan", "1.5"], "behaves otherwise now"
    assert right == [str([0.0, 1.0, 2.0, 3.0, nan, nan]), str([0.0, 1.0, 2.0, 3.0, nan]),
                     str([5.0, 2.0, 3.0, 0.0, 1.0, 4.0]), "nan", "nan"]
    assert texts(dtype, [3, 1, 2, 0]) == texts(np.float16, [3, 1, 2, 0])  # the control: no NaN
PYTHON
"$folder/venv/bin/python" seen.py
