"""What ``ltv init`` writes is a job, whatever the columns are called."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.errors import ColumnError, FileError, UsageError
from forecast.jobs.job_file.configuration import parse_job
from forecast.jobs.job_file.example import example_job
from forecast.ledger import read_ledger

ODD = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), min_size=1, max_size=12)


def uncommented(text: str) -> str:
    """Take the sign away from every setting that is commented out."""
    return re.sub(r"(?m)^#(?=\S)", "", text)


def test_columns_are_found_and_others_listed(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("customer_id,order_date,amount,channel,note\n")
    text = example_job(tmp_path / "orders.csv", root=tmp_path)
    job = parse_job(text, root=tmp_path)
    assert job.name == "orders"
    assert job.source.path == str(tmp_path / "orders.csv")
    columns = job.columns
    assert (columns.customer, columns.date, columns.value) == (
        "customer_id", "order_date", "amount",
    )  # fmt: skip
    assert '# Further columns: "channel", "note".' in text


def test_every_section_is_there_and_sound_when_uncommented(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("customer,date,amount\n")
    text = example_job(tmp_path / "orders.csv", root=tmp_path)
    job = parse_job(uncommented(text), root=tmp_path)
    assert None not in (job.cutoff, job.backtest, job.economics, job.segments, job.monitoring)
    assert job.outputs.destination is not None
    left_out = {"as_of", "database", "file", "url_env", "table", "saved_model"}
    for section, fields in tomllib.loads(uncommented(text)).items():
        if isinstance(fields, dict):
            known = set(type(getattr(job, section)).model_fields)
            assert known - set(fields) <= left_out, section


def test_an_amount_that_is_not_found_is_said(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("customer,date,price\n")
    text = example_job(tmp_path / "orders.csv", root=tmp_path)
    assert parse_job(text, root=tmp_path).columns.value is None
    assert "No column is plainly the amount" in text


def test_what_is_known_of_the_log_is_written_down(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_text("who;wann;wieviel;nr\n", encoding="cp1252")
    text = example_job(
        tmp_path / "orders.csv", root=tmp_path, customer="who", date="wann", value="wieviel",
        delimiter=";", encoding="cp1252", date_format="%d.%m.%Y", key=("nr",), max_bad_rows=3,
        returns="drop", timezone="Europe/Berlin", decimal=",", thousands=".", currency="€",
        cutoff="2026-01-31", as_of="2026-02-01",
    )  # fmt: skip
    kept = parse_job(text, root=tmp_path).settings()
    assert kept["cutoff"] == "2026-01-31"
    assert kept["source"] == {
        "path": "orders.csv", "delimiter": ";", "encoding": "cp1252", "date_format": "%d.%m.%Y",
        "max_bad_rows": 3, "returns": "drop", "timezone": "Europe/Berlin", "as_of": "2026-02-01",
        "decimal": ",", "thousands": ".", "currency": "€",
    }  # fmt: skip
    assert kept["columns"]["key"] == ["nr"]
    assert parse_job(uncommented(text), root=tmp_path).settings()["source"] == kept["source"]


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ODD, min_size=3, max_size=6, unique_by=lambda name: name.strip().lower()))
def test_odd_names_survive(tmp_path: Path, names: list[str]) -> None:
    """What is written names the very columns of the file, and its rows can be read by it."""
    names = [name.strip() for name in names]
    if not all(names) or len({name.lower() for name in names}) < len(names):
        return
    path = tmp_path / "log.parquet"
    rows: dict[str, Any] = {name: ["a", "b"] for name in names}
    rows |= {names[1]: ["2026-01-01", "2026-01-09"], names[2]: ["1", "2"]}
    pd.DataFrame(rows).to_parquet(path)
    text = example_job(path, root=tmp_path, customer=names[0], date=names[1], value=names[2])
    assert all(sign.isprintable() or sign == "\n" for sign in re.sub(r"[^\x00-\x9f]", "", text))
    columns = parse_job(text, root=tmp_path).columns
    assert [columns.customer, columns.date, columns.value] == names[:3]
    read = read_ledger(
        path, customer=columns.customer, date=columns.date, value=columns.value, key=()
    )
    assert len(read.purchases()) == 2


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("missing.csv", FileError, "no such file"),
        ("orders.csv", ColumnError, "Say which: customer="),
        ("../elsewhere.csv", UsageError, "leads out"),
        (".", UsageError, r"outputs\.folder: lies in"),
        ("s3://bucket/orders", UsageError, "local file"),
    ],
)
def test_what_cannot_become_a_job_is_refused(
    source: str, error: type[Exception], said: str, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "orders.csv").write_text("a,b,c\n")
    (tmp_path / "elsewhere.csv").write_text("customer,date,amount\n")
    if source == ".":
        (root / "orders.csv").write_text("customer,date,amount\n")
    where = source if "://" in source else root / source
    with pytest.raises(error, match=said):
        example_job(where, root=root)


def test_globs_and_folders_keep_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orders" / "year=2026").mkdir(parents=True)
    pd.DataFrame({"customer": ["a"], "date": ["2026-01-01"]}).to_parquet(
        tmp_path / "orders" / "year=2026" / "a.parquet"
    )
    monkeypatch.chdir(tmp_path)
    for source in ("orders", "orders/*/*.parquet"):
        text = example_job(source)
        assert parse_job(text, root=tmp_path).settings()["source"]["path"] == source
        assert '# Further columns: "year".' in text
