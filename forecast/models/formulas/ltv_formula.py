"""Marketing's LTV formulas as forecasters: revenue a period times periods alive in the window."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.errors import NotFittedError, NotIdentifiedError, TooLittleDataError, UsageError
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger
from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.formulas.lapse import Activity
from forecast.models.inner_window import inner_window
from forecast.models.lessons import Lessons
from forecast.models.newcomers.newcomers import Newcomers
from forecast.models.newcomers.population import forecast_population
from forecast.models.settings import Settings
from forecast.models.spread import Shares
from forecast.views import customer_summary

__all__ = ["LTVFormula"]

FloatArray = npt.NDArray[np.float64]

_FORMULAS = ("revenue", "arpu", "aov")


@dataclass
class LTVFormula(Settings):
    """A formula of marketing, over a window in place of the whole life.

    - ``"revenue"``: revenue per customer and day since the first purchase, times the days of the
      window, for everyone; churn is inside the average.
    - ``"arpu"``: lifetime x ARPU. Repeat revenue per active day, times the active days to expect.
    - ``"aov"``: AOV x purchase rate x lifetime, each customer at his own order value and his own
      rate per active day, times the active days to expect. Purchases a year and years, or a month
      and months, are the same product in other units. An own rate is (repeat purchases + 1) /
      (active days + 1 / pooled rate), an own order value likewise has one pooled order more.

    A customer is active until he has been silent for ``silence`` and again from his next purchase
    on. Lapses per active day and returns per lapsed day are constant hazards, estimated by
    maximum likelihood with those not lapsed yet censored; the active days of a window follow from
    them and from whether the customer is active at the cutoff. A distribution is borrowed from what
    customers with a similar expectation went on to do in a past window.

    Where nobody ever lapsed, retention is 1, lifetime is infinite and the formula is refused, in
    the window too: that nobody is seen to leave says the log is too short for this rule, not that
    nobody will.

    Parameters
    ----------
    formula : {"arpu", "aov", "revenue"}
    silence : str, optional
        Length after which a silent customer has lapsed: ``"90D"``; by default what 90 % of all
        gaps between purchases do not exceed, at most half the history.

    Examples
    --------
    >>> import forecast as fc
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
    >>> found = LTVFormula("aov").fit(ledger).forecast("39W", draws=0)
    >>> round(found.customers["expected_purchases"].sum())
    1242
    """

    formula: Literal["arpu", "aov", "revenue"] = "arpu"
    silence: str | None = None
    ledger_: Ledger | None = field(default=None, init=False, repr=False, compare=False)
    pace_: "Pace | None" = field(default=None, init=False, repr=False, compare=False)
    flow_: "Flow | None" = field(default=None, init=False, repr=False, compare=False)
    lessons_: Lessons | None = field(default=None, init=False, repr=False, compare=False)

    populations = ("existing", "new", "all")

    def fit(self, ledger: Ledger) -> Self:
        """Estimate rates, order values, lapses and returns.

        Raises
        ------
        NotIdentifiedError
            If nobody lapsed, except for ``"revenue"``.
        TooLittleDataError
            If nobody bought twice.
        """
        self.flow_ = self._learn(ledger)
        self.pace_ = self.flow_.pace
        self.ledger_, self.lessons_ = ledger, Lessons.from_ledger(ledger)
        return self

    def update(self, ledger: Ledger) -> Self:
        """Keep the rates of all customers, and apply them to those of another ledger.

        Raises
        ------
        UsageError
            If one ledger has amounts and the other has none.
        """
        if self.pace_ is None or self.lessons_ is None:
            raise NotFittedError(self)
        self.lessons_.check(ledger)
        self.flow_, self.ledger_ = Flow.of(ledger, self.formula, self.pace_), ledger
        return self

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> Forecast:
        """Forecast the window after the cutoff; see :meth:`forecast.Forecaster.forecast`.

        Raises
        ------
        TooLittleDataError
            If no past window is left to learn the distribution from.
        """
        check_request(
            self, population, scenario, populations=self.populations, draws=draws, seed=seed
        )
        if self.ledger_ is None or self.flow_ is None or self.lessons_ is None:
            raise NotFittedError(self)
        if population != "existing":
            return forecast_population(
                self, Newcomers.learn(self.ledger_), horizon,
                population=population, every=every, draws=draws, seed=seed,
            )  # fmt: skip
        flow, asked = self.flow_, Horizon.parse(horizon)
        windows = asked.periods(flow.cutoff, every)
        purchases, value, shares = flow.expect(windows)
        analogues, notes = self.lessons_.of(asked, lambda ledger: self._analogues(ledger, asked))
        return forecast_existing(
            self,
            cutoff=flow.cutoff,
            horizon=asked,
            windows=windows,
            customers=customer_table(
                flow.index, analogues.p_active(purchases, purchases), purchases, value
            ),
            shares=shares,
            sampler=AnalogueDraws(analogues, purchases, value, shares, draws, seed)
            if draws
            else None,
            notes=(*flow.notes, *notes),
        )

    def _analogues(self, ledger: Ledger, horizon: Horizon) -> tuple[Analogues, tuple[str, ...]]:
        """Forecast a past window and keep what came of it."""
        inner = inner_window(ledger, horizon.window(ledger.cutoff))
        past = self._learn(inner.past)
        then = Horizon(inner.days, "D").periods(past.cutoff, f"{inner.days}D")
        value = inner.outcome["value"].to_numpy(float) if ledger.has_value else None
        score = past.expect(then)[0] * inner.stretch
        return Analogues.learn(score, inner.outcome["purchases"], value), inner.notes

    def _learn(self, ledger: Ledger) -> "Flow":
        if self.formula not in _FORMULAS:
            raise UsageError(f"formula: {self.formula!r} is not one of {', '.join(_FORMULAS)}.")
        return Flow.learn(ledger, self.formula, self.silence)


@dataclass(frozen=True)
class Pace:
    """What is estimated of all customers together.

    Attributes
    ----------
    rate : float
        Repeat purchases a day, active days alone where there is a rule of silence.
    again_value, order_value : float or None
        Mean value of a repeat purchase, of any purchase; None without amounts.
    silence : int or None
        Days without a purchase after which a customer has lapsed; None where every day counts.
    lapse_rate, return_rate : float
        Lapses per active day and returns per lapsed day.
    """

    rate: float
    again_value: float | None
    order_value: float | None
    silence: int | None
    lapse_rate: float
    return_rate: float

    def __post_init__(self) -> None:
        for name, each in vars(self).items():
            if each is not None and not 0 <= each < np.inf:
                raise UsageError(f"{name}: {each} must be 0 or more and finite.")


@dataclass(frozen=True)
class Flow:
    """What each customer buys a day, and the days he will be there to buy.

    Attributes
    ----------
    cutoff : date
    index : pandas.Index
        Customers.
    rate : array of float, shape (customers,)
        Purchases a day, active days alone where there is an ``activity``.
    order_value : array of float, shape (customers,), or None
        Value of a purchase.
    activity : Activity or None
        None where every day counts.
    pace : Pace
        What all customers have in common.
    """

    cutoff: date
    index: pd.Index
    rate: FloatArray
    order_value: FloatArray | None
    activity: Activity | None
    pace: Pace

    @classmethod
    def learn(cls, ledger: Ledger, formula: str, silence: str | None) -> "Flow":
        """Estimate it, refusing a base that nobody leaves."""
        summary = customer_summary(ledger)
        repeats = summary["frequency"].to_numpy(float)
        activity = None if formula == "revenue" else Activity.learn(ledger, silence)
        days = summary["T"].to_numpy(float) if activity is None else activity.days
        if not repeats.any() or not days.sum() > 0:
            raise TooLittleDataError(
                f"None of {len(summary):,} customers bought twice; a rate needs repeat purchases. "
                "Use a longer log."
            )
        if activity is not None and activity.lapse_rate == 0:
            raise NotIdentifiedError(
                f"None of {len(summary):,} customers was ever silent for more than "
                f"{activity.silence} days: retention is 1 and lifetime infinite. Give a shorter "
                "silence, use a longer log, or formula='revenue'.",
                limit="no churn",
            )
        first_order = again_order = None
        if ledger.has_value:
            total = summary["total_value"].to_numpy(float)
            again = total - summary["first_value"].to_numpy(float)
            again_order = float(again.sum() / repeats.sum())
            first_order = float(total.sum() / (repeats + 1).sum())
        pace = Pace(
            float(repeats.sum() / days.sum()),
            again_order,
            first_order,
            *(
                (None, 0.0, 0.0)
                if activity is None
                else (activity.silence, activity.lapse_rate, activity.return_rate)
            ),
        )
        return cls._at(pace, ledger, formula, summary, activity)

    @classmethod
    def of(cls, ledger: Ledger, formula: str, pace: Pace) -> "Flow":
        """Apply what is known of all customers to those of a ledger."""
        activity = None
        if pace.silence is not None:
            activity = replace(
                Activity.learn(ledger, f"{pace.silence}D"),
                lapse_rate=pace.lapse_rate,
                return_rate=pace.return_rate,
            )
        return cls._at(pace, ledger, formula, customer_summary(ledger), activity)

    @classmethod
    def _at(
        cls,
        pace: Pace,
        ledger: Ledger,
        formula: str,
        summary: pd.DataFrame,
        activity: Activity | None,
    ) -> "Flow":
        """Give every customer the common rate and order value, or their own drawn to them."""
        repeats = summary["frequency"].to_numpy(float)
        rate = np.full(len(summary), pace.rate)
        order_value = None
        if pace.again_value is not None and pace.order_value is not None:
            order_value = np.full(len(summary), pace.again_value)
            if formula == "aov":
                total = summary["total_value"].to_numpy(float)
                order_value = (total + pace.order_value) / (repeats + 2)
        if formula == "aov" and activity is not None:
            rate = (repeats + 1) / (activity.days + 1 / rate)
        return cls(ledger.cutoff, summary.index, rate, order_value, activity, pace)

    def expect(self, windows: list[Window]) -> tuple[FloatArray, FloatArray | None, Shares]:
        """Return expected purchases and value of each customer, and how they fall into periods."""
        edges = [0, *((window.end - self.cutoff).days - 1 for window in windows)]
        days = np.array(edges, dtype=float)
        kind = np.zeros(len(self.index), dtype=np.int64)
        there = days[None, :]
        if self.activity is not None:
            there, kind = self.activity.active_days(days), self.activity.active.astype(np.int64)
        whole = there[:, -1:]
        even = np.broadcast_to(Shares.by_days(windows, 0).table, (len(there), len(windows))).copy()
        np.divide(np.diff(there, axis=1), whole, out=even, where=whole > 0)
        purchases = self.rate * whole[kind, 0]
        value = None if self.order_value is None else purchases * self.order_value
        return purchases, value, Shares(even, kind)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the rule found."""
        found = self.activity
        if found is None:
            return ("Everybody goes on at the average since his first purchase.",)
        return (
            f"Lapsed after {found.silence} silent days: {int(found.active.sum()):,} of "
            f"{len(found.active):,} customers are active; {found.lapse_rate:.2%} of the active "
            f"lapse and {found.return_rate:.2%} of the lapsed return a day.",
        )
