"""Plots draw the numbers they are given, on axes that name their units."""

import dataclasses
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from forecast.backtest import Backtest, backtest
from forecast.backtest.ranking import capture
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report import (
    bias_by_origin,
    cohort_bias,
    cohort_errors,
    decile_calibration,
    error_ratios,
    forecast_periods,
    lift_curve,
    parameter_drift,
    pit_histogram,
    profit_curve,
    reliability,
    targeting_curves,
    tracking,
    tracking_cumulative,
)
from forecast.report.style import PALETTE, SHADES, look
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
        cohort_bias(tested, "Rate"),
        error_ratios(tested.compare()),
        lift_curve(tested, "Rate"),
        parameter_drift(drifting(tested), "Rate"),
        pit_histogram(tested, "Rate"),
        profit_curve(tested, "Rate", contact_cost=5.0),
        reliability(tested, "Rate"),
    ]
    assert len({id(ax.figure) for ax in drawn}) == len(drawn)
    for ax in drawn:
        assert ax.get_ylabel() or ax.get_title(loc="left").startswith("RMSE")  # names of models
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
    assert ax.get_ylabel() == "% of the actual total"
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


def drifting(tested: Backtest) -> Backtest:
    rows = [
        (pd.Timestamp(day), "Rate", name, value)
        for number, day in enumerate(tested.origins)
        for name, value in (("purchases.r", 0.5 + 0.1 * number), ("season.cos", 0.2 - number))
    ]
    names = ["cutoff", "model", "name", "value"]
    return dataclasses.replace(tested, parameters=pd.DataFrame(rows, columns=names))


def test_parameters_are_multiples_of_their_median(tested: Backtest) -> None:
    ax = parameter_drift(drifting(tested), "Rate", ax=Figure().add_subplot())
    drawn = lines(ax)
    assert "season.cos" not in drawn  # it changes its sign
    assert_allclose(drawn["purchases.r"].get_ydata(), np.array([0.5, 0.6, 0.7, 0.8]) / 0.65)
    with pytest.raises(UsageError, match="'half' were kept; there: Rate"):
        parameter_drift(drifting(tested), "half", ax=Figure().add_subplot())


def test_ratios_are_those_of_the_comparison(tested: Backtest) -> None:
    found = tested.compare("rmse", "value")
    ax = error_ratios(found, ax=Figure().add_subplot())
    bars = ax.collections[0].get_segments()
    assert_allclose([bar[:, 0] for bar in bars], found.table[["lo", "hi"]])
    assert [each.get_text() for each in ax.get_yticklabels()] == list(found.table.index)
    best = found.table.index[found.table["in_set"].fillna(False).astype(bool)]
    assert len(lines(ax)["may be the best"].get_xdata()) == len(best)
    assert found.reference in ax.get_title(loc="left")


def test_pit_counts_every_customer_of_every_cutoff(tested: Backtest) -> None:
    ax = pit_histogram(tested, "Rate", bins=4, ax=Figure().add_subplot())
    frame = tested.frame
    pit = frame.loc[frame["model"] == "Rate", "pit_purchases"]
    quarter = (4 * pit).astype(int).clip(upper=3)
    wanted = [100 * (quarter == at).mean() for at in range(4)]
    bars = [bar for bar in ax.patches if bar.get_width() < 0.5]
    assert_allclose([bar.get_height() for bar in bars], wanted)
    assert ax.get_ylabel() == "% of customers"
    with pytest.raises(UsageError, match="bins"):
        pit_histogram(tested, "Rate", bins=1)


def test_a_model_without_draws_has_no_pit(ledger: Ledger, rate: Any) -> None:
    bare = backtest(ledger, {"a": rate()}, horizon="8W", origins=2, draws=0)
    with pytest.raises(UnsupportedError, match="a does not forecast pit_value"):
        pit_histogram(bare, "a", target="value", ax=Figure().add_subplot())


