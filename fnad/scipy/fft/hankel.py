"""The fast Hankel transform and its inverse, as `scipy.fft` has them, by Fourier transforms of logarithmic samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.fft

from fnad.numpy.dispatch import implements
from fnad.scipy.fft.arguments import given
from fnad.tracing.tracer import Tracer


@implements(scipy.fft.fht)
def fht(a: Any, dln: Any, mu: Any, offset: Any = 0.0, bias: Any = 0.0) -> Any:
    """All but ``a`` must be known.

    Dtypes: real numbers, of which it makes float64. Derivative: linear.

    >>> fht([1.0, 0.0], 0.1, 0.5).shape
    (2,)
    """
    x = given(a)
    places = (np.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2) * dln
    before, after = np.exp(-bias * places), np.exp(-bias * (places + offset))
    return _transformed(x, scipy.fft.fht, before, after, dln, mu, offset, bias)


@implements(scipy.fft.ifht)
def ifht(A: Any, dln: Any, mu: Any, offset: Any = 0.0, bias: Any = 0.0) -> Any:
    """All but ``A`` must be known.

    Dtypes: real numbers, of which it makes float64. Derivative: linear.

    >>> ifht([1.0, 0.0], 0.1, 0.5).shape
    (2,)
    """
    x = given(A)
    places = (np.arange(x.shape[-1]) - (x.shape[-1] - 1) / 2) * dln
    before, after = np.exp(bias * (places + offset)), np.exp(bias * places)
    return _transformed(x, scipy.fft.ifht, before, after, dln, mu, offset, bias)


def _transformed(x: Tracer, function: Any, before: np.ndarray, after: np.ndarray, *options: Any) -> Tracer:
    """Between two weights a circular convolution, which is known by what SciPy makes of the first unit vector."""
    n = x.shape[-1]
    unit = function(np.eye(n)[0], *options) / after / before[0]
    y = np.fft.irfft(np.fft.rfft(x * before) * np.fft.rfft(unit[::-1]), n)[..., ::-1]
    return y * after
