"""Keep, watch or refit: what the tables of a monitoring say, as reasons in sentences; what next."""

import math
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from forecast.jobs.monitoring.matured import pooled
from forecast.jobs.monitoring.run_history import rows_of

__all__ = [
    "ADVICE",
    "DATA_FIRST",
    "Limits",
    "Reasons",
    "data_reasons",
    "drift_reasons",
    "matured_reasons",
]

LEVEL = 0.01
"""Size of the test of bias, over all horizons and targets; the groups of a run share another."""

RESTATED = 0.01
"""Share of customers whose past may change before the data are called changed."""

ADVICE = {
    "keep": "Keep the model: past forecasts have held, and nothing needs to be done.",
    "watch": (
        "Go on with the model, and look again after the next runs: what was found may pass, or "
        "become a reason to fit it anew."
    ),
    "refit": (
        "Fit the model anew before its forecasts are used; where it was fitted anew already, "
        "backtest and choose another."
    ),
    "too early to say": (
        "Go on running the job: it is judged as soon as the window of its first run is over."
    ),
}
"""What to do next, by verdict."""

DATA_FIRST = (
    "Mend the data first: until the log is complete and its past stays as it was, nothing here "
    "judges the model."
)
"""What to do next where the data are stale or have changed."""


@dataclass(frozen=True)
class Limits:
    """From where on something counts.

    Attributes
    ----------
    max_bias : float
        Of a total, as a share of the actual total.
    min_coverage : float
        Least share of customers inside their 90 % bounds.
    max_psi : float
        Of a feature of recent customers.
    stale_days : int
        Days without a purchase.
    """

    max_bias: float = 0.2
    min_coverage: float = 0.8
    max_psi: float = 0.2
    stale_days: int = 14


@dataclass
class Reasons:
    """Sentences by what they speak for: ``data`` problems, ``refit``, ``watch``, ``keep``."""

    data: list[str] = field(default_factory=list)
    refit: list[str] = field(default_factory=list)
    watch: list[str] = field(default_factory=list)
    keep: list[str] = field(default_factory=list)


def matured_reasons(
    by_run: pd.DataFrame, by_group: pd.DataFrame, running: pd.DataFrame, newest: Any, limits: Limits
) -> Reasons:
    """Judge level and bounds of matured runs, of their groups, and of runs under way.

    A bias speaks for refitting only where the newest run has not learnt from the windows that
    show it, or where it came back after the model had.
    """
    found = Reasons()
    together = pooled(by_run)
    for test in rows_of(together):
        part = by_run[
            (by_run["horizon"] == test.horizon)
            & (by_run["population"] == test.population)
            & (by_run["target"] == test.target)
        ].sort_values("cutoff")
        _judge_bias(found, test, part, newest, limits, size=LEVEL / len(together))
    for row in rows_of(_latest(by_run)):
        shares, size = float(row.coverage), int(row.customers)
        if math.isnan(shares) or size == 0:
            continue
        upper = shares + 2.33 * math.sqrt(max(shares * (1 - shares), 1 / size) / size)
        if upper < limits.min_coverage:
            found.refit.append(
                f"Only {_percent(shares)} of customers lie within their 90 % bounds of "
                f"{row.target} ({row.horizon} after {row.cutoff}), where at least "
                f"{_percent(limits.min_coverage)} should: {_percent(row.above)} came above, "
                f"{_percent(row.below)} below."
            )
    _judge_groups(found, by_group, limits)
    for row in rows_of(_latest(running)):
        if abs(row.bias) > limits.max_bias and row.p_value < LEVEL / 2:
            found.watch.append(
                f"A run under way is off: of {row.target} expected of the {row.horizon} after "
                f"{row.cutoff}, {row.forecast:,.0f} by {row.through} ({row.periods} of {row.of} "
                f"periods), {row.actual:,.0f} came ({_off(row.bias)})."
            )
    return found


def drift_reasons(
    inputs: pd.DataFrame, parameters: pd.DataFrame, since: date, fitted_since: date
) -> Reasons:
    """Judge inputs and parameters: signs of change, but no proof that forecasts are off."""
    found = Reasons()
    for row in rows_of(inputs[inputs["drifted"].astype(bool)]):
        found.watch.append(
            f"Recent customers differ from those of {since} in {row.Index}: PSI {row.psi:.2f}, "
            f"where chance reaches {row.noise_999:.2f} once in 1,000 times."
        )
    for row in rows_of(parameters[parameters["drifted"].astype(bool)]):
        found.watch.append(
            f"Parameter {row.Index} has moved from {row.reference:.4g} to {row.newest:.4g} since "
            f"{fitted_since}, {abs(row.z):.1f} standard errors."
        )
    return found


