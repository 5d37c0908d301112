"""The inner window: how far back it goes, what came of it, and what is too little."""

from collections.abc import Callable
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from forecast.calendar import Horizon, Window
from forecast.errors import TooLittleDataError
from forecast.ledger import Ledger
from forecast.models.inner_window import inner_window


def after(ledger: Ledger, horizon: str) -> Window:
    return Horizon.parse(horizon).window(ledger.cutoff)


def test_one_horizon_before_the_cutoff(cut: Ledger) -> None:
    inner = inner_window(cut, after(cut, "13W"))
    assert inner.past.cutoff == cut.cutoff - timedelta(days=91)
    assert (inner.days, inner.stretch, inner.notes) == (91, 1.0, ())
    assert inner.windows == [after(inner.past, "13W")]
    pd.testing.assert_frame_equal(inner.outcome, cut.actuals(inner.past.cutoff, "13W"))


def test_half_of_a_short_history(cut: Ledger) -> None:
    history = (cut.cutoff - cut.first_day).days + 1
    inner = inner_window(cut, after(cut, "104W"))
    assert inner.days == history // 2
    assert inner.stretch == pytest.approx(728 / inner.days)
    assert f"learned from the last {inner.days} days" in inner.notes[0]


def test_analogues_are_scored_at_the_horizons_length(cut: Ledger) -> None:
    inner = inner_window(cut, after(cut, "104W"))
    expected = np.arange(len(inner.outcome), dtype=float)
    one, plain = inner.analogues(expected), inner.analogues(expected / inner.stretch)
    np.testing.assert_allclose(one.edges, inner.stretch * plain.edges)
    assert one.purchases.sum() == inner.outcome["purchases"].sum()
    assert one.order_value is not None


@pytest.mark.parametrize(("horizon", "least"), [("13W", 55), ("27D", 55), ("1W", 35)])
def test_the_fewest_days_are_those_it_says(
    horizon: str, least: int, ledger_of: Callable[..., Ledger]
) -> None:
    first = date(2024, 1, 1)
    log = pd.DataFrame({"customer_id": [f"c{number}" for number in range(30)], "amount": 1.0})
    short, enough = (
        ledger_of(log.assign(date=pd.Timestamp(first)), cutoff=first + timedelta(days=days - 1))
        for days in (least - 1, least)
    )
    with pytest.raises(TooLittleDataError, match=f"{least - 1} days .* needs at least {least}"):
        inner_window(short, after(short, horizon))
    assert inner_window(enough, after(enough, horizon)).days == least - 28


def test_too_few_customers(orders: pd.DataFrame, ledger_of: Callable[..., Ledger]) -> None:
    few = orders[orders["customer_id"].isin(sorted(orders["customer_id"].unique())[:29])]
    ledger = ledger_of(few, cutoff="2023-12-31")
    with pytest.raises(TooLittleDataError, match="29 customers had bought"):
        inner_window(ledger, after(ledger, "4W"))
