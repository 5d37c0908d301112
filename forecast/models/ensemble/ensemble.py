"""The ensemble: many models' shares in one forecast, learned on past origins only."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import ForecastError, NotFittedError, TooLittleDataError, UsageError
from forecast.forecaster import Forecast, Forecaster
from forecast.ledger import Ledger
from forecast.models.btyd.btyd import BTYD
from forecast.models.ensemble.evidence import LAST_YEAR, SEASONAL, Evidence
from forecast.models.ensemble.level import Level
from forecast.models.ensemble.past_origins import PastOrigins
from forecast.models.ensemble.pool import Pool
from forecast.models.learned.boosting import GradientBoosting
from forecast.models.learned.customer_regression import CustomerRegression
from forecast.models.lessons import Lessons
from forecast.models.naive import LastYear
from forecast.models.newcomers.population import CustomerModel

__all__ = ["Ensemble"]

Floats = npt.NDArray[np.float64]

LEARNERS = (GradientBoosting, CustomerRegression)


@dataclass
class Ensemble(CustomerModel):
    """A mixture of models whose shares and level are learned on past origins.

    Members say who will buy more than whom. Their shares, one set for purchases and one for
    value, are fixed ones moved towards what would have been best at up to two past origins; the
    shorter those windows are against the horizon, the less, and not at all below a third of it.
    Where few customers bought in the past windows, the buy-till-you-die members keep most of the
    weight. The level of the total is pooled apart: the members' own, a seasonal model's where
    there is a year of history and last year's, each corrected by its past errors.

    The distribution is the mixture: each simulated future belongs to one member, moved to the
    ensemble's expectations and by random levels of all customers and of each cohort, as wide as
    levels missed at past origins.

    Parameters
    ----------
    members : mapping of name to Forecaster, optional
        By default BG/NBD and Pareto/NBD with spend on all purchases, two gradient boostings, a
        Poisson and a hurdle regression.
    seasonal : Forecaster or None
        A source of the level, and a member, where the history is long enough for it.

    Attributes
    ----------
    shares_ : pandas.DataFrame
        Of the last forecast: index member; columns ``purchases`` and, with amounts, ``value``.
    level_ : Level
        Of the last forecast's purchases: weights and corrections of its sources.

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(customers=300, days=420, seed=0)
    >>> model = fc.Ensemble().fit(fc.read_ledger(shop.orders))
    >>> f = model.forecast("8W", draws=100)
    >>> float(model.shares_.sum().round(6).iloc[0])
    1.0
    """

    members: Mapping[str, Forecaster] | None = None
    seasonal: Forecaster | None = field(
        default_factory=lambda: BTYD("mbgnbd", "gamma_gamma_all", season=2)
    )
    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)
    fitted_: dict[str, Forecaster] = field(default_factory=dict, init=False, repr=False)
    failed_: dict[str, str] = field(default_factory=dict, init=False, repr=False)
    error_: ForecastError | None = field(default=None, init=False, repr=False, compare=False)
    shares_: pd.DataFrame | None = field(default=None, init=False, repr=False, compare=False)
    level_: Level | None = field(default=None, init=False, repr=False, compare=False)
    lessons_: Lessons | None = field(default=None, init=False, repr=False, compare=False)

    def fit(self, ledger: Ledger) -> Self:
        """Fit every member; one that cannot be fitted is left out, and the notes say why.

        Raises
        ------
        ForecastError
            The first member's own, if no member can be fitted.
        """
        self.ledger_, self.fitted_, self.failed_ = ledger, {}, {}
        self.lessons_ = Lessons.from_ledger(ledger)
        errors = []
        for name, model in self._models().items():
            try:
                self.fitted_[name] = deepcopy(model).fit(ledger)
            except ForecastError as error:
                self.failed_[name] = str(error)
                errors.append(error)
        self.error_ = errors[0] if errors else None
        if errors and not set(self.fitted_) - {SEASONAL, LAST_YEAR}:
            raise errors[0]
        return self

    def update(self, ledger: Ledger) -> Self:
        """Keep members, shares, levels and spreads, and take the customers of another ledger.

        A member without an ``update`` of its own is fitted anew.

        Raises
        ------
        UsageError
            If one ledger has amounts and the other has none.
        """
        if self.lessons_ is None:
            raise NotFittedError(self)
        self.lessons_.check(ledger)
        for name, member in self.fitted_.items():
            self.fitted_[name] = getattr(member, "update", member.fit)(ledger)
        self.ledger_ = ledger
        return self

    def _models(self) -> dict[str, Forecaster]:
        members = _default_members() if self.members is None else self.members
        taken = {SEASONAL, LAST_YEAR} & set(members)
        if taken:
            raise UsageError(f"members: the name {taken.pop()!r} is taken by the ensemble itself.")
        models = dict(members)
        if self.seasonal is not None:
            models[SEASONAL] = self.seasonal
        return models | {LAST_YEAR: LastYear()}

    def _existing(self, horizon: Horizon, every: str | None, draws: int, seed: int) -> Forecast:
        ledger, lessons = self.ledger_, self.lessons_
        assert ledger is not None
        assert lessons is not None
        learners = frozenset(
            name for name, model in self.fitted_.items() if isinstance(model, LEARNERS)
        )
        try:
            pool = Pool.of(
                self.fitted_, self._past(lessons, horizon), learners, ledger, horizon,
                every=every, draws=draws, seed=seed,
            )  # fmt: skip
        except TooLittleDataError as error:  # say what the first member said of the log
            raise (self.error_ or error) from error
        lessons.by_horizon.setdefault(str(horizon), pool.evidence)
        self.shares_, self.level_ = pool.shares, pool.level
        return pool.forecast(type(self).__name__, self.failed_, seed=seed)

    def _past(self, lessons: Lessons, horizon: Horizon) -> "PastOrigins | Evidence":
        """Return what past origins said of a horizon, or go back to them."""
        known: Evidence | None = lessons.known(horizon)
        if known is not None:
            return known
        past = lessons.teacher(horizon)
        return PastOrigins.of(past, horizon.window(past.cutoff), self._models(), draws=1, seed=0)


def _default_members() -> dict[str, Forecaster]:
    spend = "gamma_gamma_all"
    return {
        "bgnbd": BTYD("bgnbd", spend),
        "pareto_nbd": BTYD("pareto_nbd", spend),
        "boosting": GradientBoosting(),
        "boosting_direct": GradientBoosting(around="mean"),
        "poisson_regression": CustomerRegression("poisson", around="btyd"),
        "hurdle_regression": CustomerRegression("hurdle"),
    }