def data_reasons(restated: pd.DataFrame, fresh: dict[str, Any], today: date) -> Reasons:
    """Judge the log itself: whether it still arrives, and its past is what it was."""
    found = Reasons()
    if fresh["stale"] or fresh["unusual"]:
        (found.data if fresh["stale"] else found.watch).append(
            f"No purchase for {_days(fresh['days_since'])} before {today}; the longest gap of the "
            f"year before was {_days(fresh['longest_gap'])}. The log may not arrive any more."
        )
    if fresh["dropped"]:
        found.data.append(
            f"The last 7 days hold {fresh['last_week']:,} purchases, where "
            f"{fresh['usual_week']:,.0f} a week are usual. The last load may be incomplete."
        )
    changed = restated[restated["changed"].astype(bool)]
    if changed.empty:
        return found
    worst = changed.iloc[int(changed["share"].to_numpy(float).argmax())]
    share = float(worst["share"])
    grave = share > RESTATED
    whom = [
        f"{int(worst[name]):,} {said}"
        for name, said in (
            ("missing", "are missing"),
            ("altered", "have other purchases"),
            ("added", "are new"),
        )
        if worst[name]
    ]
    more = int(worst["purchases_more"])
    told = ", ".join(whom) or (
        f"{more:+,} purchases" if more else "counts, totals, first and last days are as they were"
    )
    (found.data if grave else found.keep).append(
        f"The past has changed since {len(changed)} of {len(restated)} runs saw it: of the "
        f"{int(worst['customers']):,} customers of run {worst['run_id']} ({worst['cutoff']}), "
        f"{told} ({_percent(share, 1)}). {'Clear that up first.' if grave else 'That is little.'}"
    )
    return found


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"


def _judge_bias(
    found: Reasons, test: Any, part: pd.DataFrame, newest: Any, limits: Limits, *, size: float
) -> None:
    """Judge one horizon and target, all of its matured runs together."""
    many = "One matured run" if len(part) == 1 else f"{len(part)} matured runs"
    said = f"{many} over {test.horizon}: total {test.target} {_off(test.bias)}"
    inside = len(part) == 1 and part["in_interval"].iloc[0] in (True,)
    if test.p_value >= size or inside:
        why = (
            "which chance allows"
            if abs(test.bias) <= limits.max_bias
            else f"but the standard error of so few purchases is {_percent(test.standard_error)}"
        )
        found.keep.append(f"{said}, {why}.")
    elif abs(test.bias) <= limits.max_bias:
        near = abs(test.bias) > limits.max_bias / 2
        (found.watch if near else found.keep).append(
            f"{said}, which is beyond chance, but not beyond {_percent(limits.max_bias)}."
        )
    elif not _has_learnt(newest, part):
        found.refit.append(
            f"{said}, which is beyond chance and beyond {_percent(limits.max_bias)}."
        )
    elif _came_back(part, test.bias, limits):
        found.refit.append(
            f"{said}, and again after the model had learnt from that: fitting anew does not help. "
            "Backtest, and choose another model."
        )
    else:
        found.watch.append(
            f"{said}, beyond {_percent(limits.max_bias)}; but the newest run was fitted up to "
            f"{newest.fitted} and has learnt from that. Wait until it matures, or backtest."
        )


def _has_learnt(newest: Any, part: pd.DataFrame) -> bool:
    """Whether the newest run was fitted on at least half of the last window judged."""
    last = part.iloc[-1]
    return bool(newest.fitted >= last["cutoff"] + (last["window_last"] - last["cutoff"]) / 2)


def _came_back(part: pd.DataFrame, bias: float, limits: Limits) -> bool:
    """Whether a run fitted after a biased window was biased in the same direction again."""
    off = part[
        (part["bias"].abs() > limits.max_bias)
        & (part["p_value"] < 0.05)
        & (np.sign(part["bias"]) == np.sign(bias))
    ]
    return bool(len(off) and off["fitted"].max() >= off["window_last"].min())


def _judge_groups(found: Reasons, by_group: pd.DataFrame, limits: Limits) -> None:
    """Name groups of the newest matured run that are off although the total may not be."""
    if by_group.empty:
        return
    last = by_group[by_group["cutoff"] == by_group["cutoff"].max()]
    off = last[(last["bias"].abs() > limits.max_bias) & (last["p_adjusted"] < LEVEL)]
    for (by, target), rows in off.groupby(["by", "target"], sort=True):
        rows = rows.sort_values("bias", key=lambda bias: -bias.abs(), kind="stable")
        named = [f"{row.group} ({_off(row.bias)})" for row in rows_of(rows)][:5]
        more = "" if len(rows) <= 5 else f" and {len(rows) - 5} more"
        found.watch.append(
            f"Groups by {by} are off in {target}, {rows['horizon'].iloc[0]} after "
            f"{rows['cutoff'].iloc[0]}: {', '.join(named)}{more}."
        )


def _latest(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the newest run by horizon; of those under way, of the furthest one."""
    if table.empty:
        return table
    under_way = "through" in table
    keys = ["horizon", "population", "target"]
    ordered = table.sort_values("cutoff", ascending=under_way)
    return ordered.drop_duplicates(keys)


def _percent(share: float, places: int = 0) -> str:
    return f"{100 * share:.{places}f} %"


def _off(bias: float) -> str:
    if math.isinf(bias):
        return "expected where nothing came"
    return f"{_percent(abs(bias))} too {'high' if bias >= 0 else 'low'}"
