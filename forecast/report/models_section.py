"""The section on each model by itself: its course beside what came, and whether it means it."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

import pandas as pd
from matplotlib.axes import Axes

from forecast.backtest import ZERO, Backtest
from forecast.backtest.findings import joined
from forecast.errors import ForecastError
from forecast.forecaster import Population
from forecast.report.backtest_section import targets_of
from forecast.report.calibration_plots import decile_calibration, pit_histogram, reliability
from forecast.report.cohort_plots import Across, cohort_bias, cohort_errors
from forecast.report.content import Drawing, Figures, Fold, Heading, Part, Prose, Section, figure
from forecast.report.leader import lead
from forecast.report.parameter_plots import parameter_drift
from forecast.report.style import Target
from forecast.report.tracking_plots import tracking, tracking_cumulative
from forecast.report.units import unit_of
from forecast.report.verdict import WHOM

__all__ = ["models_section"]


def models_section(backtest: Backtest) -> Section:
    """Return tracking of every model, and of the leaders cohorts and calibration too."""
    targets = targets_of(backtest)
    leads = {target: lead(backtest, target) for target in targets}
    best: dict[str, list[Target]] = {}
    for target, found in leads.items():
        if found is not None:
            best.setdefault(found.model, []).append(target)
    parts: list[Part] = []
    files: dict[str, pd.DataFrame] = {}
    for model, its in best.items():
        parts.append(Heading(f"{model}: first in {joined(its)}"))
        parts += _leader(backtest, model, its)
        for target in its:
            files |= _numbers(backtest, model, target)
    others = [each for each in _ranked(backtest, targets) if each not in best]
    for model in others:
        shown = _course(backtest, model, targets, "existing")
        if shown:
            parts.append(Fold(f"{model}: tracking", (*_rows(shown), *_drift(backtest, model))))
    for population in backtest.populations:
        if population != "existing":
            parts += _totals(backtest, targets, population)
    if not backtest.parameters.empty:
        files["parameters"] = backtest.parameters
    if not parts:
        parts = [Prose(("No model gave a forecast.",))]
    return Section("models", "Model by model", parts, files)


def _leader(backtest: Backtest, model: str, targets: list[Target]) -> list[Part]:
    cells = [cell for target in targets for cell in _calibration(backtest, model, target)]
    if "purchases" in targets:
        cells += _reliability(backtest, model)
    heat = [cell for target in targets for cell in _cohorts(backtest, model, target)]
    return [
        *_rows(_course(backtest, model, targets, "existing")),
        *_rows(cells),
        *_rows(heat),
        *_drift(backtest, model),
    ]


def _course(
    backtest: Backtest, model: str, targets: Iterable[Target], population: Population
) -> list[Drawing]:
    """Draw a model's periods and their sums beside what came."""
    text = "" if population != "existing" else " Each cutoff starts anew with the customers known."
    drawn = []
    for target in targets:
        if not _answered(backtest, model, target, population):
            continue
        name = f"{population}-{target}-{backtest.models.index(model)}"
        drawn += [
            figure(
                f"tracking-{name}",
                partial(tracking, backtest, model, target=target, population=population),
                caption=f"{model}: {target} by period, {WHOM[population]}.{text}",
            ),
            figure(
                f"cumulative-{name}",
                partial(tracking_cumulative, backtest, model, target=target, population=population),
                caption=(
                    f"{model}: {target} summed up since each cutoff, {WHOM[population]}. The "
                    "actual line should end inside the bar in nine windows of ten."
                ),
            ),
        ]
    return drawn


