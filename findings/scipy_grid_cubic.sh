#!/usr/bin/env bash
# scipy.interpolate.RegularGridInterpolator(method="cubic") does not pass through the data that it interpolates.
#
# Expected: at the points of the grid the interpolant is the data, to rounding. Seen with SciPy 1.17.1 on a 20 x 20 grid of
# sin(9 x) cos(7 y): "cubic" is off by 4e-5 there and "quintic" by 2e-5, while "cubic_legacy" is off by 2e-16 and "linear" by
# nothing. The coefficients come from an iterative solver, whose tolerance is that of a general linear system;
# solver=scipy.sparse.linalg.spsolve gives 1e-15.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1
cd "$folder"
cat > seen.py <<'PYTHON'
import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.sparse.linalg import spsolve

grid = np.linspace(0, 1, 20)
x, y = np.meshgrid(grid, grid, indexing="ij")
data, points = np.sin(9 * x) * np.cos(7 * y), np.stack([x, y], axis=-1)


def error(method, **options):
    return float(np.abs(RegularGridInterpolator((grid, grid), data, method=method, **options)(points) - data).max())


seen = {method: error(method) for method in ("cubic", "quintic", "cubic_legacy", "linear")}
seen["cubic by spsolve"] = error("cubic", solver=spsolve)
print(seen)
assert seen["cubic"] > 1e-6 and seen["quintic"] > 1e-6, "the iterative solver is more exact now"
assert seen["cubic_legacy"] < 1e-13 and seen["linear"] == 0 and seen["cubic by spsolve"] < 1e-12
PYTHON
"$folder/venv/bin/python" seen.py
