"""Blocks of draws on several threads: the same sums, in the same order, few at a time."""

import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

import forecast as fc
from forecast import draws
from forecast.draws import Draws, Split, accumulate, in_order


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_tasks(threads):
    def slow_when_even(number: int) -> int:
        time.sleep(0.002 * (number % 2 == 0))
        return number * number

    assert list(in_order(slow_when_even, iter(range(20)), threads)) == [n * n for n in range(20)]


def test_few_tasks_are_under_way_at_a_time():
    started, lock = [], threading.Lock()

    def work(number: int) -> int:
        with lock:
            started.append(number)
        return number

    for done in in_order(work, iter(range(50)), 3):
        time.sleep(0.001)
        assert max(started) - done <= 3


def test_an_error_in_a_task_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(in_order(lambda each: 1 // each, iter([1, 0, 2]), 2))


def test_a_forecast_does_not_depend_on_the_number_of_threads(monkeypatch):
    log = fc.simulate_shop(150, days=500, seed=4, refunds=0.0).orders
    model = fc.BTYD().fit(fc.read_ledger(log, key=()))
    monkeypatch.setattr("forecast.models.btyd.draws.CELLS", 3_000)  # many blocks
    found, labels = [], None
    for threads in (1, 2, 4):
        monkeypatch.setattr(draws.os, "cpu_count", lambda threads=threads: threads)
        forecast = model.forecast("12W", draws=100)
        assert forecast.customers is not None
        labels = forecast.customers["p_alive"].gt(0.5).astype(str)
        totals = forecast.totals(by=labels)
        found.append((forecast.customers, forecast.periods, totals.purchases, totals.value))
    for other in found[1:]:
        assert found[0][0].equals(other[0])
        assert found[0][1].equals(other[1])
        assert np.array_equal(found[0][2], other[2])
        assert np.array_equal(found[0][3], other[3])


class TwoCustomers:
    """A sampler without tasks: customer k buys k + d pieces of 10 in draw d, in period d."""

    draws = 2

    def blocks(self) -> Iterator[Draws]:
        for k in range(2):
            bought = np.array([[k, k + 1]])

            def split(bought: np.ndarray = bought) -> Split:
                cell = np.arange(2)
                return Split(cell=cell, period=cell, purchases=bought[0], value=10.0 * bought[0])

            yield Draws(slice(k, k + 1), bought, 10.0 * bought, split)


def test_sums_by_hand():
    purchases, value = accumulate(TwoCustomers(), 2, np.array([1, 0]), 2)
    assert purchases.tolist() == [[[1.0, 0.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 1.0]]]
    assert value is not None
    assert np.array_equal(value, 10 * purchases)