def _calibration(backtest: Backtest, model: str, target: Target) -> list[Drawing]:
    name = f"{target}-{backtest.models.index(model)}"
    return [
        *_drawn(
            f"deciles-{name}",
            partial(decile_calibration, backtest, model, target=target),
            caption=f"{model}: customers in tenths by their forecast of {target}. Dots on top of "
            "their bars mean the level is right; bars rising to the right, the order.",
        ),
        *_drawn(
            f"pit-{name}",
            partial(pit_histogram, backtest, model, target=target),
            caption=f"{model}: where actual {target} of customers fell in their forecast "
            "distributions. Level bars: right. High ends: too narrow. A hump: too wide. Rising: "
            "too low.",
        ),
    ]


def _reliability(backtest: Backtest, model: str) -> list[Drawing]:
    return _drawn(
        f"reliability-{backtest.models.index(model)}",
        partial(reliability, backtest, model),
        caption=f"{model}: of customers given 30 %, three in ten should buy. Points on the line "
        "mean that the chances in the list of customers can be taken at their word.",
    )


def _cohorts(backtest: Backtest, model: str, target: Target) -> list[Drawing]:
    name = f"{target}-{backtest.models.index(model)}"
    unit = unit_of(target, backtest.currency)
    across: list[tuple[Across, str]] = [("cutoff", "at each cutoff")]
    if len(backtest.horizons) > 1:
        across.append(("horizon", "over each horizon, cutoffs pooled"))
    drawn = []
    for each, where in across:
        try:
            rows = cohort_errors(backtest, model, target=target, across=each)["cohort"].nunique()
        except ForecastError:  # it lists no customers
            continue
        drawn += _drawn(
            f"cohorts-{each}-{name}",
            partial(cohort_bias, backtest, model, target=target, across=each),
            caption=f"{model}: forecast minus actual {unit} of each cohort {where}, in % "
            'of the actual. "few": fewer than ten purchases.',
            height=1.6 + 0.2 * rows,
        )
    return drawn


def _drift(backtest: Backtest, model: str) -> list[Part]:
    drawn = _drawn(
        f"drift-{backtest.models.index(model)}",
        partial(parameter_drift, backtest, model),
        caption=f"{model}: what was estimated at each cutoff, as a multiple of its median. Level "
        "lines: the base behaves as before. Pairs that wander together may mean nothing.",
        height=4.0,
    )
    return _rows(drawn)


def _drawn(
    name: str, plot: Callable[..., Axes], *, caption: str, height: float = 3.5
) -> list[Drawing]:
    """Draw a figure, or nothing where the model lacks the numbers: draws, p_active, parameters."""
    with suppress(ForecastError):
        return [figure(name, plot, caption=caption, height=height)]
    return []


def _rows(drawings: list[Drawing]) -> list[Part]:
    return [Figures(tuple(drawings))] if drawings else []


def _answered(backtest: Backtest, model: str, target: Target, population: Population) -> bool:
    rows = backtest.select(origins="tuning").periods
    mine = rows[(rows["model"] == model) & (rows["population"] == population)]
    return bool(mine[f"expected_{target}"].notna().any())


def _ranked(backtest: Backtest, targets: list[Target]) -> list[str]:
    """Models that answered for existing customers, in the order of the leaderboard."""
    if "existing" not in backtest.populations:
        return []
    board = backtest.leaderboard(targets[-1], "existing")
    return [str(each) for each in board.index if each != ZERO]


def _totals(backtest: Backtest, targets: list[Target], population: Population) -> list[Part]:
    """Draw the best model of a population whose customers cannot be listed."""
    drawn = []
    for target in targets:
        board = backtest.leaderboard(target, population).drop(ZERO, errors="ignore")
        scored = board[board["origins"] > 0]
        if len(scored):
            drawn += _course(backtest, str(scored.index[0]), [target], population)
    return [Heading(f"First for {WHOM[population]}"), *_rows(drawn)] if drawn else []


def _numbers(backtest: Backtest, model: str, target: Target) -> dict[str, pd.DataFrame]:
    files = {f"tenths_{target}": backtest.deciles(model, target).reset_index()}
    with suppress(ForecastError):
        files[f"cohorts_{target}"] = cohort_errors(backtest, model, target=target)
    return files
