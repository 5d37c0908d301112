"""Maximum likelihood for BG/CNBD-k and MBG/CNBD-k, and the choice of k."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any

import numpy as np

from forecast.errors import UsageError
from forecast.processes.arrays import Floats, Numbers
from forecast.processes.bg_estimate import BG_PRIOR, estimate
from forecast.processes.dropout_limits import BG_LIMITS
from forecast.processes.fitting import Fit, maximise
from forecast.processes.histories import Histories
from forecast.processes.limits import Limit
from forecast.processes.newton import climb
from forecast.processes.prior import Prior
from forecast.processes.regular_likelihood import RegularLikelihood
from forecast.processes.starting_points import some_histories

__all__ = ["RegularFit", "asked_k", "estimate_regular", "whole_k"]

_MOST_REGULAR = 12
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
    number = np.issubdtype(np.asarray(k).dtype, np.number) and not isinstance(k, bool)
    if not number or np.ndim(k) or not (k >= 1 and k % 1 == 0):
        raise UsageError(f"k: {k!r} must be one whole number from 1 on.")
    return int(k)


def asked_k(k: int | None, log_gaps: Numbers | None) -> int | None:
    """Return the k asked for, or None where gaps are there to choose it by."""
    if k is not None:
        return whole_k(k)
    if log_gaps is None:
        raise UsageError(
            "log_gaps: missing, and without the gaps between purchases the data say too little of "
            "their regularity to choose k. Give log_gaps (see purchase_gaps.log_gaps), or k."
        )
    return None


def estimate_regular(
    build: Callable[..., Any],
    histories: Histories,
    *,
    shift: int,
    total_log_gaps: float | None,
    k: int | None,
    unit: str | None = None,
) -> RegularFit:
    """Return the maximum likelihood estimate; see :meth:`RegularDropout.fit`."""
    by_k: dict[int, float] = {}
    start = _start(histories)
    likelihood = partial(RegularLikelihood.regular, shift=shift, total_log_gaps=total_log_gaps)
    many = histories.weight.size > _REHEARSAL
    some = some_histories(histories) if many else histories
    if k is None:
        by_k, found = _compare(likelihood, histories, some, start)
        k = max(by_k, key=lambda each: by_k[each])
        start = found[k]
    else:
        start = start - np.log([1.0, k, 1.0, 1.0])
    if k == 1:
        fit = estimate(partial(build, 1), histories, shift=shift, unit=unit)
    else:
        fit = maximise(
            likelihood(histories, k=k),
            build=partial(build, k),
            prior=_prior(k),
            starts=[start, -np.log([1.0, k, 1.0, 1.0])],
            limits=_limits(k),
            rehearsal=likelihood(some, k=k) if many else None,
            unit=unit,
        )
    by_k[k] = fit.log_likelihood
    known = {each.name: getattr(fit, each.name) for each in fields(Fit)}
    known["message"] += _comparison(k, by_k)
    return RegularFit(**known, k=k, by_k=by_k)


def _limits(k: int) -> tuple[Limit, ...]:
    """Return the limits of BG/NBD under the names they have with Erlang-k gaps."""
    return tuple(replace(each, name=_renamed(each.name, k)) for each in BG_LIMITS)


def _renamed(name: str, k: int) -> str:
    head, colon, rest = name.partition(":")
    return _NAMES.get(head, head).format(k) + colon + rest


def _prior(k: int) -> Prior:
    """Return BG/NBD's prior, for k events to a purchase."""
    return replace(BG_PRIOR, mean=(0.0, -float(np.log(k)), *BG_PRIOR.mean[2:]))


def _start(histories: Histories) -> Floats:
    """Rates of a spread like CDNOW's, with the mean of these data; a fifth dropping out."""
    x, _, age = histories.columns()
    w = histories.weight
    slow = float(w @ age) / (1.3 * float(w @ x))
    return np.asarray(np.log([0.7, 0.7 * slow, 0.8, 3.0]))


def _compare(
    likelihood: Callable[..., RegularLikelihood],
    histories: Histories,
    some: Histories,
    start: Floats,
) -> tuple[dict[int, float], dict[int, Floats]]:
    """Climb for every k, each from the last one's top, on ``some`` of the histories first."""
    by_k: dict[int, float] = {}
    found: dict[int, Floats] = {}
    for k in range(1, _MOST_REGULAR + 1):
        slower = np.log([1.0, k / max(1, k - 1), 1.0, 1.0])
        start = climb(likelihood(some, k=k).derivatives, start - slower).eta
        full = likelihood(histories, k=k)
        top = climb(full.derivatives, start, most=4, radius=0.5)
        by_k[k], found[k] = top.value + full.unit_change(), top.eta
    return by_k, found


def _comparison(k: int, by_k: dict[int, float]) -> str:
    """Say how k was chosen."""
    if len(by_k) == 1:
        return ""
    first, second = sorted(by_k.values(), reverse=True)[:2]
    edge = " It is the largest tried: purchases are more regular than that." * (k == _MOST_REGULAR)
    return f" k = {k} of 1 to {_MOST_REGULAR}, {first - second:.1f} above the next best.{edge}"
