"""The ledger: who bought on which day for how much, up to a cutoff."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.calendar import Horizon, day_number, day_of, parse_day
from forecast.display import ledger_card
from forecast.errors import CutoffError, UnsupportedError, UsageError
from forecast.ledger.by_customer import by_customer
from forecast.ledger.fingerprint import fingerprint
from forecast.ledger.keeping import opened

__all__ = ["Ledger"]


@dataclass(frozen=True, eq=False)  # a ledger is equal to itself alone
class Ledger:
    """Purchases by customer and day, up to the end of observation. Made by :func:`read_ledger`.

    A *purchase* is a customer-day with at least one row of 0 or more that nets to 0 or more.

    Attributes
    ----------
    cutoff : date
        Last day observed; no purchase after it is ever shown.
    audit : pandas.DataFrame
        What was read, dropped, merged or netted, and why: columns ``check``, ``count``,
        ``severity`` ("info" or "warning") and ``what``.
    has_value : bool
        Whether purchases have amounts.
    customer_columns, purchase_columns : tuple of str
        Extra columns kept: of the customer (as first seen), of the purchase day.
    first_day : date
        Day of the first purchase.
    currency : str or None
        What amounts are called, where it was said; a label alone.

    Examples
    --------
    >>> import pandas as pd
    >>> import forecast as fc
    >>> orders = pd.DataFrame({
    ...     "customer_id": ["a", "a", "a", "a", "b", "b"],
    ...     "date": ["2024-01-01", "2024-01-01", "2024-02-01", "2024-03-01", "2024-01-05",
    ...              "2024-01-06"],
    ...     "amount": [20.0, 30.0, -15.0, 0.0, 40.0, 10.0],
    ... })
    >>> ledger = fc.read_ledger(orders, customer="customer_id", date="date", value="amount")
    >>> ledger.purchases()
      customer_id       date  value
    0           a 2024-01-01   50.0
    1           a 2024-03-01    0.0
    2           b 2024-01-05   40.0
    3           b 2024-01-06   10.0

    Two orders of one day are one purchase of 50; the refund of 2024-02-01, alone on its day, is no
    purchase and leaves the value; the order of 0 is a purchase of value 0.
    """

    cutoff: date
    audit: pd.DataFrame = field(repr=False)
    has_value: bool
    customer_columns: tuple[str, ...]
    purchase_columns: tuple[str, ...]
    first_day: date
    ticks: int = field(repr=False)
    _days: Any = field(repr=False)
    _attributes: Any = field(repr=False)
    _people: Any = field(default=None, repr=False)  # added up while reading, up to the cutoff
    currency: str | None = None

    def days(self) -> "nw.LazyFrame[Any]":
        """Return purchase days as a lazy Narwhals frame: ``customer_id``, ``day``, ``ticks``.

        ``day`` counts from 1970-01-01. ``ticks`` is the value as a whole number of
        ``1 / ledger.ticks`` currency units, so that sums do not depend on the order of rows.
        """
        shown = nw.col("day") >= day_number(self.first_day)
        return opened(self._days).filter(shown & (nw.col("day") <= day_number(self.cutoff)))

    def by_customer(self) -> "nw.LazyFrame[Any]":
        """Return one row a customer, in whole numbers, as a lazy Narwhals frame.

        Columns as :func:`forecast.ledger.by_customer.by_customer` makes them.
        """
        return by_customer(self.days()) if self._people is None else opened(self._people)

    def purchases(self) -> pd.DataFrame:
        """Return one row a purchase: ``customer_id``, ``date`` and, with amounts, ``value``."""
        if self.on_spark:
            raise UnsupportedError("A Spark ledger keeps its rows in Spark; use customer_summary.")
        frame = self.days().sort("customer_id", "day").collect("pyarrow").to_pandas()
        out = pd.DataFrame({"customer_id": frame["customer_id"].astype(str)})
        out["date"] = _dates(frame["day"])
        if self.has_value:
            out["value"] = frame["ticks"].to_numpy(float) / self.ticks
        for name in self.purchase_columns:
            out[name] = frame[name]
        return out

    def attribute_rows(self) -> "nw.LazyFrame[Any]":
        """Return the customer columns as first seen, as a lazy Narwhals frame."""
        if not self.customer_columns:
            raise UsageError("The ledger was read without customer_columns.")
        frame = opened(self._attributes).filter(nw.col("first") <= day_number(self.cutoff))
        return frame.drop("first")

    def attributes(self) -> pd.DataFrame:
        """Return the customer columns as first seen, indexed by ``customer_id``."""
        table = self.attribute_rows().collect("pyarrow").to_pandas()
        table["customer_id"] = table["customer_id"].astype(str)
        return table.set_index("customer_id").sort_index()

    @property
    def on_spark(self) -> bool:
        """Whether the rows live on Spark."""
        return isinstance(self._days, nw.LazyFrame)

    def cut(self, day: Any) -> "Ledger":
        """Return the ledger as it stood at the end of ``day``: the way to calibration data.

        Parameters
        ----------
        day : date or str
            The new cutoff, not after the present one.

        Raises
        ------
        CutoffError
            If nothing was seen by then, or it lies after the cutoff.
        """
        day = parse_day(day, "cut")
        if day > self.cutoff:
            raise CutoffError(f"cut: {day} lies after the cutoff {self.cutoff}.")
        if day < self.first_day:
            raise CutoffError(f"cut: {day} lies before the first purchase on {self.first_day}.")
        audit = self._noted("cut", f"Cut back to {day}.")
        return replace(self, cutoff=day, audit=audit, _people=None)

    def since(self, day: Any) -> "Ledger":
        """Return the ledger as if the log began on ``day``: the way to a sliding history.

        Purchases before it are forgotten, so a customer's first purchase is the first one kept,
        and customers without any are unknown. Customer columns stay as first seen.

        Parameters
        ----------
        day : date or str
            The first day to keep, not after the cutoff.

        Raises
        ------
        CutoffError
            If there is no purchase from that day to the cutoff.

        Examples
        --------
        >>> import pandas as pd
        >>> import forecast as fc
        >>> orders = pd.DataFrame({"customer": ["a", "a", "b"],
        ...                        "day": ["2024-01-01", "2024-03-01", "2024-02-01"]})
        >>> ledger = fc.read_ledger(orders, customer="customer", date="day").since("2024-01-15")
        >>> ledger.first_day, len(ledger.purchases())
        (datetime.date(2024, 2, 1), 2)
        """
        day = parse_day(day, "since")
        kept = self.days().filter(nw.col("day") >= day_number(day))
        frame = kept.select(nw.col("day").min().alias("first")).collect("pyarrow").to_pandas()
        if frame["first"].isna().any():
            raise CutoffError(f"since: no purchase from {day} to the cutoff {self.cutoff}.")
        audit = self._noted("since", f"Purchases before {day} are forgotten.")
        first_day = day_of(frame["first"].iloc[0])
        return replace(self, first_day=first_day, audit=audit, _people=None)

    def only(self, customers: pd.Index) -> "Ledger":
        """Return the ledger of some of the customers, in memory, with all their purchases.

        Parameters
        ----------
        customers : pandas.Index
            Ids; ``first_day`` stays that of the whole log, since it is the log that starts there.
        """
        wanted = nw.col("customer_id").is_in([str(each) for each in customers])

        def chosen(stored: Any) -> Any:
            return opened(stored).filter(wanted).collect("pyarrow").to_native()

        found = replace(self, _days=chosen(self._days), _people=None)
        if not self.customer_columns:
            return found
        return replace(found, _attributes=chosen(self._attributes))

    def actuals(
        self, origin: Any, horizon: Any, population: str = "existing", *, gap: Any = None
    ) -> pd.DataFrame:
        """Return what customers bought in the window after ``origin``.

        Parameters
        ----------
        origin : date or str
            Last day a forecast may have seen; the window starts the day after.
        horizon : str, date or Horizon
            Length with a unit, or last day.
        population : {"existing", "new", "all"}
            Customers seen by the origin (those who bought nothing have 0), those first seen
            after it and by the end of the window, or both.
        gap : str or Horizon, optional
            Between the origin and the window, which then starts that much later. Who is new in
            the gap is a new customer.

        Returns
        -------
        pandas.DataFrame
            Index ``customer_id``, sorted; ``purchases`` (count) and, with amounts, ``value``.

        Raises
        ------
        CutoffError
            If the window passes the cutoff of this ledger.
        """
        origin = parse_day(origin, "origin")
        opening = origin if gap is None else Horizon.parse(gap, "gap").window(origin).last
        window = Horizon.parse(horizon).window(opening)
        if window.last > self.cutoff:
            raise CutoffError(
                f"actuals: the window to {window.last} passes the cutoff {self.cutoff}."
            )
        if population not in ("existing", "new", "all"):
            raise UsageError(f"population: {population!r} is not 'existing', 'new' or 'all'.")
        start, end = day_number(window.start), day_number(window.end)
        inside = (nw.col("day") >= start).cast(nw.Int64)
        rows = self.days().select("customer_id", "day", "ticks").filter(nw.col("day") < end)
        rows = rows.with_columns(inside=inside)
        rows = rows.with_columns(inside_ticks=nw.col("ticks") * nw.col("inside"))
        table = rows.group_by("customer_id").agg(
            nw.col("day").min().alias("first"),
            nw.col("inside").sum().cast(nw.Int64).alias("purchases"),
            nw.col("inside_ticks").sum().cast(nw.Int64).alias("ticks"),
        )
        if population != "all":
            known = nw.col("first") <= day_number(origin)
            table = table.filter(known if population == "existing" else ~known)
        frame = table.sort("customer_id").collect("pyarrow").to_pandas()
        index = pd.Index(frame["customer_id"].astype(str), name="customer_id")
        out = pd.DataFrame({"purchases": frame["purchases"].to_numpy(np.int64)}, index=index)
        out.attrs["window"] = str(window)  # so that no forecast of another window is scored
        if self.has_value:
            out["value"] = frame["ticks"].to_numpy(float) / self.ticks
        return out

    def summary_hash(self) -> str:
        """Return a short hash of purchases and cutoff, whatever the order of rows or back end."""
        facts = f"{self.cutoff}|{self.has_value}|{self.ticks}"
        return fingerprint(self.days().select("customer_id", "day", "ticks"), facts)

    def _noted(self, check: str, what: str) -> pd.DataFrame:
        note = {"check": check, "count": 0, "severity": "info", "what": what}
        return pd.concat([self.audit, pd.DataFrame([note])], ignore_index=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Ledger":
        return self  # frozen: a copy would only cost memory

    def counts(self) -> dict[str, float]:
        """Return how many customers and purchases there are and, with amounts, their value.

        Counted anew each time; empty on Spark, where that may take a while.
        """
        if self.on_spark:
            return {}
        sums = self.by_customer().select(
            nw.len().alias("customers"),
            nw.col("n_purchases").sum().alias("purchases"),
            nw.col("ticks").sum().alias("value"),
        )
        found = sums.collect("pyarrow").to_pandas().iloc[0]
        counted = {name: int(found[name]) for name in ("customers", "purchases")}
        return counted | ({"value": found["value"] / self.ticks} if self.has_value else {})

    def _repr_html_(self) -> str:
        return ledger_card(self).html()

    def __repr__(self) -> str:
        money = "with amounts" if self.has_value else "without amounts"
        if self.has_value and self.currency is not None:
            money += f" in {self.currency}"
        return f"Ledger({self.first_day} to {self.cutoff}, {money})"


def _dates(days: "pd.Series[Any]") -> "pd.Series[Any]":
    return pd.Series(days.to_numpy(np.int64).astype("datetime64[D]").astype("datetime64[s]"))
