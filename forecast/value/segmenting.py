"""Customers in segments, and how they move between two runs with the same rules."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.value.concentration import abc_classes, concentration
from forecast.value.rfm import rfm_scores, rfm_table
from forecast.value.segment_rules import SegmentRules, numbers_of
from forecast.value.tables import Tables

__all__ = ["Segments", "migration", "segments"]

TIERS = ("bronze", "silver", "gold", "platinum")
SCHEMES = ("abc_past", "abc_predicted", "rfm", "portfolio", "tier")


@dataclass(frozen=True, eq=False)
class Segments(Tables):
    """Customers in segments; made by :func:`segments`. A mapping of names to tables for a report.

    Attributes
    ----------
    customers : pandas.DataFrame
        Index ``customer_id``; ``abc_past``, ``abc_predicted`` (A, B, C), ``r``, ``f``, ``m``,
        ``rfm``, ``portfolio`` ("keep", "win back", "grow", "let go"), ``tier`` ("bronze" to
        "platinum"; "none" without value in the last 365 days), and ``past``, ``predicted``
        (currency), ``p_active``.
    rules : SegmentRules
        What parts them.
    notes : tuple of str
        What a reader must know.
    """

    customers: pd.DataFrame
    rules: SegmentRules
    notes: tuple[str, ...]
    concentration: pd.DataFrame = field(repr=False)

    def summary(self, scheme: str) -> pd.DataFrame:
        """Return one row a segment of a scheme.

        Parameters
        ----------
        scheme : {"abc_past", "abc_predicted", "rfm", "portfolio", "tier"}

        Returns
        -------
        pandas.DataFrame
            ``customers``, ``share_of_customers``, ``past``, ``predicted`` (currency),
            ``share_of_past``, ``share_of_predicted`` and mean ``p_active``; highest ``predicted``
            first.
        """
        if scheme not in SCHEMES:
            raise UsageError(f"scheme: {scheme!r} is not one of {', '.join(SCHEMES)}.")
        grouped = self.customers.groupby(scheme)
        out = pd.DataFrame({"customers": grouped.size()})
        out["share_of_customers"] = out["customers"] / len(self.customers)
        for name in ("past", "predicted"):
            out[name] = grouped[name].sum(min_count=1)
        for name in ("past", "predicted"):
            out[f"share_of_{name}"] = out[name] / self.customers[name].sum()
        out["p_active"] = grouped["p_active"].mean()
        return out.sort_values("predicted", ascending=False, kind="stable")

    def moves(self) -> pd.DataFrame:
        """Return what moves between the classes by past and by predicted value.

        Returns
        -------
        pandas.DataFrame
            One row a pair ``abc_past``, ``abc_predicted``: ``customers``, ``past``, ``predicted``
            (currency). A customer of A going to C was worth much and is expected to bring little.
        """
        pairs = self.customers.groupby(["abc_past", "abc_predicted"])
        out = pairs[["past", "predicted"]].sum()
        out.insert(0, "customers", pairs.size())
        return out.reset_index()

    @property
    def headline(self) -> str:
        """How many customers are to keep, win back, grow and let go, and what they hold."""
        said = [
            f"{name} {row['customers']:,.0f} ({row['share_of_predicted']:.0%} of predicted value, "
            f"{row['share_of_past']:.0%} of past)"
            for name, row in self.summary("portfolio").iterrows()
        ]
        return f"Of {len(self.customers):,} customers: {', '.join(said)}."

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables by the name that a report prints above them."""
        titles = {
            "abc_predicted": "ABC by predicted value",
            "rfm": "RFM segments",
            "portfolio": "Value and activity",
            "tier": "Loyalty tiers",
        }
        tables = {title: self.summary(scheme) for scheme, title in titles.items()}
        tables["ABC, past to predicted"] = self.moves()
        tables["Concentration of value"] = self.concentration
        tables["How segments are made"] = pd.DataFrame({"remark": self.notes})
        tables["Verdict on segments"] = pd.DataFrame({"verdict": [self.headline]})
        return tables


