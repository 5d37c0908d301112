"""BG/CNBD-k: BG/NBD with regular purchases, after Platzer & Reutterer (2016)."""

from dataclasses import dataclass
from typing import ClassVar

from forecast.processes.regular_dropout import RegularDropout

__all__ = ["BGCNBD"]


@dataclass(frozen=True)
class BGCNBD(RegularDropout):
    """Erlang-k gaps at a Gamma rate; after each *repeat* purchase dropout with a Beta chance.

    The likelihood of a history is ::

        L = B(a, b+x)/B(a, b) alpha^r / Gamma(r) exp((k-1) log_gaps) / (k-1)!^x
            {sum_{j<k} (T-tx)^j / j! Gamma(r+kx+j) (alpha+T)^-(r+kx+j)
             + 1[x>0] a/(b+x-1) Gamma(r+kx) (alpha+tx)^-(r+kx)}

    A customer without repeat purchase is alive for certain. k = 1 is BG/NBD.

    Examples
    --------
    >>> grocery = BGCNBD(k=2, r=0.35906, alpha=1.12939, a=0.52281, b=2.78534)
    >>> round(float(grocery.p_alive(3, 40.0, 52.0)), 4)
    0.8141
    """

    shift: ClassVar[int] = 0
