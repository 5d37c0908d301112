"""The section on the forecast: totals, periods, the customers expected to matter most."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.content import (
    Figures,
    Heading,
    Part,
    Prose,
    Section,
    Table,
    figure,
)
from forecast.report.forecast_plots import forecast_periods, grain
from forecast.report.formats import MISSING, chance, count, day, estimate, length, percent
from forecast.report.style import Target
from forecast.report.units import unit_of
from forecast.report.verdict import WHOM, Total

__all__ = ["TOP", "forecast_section"]

TOP = 25  # customers listed by name


def forecast_section(
    forecast: Forecast,
    ledger: Ledger | None,
    known: Mapping[Target, Total],
    currency: str | None,
) -> Section:
    """Return totals, the periods after the observed ones, top customers and the model's notes."""
    targets: list[Target] = ["purchases"]
    if forecast.periods["expected_value"].notna().any():
        targets.append("value")
    parts: list[Part] = [
        _totals(forecast, known, currency),
        Figures(tuple(_fan(forecast, ledger, target, currency) for target in targets)),
        _periods(forecast, targets, currency),
    ]
    if forecast.customers is not None and len(forecast.customers):
        parts += _top(forecast, unit_of("value", currency))
    else:
        parts.append(Prose((f"{forecast.model} forecasts totals; it lists no customers.",)))
    if forecast.notes:
        parts += [Heading("What the model says about itself"), Prose(forecast.notes)]
    files = {"forecast_periods": forecast.periods}
    if forecast.customers is not None:
        files["customers"] = _ranked(forecast.customers).reset_index()
    return Section("forecast", "The forecast", parts, files)


def _totals(forecast: Forecast, known: Mapping[Target, Total], currency: str | None) -> Table:
    names = {"purchases": "Purchases", "value": f"Value, {unit_of('value', currency)}"}
    rows = [(names[target], *map(estimate, each)) for target, each in known.items()]
    window = forecast.window
    caption = (
        f"Totals over the {length(forecast.horizon)} from {day(window.start)} to "
        f"{day(window.last)}: {WHOM[forecast.population]}"
    )
    head = ("Total", "Expected", "90 % interval from", "to")
    return Table(caption, head, tuple(rows), (False, True, True, True))


def _fan(forecast: Forecast, ledger: Ledger | None, target: Target, currency: str | None) -> Any:
    text = f"Expected {target} by period after {day(forecast.cutoff)}, the cutoff"
    if forecast.sampler is not None:
        text += ", with the band that holds 90 % of simulated futures in each period"
    text += "."
    if ledger is not None and grain(forecast) and forecast.population == "existing":
        text += (
            " Before the cutoff the line counts everybody; after it the forecast leaves out "
            "customers yet to come, so a step down is no fall in demand by itself."
        )
    return figure(
        f"fan-{target}",
        partial(forecast_periods, forecast, ledger, target=target, currency=currency),
        caption=text,
    )


def _periods(forecast: Forecast, targets: list[Target], currency: str | None) -> Table:
    last = forecast.periods["end"] - pd.Timedelta(days=1)
    frame = forecast.periods.assign(start=forecast.periods["start"].map(day), last=last.map(day))
    columns: dict[str, tuple[str, Callable[[Any], str] | None]] = {
        "start": ("From", None),
        "last": ("To", None),
    }
    for target in targets:
        columns |= {
            f"expected_{target}": (f"Expected {unit_of(target, currency)}", estimate),
            f"{target}_lo_90": ("90 % interval from", estimate),
            f"{target}_hi_90": ("to", estimate),
        }
    return Table.of(frame, caption="The same by period, as a table", columns=columns, folded=True)


def _top(forecast: Forecast, money: str) -> list[Part]:
    customers = forecast.customers
    assert customers is not None
    ranked = _ranks_by(customers)
    key = f"expected_{ranked}"
    frame = _ranked(customers).head(TOP)
    frame["name"] = frame.index.astype(str)
    columns: dict[str, tuple[str, Callable[[Any], str] | None]] = {
        "name": ("Customer", None),
        "p_active": ("Chance to buy at least once", chance),
        "expected_purchases": ("Expected purchases", estimate),
        "purchases_span": ("90 % bounds, purchases", str),
    }
    frame["purchases_span"] = _spans(frame, "purchases", count)
    if ranked == "value":
        frame["value_span"] = _spans(frame, "value", estimate)
        columns["expected_value"] = (f"Expected value, {money}", estimate)
        columns["value_span"] = (f"90 % bounds, {money}", str)
    number = len(frame)
    whole = float(customers[key].sum())
    share = float(frame[key].sum()) / whole if whole > 0 else float("nan")
    text = f"{'This customer holds' if number == 1 else f'These {number} customers hold'} "
    text += f"{percent(share)} of the expected {ranked}."
    if np.isnan(share):
        text = f"No {ranked} are expected of anybody."
    caption = f"The {number} customers with the highest expected {ranked}"
    return [
        Heading("Whom to target"),
        Prose((text + " The bounds of single customers do not add up to those of the total.",)),
        Table.of(frame, caption=caption, columns=columns),
    ]


def _ranks_by(customers: pd.DataFrame) -> Target:
    return "value" if customers["expected_value"].notna().any() else "purchases"


def _ranked(customers: pd.DataFrame) -> pd.DataFrame:
    """Sort customers, most expected first, equals by name."""
    key = f"expected_{_ranks_by(customers)}"
    named = customers.assign(name=customers.index.astype(str))
    order = named.sort_values([key, "name"], ascending=[False, True], na_position="last")
    return order.drop(columns="name")


def _spans(frame: pd.DataFrame, target: str, show: Callable[[Any], str]) -> list[str]:
    pairs = zip(frame[f"{target}_lo_90"], frame[f"{target}_hi_90"], strict=True)
    return [MISSING if pd.isna(lo) else f"{show(lo)} to {show(hi)}" for lo, hi in pairs]
