"""A scenario beside the forecast without it: its table, its levers one by one, their break-even."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import UsageError
from forecast.ledger.currency import money_unit
from forecast.value.break_even import BreakEven, break_even
from forecast.value.levers import SHARES
from forecast.value.scenario_case import ScenarioCase
from forecast.value.tables import Tables

__all__ = ["ScenarioResult"]

Levers = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class ScenarioResult(Tables):
    """A scenario beside the forecast without it; made by :func:`forecast.scenario`.

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
    def currency(self) -> str | None:
        """What the ledger calls amounts."""
        return self.case.ledger.currency

    @property
    def headline(self) -> str:
        """By how much the scenario changes what counts, and whether it may change nothing."""
        measure = "net_value" if "net_value" in self.table.index else "clv"
        row = self.table.loc[measure]
        number, lo, hi = (f"{row[each]:+,.2f}" for each in ("difference", "lo", "hi"))
        text = (
            f"{self.name} changes {measure.replace('_', ' ')} over {self.case.horizon} by {number} "
            f"(90 % interval {lo} to {hi}) {money_unit(self.currency)}, from "
            f"{row['base']:,.2f} to {row['scenario']:,.2f}."
        )
        if self.levers and row["lo"] < 0 < row["hi"]:
            text += " The interval holds 0: it may bring nothing."
        return text

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name that a report prints above them."""
        pulled = pd.DataFrame({
            "lever": list(self.levers),
            "value": [f"{each:g}" if isinstance(each, float) else str(each)
                      for each in self.levers.values()],
        })  # fmt: skip
        named = {} if self.currency is None else {"currency": self.currency}
        table = self.table.reset_index()
        return {
            f"Scenario: {self.name}": table.assign(unit=table["unit"].replace(named)),
            f"Levers of {self.name}": pulled,
            f"What to know of {self.name}": pd.DataFrame({"remark": self.notes}),
            f"Verdict on {self.name}": pd.DataFrame({"verdict": [self.headline]}),
        }
