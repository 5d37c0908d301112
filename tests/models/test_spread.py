"""Purchases put into periods."""

from datetime import date

import numpy as np
import pytest

from forecast.calendar import Window
from forecast.errors import UsageError
from forecast.models.spread import Shares, block_rows


def test_shares_follow_the_table_of_each_kind() -> None:
    shares = Shares(np.array([[0.25, 0.75, 0.0], [0.0, 0.0, 1.0]]), np.array([0, 1, 0]))
    counts = np.full((3, 400), 10)
    split = shares.split(slice(0, 3), counts, counts * 2.0, np.random.default_rng(0))
    customer = split.cell // 400
    table = np.zeros((3, 3))
    np.add.at(table, (customer, split.period), split.purchases)
    np.testing.assert_allclose(table[[0, 2]] / 4000, [[0.25, 0.75, 0]] * 2, atol=0.03)
    np.testing.assert_array_equal(table[1], [0, 0, 4000])
    assert split.value is not None
    np.testing.assert_allclose(split.value, 2.0 * split.purchases)


def test_sparse_and_dense_counting_agree_on_totals() -> None:
    shares = Shares.by_days(
        [Window(date(2024, 1, day), date(2024, 1, day + 1)) for day in range(1, 31)], 2
    )
    for counts in (np.array([[0, 1], [0, 0]]), np.array([[500, 1], [2, 300]])):
        split = shares.split(slice(0, 2), counts, None, np.random.default_rng(1))
        np.testing.assert_array_equal(np.bincount(split.cell, split.purchases, 4), counts.ravel())
        assert split.value is None


def test_days_decide_the_share() -> None:
    windows = [
        Window(date(2024, 1, 1), date(2024, 2, 1)),
        Window(date(2024, 2, 1), date(2024, 3, 1)),
    ]
    np.testing.assert_allclose(Shares.by_days(windows, 1).table, [[31 / 60, 29 / 60]])


def test_shares_must_add_up() -> None:
    with pytest.raises(UsageError, match="add up to 1"):
        Shares(np.array([[0.5, 0.4]]), np.zeros(1, dtype=np.int64))


def test_blocks_shrink_where_customers_buy_much() -> None:
    rare = list(block_rows(np.full(3000, 0.1), 100))
    often = list(block_rows(np.full(3000, 400.0), 1000))
    assert rare[0] == slice(0, 2048)
    assert often[0].stop < 20
    assert often[-1].stop == 3000
    assert list(block_rows(np.zeros(0), 10)) == []
