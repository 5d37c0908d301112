"""``ltv value``, ``ltv segments`` and ``ltv scenario``: complete, the same twice, clear."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import forecast as fc

Run = Callable[..., Any]
TERMS = ("--margin", "0.4", "--rate", "0.1")
QUICK = ("--horizon", "13W", "--draws", "20")
PLAN = """
[scenario]
name = "loyalty programme"
[scenario.levers]
retention = 1.2
margin = 0.9
[[scenario.break_even]]
lever = "order_value"
cost_per_customer = 0.5
bounds = [1.0, 3.0]
"""


@pytest.fixture(scope="module")
def store(store: Path) -> Path:
    """The folder, and a scenario in it."""
    (store / "plan.toml").write_text(PLAN)
    return store


@pytest.fixture
def roads(store: Path) -> dict[str, tuple[Any, ...]]:
    log = store / "orders.csv"
    return {
        "value": ("value", log, "--spend", store / "spend.csv", *TERMS, *QUICK),
        "segments": ("segments", log, *QUICK),
        "scenario": ("scenario", log, "--scenario", store / "plan.toml", *TERMS, *QUICK),
    }


def test_value_folder(ltv: Run, roads: Any, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = ltv(*roads["value"], "--out", out)
    assert ended.code == 0, ended.err
    assert {path.name for path in out.iterdir()} == {
        "audit.csv", "customers.csv", "customers.parquet", "economics.csv", "manifest.json",
        "payback.csv", "report.html", "forecast", "ledger", "tables",
    }  # fmt: skip
    ledger = fc.read_ledger(str(store / "orders.csv"), customer_columns=["channel"])
    forecast = fc.MODELS["btyd"].fit(ledger).forecast("13W", draws=20)
    spend = pd.read_csv(store / "spend.csv")
    found = fc.unit_economics(forecast, ledger, spend, margin=0.4, rate=0.1, target="channel")
    table = pd.read_csv(out / "economics.csv", index_col="channel")
    pd.testing.assert_frame_equal(table, found.table.rename_axis("channel"), check_dtype=False)
    customers = pd.read_parquet(out / "customers.parquet").set_index("customer_id")
    pd.testing.assert_frame_equal(customers, found.value.customers)
    assert "LTV:CAC" in ended.out
    assert "LTV and CAC in currency units" in ended.out
    assert "organic" in ended.out
    assert ended.out.endswith(f"Report: {out}/report.html\n")
    page = (out / "report.html").read_text()
    assert "Cost and lifetime value of a customer" in page
    facts = json.loads((out / "manifest.json").read_text())
    assert facts["command"] == "value"
    assert (facts["margin"], facts["rate"], facts["model"]) == ("0.4", 0.1, "btyd")
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert set(facts["files"]) == there - {"manifest.json"}


def test_segments_folder_and_next_month(ltv: Run, roads: Any, tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    assert ltv(*roads["segments"], "--out", first, "--cutoff", "2022-12-31").code == 0
    ended = ltv(*roads["segments"], "--rules", first, "--out", second)
    assert ended.code == 0, ended.err
    assert {path.name for path in second.iterdir()} == {
        "audit.csv", "customers.csv", "customers.parquet", "manifest.json", "report.html",
        "rules.json", "forecast", "ledger", "tables",
    }  # fmt: skip
    assert (first / "rules.json").read_bytes() == (second / "rules.json").read_bytes()
    assert "Rules learned on 2022-12-31, applied on 2023-" in ended.err
    customers = pd.read_csv(second / "customers.csv")
    assert set(customers["portfolio"]) == {"keep", "win back", "grow", "let go"}
    for name in ("keep", "win back", "grow", "let go"):
        assert f"  {name}" in ended.out
    assert "Value and activity" in (second / "report.html").read_text()


def test_scenario_folder(ltv: Run, roads: Any, store: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = ltv(*roads["scenario"], "--spend", store / "spend.csv", "--out", out)
    assert ended.code == 0, ended.err
    assert {path.name for path in out.iterdir()} == {
        "audit.csv", "break_even.csv", "manifest.json", "report.html", "scenario.csv",
        "tornado.csv", "ledger", "tables",
    }  # fmt: skip
    ledger = fc.read_ledger(str(store / "orders.csv"))
    found = fc.scenario(
        fc.MODELS["btyd"].fit(ledger), ledger, "13W", PLAN, margin=0.4, rate=0.1,
        spend=pd.read_csv(store / "spend.csv"), draws=20,
    )  # fmt: skip
    table = pd.read_csv(out / "scenario.csv", index_col="measure")
    pd.testing.assert_frame_equal(table, found.table)
    tornado = pd.read_csv(out / "tornado.csv", index_col="lever")
    assert tornado["span"].is_monotonic_decreasing
    assert {"retention", "margin", "cac"} <= set(tornado.index)
    answer = pd.read_csv(out / "break_even.csv").iloc[0]
    assert answer["at"] == pytest.approx(found.break_even("order_value", 0.5, (1.0, 3.0)).at)
    assert "note: order_value pays 0.50 currency units a customer on average from" in ended.err
    assert re.search(r"note: A customer has cost [\d.]+ currency units so far", ended.err)
    units = dict(re.findall(r"^  (\w+), (.+?)  ", ended.out, re.MULTILINE))
    assert units == found.table["unit"].replace("currency", "currency units").to_dict()
    page = (out / "report.html").read_text()
    for words in ("loyalty programme", "One lever at a time", "Break-even"):
        assert words in page
    facts = json.loads((out / "manifest.json").read_text())
    assert facts["scenario"]["levers"] == {"retention": 1.2, "margin": 0.9}


@pytest.mark.parametrize("command", ["value", "segments"])
def test_the_same_command_gives_the_same_bytes(
    command: str, ltv: Run, roads: Any, tmp_path: Path, snapshot: Run
) -> None:
    assert ltv(*roads[command], "--out", tmp_path / "one").code == 0
    assert ltv(*roads[command], "--out", tmp_path / "two").code == 0
    assert snapshot(tmp_path / "one") == snapshot(tmp_path / "two")
    assert ltv(*roads[command], "--out", tmp_path / "two").code == 5


def test_margin_from_a_column_and_first_touches(ltv: Run, store: Path, tmp_path: Path) -> None:
    orders = pd.read_csv(store / "orders.csv")
    touches = orders.groupby("customer_id", as_index=False)["channel"].first()
    touches.to_csv(tmp_path / "touches.csv", index=False)
    orders = orders.drop(columns="channel").assign(profit=0.3 * orders["amount"])
    orders.to_csv(tmp_path / "orders.csv", index=False)
    road = ("value", tmp_path / "orders.csv", "--spend", store / "spend.csv", *QUICK)
    more = ("--margin", "profit", "--first-touch", tmp_path / "touches.csv")
    ended = ltv(*road, *more, "--out", tmp_path / "column")
    assert ended.code == 0, ended.err
    share = ltv(*road, "--margin", "0.3", *more[2:], "--out", tmp_path / "share")
    assert share.code == 0, share.err
    one, other = (pd.read_csv(tmp_path / name / "economics.csv") for name in ("column", "share"))
    assert one["channel"].tolist() == ["organic", "referral", "search", "social", "(all)"]
    assert one["ltv"].tolist() == pytest.approx(other["ltv"].tolist(), rel=0.02)


def german(table: pd.DataFrame, column: str) -> str:
    """Return a CSV as a German shop exports it."""
    written = [f"{each:,.2f} \u20ac".translate({44: ".", 46: ","}) for each in table[column]]
    return table.assign(**{column: written}).to_csv(index=False, sep=";")


@pytest.mark.parametrize("command", ["value", "scenario"])
def test_costs_are_written_as_the_amounts_are(
    command: str, ltv: Run, roads: Any, store: Path, tmp_path: Path
) -> None:
    spend = pd.read_csv(store / "spend.csv").assign(channel=lambda each: each["channel"] + "\u00fc")
    orders = pd.read_csv(store / "orders.csv")
    orders["channel"] += "\u00fc"
    spend["cost"] *= 1000
    for name, table, column in (("spend", spend, "cost"), ("orders", orders, "amount")):
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        (tmp_path / f"{name}_de.csv").write_text(german(table, column), encoding="cp1252")
    written = ("--delimiter", ";", "--decimal", ",", "--thousands", ".", "--encoding", "cp1252")
    tables = []
    for number, (log, costs, how) in enumerate(
        [
            ("orders", "spend", ()),
            ("orders_de", "spend_de", written),
            ("orders_de", "spend", written),
        ]
    ):
        road = list(roads[command])
        road[1] = tmp_path / f"{log}.csv"
        if "--spend" in road:
            del road[road.index("--spend") : road.index("--spend") + 2]
        out = tmp_path / f"out{number}"
        ended = ltv(*road, "--spend", tmp_path / f"{costs}.csv", *how, "--out", out)
        assert ended.code == 0, ended.err
        name = {"value": "economics.csv", "scenario": "scenario.csv"}[command]
        tables.append((out / name).read_bytes())
    assert len(set(tables)) == 1


def test_a_cost_that_cannot_be_read_is_shown_with_its_row(
    ltv: Run, roads: Any, tmp_path: Path
) -> None:
    spend = tmp_path / "spend.csv"
    rows = ["2022-01-01,m\u00e4rz,10", '2022-02-01,search,"1.200,50"']
    spend.write_text("\n".join(["date,channel,cost", *rows]), encoding="cp1252")
    road = list(roads["value"])
    road[road.index("--spend") + 1] = spend
    ended = ltv(*road, "--encoding", "cp1252", "--out", tmp_path / "out")
    assert ended.code == 3
    assert "not an amount of money in 1 row. First: '1.200,50' (row 2)." in ended.err
    assert "written (--decimal ..., --thousands ...)" in ended.err
    for how in (("--decimal", ".", "--thousands", "."), ("--encoding", "klingon")):
        assert ltv(*road, *how, "--out", tmp_path / "out").code == 2


def test_a_cost_whose_comma_parts_it_into_two_cells_is_refused(
    ltv: Run, roads: Any, tmp_path: Path
) -> None:
    spend = tmp_path / "spend.csv"
    spend.write_text("cost,date,channel\n1,50,2022-01-01,search\n2,75,2022-02-01,search\n")
    road = list(roads["value"])
    road[road.index("--spend") + 1] = spend
    ended = ltv(*road, "--out", tmp_path / "out")
    assert ended.code == 3
    assert "rows have more cells than the header" in ended.err


@pytest.mark.parametrize(
    ("command", "words", "code", "said"),
    [
        ("value", ("--margin", "1.4"), 2, "--margin: 1 shares are not numbers of at most 1"),
        ("value", ("--margin", "profits"), 3, "profits"),
        ("value", ("--rate", "-2"), 2, "--rate: -2.0 is no annual rate"),
        ("value", ("--rate", "10"), 2, "--rate: 10.0 is no annual rate"),
        ("value", ("--rate", "10%"), 2, "--rate"),
        ("value", ("--margin", "40%"), 3, "'40%'"),
        ("value", ("--spend", "none.csv"), 6, "none.csv does not exist"),
        ("value", ("--spend", "{store}/plan.toml"), 3, "is no table"),
        ("value", ("--by", "country"), 3, "No column 'country'"),
        ("value", ("--by", "country"), 3, "--by channel; or --by month. Columns: 'customer_id'"),
        ("value", ("--draws", "0"), 2, "--draws: 0 must be at least 2"),
        ("value", ("--ratio", "0"), 2, "--ratio: 0.0"),
        ("value", ("--model", "oracle"), 2, "No model 'oracle'"),
        ("value", ("--model", "seasonal_series"), 2, "population"),
        ("segments", ("--rules", "none.json"), 6, "none.json does not exist"),
        ("segments", ("--rules", "{store}/orders.csv"), 2, "is not a rules.json"),
        ("segments", ("--horizon", "26"), 2, "--horizon: '26'"),
        ("scenario", ("--scenario", "none.toml"), 6, "none.toml cannot be read"),
        ("scenario", ("--scenario", "{store}/orders.csv"), 2, "is no TOML"),
        ("scenario", ("--model", "own_rate"), 2, "OwnRate has no lever 'retention'"),
        ("scenario", ("--swing", "2"), 2, "--swing: 2.0"),
        ("scenario", ("--scenario", "retention=1,1"), 2, "'retention=1,1' is no TOML"),
        ("scenario", ("--scenario", "retentoin=1.1"), 2, "BTYD has no lever 'retentoin'"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    command: str, words: Any, code: int, said: str, ltv: Run, roads: Any, store: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    road = list(roads[command])
    for name, text in zip(words[::2], words[1::2], strict=True):
        text = text.format(store=store)
        if name in road:
            road[road.index(name) + 1] = text
        else:
            road += [name, text]
    ended = ltv(*road, "--out", tmp_path / "out")
    assert ended.code == code, ended.err
    assert said in ended.err
    assert ended.err.count("error: ") == 1
    assert "Internal" not in ended.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "words", "said"),
    [
        ("value", ("--margin", "40"), "--margin: "),
        ("value", ("--risk", "2"), "risk 2.0"),
        ("scenario", ("--margin", "40"), "--margin: "),
        ("scenario", ("--swing", "2"), "--swing: "),
        ("scenario", ("--scenario", "retentoin=1.1"), "no lever 'retentoin'"),
        ("segments", ("--model", "btdy"), "Did you mean 'btyd'?"),
    ],
)
def test_arguments_are_refused_before_any_file_is_read(
    command: str, words: tuple[str, str], said: str, ltv: Run, tmp_path: Path
) -> None:
    more = {
        "value": ("--spend", tmp_path / "no.csv", "--margin", "0.4"), "segments": (),
        "scenario": ("--scenario", "retention=1.1", "--margin", "0.4"),
    }[command]  # fmt: skip
    given = dict(zip(more[::2], more[1::2], strict=True)) | dict([words])
    ended = ltv(command, tmp_path / "none.csv", *(each for pair in given.items() for each in pair),
                "--out", tmp_path / "out")  # fmt: skip
    assert ended.code == 2
    assert said in ended.err


def test_levers_need_no_file(ltv: Run, roads: Any, store: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.toml"
    bare.write_text('name = "loyalty programme"\nretention = 1.2\nmargin = 0.9\n')
    road = list(roads["scenario"])
    at = road.index("--scenario") + 1
    tables = []
    for number, source in enumerate((store / "plan.toml", bare, "retention=1.2,margin=0.9")):
        road[at] = source
        ended = ltv(*road, "--out", tmp_path / str(number))
        assert ended.code == 0, ended.err
        tables.append((tmp_path / str(number) / "scenario.csv").read_bytes())
    assert len(set(tables)) == 1


def test_a_log_without_amounts_has_no_money(ltv: Run, store: Path, tmp_path: Path) -> None:
    pd.read_csv(store / "orders.csv")[["customer_id", "date"]].to_csv(
        tmp_path / "orders.csv", index=False
    )
    ended = ltv("segments", tmp_path / "orders.csv", *QUICK, "--no-key", "--out", tmp_path / "out")
    assert ended.code == 2
    assert "--value" in ended.err


@pytest.mark.parametrize("command", ["value", "segments", "scenario"])
def test_the_page_of_money_is_made_anew_the_same(
    ltv: Run, roads: Any, tmp_path: Path, command: str
) -> None:
    out = tmp_path / "out"
    assert ltv(*roads[command], "--out", out).code == 0
    first = (out / "report.html").read_bytes()
    (out / "report.html").unlink()
    ended = ltv("report", out)
    assert ended.code == 0, ended.err
    assert (out / "report.html").read_bytes() == first
    page = first.decode()
    start = {"value": "A customer is worth", "segments": "Of 80 customers:",
             "scenario": "loyalty programme changes clv over 13W by"}[command]  # fmt: skip
    assert page.index('id="verdict"') < page.index(start) < page.index('id="data"')
    title = {"value": "Unit economics", "segments": "Segments",
             "scenario": "Scenario: loyalty programme"}[command]  # fmt: skip
    assert f"<title>{title}</title>" in page
    assert f"<h1>{title}</h1>" in page
    if command != "scenario":
        assert page.index(start) < page.index("Expected purchases")
    assert ("What each lever moves" in page) is (command == "scenario")


def test_a_report_as_markdown_and_tables_as_files(ltv: Run, roads: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert ltv(*roads["scenario"], "--out", out).code == 0
    first = (out / "report.html").read_bytes()
    for _ in range(2):  # and once more over its own files
        ended = ltv("report", out, "--markdown", "--tables", "csv")
        assert ended.code == 0, ended.err
        assert ended.out == f"Report: {out}/report.md\n"
    assert (out / "report.html").read_bytes() == first
    assert "## Verdict" in (out / "report.md").read_text()
    table = pd.read_csv(out / "report_tables" / "scenario_loyalty_programme.csv")
    assert list(table) == ["measure", "unit", "base", "scenario", "difference", "lo", "hi"]
    facts = json.loads((out / "manifest.json").read_text())
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert set(facts["files"]) == there - {"manifest.json"}
    assert ltv(*roads["scenario"], "--out", out, "--overwrite").code == 0
    assert ltv("report", out, "--contact-cost", "-1").code == 2
    assert ltv("report", out, "--tables", "xlsx").code == 2


@pytest.mark.parametrize("command", ["value", "segments", "scenario"])
def test_a_log_of_two_currencies_is_not_added_up(
    ltv: Run, roads: Any, store: Path, tmp_path: Path, command: str
) -> None:
    orders = pd.read_csv(store / "orders.csv")
    mixed = tmp_path / "mixed.csv"
    orders.assign(Currency=["EUR", "GBP"] * 5 + ["EUR"] * (len(orders) - 10)).to_csv(mixed)
    name, _, *rest = roads[command]
    ended = ltv(name, mixed, *rest, "--out", tmp_path / "out")
    assert ended.code == 3
    assert "2 currencies: 'EUR', 'GBP'" in ended.err
    assert not (tmp_path / "out").exists()
