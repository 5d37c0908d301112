"""Summary tables made elsewhere: counts and ages of customers, without their purchase days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

import narwhals.stable.v2 as nw
import numpy as np
import pandas as pd

from forecast.calendar import DAYS_PER_YEAR, day_number, parse_day
from forecast.errors import ColumnError, UnsupportedError, UsageError, listed
from forecast.ledger.ledger import Ledger
from forecast.ledger.summary_columns import Wrong, customers_of, numbers, roles_of

__all__ = ["SummaryTable", "read_summary"]

UNITS = {"days": 1.0, "weeks": 7.0, "months": DAYS_PER_YEAR / 12, "years": DAYS_PER_YEAR}
_TINY = 1e-9  # ages that a division has moved by a last digit


@dataclass(frozen=True, eq=False, repr=False)
class SummaryTable(Ledger):
    """Customers with their counts and ages alone. Made by :func:`read_summary`.

    :func:`forecast.customer_summary` and :class:`forecast.BTYD` take it as they take a ledger; what
    needs purchase days refuses it. First orders are unknown: ``n_paid``, ``total_value`` and
    ``first_value`` are missing from its summary.

    Attributes
    ----------
    people : pandas.DataFrame
        The customer summary, in days.
    """

    people: pd.DataFrame = field(kw_only=True)

    def refuse(self, what: str) -> NoReturn:
        """Say that something needs purchase days."""
        raise UnsupportedError(
            f"{what} needs purchase days; a summary table has counts and ages alone. It serves "
            "fc.customer_summary and fc.BTYD; for the rest read the log: fc.read_ledger."
        )

    def days(self) -> "nw.LazyFrame[Any]":
        """Refuse: there are none."""
        self.refuse("This view or model")

    def by_customer(self) -> "nw.LazyFrame[Any]":
        """Refuse: ages may be fractions of a day, and first orders are unknown."""
        self.refuse("A sum of purchases")

    def cut(self, day: Any) -> "Ledger":
        """Refuse: only a log can be cut back."""
        self.refuse("cut")

    def since(self, day: Any) -> "Ledger":
        """Refuse: only a log can be shortened."""
        self.refuse("since")

    def only(self, customers: pd.Index) -> "Ledger":
        """Refuse: take the rows out of the table instead."""
        self.refuse("only")

    def counts(self) -> dict[str, float]:
        """Return how many customers and purchases there are; values of first orders are unknown."""
        return {"customers": len(self.people), "purchases": int(self.people["n_purchases"].sum())}

    def __repr__(self) -> str:
        money = "with" if self.has_value else "without"
        return f"SummaryTable({len(self.people):,} customers to {self.cutoff}, {money} amounts)"


def read_summary(
    table: Any, *, unit: str, cutoff: Any, customer_columns: Sequence[str] = ()
) -> SummaryTable:
    """Read a summary table of lifetimes, pymc-marketing, CLVTools or the like.

    Parameters
    ----------
    table : table or mapping
        One row a customer: ``frequency`` (repeat purchases), ``recency`` (age at the last one),
        ``T`` (age at the cutoff) and, where amounts are known, ``monetary_value`` (mean of the
        repeat purchases, 0 or missing without any). A pandas (lifetimes' index is the customer),
        Polars or Arrow table, or a mapping of columns. The names of the R packages, ``Id``, ``x``,
        ``t.x``, ``T.cal``, ``Spending``, are found too.
    unit : {"days", "weeks", "months", "years"}
        Of the ages; a month is a twelfth of a year.
    cutoff : date or str
        The last day the table knows: horizons start the day after.
    customer_columns : sequence of str
        Columns to keep, for ``fc.BTYD(covariates=...)`` or ``by=``.

    Raises
    ------
    ColumnError
        If a column is missing or doubled.
    BadRowsError
        If a count is no whole number, an age or amount negative or missing, a last purchase later
        than the cutoff, or a count at odds with its age or amount.
    TooLittleDataError
        If there is no customer.

    Examples
    --------
    >>> import pandas as pd
    >>> import forecast as fc
    >>> index = pd.Index(["a", "b"], name="customer_id")
    >>> rfm = pd.DataFrame({"frequency": [2, 0], "recency": [4.0, 0.0], "T": [6.0, 5.0],
    ...                     "monetary_value": [30.0, 0.0]}, index=index)
    >>> table = fc.read_summary(rfm, unit="weeks", cutoff="2024-02-11")
    >>> fc.customer_summary(table)[["frequency", "recency", "T", "first_purchase"]]
                 frequency  recency     T first_purchase
    customer_id
    a                    2     28.0  42.0     2023-12-31
    b                    0      0.0  35.0     2024-01-07
    """
    if unit not in UNITS:
        raise UsageError(f"unit: {unit!r} is not one of {', '.join(UNITS)}.")
    day = parse_day(cutoff, "cutoff")
    given, ids = customers_of(table)
    columns = [str(each) for each in given.columns]
    found = roles_of(columns)
    x = numbers(given, found["frequency"], ids)
    tx, age = (numbers(given, found[each], ids) for each in ("recency", "T"))
    wrong = Wrong(ids)
    wrong.where(x % 1 != 0, x, found["frequency"], "is no whole number", "Count repeat purchases.")
    late, start = tx > age * (1 + _TINY), "Both are measured from the first purchase."
    wrong.where(late, tx, found["recency"], f"is above {found['T']}", start)
    wrong.where(
        (x == 0) & (tx > 0), tx, found["recency"], "is above 0 without a repeat purchase",
        "It is the age at the last purchase, 0 for those who bought once.",
    )  # fmt: skip
    wrong.where(
        (x > 0) & (tx == 0), x, found["frequency"], f"is above 0 where {found['recency']} is 0",
        "Count purchases after the first alone (include_first_transaction=False).",
    )  # fmt: skip
    mean = np.full(len(x), np.nan)
    if found["monetary_value"] is not None:
        mean = numbers(given, found["monetary_value"], ids, unknown=x == 0)
        wrong.where(
            (x == 0) & (mean > 0), mean, found["monetary_value"],
            "is above 0 without a repeat purchase",
            "It is the mean of repeat purchases; leave the first ones out.",
        )  # fmt: skip
    people = _people(x, tx * UNITS[unit], np.maximum(age, tx) * UNITS[unit], mean, day, ids)
    kept = _kept(given, customer_columns, found, people)
    people = people.join(kept).sort_index()
    first = people["first_purchase"].min().date()
    what = f"{len(people):,} customers of a summary table in {unit}: first orders are unknown."
    note = {"check": "summary", "count": len(people), "severity": "info", "what": what}
    return SummaryTable(
        cutoff=day,
        audit=pd.DataFrame([note]),
        has_value=found["monetary_value"] is not None,
        customer_columns=tuple(kept.columns),
        purchase_columns=(),
        first_day=first,
        ticks=1,
        _days=None,
        _attributes=_attributes(people, list(kept.columns)),
        people=people,
    )


def _people(
    x: Any, recency: Any, age: Any, mean: Any, cutoff: Any, ids: "pd.Index[Any]"
) -> pd.DataFrame:
    """Return the customer summary, days to the nearest that the ages tell."""
    end, money = np.datetime64(cutoff, "D"), not np.isnan(mean).all()
    first = end - np.rint(age).astype("timedelta64[D]")
    last = first + np.rint(recency).astype("timedelta64[D]")
    return pd.DataFrame(
        {
            "frequency": x.astype(np.int64),
            "recency": recency,
            "T": age,
            "monetary_value": mean,
            "n_purchases": x.astype(np.int64) + 1,
            "n_paid": np.nan if money else 0,
            "total_value": np.nan,
            "first_value": np.nan,
            "first_purchase": first.astype("datetime64[s]"),
            "last_purchase": np.minimum(last, end).astype("datetime64[s]"),
            "cohort": pd.array(np.datetime_as_string(first, unit="M").tolist(), dtype="str"),
        },
        index=ids,
    )


def _kept(
    table: pd.DataFrame, names: Sequence[str], found: Mapping[str, str | None], people: pd.DataFrame
) -> pd.DataFrame:
    names = [names] if isinstance(names, str) else list(names)
    missing = [name for name in names if name not in table.columns]
    if missing:
        columns = [str(each) for each in table.columns]
        raise ColumnError(f"customer_columns: no {listed(missing)}; there: {listed(columns, 20)}.")
    taken = [name for name in names if name in people or name in found.values()]
    if taken:
        raise UsageError(f"customer_columns: {listed(taken)} cannot be kept under that name.")
    return table[names].set_axis(people.index, axis=0)


def _attributes(people: pd.DataFrame, names: list[str]) -> Any:
    """Return the customer columns as a ledger keeps them."""
    import pyarrow as pa

    if not names:
        return None
    first = [day_number(each.date()) for each in people["first_purchase"]]
    return pa.Table.from_pandas(
        people[names].assign(first=first).reset_index(), preserve_index=False
    )
