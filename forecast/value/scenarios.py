"""What happens if: a forecast under other levers, beside the one without, draw by draw."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecaster
from forecast.ledger import Ledger
from forecast.ledger.currency import money_unit
from forecast.value.acquisition import acquisition_cost
from forecast.value.discounting import check_rate
from forecast.value.levers import NEWCOMERS, neutral
from forecast.value.margin import Margin
from forecast.value.scenario_case import UNITS, ScenarioCase
from forecast.value.scenario_file import read_scenario
from forecast.value.scenario_result import ScenarioResult

__all__ = ["scenario"]

Levers = Mapping[str, Any]


def scenario(
    model: Forecaster,
    ledger: Ledger,
    horizon: str | date,
    levers: "Levers | str | Path",
    *,
    margin: "float | str | pd.Series[Any] | Margin",
    rate: float = 0.0,
    spend: Any = None,
    high_margin: float | None = None,
    population: Literal["existing", "all"] | None = None,
    name: str | None = None,
    draws: int = 1000,
    seed: int = 0,
) -> ScenarioResult:
    """Compare the forecast under levers with the one without, on the same random numbers.

    Levers of the model (``model.levers``: retention, purchase frequency, ...) are passed to its
    ``forecast(scenario=)``; those on money act on what is forecast, draw by draw
    (:mod:`forecast.value.levers`). One or several at once; none changes nothing, to the bit.

    Parameters
    ----------
    model : Forecaster
        Fitted on ``ledger``.
    ledger : Ledger
    horizon : str or date
        Over which all is counted.
    levers : mapping, str or Path
        Value of each lever by name; or a TOML table ``[scenario]``, its text or its file
        (:func:`read_scenario <forecast.value.scenario_file.read_scenario>`).
    margin, rate
        As in :func:`clv <forecast.value.lifetime_value.clv>`.
    spend : table, optional
        ``date`` and ``cost``: adds cost, net value and LTV:CAC, at the cost of a customer so far.
    high_margin : float, optional
        What ``product_mix`` moves value to: margin as a share of value.
    population : {"existing", "all"}, optional
        ``"all"`` counts customers who are still to come. By default it is asked for where a
        lever acts on them or ``spend`` is given, and the model forecasts them.
    name : str, optional
        What the scenario is called.
    draws, seed : int
        As in ``forecast``.

    Raises
    ------
    UnsupportedError
        If neither the model nor money has a lever of that name, or the model knows no value.
    UsageError
        If a lever's value has no meaning, or what it acts on is not known.

    Notes
    -----
    The interval is of the difference between what happens with and without the levers, both drawn
    with one seed: luck that the levers leave as it is cancels, the rest stays in it, and so does
    what is not known of the model's parameters. It does not hold whether a measure will move the
    lever as assumed.

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(300, seed=3, refunds=0.0)
    >>> ledger = fc.read_ledger(shop.orders, key=())
    >>> found = fc.scenario(fc.BTYD().fit(ledger), ledger, "6M",
    ...                     {"retention": 1.2, "margin": 1.05}, margin=0.4, rate=0.1, draws=50)
    >>> bool(found.table.loc["clv", "difference"] > 0)
    True
    >>> found.break_even("retention", cost_per_customer=1000.0).sentence
    'retention does not pay 1,000.00 currency units a customer anywhere between 1 and 2.'
    """
    if not isinstance(levers, Mapping):
        plan = read_scenario(levers)
        levers, name = plan.levers, name or plan.name
        high_margin = plan.high_margin if high_margin is None else high_margin
    if draws < 2:
        raise UsageError(f"draws: {draws!r} must be at least 2: a difference needs its interval.")
    if high_margin is not None:
        Margin(high_margin)
    offered = tuple(getattr(model, "populations", ("existing",)))
    if population is None:
        asked = spend is not None or bool(set(NEWCOMERS) & set(levers))
        population = (
            "all" if "existing" not in offered or (asked and "new" in offered) else ("existing")
        )
    if population not in ("existing", "all") or population not in offered:
        raise UnsupportedError(
            f"population: {population!r}; {type(model).__name__} forecasts "
            f"{', '.join(offered)}, and a scenario counts 'existing' or 'all' customers."
        )
    notes, cac = [], None
    if spend is not None:
        acquired = acquisition_cost(ledger, spend, by="month")
        table = acquired.table
        cac = float(table["cost"].sum() / table["customers"].sum())
        money = money_unit(ledger.currency)
        notes = [f"A customer has cost {cac:,.2f} {money} so far, organic ones included."]
        notes += [each for each in acquired.notes if "left out" in each]
    case = ScenarioCase(
        model, ledger, Horizon.parse(horizon), Margin.parse(margin), check_rate(rate), population,
        cac, high_margin, draws, seed,
    )  # fmt: skip
    before, after = case.measures({}), case.measures(levers)
    change = pd.DataFrame({name: after[name] - before[name] for name in before})
    lo, hi = (change.iloc[1:].quantile(level) for level in (0.05, 0.95))
    out = pd.DataFrame(
        {
            "unit": pd.Series(UNITS).reindex(change.columns),
            "base": pd.Series({n: each[0] for n, each in before.items()}),
            "scenario": pd.Series({n: each[0] for n, each in after.items()}),
            "difference": change.iloc[0],
            "lo": lo,
            "hi": hi,
        }
    ).rename_axis("measure")
    drawn = change.iloc[1:].reset_index(drop=True)
    return ScenarioResult(
        name or _called(levers), dict(levers), out, drawn, case, (*_notes(case, levers), *notes)
    )


def _called(levers: Levers) -> str:
    return ", ".join(str(each).replace("_", " ") for each in levers) or "no change"


def _notes(case: ScenarioCase, levers: Levers) -> list[str]:
    whom = {
        "existing": "customers seen by the cutoff",
        "all": "all customers, those still to come included",
    }[case.population]
    notes = [
        f"Counted over {case.horizon} after {case.ledger.cutoff}, of {whom}. Intervals (90 %) are "
        "of the difference between paired draws.",
        "A scenario says what follows if the levers move so far, not whether a measure moves them.",
    ]
    if any(
        value != neutral(name) for name, value in levers.items() if name == "acquisition_volume"
    ):
        notes.append("More new customers are taken to cost and to be worth what others do.")
    if levers.get("referral_rate"):
        notes.append("Referred customers cost nothing here; a bonus for them comes on top.")
    if {"horizon", "discount"} & set(levers):
        notes.append("A horizon or discount rate changes the yardstick, not what happens.")
    return notes
