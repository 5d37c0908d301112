"""Erlang-k gaps as stages: a purchase is every k-th event of a hidden Poisson process.

At age T a customer who is alive is in phase j < k: j hidden events have come since the last
purchase. With R = r + k x events' worth of evidence and z = (T - tx) / (alpha + T),

    P(phase = j | alive)  ~  (R)_j / j! z^j,   0 <= j < k,

the first k terms of a negative binomial, and given the phase the event rate is
Gamma(r + k x + j, alpha + T). So every prediction is a sum over at most k phases.
"""

import numpy as np
from scipy.special import gammaln

from forecast.processes.arrays import Floats, Numbers
from forecast.processes.rising_factorial import log_rising

__all__ = ["phase_chances"]


def phase_chances(k: int, evidence: Floats, silence: Numbers) -> tuple[list[Floats], Floats]:
    """Return the chance of each phase given alive, and the logarithm of the terms' sum.

    Parameters
    ----------
    k : int
        Hidden events per purchase.
    evidence : array
        R = r + k x.
    silence : array, broadcasts against ``evidence``
        z = (T - tx) / (alpha + T), in [0, 1).

    Examples
    --------
    >>> chances, _ = phase_chances(2, np.array(3.0), 0.25)
    >>> [round(float(each), 4) for each in chances]
    [0.5714, 0.4286]
    """
    with np.errstate(divide="ignore"):
        log_z = np.log(np.asarray(silence, dtype=float))
    terms = [
        log_rising(evidence, j) - gammaln(j + 1) + (j * log_z if j else 0.0 * (log_z > 0))
        for j in range(k)
    ]
    top = terms[0]
    for term in terms[1:]:
        top = np.maximum(top, term)
    heights = [np.exp(term - top) for term in terms]
    # added one by one: the sum of a row does not depend on the other rows
    total = heights[0]
    for height in heights[1:]:
        total = total + height
    return [np.asarray(height / total) for height in heights], np.asarray(top + np.log(total))
