#!/usr/bin/env bash
# openblas_set_num_threads_local, in the OpenBLAS that comes with SciPy, is not local to the thread that calls it.
#
# Expected from its name, and from MKL's mkl_set_num_threads_local: other threads keep their number of threads. Seen with
# SciPy 1.16.3 (its OpenBLAS 0.3.29.dev, built with pthreads): the call returns the number from before, and from
# then on every thread of the process has the new one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.16.3 threadpoolctl==3.6.0
cd "$folder"
cat > seen.py <<'PYTHON'
import ctypes
import threading

import scipy.linalg  # loads its OpenBLAS
from threadpoolctl import threadpool_info

(info,) = [i for i in threadpool_info() if i["internal_api"] == "openblas" and "scipy.libs" in i["filepath"]]
library = ctypes.CDLL(info["filepath"])


def routine(name):
    """A routine, by whichever name this build exports it."""
    names = [f"{prefix}openblas_{name}{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "")]
    return getattr(library, next(n for n in names if hasattr(library, n)))


set_local, set_all, get = map(routine, ("set_num_threads_local", "set_num_threads", "get_num_threads"))


def in_another_thread(function, *args):
    found = []
    thread = threading.Thread(target=lambda: found.append(function(*args)))
    thread.start()
    thread.join()
    return found[0]


set_all(2)
before = in_another_thread(set_local, 1)
here, there = get(), in_another_thread(get)
print(f"OpenBLAS {info['version']}, {info['threading_layer']}: was {before}; after a local call in another thread: "
      f"{here} here, {there} in a third thread")
assert (before, here, there) == (2, 1, 1), "it behaves otherwise now"
PYTHON
"$folder/venv/bin/python" seen.py
