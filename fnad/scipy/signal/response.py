"""What filters do to each frequency, as `scipy.signal` has it."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np
import scipy.signal

from fnad.numpy.convolution import alike
from fnad.numpy.dispatch import implements
from fnad.numpy.promotion import builder_of, cast, is_traced, traced
from fnad.scipy.signal.filtering import sections
from fnad.tracing.tracer import Tracer

TURN = 2 * np.pi


@implements(scipy.signal.freqz)
def freqz(
    b: Any, a: Any = 1, worN: Any = 512, whole: Any = False, plot: Any = None, fs: Any = TURN,
    include_nyquist: Any = False,
) -> Any:
    """Of traced values with coefficients in one axis.

    Dtypes: numbers. Derivative: of ``b``, ``a``, and of ``worN`` where it is an array of frequencies.

    >>> freqz([0.5, 0.5], 1, [0.0, np.pi])[1].round(6)
    array([1.+0.j, 0.-0.j])
    """
    builder = builder_of(b, a, worN, fs)
    b, a = [np.atleast_1d(_floating(traced(builder, y))) for y in (b, a)]
    for name, y in (("b", b), ("a", a)):
        if y.ndim != 1:
            raise ValueError(f"freqz: requires coefficients in one axis where traced, got {name} of shape {y.shape}.")
    w = _frequencies(worN, whole, include_nyquist, fs, np.result_type(b.dtype, a.dtype))
    powers = np.exp(-1j * w[:, None] * np.arange(max(b.size, a.size)).astype(w.dtype))
    upper, lower = [powers[:, : y.size] @ cast(y, powers.dtype) for y in (b, a)]
    return w * (fs / TURN), upper / lower


def _floating(x: Tracer) -> Tracer:
    return x if x.dtype.kind in "fc" else cast(x, np.dtype(float))


def _frequencies(worN: Any, whole: Any, include_nyquist: Any, fs: Any, dtype: np.dtype) -> Any:
    """In radians a sample: so many at equal distances, or those that are given."""
    if not is_traced(worN) and (worN is None or isinstance(worN, (int, np.integer))):
        count = 512 if worN is None else index(worN)
        if count < 0:
            raise ValueError(f"worN must be nonnegative, got {count}")
        real = np.empty(0, dtype).real.dtype
        return np.linspace(0, TURN if whole else np.pi, count, endpoint=include_nyquist and not whole, dtype=real)
    given = cast(*alike(worN), dtype) if is_traced(worN) else np.asarray(worN, dtype)
    return np.atleast_1d(TURN * given / fs)


@implements(scipy.signal.freqz_sos, scipy.signal.sosfreqz)
def freqz_sos(sos: Any, worN: Any = 512, whole: Any = False, fs: Any = TURN) -> Any:
    """Dtypes: numbers. Derivative: of ``sos``, and of ``worN`` where it is an array of frequencies.

    >>> freqz_sos([[0.5, 0.5, 0.0, 1.0, 0.0, 0.0]], [0.0, np.pi])[1].round(6)
    array([1.+0.j, 0.-0.j])
    """
    (sos,) = alike(sos)
    sos = sections(sos)
    found = [freqz(row[:3], row[3:], worN, whole, None, fs) for row in sos]
    response = found[0][1]
    for _, own in found[1:]:
        response = response * own
    return found[0][0], response
