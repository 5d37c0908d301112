"""Shares of an ensemble's members: what past origins say, shrunk towards fixed shares."""

import numpy as np
import numpy.typing as npt

__all__ = ["learned_shares"]

Floats = npt.NDArray[np.float64]


def learned_shares(
    predictions: list[Floats], actuals: list[Floats], prior: Floats, trust: float
) -> Floats:
    """Return shares that are 0 or more, add up to 1 and fit past outcomes, shrunk to ``prior``.

    Every member's prediction is brought to the actual total first, so that the season of a past
    window cannot pass for skill: shares learn who buys more than whom, the level is learned apart
    (stacking, Breiman 1996, with the sum-to-one constraint). The quadratic programme is solved
    with a ridge towards the prior shares, and the answer is averaged with them.

    Parameters
    ----------
    predictions : list of array of float, shape (customers, members)
        One array a past origin.
    actuals : list of array of float, shape (customers,)
    prior : array of float, shape (members,)
        Adds up to 1.
    trust : float
        Weight of the learned shares against the prior ones, 0 to 1.

    Examples
    --------
    The first member is right, the second is noise:

    >>> truth = np.arange(100.0)
    >>> noise = truth[::-1]
    >>> shares = learned_shares([np.column_stack([truth, noise])], [truth], np.full(2, 0.5), 0.5)
    >>> shares.round(2)
    array([0.75, 0.25])
    """
    members = len(prior)
    square = np.zeros((members, members))
    used = 0
    for rows, seen in zip(predictions, actuals, strict=True):
        totals = rows.sum(axis=0)
        if not seen.any() or not (totals > 0).all():
            continue
        errors = rows * (seen.sum() / totals) - seen[:, None]
        usual = float(np.mean((errors @ prior) ** 2))
        if usual > 0:  # so that every origin counts the same, whatever its scale
            square += errors.T @ errors / (len(seen) * usual)
            used += 1
    if not used or trust <= 0:
        return prior
    away = np.eye(members) - prior[:, None]
    return (1 - trust) * prior + trust * _least(square + _RIDGE * used * away.T @ away)


_RIDGE = 0.02  # of the mean squared error of the prior shares


def _least(square: Floats) -> Floats:
    """Return the shares w with the least w'Qw.

    The w of 0 or more with the least w'Qw + (1'w - 1)^2 is proportional to them, whatever its
    sum, and is found exactly by non-negative least squares (Lawson & Hanson 1974).
    """
    from scipy.optimize import nnls

    ones = np.ones(len(square))
    root = np.linalg.cholesky(square + np.outer(ones, ones))
    found = nnls(root.T, np.linalg.solve(root, ones))[0]
    return np.asarray(found / found.sum())
