#!/usr/bin/env bash
# numpy.quantile and percentile at an end of data that ends in an infinity are nan, where max and min are that infinity.
#
# Expected: the quantile 1 is the largest element and the quantile 0 the smallest, as their definitions say. Seen with
# NumPy 2.4.6: quantile([1, inf], 1.0) and percentile([-inf, 1], 0) are nan, with a RuntimeWarning, since the interpolation
# multiplies the difference of two neighbours, an infinity, by 0. The methods that do not interpolate give the infinity;
# median([1, inf, inf]) does too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6
cd "$folder"
cat > seen.py <<'PYTHON'
import warnings

import numpy as np

warnings.simplefilter("ignore", RuntimeWarning)
top, low = np.array([1.0, np.inf]), np.array([-np.inf, 1.0])
seen = {
    "quantile 1": np.quantile(top, 1.0), "percentile 0": np.percentile(low, 0),
    "higher": np.quantile(top, 1.0, method="higher"), "inverted_cdf": np.quantile(top, 1.0, method="inverted_cdf"),
    "median": np.median([1.0, np.inf, np.inf]), "max": top.max(), "min": low.min(),
}
print({what: float(value) for what, value in seen.items()})
assert np.isnan(seen["quantile 1"]) and np.isnan(seen["percentile 0"]), "the quantiles of infinities are others now"
assert seen["higher"] == seen["inverted_cdf"] == seen["median"] == seen["max"] == np.inf and seen["min"] == -np.inf
PYTHON
"$folder/venv/bin/python" seen.py
