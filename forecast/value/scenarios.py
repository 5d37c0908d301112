"""What happens if: a forecast under other levers, beside the one without, draw by draw."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Forecaster
from forecast.ledger import Ledger
from forecast.value.acquisition import acquisition_cost
from forecast.value.break_even import BreakEven, break_even
from forecast.value.discounting import check_rate
from forecast.value.levers import NEWCOMERS, SHARES, neutral
from forecast.value.margin import Margin
from forecast.value.scenario_case import UNITS, ScenarioCase
from forecast.value.scenario_file import read_scenario

__all__ = ["ScenarioResult", "scenario"]

Levers = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ScenarioResult(Mapping[str, pd.DataFrame]):
    """A scenario beside the forecast without it; made by :func:`scenario`.

    It is a mapping of names to tables, as :func:`forecast.report` takes for ``value``.

    Attributes
    ----------
    name : str
        What the scenario is called.
    levers : mapping
        What it changes.
    table : pandas.DataFrame
        One row a measure, over the horizon: ``unit``; expectations ``base`` and ``scenario``;
        their ``difference`` with ``lo`` and ``hi``, the 90 % interval of the paired draws'
        difference. ``purchases``, ``value`` (currency) and ``margin`` of all customers counted;
        ``clv``, margin discounted to the cutoff; with customers who are still to come
        ``new_customers``, and with a spend table ``cost``, theirs, discounted, and ``net_value =
        clv - cost``; ``ltv_cac``, past and future margin per existing customer over the cost of
        one.
    differences : pandas.DataFrame
        Draws of the difference, one column a measure.
    case : ScenarioCase
        What stays the same while levers move.
    notes : tuple of str
        What a reader must know.
    """

    name: str
    levers: Levers
    table: pd.DataFrame
    differences: pd.DataFrame = field(repr=False)
    case: ScenarioCase = field(repr=False)
    notes: tuple[str, ...]

    def tornado(
        self,
        levers: "Sequence[str] | Mapping[str, tuple[Any, Any]] | None" = None,
        *,
        swing: float = 0.1,
        measure: str | None = None,
    ) -> pd.DataFrame:
        """Move one lever at a time, down and up from the forecast without levers.

        Parameters
        ----------
        levers : sequence of str, or mapping to (low, high), optional
            Which, or between which values; by default all that can be moved by a factor.
        swing : float
            Factors go to ``1 - swing`` and ``1 + swing``, the discount rate by the same factors,
            shares and rates that are 0 now from there to ``swing``.
        measure : str, optional
            Row of ``table``; ``"net_value"`` where there is one, else ``"clv"``.

        Returns
        -------
        pandas.DataFrame
            One row a lever, the widest first: its values ``low`` and ``high``, the difference in
            the measure at each, ``at_low`` and ``at_high``, with 90 % intervals ``at_low_lo``,
            ``at_low_hi``, ``at_high_lo``, ``at_high_hi``, and ``span``, the range that 0 and both
            differences cover. ``attrs`` names the measure.
        """
        if not 0 < swing < 1:
            raise UsageError(f"swing: {swing} must be between 0 and 1, e.g. 0.1.")
        offered = list(self.table.index)
        measure = measure or ("net_value" if "net_value" in offered else "clv")
        if measure not in offered:
            raise UsageError(f"measure: {measure!r} is not one of {', '.join(offered)}.")
        chosen = self._movable() if levers is None else levers
        ends = (
            dict(chosen)
            if isinstance(chosen, Mapping)
            else {name: self._ends(name, swing) for name in chosen}
        )
        base = self.case.measures({})[measure]
        rows = []
        for name, values in ends.items():
            row: dict[str, Any] = {"lever": name, "low": values[0], "high": values[1]}
            for side, value in zip(("at_low", "at_high"), values, strict=True):
                change = self.case.measures({name: value})[measure] - base
                row[side] = change[0]
                row[f"{side}_lo"], row[f"{side}_hi"] = np.quantile(change[1:], [0.05, 0.95])
            row["span"] = max(row["at_low"], row["at_high"], 0) - min(
                row["at_low"], row["at_high"], 0
            )
            rows.append(row)
        out = pd.DataFrame(rows).set_index("lever")
        out = out.sort_values("span", ascending=False, kind="stable")
        out.attrs["measure"] = measure
        return out

    def break_even(
        self,
        lever: str,
        cost_per_customer: float,
        bounds: tuple[float, float] | None = None,
    ) -> BreakEven:
        """Return how far a lever must move to pay for a programme.

        A loyalty programme that costs ``c`` per customer, paid now for every existing customer,
        pays if their discounted margin rises by at least that. Customers who are still to come
        are left out of both. Other levers of the scenario are held.

        Parameters
        ----------
        lever : str
            One that acts on existing customers.
        cost_per_customer : float
            In the ledger's currency.
        bounds : (float, float), optional
            Where to look; from neutral to twice (factors) or to 1 (shares) by default.
        """
        return break_even(self.case, dict(self.levers), lever, cost_per_customer, bounds)

    def _movable(self) -> list[str]:
        case = self.case
        names = [each for each in case.own_levers if each != "events"]
        names += ["items_per_order", "margin"]
        names += ["cost_to_serve"] if case.margin.per_order else []
        names += ["discount"] if case.rate else []
        names += ["product_mix"] if case.high_margin is not None else []
        if "new_customers" in self.table.index:
            names += ["acquisition_volume", "referral_rate"]
        return names + (["cac"] if case.cac else [])

    def _ends(self, name: str, swing: float) -> tuple[float, float]:
        if name in ("horizon", "events"):
            raise UsageError(f"tornado: {name} has no swing; give {{{name!r}: (low, high)}}.")
        if name == "discount":
            return self.case.rate * (1 - swing), self.case.rate * (1 + swing)
        return (0.0, swing) if name in SHARES else (1 - swing, 1 + swing)

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name that a report prints above them."""
        pulled = pd.DataFrame({
            "lever": list(self.levers),
            "value": [f"{each:g}" if isinstance(each, float) else str(each)
                      for each in self.levers.values()],
        })  # fmt: skip
        return {
            f"Scenario: {self.name}": self.table.reset_index(),
            f"Levers of {self.name}": pulled,
            f"What to know of {self.name}": pd.DataFrame({"remark": self.notes}),
        }

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.tables)

    def __len__(self) -> int:
        return len(self.tables)


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
    'retention does not pay 1,000.00 a customer anywhere between 1 and 2.'
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
        notes = [f"A customer has cost {cac:,.2f} so far, organic ones included."]
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
