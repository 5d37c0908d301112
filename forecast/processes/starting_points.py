"""Where a climb starts: moments of the histories, and a subsample to rehearse on."""

from dataclasses import replace

import numpy as np

from forecast.processes.distinct import Codes
from forecast.processes.histories import Histories

__all__ = ["rate_by_moments", "rehearsal_sample", "some_histories"]

# starts are tried on this many customers when there are many more distinct histories
_REHEARSAL = 10_000


def rate_by_moments(histories: Histories) -> tuple[float, float]:
    """Return (log r, log alpha): mean and overdispersion of purchases, a fifth dropping out."""
    x, _, age = histories.columns()
    share = histories.weight / histories.weight.sum()
    mean_x, mean_age = share @ x, share @ age
    excess = share @ (x - mean_x) ** 2 - mean_x
    r = np.clip(mean_x**2 / excess, 0.05, 5.0) if excess > 0 else 5.0
    return float(np.log(r)), float(np.log(r * mean_age / (1.3 * mean_x)))


def rehearsal_sample(histories: Histories) -> Histories | None:
    """Return a seeded sample of customers, or None where the distinct histories are few."""
    return None if histories.weight.size <= 2 * _REHEARSAL else some_histories(histories)


def some_histories(histories: Histories) -> Histories:
    """Return a seeded sample of customers, drawn with replacement from the weighted rows."""
    rng = np.random.default_rng(1997)
    upto = np.cumsum(histories.weight)
    found = np.searchsorted(upto, rng.random(_REHEARSAL) * upto[-1], side="right")
    rows, count = np.unique(found, return_counts=True)
    x, tx, age = (
        Codes(each.values, each.codes[rows]) for each in (histories.x, histories.tx, histories.T)
    )
    return replace(histories, x=x, tx=tx, T=age, weight=count.astype(float), n_customers=_REHEARSAL)
