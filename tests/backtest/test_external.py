import numpy as np
import pandas as pd
import polars as pl
import pytest

from forecast import ExternalPredictions
from forecast.backtest import backtest
from forecast.errors import ColumnError, FileError, UsageError

WEEK = {"horizon": "7D", "origins": ["2024-01-14"], "draws": 20, "populations": ["existing"]}
FIRST = {"horizon": "7D", "cutoff": "2024-01-14"}


def table(**columns) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": list("dcba")} | columns)


def test_they_compete_in_the_same_table(ledger, fakes):
    sheet = table(expected_purchases=[0, 0, 0, 1.0], expected_value=[0, 0, 0, 20.0])
    theirs = ExternalPredictions(sheet, **FIRST, name="sheet")
    bt = backtest(ledger, {"sheet": theirs, "ours": fakes.Fake()}, **WEEK)
    for target in ("purchases", "value"):
        board = bt.leaderboard(target)
        assert board.index[0] == "sheet"
        assert board.loc["sheet", ["rmse", "bias"]].tolist() == [0.0, 0.0]
        assert board.loc["sheet", ["coverage", "total_coverage"]].isna().all()
    rows = bt.periods[bt.periods["model"] == "sheet"]
    assert rows["expected_purchases"].isna().all()  # their course over time is unknown
    assert bt.totals.set_index("model").loc["sheet", "expected_value"] == 20.0
    assert backtest(ledger, theirs, **WEEK).models == ("sheet",)


def test_several_cutoffs_in_one_file(ledger, tmp_path):
    rows = [(day, who, number) for day in ("2024-01-07", "2024-01-14")
            for number, who in enumerate("abc" if day < "2024-01-10" else "abcd")]  # fmt: skip
    sheet = pd.DataFrame(rows, columns=["cutoff", "Customer ID", "predicted_purchases"])
    sheet.to_csv(tmp_path / "ours.csv")  # with a column of row numbers
    sheet.assign(cutoff=pd.to_datetime(sheet["cutoff"])).to_parquet(tmp_path / "ours.parquet")
    found = []
    for source in (
        tmp_path / "ours.csv",
        str(tmp_path / "ours.parquet"),
        pl.from_pandas(sheet),
        sheet.set_index("Customer ID"),
    ):
        theirs = ExternalPredictions(
            source, horizon="7D", name="" if isinstance(source, str) else "x"
        )
        bt = backtest(ledger, {"m": theirs}, horizon="7D", origins=2, populations=["existing"])
        assert (bt.runs["status"] == "ok").all(), bt.runs["error"]
        found.append(bt.frame["expected_purchases"].tolist())
    assert found == [[0, 1, 2, 0, 1, 2, 3]] * 4
    assert ExternalPredictions(tmp_path / "ours.csv", horizon="7D").name == "ours"
    late = backtest(ledger, theirs, horizon="5D", origins=["2024-01-12"])
    assert (
        "no predictions made on 2024-01-12, but on '2024-01-07', '2024-01-14'"
        in (late.runs["error"].iloc[0])
    )


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        ({"Id": list("abcd"), "CET": 2.0, "PAlive": 0.5, "predicted.mean.spending": 3.0,
          "predicted.CLV": 99.0}, 6.0),  # CLVTools: its CLV looks beyond the window
        ({"Id": list("abcd"), "CET": 2.0, "predicted.period.spending": 5.0}, 5.0),
        ({"customer_id": list("abcd"), "expected_purchases": 2.0,
          "expected_probability_alive": 0.5}, np.nan),  # pymc-marketing
        ({"id": list("abcd"), "predicted_purchases": 2.0, "frequency": 1.0,
          "expected_average_profit": 4.0}, 8.0),  # lifetimes
    ],
)  # fmt: skip
def test_names_of_other_tools(ledger, columns, value):
    frame = backtest(ledger, ExternalPredictions(pd.DataFrame(columns), **FIRST), **WEEK).frame
    assert frame["expected_purchases"].tolist() == [2.0] * 4
    assert frame["expected_value"].tolist() == pytest.approx([value] * 4, nan_ok=True)
    if len([name for name in columns if "live" in name]):
        assert frame["p_alive"].tolist() == [0.5] * 4


