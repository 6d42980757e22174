"""Operations that are SciPy's ufuncs."""

from __future__ import annotations

from fnad.ops.foreign import UFUNCS

OTHERWISE = {primitive.name: "tests/surface/test_special.py" for primitive in UFUNCS}
