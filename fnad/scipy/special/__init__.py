"""The functions of scipy.special on traced values, arrays and numbers, with their derivatives."""

from fnad.numpy.special import erf as erf
from fnad.numpy.special import erfc as erfc
from fnad.numpy.special import sigmoid as expit
from fnad.numpy.special import xlogy as xlogy
from fnad.public import public as _public

__all__ = _public(__name__)
__dir__ = __all__.copy
