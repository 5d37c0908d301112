"""BG/NBD: Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way"."""

from dataclasses import dataclass
from typing import ClassVar

from forecast.processes.dropout_at_purchase import DropoutAtPurchase

__all__ = ["BGNBD"]


@dataclass(frozen=True)
class BGNBD(DropoutAtPurchase):
    """Poisson purchases at a Gamma rate; after each *repeat* purchase dropout with a Beta chance.

    The likelihood of a history is ::

        L = B(a, b+x)/B(a, b) Gamma(r+x) alpha^r / Gamma(r)
            {(alpha+T)^-(r+x) + 1[x>0] a/(b+x-1) (alpha+tx)^-(r+x)}   (eq. 6)

    A customer without repeat purchase is alive for certain.

    Examples
    --------
    >>> cdnow = BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> round(float(cdnow.expected_purchases(39, 2, 30.43, 38.86)), 3)
    1.226
    >>> round(float(cdnow.p_alive(2, 30.43, 38.86)), 4)
    0.7266
    """

    shift: ClassVar[int] = 0
