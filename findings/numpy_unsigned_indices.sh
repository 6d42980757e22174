#!/usr/bin/env bash
# What NumPy makes of the index 2**64 - 1 in uint64 depends on who is asked: an element, or one of three errors.
#
# Expected: IndexError, since no axis is so long. Seen with NumPy 2.4.6 on arange(4):
#   - x[i], np.take and np.take_along_axis of an *array* of it read the last element, silently, as if it were -1, and
#     np.add.at adds there;
#   - x[i] of the scalar, and of a 0-d array, is an OverflowError;
#   - np.put is a TypeError (uint64 is not safely int64), np.delete and np.insert are the IndexError;
#   - np.take with mode="clip" gives the *first* element.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
cd "$folder"
cat > seen.py <<'PYTHON'
import numpy as np

x, far = np.arange(4.0), np.array([2**64 - 1], np.uint64)


def outcome(function):
    """The result as a list, or the name of the error."""
    try:
        return np.asarray(function()).tolist()
    except Exception as error:
        return type(error).__name__


def added():
    total = np.zeros(4)
    np.add.at(total, far, 1.0)
    return total


seen = {
    "x[array]": outcome(lambda: x[far]),
    "take": outcome(lambda: np.take(x, far)),
    "take_along_axis": outcome(lambda: np.take_along_axis(x, far, 0)),
    "add.at": outcome(added),
    "x[scalar]": outcome(lambda: x[far[0]]),
    "x[0-d array]": outcome(lambda: x[np.array(2**64 - 1, np.uint64)]),
    "put": outcome(lambda: np.put(x.copy(), far, 9.0)),
    "delete": outcome(lambda: np.delete(x, far)),
    "insert": outcome(lambda: np.insert(x, far, 9.0)),
    "take, clip": outcome(lambda: np.take(x, far, mode="clip")),
}
for what, result in seen.items():
    print(f"{what}: {result}")
assert seen == {
    "x[array]": [3.0], "take": [3.0], "take_along_axis": [3.0], "add.at": [0.0, 0.0, 0.0, 1.0],
    "x[scalar]": "OverflowError", "x[0-d array]": "OverflowError", "put": "TypeError", "delete": "IndexError",
    "insert": "IndexError", "take, clip": [0.0],
}, "NumPy behaves otherwise now"
PYTHON
"$folder/venv/bin/python" seen.py
