"""What ``ltv audit`` and ``ltv forecast`` say of checks that fired."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import forecast as fc
from forecast.cli import accusing
from forecast.datasets import simulate_shop

Run = Callable[..., Any]


@pytest.fixture(scope="module")
def guests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log in which a guest account has half of all value."""
    path = tmp_path_factory.mktemp("guests") / "orders.csv"
    orders = simulate_shop(300, days=500, seed=3, refunds=0.0, season=None, channels=()).orders
    days = pd.DataFrame({"date": pd.date_range(orders["date"].min(), orders["date"].max())})
    amount = orders["amount"].sum() / len(days)
    guest = days.assign(customer_id="guest", amount=round(amount, 2))
    pd.concat([orders, guest])[["customer_id", "date", "amount"]].to_csv(path, index=False)
    return path


def test_an_audit_names_what_fired_and_what_to_do(ltv: Run, guests: Path) -> None:
    ended = ltv("audit", guests, "--no-key")
    assert (ended.code, ended.err) == (0, "")
    said = " ".join(ended.out.split())
    fired = fc.checks(fc.read_ledger(guests, key=()))
    assert "D4-one-customer-carries" in [check.id for check in fired]
    for check in fired:
        assert f"{check.id}: {check.sentence} {check.remedy}" in said


def test_an_audit_says_where_nothing_fired(ltv: Run, tmp_path: Path) -> None:
    sound = simulate_shop(300, days=500, seed=3, refunds=0.0, season=None, channels=()).orders
    sound.to_csv(tmp_path / "orders.csv", index=False)
    assert "No check fired." in ltv("audit", tmp_path / "orders.csv", "--no-key").out


def test_a_log_of_one_purchase_has_an_audit(ltv: Run, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("customer,date,amount\na,2024-01-01,5\n")
    ended = ltv("audit", tmp_path / "one.csv")
    assert (ended.code, ended.err) == (0, "")
    assert "purchases" in ended.out


def test_a_long_log_is_left_to_the_commands_that_take_long_anyway(
    ltv: Run, guests: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accusing, "MOST", 100)
    ended = ltv("audit", guests, "--no-key")
    assert ended.code == 0
    assert "fired" not in ended.out
    assert "ltv forecast and ltv backtest do it" in ended.err


def test_a_forecast_names_them_in_one_line(ltv: Run, guests: Path, tmp_path: Path) -> None:
    road = ("forecast", guests, "--no-key", "--horizon", "8W", "--draws", 0, "--model", "own_rate")
    ended = ltv(*road, "--out", tmp_path / "out")
    assert ended.code == 0
    (line,) = [each for each in ended.err.splitlines() if "fired" in each]
    assert "D4-one-customer-carries" in line
    assert line.endswith("The report says what to do.")
    assert line.startswith("note: ")
