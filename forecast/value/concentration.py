"""How much of the money comes from how few: ABC classes, the Pareto curve, concentration."""

from typing import Any

import numpy as np
import pandas as pd

from forecast.errors import UsageError

__all__ = ["abc_classes", "abc_cuts", "concentration", "pareto_curve"]


def abc_cuts(
    value: "pd.Series[Any]", shares: tuple[float, float] = (0.80, 0.95)
) -> tuple[float, float]:
    """Return the lowest value in class A and the lowest in class B.

    Customers are taken from the highest value down; those needed to reach the first share of the
    whole are A, those needed to reach the second B, the rest C. Equal values share a class.

    Parameters
    ----------
    value : pandas.Series
        Value of each customer; what is not above 0 is C and outside the whole.
    shares : tuple of float
        Cumulative: ``(0.80, 0.95)`` for 80/15/5.

    Examples
    --------
    >>> import pandas as pd
    >>> abc_cuts(pd.Series([50.0, 30.0, 10.0, 5.0, 3.0, 2.0]))
    (30.0, 5.0)
    """
    if len(shares) != 2 or not 0 < shares[0] < shares[1] <= 1:
        raise UsageError(f"shares: {shares} must rise between 0 and 1, e.g. (0.80, 0.95).")
    ordered = np.sort(_positive(value))[::-1]
    if not ordered.size:
        return float("inf"), float("inf")
    reached = np.cumsum(ordered) / ordered.sum()
    first, second = (int(np.searchsorted(reached, share - 1e-12)) for share in shares)
    return float(ordered[min(first, ordered.size - 1)]), float(
        ordered[min(second, ordered.size - 1)]
    )


def abc_classes(value: "pd.Series[Any]", cuts: tuple[float, float]) -> "pd.Series[str]":
    """Return each customer's class, ``A``, ``B`` or ``C``, by cuts of :func:`abc_cuts`."""
    highest, middle = cuts
    numbers = value.to_numpy(float)
    names = np.where(
        (numbers >= highest) & (numbers > 0),
        "A",
        np.where((numbers >= middle) & (numbers > 0), "B", "C"),
    )
    return pd.Series(names, index=value.index, dtype=str)


def pareto_curve(value: "pd.Series[Any]", points: int = 100) -> pd.DataFrame:
    """Return which share of value the most valuable customers bring.

    Parameters
    ----------
    value : pandas.Series
        Value of each customer; below 0 counts as 0.
    points : int
        Steps of the curve, evenly spread over customers.

    Returns
    -------
    pandas.DataFrame
        ``share_of_customers`` from 0 to 1, the most valuable first, and ``share_of_value``.
    """
    ordered = np.sort(np.clip(value.dropna().to_numpy(float), 0.0, None))[::-1]
    _refuse_nothing(ordered)
    share = np.linspace(0.0, 1.0, points + 1)
    reached = np.concatenate([[0.0], np.cumsum(ordered)]) / ordered.sum()
    at = np.interp(share * ordered.size, np.arange(ordered.size + 1), reached)
    return pd.DataFrame({"share_of_customers": share, "share_of_value": at})


def concentration(value: "pd.Series[Any]") -> "pd.Series[float]":
    """Return how unevenly value is spread over customers.

    Returns
    -------
    pandas.Series
        ``gini`` (0: all alike, near 1: all from one; twice the area between the Lorenz curve and
        the diagonal), ``top_1_share``, ``top_10_share`` and ``top_20_share`` (share of value of
        the most valuable 1, 10 and 20 % of customers) and ``customers_for_80`` (share of
        customers that bring 80 % of value).

    Examples
    --------
    >>> import pandas as pd
    >>> concentration(pd.Series([4.0, 3.0, 2.0, 1.0]))["gini"].item()
    0.25
    """
    ordered = np.sort(np.clip(value.dropna().to_numpy(float), 0.0, None))
    _refuse_nothing(ordered)
    size, whole = ordered.size, ordered.sum()
    gini = (2 * np.arange(1, size + 1) - size - 1) @ ordered / (size * whole)
    reached = np.concatenate([[0.0], np.cumsum(ordered[::-1])]) / whole
    places = np.arange(size + 1) / size
    out = {"gini": gini}
    out |= {
        f"top_{percent}_share": np.interp(percent / 100, places, reached) for percent in (1, 10, 20)
    }
    out["customers_for_80"] = np.interp(0.8, reached, places)
    return pd.Series({name: float(each) for name, each in out.items()})


def _positive(value: "pd.Series[Any]") -> Any:
    numbers = value.dropna().to_numpy(float)
    return numbers[numbers > 0]


def _refuse_nothing(ordered: Any) -> None:
    if not ordered.sum() > 0:
        raise UsageError("value: nobody has a value above 0, so there is nothing to share.")
