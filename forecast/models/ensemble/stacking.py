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
    gram, moment = np.zeros((members, members)), np.zeros(members)
    used = 0
    for rows, seen in zip(predictions, actuals, strict=True):
        totals = rows.sum(axis=0)
        if not seen.any() or not (totals > 0).all():
            continue
        scaled = rows * (seen.sum() / totals)
        error = float(np.mean((scaled @ prior - seen) ** 2))
        if error > 0:  # so that every origin counts the same, whatever its scale
            gram += scaled.T @ scaled / (len(seen) * error)
            moment += scaled.T @ seen / (len(seen) * error)
            used += 1
    if not used or trust <= 0:
        return prior
    ridge = _RIDGE * used
    return (1 - trust) * prior + trust * _simplex(
        gram + ridge * np.eye(members), moment + ridge * prior, prior
    )


_RIDGE = 0.02  # of the mean squared error of the prior shares


def _simplex(gram: Floats, moment: Floats, start: Floats) -> Floats:
    """Minimise w'Gw/2 - m'w over shares: an active-set solution of the small programme."""
    from scipy.optimize import minimize

    found = minimize(
        lambda w: 0.5 * w @ gram @ w - moment @ w,
        start,
        jac=lambda w: gram @ w - moment,
        bounds=[(0.0, 1.0)] * len(start),
        constraints=[{"type": "eq", "fun": lambda w: w.sum() - 1.0, "jac": np.ones_like}],
        method="SLSQP",
    )
    shares = np.clip(found.x if found.success else start, 0.0, None)
    return np.asarray(shares / shares.sum())
