"""Predictions of other tools, read from a frame or a file, that compete in the same table."""

from collections.abc import Mapping
from dataclasses import InitVar, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Self

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.backtest.foreign_columns import foreign_table
from forecast.calendar import Horizon
from forecast.errors import (
    FileError,
    ModelError,
    NotFittedError,
    UnsupportedError,
    UsageError,
    listed,
)
from forecast.forecaster import Forecast, Population, check_request
from forecast.ledger import Ledger

__all__ = ["ExternalPredictions"]


@dataclass
class ExternalPredictions:
    """Predictions by customer made elsewhere, as a Forecaster.

    They have no distribution and no course over time: bounds and periods are missing.

    Parameters
    ----------
    source : table or path
        One row a customer, or a customer and cutoff: a pandas, Polars or Arrow table, or a CSV or
        Parquet file. Usual names of columns are found: those of this package, of ``lifetimes``
        (``predicted_purchases``), pymc-marketing (``expected_purchases``) and CLVTools (``Id``,
        ``CET``, ``PAlive``, ``predicted.period.spending``). Without a column of value, expected
        purchases times a column of order value (``predicted.mean.spending``,
        ``expected_average_profit``) are taken. CLVTools' ``predicted.CLV`` is discounted and looks
        beyond the window, so it is read only where ``value`` names it.
    horizon : str or Horizon
        Over which window they were made.
    cutoff : str or date, optional
        The day they were made on: the last one they knew, or the column that holds it; by default
        the column ``"cutoff"``.
    name : str
        What the backtest calls them; the file's name by default.
    customer, purchases, value, p_active, p_alive : str, optional
        Names of columns, where they are not usual.
    fill : float, optional
        What to expect of customers without a prediction; by default they are refused.

    Examples
    --------
    >>> import pandas as pd
    >>> import forecast as fc
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), key=())
    >>> people = fc.customer_summary(ledger.cut("1998-03-31"))
    >>> sheet = pd.DataFrame({"Id": people.index, "CET": people["frequency"] / 8})
    >>> theirs = fc.ExternalPredictions(sheet, horizon="13W", cutoff="1998-03-31", name="sheet")
    >>> bt = fc.backtest(ledger, theirs, horizon="13W", origins=["1998-03-31"])
    >>> bt.leaderboard().index.tolist()
    ['sheet', 'zero (forecast nothing)']
    """

    source: InitVar[Any]
    horizon: str | Horizon = field(kw_only=True)
    cutoff: InitVar[str | date | None] = field(default=None, kw_only=True)
    name: str = field(default="", kw_only=True)
    customer: InitVar[str | None] = field(default=None, kw_only=True)
    purchases: InitVar[str | None] = field(default=None, kw_only=True)
    value: InitVar[str | None] = field(default=None, kw_only=True)
    p_active: InitVar[str | None] = field(default=None, kw_only=True)
    p_alive: InitVar[str | None] = field(default=None, kw_only=True)
    fill: float | None = field(default=None, kw_only=True)
    predictions: pd.DataFrame = field(init=False, repr=False)
    remark: str = field(init=False, repr=False)
    cutoff_: date | None = field(default=None, init=False, repr=False)
    customers_: "pd.Index[Any]" = field(init=False, repr=False)

    populations = ("existing",)
    levers = ()

    def __post_init__(
        self,
        source: Any,
        cutoff: Any,
        customer: str | None,
        purchases: str | None,
        value: str | None,
        p_active: str | None,
        p_alive: str | None,
    ) -> None:
        """Read and check the table, before any backtest begins.

        Raises
        ------
        FileError
            If the file cannot be read.
        ColumnError
            If a column is missing.
        UsageError
            If a customer is doubled, a number is none, or the cutoff is not told.
        """
        self.horizon = Horizon.parse(self.horizon)
        if self.fill is not None and not 0 <= self.fill < np.inf:
            raise UsageError(f"fill: {self.fill} must be a number of 0 or more.")
        path = Path(source) if isinstance(source, str | Path) else None
        self.name = self.name or (type(self).__name__ if path is None else path.stem)
        table = _frame(source) if path is None else _file(path)
        named = {
            "customer": customer, "purchases": purchases, "value": value, "p_active": p_active,
            "p_alive": p_alive,
        }  # fmt: skip
        self.predictions, self.remark = foreign_table(table, named, cutoff, self.name)

    def fit(self, ledger: Ledger) -> Self:
        """Take note of who was known; nothing is learned.

        Raises
        ------
        ModelError
            If nothing was predicted on this cutoff.
        """
        made = self.predictions["cutoff"].drop_duplicates()
        if pd.Timestamp(ledger.cutoff) not in set(made):
            raise ModelError(
                f"{self.name} has no predictions made on {ledger.cutoff}, but on "
                f"{listed([str(day.date()) for day in made.sort_values()])}."
            )
        known = ledger.days().select("customer_id").unique().collect("pyarrow").to_pandas()
        self.customers_ = pd.Index(known["customer_id"].astype(str)).sort_values()
        self.cutoff_ = ledger.cutoff
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
        """Return what was predicted for the customers known; there are no draws.

        Raises
        ------
        UnsupportedError
            If they were made over another window.
        ModelError
            If a known customer has no prediction and there is no ``fill``.
        """
        check_request(
            self, population, scenario, populations=self.populations, draws=draws, seed=seed
        )
        if self.cutoff_ is None:
            raise NotFittedError(self)
        asked, made = Horizon.parse(horizon), Horizon.parse(self.horizon)
        if asked.window(self.cutoff_) != made.window(self.cutoff_):
            raise UnsupportedError(f"{self.name} was predicted over {made}, not over {asked}.")
        table = self.predictions[self.predictions["cutoff"] == pd.Timestamp(self.cutoff_)]
        table = table.set_index("customer_id").drop(columns="cutoff")
        missing = self.customers_.difference(table.index)
        unknown = len(table.index.difference(self.customers_))
        notes = [self.remark] if self.remark else []
        if len(missing) and self.fill is None:
            raise ModelError(
                f"{self.name}: {len(missing):,} of {len(self.customers_):,} customers known on "
                f"{self.cutoff_} have no prediction: {listed(list(missing))}. Add them, or say "
                "what they are expected to do, fill=0.0."
            )
        if len(missing):
            notes.append(
                f"{len(missing):,} customers without a prediction are taken as {self.fill}."
            )
        if unknown:
            notes.append(f"{unknown:,} predictions are of customers not seen by {self.cutoff_}.")
        table = table.reindex(self.customers_)
        expected = ["expected_purchases", "expected_value"]
        for column in table.columns.intersection(expected):
            if self.fill is not None:
                table.loc[missing, column] = self.fill
        windows = asked.periods(self.cutoff_, every)
        unknown_course = np.full(len(windows), np.nan)
        return Forecast.build(
            model=self.name,
            cutoff=self.cutoff_,
            horizon=asked,
            windows=windows,
            population="existing",
            customers=table,
            period_purchases=unknown_course,
            period_value=unknown_course,
            sampler=None,
            notes=notes,
        )


def _frame(source: Any) -> pd.DataFrame:
    if isinstance(source, pd.DataFrame):
        return source
    try:
        frame: pd.DataFrame = nw.from_native(source, eager_only=True).to_pandas()
    except TypeError:
        raise UsageError(
            f"source: a {type(source).__name__} is no table; give a pandas, Polars or Arrow table, "
            "or the path of a CSV or Parquet file."
        ) from None
    return frame


def _file(path: Path) -> pd.DataFrame:
    try:
        if path.suffix.lower() == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read as CSV or Parquet: {error}.") from error
