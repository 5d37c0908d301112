"""Gauss's hypergeometric series without its first term, with a count of the digits lost."""

import numpy as np

from forecast.processes.arrays import Floats

__all__ = ["hypergeometric_tail"]

_TERMS = 500


def hypergeometric_tail(
    a: Floats, b: Floats, c: Floats, z: Floats
) -> tuple[Floats, Floats, "np.typing.NDArray[np.bool_]"]:
    """Return (2F1(a, b; c; z) - 1) / a, the sum of its terms' sizes, and where it converged.

    The terms are (a+1)_(n-1) (b)_n / ((c)_n n!) z^n for n = 1, 2, ... (DLMF 15.2.1 divided by
    a), so the result is exact also at a = 0.

    Parameters
    ----------
    a, b, c, z : arrays, shape (rows,)
        ``0 <= z < 1``; rows with ``c <= 0`` are left out as not converged.
    """
    total, size = np.zeros(z.size), np.zeros(z.size)
    done = np.zeros(z.size, dtype=bool)
    left = np.flatnonzero((c > 0) & (z < 0.97))
    a, b, c, z = a[left], b[left], c[left], z[left]
    term = b * z / c
    sums, sizes = np.zeros(left.size), np.zeros(left.size)
    for n in range(1, _TERMS + 1):
        sums += term
        sizes += np.abs(term)
        ratio = (a + n) * (b + n) * z / ((c + n) * (n + 1.0))
        # look only now and then: comparing costs as much as a term
        if n % 4 == 0:
            over = (np.abs(term * ratio) <= 1e-17 * (1 - z) * sizes) & (np.abs(ratio) < 1)
            if over.any():
                ended = left[over]
                total[ended], size[ended], done[ended] = sums[over], sizes[over], True
                keep = ~over
                left, term, ratio = left[keep], term[keep], ratio[keep]
                a, b, c, z = a[keep], b[keep], c[keep], z[keep]
                sums, sizes = sums[keep], sizes[keep]
            growing = sizes > 1e200
            if growing.any():
                keep = ~growing
                left, term, ratio = left[keep], term[keep], ratio[keep]
                a, b, c, z = a[keep], b[keep], c[keep], z[keep]
                sums, sizes = sums[keep], sizes[keep]
        if not left.size:
            break
        term = term * ratio
    return total, size, done
