"""Numbers, days and lengths as a reader wants them."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.calendar import Horizon
from forecast.report import formats


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (0.5, "0.500"),
        (999.6, "1,000"),
        (9.996, "10.0"),
        (-1234.5, "\u22121,230"),
        (1234567, "1,230,000"),
        (0.00012345, "0.000123"),
        (0.0000012, "1.2e\u221206"),
        (float("nan"), "\u2013"),
        (None, "\u2013"),
        (float("inf"), "\u221e"),
        (float("-inf"), "\u2212\u221e"),
    ],
)
def test_estimates_have_three_digits(number: float, text: str) -> None:
    assert formats.estimate(number) == text


@given(st.floats(1e-4, 1e15))
def test_an_estimate_is_within_half_a_per_cent(number: float) -> None:
    text = formats.estimate(number)
    assert float(text.replace(",", "")) == pytest.approx(number, rel=0.00501)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e6, "1.00 million"),
        (999_499, "999,000"),
        (2.5e9, "2.50 billion"),
        (-3e6, "\u22123.00 million"),
    ],
)
def test_large_numbers_are_spoken(number: float, text: str) -> None:
    assert formats.spoken(number) == text
    assert formats.spoken(np.nan) == "\u2013"


def test_percentages_keep_their_sign_and_no_negative_zero() -> None:
    assert formats.percent(-0.0001, signed=True) == "0.0\u00a0%"
    assert formats.percent(12.5) == "1,250.0\u00a0%"
    assert formats.percent(np.nan) == "\u2013"


def test_chances_are_certain_only_where_they_are() -> None:
    assert formats.chance(0) == "0\u00a0%"
    assert formats.chance(1e-9) == "<\u00a00.1\u00a0%"
    assert formats.chance(1 - 1e-9) == ">\u00a099.9\u00a0%"


def test_days_and_lengths() -> None:
    assert formats.day(pd.Timestamp("2024-02-29")) == "29 February 2024"
    assert formats.day(pd.NaT) == "\u2013"
    assert formats.short_day(date(2024, 12, 1)) == "1 Dec\n2024"
    assert formats.span(date(2024, 1, 1), date(2024, 1, 1)) == "1 January 2024"
    assert formats.length(Horizon.parse("2024-03-01")) == "time to 1 March 2024"
    assert formats.length(Horizon.parse("90D")) == "90 days"
    assert formats.count(None) == "\u2013"
