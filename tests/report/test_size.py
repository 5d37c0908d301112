"""A large report stays small enough to mail."""

from pathlib import Path
from typing import Any

import pytest

from forecast.backtest import backtest
from forecast.datasets import simulate_shop
from forecast.ledger import read_ledger
from forecast.report import report


@pytest.mark.slow
def test_twelve_origins_of_ten_models_are_under_five_megabytes(tmp_path: Path, rate: Any) -> None:
    shop = simulate_shop(300, days=1600, seed=5, refunds=0.0)
    ledger = read_ledger(shop.orders, key=())
    models = {f"model {number}": rate(level=0.6 + 0.1 * number) for number in range(10)}
    tried = backtest(
        ledger, models, horizon=["13W", "4W"], step="13W", origins=12, draws=20,
        populations=["existing"],
    )  # fmt: skip
    assert (len(tried.origins), len(tried.models)) == (12, 10)
    ahead = rate().fit(ledger).forecast("52W", draws=20)
    page = report(tmp_path / "r.html", ledger=ledger, forecast=ahead, backtest=tried)
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") >= 10 * 4  # every model's course, in purchases and value
    assert 1_000_000 < page.stat().st_size < 5_000_000
