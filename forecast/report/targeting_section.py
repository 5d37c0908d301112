"""The section on targeting: what the order of customers was worth when it was tried."""

from functools import partial

from forecast.backtest import ZERO, Backtest
from forecast.report.content import Figures, Part, Prose, Section, figure
from forecast.report.formats import estimate, length
from forecast.report.style import Target
from forecast.report.targeting_plots import lift_curve, profit_curve, targeting_curves
from forecast.report.units import unit_of

__all__ = ["contact_cost_of", "targeting_section"]

MOST = 4  # models drawn
PART = 0.5  # of a customer's mean value, as the cost of a contact where none is given


def contact_cost_of(backtest: Backtest, given: float | None) -> float | None:
    """Return the cost of a contact: as given, else half of what a customer brought on average.

    None where the backtest has no amounts or nobody brought anything.
    """
    if given is not None or not backtest.has_value or "existing" not in backtest.populations:
        return given
    totals = [
        float(backtest.actuals[origin, str(backtest.horizon), "existing"]["value"].mean())
        for origin in backtest.tuning
    ]
    mean = sum(totals) / len(totals)
    return float(f"{PART * mean:.2g}") if mean > 0 else None


def targeting_section(backtest: Backtest, contact_cost: float | None) -> Section | None:
    """Return lift and profit of the leading models; None where no model lists customers."""
    target: Target = "value" if backtest.has_value else "purchases"
    if "existing" not in backtest.populations:
        return None
    board = backtest.leaderboard(target, "existing")
    scored = board[(board.index != ZERO) & board["gini"].notna()]
    models = [str(name) for name in scored.index[:MOST]]
    if not models:
        return None
    drawn = [
        figure(
            "lift",
            partial(lift_curve, backtest, models, target=target),
            caption=(
                "How many times as much the customers forecast highest brought as did as many "
                "drawn at random, mean over cutoffs. The thin line knows the future: no forecast "
                "gets there."
            ),
            height=4.0,
        )
    ]
    cost = contact_cost_of(backtest, contact_cost)
    parts: list[Part] = []
    curve = targeting_curves(backtest, models, target=target, contact_cost=cost or 0.0)
    if cost is not None and target == "value":
        drawn.append(
            figure(
                "profit",
                partial(profit_curve, backtest, models, contact_cost=cost),
                caption=(
                    "Value of the customers contacted, less the cost of contacting them, for each "
                    "customer of the base. It credits a contact with all that was bought after "
                    "it, so it compares orders of customers; what a contact causes, only a test "
                    "with a control group tells."
                ),
                height=4.0,
            )
        )
        best = curve[curve["model"] == models[0]].reset_index(drop=True)
        at = best.loc[int(best["profit"].to_numpy(float).argmax())].to_dict()
        money = unit_of("value", backtest.currency)
        assumed = "" if contact_cost is not None else " (an assumption: half the mean value)"
        parts.append(
            Prose(
                (
                    f"At {estimate(cost)} {money} a contact{assumed}, contacting the "
                    f"{100 * at['share']:.0f} % of customers that {models[0]} forecast highest "
                    f"was worth most over {length(backtest.horizon)}: they brought "
                    f"{100 * at['captured']:.0f} % of all value.",
                )
            )
        )
    files = {"targeting": curve if cost is not None else curve.drop(columns="profit")}
    return Section("targeting", "Lift and profit", [*parts, Figures(tuple(drawn))], files)
