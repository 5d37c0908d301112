"""From each customer's expectation to a Forecast of all existing customers."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon, Window
from forecast.forecaster import Forecast, Sampler
from forecast.models.spread import Shares

__all__ = ["customer_table", "forecast_existing"]

FloatArray = npt.NDArray[np.float64]


def forecast_existing(
    model: object,
    *,
    cutoff: date,
    horizon: Horizon,
    windows: list[Window],
    customers: pd.DataFrame,
    shares: Shares,
    sampler: Sampler | None,
    notes: Sequence[str] = (),
) -> Forecast:
    """Build the forecast of all customers seen by the cutoff; periods follow from the shares.

    Parameters
    ----------
    customers : pandas.DataFrame
        From :func:`customer_table`.
    shares : Shares
        How each customer's expectations fall into periods, purchases and value alike.
    """
    kinds = len(shares.table)

    def by_period(column: str) -> FloatArray:
        total = np.bincount(shares.kind, customers[column].to_numpy(float), minlength=kinds)
        return np.asarray(total @ shares.table)

    has_value = "expected_value" in customers
    return Forecast.build(
        model=type(model).__name__,
        cutoff=cutoff,
        horizon=horizon,
        windows=windows,
        population="existing",
        customers=customers,
        period_purchases=by_period("expected_purchases"),
        period_value=by_period("expected_value") if has_value else None,
        sampler=sampler,
        notes=notes,
    )


def customer_table(
    index: pd.Index, p_active: FloatArray, purchases: FloatArray, value: FloatArray | None
) -> pd.DataFrame:
    """Tabulate expectations; the value of an order is unknown where no order is expected."""
    table = pd.DataFrame({"p_active": p_active, "expected_purchases": purchases}, index=index)
    if value is not None:
        order_value = np.full(len(purchases), np.nan)
        np.divide(value, purchases, out=order_value, where=purchases > 0)
        table["expected_value"], table["expected_order_value"] = value, order_value
    return table
