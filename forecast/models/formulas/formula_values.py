"""Every LTV formula estimated from one ledger, with the numbers put in and its assumptions."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import DAYS_PER_YEAR, Horizon
from forecast.errors import UnsupportedError
from forecast.ledger import Ledger
from forecast.models.formulas.formulas import (
    TO_DATE,
    WHOLE_LIFE,
    FormulaValue,
    lifetime_arpu,
    lifetime_repeat_purchases,
    monthly_purchases,
    revenue_per_customer,
    yearly_purchases,
)
from forecast.models.formulas.lapse import Activity
from forecast.models.formulas.rate import Rate, number
from forecast.views import customer_summary

__all__ = ["formula_values"]

FloatArray = npt.NDArray[np.float64]

_MONTH = DAYS_PER_YEAR / 12
_NORMAL_95 = 1.6448536269514722


def formula_values(
    ledger: Ledger,
    *,
    silence: str | None = None,
    margin: float | None = None,
    margin_kind: str = "gross",
) -> pd.DataFrame:
    """Return marketing's lifetime values of a log, one formula a row.

    A customer has left when he is silent for so many days up to the cutoff; all others are
    censored, and who came back after such a silence had not left. The mean lifetime is days
    active, up to that silence after each purchase, over customers who have left: constant churn,
    maximum likelihood. A first purchase and what follows at the repeat rate make up a life.

    Parameters
    ----------
    ledger : Ledger
        With amounts.
    silence : str, optional
        Length of the silence: ``"90D"``; by default what 90 % of all gaps do not exceed, at most
        half the history.
    margin : float, optional
        Share of revenue, for the margin form of each.
    margin_kind : str
        Which margin that is.

    Returns
    -------
    pandas.DataFrame
        Index ``formula``; ``value`` in the ledger's currency, ``lo_90`` and ``hi_90`` (sampling of
        customers alone, delta method on the logarithm), ``unit``, ``calculation``,
        ``assumptions``. Where nobody has left no lifetime is known: the value is missing
        and ``calculation`` says why.

    Raises
    ------
    UnsupportedError
        If the ledger has no amounts.
    TooLittleDataError
        If nobody bought twice and no silence is given.

    Examples
    --------
    >>> import forecast as fc
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
    >>> formula_values(ledger, silence="13W")["value"].round(2).to_list()
    [73.45, 82.05, 45.5, 81.41, 81.41]
    """
    if not ledger.has_value:
        raise UnsupportedError("LTV formulas need amounts; the ledger was read without a value.")
    activity = Activity.learn(ledger, silence)
    summary = customer_summary(ledger)
    first, whole = (summary[name].to_numpy(float) for name in ("first_value", "total_value"))
    sums = np.column_stack([
        np.ones(len(summary)), first, activity.days, ~activity.active,
        summary["frequency"], whole - first, whole,
    ]).astype(float)  # fmt: skip
    out = []
    for name, unit, ask, at in _FORMULAS:
        mean = sums.mean(axis=0)
        if name != _FORMULAS[0][0] and mean[3] == 0:
            out.append(_refused(name, unit, activity))
            continue
        found = ask(mean, len(sums))
        if margin is not None:
            found = found.with_margin(margin, margin_kind)
        error = _relative_error(at, sums)
        bounds = found.value * np.exp(np.array([-1, 1]) * _NORMAL_95 * error)
        said = found.assumptions
        if name != _FORMULAS[0][0]:
            said = (*said, *_how_lives_end(activity))
        out.append({
            "formula": found.formula, "value": found.value,
            "lo_90": bounds.min(), "hi_90": bounds.max(), "unit": found.unit,
            "calculation": found.calculation, "assumptions": "; ".join(said),
        })  # fmt: skip
    return pd.DataFrame(out).set_index("formula")


def _refused(name: str, unit: str, activity: Activity) -> dict[str, object]:
    why = (
        f"refused: none of {len(activity.index):,} customers has been silent for the last "
        f"{activity.silence} days, so retention is 1 and no lifetime is known"
    )
    missing = dict.fromkeys(["value", "lo_90", "hi_90"], np.nan)
    return {"formula": name, **missing, "unit": unit, "calculation": why, "assumptions": ""}


def _how_lives_end(activity: Activity) -> tuple[str, ...]:
    left, size = int((~activity.active).sum()), len(activity.index)
    monthly = np.exp(-left / activity.days.sum() * _MONTH)
    return (
        f"a life ends with {activity.silence} silent days, which count as lived: {left:,} of "
        f"{size:,} have left, the rest are censored; {monthly:.1%} stay from month to month",
        f"who has left does not come back, though {activity.returns:,} purchases came after such "
        "a silence",
    )


# means per customer: 1, first value, days active, left, repeat purchases, repeat value, all value
def _lifetime(m: FloatArray) -> Horizon:
    return Horizon(max(1, round(m[2] / m[3])), "D")


def _aov(m: FloatArray) -> float:
    return float((m[1] + m[5]) / (1 + m[4]))


def _revenue(m: FloatArray, size: int) -> FormulaValue:
    return revenue_per_customer(float(m[6]) * size, size)


def _arpu(m: FloatArray, size: int) -> FormulaValue:
    life = m[2] / m[3]
    return lifetime_arpu(_lifetime(m), float(m[1] / life + m[5] / m[2]) * _MONTH, "1M")


def _repeat(m: FloatArray, size: int) -> FormulaValue:
    a_year = float(m[4] / m[2]) * DAYS_PER_YEAR
    found = lifetime_repeat_purchases(_aov(m), _lifetime(m), Rate(a_year, Horizon(1, "Y")))
    more = f"repeat purchases alone: the first, of {number(float(m[1]))}, comes on top"
    return FormulaValue(
        found.formula, found.value, found.calculation, found.unit, (more, *found.assumptions)
    )


def _a_day(m: FloatArray) -> float:
    """Purchases a day of life, the first one included."""
    return float(m[3] / m[2] + m[4] / m[2])


def _yearly(m: FloatArray, size: int) -> FormulaValue:
    return yearly_purchases(_aov(m), _a_day(m) * DAYS_PER_YEAR, _lifetime(m))


def _monthly(m: FloatArray, size: int) -> FormulaValue:
    return monthly_purchases(_aov(m), _a_day(m) * _MONTH, _lifetime(m))


def _bought(m: FloatArray) -> FloatArray:
    return np.asarray(_aov(m) * (1 + m[4] / m[3]))


_Value = Callable[[FloatArray], FloatArray]
_FORMULAS: tuple[tuple[str, str, Callable[[FloatArray, int], FormulaValue], _Value], ...] = (
    ("revenue / customers", TO_DATE, _revenue, lambda m: m[6]),
    ("lifetime x ARPU", WHOLE_LIFE, _arpu, lambda m: m[1] + m[5] / m[3]),
    ("AOV x lifetime x repeat purchase rate", WHOLE_LIFE, _repeat,
     lambda m: np.asarray(_aov(m) * m[4] / m[3])),
    ("AOV x purchases a year x years", WHOLE_LIFE, _yearly, _bought),
    ("AOV x purchases a month x months", WHOLE_LIFE, _monthly, _bought),
)  # fmt: skip


def _relative_error(value: _Value, sums: FloatArray) -> float:
    """Return the standard error of a function of means over its value, by the delta method."""
    mean, size = sums.mean(axis=0), len(sums)
    whole = float(value(mean))
    if size < 2 or not whole > 0:
        return float("nan")
    slope = np.zeros(len(mean))
    for place, step in enumerate(1e-6 * np.abs(mean)):
        if step > 0:
            nudge = np.zeros(len(mean))
            nudge[place] = step
            slope[place] = float(value(mean + nudge) - value(mean - nudge)) / (2 * step)
    spread = float(slope @ np.cov(sums, rowvar=False) @ slope) / size
    return float(np.sqrt(max(spread, 0.0))) / whole
