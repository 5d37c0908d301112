"""Model against model: which is better, by how much, and whether that could be luck.

One paired bootstrap gives every ratio its interval and the set of models that may be the best;
the test of Diebold and Mariano looks at the course over origins alone. A difference that one
origin makes is named.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.backtest.bootstrap import (
    GROUPS,
    LossSums,
    Ratio,
    customer_groups,
    ratio_of,
    resample,
)
from forecast.backtest.confidence_set import model_confidence_set
from forecast.backtest.diebold_mariano import diebold_mariano
from forecast.backtest.evidence import check, customer_tables
from forecast.backtest.findings import sentences
from forecast.backtest.metrics import METRICS, Metric, chosen
from forecast.calendar import Window
from forecast.errors import UnsupportedError, UsageError
from forecast.forecaster import Population

if TYPE_CHECKING:
    from forecast.backtest.result import Backtest

__all__ = ["Comparison", "compare"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Comparison:
    """How models compare, pair by pair with a reference.

    Attributes
    ----------
    metric, target : str
        What was compared.
    reference : str
        The model all others are set against.
    level : float
        Of intervals and of the confidence set.
    origins_resampled : bool
        True where the intervals speak of other customers and other times; False where origins
        were too few, so that they speak of other customers at these origins.
    table : pandas.DataFrame
        Index ``model``, best first. ``score`` (in the unit of the metric, mean over ``origins``,
        the number both models answered); ``ratio`` to the reference, below 1 is better, with
        ``lo``, ``hi`` and the two-sided ``p_value`` of the bootstrap; ``dm_statistic`` (below 0:
        better than the reference) and ``dm_p_value`` of Diebold and Mariano; ``in_set``, whether
        the model is in the confidence set (missing where it did not answer every origin), and
        ``set_p_value``; ``dominant_cutoff``, the origin that makes more than half of the
        difference, of three or more, and ``dominant_share``, its part of the difference, above 1
        where the others say the opposite; ``verdict``: ``"better"`` or ``"worse"`` than the
        reference, ``"time"`` (the customers would tell, the origins are too few or disagree),
        ``"chance"``, ``"infinite"`` (something happened that the model had called impossible),
        ``"none"`` (no common origin), or ``"reference"``.
    sentences : tuple of str
        The same in plain words.
    """

    metric: str
    target: str
    reference: str
    level: float
    origins_resampled: bool
    table: pd.DataFrame = field(repr=False)
    sentences: tuple[str, ...]


def compare(
    bt: "Backtest",
    metric: str | Metric,
    target: str,
    *,
    reference: str | None,
    population: Population,
    level: float,
    replicates: int,
    seed: int,
) -> Comparison:
    """Compare every model with a reference; see :meth:`Backtest.compare`."""
    check(bt, target, population)
    if not 0 < level < 1:
        raise UsageError(f"level: {level} must be a share between 0 and 1, e.g. 0.9.")
    (measure,) = chosen([metric], ())
    if measure.loss is None:
        means = ", ".join(each.name for each in METRICS if each.loss is not None)
        raise UsageError(f"metric: {measure.name!r} is no mean over customers; compare {means}.")
    found = _gathered(bt, measure, target, population)
    whole = [name for name in found.models if np.isfinite(found.scores[name]).all()]
    if reference is not None and reference not in found.models:
        raise UsageError(f"reference: {reference!r} has no {measure.name}: {found.models} have.")
    if reference is not None and np.isinf(found.scores[reference]).any():
        raise UsageError(
            f"reference: the {measure.name} of {reference!r} is infinite; name another."
        )
    if not whole or len(found.models) < 2:
        raise UnsupportedError(
            f"compare: of {len(found.models)} models with a {measure.name} of {target}, "
            f"{len(whole)} have it at every origin; at least one and another are needed."
        )
    ranked = sorted(whole, key=lambda name: (found.scores[name].mean(), name))
    chief = ranked[0] if reference is None else reference
    settings = {"replicates": replicates, "seed": seed}
    table = pd.DataFrame.from_dict(
        {name: found.pair(name, chief, level, **settings) for name in found.models},
        orient="index",
    )
    every = resample(found.sums(ranked), **settings)
    kept = model_confidence_set(every, level).set_axis(ranked)
    table["in_set"] = kept["in_set"].reindex(table.index).astype("boolean")
    table["set_p_value"] = kept["p_value"].reindex(table.index)
    table["incomplete"] = ~table.index.isin(whole)
    table = table.rename_axis("model").sort_values(["incomplete", "score", "model"])
    said = sentences(
        table, reference=chief, label=measure.label, level=level,
        resampled=every.origins is not None, origins=len(bt.origins),
    )  # fmt: skip
    order = [
        "score", "ratio", "lo", "hi", "p_value", "dm_statistic", "dm_p_value", "in_set",
        "set_p_value", "origins", "dominant_cutoff", "dominant_share", "verdict",
    ]  # fmt: skip
    return Comparison(
        measure.name, target, chief, level, every.origins is not None, table[order], said
    )


@dataclass(frozen=True)
class _Gathered:
    """Losses of all models as sums, NaN at origins that a model did not answer."""

    losses: dict[str, FloatArray]
    customers: FloatArray
    cutoffs: pd.DatetimeIndex
    root: bool
    overlap: int

    @property
    def models(self) -> list[str]:
        return list(self.losses)

    @property
    def scores(self) -> dict[str, FloatArray]:
        sums = self.sums(self.models).by_origin()
        return dict(zip(self.models, sums, strict=True))

    def sums(self, names: list[str], at: Any = slice(None)) -> LossSums:
        stacked = np.stack([self.losses[name][at] for name in names])
        return LossSums(stacked, self.customers[at], self.root, self.overlap)

    def pair(self, name: str, chief: str, level: float, **settings: int) -> dict[str, Any]:
        """Set one model against the reference at the origins both answered."""
        sums = self.sums([name, chief])
        first, second = sums.by_origin()
        both = np.isfinite(first) & np.isfinite(second)
        row: dict[str, Any] = {"score": float(first[both].mean()) if both.any() else np.nan}
        row |= {"origins": int(both.sum()), "verdict": "none"}
        row |= {"dominant_cutoff": pd.NaT, "dominant_share": np.nan}
        unknown = dict.fromkeys(["ratio", "lo", "hi", "p_value"], np.nan)
        if np.isinf(first).any():
            return row | unknown | {"score": np.inf, "verdict": "infinite"}
        if not both.any():
            return row | unknown
        drawn = resample(self.sums([name, chief], both), **settings)
        found = ratio_of(drawn, 0, 1, level)
        row |= {"ratio": found.ratio, "lo": found.lo, "hi": found.hi, "p_value": found.p_value}
        test = diebold_mariano(first[both], second[both], overlap=self.overlap)
        row |= {"dm_statistic": test.statistic, "dm_p_value": test.p_value}
        if name == chief:
            return row | {"verdict": "reference"}
        people = ratio_of(replace(drawn, origins=None), 0, 1, level)
        row["verdict"] = _verdict(found) or ("time" if _verdict(people) else "chance")
        difference = (first - second)[both]
        total = difference.sum()
        if len(difference) > 2 and total != 0 and (difference / total).max() > 0.5:
            at = int(np.argmax(difference / total))
            row["dominant_cutoff"] = self.cutoffs[both][at]
            row["dominant_share"] = float(difference[at] / total)
        return row


def _gathered(bt: "Backtest", measure: Metric, target: str, population: Population) -> _Gathered:
    """Sum losses by group of customers, reading each table once."""
    places = {origin: at for at, origin in enumerate(bt.origins)}
    customers = np.zeros((len(places), GROUPS))
    losses: dict[str, FloatArray] = {}
    known: pd.Index[Any] | None = None
    groups = np.empty(0, dtype=np.int64)
    for origin, model, table in customer_tables(bt, population):
        loss = measure.losses(table, target)
        if loss is None:
            continue
        if known is None or not table.index.equals(known):
            known, groups = table.index, customer_groups(table.index)
        at = places[origin]
        own = losses.setdefault(model, np.full((len(places), GROUPS), np.nan))
        own[at] = np.bincount(groups, loss, minlength=GROUPS)
        customers[at] = np.bincount(groups, minlength=GROUPS)
    seen = customers.sum(axis=1) > 0
    days = [origin for origin, there in zip(bt.origins, seen, strict=True) if there]
    return _Gathered(
        {name: each[seen] for name, each in losses.items()},
        customers[seen],
        pd.DatetimeIndex(days),
        measure.root,
        _overlap([bt.horizon.window(day) for day in days]),
    )


def _verdict(found: Ratio) -> str:
    return "worse" if found.lo > 1 else "better" if found.hi < 1 else ""


def _overlap(windows: Sequence[Window]) -> int:
    """Return how many consecutive windows, at most, share days with the first of them."""
    return max(
        (sum(one.start <= other.start < one.end for other in windows) for one in windows),
        default=1,
    )
