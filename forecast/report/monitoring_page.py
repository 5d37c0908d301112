"""The page on past runs: verdict first, then how far they were off, then what has changed."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import FileError
from forecast.report.content import (
    Alerts,
    Figures,
    Fold,
    Heading,
    Listing,
    Part,
    Prose,
    Section,
    Table,
    Tiles,
    figure,
)
from forecast.report.formats import MISSING, count, day, estimate, length, percent
from forecast.report.monitoring_plots import bias_by_run
from forecast.report.page import write_page
from forecast.report.units import unit_of

__all__ = ["monitoring_page", "monitoring_sections"]

Columns = dict[str, tuple[str, Callable[[Any], str] | None]]
_SHOWN = 12  # rows of runs that the page opens by itself
_NEVER = "The newest run has no earlier one to be compared with."


def monitoring_page(
    path: str | Path,
    *,
    verdict: str,
    reasons: Sequence[str],
    data_problems: Sequence[str],
    advice: str,
    tables: Mapping[str, pd.DataFrame],
    job: str,
    cutoff: date,
    max_bias: float = 0.2,
    currency: str | None = None,
) -> Path:
    """Write one self-contained HTML page, or Markdown, on how past runs have held.

    Parameters
    ----------
    path : str or Path
        Where to write; the folder must exist.
    verdict : str
        ``"keep"``, ``"watch"``, ``"refit"`` or ``"too early to say"``.
    reasons, data_problems : sequence of str
        Why; the latter are shown before all else.
    advice : str
        What to do next.
    tables : mapping of str to DataFrame
        As :class:`forecast.jobs.monitoring.monitoring.MonitoringResult` has them.
    job : str
        Name of the job.
    cutoff : date
        Last day of the log that runs were compared with.
    max_bias : float
        The bias that counts, as a share of the actual total.
    currency : str, optional
        What amounts are called.

    Raises
    ------
    FileError
        If the folder does not exist, or the file cannot be written.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileError(f"report: the folder {target.parent} does not exist. Create it first.")
    found = monitoring_sections(
        verdict=verdict, reasons=reasons, data_problems=data_problems, advice=advice,
        tables=tables, max_bias=max_bias, currency=currency,
    )  # fmt: skip
    write_page(target, f"Have the forecasts of {job} held?", f"Log up to {day(cutoff)}", found)
    return target


def monitoring_sections(
    *,
    verdict: str,
    reasons: Sequence[str],
    data_problems: Sequence[str],
    advice: str,
    tables: Mapping[str, pd.DataFrame],
    max_bias: float = 0.2,
    currency: str | None = None,
) -> list[Section]:
    """Return the content of the page; parameters are those of :func:`monitoring_page`."""
    return [
        _verdict(verdict, reasons, data_problems, advice, tables),
        _matured(tables["runs"], tables["groups"], max_bias, unit_of("value", currency)),
        _running(tables["running"]),
        _inputs(tables["inputs"]),
        _parameters(tables["parameters"]),
        _data(tables["restated"], tables["freshness"]),
        _rules(max_bias),
    ]


def _verdict(
    verdict: str,
    reasons: Sequence[str],
    data_problems: Sequence[str],
    advice: str,
    tables: Mapping[str, pd.DataFrame],
) -> Section:
    tiles = [("Verdict", verdict[0].upper() + verdict[1:], "")]
    for row in tables["totals"].itertuples():
        horizon = length(Horizon.parse(row.horizon))
        label = f"Bias of total {row.target}, {horizon}"
        many = "one matured run" if row.runs == 1 else f"{row.runs} matured runs"
        error = percent(row.standard_error)
        tiles.append((label, _signed(row.bias), f"{many}, standard error {error}"))
    others = tuple(each for each in reasons if each not in data_problems)
    parts: list[Part] = [Tiles(tuple(tiles)), Prose((advice,))]
    if data_problems:
        parts.append(Alerts(tuple(data_problems)))
    parts.append(Listing(others or ("Nothing speaks against the model.",)))
    return Section("verdict", "Verdict", parts)


