"""What a new customer is worth: margin by age, by channel or cohort, as far as it was observed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import ColumnError, UsageError, listed
from forecast.ledger import Ledger
from forecast.value.discounting import check_rate
from forecast.value.margin import Margin, earned_by_age
from forecast.value.sampling import check_level, shapes, unskewed
from forecast.views import customer_summary, labelled

__all__ = ["value_by_age"]

FloatArray = npt.NDArray[np.float64]

AGES = ("30D", "90D", "180D", "365D")


def value_by_age(
    ledger: Ledger,
    *,
    margin: "float | str | pd.Series[Any] | Margin",
    rate: float = 0.0,
    by: str = "cohort",
    ages: Sequence[str] = AGES,
    level: float = 0.9,
    expected: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what a customer is worth from the first purchase up to an age, as observed.

    Parameters
    ----------
    ledger : Ledger
        Purchases up to the cutoff.
    margin
        As in :func:`clv <forecast.value.lifetime_value.clv>`.
    rate : float
        Annual effective rate; margin is discounted to the first purchase.
    by : str
        ``"cohort"`` (month of the first purchase) or a customer column; ``"(none)"`` without.
    ages : sequence of str
        Lengths from the first purchase, rising; a month counts 365.25 / 12 days.
    level : float
        Of the interval.
    expected : pandas.DataFrame, optional
        What :func:`forecast.newcomer_value` returns for the same ``by`` and ages: revenue, with
        young groups predicted. It becomes margin at its group's own ratio of margin to revenue
        so far, and is discounted as all customers' margin up to that age is.

    Returns
    -------
    pandas.DataFrame
        One row a group and age: ``group``, ``age``, ``customers`` (those who have passed that
        age), ``value``, the expected margin per customer up to it (currency), ``lo`` and ``hi``,
        the confidence interval of that expectation. Ages nobody in the group has passed are
        absent: what is to come is a forecast's, not the past's, to say. With ``expected`` they
        are there, ``value`` missing, beside ``expected``, ``expected_lo_90``, ``expected_hi_90``.

    Notes
    -----
    The margin between two ages is averaged over all who have passed the later one, and these
    averages are added up (a chain of cohorts), so young customers tell of young ages. The
    interval is Hall's for a skewed mean, of each customer's influence on that sum, with its
    relative spread and its skewness pooled over the groups.

    Examples
    --------
    >>> import pandas as pd
    >>> import forecast as fc
    >>> orders = pd.DataFrame({"customer": ["a", "a", "b"], "value": [10.0, 30.0, 20.0],
    ...     "date": ["2024-01-01", "2024-02-20", "2024-01-05"]})
    >>> ledger = fc.read_ledger(orders, cutoff="2024-04-15")
    >>> fc.value_by_age(ledger, margin=0.5)[["group", "age", "customers", "value"]]
         group  age  customers  value
    0  2024-01  30D          2    7.5
    1  2024-01  90D          2   15.0
    """
    from scipy.special import ndtri

    check_level(level)
    rate, terms = check_rate(rate), Margin.parse(margin)
    ends = np.array([_days(age, ledger.cutoff) for age in ages])
    if not ends.size or (np.diff(ends) <= 0).any():
        raise UsageError(f"ages: {list(ages)} must rise, e.g. {list(AGES)}.")
    people = customer_summary(ledger)
    if by != "cohort" and by not in ledger.customer_columns:
        offered = listed(["cohort", *ledger.customer_columns])
        raise ColumnError(f"by: {by!r} is not one of {offered}.")
    code, groups = pd.factorize(labelled(people[by]), sort=True)
    lived = people["T"].to_numpy()[:, None] + 1 >= ends  # shape (customers, ages)
    earned = np.where(lived, _margins(ledger, people, terms, rate, ends), 0.0)
    reached = _by_group(code, lived.astype(float), len(groups))
    mean = _by_group(code, earned, len(groups)) / np.maximum(reached, 1.0)
    weight = reached[:, :1] / np.maximum(reached, 1.0)
    influence = np.where(lived, earned - mean[code], 0.0) * weight[code]
    value, total = np.cumsum(mean, axis=1), np.cumsum(influence, axis=1)
    z = float(ndtri((1 + level) / 2))
    rows, known = [], lived[:, 0]
    for place, age in enumerate(ages):
        whole = value[code[known], place] + total[known, place]
        spread, skew = shapes(whole, code[known], len(groups))
        for each in np.flatnonzero(reached[:, place]).tolist():
            size = int(reached[each, 0])
            lo, hi = value[each, place] - spread[each] / np.sqrt(size) * unskewed(
                [z, -z], float(skew[each]), size
            )
            row = (groups[each], str(age), int(reached[each, place]), value[each, place], lo, hi)
            rows.append((each, place, row))
    names = ["group", "age", "customers", "value", "lo", "hi"]
    out = pd.DataFrame([row for _, _, row in sorted(rows, key=lambda one: one[:2])], columns=names)
    if expected is None:
        return out
    plain = np.where(lived, _margins(ledger, people, terms, 0.0, ends), 0.0)
    left = np.cumsum(earned.sum(axis=0)) / np.cumsum(plain.sum(axis=0))
    worth = terms.of_purchases(ledger).groupby("customer_id")["margin"].sum()
    kept = _by_group(code, worth.reindex(people.index).to_numpy()[:, None], len(groups))[:, 0]
    kept /= _by_group(code, people["total_value"].to_numpy()[:, None], len(groups))[:, 0]
    return _beside(
        out,
        expected,
        dict(zip(groups, kept, strict=True)),
        dict(zip(map(str, ages), left, strict=True)),
    )


