"""The functions of scipy.integrate on traced values, arrays and numbers, with their derivatives."""

from fnad.public import public as _public
from fnad.scipy.integrate.ivp import odeint as odeint
from fnad.scipy.integrate.ivp import solve_ivp as solve_ivp
from fnad.scipy.integrate.quadrature import fixed_quad as fixed_quad
from fnad.scipy.integrate.quadrature import quad as quad
from fnad.scipy.integrate.samples import cumulative_simpson as cumulative_simpson
from fnad.scipy.integrate.samples import cumulative_trapezoid as cumulative_trapezoid
from fnad.scipy.integrate.samples import romb as romb
from fnad.scipy.integrate.samples import simpson as simpson
from fnad.scipy.integrate.samples import trapezoid as trapezoid

__all__ = _public(__name__)
__dir__ = __all__.copy
