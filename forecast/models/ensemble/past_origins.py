"""What members would have forecast on past days, beside what happened: evidence for an ensemble."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.calendar import Window, day_of
from forecast.customer_days import CustomerDays
from forecast.draws import Sampler
from forecast.errors import ForecastError, TooLittleDataError
from forecast.forecaster import Forecaster
from forecast.ledger import Ledger
from forecast.models.ensemble.evidence import SEASONAL, Evidence, sources
from forecast.models.ensemble.level import age_factors, age_group
from forecast.models.ensemble.pooled_draws import Part, PooledDraws
from forecast.models.ensemble.stacking import learned_shares
from forecast.models.learned.learning_table import past_days
from forecast.models.spread import Shares

__all__ = ["PastOrigin", "PastOrigins"]

Floats = npt.NDArray[np.float64]

SHORTEST_REACH = 1 / 3  # of the horizon: shorter past windows teach nothing of shares
TRUST = 0.5  # of learned shares against fixed ones, where past windows are as long as the horizon
LEARNED_SHARE, ENOUGH_BUYERS = 0.6, 400.0
MOST_ORIGINS = 2
SPREADS = (0.0, 0.15, 0.3, 0.45, 0.6, 0.8)
COVER = 0.895
CALIBRATING = 20  # draws of each model at a past origin
MOST_CUSTOMERS = 50_000


@dataclass(frozen=True)
class PastOrigin:
    """One past day: forecasts of the window after it by those that could make one.

    Attributes
    ----------
    purchases, value : dict of str to array of float, shape (customers,)
        By model; value is empty without amounts.
    bought, spent : array of float, shape (customers,)
        What happened; spent is 0 without amounts.
    age : array of float, shape (customers,)
        Days since the first purchase.
    samplers : dict of str to Sampler
        The models' distributions of what each customer would do.
    """

    purchases: dict[str, Floats]
    value: dict[str, Floats]
    bought: Floats
    spent: Floats
    age: Floats
    samplers: dict[str, Sampler]

    def said(self, target: str) -> dict[str, Floats]:
        """Return the forecasts of a target."""
        return self.purchases if target == "purchases" else self.value

    def happened(self, target: str) -> Floats:
        """Return what happened."""
        return self.bought if target == "purchases" else self.spent

    def seen(self, target: str) -> Floats:
        """Return what happened, values capped at their 99.9th percentile."""
        seen = self.happened(target)
        return seen if target == "purchases" else np.minimum(seen, np.quantile(seen, 0.999))


@dataclass(frozen=True)
class PastOrigins:
    """Up to two past days, the last one a window before the cutoff.

    Attributes
    ----------
    origins : tuple of PastOrigin
        Newest first; none where the history is too short.
    reach : float
        Length of their windows over that of the one asked, at most 1.
    windows : float
        How many windows' worth of days they cover together.
    """

    origins: tuple[PastOrigin, ...]
    reach: float
    windows: float

    @classmethod
    def of(
        cls,
        ledger: Ledger,
        window: Window,
        models: Mapping[str, Forecaster],
        *,
        draws: int,
        seed: int,
    ) -> "PastOrigins":
        """Fit copies of the models on past days and forecast from them.

        At most 50,000 customers, sampled, take part, so the cost is bounded.
        """
        everyone = CustomerDays.of(ledger)
        try:
            ends, days = past_days(everyone, window)
        except TooLittleDataError:
            return cls((), 0.0, 0.0)
        if len(everyone.customers) > MOST_CUSTOMERS:
            rng = np.random.default_rng([seed, 5])
            chosen = rng.random(len(everyone.customers)) < MOST_CUSTOMERS / len(everyone.customers)
            everyone = everyone.only(chosen)
            ledger = ledger.only(everyone.customers)
        ends = ends[:MOST_ORIGINS]
        origins = tuple(
            _stand(ledger, everyone, end, days, models, CALIBRATING if draws else 0, seed)
            for end in ends
        )
        covered = days + ends[0] - ends[-1]
        return cls(origins, min(1.0, days / window.days), covered / days)

    @property
    def evidence(self) -> str:
        """Where the shares come from, in words."""
        if not self.origins or self.reach < SHORTEST_REACH:
            return "fixed, since no past window is a third of the horizon long"
        return f"learned on {len(self.origins)} past origins and shrunk to fixed ones"

    def shares(self, names: list[str], learners: frozenset[str], target: str) -> Floats:
        """Return the members' shares of a target, ``"purchases"`` or ``"value"``.

        They are learned among the members that answered at every past origin; others keep theirs.
        """
        prior = self._fixed(names, learners)
        known = [name for name in names if all(name in each.said(target) for each in self.origins)]
        if not self.origins or len(known) < 2 or self.reach < SHORTEST_REACH:
            return prior
        rows = [
            np.column_stack([each.said(target)[name] for name in known]) for each in self.origins
        ]
        place = [names.index(name) for name in known]
        part = float(prior[place].sum())
        if part <= 0:
            return prior
        actual = [each.seen(target) for each in self.origins]
        prior[place] = part * learned_shares(rows, actual, prior[place] / part, TRUST * self.reach)
        return prior

    def _fixed(self, names: list[str], learners: frozenset[str]) -> Floats:
        """Return fixed shares: of learned models together what the buyers they saw allow."""
        learned = np.array([name in learners for name in names])
        others = np.where(learned, 0.0, 1.0)
        if SEASONAL in names and others.sum() > 1:  # half of those that do not learn
            others[names.index(SEASONAL)] = others.sum() - 1.0
        if not learned.any() or learned.all():
            return np.asarray(np.where(learned, 1.0, others) / (learned + others).sum())
        buyers = float((self.origins[0].bought > 0).sum()) if self.origins else 0.0
        share = LEARNED_SHARE * buyers / (buyers + ENOUGH_BUYERS)
        mine = np.where(learned, share / learned.sum(), (1.0 - share) * others / others.sum())
        return np.asarray(mine)

    def errors(self, shares: Mapping[str, float], target: str) -> tuple[dict[str, float], ...]:
        """Return ``log(actual / forecast)`` of each source of the level at each past origin."""
        errors = []
        for each in self.origins:
            totals = {name: float(rows.sum()) for name, rows in each.said(target).items()}
            actual = float(each.happened(target).sum())
            errors.append(
                {
                    name: float(np.log(actual / total))
                    for name, total in sources(totals, shares).items()
                    if actual > 0 and total > 0
                }
            )
        return tuple(errors)

    def among(self, names: list[str], learners: frozenset[str], *, has_value: bool) -> Evidence:
        """Return all that they say of these members, without the customers.

        Parameters
        ----------
        names : list of str
        learners : set of str
            As for :meth:`shares`.
        has_value : bool
            Whether of value too.
        """
        targets = ("purchases", "value") if has_value else ("purchases",)
        shares = {target: self.shares(names, learners, target) for target in targets}
        named = {
            target: dict(zip(names, each.tolist(), strict=True)) for target, each in shares.items()
        }
        return Evidence(
            said=self.evidence,
            by_member=named,
            errors={target: self.errors(each, target) for target, each in named.items()},
            factors={
                target: self.age_factors(names, each, target) for target, each in shares.items()
            },
            customer_spread=self.customer_spread(names, shares["purchases"], 0),
            windows=self.windows,
            reach=self.reach,
        )

    def customer_spread(self, names: list[str], shares: Floats, seed: int) -> float:
        """Return the spread of customers' levels that makes their intervals cover.

        The members' draws at the past origins are moved to the pooled expectation, at the level
        that happened; the least spread is taken with which 90 % of the randomised PITs lie in
        (.05, .95), 0 where they do so by themselves.
        """
        cases = []
        for each in self.origins:
            weight = {
                name: share
                for name, share in zip(names, shares.tolist(), strict=True)
                if name in each.samplers
            }
            mixed = np.zeros_like(each.bought)
            for name, share in weight.items():
                mixed += each.purchases[name] * share
            if mixed.any() and each.bought.any():
                cases.append((each, weight, mixed * (each.bought.sum() / mixed.sum())))
        for spread in SPREADS:
            inside = [_inside(*case, spread, seed) for case in cases]
            if not inside or np.mean(inside) >= COVER:
                return spread
        return SPREADS[-1]

    def age_factors(self, names: list[str], shares: Floats, target: str) -> Floats:
        """Return a factor for each group of ages, from the past origins' errors by age."""
        weight = dict(zip(names, shares.tolist(), strict=True))
        groups, expected, actual = [], [], []
        for each in self.origins:
            said = {name: rows for name, rows in each.said(target).items() if name in weight}
            if said:
                groups.append(age_group(each.age))
                mixed = [rows * weight[name] for name, rows in said.items()]
                expected.append(np.sum(mixed, axis=0))
                actual.append(each.seen(target))
        return age_factors(groups, expected, actual)