def _matured(runs: pd.DataFrame, groups: pd.DataFrame, max_bias: float, money: str) -> Section:
    if runs.empty:
        text = "No window of a run is over yet, so nothing can be said of how forecasts have held."
        return Section("matured", "Matured runs", [Prose((text,))])
    parts: list[Part] = []
    for place, (horizon, rows) in enumerate(runs.groupby("horizon", sort=True)):
        drawn = [
            figure(
                f"bias-{place}-{target}",
                partial(bias_by_run, rows, target=target, max_bias=max_bias),
                caption=(
                    f"Total {target} over {length(Horizon.parse(horizon))}, forecast minus "
                    "actual, of each run whose window is over. A line is what the run itself "
                    "held possible: where it holds 0, it held what came."
                ),
            )
            for target in sorted(rows["target"].unique())
        ]
        parts.append(Figures(tuple(drawn)))
    columns: Columns = {
        "run_id": ("Run", None), "cutoff": ("Cutoff", _iso), "horizon": ("Horizon", None),
        "target": ("Target", None),
        "forecast": ("Forecast", estimate), "actual": ("Came", estimate),
        "bias": ("Bias", _signed), "in_interval": ("In its 90 % interval", _yes),
        "rmse": ("RMSE", estimate), "rmse_over_zero": ("RMSE over zero's", estimate),
        "rmse_over_own_rate": ("RMSE over own rate's", estimate),
        "coverage": ("Customers in 90 % bounds", percent), "above": ("Above", percent),
        "below": ("Below", percent), "missing": ("Customers gone", count),
    }  # fmt: skip
    many = len(runs) > _SHOWN
    caption = f"Matured runs, all {len(runs)} rows" if many else "Matured runs"
    parts.append(Table.of(runs, caption=caption, columns=columns, folded=many))
    parts.append(
        Prose(
            (
                f"RMSE is in purchases or {money} by customer; under 1 over zero's and own "
                "rate's, the model beats the forecast of nothing and of everyone's past rate. "
                "Where bounds hold, at most 5 % come above and at most 5 % below, less for "
                "customers who buy rarely.",
            ),
            small=True,
        )
    )
    if len(groups):
        last = groups[groups["cutoff"] == groups["cutoff"].max()]
        columns = {
            "horizon": ("Horizon", None), "by": ("By", None), "group": ("Group", None),
            "target": ("Target", None),
            "customers": ("Customers", count), "forecast": ("Forecast", estimate),
            "actual": ("Came", estimate), "bias": ("Bias", _signed),
            "p_adjusted": ("p, adjusted", estimate), "coverage": ("In 90 % bounds", percent),
        }  # fmt: skip
        caption = f"Groups of the last matured run, cutoff {day(last['cutoff'].iloc[0])}"
        table = Table.of(last, caption=caption, columns=columns)
        parts.append(Fold("Cohorts and labels", (table,)))
    return Section("matured", "Matured runs", parts, {"runs": runs, "groups": groups})


def _running(running: pd.DataFrame) -> Section:
    title = "Runs under way"
    if running.empty:
        return Section("running", title, [Prose(("No run is under way with a period over.",))])
    columns: Columns = {
        "run_id": ("Run", None), "cutoff": ("Cutoff", _iso), "horizon": ("Horizon", None),
        "target": ("Target", None), "through": ("Up to", day),
        "periods": ("Periods over", count), "of": ("Of", count),
        "forecast": ("Forecast up to then", estimate), "actual": ("Came", estimate),
        "bias": ("Bias so far", _signed), "lo_90": ("90 % from", estimate),
        "hi_90": ("90 % to", estimate),
    }  # fmt: skip
    text = "These windows are not over: what they show may still turn, and is no reason to refit."
    caption = "Sums from the cutoff to the last period that is over"
    table = Table.of(running, caption=caption, columns=columns)
    return Section("running", title, [Prose((text,)), table], {"running": running})


