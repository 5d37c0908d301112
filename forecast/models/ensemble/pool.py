"""Put an ensemble's members together: shares, level and ages, then one Forecast."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.customer_days import CustomerDays
from forecast.errors import ForecastError, TooLittleDataError, listed
from forecast.forecaster import Forecast, Forecaster
from forecast.ledger import Ledger
from forecast.models.ensemble.evidence import LAST_YEAR, SEASONAL, Evidence
from forecast.models.ensemble.level import Level, age_group
from forecast.models.ensemble.past_origins import PastOrigins
from forecast.models.ensemble.pooled_draws import Part, PooledDraws, draws_of
from forecast.models.existing import customer_table
from forecast.models.spread import Shares

__all__ = ["Pool"]

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

COHORT_SPREAD, VALUE_SPREAD = 0.15, 0.08
_TINY = 1e-300


@dataclass(frozen=True)
class Pool:
    """What an ensemble makes of its members for one horizon.

    Attributes
    ----------
    forecasts : dict of str to Forecast
        The members', with as many draws as their share allows.
    shares : pandas.DataFrame
        Index member; columns ``purchases`` and, with amounts, ``value``; they add up to 1.
    level : Level
        Of all purchases.
    purchases, value : array of float, shape (customers,)
        The pooled expectations; value is None without amounts.
    cohort : array of int, shape (customers,)
        Month of the first purchase.
    evidence : Evidence
        What past origins say of the members.
    failed : dict of str to str
        Members that could not answer, and why.
    """

    forecasts: dict[str, Forecast]
    shares: pd.DataFrame
    level: Level
    purchases: Floats
    value: Floats | None
    cohort: Integers
    evidence: Evidence
    failed: dict[str, str]

    @classmethod
    def of(
        cls,
        fitted: Mapping[str, Forecaster],
        past: PastOrigins | Evidence,
        learners: frozenset[str],
        ledger: Ledger,
        horizon: Horizon,
        *,
        every: str | None,
        draws: int,
        seed: int,
    ) -> "Pool":
        """Weigh the members by their past, ask each of them, and pool what they say.

        Parameters
        ----------
        fitted : mapping of str to Forecaster
        past : PastOrigins
        learners : set of str
            Members whose share falls where few customers bought in the past windows.
        ledger, horizon, every, draws, seed
            What is asked.
        """
        sources, failed = dict(fitted), dict[str, str]()
        last_year = None
        if LAST_YEAR in sources:
            last_year = _answer(sources.pop(LAST_YEAR), horizon, every, 0, seed)
        shares = past.shares(list(sources), learners, "purchases")
        silent: set[str] = set()
        while True:  # who cannot answer leaves its share to the others, who has no draws its draws
            speak = np.array([0.0 if name in silent else 1.0 for name in sources]) * shares
            whole = float(speak.sum())
            asked = draws_of(speak / whole, draws) if whole > 0 else np.zeros(len(speak), np.int64)
            counts = dict(zip(sources, asked.tolist(), strict=True))
            answers = {
                name: _answer(model, horizon, every, counts[name], seed + number)
                for number, (name, model) in enumerate(sources.items())
            }
            mute = {name: answer for name, answer in answers.items() if isinstance(answer, str)}
            forecasts = {name: each for name, each in answers.items() if isinstance(each, Forecast)}
            without = {
                name for name, each in forecasts.items() if counts[name] and each.sampler is None
            }
            if not mute and not without:
                break
            failed, silent = failed | mute, silent | without
            sources = {name: model for name, model in sources.items() if name not in mute}
            if not sources:
                raise TooLittleDataError(
                    f"No member of the ensemble can forecast {horizon}: "
                    f"{listed([f'{name}: {why}' for name, why in failed.items()])}"
                )
            shares = past.shares(list(sources), learners, "purchases")
        other = last_year if isinstance(last_year, Forecast) else None
        people, names = CustomerDays.of(ledger), list(forecasts)
        past = past.among(names, learners, has_value=ledger.has_value)
        shares = past.shares(names, learners, "purchases")
        table = pd.DataFrame({"purchases": shares}, index=pd.Index(names, name="member"))
        level, purchases = _pooled(forecasts, other, past, people.age, shares, "purchases")
        value = None
        if ledger.has_value:
            table["value"] = past.shares(names, learners, "value")
            value = _pooled(forecasts, other, past, people.age, table["value"], "value")[1]
            value = np.where(purchases > 0, value, 0.0)
        month = people.first.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        cohort = np.unique(month, return_inverse=True)[1].reshape(-1)
        return cls(forecasts, table, level, purchases, value, cohort, past, failed)

    def forecast(self, name: str, failed: Mapping[str, str], *, seed: int) -> Forecast:
        """Build the one forecast; its draws are the members', each in proportion to its share."""
        first = next(iter(self.forecasts.values()))
        assert first.customers is not None
        periods = self._periods()
        table = customer_table(first.customers.index, self._active(), self.purchases, self.value)
        table["p_alive"] = self._alive()
        parts = self._parts()
        sampler = None
        if parts:
            sampler = PooledDraws(
                parts, self.purchases, self.value, self.cohort, self.level.spread,
                COHORT_SPREAD, self.evidence.customer_spread, VALUE_SPREAD, periods, seed,
            )  # fmt: skip
        return Forecast.build(
            model=name,
            cutoff=first.cutoff,
            horizon=first.horizon,
            windows=first.windows,
            population="existing",
            customers=table,
            period_purchases=self.purchases.sum() * periods.table[0],
            period_value=None if self.value is None else self.value.sum() * periods.table[0],
            sampler=sampler,
            notes=self._notes({**failed, **self.failed}),
        )

    def _weights(self) -> Floats:
        return self.shares["purchases"].to_numpy(float)

    def _parts(self) -> list[Part]:
        return [
            Part(
                each.sampler,
                _column(each, "expected_purchases"),
                None if self.value is None else _column(each, "expected_value"),
            )
            for each in self.forecasts.values()
            if each.sampler is not None
        ]

    def _periods(self) -> Shares:
        """Take how purchases spread over the periods from the seasonal member, or from all."""
        spread = np.zeros(len(next(iter(self.forecasts.values())).periods))
        for (name, each), weight in zip(self.forecasts.items(), self._weights(), strict=True):
            expected = each.periods["expected_purchases"].to_numpy(float)
            if SEASONAL not in self.forecasts or name == SEASONAL:
                spread += max(weight, 1e-9) * expected / max(float(expected.sum()), _TINY)
        if not spread.any():
            spread = np.ones_like(spread)
        return Shares((spread / spread.sum())[None, :], np.zeros(len(self.purchases), np.int64))

    def _active(self) -> Floats:
        """Probability of a purchase: the members', each moved to the pooled expectation."""
        out = np.zeros(len(self.purchases))
        for weight, each in zip(self._weights(), self.forecasts.values(), strict=True):
            own = _column(each, "expected_purchases")
            ratio = np.divide(self.purchases, own, out=np.ones_like(own), where=own > 0)
            out += weight * (1.0 - (1.0 - _column(each, "p_active")) ** ratio)
        return np.clip(out, 0.0, 1.0)

    def _alive(self) -> Floats:
        """Mean of the members that know of being alive; missing where none does."""
        total, whole = np.zeros(len(self.purchases)), 0.0
        for weight, each in zip(self._weights(), self.forecasts.values(), strict=True):
            alive = _column(each, "p_alive")
            if weight > 0 and np.isfinite(alive).all():
                total, whole = total + weight * alive, whole + weight
        return total / whole if whole else np.full(len(self.purchases), np.nan)

    def _notes(self, failed: Mapping[str, str]) -> list[str]:
        members = ", ".join(f"{name} {share:.0%}" for name, share in self.shares.purchases.items())
        level = ", ".join(
            f"{name} {weight:.0%} (x {self.level.corrections[name]:.2f})"
            for name, weight in self.level.weights.items()
        )
        notes = [
            f"Members' shares, {self.evidence.said}: {members}.",
            f"Level from {level}; it may miss by {self.level.spread:.0%} (1 sd).",
        ]
        left_out = {name: text for name, text in failed.items() if name != LAST_YEAR}
        if left_out:
            said = listed([f"{name} ({text.split('. ')[0]})" for name, text in left_out.items()])
            notes.append(f"Left out: {said}.")
        return notes


