"""The rising factorial on the log scale, without the cancellation of two large log-gammas."""

import numpy as np
from scipy.special import gammaln

from forecast.processes.arrays import Floats, Numbers

__all__ = ["log_rising"]

_LARGE = 20.0


def log_rising(start: Numbers, steps: Numbers) -> Floats:
    """Return the logarithm of ``start (start + 1) ... (start + steps - 1)``.

    For a large start the difference of two log-gamma values loses as many digits as the start
    has, so Stirling's series (DLMF 5.11.1) is differenced term by term instead.

    Parameters
    ----------
    start : array-like, positive
    steps : array-like, non-negative

    Examples
    --------
    >>> float(np.exp(log_rising(2.0, 3)))  # doctest: +ELLIPSIS
    24.0...
    """
    s, n = np.asarray(start, dtype=float), np.asarray(steps, dtype=float)
    low = np.maximum(s, _LARGE)
    high = low + n
    stirling = (low - 0.5) * np.log1p(n / low) + n * np.log(high) - n + _tail(high) - _tail(low)
    plain = gammaln(s + n) - gammaln(s)
    return np.asarray(np.where(s > _LARGE, stirling, plain))


def _tail(z: Floats) -> Floats:
    """Stirling's correction; the next term is below 1e-17 from 20 on."""
    w = 1 / (z * z)
    series = 1 / 12 - w * (1 / 360 - w * (1 / 1260 - w * (1 / 1680 - w / 1188)))
    return np.asarray(series / z)
