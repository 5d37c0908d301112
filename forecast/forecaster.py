"""The one protocol, and what it returns. Read this page first.

A :class:`Forecaster` has two methods, ``fit`` and ``forecast``, and may have a third, ``update``.
A :class:`Forecast` is frozen: who is forecast, the expectations by customer and by period, and a
*sampler* that replays the same seeded draws block by block, so every question about the
distribution has an answer in bounded memory. Quantiles do not add; draws do.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import DAYS_PER_YEAR, Horizon, Window
from forecast.display import forecast_card
from forecast.draws import (
    Draws,
    Sampler,
    Split,
    Totals,
    accumulate,
    crps,
    ranks,
    row_quantiles,
    smoothed,
)
from forecast.errors import UnsupportedError, UsageError
from forecast.exchange import Exchange
from forecast.ledger import Ledger

__all__ = [
    "Draws", "Forecast", "Forecaster", "Population", "Sampler", "Split", "Totals", "Updatable",
]  # fmt: skip

Population = Literal["existing", "new", "all"]
BOUNDS = ["purchases_lo_90", "purchases_hi_90", "value_lo_90", "value_hi_90"]
EXPECTED = ["p_alive", "p_active", "expected_purchases", "expected_order_value", "expected_value"]


@runtime_checkable
class Forecaster(Protocol):
    """Anything that learns from a ledger and forecasts from its cutoff."""

    def fit(self, ledger: Ledger) -> Self:
        """Learn from the purchases up to ``ledger.cutoff`` and return the model itself."""
        ...

    def forecast(
        self,
        horizon: str | date,
        *,
        population: Population = "existing",
        every: str | None = None,
        scenario: Mapping[str, Any] | None = None,
        draws: int = 1000,
        seed: int = 0,
    ) -> "Forecast":
        """Forecast the window that starts the day after the cutoff.

        Parameters
        ----------
        horizon : str or date
            Length with a unit (``"26W"``, ``"12M"``, ``"90D"``) or last day.
        population : {"existing", "new", "all"}
            Customers seen by the cutoff, those not yet seen, or both.
        every : str, optional
            Length of a period of ``Forecast.periods``; one unit of the horizon by default.
        scenario : mapping, optional
            Levers to pull; a model refuses by name those it cannot honour.
        draws : int
            Simulated futures behind every interval; 0 for expectations alone.
        seed : int
            Same ledger, settings and seed give the same numbers.
        """
        ...


@runtime_checkable
class Updatable(Protocol):
    """A forecaster that goes on to another ledger without learning anew; every model here does."""

    def update(self, ledger: Ledger) -> Self:
        """Keep what was learned, and take the customers, histories and cutoff of a ledger."""
        ...


@dataclass(frozen=True, repr=False)
class Forecast(Exchange):
    """What a model expects of a population over a window, and how sure it is.

    Attributes
    ----------
    model : str
        Name of the model.
    cutoff : date
        Last day the model saw.
    horizon : Horizon
        Length of the window.
    population : {"existing", "new", "all"}
        Whom the forecast is about.
    customers : pandas.DataFrame or None
        Index ``customer_id``; columns ``p_alive``, ``p_active`` (probabilities),
        ``expected_purchases`` (count), ``expected_order_value`` and ``expected_value`` (currency)
        and 90 % predictive bounds. Unknown is missing, never 0. None where the model cannot
        split the population.
    periods : pandas.DataFrame
        One row a period, half-open ``start`` to ``end``; sums agree with ``customers``.
    sampler : Sampler or None
        The distribution.
    notes : tuple of str
        What the model has to say about itself: a limit model, a fallback, an assumption.
    """

    model: str
    cutoff: date
    horizon: Horizon
    population: Population
    customers: pd.DataFrame | None
    periods: pd.DataFrame
    sampler: Sampler | None
    notes: tuple[str, ...] = ()

    _main, _card = "customers", forecast_card

    @classmethod
    def build(
        cls,
        *,
        model: str,
        cutoff: date,
        horizon: Horizon,
        windows: list[Window],
        population: Population,
        customers: pd.DataFrame | None,
        period_purchases: npt.ArrayLike,
        period_value: npt.ArrayLike | None,
        sampler: Sampler | None,
        notes: Sequence[str] = (),
    ) -> "Forecast":
        """Assemble a forecast from expectations and a sampler, adding the 90 % bounds.

        Parameters
        ----------
        customers : pandas.DataFrame or None
            Index ``customer_id`` and any of the expected columns; the rest become missing.
        period_purchases, period_value : array-like, shape (periods,)
            Expectations by period; they must add up to the customers' expectations.
        """
        periods = pd.DataFrame(
            {
                "start": pd.to_datetime([window.start for window in windows]),
                "end": pd.to_datetime([window.end for window in windows]),
                "expected_purchases": np.asarray(period_purchases, dtype=float),
                "expected_value": np.nan if period_value is None else np.asarray(period_value),
            }
        )
        if customers is not None:
            customers = customers.reindex(columns=EXPECTED).astype(float)
            customers.index.name = "customer_id"
        if sampler is None:
            periods[BOUNDS] = np.nan
            if customers is not None:
                customers[BOUNDS] = np.nan
            return cls(model, cutoff, horizon, population, customers, periods, None, tuple(notes))
        bounds = None if customers is None else np.full((len(customers), 4), np.nan)
        purchases, value = accumulate(sampler, len(windows), bounds=bounds)
        periods[BOUNDS[:2]] = np.quantile(purchases[:, 0], [0.05, 0.95], axis=0).T
        periods[BOUNDS[2:]] = (
            np.nan if value is None else np.quantile(value[:, 0], [0.05, 0.95], axis=0).T
        )
        if customers is not None:
            customers[BOUNDS] = bounds
        return cls(model, cutoff, horizon, population, customers, periods, sampler, tuple(notes))

    @property
    def windows(self) -> list[Window]:
        """The periods as windows."""
        starts, ends = self.periods["start"].dt.date, self.periods["end"].dt.date
        return [Window(start, end) for start, end in zip(starts, ends, strict=True)]

    @property
    def window(self) -> Window:
        """The whole window that is forecast."""
        return self.horizon.window(self.cutoff)

    def totals(self, by: "pd.Series[Any] | None" = None) -> Totals:
        """Return draws of totals by group and period.

        Parameters
        ----------
        by : pandas.Series, optional
            Group label of each customer, indexed by ``customer_id``; one group by default.

        Returns
        -------
        Totals
            Arrays of shape (draws, groups, periods).
        """
        sampler = self._sampler()
        if by is not None and not isinstance(by, pd.Series):
            raise UsageError(f"by: a {type(by).__name__}; give a pandas Series by customer_id.")
        if by is None:
            groups, codes = pd.Index(["all"]), None
        else:
            labels = by.reindex(self._customers().index)
            if labels.isna().any():
                raise UsageError(f"by: {int(labels.isna().sum()):,} customers have no label.")
            codes, groups = pd.factorize(labels, sort=True)
        purchases, value = accumulate(sampler, len(self.periods), codes, len(groups))
        return Totals(pd.Index(groups), self.windows, purchases, value)

    def interval(self, level: float = 0.9) -> pd.DataFrame:
        """Return the expectation of the grand total and its predictive interval.

        Returns
        -------
        pandas.DataFrame
            Rows ``purchases`` and ``value``; columns ``expected``, ``lo``, ``hi``.
        """
        _check_levels([level])
        totals = self.totals()
        rows = {}
        for name, cube in (("purchases", totals.purchases), ("value", totals.value)):
            if cube is not None:
                lo, hi = np.quantile(cube.sum(axis=(1, 2)), [(1 - level) / 2, (1 + level) / 2])
                expected = float(self.periods[f"expected_{name}"].sum(skipna=False))
                rows[name] = {"expected": expected, "lo": float(lo), "hi": float(hi)}
        return pd.DataFrame.from_dict(rows, orient="index")

    def quantiles(self, levels: Sequence[float] = (0.05, 0.5, 0.95)) -> pd.DataFrame:
        """Return predictive quantiles of purchases and value for every customer.

        Returns
        -------
        pandas.DataFrame
            Index ``customer_id``; columns such as ``purchases_q05`` and ``value_q95``.
        """
        levels = list(levels)
        _check_levels(levels)
        customers, sampler = self._customers(), self._sampler()
        out = np.full((len(customers), 2 * len(levels)), np.nan)
        for block in sampler.blocks():
            out[block.rows, : len(levels)] = row_quantiles(block.purchases, levels)
            if block.value is not None:
                out[block.rows, len(levels) :] = row_quantiles(block.value, levels)
        names = [
            f"{kind}_q{_percent(level)}" for kind in ("purchases", "value") for level in levels
        ]
        return pd.DataFrame(out, index=customers.index, columns=names)

    def score(self, actuals: pd.DataFrame) -> pd.DataFrame:
        """Score the predictive distribution of each customer against what happened.

        Parameters
        ----------
        actuals : pandas.DataFrame
            Index ``customer_id``; columns ``purchases`` (count) and ``value`` (currency), as
            :meth:`forecast.Ledger.actuals` returns.

        Returns
        -------
        pandas.DataFrame
            Index ``customer_id``; ``crps_purchases`` and ``crps_value`` (in the unit of the
            target, lower is better), ``log_score_purchases`` (nats, lower is better; the
            frequencies of the draws, mixed with one draw's weight of a geometric distribution
            so that no count is impossible) and the randomised ``pit_purchases`` and
            ``pit_value``, uniform on (0, 1) where the distribution is right.
        """
        customers, sampler = self._customers(), self._sampler()
        window = actuals.attrs.get("window")
        if "purchases" not in actuals:
            raise UsageError(
                "actuals: no column 'purchases'; ledger.actuals(...) has what is needed."
            )
        if window is not None and window != str(self.window):
            raise UsageError(f"actuals: counted over {window}, but {self.window} was forecast.")
        actuals = actuals.reindex(customers.index)
        if actuals["purchases"].isna().any():
            missing = int(actuals["purchases"].isna().sum())
            raise UsageError(f"actuals: {missing:,} forecast customers are missing.")
        scores = ("crps", "log_score", "pit")
        names = [*(f"{each}_purchases" for each in scores), "crps_value", "pit_value"]
        out = np.full((len(customers), len(names)), np.nan)
        seed = [getattr(sampler, "seed", 0), self.cutoff.toordinal()]
        jitter = np.random.default_rng(seed).random((len(customers), 2))
        for block in sampler.blocks():
            seen = actuals["purchases"].to_numpy(float)[block.rows]
            drawn = np.sort(block.purchases.astype(float), axis=1)
            below, upto = ranks(drawn, seen)
            width = upto - below
            out[block.rows, 0] = crps(drawn, seen)
            out[block.rows, 1] = -np.log(smoothed(drawn, seen, width))
            out[block.rows, 2] = below + jitter[block.rows, 0] * width
            if block.value is not None and "value" in actuals:
                seen = actuals["value"].to_numpy(float)[block.rows]
                drawn = np.sort(block.value, axis=1)
                below, upto = ranks(drawn, seen)
                out[block.rows, 3] = crps(drawn, seen)
                out[block.rows, 4] = below + jitter[block.rows, 1] * (upto - below)
        return pd.DataFrame(out, index=customers.index, columns=names)

    def discounted(self, rate: float) -> pd.DataFrame:
        """Return each customer's value over the horizon, discounted to the cutoff.

        Parameters
        ----------
        rate : float
            Annual effective discount rate, 0.10 for ten per cent; a purchase is discounted from
            the middle of its period.

        Returns
        -------
        pandas.DataFrame
            Index ``customer_id``; ``expected_value``, ``value_lo_90``, ``value_hi_90``. A rate of
            0 returns the undiscounted expectation exactly.
        """
        if not isinstance(rate, int | float) or not -1 < rate < 10:
            raise UsageError(f"rate: {rate} is no annual rate; write 0.10 for ten per cent.")
        customers, sampler = self._customers(), self._sampler()
        cutoff = pd.Timestamp(self.window.start)  # the midnight that ends the cutoff day
        middle = self.periods["start"] + (self.periods["end"] - self.periods["start"]) / 2
        years = ((middle - cutoff).dt.total_seconds() / 86400 / DAYS_PER_YEAR).to_numpy()
        factor = (1 + rate) ** -years
        out = np.full((len(customers), 3), np.nan)
        for block in sampler.blocks():
            if block.value is None:
                break
            split = block.split()
            assert split.value is not None
            flat = np.bincount(
                split.cell, split.value * factor[split.period], minlength=block.value.size
            )
            drawn = flat.reshape(block.value.shape)
            before, after = block.value.sum(axis=1), drawn.sum(axis=1)
            pooled = after.sum() / before.sum() if before.sum() else 1.0
            ratio = np.divide(after, before, out=np.full_like(after, pooled), where=before > 0)
            out[block.rows, 0] = customers["expected_value"].to_numpy()[block.rows] * ratio
            out[block.rows, 1:] = row_quantiles(drawn, [0.05, 0.95])
        names = ["expected_value", "value_lo_90", "value_hi_90"]
        return pd.DataFrame(out, index=customers.index, columns=names)

    def _customers(self) -> pd.DataFrame:
        if self.customers is None:
            raise UnsupportedError(f"{self.model} forecasts totals; it has no customers.")
        return self.customers

    def _sampler(self) -> Sampler:
        if self.sampler is None:
            raise UnsupportedError(f"{self.model} was forecast without draws; pass draws=1000.")
        return self.sampler


def check_request(
    model: object,
    population: str,
    scenario: Mapping[str, Any] | None,
    *,
    populations: Collection[str],
    levers: Collection[str] = (),
    draws: int = 0,
    seed: int = 0,
) -> None:
    """Refuse by name a population, lever, number of draws or seed that has no meaning."""
    name = type(model).__name__
    if population not in ("existing", "new", "all"):
        raise UsageError(f"population: {population!r} is not 'existing', 'new' or 'all'.")
    if population not in populations:
        offered = " or ".join(repr(each) for each in populations)
        raise UnsupportedError(f"{name} forecasts population {offered}, not {population!r}.")
    unknown = sorted(set(scenario or {}) - set(levers))
    if unknown:
        offered = ", ".join(levers) or "none"
        raise UnsupportedError(f"{name} has no lever {unknown[0]!r}; its levers: {offered}.")
    if not isinstance(draws, int | np.integer) or draws < 0 or draws == 1:
        raise UsageError(f"draws: {draws!r} must be 0 (no intervals) or at least 2.")
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise UsageError(f"seed: {seed!r} must be a whole number of 0 or more.")


def _check_levels(levels: Sequence[float]) -> None:
    if not levels or not all(isinstance(each, float) and 0 < each < 1 for each in levels):
        raise UsageError(f"level: {levels} must be shares between 0 and 1, e.g. 0.9.")


def _percent(level: float) -> str:
    """Write .05 as 05 and .9995 as 99.95."""
    text = f"{100 * level:.10g}"
    return text if level >= 0.1 else f"0{text}"
