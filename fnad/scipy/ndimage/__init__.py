"""Functions of `scipy.ndimage` on traced values, arrays and numbers."""

from fnad.public import public as _public
from fnad.scipy.ndimage.filters import convolve as convolve
from fnad.scipy.ndimage.filters import convolve1d as convolve1d
from fnad.scipy.ndimage.filters import correlate as correlate
from fnad.scipy.ndimage.filters import correlate1d as correlate1d
from fnad.scipy.ndimage.filters import gaussian_filter as gaussian_filter
from fnad.scipy.ndimage.filters import gaussian_filter1d as gaussian_filter1d
from fnad.scipy.ndimage.filters import gaussian_gradient_magnitude as gaussian_gradient_magnitude
from fnad.scipy.ndimage.filters import gaussian_laplace as gaussian_laplace
from fnad.scipy.ndimage.filters import laplace as laplace
from fnad.scipy.ndimage.filters import prewitt as prewitt
from fnad.scipy.ndimage.filters import sobel as sobel
from fnad.scipy.ndimage.filters import uniform_filter as uniform_filter
from fnad.scipy.ndimage.filters import uniform_filter1d as uniform_filter1d
from fnad.scipy.ndimage.interpolation import affine_transform as affine_transform
from fnad.scipy.ndimage.interpolation import map_coordinates as map_coordinates
from fnad.scipy.ndimage.interpolation import rotate as rotate
from fnad.scipy.ndimage.interpolation import shift as shift
from fnad.scipy.ndimage.interpolation import spline_filter as spline_filter
from fnad.scipy.ndimage.interpolation import spline_filter1d as spline_filter1d
from fnad.scipy.ndimage.interpolation import zoom as zoom

__all__ = _public(__name__)
__dir__ = __all__.copy
