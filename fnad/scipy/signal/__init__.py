"""Functions of `scipy.signal` on traced values, arrays and numbers."""

from fnad.public import public as _public
from fnad.scipy.signal.convolution import convolve as convolve
from fnad.scipy.signal.convolution import convolve2d as convolve2d
from fnad.scipy.signal.convolution import correlate as correlate
from fnad.scipy.signal.convolution import correlate2d as correlate2d
from fnad.scipy.signal.convolution import fftconvolve as fftconvolve
from fnad.scipy.signal.convolution import oaconvolve as oaconvolve
from fnad.scipy.signal.filtering import filtfilt as filtfilt
from fnad.scipy.signal.filtering import lfilter as lfilter
from fnad.scipy.signal.filtering import lfilter_zi as lfilter_zi
from fnad.scipy.signal.filtering import sosfilt as sosfilt
from fnad.scipy.signal.filtering import sosfilt_zi as sosfilt_zi
from fnad.scipy.signal.filtering import sosfiltfilt as sosfiltfilt
from fnad.scipy.signal.response import freqz as freqz
from fnad.scipy.signal.response import freqz_sos as freqz_sos
from fnad.scipy.signal.response import freqz_sos as sosfreqz
from fnad.scipy.signal.sampling import decimate as decimate
from fnad.scipy.signal.sampling import resample as resample
from fnad.scipy.signal.sampling import resample_poly as resample_poly
from fnad.scipy.signal.sampling import savgol_filter as savgol_filter
from fnad.scipy.signal.sampling import upfirdn as upfirdn
from fnad.scipy.signal.spectral import coherence as coherence
from fnad.scipy.signal.spectral import csd as csd
from fnad.scipy.signal.spectral import detrend as detrend
from fnad.scipy.signal.spectral import hilbert as hilbert
from fnad.scipy.signal.spectral import periodogram as periodogram
from fnad.scipy.signal.spectral import spectrogram as spectrogram
from fnad.scipy.signal.spectral import stft as stft
from fnad.scipy.signal.spectral import welch as welch

__all__ = _public(__name__)
__dir__ = __all__.copy
