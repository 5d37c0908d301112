"""The level: hand-checked pooling and corrections that shrink; factors of age; spreads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.models.ensemble.level import (
    CORRECTION,
    LEAST_ERROR,
    LEVEL_SPREAD,
    PRIOR_ORIGINS,
    UNKNOWN_SPREAD,
    UNSEASONAL,
    USUAL,
    age_factors,
    age_group,
    learn_level,
)

errors = st.floats(-2.0, 2.0)


def test_alone_and_without_a_past_a_source_is_believed() -> None:
    level = learn_level({"members": 80.0}, [], windows=0.0, reach=1.0)
    assert level.total == pytest.approx(80.0)
    assert level.weights == {"members": 1.0}
    assert level.corrections == {"members": 1.0}
    assert level.spread == pytest.approx(UNKNOWN_SPREAD)


def test_one_origin_corrects_by_the_posterior_mean() -> None:
    level = learn_level({"members": 80.0}, [{"members": -0.3}], windows=1.0, reach=1.0)
    kept = CORRECTION**2 / (CORRECTION**2 + LEAST_ERROR**2)
    assert level.corrections["members"] == pytest.approx(np.exp(-0.3 * kept))
    assert level.total == pytest.approx(80.0 * np.exp(-0.3 * kept))
    count = 2 * PRIOR_ORIGINS
    square = (count * UNKNOWN_SPREAD**2 + 0.3**2) / (count + 1)
    assert level.spread == pytest.approx(np.sqrt(square))


def test_two_sources_are_averaged_in_logarithms_by_their_precisions() -> None:
    now = {"members": 100.0, "last_year": 200.0}
    level = learn_level(now, [], windows=0.0, reach=1.0)
    one, other = USUAL["members"] ** -2, USUAL["last_year"] ** -2
    share = one / (one + other)
    assert level.weights["members"] == pytest.approx(share)
    assert level.total == pytest.approx(100.0**share * 200.0 ** (1 - share))


def test_where_a_season_is_known_the_members_miss_by_more() -> None:
    now = {"members": 100.0, "seasonal": 120.0}
    level = learn_level(now, [], windows=0.0, reach=1.0)
    seasonal, members = USUAL["seasonal"] ** -2, UNSEASONAL**-2
    assert level.weights["seasonal"] == pytest.approx(seasonal / (seasonal + members))
    assert level.spread == pytest.approx(UNKNOWN_SPREAD)  # never tried on a past day
    tried = learn_level(now, [{"members": 0.0, "seasonal": 0.0}], windows=1.0, reach=1.0)
    assert tried.spread < LEVEL_SPREAD


@given(errors, st.floats(0.05, 1.0), st.floats(1.0, 3.0))
@settings(max_examples=60, deadline=None)
def test_corrections_shrink(error: float, reach: float, windows: float) -> None:
    past = [{"members": error}, {"members": error}]
    near = learn_level({"members": 50.0}, past, windows=windows, reach=1.0)
    far = learn_level({"members": 50.0}, past, windows=windows, reach=reach)
    less = learn_level({"members": 50.0}, past[:1], windows=1.0, reach=1.0)
    log = {name: np.log(each.corrections["members"]) for name, each in
           {"near": near, "far": far, "less": less}.items()}  # fmt: skip
    assert abs(log["near"]) <= abs(error) + 1e-12
    assert log["near"] * error >= 0
    assert abs(log["far"]) <= abs(log["near"]) + 1e-12
    assert abs(log["less"]) <= abs(log["near"]) + 1e-12
    assert far.spread >= near.spread - 1e-12


@given(st.lists(st.tuples(errors, errors, st.booleans()), max_size=4), st.floats(0.1, 1e5))
@settings(max_examples=60, deadline=None)
def test_weights_add_up_and_the_unit_does_not_matter(
    rows: list[tuple[float, float, bool]], unit: float
) -> None:
    past = [{"members": a} | ({"last_year": b} if known else {}) for a, b, known in rows]
    now = {"members": 300.0, "seasonal": 250.0, "last_year": 400.0}
    level = learn_level(now, past, windows=2.0, reach=0.7)
    assert sum(level.weights.values()) == pytest.approx(1.0)
    assert min(level.weights.values()) > 0
    scaled = {name: each * unit for name, each in now.items()}
    other = learn_level(scaled, past, windows=2.0, reach=0.7)
    assert other.total == pytest.approx(level.total * unit)
    assert other.spread == pytest.approx(level.spread)
    lower = min(now[name] * level.corrections[name] for name in now)
    upper = max(now[name] * level.corrections[name] for name in now)
    assert lower * (1 - 1e-9) <= level.total <= upper * (1 + 1e-9)


def test_a_source_that_missed_by_more_counts_for_less() -> None:
    now = {"members": 100.0, "last_year": 100.0}
    past = [{"members": 0.05, "last_year": 0.9}, {"members": -0.05, "last_year": -0.9}]
    level = learn_level(now, past, windows=2.0, reach=1.0)
    before = learn_level(now, [], windows=0.0, reach=1.0)
    assert level.weights["members"] > before.weights["members"]


def test_bigger_misses_make_a_wider_spread() -> None:
    calm, wild = (
        learn_level({"members": 1.0}, [{"members": e}, {"members": -e}], windows=2.0, reach=1.0)
        for e in (0.02, 0.6)
    )
    assert calm.spread < UNKNOWN_SPREAD < wild.spread
    assert wild.corrections["members"] == pytest.approx(1.0)


def test_nothing_expected_of_anybody() -> None:
    level = learn_level({"members": 0.0}, [], windows=0.0, reach=1.0)
    assert level.total == 0.0
    part = learn_level({"members": 0.0, "seasonal": 9.0}, [], windows=0.0, reach=1.0)
    assert part.total == pytest.approx(9.0)
    assert part.weights == {"seasonal": 1.0}


def test_ages() -> None:
    assert age_group(np.array([0, 91, 92, 365, 366.0])).tolist() == [0, 0, 1, 1, 2]


class TestAgeFactors:
    def factors(self, size: int, young: float) -> np.ndarray:
        groups = np.repeat([0, 2], size)
        bought = np.concatenate([np.full(size, young), np.ones(size)])
        return age_factors([groups], [np.ones(2 * size)], [bought])

    def test_without_a_past_nothing_is_moved(self) -> None:
        np.testing.assert_array_equal(age_factors([], [], []), np.ones(3))
        nobody = np.zeros(4)
        np.testing.assert_allclose(age_factors([np.zeros(4, int)], [nobody + 1], [nobody]), 1.0)

    def test_they_point_the_right_way_and_are_shrunk(self) -> None:
        many, few = self.factors(5000, 2.0), self.factors(20, 2.0)
        assert many[0] > few[0] > 1.0 > few[2] > many[2]
        assert many[0] < 2.0 / 1.5
        assert many[1] == few[1] == 1.0

    def test_the_level_of_the_origin_is_left_out(self) -> None:
        groups = [np.repeat([0, 1], 300)]
        seen = [np.concatenate([np.full(300, 3.0), np.full(300, 1.0)])]
        one = age_factors(groups, [np.ones(600)], seen)
        other = age_factors(groups, [np.full(600, 7.0)], seen)
        np.testing.assert_allclose(one, other)

    def test_two_origins_tell_more_than_one(self) -> None:
        groups, mean = np.repeat([0, 1], 2000), np.ones(4000)
        seen = np.concatenate([np.full(2000, 1.5), np.full(2000, 0.5)])
        once = age_factors([groups], [mean], [seen])
        twice = age_factors([groups] * 2, [mean] * 2, [seen] * 2)
        assert twice[0] > once[0] > 1
