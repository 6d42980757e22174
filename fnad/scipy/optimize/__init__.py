"""The solvers of scipy.optimize, with compiled functions and derivatives, on any pytree."""

from fnad.public import public as _public
from fnad.scipy.optimize.fitting import curve_fit as curve_fit
from fnad.scipy.optimize.fitting import fsolve as fsolve
from fnad.scipy.optimize.minimizing import minimize as minimize
from fnad.scipy.optimize.scalars import bisect as bisect
from fnad.scipy.optimize.scalars import brentq as brentq
from fnad.scipy.optimize.scalars import newton as newton
from fnad.scipy.optimize.scalars import root_scalar as root_scalar
from fnad.scipy.optimize.systems import least_squares as least_squares
from fnad.scipy.optimize.systems import root as root

__all__ = _public(__name__)
__dir__ = __all__.copy
