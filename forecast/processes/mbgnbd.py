"""MBG/NBD: Batislam, Denizel & Filiztekin (2007); Hoppe & Wagner (2007) as CBG/NBD."""

from dataclasses import dataclass
from typing import ClassVar

from forecast.processes.dropout_at_purchase import DropoutAtPurchase

__all__ = ["MBGNBD"]


@dataclass(frozen=True)
class MBGNBD(DropoutAtPurchase):
    """As BG/NBD, but dropout may also follow the *first* purchase.

    The likelihood of a history is ::

        L = B(a, b+x+1)/B(a, b) Gamma(r+x) alpha^r / Gamma(r)
            {(alpha+T)^-(r+x) + a/(b+x) (alpha+tx)^-(r+x)}

    A new customer is alive with probability b / (a + b).

    Examples
    --------
    >>> cdnow = MBGNBD(r=0.52484, alpha=6.18309, a=0.89139, b=1.61405)
    >>> round(float(cdnow.expected_purchases(39)), 3)
    1.182
    >>> round(float(cdnow.p_alive(0, 0, 38.86)), 4)
    0.3897
    """

    shift: ClassVar[int] = 1
