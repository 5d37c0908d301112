"""Annual effective rates: by year, by month, and refused."""

import numpy as np
import pytest

from forecast.calendar import DAYS_PER_YEAR
from forecast.errors import UsageError
from forecast.value.discounting import check_rate, discount_factor, middles, monthly_rate


def test_a_year_and_half_of_it():
    found = discount_factor(0.21, [0.0, DAYS_PER_YEAR / 2, DAYS_PER_YEAR])
    np.testing.assert_allclose(found, [1.0, 1 / 1.1, 1 / 1.21])


@pytest.mark.parametrize("rate", [-0.2, 0.0, 0.05, 0.10, 1.5])
def test_monthly_and_yearly_discounting_agree(rate):
    months = np.arange(37)
    by_month = (1 + monthly_rate(rate)) ** -months.astype(float)
    np.testing.assert_allclose(discount_factor(rate, months * DAYS_PER_YEAR / 12), by_month)


@pytest.mark.parametrize("rate", [10, -1, "0.1", None, np.nan, True])
def test_per_cent_and_nonsense_are_refused(rate):
    with pytest.raises(UsageError, match="annual rate"):
        check_rate(rate)


def test_payments_count_from_the_middle_of_their_period(written):
    assert middles(written).tolist() == [15.0, 45.0]
