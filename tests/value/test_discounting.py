"""Annual effective rates: by year, and refused."""

import numpy as np
import pytest

from forecast.calendar import DAYS_PER_YEAR
from forecast.errors import UsageError
from forecast.value.discounting import check_rate, discount_factor, middles


def test_a_year_and_half_of_it():
    found = discount_factor(0.21, [0.0, DAYS_PER_YEAR / 2, DAYS_PER_YEAR])
    np.testing.assert_allclose(found, [1.0, 1 / 1.1, 1 / 1.21])


@pytest.mark.parametrize("rate", [10, -1, "0.1", None, np.nan, True])
def test_per_cent_and_nonsense_are_refused(rate):
    with pytest.raises(UsageError, match="annual rate"):
        check_rate(rate)


def test_payments_count_from_the_middle_of_their_period(written):
    assert middles(written).tolist() == [15.0, 45.0]
