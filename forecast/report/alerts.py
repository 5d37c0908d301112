"""What a reader must know before using the numbers, from data, forecast and backtest."""

from collections.abc import Sequence

import numpy as np

from forecast.backtest import Backtest
from forecast.backtest.checks.check import INTERVALS, TRUNCATION, Check
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report.formats import count, day, length, percent
from forecast.report.leader import lead
from forecast.report.verdict import off, same_model

__all__ = ["alerts"]

SAID_BY = {"early customers": TRUNCATION}  # warnings of the audit that a check says better


def alerts(
    ledger: Ledger | None,
    forecast: Forecast | None,
    backtest: Backtest | None,
    fired: Sequence[Check] = (),
) -> list[str]:
    """Return what limits the use of the report, the weightiest first.

    Parameters
    ----------
    fired : sequence of Check
        Of these, errors come first, and mere consequences are left to their own section.
    """
    causes = sorted(
        (check for check in fired if not check.causes), key=lambda check: check.severity != "error"
    )
    found = [f"{check.sentence} {check.remedy}" for check in causes]
    if forecast is not None:
        found += _forecast_alerts(forecast, ledger, backtest)
    if backtest is not None:
        judged = any(check.id == INTERVALS and not check.causes for check in fired)
        found += _backtest_alerts(backtest, intervals=not judged)
    if ledger is not None:
        audit, said = ledger.audit, {check.id for check in fired}
        warned = (audit["severity"] == "warning") & ~audit["check"].map(SAID_BY).isin(said)
        for _, row in audit[warned].iterrows():
            name = str(row["check"]).replace("_", " ").capitalize()
            found.append(f"{name} ({count(row['count'])}): {row['what']}")
    return found


def _forecast_alerts(
    forecast: Forecast, ledger: Ledger | None, backtest: Backtest | None
) -> list[str]:
    found = []
    if forecast.sampler is None:
        found.append(
            "The forecast comes without draws, so its totals have no interval. The bounds of "
            "single customers or periods do not add up to one."
        )
    if ledger is not None and ledger.cutoff != forecast.cutoff:
        found.append(
            f"The forecast starts from {day(forecast.cutoff)}, the data run to "
            f"{day(ledger.cutoff)}."
        )
    if backtest is None:
        found.append("No backtest is part of this report: how good the model is was not shown.")
    elif same_model(forecast, backtest) is None:
        found.append(
            f"No model of the backtest is named {forecast.model}, which made the forecast: "
            "look up which of them it is before trusting its scores."
        )
    if backtest is not None and str(backtest.horizon) != str(forecast.horizon):
        found.append(
            f"The backtest looks {length(backtest.horizon)} ahead, the forecast "
            f"{length(forecast.horizon)}: errors differ between lengths."
        )
    return found


def _backtest_alerts(backtest: Backtest, *, intervals: bool) -> list[str]:
    """Levels (and intervals) of the leading models that past cutoffs speak against; failures."""
    found: list[str] = []
    narrow: list[str] = []
    far: list[str] = []
    few: list[str] = []
    for target in ("purchases", "value"):
        best = lead(backtest, target)
        if best is None:
            continue
        row, cutoffs = best.row, int(best.row["origins"])
        hits = 0 if np.isnan(row["total_coverage"]) else round(row["total_coverage"] * cutoffs)
        if row["total_coverage"] < 0.8:
            narrow.append(f"{hits} of {cutoffs} for {target} ({best.model})")
        if abs(row["bias_worst"]) > 0.2:
            far.append(f"{target} {off(float(row['bias_worst']))} ({best.model})")
        if row["coverage"] < 0.85:
            few.append(f"{percent(row['coverage'])} for {target} ({best.model})")
    if narrow and intervals:
        found.append(
            "The 90 % interval of the total held the truth at too few past cutoffs: "
            f"{' and '.join(narrow)}. Expect totals outside such an interval."
        )
    if far:
        found.append(f"At the worst past cutoff totals were far off: {' and '.join(far)}.")
    if few and intervals:
        found.append(
            f"Fewer than 90 % of customers were inside their 90 % bounds: {' and '.join(few)}."
        )
    failed = backtest.runs[backtest.runs["status"] == "failed"].groupby("model", sort=True)
    if len(failed):
        many = len(backtest.origins)
        each = [f"{model} ({runs['cutoff'].nunique()} of {many} cutoffs)" for model, runs in failed]
        found.append(f"Models that failed, by name: {', '.join(each)}. See Failures.")
    return found
