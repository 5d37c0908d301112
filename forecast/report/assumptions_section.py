"""The section of assumptions: what every number of the page takes for granted."""

from forecast.backtest import Backtest
from forecast.forecaster import Forecast
from forecast.report.content import Listing, Section
from forecast.report.formats import day, estimate, length
from forecast.report.targeting_section import contact_cost_of
from forecast.report.units import unit_of
from forecast.report.verdict import WHOM

__all__ = ["assumptions_section"]


def assumptions_section(
    forecast: Forecast | None,
    backtest: Backtest | None,
    contact_cost: float | None,
    currency: str | None,
) -> Section:
    """Return what must hold for the numbers to mean what they say."""
    money = unit_of("value", currency)
    said = [
        "A purchase is a day on which a customer bought and that nets to nothing below 0; several "
        "orders of a day are one.",
        f"Money is in the units of the log, called {money}; nothing is discounted but where a "
        "table says so.",
    ]
    if forecast is not None:
        said += [
            f"The forecast is about {WHOM[forecast.population]}, {day(forecast.cutoff)}, and the "
            f"{length(forecast.horizon)} after it. Nothing after the cutoff was used.",
            "Customers go on as they did: no change of prices, of assortment or of marketing but "
            "those that the model names.",
        ]
        if forecast.sampler is not None:
            said.append(
                "A 90 % interval holds 90 % of the futures that the model simulates, its own "
                "uncertainty included as far as it knows it; what the model does not know, such "
                "as a crisis, is not in it."
            )
    if backtest is not None:
        said += [
            "The next window is like the windows tried. A model that was best then is expected to "
            "be good, not proved to be.",
            "Scores are means over cutoffs, every cutoff weighing the same.",
        ]
        if backtest.settings.get("burn_in"):
            said.append(
                f"Customers first seen in the first {backtest.settings['burn_in']} of the log are "
                "not scored one by one: many are older than the log."
            )
        cost = contact_cost_of(backtest, contact_cost)
        if cost is not None and backtest.has_value:
            given = "as given" if contact_cost is not None else "half of the mean value a customer"
            said.append(
                f"The profit curve takes {estimate(cost)} {money} a contact, {given}, and "
                "a margin of 100 %."
            )
    return Section("assumptions", "What is assumed", [Listing(tuple(said))])
