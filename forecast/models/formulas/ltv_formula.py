"""Marketing's LTV formulas as forecasters: revenue a period times periods alive in the window."""

from dataclasses import dataclass, field
from typing import Literal, Self

from forecast.calendar import Horizon
from forecast.errors import NotFittedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.models.analogue import AnalogueDraws, Analogues
from forecast.models.existing import customer_table, forecast_existing
from forecast.models.formulas.flow import Flow, Pace
from forecast.models.inner_window import inner_window
from forecast.models.lessons import Lessons
from forecast.models.newcomers.population import CustomerModel

__all__ = ["LTVFormula"]

_FORMULAS = ("revenue", "arpu", "aov")


@dataclass
class LTVFormula(CustomerModel):
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
    pace_: Pace | None = field(default=None, init=False, repr=False, compare=False)
    flow_: Flow | None = field(default=None, init=False, repr=False, compare=False)
    lessons_: Lessons | None = field(default=None, init=False, repr=False, compare=False)

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

    def _existing(self, horizon: Horizon, every: str | None, draws: int, seed: int) -> Forecast:
        assert self.flow_ is not None
        assert self.lessons_ is not None
        flow = self.flow_
        windows = horizon.periods(flow.cutoff, every)
        purchases, value, shares = flow.expect(windows)
        analogues, notes = self.lessons_.of(horizon, lambda past: self._analogues(past, horizon))
        active = analogues.p_active(purchases, purchases)
        sampler = AnalogueDraws(analogues, purchases, value, shares, draws, seed)
        return forecast_existing(
            self,
            cutoff=flow.cutoff,
            horizon=horizon,
            windows=windows,
            customers=customer_table(flow.index, active, purchases, value),
            shares=shares,
            sampler=sampler if draws else None,
            notes=(*flow.notes, *notes),
        )

    def _analogues(self, ledger: Ledger, horizon: Horizon) -> tuple[Analogues, tuple[str, ...]]:
        """Forecast a past window and keep what came of it."""
        inner = inner_window(ledger, horizon.window(ledger.cutoff))
        expected = self._learn(inner.past).expect(inner.windows)[0]
        return inner.analogues(expected), inner.notes

    def _learn(self, ledger: Ledger) -> Flow:
        if self.formula not in _FORMULAS:
            raise UsageError(f"formula: {self.formula!r} is not one of {', '.join(_FORMULAS)}.")
        return Flow.learn(ledger, self.formula, self.silence)
