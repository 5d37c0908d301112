import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from forecast.backtest.ranking import (
    capture,
    gini,
    spearman,
    targeting_curve,
    targeting_profit,
    top_decile_capture,
    top_quintile_capture,
)
from forecast.errors import UsageError

columns = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=2, max_size=40)


def test_gini_by_hand():
    # weights by rank from the top: 1, 0, -1; at best 3 - 0; a wrong order gives 1 - 0
    assert gini([3, 1, 0], [3, 2, 1]) == 1.0
    assert gini([3, 1, 0], [2, 3, 1]) == pytest.approx(1 / 3)
    assert gini([3, 1, 0], [1, 2, 3]) == -1.0
    # a and b tied share their rank: weight one half each
    assert gini([3, 1, 0], [2, 2, 1]) == pytest.approx(4 / 6)


@given(columns=columns)
@settings(max_examples=80, deadline=None)
def test_spearman_is_that_of_scipy(columns):
    actual, expected = np.array(columns, dtype=float).T
    if len(set(actual)) == 1 or len(set(expected)) == 1:
        assert np.isnan(spearman(actual, expected))
    else:
        assert spearman(actual, expected) == pytest.approx(
            spearmanr(actual, expected).statistic, abs=1e-12
        )


def test_capture_shares_the_edge():
    actual = [8, 4, 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]  # 10 % of 15 are 1.5 customers
    assert top_decile_capture(actual, range(15, 0, -1)) == pytest.approx((8 + 2) / 16)
    tied = [9, 9, 9] + [1] * 12  # three tied for 1.5 places: half of each
    assert top_decile_capture(actual, tied) == pytest.approx((8 + 4 + 2) / 2 / 16)
    assert top_decile_capture(actual, np.zeros(15)) == pytest.approx(0.1)
    assert top_quintile_capture(actual, range(15, 0, -1)) == pytest.approx(14 / 16)
    assert capture(actual, tied, 1.0) == pytest.approx(1.0)
    for share in (0, 1.1, -1):
        with pytest.raises(UsageError, match="share"):
            capture(actual, tied, share)


def test_profit_by_hand():
    actual, expected = [100, 40, 10, 0, 0], [5, 4, 3, 2, 1]
    # two of five contacted at 15: .3 x 140 - 30 = 12 over five customers
    profit = targeting_profit(actual, expected, contact_cost=15, share=0.4, margin=0.3)
    assert profit == pytest.approx(12 / 5)
    # nobody earns his contact: profit is the loss of contacting
    assert targeting_profit(np.zeros(5), expected, contact_cost=2, share=0.4) == pytest.approx(-0.8)


@given(columns=columns, cost=st.floats(0, 3))
@settings(max_examples=40, deadline=None)
def test_the_curve_agrees_with_the_single_numbers(columns, cost):
    actual, expected = np.array(columns, dtype=float).T
    curve = targeting_curve(actual, expected, contact_cost=cost, margin=0.5, points=10)
    share = 0.3
    row = curve.iloc[2]
    assert row["profit"] == pytest.approx(
        targeting_profit(actual, expected, contact_cost=cost, share=share, margin=0.5)
    )
    if actual.sum() > 0:
        assert row["captured"] == pytest.approx(capture(actual, expected, share))
        assert row["lift"] == pytest.approx(row["captured"] / share)
        assert curve["captured"].iloc[-1] == pytest.approx(1.0)
        assert curve["captured"].is_monotonic_increasing
    else:
        assert curve["captured"].isna().all()