def test_a_column_may_be_named(ledger):
    sheet = table(guess=1.0, money=[1.0, 2.0, 3.0, 4.0], active=0.25)
    named = {"purchases": "guess", "value": "money", "p_active": "active"}
    frame = backtest(ledger, ExternalPredictions(sheet, **FIRST, **named), **WEEK).frame
    assert frame["expected_value"].tolist() == [4.0, 3.0, 2.0, 1.0]
    assert frame["p_active"].tolist() == [0.25] * 4


def test_missing_customers_are_refused_or_filled_when_asked(ledger):
    sheet = table(expected_purchases=[1.0, 1.0, np.nan, 1.0]).iloc[:3]
    sheet.loc[9] = ["stranger", 7.0]
    runs = backtest(ledger, ExternalPredictions(sheet, **FIRST), **WEEK).runs
    assert runs["status"].tolist() == ["failed"]
    assert "2 of 4 customers known on 2024-01-14 have no prediction: 'a', 'b'" in runs["error"][0]
    bt = backtest(ledger, ExternalPredictions(sheet, **FIRST, fill=0.0), **WEEK)
    assert bt.frame["expected_purchases"].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert "2 customers without a prediction are taken as 0.0" in bt.runs["notes"][0]
    assert "1 predictions are of customers not seen by 2024-01-14" in bt.runs["notes"][0]
    half = table(CET=1.0, expected_value=[1.0, 2.0, None, 4.0])
    runs = backtest(ledger, ExternalPredictions(half, **FIRST), **WEEK).runs
    assert "expected_value is missing in 1" in runs["error"][0]  # never taken as 0


def test_another_window_is_unsupported(ledger):
    theirs = ExternalPredictions(table(expected_purchases=1.0), **(FIRST | {"horizon": "6D"}))
    runs = backtest(ledger, {"m": theirs}, **WEEK).runs
    assert runs["status"].tolist() == ["unsupported"]
    assert "over 6D, not over 7D" in runs["error"][0]
    gap = backtest(ledger, {"m": theirs}, horizon="6D", origins=["2024-01-14"], gap="1D")
    assert set(gap.runs["status"]) == {"unsupported"}


def test_unsound_tables_are_refused(tmp_path):
    with pytest.raises(UsageError, match="when were these predictions made"):
        ExternalPredictions(table(CET=1.0), horizon="7D")
    with pytest.raises(ColumnError, match="plainly the purchases"):
        ExternalPredictions(table(x=1.0), **FIRST)
    with pytest.raises(ColumnError, match="no column 'y'"):
        ExternalPredictions(table(CET=1.0), **FIRST, value="y")
    with pytest.raises(ColumnError, match=r"may be 'CET', 'cet'"):
        ExternalPredictions(table(CET=1.0, cet=1.0), **FIRST)
    for wrong in (-1.0, np.inf, "many"):
        with pytest.raises(UsageError, match="1 entries that are no number"):
            ExternalPredictions(table(CET=[1, 1, 1, wrong]), **FIRST)
    with pytest.raises(UsageError, match="from 0 to 1"):
        ExternalPredictions(table(CET=1.0, p_active=1.5), **FIRST)
    with pytest.raises(UsageError, match="more than one prediction"):
        ExternalPredictions(pd.concat([table(CET=1.0)] * 2), **FIRST)
    with pytest.raises(UsageError, match="fill"):
        ExternalPredictions(table(CET=1.0), **FIRST, fill=-1.0)
    with pytest.raises(UsageError, match="no table"):
        ExternalPredictions(7, **FIRST)
    with pytest.raises(FileError, match="cannot be read"):
        ExternalPredictions(tmp_path / "nothing.csv", **FIRST)


def test_ids_are_text_whatever_they_were(fakes):
    rows = [("1", "2024-01-01", 1.0), ("20", "2024-01-02", 1.0), ("1", "2024-01-09", 1.0)]
    numbered = fakes.ledger(rows, "2024-01-14")
    for ids in ([1, 20], [1.0, 20.0], ["1", "20"]):
        sheet = pd.DataFrame({"id": ids, "cet": [1.0, 0.0]})
        bt = backtest(
            numbered, ExternalPredictions(sheet, horizon="7D", cutoff="2024-01-07"),
            horizon="7D", origins=1,
        )  # fmt: skip
        assert bt.leaderboard().loc["ExternalPredictions", "rmse"] == 0.0
