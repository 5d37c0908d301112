"""Customer covariates on the purchase rate and on dropout, for any process with those two.

An effect is a *ratio*: a customer whose covariate z is one unit higher buys at ``ratio`` times the
rate, and drops out at ``ratio`` times the odds (BG/NBD, MBG/NBD) or the rate (Pareto/NBD):

- purchase rate: alpha_i = alpha prod ratio_k^-z_ik, since lambda ~ Gamma(r, alpha_i)
- dropout: a_i = a prod ratio_k^w_ik with b as it is, so that a/b, the odds of dropping out, scale;
  Pareto/NBD: beta_i = beta prod ratio_k^-w_ik, since mu ~ Gamma(s, beta_i)

A ratio of 1 is no effect, and with all at 1 the process is the plain one (Fader & Hardie 2007,
"Incorporating time-invariant covariates into the Pareto/NBD and BG/NBD models").
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from forecast.errors import UsageError
from forecast.processes.arrays import Floats, Numbers, floats
from forecast.processes.bg_likelihood import BGLikelihood
from forecast.processes.bgnbd import BGNBD
from forecast.processes.covariate_likelihood import (
    RATIO_SD,
    CovariateLikelihood,
    PriorWithRatios,
)
from forecast.processes.distinct import distinct_rows, encode
from forecast.processes.dropout_limits import BG_LIMITS, PARETO_NBD_LIMITS
from forecast.processes.fitting import Fit, Likelihood, maximise
from forecast.processes.histories import Histories
from forecast.processes.limits import Limit
from forecast.processes.mbgnbd import MBGNBD
from forecast.processes.pareto_nbd import ParetoNBD
from forecast.processes.pareto_nbd_likelihood import ParetoNBDLikelihood

__all__ = ["WithCovariates", "fit_with_covariates"]

_MOST_GROUPS = 2_000
_NARROWEST, _WIDEST = 0.01, 20.0
_LOST = 8.0  # a log-ratio per unit beyond this is no estimate: the data hold no such customer


@dataclass(frozen=True)
class _Kind:
    """How covariates enter a process: position and sign of the log-parameter they move."""

    likelihood: Callable[[Histories], Likelihood]
    limits: tuple[Limit, ...]
    dropout: tuple[int, float]
    rate: tuple[int, float] = (1, -1.0)


_KINDS: dict[Any, _Kind] = {
    BGNBD: _Kind(partial(BGLikelihood.of, shift=0), BG_LIMITS, (2, 1.0)),
    MBGNBD: _Kind(partial(BGLikelihood.of, shift=1), BG_LIMITS, (2, 1.0)),
    ParetoNBD: _Kind(ParetoNBDLikelihood.of, PARETO_NBD_LIMITS, (3, -1.0)),
}


@dataclass(frozen=True)
class WithCovariates:
    """A process whose customers differ by covariates.

    Attributes
    ----------
    process : object
        The process of a customer whose covariates are all 0.
    rate, dropout : mapping of name to float or array
        Ratio by which a unit of the covariate multiplies the purchase rate, the dropout.

    Examples
    --------
    >>> base = BGNBD(r=0.24, alpha=4.4, a=0.8, b=2.4)
    >>> model = WithCovariates(base, rate={"online": 2.0}, dropout={})
    >>> model.of(rate={"online": [0, 1]}).alpha
    array([4.4, 2.2])
    """

    process: Any
    rate: Mapping[str, float | Floats] = field(default_factory=dict)
    dropout: Mapping[str, float | Floats] = field(default_factory=dict)

    def of(
        self,
        rate: Mapping[str, Numbers] | None = None,
        dropout: Mapping[str, Numbers] | None = None,
    ) -> Any:
        """Return the process of customers with these covariates, parameters one a customer.

        Parameters
        ----------
        rate, dropout : mapping of name to array-like
            Covariates by name, shape (customers,), or (customers, 1) against ratios that are
            posterior draws; each name of the fit must be there.
        """
        kind, names = _KINDS[type(self.process)], list(vars(self.process))
        values = dict(vars(self.process))
        parts = ((kind.rate, self.rate, rate), (kind.dropout, self.dropout, dropout))
        for (place, sign), ratios, given in parts:
            if set(ratios) != set(given or {}):
                raise UsageError(
                    f"covariates: {sorted(given or {})} given, {sorted(ratios)} fitted."
                )
            shift: Any = 0.0
            for name, ratio in ratios.items():
                shift = shift + sign * np.asarray((given or {})[name], float) * np.log(ratio)
            values[names[place]] = values[names[place]] * np.exp(shift)
        return type(self.process)(**values)


def fit_with_covariates(
    process: Any,
    frequency: Numbers,
    recency: Numbers,
    T: Numbers,
    *,
    rate: Mapping[str, Numbers] | None = None,
    dropout: Mapping[str, Numbers] | None = None,
    unit: str | None = None,
) -> Fit:
    """Estimate a process with customer covariates by maximum likelihood.

    Parameters
    ----------
    process : {BGNBD, MBGNBD, ParetoNBD}
        The class of the process.
    frequency, recency, T : array-like, shape (customers,)
        As for ``process.fit``.
    rate, dropout : mapping of name to array-like, shape (customers,)
        Covariates on the purchase rate and on dropout: numbers, 0 and 1 for a category.
    unit : str, optional
        Name of the unit of time.

    Returns
    -------
    Fit
        ``process`` is a :class:`WithCovariates`; ``params`` holds ``rate: name`` and
        ``dropout: name`` as ratios (1 is no effect), whose ``covariance_log`` entries belong to
        their logarithms, the usual coefficients.

    Raises
    ------
    UsageError
        If the process knows no covariates, or there are more than 2,000 distinct rows of them.
    """
    if process not in _KINDS:
        raise UsageError(f"{process.__name__} knows no covariates; BGNBD, MBGNBD, ParetoNBD do.")
    kind, plain = _KINDS[process], process.fit(frequency, recency, T, unit=unit)
    given = [("rate", name, values) for name, values in (rate or {}).items()]
    given += [("dropout", name, values) for name, values in (dropout or {}).items()]
    x, tx, age = floats(frequency, recency, T)
    table = np.empty((x.size, len(given)))
    for place, (_, name, values) in enumerate(given):
        table[:, place] = _numbers(name, values, x.size)
    rows, group = np.unique(table, axis=0, return_inverse=True)
    if len(rows) > _MOST_GROUPS:
        raise UsageError(
            f"covariates: {len(rows):,} distinct rows; at most {_MOST_GROUPS:,}. "
            "Put numbers in bins."
        )
    count = len(plain.likelihood.names)
    shifts = np.zeros((len(rows), count, count + len(given)))
    shifts[:, range(count), range(count)] = 1.0
    for place, (where, _, _) in enumerate(given):
        at, sign = kind.rate if where == "rate" else kind.dropout
        shifts[:, at, count + place] = sign * rows[:, place]
    members = [np.flatnonzero(group.reshape(-1) == each) for each in range(len(rows))]
    likelihood = CovariateLikelihood(
        groups=tuple(
            kind.likelihood(_histories(x[who], tx[who], age[who], plain.scale)) for who in members
        ),
        shifts=shifts,
        names=(*plain.likelihood.names, *(f"{where}: {name}" for where, name, _ in given)),
        timed=(*plain.timed, *([0] * len(given))),
        n_customers=x.size,
    )
    start = np.log(list(plain.params.values())) - np.array(plain.timed) * np.log(plain.scale)
    prior, ratios = plain.prior, likelihood.names[count:]
    fit = maximise(
        likelihood,
        build=partial(_build, process, given),
        prior=PriorWithRatios(
            names=(*prior.names, *(f"log ratio of {where}: {name}" for where, name, _ in given)),
            mean=(*prior.mean, *([0.0] * len(given))),
            sd=(*prior.sd, *([RATIO_SD] * len(given))),
            plain=prior,
        ),
        starts=[
            np.concatenate([np.clip(start, -6, 6), np.zeros(len(given))]),
            np.zeros(len(likelihood.names)),
        ],
        limits=[_with_ratios(limit, ratios) for limit in kind.limits],
        unit=unit,
    )
    lost = [name for name in ratios if abs(np.log(fit.params[name])) > _LOST]
    if not lost:
        return fit
    return replace(
        fit,
        status="limit",
        limit=f"no purchases, or no dropout, with {', '.join(lost)}",
        message=(
            f"The data hold no case that bounds {', '.join(lost)}: the ratio runs to 0 or infinity "
            f"and is not a number to interpret. {fit.message}"
        ),
    )


def _with_ratios(limit: Limit, ratios: tuple[str, ...]) -> Limit:
    """Return a limit of the plain process with the log-ratios as free directions."""
    none = (0.0,) * len(ratios)
    own = tuple(
        (*(0.0 for _ in limit.at), *(float(i == j) for j in range(len(ratios))))
        for i in range(len(ratios))
    )
    return replace(
        limit,
        escape=(*limit.escape, *none),
        at=(*limit.at, *none),
        free=(*((*direction, *none) for direction in limit.free), *own),
        keeps=(*limit.keeps, *ratios),
    )


def _build(process: Any, given: list[tuple[str, str, Any]], **params: Any) -> WithCovariates:
    ratios: dict[str, dict[str, Any]] = {"rate": {}, "dropout": {}}
    for where, name, _ in given:
        ratios[where][name] = params.pop(f"{where}: {name}")
    return WithCovariates(process(**params), **ratios)


def _numbers(name: str, values: Numbers, size: int) -> Floats:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise UsageError(
            f"covariate {name!r}: values must be numbers; code categories 0 and 1."
        ) from None
    if array.shape != (size,) or not np.isfinite(array).all():
        raise UsageError(f"covariate {name!r}: one finite number a customer is needed.")
    if np.ptp(array) == 0:
        raise UsageError(f"covariate {name!r}: all customers have {array[0]:g}; it tells nothing.")
    if not _NARROWEST < array.std() < _WIDEST:
        raise UsageError(
            f"covariate {name!r}: its standard deviation is {array.std():.3g}; effects and their "
            "prior are per unit, so divide it to bring that near 1."
        )
    return array


def _histories(x: Floats, tx: Floats, age: Floats, scale: float) -> Histories:
    """Compress the histories of one group, in the scale of all; they are checked already."""
    counts, times, ages = encode(x), encode(tx), encode(age)
    (ix, itx, iage), weight = distinct_rows([counts, times, ages], None)
    return Histories(
        replace(counts, codes=ix),
        replace(times, values=times.values / scale, codes=itx),
        replace(ages, values=ages.values / scale, codes=iage),
        weight,
        scale,
        int(x.size),
    )
