"""The time until a mixture of phases has brought the next purchase with a given probability."""

import numpy as np
from scipy.special import betainc, betaln, expit

from forecast.processes.arrays import Floats

__all__ = ["waiting_quantile"]

_FAR = 700.0
_STEPS = 200


def waiting_quantile(
    share: Floats, k: int, chances: list[Floats], r: Floats, alpha: Floats
) -> Floats:
    """Return t with sum_j P(phase j) I_z(k - j, r + j) = share, z = t / (alpha + t).

    Newton's method on the logarithm of the smaller tail, in log(t / alpha), where both tails are
    nearly straight; a step that leaves the bracket is replaced by bisection.

    Parameters
    ----------
    share : array, shape (rows,), in [0, 1]
        1 gives infinity.
    k : int
        Events per purchase.
    chances : list of k arrays, shape (rows,)
        Of each phase.
    r, alpha : array, shape (rows,)
        Of the event rate in phase 0.
    """
    low, high = np.full(share.size, -_FAR), np.full(share.size, _FAR)
    wait = np.where(share > 0, np.inf, 0.0)
    left = np.flatnonzero((share > 0) & (share < 1))
    u = np.zeros(share.size)
    for _ in range(_STEPS):
        at = u[left]
        error, slope = _error(at, share[left], k, [each[left] for each in chances], r[left])
        high[left] = np.where(error >= 0, at, high[left])
        low[left] = np.where(error <= 0, at, low[left])
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            target = at - error / slope
        inside = (target > low[left]) & (target < high[left])
        target = np.where(inside, target, (low[left] + high[left]) / 2)
        u[left] = target
        moved = np.abs(target - at) > 4e-15 * np.maximum(1.0, np.abs(at))
        ended = left[~moved | (error == 0)]
        with np.errstate(over="ignore"):
            wait[ended] = np.where(
                np.abs(u[ended]) > _FAR - 1, np.where(u[ended] > 0, np.inf, 0.0), _time(u[ended])
            )
        wait[ended] *= alpha[ended]
        left = left[moved & (error != 0)]
        if not left.size:
            break
    return wait


def _time(u: Floats) -> Floats:
    return np.asarray(np.exp(np.minimum(u, _FAR)))


def _error(
    u: Floats, share: Floats, k: int, chances: list[Floats], r: Floats
) -> tuple[Floats, Floats]:
    """Increasing function of u whose zero is the quantile, and its slope."""
    z, rest = expit(u), expit(-u)
    come, not_yet, density = (np.zeros(u.size) for _ in range(3))
    for j, chance in enumerate(chances):
        events, shape = k - j, r + j
        come += chance * betainc(events, shape, z)
        not_yet += chance * betainc(shape, events, rest)
        log_density = -events * np.logaddexp(0.0, -u) - shape * np.logaddexp(0.0, u)
        density += chance * np.exp(log_density - betaln(events, shape))
    early = share <= 0.5
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(early, np.log(come) - np.log(share), np.log1p(-share) - np.log(not_yet))
        slope = np.where(early, density / come, density / not_yet)
    return error, slope