def test_reliability_is_share_beside_chance(tested: Backtest) -> None:
    ax = reliability(tested, "Rate", ax=Figure().add_subplot())
    frame = tested.frame[tested.frame["model"] == "Rate"].sort_values("p_active")
    points = lines(ax)["bought"]
    lowest = frame.head(len(frame) // 10)
    assert points.get_xdata()[0] == pytest.approx(100 * lowest["p_active"].mean(), rel=0.02)
    assert len(points.get_xdata()) == 10
    share = 100 * (frame["actual_purchases"] > 0).mean()
    assert points.get_ydata().mean() == pytest.approx(share, rel=0.02)
    for segment, at in zip(ax.collections[0].get_segments(), points.get_ydata(), strict=True):
        assert segment[0, 1] <= at <= segment[1, 1]


def test_cohorts_are_sums_by_first_purchase(tested: Backtest) -> None:
    found = cohort_errors(tested, "half", target="value")
    rows = tested.cohorts[tested.cohorts["model"] == "half"]
    assert found["actual"].sum() == pytest.approx(rows["actual_value"].sum())
    assert found["expected"].sum() == pytest.approx(rows["expected_value"].sum())
    known = found[found["bias"].notna()]
    assert (known["purchases"] >= 10).all()
    assert 0 < len(known) < len(found)
    assert_allclose(known["bias"], known["expected"] / known["actual"] - 1)
    ax = cohort_bias(tested, "half", target="value", ax=Figure().add_subplot())
    said = [text.get_text() for text in ax.texts]
    assert said.count("few") == found["bias"].isna().sum()
    first = f"{100 * known['bias'].iloc[0]:+,.0f}".replace("-", "\u2212")
    assert first in said
    with pytest.raises(UsageError, match="lists customers"):
        cohort_errors(tested, "series $x_1$")


def test_horizons_stand_side_by_side_with_cutoffs_pooled(ledger: Ledger, rate: Any) -> None:
    both = backtest(ledger, {"a": rate()}, horizon=["8W", "4W"], origins=3, draws=20)
    found = cohort_errors(both, "a", across="horizon")
    assert set(found["horizon"]) == {"4W", "8W"}
    whole = both.cohorts[both.cohorts["horizon"] == "4W"]["actual_purchases"].sum()
    assert found.loc[found["horizon"] == "4W", "actual"].sum() == whole
    ax = cohort_bias(both, "a", across="horizon", ax=Figure().add_subplot())
    assert [each.get_text() for each in ax.get_xticklabels()] == ["4W", "8W"]
    # other plots take one horizon at a time
    short = tracking(both, "a", horizon="4W", ax=Figure().add_subplot())
    assert len(lines(short)["actual"].get_ydata()) == 4


def test_cutoffs_kept_apart_stay_out_of_the_plots(ledger: Ledger, rate: Any) -> None:
    kept = backtest(ledger, {"a": rate()}, horizon="8W", origins=4, untouched=1, draws=20)
    assert len(lines(bias_by_origin(kept, ax=Figure().add_subplot()))["a"].get_ydata()) == 3
    apart = bias_by_origin(kept, origins="untouched", ax=Figure().add_subplot())
    assert len(lines(apart)["a"].get_ydata()) == 1


def test_lift_and_profit_by_hand(tested: Backtest) -> None:
    table = targeting_curves(tested, ["Rate", "half"], contact_cost=3.0, margin=0.5)
    everybody = table[table["share"] == 1].set_index("model")
    assert_allclose(everybody[["captured", "lift", "perfect_lift"]], 1)
    frame = tested.frame[tested.frame["model"] == "Rate"]
    mean = frame.groupby("cutoff")["actual_value"].mean().mean()
    assert_allclose(everybody["profit"], 0.5 * mean - 3)
    rate = table[table["model"] == "Rate"].set_index("share")
    half = table[table["model"] == "half"].set_index("share")
    assert_allclose(rate["lift"], half["lift"])  # the same order of customers
    assert (rate["perfect_lift"] >= rate["lift"] - 1e-9).all()
    half_taken = [
        capture(part["actual_value"], part["expected_value"], 0.5)
        for _, part in frame.groupby("cutoff")
    ]
    assert rate.loc[0.5, "captured"] == pytest.approx(np.mean(half_taken))
    ax = profit_curve(tested, "Rate", contact_cost=3.0, margin=0.5, ax=Figure().add_subplot())
    assert_allclose(lines(ax)["Rate"].get_ydata(), rate["profit"])
    assert "3 a contact and a margin of 50 %" in ax.get_title(loc="left")
    with pytest.raises(UsageError, match="nobody"):
        lift_curve(tested, ["Rate", "nobody"], ax=Figure().add_subplot())


def test_no_two_models_look_alike() -> None:
    looks = [look(number) for number in range(64)]
    assert len({(color, mark) for color, mark, _ in looks}) == 64


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("role", [*SHADES])
def test_numbers_are_read_on_their_shades(role: str, side: int) -> None:
    light, dark = sorted([_luminance(SHADES[role][side]), _luminance(PALETTE["ink"][side])])
    assert (dark + 0.05) / (light + 0.05) >= 4.5
    assert SHADES[role][0] not in {light for light, _ in PALETTE.values()}


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