def _inside(
    origin: PastOrigin, weight: Mapping[str, float], mean: Floats, spread: float, seed: int
) -> float:
    """Return the share of randomised PITs in (.05, .95) at a past origin."""
    parts = [Part(origin.samplers[name], origin.purchases[name], None) for name in weight]
    everyone = np.zeros(len(mean), dtype=np.int64)
    draws = PooledDraws(
        parts, mean, None, everyone, 0.0, 0.0, spread, 0.0,
        Shares(np.ones((1, 1)), everyone), seed,
    )  # fmt: skip
    each = np.repeat(list(weight.values()), [part.sampler.draws for part in parts])
    each = each / each.sum()
    inside = 0.0
    for block in draws.blocks():
        seen = origin.bought[block.rows, None]
        below, at = ((drawn @ each) for drawn in (block.purchases < seen, block.purchases == seen))
        # what happened is one more draw, or a few draws would never reach into the tails; the
        # share of a randomised PIT needs no random numbers
        width = (draws.draws * at + 1.0) / (draws.draws + 1)
        start = draws.draws * below / (draws.draws + 1)
        overlap = np.minimum(start + width, 0.95) - np.maximum(start, 0.05)
        inside += float((np.maximum(overlap, 0.0) / width).sum())
    return inside / len(mean)


def _stand(
    ledger: Ledger,
    everyone: CustomerDays,
    end: int,
    days: int,
    models: Mapping[str, Forecaster],
    draws: int,
    seed: int,
) -> PastOrigin:
    known = everyone.at(end)
    bought, spent = everyone.outcome(known, end + 1, end + 1 + days)
    past, purchases, value, samplers = ledger.cut(day_of(end)), {}, {}, {}
    for name, model in models.items():
        try:
            forecast = deepcopy(model).fit(past).forecast(f"{days}D", draws=draws, seed=seed)
        except ForecastError:
            continue
        assert forecast.customers is not None
        table = forecast.customers.reindex(known.customers)
        amounts = table["expected_value"].to_numpy(float)
        if not table["expected_purchases"].isna().any():
            purchases[name] = table["expected_purchases"].to_numpy(float)
            if forecast.sampler is not None:
                samplers[name] = forecast.sampler
            if ledger.has_value and np.isfinite(amounts).all():
                value[name] = amounts
    nothing = np.zeros_like(bought)
    return PastOrigin(
        purchases, value, bought, nothing if spent is None else spent, known.age, samplers
    )
