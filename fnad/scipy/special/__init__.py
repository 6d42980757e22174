"""The functions of scipy.special on traced values, arrays and numbers, with their derivatives.

SciPy's own ufuncs take traced values too. Compiled, their loops run in the middle of native code, on several threads,
where a singularity or a loss of digits is a value, whatever ``scipy.special.errstate`` and ``numpy.errstate`` ask for.
"""

from typing import Any as _Any

from fnad.public import public as _public
from fnad.scipy.special.functions import comb as comb
from fnad.scipy.special.functions import factorial as factorial
from fnad.scipy.special.functions import lambertw as lambertw
from fnad.scipy.special.functions import log_softmax as log_softmax
from fnad.scipy.special.functions import logsumexp as logsumexp
from fnad.scipy.special.functions import multigammaln as multigammaln
from fnad.scipy.special.functions import perm as perm
from fnad.scipy.special.functions import polygamma as polygamma
from fnad.numpy import sinc as sinc
from fnad.scipy.special.functions import softmax as softmax
from fnad.scipy.special.functions import softplus as softplus
from fnad.scipy.special.functions import zeta as zeta
from fnad.scipy.special.named import named as _named
from fnad.scipy.special.ufuncs import NAMES as _NAMES

__all__ = sorted([*_public(__name__), *_NAMES])
__dir__ = __all__.copy


def __getattr__(name: str) -> _Any:
    """SciPy's ufuncs, each of which is made when it is first asked for."""
    if name not in _NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return globals().setdefault(name, _named(name))
