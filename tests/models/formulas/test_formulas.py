"""Formulas of marketing: units, the numbers put in, and what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.errors import HorizonError, UsageError
from forecast.models.formulas.formulas import (
    lifetime_arpu,
    lifetime_repeat_purchases,
    monthly_purchases,
    revenue_per_customer,
    yearly_purchases,
)
from forecast.models.formulas.rate import Rate


def test_once_in_three_months_is_four_times_a_year() -> None:
    found = lifetime_repeat_purchases(8_000, "3Y", "once in 3M")
    assert found.value == 96_000
    assert found.calculation == "8,000 x 3Y x once in 3M (12 purchases) = 96,000"


def test_published_examples_by_hand() -> None:
    assert revenue_per_customer(12_000, 300).value == 40
    assert lifetime_arpu("2Y", 15, "1M").value == 24 * 15
    assert yearly_purchases(500, 4, "3Y").value == 6_000
    assert monthly_purchases(20, 1.5, "10M").value == 300


@given(
    months=st.integers(1, 24), years=st.integers(1, 20), aov=st.floats(0.01, 1e5),
)  # fmt: skip
def test_forms_are_one_product_in_other_units(months: int, years: int, aov: float) -> None:
    rate = f"once in {months}M"
    one = lifetime_repeat_purchases(aov, f"{years}Y", rate).value
    assert one == pytest.approx(aov * 12 * years / months)
    assert yearly_purchases(aov, rate, f"{years}Y").value == pytest.approx(one)
    assert monthly_purchases(aov, rate, f"{12 * years}M").value == pytest.approx(one)
    assert lifetime_arpu(f"{years}Y", aov, f"{months}M").value == pytest.approx(one)


def test_days_and_weeks_convert_by_the_calendar_year() -> None:
    assert Rate.parse("once in 1W").during("28D") == 4
    assert Rate.parse("1 in 1Y").during("1461D") == 4


@pytest.mark.parametrize("bare", [3, 3.0, "3", None, "2024-01-01", "three years", ""])
def test_a_length_without_a_unit_is_refused(bare: Any) -> None:
    for ask in (
        lambda: lifetime_arpu(bare, 10.0, "1M"),
        lambda: lifetime_arpu("1Y", 10.0, bare),
        lambda: lifetime_repeat_purchases(10.0, bare, "once in 1M"),
        lambda: yearly_purchases(10.0, 4, bare),
        lambda: monthly_purchases(10.0, 4, bare),
    ):
        with pytest.raises(HorizonError):
            ask()


@pytest.mark.parametrize("rate", [3, "3", "once", "3M", "once in 3", "-1 in 1M", None, "1 in 0M"])
def test_a_rate_without_its_time_is_refused(rate: Any) -> None:
    with pytest.raises(UsageError, match="repeat_rate"):
        lifetime_repeat_purchases(8_000, "3Y", rate)


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), "8", True, None])
def test_amounts_are_numbers(amount: Any) -> None:
    with pytest.raises(UsageError, match="aov"):
        yearly_purchases(amount, 4, "3Y")
    with pytest.raises(UsageError, match="customers"):
        revenue_per_customer(100.0, 0)


def test_margin_form_says_which_margin() -> None:
    found = yearly_purchases(500, 4, "3Y").with_margin(0.25, "contribution")
    assert found.value == 1_500
    assert found.formula.endswith("x contribution margin")
    assert "25 % contribution margin = 1,500" in found.calculation
    assert not any("revenue, not profit" in each for each in found.assumptions)
    for share in (40, -2, True, "0.4"):
        with pytest.raises(UsageError, match=r"0\.4 for 40 %"):
            yearly_purchases(500, 4, "3Y").with_margin(share, "gross")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="which"):
        yearly_purchases(500, 4, "3Y").with_margin(0.4, " ")


def test_reads_well_as_text_and_as_html() -> None:
    found = revenue_per_customer(12_000, 300).with_margin(0.5, "<net>")
    text = str(found)
    assert "12,000 / 300 customers" in text
    assert "currency per customer, to date" in text
    assert all(each in text for each in found.assumptions)
    html = found._repr_html_()
    assert "&lt;net&gt;" in html
    assert "<net>" not in html