def segments(
    forecast: Forecast, ledger: Ledger, *, rules: SegmentRules | None = None, **learning: Any
) -> Segments:
    """Part customers by past and predicted value, RFM, activity and loyalty.

    Parameters
    ----------
    forecast : Forecast
        Of population "existing".
    ledger : Ledger
        What the model was fitted on.
    rules : SegmentRules, optional
        Of an earlier month, so that segments mean the same; by default learned here.
    **learning
        Passed to :meth:`SegmentRules.learn`.

    Raises
    ------
    UnsupportedError
        If the forecast has no customers or the ledger no amounts.
    UsageError
        If forecast, ledger and rules do not belong together.

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(300, seed=3, refunds=0.0)
    >>> ledger = fc.read_ledger(shop.orders, key=())
    >>> found = fc.segments(fc.BTYD().fit(ledger).forecast("26W", draws=0), ledger)
    >>> sorted(found.summary("portfolio").index)
    ['grow', 'keep', 'let go', 'win back']
    >>> fc.SegmentRules.from_dict(found.rules.to_dict()) == found.rules
    True
    """
    if rules is not None and learning:
        raise UsageError("segments: rules are given already; leave out how to learn them.")
    rules = SegmentRules.learn(forecast, ledger, **learning) if rules is None else rules
    if rules.horizon != str(forecast.horizon):
        raise UsageError(
            f"rules: learned for {rules.horizon}, but {forecast.horizon} was forecast. Predicted "
            "value compares over one horizon only."
        )
    out = numbers_of(forecast, ledger)
    past, predicted, year = out["past"], out["predicted"], out.pop("year")
    out["abc_past"] = abc_classes(past, (rules.abc_past[0], rules.abc_past[1]))
    out["abc_predicted"] = abc_classes(predicted, (rules.abc_predicted[0], rules.abc_predicted[1]))
    out = out.join(rfm_scores(rfm_table(ledger), rules.rfm))
    valuable, busy = past >= rules.value, out["p_active"] >= rules.p_active
    names = np.array([["let go", "grow"], ["win back", "keep"]], dtype=object)
    out["portfolio"] = pd.Series(names[valuable.astype(int), busy.astype(int)], index=out.index)
    level = np.searchsorted(rules.tiers, year.to_numpy(float), side="right")
    tier = np.where(year > 0, np.array(TIERS, dtype=object)[level], "none")
    out["tier"] = pd.Series(tier, index=out.index, dtype=str)
    shares = pd.DataFrame({"past": concentration(past), "predicted": concentration(predicted)})
    return Segments(out, rules, _notes(rules, forecast), shares)


def migration(before: Segments, after: Segments, scheme: str = "portfolio") -> pd.DataFrame:
    """Return how customers moved between two runs with the same rules.

    Returns
    -------
    pandas.DataFrame
        Rows: segment before, ``"(new)"`` for customers first seen since. Columns: segment after.
        Counts of customers.

    Raises
    ------
    UsageError
        If the rules differ, so that a move may be the rule's and not the customer's.
    """
    if before.rules != after.rules:
        raise UsageError("migration: the rules differ; pass rules=before.rules to the later run.")
    if scheme not in SCHEMES:
        raise UsageError(f"scheme: {scheme!r} is not one of {', '.join(SCHEMES)}.")
    past = before.customers[scheme].reindex(after.customers.index)
    past = past.astype(object).where(past.notna(), "(new)").astype(str)
    return pd.crosstab(past.rename("before"), after.customers[scheme].rename("after"))


def _notes(rules: SegmentRules, forecast: Forecast) -> tuple[str, ...]:
    return (
        f"Rules learned on {rules.learned_on}, applied on {forecast.cutoff}; predicted value is "
        f"that of {forecast.horizon} after it.",
        f"Class A has a past value of at least {rules.abc_past[0]:,.2f} (B "
        f"{rules.abc_past[1]:,.2f}), or a predicted one of {rules.abc_predicted[0]:,.2f} (B "
        f"{rules.abc_predicted[1]:,.2f}).",
        f"Valuable: a past value of at least {rules.value:,.2f}. Active: a purchase inside the "
        f"horizon with a probability of at least {rules.p_active:.0%}. Both: keep; valuable "
        "alone: win back; active alone: grow; neither: let go.",
        "Tiers by value of the last 365 days: "
        + ", ".join(
            f"{name} from {cut:,.2f}" for name, cut in zip(TIERS[1:], rules.tiers, strict=True)
        )
        + ".",
    )
