"""Functions of `scipy.fft` on traced values, arrays and numbers; itself a backend for SciPy's ``set_backend``."""

from fnad.public import public as _public
from fnad.scipy.fft.backend import __ua_domain__ as __ua_domain__
from fnad.scipy.fft.backend import __ua_function__ as __ua_function__
from fnad.scipy.fft.cosines import dct as dct
from fnad.scipy.fft.cosines import dctn as dctn
from fnad.scipy.fft.cosines import dst as dst
from fnad.scipy.fft.cosines import dstn as dstn
from fnad.scipy.fft.cosines import idct as idct
from fnad.scipy.fft.cosines import idctn as idctn
from fnad.scipy.fft.cosines import idst as idst
from fnad.scipy.fft.cosines import idstn as idstn
from fnad.scipy.fft.fourier import fft as fft
from fnad.scipy.fft.fourier import fft2 as fft2
from fnad.scipy.fft.fourier import fftfreq as fftfreq
from fnad.scipy.fft.fourier import fftn as fftn
from fnad.scipy.fft.fourier import fftshift as fftshift
from fnad.scipy.fft.fourier import hfft as hfft
from fnad.scipy.fft.fourier import hfft2 as hfft2
from fnad.scipy.fft.fourier import hfftn as hfftn
from fnad.scipy.fft.fourier import ifft as ifft
from fnad.scipy.fft.fourier import ifft2 as ifft2
from fnad.scipy.fft.fourier import ifftn as ifftn
from fnad.scipy.fft.fourier import ifftshift as ifftshift
from fnad.scipy.fft.fourier import ihfft as ihfft
from fnad.scipy.fft.fourier import ihfft2 as ihfft2
from fnad.scipy.fft.fourier import ihfftn as ihfftn
from fnad.scipy.fft.fourier import irfft as irfft
from fnad.scipy.fft.fourier import irfft2 as irfft2
from fnad.scipy.fft.fourier import irfftn as irfftn
from fnad.scipy.fft.fourier import next_fast_len as next_fast_len
from fnad.scipy.fft.fourier import prev_fast_len as prev_fast_len
from fnad.scipy.fft.fourier import rfft as rfft
from fnad.scipy.fft.fourier import rfft2 as rfft2
from fnad.scipy.fft.fourier import rfftfreq as rfftfreq
from fnad.scipy.fft.fourier import rfftn as rfftn
from fnad.scipy.fft.hankel import fht as fht
from fnad.scipy.fft.hankel import ifht as ifht

__all__ = _public(__name__)
__dir__ = __all__.copy
