"""Past origins: nothing after the cutoff, members compared fairly, fixed shares by hand."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest

from forecast.calendar import Horizon
from forecast.draws import Draws, Split
from forecast.errors import TooLittleDataError
from forecast.forecaster import Forecaster
from forecast.ledger import Ledger
from forecast.models.btyd.btyd import BTYD
from forecast.models.ensemble.evidence import LAST_YEAR, SEASONAL, Evidence
from forecast.models.ensemble.level import Level, learn_level
from forecast.models.ensemble.past_origins import (
    ENOUGH_BUYERS,
    LEARNED_SHARE,
    SPREADS,
    PastOrigin,
    PastOrigins,
)
from forecast.models.learned.boosting import GradientBoosting
from forecast.models.naive import LastYear, OwnRate

Array = np.ndarray
NONE = PastOrigins((), 0.0, 0.0)


def origin(bought: Array, purchases: dict[str, Array], age: Array | None = None) -> PastOrigin:
    old = np.full(len(bought), 400.0) if age is None else age
    return PastOrigin(purchases, {}, bought, np.zeros(len(bought)), old, {})


def asked(ledger: Ledger, horizon: str) -> object:
    return Horizon.parse(horizon).window(ledger.cutoff)


class TestStanding:
    MEMBERS: ClassVar[dict[str, Forecaster]] = {
        "own_rate": OwnRate(),
        "bgnbd": BTYD("bgnbd", "gamma_gamma_all"),
        LAST_YEAR: LastYear(),
    }

    def learn(self, ledger: Ledger, horizon: str = "13W", draws: int = 0) -> PastOrigins:
        return PastOrigins.of(ledger, asked(ledger, horizon), self.MEMBERS, draws=draws, seed=0)  # type: ignore[arg-type]

    def test_members_stand_on_past_days_and_are_told_what_happened(self, cut: Ledger) -> None:
        past = self.learn(cut)
        assert (len(past.origins), past.reach) == (2, 1.0)
        assert past.windows == pytest.approx((91 + 45) / 91)
        for number, each in enumerate(past.origins):
            then = cut.cut(cut.cutoff - timedelta(days=91 + 45 * number))
            actual = cut.actuals(then.cutoff, "91D")
            np.testing.assert_array_equal(each.bought, actual["purchases"])
            np.testing.assert_allclose(each.spent, actual["value"])
            for name in ("own_rate", "bgnbd"):
                found = self.MEMBERS[name].fit(then).forecast("91D", draws=0).customers  # type: ignore[attr-defined]
                np.testing.assert_allclose(each.purchases[name], found["expected_purchases"])
                np.testing.assert_allclose(each.value[name], found["expected_value"])
            assert (each.happened("value") >= each.seen("value")).all()
            assert each.seen("value").max() <= np.quantile(each.spent, 0.999)
        assert LAST_YEAR in past.origins[0].purchases
        assert "2 past origins" in past.evidence

    def test_later_rows_do_not_reach_back(
        self, orders: pd.DataFrame, cut: Ledger, ledger_of: Callable[..., Ledger]
    ) -> None:
        late = orders["date"] > pd.Timestamp(cut.cutoff - timedelta(days=91))
        twice = orders.assign(amount=orders["amount"].where(~late, 2 * orders["amount"]))
        one = self.learn(cut).origins[0]
        other = self.learn(ledger_of(twice, cutoff=str(cut.cutoff))).origins[0]
        for name in one.purchases:
            np.testing.assert_array_equal(one.purchases[name], other.purchases[name])
            np.testing.assert_array_equal(one.value[name], other.value[name])
        np.testing.assert_allclose(other.spent, 2 * one.spent, rtol=1e-9)

    def test_a_member_that_cannot_stand_there_is_absent(self, cut: Ledger) -> None:
        young = cut.cut("2022-12-20")
        past = self.learn(young)
        assert past.origins
        assert all(LAST_YEAR not in each.purchases for each in past.origins)
        assert all("bgnbd" in each.purchases for each in past.origins)

    def test_a_history_too_short_has_no_origins(self, cut: Ledger) -> None:
        past = self.learn(cut.cut("2022-01-20"))
        assert (past.origins, past.reach) == ((), 0.0)
        assert "fixed" in past.evidence

    def test_shorter_windows_reach_less_far(self, cut: Ledger) -> None:
        short = cut.cut("2022-06-30")
        past = self.learn(short, "52W")
        history = (short.cutoff - short.first_day).days + 1
        assert past.reach == pytest.approx((history // 2) / 364)

    def test_many_customers_are_sampled(self, cut: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys.modules[PastOrigins.__module__], "MOST_CUSTOMERS", 150)
        past = self.learn(cut, draws=10)
        sizes = [len(each.bought) for each in past.origins]
        assert max(sizes) < 200
        for each, size in zip(past.origins, sizes, strict=True):
            assert {len(rows) for rows in each.purchases.values()} == {size}
            rows = [block.rows for block in each.samplers["bgnbd"].blocks()]
            assert rows[-1].stop == size


class TestFixedShares:
    def test_without_a_past_the_learned_models_have_none(self) -> None:
        shares = NONE.shares(["a", "b", "trees"], frozenset({"trees"}), "purchases")
        np.testing.assert_allclose(shares, [0.5, 0.5, 0.0])

    def test_they_grow_with_the_buyers_seen(self) -> None:
        bought = np.repeat([0.0, 1.0], [100, int(ENOUGH_BUYERS)])
        past = PastOrigins((origin(bought, {}),), 0.2, 1.0)
        shares = past.shares(["a", "x", "y"], frozenset({"x", "y"}), "purchases")
        half = LEARNED_SHARE / 2
        np.testing.assert_allclose(shares, [1 - half, half / 2, half / 2])

    def test_the_seasonal_one_has_half_of_what_does_not_learn(self) -> None:
        shares = NONE.shares(["a", "b", "trees", SEASONAL], frozenset({"trees"}), "value")
        np.testing.assert_allclose(shares, [0.25, 0.25, 0.0, 0.5])

    @pytest.mark.parametrize("names", [["a"], [SEASONAL], ["a", SEASONAL], ["x", "y"], ["x"]])
    def test_they_always_add_up(self, names: list[str]) -> None:
        shares = NONE.shares(names, frozenset({"x", "y"}), "purchases")
        assert shares.sum() == pytest.approx(1.0)
        assert (shares >= 0).all()


class TestLearnedShares:
    def past(self, reach: float) -> PastOrigins:
        rng = np.random.default_rng(0)
        truth = rng.gamma(0.5, 2.0, 2000)
        said = {"good": truth, "bad": rng.permutation(truth), "mute": truth}
        one = origin(rng.poisson(truth).astype(float), said)
        two = origin(rng.poisson(truth).astype(float), {k: said[k] for k in ("good", "bad")})
        return PastOrigins((one, two), reach, 1.5)

    def test_below_a_third_of_the_horizon_nothing_is_learned(self) -> None:
        names: list[str] = ["good", "bad"]
        fixed = self.past(0.33).shares(names, frozenset(), "purchases")
        np.testing.assert_array_equal(fixed, [0.5, 0.5])
        assert "fixed" in self.past(0.33).evidence

    def test_the_longer_the_windows_the_more(self) -> None:
        third, whole = (
            self.past(reach).shares(["good", "bad"], frozenset(), "purchases")
            for reach in (0.34, 1.0)
        )
        assert 0.5 < third[0] < whole[0] < 1.0
        assert whole.sum() == pytest.approx(1.0)

    def test_without_a_share_there_is_nothing_to_learn(self) -> None:
        nobody = origin(np.zeros(50), {"x": np.ones(50), "y": np.ones(50)})
        some = origin(np.ones(50), {"x": np.ones(50), "y": np.arange(50.0)})
        past = PastOrigins((nobody, some), 1.0, 1.0)
        shares = past.shares(["a", "x", "y"], frozenset({"x", "y"}), "purchases")
        np.testing.assert_array_equal(shares, [1.0, 0.0, 0.0])

    def test_who_was_not_there_keeps_his_share(self) -> None:
        shares = self.past(1.0).shares(["good", "bad", "mute"], frozenset(), "purchases")
        assert shares[2] == pytest.approx(1 / 3)
        assert shares[0] > 1 / 3 > shares[1]
        assert shares.sum() == pytest.approx(1.0)


def level_of(past: PastOrigins, now: dict[str, float], shares: dict[str, float]) -> Level:
    """Return the level that an ensemble of these shares takes from past origins."""
    errors = {"purchases": past.errors(shares, "purchases")}
    kept = Evidence("", {"purchases": shares}, errors, {}, 0.0, past.windows, past.reach)
    return kept.level(now, shares, "purchases")


class TestLevel:
    def test_errors_are_those_of_the_pooled_members_and_of_each_other_source(self) -> None:
        bought = np.array([3.0, 1.0, 0.0, 4.0])
        said = {name: np.full(4, mean) for name, mean in
                {"a": 1.0, "b": 3.0, SEASONAL: 2.5, LAST_YEAR: 1.0}.items()}  # fmt: skip
        past = PastOrigins((origin(bought, said),), 1.0, 1.0)
        now = {"a": 10.0, "b": 20.0, SEASONAL: 12.0, LAST_YEAR: 30.0}
        level = level_of(past, now, {"a": 0.3, "b": 0.1, SEASONAL: 0.6})
        # a and b, at 3 to 1, forecast 6 of the 8, and 12.5 now
        errors = {"members": np.log(8 / 6), SEASONAL: np.log(8 / 10), LAST_YEAR: np.log(8 / 4)}
        sources = {SEASONAL: 12.0, LAST_YEAR: 30.0, "members": 12.5}
        assert level == learn_level(sources, [errors], windows=1.0, reach=1.0)

    def test_an_origin_without_purchases_tells_nothing(self) -> None:
        past = PastOrigins((origin(np.zeros(3), {"a": np.ones(3)}),), 1.0, 1.0)
        assert level_of(past, {"a": 5.0}, {"a": 1.0}).total == pytest.approx(5.0)


def test_ages_are_moved_by_what_similar_ages_did() -> None:
    rng = np.random.default_rng(0)
    age = np.repeat([10.0, 200.0], 4000)
    bought = rng.poisson(np.repeat([0.5, 1.5], 4000)).astype(float)
    past = PastOrigins((origin(bought, {"a": np.ones(8000)}, age),), 1.0, 1.0)
    found = past.age_factors(["a"], np.ones(1), "purchases")
    assert found[0] < 1 < found[1]
    assert found[2] == 1.0


@dataclass(frozen=True)
class Counts:
    """Poisson counts that know no difference between customers of one mean."""

    mean: Array
    draws: int

    def blocks(self) -> Iterator[Draws]:
        counts = np.random.default_rng(5).poisson(self.mean[:, None], (len(self.mean), self.draws))
        yield Draws(slice(0, len(self.mean)), counts, None, _never)


def _never() -> Split:
    raise AssertionError("nothing is split here")


class TestCustomerSpread:
    def spread(self, dispersion: float) -> float:
        rng = np.random.default_rng(1)
        mean = rng.gamma(2.0, 3.0, 3000)
        level = rng.lognormal(-(dispersion**2) / 2, dispersion, 3000)
        bought = rng.poisson(mean * level).astype(float)
        each = PastOrigin({"a": mean}, {}, bought, bought, mean, {"a": Counts(mean, 40)})
        return PastOrigins((each,), 1.0, 1.0).customer_spread(["a"], np.ones(1), 0)

    def test_draws_that_cover_are_left_alone(self) -> None:
        assert self.spread(0.0) == 0.0

    def test_draws_that_are_too_sure_are_widened_by_what_is_missing(self) -> None:
        assert self.spread(0.6) in (0.45, 0.6)
        assert self.spread(3.0) == SPREADS[-1]

    def test_nothing_known_nothing_widened(self) -> None:
        assert NONE.customer_spread(["a"], np.ones(1), 0) == 0.0


def test_learned_members_that_fail_on_all_past_days_do_not_stop_the_rest(cut: Ledger) -> None:
    class Fails(GradientBoosting):
        def fit(self, ledger: Ledger) -> "Fails":
            raise TooLittleDataError("Never enough.")

    members = {"own_rate": OwnRate(), "never": Fails()}
    past = PastOrigins.of(cut, asked(cut, "8W"), members, draws=0, seed=0)  # type: ignore[arg-type]
    assert all(set(each.purchases) == {"own_rate"} for each in past.origins)
    assert past.shares(["own_rate"], frozenset(), "value").tolist() == [1.0]
