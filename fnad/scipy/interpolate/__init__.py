"""The interpolators of scipy.interpolate, as pytrees, on traced values, arrays and numbers."""

from fnad.public import public as _public
from fnad.scipy.interpolate.bsplines import BSpline as BSpline
from fnad.scipy.interpolate.bsplines import make_interp_spline as make_interp_spline
from fnad.scipy.interpolate.grid import RegularGridInterpolator as RegularGridInterpolator
from fnad.scipy.interpolate.hermite import Akima1DInterpolator as Akima1DInterpolator
from fnad.scipy.interpolate.hermite import CubicHermiteSpline as CubicHermiteSpline
from fnad.scipy.interpolate.hermite import PchipInterpolator as PchipInterpolator
from fnad.scipy.interpolate.lines import interp1d as interp1d
from fnad.scipy.interpolate.piecewise import PPoly as PPoly
from fnad.scipy.interpolate.splines import CubicSpline as CubicSpline

__all__ = _public(__name__)
__dir__ = __all__.copy
