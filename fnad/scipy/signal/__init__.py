"""Functions of `scipy.signal` on traced values, arrays and numbers."""

from fnad.public import public as _public
from fnad.scipy.signal.convolution import convolve as convolve
from fnad.scipy.signal.convolution import convolve2d as convolve2d
from fnad.scipy.signal.convolution import correlate as correlate
from fnad.scipy.signal.convolution import correlate2d as correlate2d
from fnad.scipy.signal.convolution import fftconvolve as fftconvolve
from fnad.scipy.signal.convolution import oaconvolve as oaconvolve

__all__ = _public(__name__)
__dir__ = __all__.copy
