"""Active or lapsed: hand-checked histories, hazards with censoring, the two-state chain."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.linalg import expm

from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger
from forecast.models.formulas.lapse import Activity

Reader = Callable[..., Ledger]


class TestByHand:
    def test_days_lapses_and_returns(self, shop: Ledger) -> None:
        found = Activity.learn(shop, "30D")
        assert list(found.index) == list("abcd")
        # a: 10 + 30 + 30, b: 80 + 20, c: 5, d: 30
        np.testing.assert_array_equal(found.days, [70, 100, 5, 30])
        np.testing.assert_array_equal(found.active, [False, True, True, False])
        # lapses: a twice, d once; a was away for 20 + 10 days, d for 65, and a returned once
        assert found.lapse_rate == pytest.approx(3 / 205)
        assert found.return_rate == pytest.approx(1 / 95)
        assert found.returns == 1

    def test_exactly_so_many_silent_days_is_no_lapse(self, ledger_of_days: Reader) -> None:
        ledger = ledger_of_days({"a": [0, 30, 60]}, 90)
        assert Activity.learn(ledger, "30D").lapse_rate == 0
        assert Activity.learn(ledger, "29D").lapse_rate == pytest.approx(3 / 87)

    def test_default_silence_is_what_nine_gaps_in_ten_do_not_exceed(
        self, ledger_of_days: Reader
    ) -> None:
        steps = [*range(1, 10), 40]
        days = np.cumsum([0, *steps]).tolist()
        assert Activity.learn(ledger_of_days({"a": days}, 200)).silence == 9

    def test_refusals(self, shop: Ledger, ledger_of_days: Reader) -> None:
        with pytest.raises(TooLittleDataError, match="Nobody bought twice"):
            Activity.learn(ledger_of_days({"a": [0], "b": [3]}, 50))
        with pytest.raises(UsageError, match="date"):
            Activity.learn(shop, "2024-05-01")


def daily(rate: float, watched: int, seed: int) -> dict[str, list[int]]:
    """Customers who buy every day until they leave at a constant rate."""
    rng = np.random.default_rng(seed)
    lives = np.minimum(rng.geometric(rate, 800), 2000)
    starts = rng.integers(0, watched, 800)
    return {
        f"c{n}": list(range(start, min(start + life, watched + 1)))
        for n, (start, life) in enumerate(zip(starts.tolist(), lives.tolist(), strict=True))
    }


@pytest.mark.parametrize("watched", [60, 200])
def test_lifetime_is_found_however_short_the_log(watched: int, ledger_of_days: Reader) -> None:
    # mean life 100 days; in a log of 60 days nine in ten lives are cut off
    found = Activity.learn(ledger_of_days(daily(0.01, watched, 1), watched), "3D")
    left = (~found.active).sum()
    assert found.days.sum() / left == pytest.approx(100 + 2, rel=4 / np.sqrt(left))


def test_days_active_to_expect_are_those_of_the_markov_chain(shop: Ledger) -> None:
    found = Activity.learn(shop, "30D")
    lapse, back = found.lapse_rate, found.return_rate
    generator = np.array([[-back, back], [lapse, -lapse]])
    days = np.array([0.0, 10.0, 100.0])
    fine = np.linspace(0, 100, 2001)
    chance = np.stack([expm(generator * t)[:, 1] for t in fine], axis=1)
    area = np.concatenate([[[0], [0]], np.cumsum(chance[:, 1:] + chance[:, :-1], axis=1)], axis=1)
    np.testing.assert_allclose(found.active_days(days), area[:, [0, 200, 2000]] * 0.025, rtol=1e-5)
