"""What changes with the calendar: a season that is not modelled, and drift."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.backtest.checks.check import DRIFT, LEVEL, SEASON, Check, tail
from forecast.backtest.checks.histories import Floats
from forecast.backtest.checks.totals import TotalErrors
from forecast.backtest.checks.track_record import is_naive
from forecast.backtest.checks.waves import Movement
from forecast.backtest.result import Backtest
from forecast.calendar import DAYS_PER_YEAR
from forecast.errors import listed

__all__ = ["drift", "season_unmodelled"]

SMALLEST_WAVE = 0.1  # log-rate from the year's mean to its peak
FASTEST = 0.25  # change of the repeat rate a year
BIAS_MOVES = 0.2
FEWEST_ORIGINS = 4
LEFT_OVER = 0.5
UNSURE = 0.2  # standard error from which a backtest is too short to acquit
FEWEST_PERIODS = 4


def season_unmodelled(moves: Movement | None, backtest: Backtest | None) -> Check | None:
    """Accuse a log with a yearly wave, and by name the models that leave it in their errors.

    The wave is estimated from the log (see :func:`.waves.movement`). A model whose ratio of actual
    to expected purchases by period holds less than half of it, a standard error aside that is at
    most 0.2, has modelled it; where a backtest shows that of all models that are not naive,
    nothing is accused.
    """
    if moves is None:
        return None
    year = moves.height(np.arange(0, DAYS_PER_YEAR))
    up, down = float(year.max() - year.mean()), float(year.min() - year.mean())
    if moves.p_wave > LEVEL or max(up, -down) < SMALLEST_WAVE:
        return None
    left = {} if backtest is None else _left_over(moves, backtest)
    guilty = {name: slope for name, (slope, error) in left.items()
              if slope + error >= LEFT_OVER or error > UNSURE}  # fmt: skip
    if left and not guilty:
        return None
    peak = pd.Timestamp("1970-01-01") + pd.Timedelta(days=int(year.argmax()))
    low = pd.Timestamp("1970-01-01") + pd.Timedelta(days=int(year.argmin()))
    shares = [f"{name} ({slope:.0%})" for name, slope in guilty.items()]
    remains = (
        f"; not shown to be gone from the errors of {listed(shares, write=str)}" if shares else ""
    )
    return Check(
        SEASON,
        "warning",
        f"Customers of equal age buy {np.expm1(up):+.0%} at the peak of the year (about "
        f"{peak.day} {peak:%B}) and {np.expm1(down):+.0%} at its low "
        f"({low.day} {low:%B}){remains}. A forecast without season is right only "
        "over whole years.",
        "Use a model with a season, BTYD(season=2), or forecast whole years; compare the two in a "
        "backtest.",
        evidence={
            "peak": up,
            "low": down,
            "p_value": moves.p_wave,
            "left_over": guilty,
        },
    )


def _left_over(moves: Movement, backtest: Backtest) -> dict[str, tuple[float, float]]:
    """Slope of actual over expected purchases on the wave, by period, and its error, by model."""
    table = backtest.periods
    table = table[(table["population"] == "existing") & (table["expected_purchases"] > 0)]
    found = {}
    for model, rows in table.groupby("model", sort=True):
        if is_naive(str(model)) or len(rows) < FEWEST_PERIODS:
            continue
        expected = rows["expected_purchases"].to_numpy(float)
        excess = rows["actual_purchases"].to_numpy(float) / expected - 1
        middle = rows["start"] + (rows["end"] - rows["start"]) / 2
        wave = np.expm1(moves.height(_days(middle)))
        excess -= np.average(excess, weights=expected)
        wave -= np.average(wave, weights=expected)
        information = float(expected @ wave**2)
        if information > 0:
            slope = float(expected @ (wave * excess)) / information
            spread = float(expected @ (excess - slope * wave) ** 2) / (len(rows) - 2)
            found[str(model)] = slope, float(np.sqrt(max(1.0, spread) / information))
    return found


def drift(
    moves: Movement | None, totals: list[TotalErrors], backtest: Backtest | None
) -> Check | None:
    """Accuse a log or a model that changes over the years or over the origins.

    In the log: the repeat rate of customers of equal age changes by 25 % a year or more, a wave of
    the year apart. In the backtest, from four origins on: the error of the total moves by 20 % or
    more from the first to the last, judged by the slope of its standard scores; origins that
    overlap err alike, so their slope varies less than that of independent ones.
    """
    said: list[str] = []
    evidence: dict[str, Any] = {}
    change = 0.0 if moves is None else float(np.expm1(moves.trend))
    fast = abs(change) > FASTEST if change > 0 else 1 / (1 + change) - 1 > FASTEST
    if moves is not None and fast and moves.p_trend < LEVEL / 2:
        said.append(f"customers of equal age buy {change:+.0%} a year")
        evidence["trend"] = {"change_a_year": change, "p_value": moves.p_trend}
    mine = [each for each in totals if each.z.size >= FEWEST_ORIGINS and not is_naive(each.model)]
    for total in mine:
        along = total.origin - total.origin.mean()
        score = float(along @ total.z) / float(np.sqrt(along @ along))
        slope, level = np.polynomial.polynomial.polyfit(along, total.bias, 1)[::-1]
        first, last = (level + slope * end for end in (along[0], along[-1]))
        p_value = 2 * tail(abs(score))
        if abs(last - first) > BIAS_MOVES and p_value < LEVEL / 2 / len(mine):
            what = f"{total.model} over {total.horizon}, {total.target},"
            said.append(f"the total of {what} goes from {first:+.0%} to {last:+.0%} off")
            evidence[f"{what} total"] = {"first": first, "last": last, "p_value": p_value}
    if not said:
        return None
    ranges = _parameter_ranges(backtest)
    evidence |= ranges
    moved = [f"{name} {lo:.3g} to {hi:.3g}" for name, (lo, hi) in ranges.items()]
    return Check(
        DRIFT,
        "warning",
        f"Parameters drift: {'; '.join(said)}."
        + (f" Over the origins: {', '.join(moved[:6])}." if moved else ""),
        "Fit on recent history (history='52W'), look for what changed (assortment, channels, "
        "prices), and trust the latest origins most.",
        evidence=evidence,
    )


def _parameter_ranges(backtest: Backtest | None) -> dict[str, tuple[float, float]]:
    """Smallest and largest estimate of each parameter over the origins, where they are kept."""
    if backtest is None:
        return {}
    groups = backtest.parameters.groupby(["model", "name"], sort=True)["value"]
    return {
        f"{model} {name}": (float(values.min()), float(values.max()))
        for (model, name), values in groups
    }


def _days(moments: "pd.Series[pd.Timestamp]") -> Floats:
    return moments.to_numpy().astype("datetime64[h]").astype(np.int64) / 24
