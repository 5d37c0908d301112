"""A forecast comes back from disk as it was, totals' draws included."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import forecast as fc
from forecast.errors import DataError, FileError, UnsupportedError
from forecast.jobs import load_forecast, save_forecast


@pytest.fixture(scope="module")
def made() -> fc.Forecast:
    log = fc.simulate_shop(60, days=400, seed=1, refunds=0.0).orders
    ledger = fc.read_ledger(log, key=())
    return fc.OwnRate().fit(ledger).forecast("6W", draws=40, seed=7)


def test_comes_back_equal(made: fc.Forecast, tmp_path: Path) -> None:
    save_forecast(made, tmp_path)
    found = load_forecast(tmp_path)
    for name in ("model", "cutoff", "horizon", "population", "notes", "windows", "window"):
        assert getattr(found, name) == getattr(made, name)
    assert found.customers is not None
    pd.testing.assert_frame_equal(found.customers, made.customers, check_exact=True)
    pd.testing.assert_frame_equal(found.periods, made.periods, check_exact=True, check_dtype=False)
    assert found.interval(0.5).equals(made.interval(0.5))
    assert np.array_equal(found.totals().purchases, made.totals().purchases)
    assert found.sampler is not None
    assert found.sampler.draws == 40


def test_draws_of_customers_are_refused_by_name(made: fc.Forecast, tmp_path: Path) -> None:
    save_forecast(made, tmp_path)
    found = load_forecast(tmp_path)
    assert found.customers is not None
    with pytest.raises(UnsupportedError, match="not of customers"):
        found.quantiles()
    with pytest.raises(UnsupportedError, match="not of customers"):
        found.totals(by=pd.Series("a", index=found.customers.index))
    with pytest.raises(UnsupportedError, match="not of customers"):
        found.discounted(0.1)


def test_without_draws_value_or_customers(made: fc.Forecast, tmp_path: Path) -> None:
    log = fc.simulate_shop(60, days=400, seed=1, refunds=0.0).orders
    ledger = fc.read_ledger(log, customer="customer_id", date="date", key=())
    bare = fc.OwnRate().fit(ledger).forecast("6W", draws=0)
    save_forecast(bare, tmp_path / "bare")
    found = load_forecast(tmp_path / "bare")
    assert found.sampler is None
    assert found.periods["expected_value"].isna().all()
    with pytest.raises(UnsupportedError, match="without draws"):
        found.interval()
    save_forecast(fc.OwnRate().fit(ledger).forecast("6W", draws=5), tmp_path / "counts")
    assert list(load_forecast(tmp_path / "counts").interval().index) == ["purchases"]
    save_forecast(dataclasses.replace(made, customers=None), tmp_path / "totals")
    assert load_forecast(tmp_path / "totals").customers is None


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@A1", "\ta", "\ra", "\na", "\uff1d1"])
def test_formulas_are_neutral_in_csv_and_raw_in_parquet(
    sign: str, made: fc.Forecast, tmp_path: Path
) -> None:
    assert made.customers is not None
    first = made.customers.index[0]
    named = made.customers.rename(index={first: sign})
    save_forecast(dataclasses.replace(made, customers=named), tmp_path)
    with (tmp_path / "customers.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["customer_id"] for row in rows] == [f"'{sign}", *made.customers.index[1:]]
    assert [float(row["expected_purchases"]) for row in rows] == list(named["expected_purchases"])
    assert list(pd.read_parquet(tmp_path / "customers.parquet")["customer_id"]) == list(named.index)


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no saved forecast"):
        load_forecast(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("forecast.json", "{"),
        ("forecast.json", "[]"),
        ("forecast.json", "{}"),
        ("forecast.json", '{"format": "one"}'),
        ("customers.parquet", "PAR1"),
        ("periods.csv", ""),
        ("periods.csv", "start,end\n2022-01-01,2022-01-08\n"),
        ("periods.csv", None),
        ("totals.parquet", "PAR1"),
        ("totals.parquet", None),
    ],
)
def test_damage_is_named(name: str, content: str | None, made: fc.Forecast, tmp_path: Path) -> None:
    save_forecast(made, tmp_path)
    (tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match="damaged forecast"):
        load_forecast(tmp_path)


def test_a_type_that_nobody_reads_is_damage(
    made: fc.Forecast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise pa.ArrowNotImplementedError("Integers with more than 64 bits")

    save_forecast(made, tmp_path)
    monkeypatch.setattr(pd, "read_parquet", refuse)
    with pytest.raises(DataError, match="damaged forecast"):
        load_forecast(tmp_path)


def test_bad_settings_are_damage_not_usage(made: fc.Forecast, tmp_path: Path) -> None:
    save_forecast(made, tmp_path)
    path = tmp_path / "forecast.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps(facts | {"horizon": "soon"}))
    with pytest.raises(DataError, match="damaged forecast"):
        load_forecast(tmp_path)
    path.write_text(json.dumps(facts | {"format": 99}))
    with pytest.raises(DataError, match="newer version"):
        load_forecast(tmp_path)
