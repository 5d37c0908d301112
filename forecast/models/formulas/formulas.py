"""Marketing's formulas of lifetime value: whole-life values from numbers that carry their units.

A lifetime is a length with a unit (``"3Y"``), a purchase rate says in what time (``"once in 3M"``);
a bare number for either is refused. Months and years convert as 12 to one, days as 365.25 a year.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import numpy as np

from forecast.calendar import Horizon
from forecast.errors import UsageError
from forecast.models.formulas.rate import Rate, number, parse_length, ratio

__all__ = [
    "FormulaValue",
    "lifetime_arpu",
    "lifetime_repeat_purchases",
    "monthly_purchases",
    "revenue_per_customer",
    "yearly_purchases",
]

WHOLE_LIFE = "currency per customer, whole life, undiscounted"
TO_DATE = "currency per customer, to date"
_CONSTANT = (
    "every customer is the average customer",
    "prices, rates and churn stay as they are for the whole life",
    "no discounting: money late in life counts in full",
    "revenue, not profit, unless a margin is named",
)


@dataclass(frozen=True)
class FormulaValue:
    """A value with the calculation behind it and what it takes for granted.

    Attributes
    ----------
    formula : str
        The formula in words.
    value : float
        In the currency of the amounts given, per customer.
    calculation : str
        The formula with the numbers put in.
    unit : str
        What the value is measured in.
    assumptions : tuple of str
    """

    formula: str
    value: float
    calculation: str
    unit: str
    assumptions: tuple[str, ...]

    def with_margin(self, share: float, kind: str) -> "FormulaValue":
        """Return the margin form: the value times a margin.

        Parameters
        ----------
        share : float
            Margin over revenue, 0.4 for 40 %.
        kind : str
            Which margin it is: ``"gross"``, ``"contribution"``, ``"net"``.

        Examples
        --------
        >>> print(revenue_per_customer(12_000, 300).with_margin(0.25, "gross").calculation)
        12,000 / 300 customers x 25 % gross margin = 10
        """
        if isinstance(share, bool) or not isinstance(share, int | float) or not -1 <= share <= 1:
            raise UsageError(f"margin: {share!r} is no share of revenue; write 0.4 for 40 %.")
        if not isinstance(kind, str) or not kind.strip():
            raise UsageError("margin: say which it is, e.g. kind='gross' or 'contribution'.")
        label = f"{number(100 * share)} % {kind.strip()} margin"
        value = self.value * share
        before = self.calculation.rsplit(" = ", 1)[0]
        kept = tuple(each for each in self.assumptions if each != _CONSTANT[3])
        return replace(
            self,
            formula=f"{self.formula} x {kind.strip()} margin",
            value=value,
            calculation=f"{before} x {label} = {number(value)}",
            assumptions=(*kept, f"a {label} on every order"),
        )

    def __str__(self) -> str:
        assumed = "".join(f"\n  - {each}" for each in self.assumptions)
        return f"{self.formula}\n{self.calculation} ({self.unit})\nAssumes:{assumed}"

    def _repr_html_(self) -> str:
        assumed = "".join(f"<li>{escape(each)}</li>" for each in self.assumptions)
        return (
            f"<p><b>{escape(self.formula)}</b><br>{escape(self.calculation)} "
            f"({escape(self.unit)})</p><p>Assumes</p><ul>{assumed}</ul>"
        )


def revenue_per_customer(revenue: float, customers: int) -> FormulaValue:
    """Return revenue / customers: what a customer has been worth so far.

    Parameters
    ----------
    revenue : float
        Of all these customers to date, in currency.
    customers : int
        Everybody who ever bought in that time.
    """
    _amount("revenue", revenue)
    _amount("customers", customers, positive=True)
    return _value(
        "revenue / customers",
        revenue / customers,
        f"{number(revenue)} / {number(customers)} customers",
        (
            "read as a lifetime value: nobody will ever buy again, so it is too low while any will",
            "customers of all ages count alike",
            _CONSTANT[3],
        ),
        unit=TO_DATE,
    )


def lifetime_arpu(lifetime: Any, arpu: float, per: Any) -> FormulaValue:
    """Return lifetime x ARPU.

    Parameters
    ----------
    lifetime : str or Horizon
        Mean time as a customer: ``"3Y"``.
    arpu : float
        Average revenue per customer and period, in currency.
    per : str or Horizon
        That period: ``"1M"``.

    Examples
    --------
    >>> print(lifetime_arpu("2Y", 15.0, "1M").calculation)
    2Y x 15 per 1M (24 periods) = 360
    """
    life, period = parse_length(lifetime, "lifetime"), parse_length(per, "per")
    _amount("arpu", arpu)
    periods = ratio(life, period)
    return _value(
        "lifetime x ARPU",
        arpu * periods,
        f"{life} x {number(arpu)} per {period} ({number(periods)} periods)",
        ("revenue comes evenly over the life", *_CONSTANT),
    )


def lifetime_repeat_purchases(aov: float, lifetime: Any, repeat_rate: Any) -> FormulaValue:
    """Return AOV x lifetime x repeat purchase rate.

    Parameters
    ----------
    aov : float
        Average order value, in currency.
    lifetime : str or Horizon
        Mean time as a customer: ``"3Y"``.
    repeat_rate : str or Rate
        How often a customer buys: ``"once in 3M"``. Estimated from repeat purchases alone, the
        first purchase comes on top.

    Examples
    --------
    Once in three months is four times a year, not three times:

    >>> print(lifetime_repeat_purchases(8_000, "3Y", "once in 3M").calculation)
    8,000 x 3Y x once in 3M (12 purchases) = 96,000
    """
    _amount("aov", aov)
    life, rate = parse_length(lifetime, "lifetime"), Rate.parse(repeat_rate, "repeat_rate")
    bought = rate.during(life)
    return _value(
        "AOV x lifetime x repeat purchase rate",
        aov * bought,
        f"{number(aov)} x {life} x {rate} ({number(bought)} purchases)",
        ("purchases come at one rate for the whole life", *_CONSTANT),
    )


def yearly_purchases(aov: float, purchases_a_year: float | str, lifetime: Any) -> FormulaValue:
    """Return AOV x purchases a year x years, the form used between businesses.

    Parameters
    ----------
    aov : float
        Average order value, in currency.
    purchases_a_year : float, str or Rate
        A count in a year, or a rate such as ``"once in 3M"``.
    lifetime : str or Horizon
        Mean time as a customer: ``"3Y"``.
    """
    return _counted(aov, purchases_a_year, lifetime, "year")


def monthly_purchases(aov: float, purchases_a_month: float | str, lifetime: Any) -> FormulaValue:
    """Return AOV x purchases a month x months.

    Parameters
    ----------
    aov : float
        Average order value, in currency.
    purchases_a_month : float, str or Rate
        A count in a month, or a rate such as ``"once in 3M"``.
    lifetime : str or Horizon
        Mean time as a customer: ``"18M"``.
    """
    return _counted(aov, purchases_a_month, lifetime, "month")


def _counted(aov: float, often: Any, lifetime: Any, unit: str) -> FormulaValue:
    _amount("aov", aov)
    life, one = parse_length(lifetime, "lifetime"), Horizon(1, unit[0].upper())
    name = f"purchases_a_{unit}"
    rate = often
    if isinstance(often, str | Rate):
        rate = Rate.parse(often, name).during(one)
    _amount(name, rate)
    units = ratio(life, one)
    return _value(
        f"AOV x purchases a {unit} x {unit}s",
        aov * rate * units,
        f"{number(aov)} x {number(rate)} a {unit} x {number(units)} {unit}s",
        ("purchases come at one rate for the whole life", *_CONSTANT),
    )


def _value(
    formula: str,
    value: float,
    calculation: str,
    assumptions: Sequence[str],
    unit: str = WHOLE_LIFE,
) -> FormulaValue:
    text = f"{calculation} = {number(value)}"
    return FormulaValue(formula, float(value), text, unit, tuple(assumptions))


def _amount(name: str, value: Any, *, positive: bool = False) -> None:
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.number)
        or not np.isfinite(value)
        or value < 0
        or (positive and value == 0)
    ):
        least = "above 0" if positive else "of 0 or more"
        raise UsageError(f"{name}: {value!r} must be a number {least}.")
