"""MBG/CNBD-k: MBG/NBD with regular purchases, Platzer & Reutterer (2016)."""

from dataclasses import dataclass
from typing import ClassVar

from forecast.processes.regular_dropout import RegularDropout

__all__ = ["MBGCNBD"]


@dataclass(frozen=True)
class MBGCNBD(RegularDropout):
    """As BG/CNBD-k, but dropout may also follow the *first* purchase.

    The likelihood of a history is ::

        L = B(a, b+x+1)/B(a, b) alpha^r / Gamma(r) exp((k-1) log_gaps) / (k-1)!^x
            {sum_{j<k} (T-tx)^j / j! Gamma(r+kx+j) (alpha+T)^-(r+kx+j)
             + a/(b+x) Gamma(r+kx) (alpha+tx)^-(r+kx)}

    k = 1 is MBG/NBD.

    Examples
    --------
    >>> grocery = MBGCNBD(k=2, r=1.32920, alpha=2.81260, a=0.42472, b=0.79004)
    >>> round(float(grocery.expected_purchases(52)), 3)
    4.095
    >>> round(float(grocery.p_alive(1, 12, 52)), 4)
    0.1564
    """

    shift: ClassVar[int] = 1
