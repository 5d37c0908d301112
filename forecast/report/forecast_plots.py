"""What is to come: a forecast's periods, with their 90 % bounds, after what was observed."""

import pandas as pd
from matplotlib.axes import Axes

from forecast.calendar import Horizon
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.style import (
    COLOUR,
    DASHES,
    Target,
    band,
    cutoff_line,
    finish,
    in_style,
    on_axes,
)
from forecast.report.units import currency_of, unit_of
from forecast.views import revenue_series

__all__ = ["forecast_periods", "grain", "observed_periods"]

GRAINS = {"D": "day", "W": "week", "M": "month"}


def grain(forecast: Forecast) -> str | None:
    """Return ``D``, ``W`` or ``M`` where a period is one day, week or month; None otherwise."""
    for unit in GRAINS:
        windows = Horizon(1, unit).periods(forecast.cutoff)
        first = forecast.windows[0]
        if windows[0] == first and (len(forecast.periods) > 1 or forecast.window == first):
            return unit
    return None


def observed_periods(forecast: Forecast, ledger: Ledger) -> pd.DataFrame | None:
    """Return the periods before the cutoff, at the forecast's grain; None where there is no such.

    Three times as many as are forecast, and at least a year of weeks or months.
    """
    unit = grain(forecast)
    if unit is None or ledger.on_spark or ledger.cutoff < forecast.cutoff:
        return None
    seen = ledger if ledger.cutoff == forecast.cutoff else ledger.cut(forecast.cutoff)
    most = max(3 * len(forecast.periods), {"D": 60, "W": 52, "M": 12}[unit])
    return revenue_series(seen, every=unit).iloc[-most:]


@in_style()
def forecast_periods(
    forecast: Forecast,
    ledger: Ledger | None = None,
    *,
    target: Target = "purchases",
    currency: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the expected purchases or value by period, with 90 % bounds, after the observed ones.

    Parameters
    ----------
    forecast : Forecast
    ledger : Ledger, optional
        Adds the periods observed up to the cutoff, where periods are days, weeks or months.
    target : {"purchases", "value"}
        What is drawn; purchases are counted, value is money.
    currency : str, optional
        What the axis calls money; by default what the ledger calls it.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = on_axes(ax)
    periods = forecast.periods
    middle = _middle(periods["start"], periods["end"])
    observed = None if ledger is None else observed_periods(forecast, ledger)
    if observed is not None and target in observed and len(observed):
        starts = pd.Series(pd.DatetimeIndex(observed.index))
        cutoff = pd.Timestamp(forecast.cutoff) + pd.Timedelta(days=1)
        ends = starts.shift(-1).fillna(cutoff)
        ax.plot(
            _middle(starts, ends),
            observed[target],
            color=COLOUR["ink"],
            label="observed",
        )
    band(ax, middle, periods, target, "90 % interval")
    ax.plot(
        middle,
        periods[f"expected_{target}"],
        color=COLOUR["blue"],
        linestyle=DASHES,
        marker="o" if len(periods) <= 15 else None,
        markersize=3.5,
        label="expected",
    )
    cutoff_line(ax, forecast.cutoff)
    unit = grain(forecast)
    each = f"a {GRAINS[unit]}" if unit else "a period"
    names = {"purchases": "Purchases", "value": "Value"}
    counted_in = unit_of(target, currency_of(currency, ledger))
    return finish(ax, title=f"{names[target]} {each}", unit=f"{counted_in} {each}", dates=True)


def _middle(start: pd.Series, end: pd.Series) -> pd.Series:
    return start + (end - start) / 2