def _answer(
    model: Forecaster, horizon: Horizon, every: str | None, draws: int, seed: int
) -> Forecast | str:
    """Return a member's forecast, or why there is none."""
    try:
        answer = model.forecast(str(horizon), every=every, draws=draws, seed=seed)
    except ForecastError as error:
        return str(error)
    table = answer.customers
    if table is None or table[["expected_purchases", "p_active"]].isna().any(axis=None):
        return "it does not know every customer's purchases"
    return answer


def _pooled(
    forecasts: Mapping[str, Forecast],
    last_year: Forecast | None,
    past: Evidence,
    age: Floats,
    shares: "pd.Series[float] | Floats",
    target: str,
) -> tuple[Level, Floats]:
    """Return the level and each customer's expectation: shape by shares and age, then level."""
    weights = np.asarray(shares, dtype=float)
    columns = np.column_stack([_column(each, f"expected_{target}") for each in forecasts.values()])
    totals = columns.sum(axis=0)
    now = dict(zip(forecasts, totals.tolist(), strict=True))
    if last_year is not None:
        now[LAST_YEAR] = float(_column(last_year, f"expected_{target}").sum())
    level = past.level(now, dict(zip(forecasts, weights.tolist(), strict=True)), target)
    shape = (columns / np.maximum(totals, _TINY)) @ weights
    shape = shape * past.factors[target][age_group(age)]
    return level, shape * (level.total / max(float(shape.sum()), _TINY))


def _column(forecast: Forecast, name: str) -> Floats:
    assert forecast.customers is not None
    column = forecast.customers[name].to_numpy(float)
    return np.nan_to_num(column) if name.startswith("expected") else column
