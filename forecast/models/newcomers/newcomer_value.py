"""What a new customer is worth at an age, by cohort and source, from the first day on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.calendar import Horizon
from forecast.errors import TooLittleDataError, UnsupportedError, UsageError
from forecast.ledger import Ledger
from forecast.models.newcomers.burn_in import burn_in_days
from forecast.views import customer_summary, labelled

__all__ = ["newcomer_value"]

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CREDIBILITY = 50.0  # purchases that weigh as much as the pooled development
_BIN = 30  # days of age at most in a step of the development


def newcomer_value(
    ledger: Ledger,
    ages: Sequence[str] = ("30D", "90D", "180D", "365D"),
    *,
    by: str = "cohort",
    burn_in: int | None = None,
    draws: int = 500,
    seed: int = 0,
) -> pd.DataFrame:
    """Return value per new customer at each age, young groups predicted by the development.

    What a group's customers have spent is taken as it is; what each of them has still to live up
    to the age is the pooled value per customer-day of that age times the group's level,

        level = (spent + 50 m) / (usual + 50 m),

    with ``usual`` what all customers would have spent by the same ages and ``m`` the pooled value
    of a purchase: a Bornhuetter-Ferguson forecast with credibility (Mack 2000). First purchases
    are part of both, so a source is told apart from its first day on. Intervals are those of the
    mean of a group, by a bootstrap over the customers of each group that repeats all of this.

    Parameters
    ----------
    ledger : Ledger
        With amounts.
    ages : sequence of str
        Ages with a unit; the first purchase is at age 0 and counts.
    by : str
        ``"cohort"`` (month of the first purchase) or a customer column.
    burn_in : int, optional
        Days at the start of the log whose customers are left out, since many are older than it;
        by default :func:`forecast.models.newcomers.burn_in.burn_in_days` decides.
    draws : int
        Bootstrap samples; 0 for no intervals.
    seed : int

    Returns
    -------
    pandas.DataFrame
        One row a group and age: ``group``, ``age``, ``customers``, ``observed`` (those who have
        lived the age in full), ``value_so_far`` (per customer, up to that age at most),
        ``expected_value`` (per customer at that age) and ``value_lo_90``, ``value_hi_90``, in the
        ledger's currency. An age that nobody has reached is missing.

    Raises
    ------
    UnsupportedError
        If the ledger has no amounts.
    TooLittleDataError
        If all customers came in the burn-in.

    Examples
    --------
    >>> import forecast as fc
    >>> shop = fc.simulate_shop(300, days=400, acquisition_days=400, seed=2).orders
    >>> table = newcomer_value(fc.read_ledger(shop, key=()), ages=["30D", "90D"], draws=0)
    >>> list(table.columns[:5])
    ['group', 'age', 'customers', 'observed', 'value_so_far']
    """
    if not ledger.has_value:
        raise UnsupportedError("newcomer_value needs amounts; read the log with its value column.")
    if not isinstance(draws, int) or draws < 0:
        raise UsageError(f"draws: {draws!r} must be 0 (no intervals) or more.")
    lengths = [Horizon.parse(age, "ages") for age in ages]
    if not lengths or any(length.until is not None for length in lengths):
        raise UsageError('ages: give lengths with a unit, such as ages=["30D", "365D"].')
    days = np.array([round(length.mean_days(ledger.cutoff)) for length in lengths])
    people, groups = _Histories.of(ledger, by, days, burn_in)
    size = len(groups)
    expected = people.develop(np.ones(len(people.age)), size)
    low, high = np.full((2, *expected.shape), np.nan)
    if draws:
        rng = np.random.default_rng(np.random.SeedSequence([seed, 0]))
        drawn = np.stack([people.develop(people.resampled(rng), size) for _ in range(draws)])
        known = np.isfinite(expected) & np.isfinite(drawn).any(axis=0)
        low[known], high[known] = np.nanquantile(drawn[:, known], [0.05, 0.95], axis=0)
    members = np.bincount(people.group, minlength=size)
    rows = []
    for place, (age, day) in enumerate(zip(lengths, days, strict=True)):
        step = int(np.searchsorted(people.edges, day))
        so_far = np.bincount(people.group, people.spent[:, : step + 1].sum(axis=1), minlength=size)
        old = np.bincount(people.group, people.age >= day, minlength=size)
        rows.append(
            pd.DataFrame(
                {
                    "group": groups,
                    "age": str(age),
                    "customers": members,
                    "observed": old.astype(int),
                    "value_so_far": so_far / members,
                    "expected_value": expected[:, place],
                    "value_lo_90": low[:, place],
                    "value_hi_90": high[:, place],
                }
            )
        )
    table = pd.concat(rows, ignore_index=True)
    return table.sort_values("group", kind="stable", ignore_index=True)


@dataclass(frozen=True)
class _Histories:
    """Customers by age: what each spent and lived in each step of the development.

    Attributes
    ----------
    age : array of int, shape (customers,)
        Days from the first purchase to the cutoff.
    group : array of int, shape (customers,)
    edges : array of int, shape (steps + 1,)
        Ages in days; step k is of ages in (edges[k - 1], edges[k]], step 0 the first purchase.
    spent, lived : array of float, shape (customers, steps + 1)
        Value; days.
    purchases : array of float, shape (customers,)
    places : array of int, shape (ages,)
        Which edge each age asked for is.
    """

    age: IntArray
    group: IntArray
    edges: IntArray
    spent: FloatArray
    lived: FloatArray
    purchases: FloatArray
    places: IntArray

    @classmethod
    def of(
        cls, ledger: Ledger, by: str, days: IntArray, burn_in: int | None
    ) -> "tuple[_Histories, pd.Index[str]]":
        summary = customer_summary(ledger)
        if by not in ("cohort", *ledger.customer_columns):
            raise UsageError(
                f"by: {by!r} is neither 'cohort' nor one of {ledger.customer_columns}."
            )
        first = summary["first_purchase"].to_numpy("datetime64[D]")
        left_out = burn_in_days(ledger) if burn_in is None else burn_in
        counted = first >= np.datetime64(ledger.first_day, "D") + np.timedelta64(left_out, "D")
        if not counted.any():
            raise TooLittleDataError(
                f"All {len(first):,} customers were first seen in the first {left_out} days, when "
                "most are likely older than the log; burn_in=0 counts them as new."
            )
        edges = np.union1d(np.arange(0, days.max() + 1, _BIN), days)
        edges = edges[edges <= days.max()]
        rows = ledger.purchases()
        owner = summary.index.get_indexer(pd.Index(rows["customer_id"]))
        bought = (rows["date"].to_numpy("datetime64[D]") - first[owner]).astype(np.int64)
        inside = bought <= days.max()
        step = np.searchsorted(edges, bought[inside])
        shape = (len(summary), len(edges))
        flat = owner[inside] * shape[1] + step
        value = rows["value"].to_numpy(float)[inside]
        added = np.bincount(flat, value, minlength=shape[0] * shape[1])
        spent = added.astype(float).reshape(shape)
        number = np.bincount(owner[inside], minlength=len(summary)).astype(float)
        age = summary["T"].to_numpy(np.int64)
        lived = np.minimum(age[:, None], edges) - np.concatenate([[0], edges[:-1]])
        lived = np.maximum(lived, 0).astype(float)
        lived[:, 0] = 1.0  # everybody has lived the day of the first purchase
        codes, groups = pd.factorize(labelled(summary[by][counted]), sort=True)
        # in an order of histories, so that a bootstrap does not depend on customers' names
        order = np.lexsort((spent[counted].sum(axis=1), number[counted], age[counted], codes))
        found = cls(
            age=age[counted][order],
            group=codes[order],
            edges=edges,
            spent=spent[counted][order],
            lived=lived[counted][order],
            purchases=number[counted][order],
            places=np.searchsorted(edges, days),
        )
        return found, pd.Index(groups)

    def resampled(self, rng: np.random.Generator) -> FloatArray:
        """Return how often each customer is in a sample of as many from each group."""
        size = np.bincount(self.group)
        start = np.cumsum(size) - size
        chance = (rng.random(len(self.group)) * size[self.group]).astype(np.int64)
        picked = start[self.group] + chance  # customers are sorted by group
        return np.bincount(picked, minlength=len(self.group)).astype(float)

    def develop(self, weight: FloatArray, groups: int) -> FloatArray:
        """Return value per customer at each age, by group; shape (groups, ages).

        Parameters
        ----------
        weight : array of float, shape (customers,)
            How often each customer is in the sample.
        """

        def add(of: FloatArray) -> FloatArray:
            columns = [np.bincount(self.group, weight * each, minlength=groups) for each in of.T]
            return np.stack(columns, axis=1)

        members = np.bincount(self.group, weight, minlength=groups)[:, None]
        spent, lived = add(self.spent), add(self.lived)
        whole = np.diff(np.concatenate([[0], self.edges])).astype(float)
        whole[0] = 1.0
        days = lived.sum(axis=0)
        rate = np.divide(spent.sum(axis=0), days, out=np.full(len(days), np.nan), where=days > 0)
        usual = lived @ np.nan_to_num(rate)
        prior = CREDIBILITY * spent.sum() / (weight @ self.purchases)
        level = np.ones(groups)
        np.divide(spent.sum(axis=1) + prior, usual + prior, out=level, where=usual + prior > 0)
        missing = np.maximum(members * whole - lived, 0.0)
        ahead = np.where(missing > 0, missing * rate * level[:, None], 0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.cumsum((spent + ahead) / members, axis=1)[:, self.places])
