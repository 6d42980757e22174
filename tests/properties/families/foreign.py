"""Operations that are SciPy's ufuncs, and those made of them."""

from __future__ import annotations

from fnad.ops.foreign import COMPOSED, UFUNCS

OTHERWISE = dict.fromkeys([*[primitive.name for primitive in UFUNCS], *COMPOSED], "tests/surface/test_special.py")
