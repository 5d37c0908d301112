"""Tables on terminals of any width: no line is too long, and no number or word is lost."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import forecast as fc
from forecast.backtest import Backtest
from forecast.cli.screen import screen
from forecast.cli.tables import print_audit, print_backtest

WIDTHS = [40, 60, 80, 120]
Shown = Callable[..., str]


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Return what is printed at a width, after looking at the length of its lines."""

    def show(print_it: Callable[[Any], None], of: Any, width: int) -> str:
        monkeypatch.setattr(screen, "_width", width)
        print_it(of)
        text = capsys.readouterr().out
        assert max(len(line.rstrip()) for line in text.splitlines()) <= width
        assert "…" not in text
        return text

    return show


@pytest.fixture(scope="module")
def found() -> Backtest:
    ledger = fc.read_ledger(fc.simulate_shop(60, days=400, seed=1).orders, key=())
    names = ("zero", "own_rate", "seasonal_series", "customer_regression")
    models = {name: fc.MODELS[name] for name in names}
    populations = ("existing", "all")
    return fc.backtest(
        ledger, models, horizon="8W", origins=1, draws=20, populations=populations
    )  # fmt: skip


@pytest.mark.parametrize("width", WIDTHS)
def test_every_number_of_the_audit_is_shown(width: int, shown: Shown, shop: Path) -> None:
    ledger = fc.read_ledger(shop, key=())
    text = shown(print_audit, ledger, width)
    for line in ledger.audit.itertuples():
        assert re.search(rf"{line.check}:? +{line.count:,}\b", text), line.check
    if width < 80:  # in a table a sentence is broken by the cells beside it
        letters = "".join(text.split())
        assert all("".join(str(said).split()) in letters for said in ledger.audit["what"])


@pytest.mark.parametrize("width", WIDTHS)
def test_every_score_of_every_model_is_shown(width: int, shown: Shown, found: Backtest) -> None:
    text = shown(print_backtest, found, width)
    board = found.leaderboard("purchases")
    for name, row in board.iterrows():
        for number in (f"{row['rmse']:,.3f}", f"{row['bias']:+.1%}", f"{row['mae']:,.3f}"):
            assert re.search(rf" {re.escape(number)}( |\n)", text), (name, number)
    for heading in ("RMSE", "bias", "Gini", "CRPS", "by PIT", "covers", "MAE"):
        assert heading in text
    whole = text[: text.index("Value of")]
    assert whole.count("Further scores") == {40: 4, 60: 1, 80: 1, 120: 0}[width]
    totals = found.leaderboard("value", "all")["rmse_total"].dropna()
    assert len(totals) > 1
    for number in totals:
        assert f"{number:,.1f}" in text or f"{number:,.3f}" in text


def test_a_long_name_takes_two_lines_rather_than_a_number(shown: Shown, found: Backtest) -> None:
    board = found.leaderboard("purchases")
    long = "a_model_whose_name_is_longer_than_half_of_the_screen"
    renamed = board.rename(index={"own_rate": long})
    text = shown(lambda of: print_backtest(of), _Renamed(found, renamed), 40)
    assert f"{board.at['own_rate', 'mae']:,.3f}" in text
    assert long[:20] in text


class _Renamed:
    """A backtest with another leaderboard of purchases."""

    has_value, populations = False, ("existing",)

    def __init__(self, found: Backtest, board: pd.DataFrame) -> None:
        self.origins, self.horizon, self.runs = found.origins, found.horizon, found.runs
        self.board = board

    def leaderboard(self, target: str) -> pd.DataFrame:
        assert target == "purchases"
        return self.board
