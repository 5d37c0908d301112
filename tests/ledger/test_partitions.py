"""Folders named year=2024: their names are columns, and nothing else about a log changes."""

from pathlib import Path

import pandas as pd
import pytest

from forecast.errors import ColumnError


@pytest.fixture
def log(table) -> pd.DataFrame:
    return table(c=["007", "7", "007"], shop=["s", "n", "s"])


def partitioned(log: pd.DataFrame, folder: Path, by: list[str], *, keep: bool = False) -> Path:
    for values, part in log.groupby(by):
        place = folder.joinpath(
            *(f"{name}={value}" for name, value in zip(by, values, strict=True))
        )
        place.mkdir(parents=True)
        (part if keep else part.drop(columns=by)).to_parquet(place / "part.parquet", index=False)
    return folder


@pytest.mark.parametrize("by", [["d"], ["c"], ["v"], ["shop", "d"], ["d", "c", "v"]])
def test_any_column_may_stand_in_the_folders(log, read, tmp_path, by):
    whole = read(log, customer_columns=["shop"])
    folder = partitioned(log, tmp_path / "log", by)
    for source in (folder, str(folder / "*=*"), str(folder / "**" / "*.parquet")):
        found = read(source, customer_columns=["shop"])
        assert found.summary_hash() == whole.summary_hash()
        pd.testing.assert_frame_equal(found.attributes(), whole.attributes())


def test_columns_in_the_files_win(log, read, tmp_path):
    folder = partitioned(log, tmp_path / "log", ["shop"], keep=True)
    (folder / "shop=s").rename(folder / "shop=other")
    assert set(read(folder, customer_columns=["shop"]).attributes()["shop"]) == {"s", "n"}
    kept = partitioned(log, tmp_path / "mixed", ["shop", "d"])
    part = next(kept.rglob("*.parquet")).parent
    for path in kept.rglob("*.parquet"):
        pd.read_parquet(path).assign(shop="x").to_parquet(path)
    with pytest.raises(ColumnError, match=r"'shop' stands both .* 'd' in the folders alone"):
        read(kept)
    with pytest.raises(ColumnError, match="No column 'd'"):
        read(part)  # only folders below the one named count


def test_folders_above_the_one_named_do_not_count(log, read, tmp_path):
    folder = tmp_path / "run=5" / "d=1" / "log"
    folder.mkdir(parents=True)
    log.to_parquet(folder / "a.parquet")
    for source in (folder, folder / "a.parquet", str(folder / "*.parquet")):
        assert read(source).summary_hash() == read(log).summary_hash()
    with pytest.raises(ColumnError, match="No column 'run'"):
        read(folder, customer_columns=["run"])


def test_folders_that_differ_are_refused(log, read, tmp_path):
    folder = partitioned(log, tmp_path / "log", ["shop"])
    (folder / "shop=s").rename(folder / "store=s")
    with pytest.raises(ColumnError, match=r"its folders name 'store', but those of .* 'shop'"):
        read(folder)
    log.drop(columns="shop").to_parquet(folder / "a.parquet", index=False)
    with pytest.raises(ColumnError, match=r"name 's.*', but those of .*a\.parquet none"):
        read(folder)


def test_names_that_differ_in_case_and_escapes(log, read, tmp_path):
    folder = partitioned(log, tmp_path / "log", ["shop"])
    for path in list(folder.glob("shop=*")):
        path.rename(path.with_name(path.name.replace("shop", "V")))
    with pytest.raises(ColumnError, match="differ by more than case"):
        read(folder)
    for old, new in (("V=s", "shop=a%20b"), ("V=n", "shop=__HIVE_DEFAULT_PARTITION__")):
        (folder / old).rename(folder / new)
    found = read(folder, customer_columns=["shop"]).attributes()["shop"]
    assert found["007"] == "a b"
    assert pd.isna(found["7"])
