"""What of an order's value is left for the shop: a share, a column of the log, a cost per order."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import UnsupportedError, UsageError, listed
from forecast.ledger import Ledger
from forecast.value.currency import one_currency
from forecast.value.discounting import discount_factor

__all__ = ["Margin", "earned_by_age"]


@dataclass(frozen=True, eq=False)
class Margin:
    """How much of the value of purchases is margin: ``share * value - per_order * purchases``.

    Parameters
    ----------
    share : float or pandas.Series
        Margin as a share of value, at most 1: 0.4 for 40 %; negative where orders lose money. A
        Series gives each customer's own, by ``customer_id``.
    per_order : float
        Cost of serving one purchase, in the ledger's currency.
    column : str, optional
        A purchase column of the ledger that holds each purchase's margin in money, in place of a
        share. The past is then as written there; the future earns the pooled ratio of that
        column to value.

    Raises
    ------
    UsageError
        If a share is above 1 or not a number, or both a share and a column are given.

    Examples
    --------
    >>> Margin(0.4, per_order=3.0).of_order(50.0)
    17.0
    """

    share: "float | pd.Series[Any]" = 1.0
    per_order: float = 0.0
    column: str | None = None

    def __post_init__(self) -> None:
        shares = np.atleast_1d(np.asarray(self.share, dtype=object))
        wrong = [each for each in shares if not _is_share(each)]
        if wrong:
            raise UsageError(
                f"margin: {len(wrong):,} shares are not numbers of at most 1: {listed(wrong)}. "
                "Write 0.4 for 40 %."
            )
        if not np.isfinite(self.per_order):
            raise UsageError(f"margin: per_order {self.per_order} is not an amount of money.")
        if self.column is not None and not (
            isinstance(self.share, int | float) and self.share == 1
        ):
            raise UsageError(f"margin: give a share or the column {self.column!r}, not both.")

    @classmethod
    def parse(cls, margin: Any) -> Self:
        """Read a share, a Series of shares, the name of a column, or a Margin."""
        if isinstance(margin, cls):
            return margin
        return cls(column=margin) if isinstance(margin, str) else cls(share=margin)

    def of_order(self, value: float) -> float:
        """Return the margin of one order of that value, for a share that is the same for all."""
        if isinstance(self.share, pd.Series) or self.column is not None:
            raise UsageError("margin: it differs between customers or orders.")
        return float(self.share * value - self.per_order)

    def of_purchases(self, ledger: Ledger) -> pd.DataFrame:
        """Return the margin of every purchase up to the cutoff.

        Returns
        -------
        pandas.DataFrame
            ``customer_id``, ``date``, ``margin`` (currency), one row a purchase.
        """
        if not ledger.has_value:
            raise UnsupportedError("The ledger has no amounts; read it with its value column.")
        one_currency(ledger)
        rows = ledger.purchases()
        if self.column is not None:
            earned = self._column(rows, ledger)
        elif isinstance(self.share, pd.Series):
            earned = rows["value"].to_numpy() * self._own(pd.Index(rows["customer_id"]))
        else:
            earned = rows["value"].to_numpy() * self.share
        return rows[["customer_id", "date"]].assign(margin=earned - self.per_order)

    def shares(self, customers: pd.Index, ledger: Ledger) -> npt.NDArray[np.float64]:
        """Return each customer's margin as a share of future value, shape (customers,)."""
        if self.column is not None:
            rows = ledger.purchases()
            whole = float(rows["value"].sum())
            if whole <= 0:
                raise UsageError(f"margin: no value to relate the column {self.column!r} to.")
            return np.full(len(customers), self._column(rows, ledger).sum() / whole)
        if isinstance(self.share, pd.Series):
            return self._own(customers)
        return np.full(len(customers), float(self.share))

    def _own(self, customers: pd.Index) -> npt.NDArray[np.float64]:
        assert isinstance(self.share, pd.Series)
        if self.share.index.has_duplicates:
            raise UsageError("margin: a customer has two shares; give one each.")
        own = self.share.reindex(customers)
        if own.isna().any():
            missing = sorted(set(own.index[own.isna()]))
            raise UsageError(f"margin: {len(missing):,} customers have none: {listed(missing)}.")
        return own.to_numpy(float)

    def _column(self, rows: pd.DataFrame, ledger: Ledger) -> npt.NDArray[np.float64]:
        assert self.column is not None
        if self.column not in ledger.purchase_columns:
            raise UsageError(
                f"margin: {self.column!r} is not among the purchase columns of the ledger "
                f"({listed(ledger.purchase_columns) or 'none'}). Read it with "
                f"purchase_columns=[{self.column!r}], or give a share such as 0.4."
            )
        earned = pd.to_numeric(rows[self.column], errors="coerce")
        if earned.isna().any():
            raise UsageError(
                f"margin: column {self.column!r} is no amount in {int(earned.isna().sum()):,} "
                "purchases. Fill them before reading the log."
            )
        return earned.to_numpy(float)


def earned_by_age(
    margin: Margin, ledger: Ledger, people: pd.DataFrame, rate: float
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return of each purchase whose it is, at which age in days, and its margin at age 0.

    Whose is a position in ``people``, the customer summary; the rate is annual and effective.
    """
    rows = margin.of_purchases(ledger)
    who = np.asarray(people.index.get_indexer(pd.Index(rows["customer_id"])), dtype=np.int64)
    born = people["first_purchase"].to_numpy()[who]
    days = (rows["date"].to_numpy() - born).astype("timedelta64[D]").astype(np.int64)
    return who, days, rows["margin"].to_numpy() * discount_factor(rate, days)


def _is_share(each: Any) -> bool:
    number = isinstance(each, int | float | np.number) and not isinstance(each, bool | np.bool_)
    return bool(number and np.isfinite(each) and each <= 1)