def _inputs(inputs: pd.DataFrame) -> Section:
    title = "Inputs"
    if inputs.empty:
        return Section("inputs", title, [Prose((_NEVER,))])
    columns: Columns = {
        "feature": ("Feature", None), "psi": ("PSI", estimate),
        "noise_999": ("Chance reaches", estimate), "band": ("Band", None),
        "reference_n": ("Reference, n", count), "newest_n": ("Newest, n", count),
        "bins": ("Bins", count), "judged": ("Judged", _yes), "drifted": ("Drifted", _yes),
    }  # fmt: skip
    text = (
        "Customers first seen in the 26 weeks before the newest run, beside those before the "
        "reference run: a shop that stays as it is gets the same again, while the whole base only "
        "grows older. Orders a week grow with the base; they are shown, not judged."
    )
    small = (
        "PSI under 0.1 is read as stable, from 0.2 on as large; chance reaches the level given "
        "once in 1,000 times with so many customers (simulated)."
    )
    table = Table.of(inputs, caption="Population stability index", columns=columns)
    return Section(
        "inputs", title, [Prose((text,)), table, Prose((small,), small=True)], {"inputs": inputs}
    )


def _parameters(parameters: pd.DataFrame) -> Section:
    title = "Parameters"
    if parameters.empty:
        return Section("parameters", title, [Prose(("No two runs have parameters to compare.",))])
    columns: Columns = {
        "name": ("Parameter", None), "reference": ("Reference", estimate),
        "newest": ("Newest", estimate), "change": ("Change", _signed), "z": ("z", estimate),
        "p_value": ("p", estimate), "trend": ("Trend a year", _signed),
        "drifted": ("Drifted", _yes),
    }  # fmt: skip
    text = (
        "z is the difference over the combined standard errors. Runs of one log share most of "
        "their history, so it is smaller than it might be; the trend has no test for that reason."
    )
    table = Table.of(parameters, caption="Newest run beside the reference", columns=columns)
    return Section(
        "parameters", title, [table, Prose((text,), small=True)], {"parameters": parameters}
    )


def _data(restated: pd.DataFrame, freshness: pd.DataFrame) -> Section:
    fresh = freshness.iloc[0]
    usual = fresh["usual_week"]
    today = fresh["last_day"] + timedelta(days=int(fresh["days_since"]))
    said = [
        f"The last purchase was on {day(fresh['last_day'])}, {_days(fresh['days_since'])} before "
        f"{day(today)}; in the year up to it the longest gap was {_days(fresh['longest_gap'])}.",
        f"Purchases in the last 7 days: {count(fresh['last_week'])}"
        + (f", where {estimate(usual)} a week are usual." if usual == usual else "."),
    ]
    parts: list[Part] = [Listing(tuple(said))]
    changed = restated[restated["changed"].astype(bool)]
    if changed.empty:
        looked = "The run" if len(restated) == 1 else f"All {len(restated)} runs"
        parts.append(Prose((f"{looked} looked at saw the past as it is today.",)))
    else:
        columns: Columns = {
            "run_id": ("Run", None), "cutoff": ("Cutoff", day), "customers": ("Customers", count),
            "missing": ("Missing", count), "altered": ("Altered", count),
            "added": ("Added", count), "purchases_more": ("Purchases more", count),
            "share": ("Share of customers", percent),
        }  # fmt: skip
        parts += [
            Heading("A past that has changed"),
            Table.of(changed, caption="Runs that saw another past", columns=columns),
        ]
    return Section("data", "Data", parts, {"restated": restated, "freshness": freshness})


def _rules(max_bias: float) -> Section:
    said = (
        "A run is judged when its whole window is over, and only then; the forecast is that of "
        "the day, read from the history.",
        f"A bias counts where it is beyond {percent(max_bias, places=0)} and beyond chance: a "
        "level of 1 % over all horizons and targets. A single run inside its own interval never "
        "counts.",
        "Runs are tested together. Windows that overlap hold the same purchases: their errors are "
        "taken as correlated by the share of days in common, and the uncertainty of the "
        "parameters as shared by all runs.",
        "Groups of a run share a level of 1 % (Bonferroni). Groups, inputs, parameters and runs "
        "under way say watch; matured totals and bounds of customers alone say refit.",
    )
    return Section("rules", "How it is judged", [Listing(said)])


def _iso(value: Any) -> str:
    """Return a day as the reasons of the verdict write it."""
    return f"{value:%Y-%m-%d}"


def _signed(share: Any) -> str:
    if share in (math.inf, -math.inf):
        return "+\u221e" if share > 0 else "\u2212\u221e"
    return percent(share, signed=True)


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{count(number)} days"


def _yes(value: Any) -> str:
    return MISSING if value is None or value != value else "yes" if value else "no"
