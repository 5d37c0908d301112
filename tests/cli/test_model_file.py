"""``ltv forecast --model model.json``: the same numbers without a fit, and how old the model is."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

Run = Callable[..., Any]


@pytest.fixture
def fitted(ltv: Run, shop: Path, tmp_path: Path) -> Path:
    asked = ("forecast", shop, "--horizon", "8W", "--model", "btyd", "--draws", 40)
    ended = ltv(*asked, "--save-model", "--cutoff", "2023-01-15", "--out", tmp_path / "fitted")
    assert ended.code == 0, ended.err
    return tmp_path / "fitted"


def test_the_same_log_gives_the_same_numbers(
    ltv: Run, shop: Path, fitted: Path, tmp_path: Path
) -> None:
    for option in ("--model", "--model-file"):
        out = tmp_path / f"again{option}"
        ended = ltv(
            "forecast", shop, "--horizon", "8W", option, fitted / "model.json", "--draws", 40,
            "--cutoff", "2023-01-15", "--out", out,
        )  # fmt: skip
        assert ended.code == 0, ended.err
        one, other = (pd.read_parquet(each / "customers.parquet") for each in (fitted, out))
        pd.testing.assert_frame_equal(one, other, check_exact=True)
        assert "Not fitted anew: the model learned up to 2023-01-15, on the cutoff." in ended.err
        facts = json.loads((out / "manifest.json").read_text())
        assert facts["model_cutoff"] == "2023-01-15"
        assert facts["model_file"].endswith("model.json")


def test_an_old_model_is_said_to_be_old(ltv: Run, shop: Path, fitted: Path, tmp_path: Path) -> None:
    asked = ("forecast", shop, "--horizon", "2W", "--model", fitted / "model.json", "--draws", 0)
    ended = ltv(*asked, "--cutoff", "2023-02-12", "--out", tmp_path / "later")
    assert ended.code == 0
    said = "28 days before the cutoff 2023-02-12: more than the 14 days it forecasts. Fit it anew."
    assert "warning: The model learned up to 2023-01-15" in ended.err
    assert said in " ".join(ended.err.split())
    assert said in (tmp_path / "later" / "report.html").read_text()
    ended = ltv(*asked, "--cutoff", "2022-12-01", "--out", tmp_path / "earlier")
    assert ended.code == 2
    assert "it has seen what it is asked to forecast" in ended.err
    assert not (tmp_path / "earlier").exists()


def test_what_is_no_model_ends_before_the_log_is_read(ltv: Run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    asked = ("forecast", tmp_path / "none.csv", "--horizon", "8W", "--out", tmp_path / "out")
    bad.write_text("{")
    ended = ltv(*asked, "--model", bad)
    assert (ended.code, "no model file of JSON" in ended.err) == (3, True)
    ended = ltv(*asked, "--model", tmp_path / "missing.json")
    assert (ended.code, "cannot be read" in ended.err) == (6, True)


def test_the_wrong_log_is_named(ltv: Run, shop: Path, fitted: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.csv"
    pd.read_csv(shop).drop(columns="amount").to_csv(bare, index=False)
    ended = ltv(
        "forecast", bare, "--horizon", "8W", "--model", fitted / "model.json",
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert ended.code == 2
    assert "fitted with amounts" in ended.err
