"""Maximum likelihood for BG/CNBD-k and MBG/CNBD-k, and the choice of k."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from forecast.errors import UsageError
from forecast.processes.arrays import Floats, Numbers
from forecast.processes.bg_estimate import BG_PRIOR, estimate
from forecast.processes.bg_limits import BG_LIMITS
from forecast.processes.fitting import Fit, maximise
from forecast.processes.histories import Histories, read_histories
from forecast.processes.limits import Limit
from forecast.processes.newton import climb
from forecast.processes.prior import Prior
from forecast.processes.purchase_gaps import read_log_gaps
from forecast.processes.regular_likelihood import RegularLikelihood
from forecast.processes.starting_points import some_histories

__all__ = ["MOST_REGULAR", "RegularFit", "estimate_regular", "regular_limits", "whole_k"]

MOST_REGULAR = 12
_REHEARSAL = 20_000
_NAMES = {"Poisson": "Erlang-{}", "NBD": "CNBD-{}"}


@dataclass(frozen=True)
class RegularFit(Fit):
    """A regular process estimated by maximum likelihood.

    As :class:`Fit`; ``posterior(...).process(partial(BGCNBD, fit.k))`` gives the process of
    posterior draws, since k itself is held fixed.

    Attributes
    ----------
    k : int
        Hidden events per purchase: 1 is as irregular as chance, more is more regular.
    by_k : dict of float
        Log-likelihood of each k that was compared.
    """

    k: int
    by_k: dict[int, float]


def whole_k(k: Any) -> int:
    """Return k as an integer, refusing what is not a whole number from 1 on."""
    if isinstance(k, bool) or np.ndim(k) or not np.issubdtype(np.asarray(k).dtype, np.number):
        raise UsageError(f"k: {k!r} must be one whole number from 1 on.")
    if not (k >= 1 and k % 1 == 0):
        raise UsageError(f"k: {k!r} must be one whole number from 1 on.")
    return int(k)


def estimate_regular(
    build: Callable[..., Any],
    frequency: Numbers,
    recency: Numbers,
    T: Numbers,
    *,
    shift: int,
    log_gaps: Numbers | None,
    k: int | None,
    weights: Numbers | None = None,
    unit: str | None = None,
) -> RegularFit:
    """Return the maximum likelihood estimate; see :meth:`RegularDropout.fit`."""
    k = None if k is None else whole_k(k)
    if k is None and log_gaps is None:
        raise UsageError(
            "log_gaps: missing, and without the gaps between purchases the data say too little of "
            "their regularity to choose k. Give log_gaps (see purchase_gaps.log_gaps), or k."
        )
    histories = read_histories(frequency, recency, T, weights)
    total = _total(frequency, recency, log_gaps, weights)
    by_k: dict[int, float] = {}
    start = _start(histories)
    if k is None:
        by_k, found = _compare(histories, shift, total, start)
        k = max(by_k, key=lambda each: by_k[each])
        start = found[k]
    else:
        start = start - np.log([1.0, k, 1.0, 1.0])
    if k == 1:
        fit = estimate(
            partial(build, 1), frequency, recency, T, shift=shift, weights=weights, unit=unit
        )
    else:
        rehearsal = None
        if histories.weight.size > _REHEARSAL:
            rehearsal = RegularLikelihood.regular(
                some_histories(histories), k=k, shift=shift, total_log_gaps=total
            )
        fit = maximise(
            RegularLikelihood.regular(histories, k=k, shift=shift, total_log_gaps=total),
            build=partial(build, k),
            prior=_prior(k),
            starts=[start, -np.log([1.0, k, 1.0, 1.0])],
            limits=regular_limits(k),
            rehearsal=rehearsal,
            unit=unit,
        )
    by_k[k] = fit.log_likelihood
    known = {each.name: getattr(fit, each.name) for each in fields(Fit)}
    known["message"] += _comparison(k, by_k)
    return RegularFit(**known, k=k, by_k=by_k)


def regular_limits(k: int) -> tuple[Limit, ...]:
    """Return the limits of BG/NBD under the names they have with Erlang-k gaps."""
    return tuple(replace(each, name=_renamed(each.name, k)) for each in BG_LIMITS)


def _renamed(name: str, k: int) -> str:
    head, colon, rest = name.partition(":")
    return name if k == 1 else _NAMES.get(head, head).format(k) + colon + rest


def _prior(k: int) -> Prior:
    """Return BG/NBD's prior, for k events to a purchase."""
    return replace(BG_PRIOR, mean=(0.0, -float(np.log(k)), *BG_PRIOR.mean[2:]))


def _start(histories: Histories) -> Floats:
    """Rates of a spread like CDNOW's, with the mean of these data; a fifth dropping out."""
    x, _, age = histories.columns()
    w = histories.weight
    slow = float(w @ age) / (1.3 * float(w @ x))
    return np.asarray(np.log([0.7, 0.7 * slow, 0.8, 3.0]))


def _total(
    frequency: Numbers, recency: Numbers, log_gaps: Numbers | None, weights: Numbers | None
) -> float | None:
    """Weighted sum of log gaps in the data's unit."""
    if log_gaps is None:
        return None
    x, tx = np.asarray(frequency, dtype=float), np.asarray(recency, dtype=float)
    if weights is None:
        return float(read_log_gaps(log_gaps, x, tx).sum())
    w = np.asarray(weights, dtype=float)
    gaps = np.asarray(log_gaps)
    if gaps.shape == w.shape:
        x, tx, gaps, w = (each[w > 0] for each in (x, tx, gaps, w))
    return float(w @ read_log_gaps(gaps, x, tx))


def _compare(
    histories: Histories, shift: int, total: float | None, start: Floats
) -> tuple[dict[int, float], dict[int, Floats]]:
    """Climb for every k, each from the last one's top, on a sample first where data are many."""
    many = histories.weight.size > _REHEARSAL
    some = some_histories(histories) if many else histories
    by_k: dict[int, float] = {}
    found: dict[int, Floats] = {}
    for k in range(1, MOST_REGULAR + 1):
        slower = np.log([1.0, k / max(1, k - 1), 1.0, 1.0])
        start = climb(
            RegularLikelihood.regular(some, k=k, shift=shift, total_log_gaps=total).derivatives,
            start - slower,
        ).eta
        full = RegularLikelihood.regular(histories, k=k, shift=shift, total_log_gaps=total)
        top = climb(full.derivatives, start, most=4, radius=0.5)
        by_k[k], found[k] = top.value + full.unit_change(), top.eta
    return by_k, found


def _comparison(k: int, by_k: dict[int, float]) -> str:
    """Say how k was chosen."""
    if len(by_k) == 1:
        return ""
    first, second = sorted(by_k.values(), reverse=True)[:2]
    edge = " It is the largest tried: purchases are more regular than that." * (k == MOST_REGULAR)
    return f" k = {k} of 1 to {MOST_REGULAR}, {first - second:.1f} above the next best.{edge}"