def _beside(
    observed: pd.DataFrame, expected: pd.DataFrame, kept: dict[Any, Any], left: dict[str, Any]
) -> pd.DataFrame:
    """Set expected revenue, as discounted margin, beside what was observed."""
    columns = ["expected_value", "value_lo_90", "value_hi_90"]
    missing = [name for name in ("group", "age", *columns) if name not in expected.columns]
    if missing:
        raise ColumnError(f"expected: no column {listed(missing)}; give fc.newcomer_value's table.")
    table = expected[expected["age"].astype(str).isin(left)].copy()
    factor = table["group"].astype(str).map(kept) * table["age"].astype(str).map(left)
    names = ["expected", "expected_lo_90", "expected_hi_90"]
    table[names] = table[columns].mul(factor, axis=0)
    table["group"], table["age"] = table["group"].astype(str), table["age"].astype(str)
    both = observed.merge(table[["group", "age", *names]], on=["group", "age"], how="outer")
    both["customers"] = both["customers"].fillna(0).astype(int)
    order = both["age"].map({age: place for place, age in enumerate(left)})
    return both.iloc[np.lexsort((order, both["group"]))].reset_index(drop=True)


def _days(age: str, cutoff: date) -> float:
    length = Horizon.parse(age, "ages")
    if length.until is not None:
        raise UsageError(f"ages: {age!r} is a date; give a length such as '90D'.")
    return float(np.ceil(length.mean_days(cutoff)))


def _margins(
    ledger: Ledger, people: pd.DataFrame, margin: Margin, rate: float, ends: FloatArray
) -> FloatArray:
    """Discounted margin of each customer between one age and the next."""
    who, days, money = earned_by_age(margin, ledger, people, rate)
    band = np.searchsorted(ends, days, side="right")
    inside = band < ends.size
    place = who[inside] * ends.size + band[inside]
    flat = np.bincount(place, money[inside], minlength=len(people) * ends.size)
    return np.asarray(flat.reshape(len(people), ends.size), dtype=float)


def _by_group(code: Any, numbers: FloatArray, groups: int) -> FloatArray:
    return np.stack([np.bincount(code, column, minlength=groups) for column in numbers.T], axis=1)
