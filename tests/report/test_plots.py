"""Plots draw the numbers they are given, on axes that name their units."""

from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from forecast.backtest import Backtest, backtest
from forecast.errors import UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report import (
    bias_by_origin,
    decile_calibration,
    forecast_periods,
    tracking,
    tracking_cumulative,
)
from forecast.report.style import PALETTE
from forecast.views import revenue_series


def lines(ax: Any) -> dict[str, Any]:
    return {line.get_label(): line for line in ax.get_lines()}


def test_the_fan_draws_history_expectation_and_band(ledger: Ledger, future: Forecast) -> None:
    ax = Figure().add_subplot()
    assert forecast_periods(future, ledger, target="value", ax=ax) is ax
    drawn = lines(ax)
    assert_allclose(drawn["expected"].get_ydata(), future.periods["expected_value"])
    seen = revenue_series(ledger, every="W")["value"].to_numpy()
    assert_allclose(drawn["observed"].get_ydata(), seen[-52:])
    assert drawn["observed"].get_xdata()[-1] < drawn["expected"].get_xdata()[0]
    band = ax.collections[0].get_paths()[0].vertices[:, 1]
    assert_allclose(
        sorted({*band}), sorted({*future.periods[["value_lo_90", "value_hi_90"]].stack()})
    )
    assert ax.get_ylabel() == "currency units a week"
    cutoff = matplotlib.dates.num2date(drawn["cutoff"].get_xdata()[0]).date()
    assert cutoff == future.cutoff


def test_every_plot_makes_its_own_axes(future: Forecast, tested: Backtest) -> None:
    import matplotlib.pyplot as plt

    before = dict(matplotlib.rcParams)
    drawn = [
        forecast_periods(future),
        tracking(tested, "Rate"),
        tracking_cumulative(tested, "Rate"),
        bias_by_origin(tested),
        decile_calibration(tested, "Rate"),
    ]
    assert len({id(ax.figure) for ax in drawn}) == 5
    for ax in drawn:
        assert ax.get_ylabel()
        assert ax.get_title(loc="left")
        plt.close(ax.figure)
    assert dict(matplotlib.rcParams) == before


def test_a_notebook_keeps_showing_figures(future: Forecast, monkeypatch: Any) -> None:
    import matplotlib.pyplot as plt

    monkeypatch.setitem(matplotlib.rcParams, "interactive", False)
    backend_loads = plt.subplots

    def first_figure(*args: Any, **settings: Any) -> Any:
        matplotlib.interactive(True)  # as a notebook's backend does when it loads
        return backend_loads(*args, **settings)

    monkeypatch.setattr(plt, "subplots", first_figure)
    ax = forecast_periods(future)
    assert matplotlib.is_interactive()
    assert ax.figure.get_facecolor() == (1, 1, 1, 1)  # readable on a dark page
    plt.close(ax.figure)


def test_tracking_draws_actual_beside_expected(tested: Backtest) -> None:
    ax = tracking(tested, "half", ax=Figure().add_subplot())
    first = tested.periods[
        (tested.periods["model"] == "half")
        & (tested.periods["population"] == "existing")
        & (tested.periods["cutoff"] == pd.Timestamp(tested.origins[0]))
    ]
    assert ax.get_ylabel() == "purchases a week"
    assert_allclose(lines(ax)["actual"].get_ydata(), first["actual_purchases"])
    assert_allclose(lines(ax)["expected"].get_ydata(), first["expected_purchases"])
    cutoffs = [line for line in ax.lines if line.get_linewidth() == 1]
    days = [matplotlib.dates.num2date(line.get_xdata()[0]).date() for line in cutoffs]
    assert tuple(days) == tested.origins


def test_cumulative_ends_at_the_totals(tested: Backtest) -> None:
    ax = tracking_cumulative(tested, "half", target="value", ax=Figure().add_subplot())
    totals = tested.totals
    row = totals[(totals["model"] == "half") & (totals["population"] == "existing")].iloc[0]
    assert lines(ax)["actual"].get_ydata()[0] == 0
    assert lines(ax)["actual"].get_ydata()[-1] == pytest.approx(row["actual_value"])
    assert lines(ax)["expected"].get_ydata()[-1] == pytest.approx(row["expected_value"])
    bar = ax.collections[0].get_segments()[0][:, 1]
    assert_allclose(bar, [row["value_lo_90"], row["value_hi_90"]])


def test_overlapping_windows_are_thinned_from_the_last(ledger: Ledger, rate: Any) -> None:
    dense = backtest(ledger, {"a": rate()}, horizon="8W", step="4W", origins=5, draws=0)
    ax = tracking(dense, "a", ax=Figure().add_subplot())
    cutoffs = [line.get_xdata()[0] for line in ax.get_lines() if len(line.get_xdata()) == 2]
    days = [matplotlib.dates.num2date(each).date() for each in cutoffs]
    assert days == [dense.origins[0], dense.origins[2], dense.origins[4]]
    assert not ax.collections  # without draws there is no band


def test_bias_is_in_per_cent_and_leaves_out_the_forecast_of_nothing(tested: Backtest) -> None:
    ax = bias_by_origin(tested, ax=Figure().add_subplot())
    scores = tested.by_origin("purchases", "existing")
    for model in ("Rate", "half", "late"):
        wanted = 100 * scores.loc[scores["model"] == model, "bias"]
        drawn = lines(ax)[model].get_ydata()
        assert_allclose(drawn[~np.isnan(drawn)], wanted)
    assert np.isnan(lines(ax)["late"].get_ydata()).sum() == 1  # it failed there: a gap, no line
    assert not any("zero" in label for label in lines(ax))
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    board = tested.leaderboard("purchases", "existing").index
    assert legend == [model for model in board if model in legend]


def test_tenths_show_mean_actual_under_mean_expected(tested: Backtest) -> None:
    ax = decile_calibration(tested, "Rate", ax=Figure().add_subplot())
    table = tested.deciles("Rate", "purchases")
    assert_allclose([bar.get_height() for bar in ax.patches], table["mean_actual"])
    assert_allclose(lines(ax)["expected"].get_ydata(), table["mean_expected"])


def test_an_unknown_model_is_named(tested: Backtest) -> None:
    with pytest.raises(UsageError, match=r"'nobody'.*Rate"):
        tracking(tested, "nobody", ax=Figure().add_subplot())


def _luminance(colour: str) -> float:
    parts = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("role", [*PALETTE])
def test_contrast_on_light_and_dark(role: str, side: int) -> None:
    """Text at least 4.5:1 (WCAG 2.2, 1.4.3), marks at least 3:1 (1.4.11); lines of a grid none."""
    need = {"ink": 7.0, "muted": 4.5, "blue": 4.5, "paper": 1.0, "grid": 1.0, "bar": 1.0}
    light, dark = sorted([_luminance(PALETTE[role][side]), _luminance(PALETTE["paper"][side])])
    assert (dark + 0.05) / (light + 0.05) >= need.get(role, 3.0)
    assert len({light for light, _ in PALETTE.values()}) == len(PALETTE)
