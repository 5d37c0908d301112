"""Active or lapsed: hand-checked histories, hazards with censoring, the two-state chain."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.linalg import expm

from forecast.errors import TooLittleDataError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models.formulas.lapse import Activity

FIRST = pd.Timestamp("2024-01-01")


def ledger_of(days: dict[str, list[int]], cutoff: int, value: float = 1.0) -> Ledger:
    rows = pd.DataFrame([(who, day) for who, all in days.items() for day in all])
    rows.columns = pd.Index(["who", "day"])
    rows["date"] = FIRST + pd.to_timedelta(rows.pop("day"), unit="D")
    end = (FIRST + pd.Timedelta(days=cutoff)).date()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_ledger(
            rows.assign(amount=value), customer="who", date="date", value="amount", cutoff=end
        )


HISTORIES = {"a": [0, 10, 60], "b": [0, 20, 40, 60, 80], "c": [95], "d": [5]}


class TestByHand:
    def learn(self) -> Activity:
        return Activity.learn(ledger_of(HISTORIES, 100), "30D")

    def test_days_lapses_and_returns(self) -> None:
        found = self.learn()
        assert list(found.index) == list("abcd")
        # a: 10 + 30 + 30, b: 80 + 20, c: 5, d: 30
        np.testing.assert_array_equal(found.days, [70, 100, 5, 30])
        np.testing.assert_array_equal(found.active, [False, True, True, False])
        # lapses: a twice, d once; a was away for 20 + 10 days, d for 65, and a returned once
        assert found.lapse_rate == pytest.approx(3 / 205)
        assert found.return_rate == pytest.approx(1 / 95)
        assert found.returns == 1

    def test_exactly_so_many_silent_days_is_no_lapse(self) -> None:
        ledger = ledger_of({"a": [0, 30, 60]}, 90)
        assert Activity.learn(ledger, "30D").lapse_rate == 0
        assert Activity.learn(ledger, "29D").lapse_rate == pytest.approx(3 / 87)

    def test_default_silence_is_what_nine_gaps_in_ten_do_not_exceed(self) -> None:
        steps = [*range(1, 10), 40]
        days = np.cumsum([0, *steps]).tolist()
        assert Activity.learn(ledger_of({"a": days}, 200)).silence == 9

    def test_refusals(self) -> None:
        with pytest.raises(TooLittleDataError, match="Nobody bought twice"):
            Activity.learn(ledger_of({"a": [0], "b": [3]}, 50))
        with pytest.raises(UsageError, match="date"):
            Activity.learn(ledger_of(HISTORIES, 100), "2024-05-01")


def daily(rate: float, watched: int, seed: int) -> Ledger:
    """Customers who buy every day until they leave at a constant rate."""
    rng = np.random.default_rng(seed)
    lives = np.minimum(rng.geometric(rate, 800), 2000)
    starts = rng.integers(0, watched, 800)
    return ledger_of(
        {
            f"c{n}": list(range(start, min(start + life, watched + 1)))
            for n, (start, life) in enumerate(zip(starts.tolist(), lives.tolist(), strict=True))
        },
        watched,
    )


@pytest.mark.parametrize("watched", [60, 200])
def test_lifetime_is_found_however_short_the_log(watched: int) -> None:
    # mean life 100 days; in a log of 60 days nine in ten lives are cut off
    found = Activity.learn(daily(0.01, watched, 1), "3D")
    left = (~found.active).sum()
    assert found.days.sum() / left == pytest.approx(100 + 2, rel=4 / np.sqrt(left))


def test_days_active_to_expect_are_those_of_the_markov_chain() -> None:
    found = Activity.learn(ledger_of(HISTORIES, 100), "30D")
    lapse, back = found.lapse_rate, found.return_rate
    generator = np.array([[-back, back], [lapse, -lapse]])
    days = np.array([0.0, 10.0, 100.0])
    fine = np.linspace(0, 100, 2001)
    chance = np.stack([expm(generator * t)[:, 1] for t in fine], axis=1)
    area = np.concatenate([[[0], [0]], np.cumsum(chance[:, 1:] + chance[:, :-1], axis=1)], axis=1)
    np.testing.assert_allclose(found.active_days(days), area[:, [0, 200, 2000]] * 0.025, rtol=1e-5)
