"""The page for those who come from pymc-marketing holds against pymc-marketing itself.

`make legs` runs this in an environment of its own, where pymc-marketing is installed.
"""

import ast
import inspect
import re
import runpy
import sys
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.processes import GammaGamma

PAGE = Path(__file__).parents[1] / "docs" / "from_pymc_marketing.md"
SAMPLE = Path(__file__).parents[1] / "data" / "sample"
TEXT = PAGE.read_text(encoding="utf-8")
if find_spec("pymc_marketing") is None:
    pytest.skip("no pymc-marketing: make legs installs it", allow_module_level=True)
ROWS = re.findall(r"^\| (`.+?) \| ", TEXT, flags=re.MULTILINE)


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """What the page has made when all its blocks have run, before and after."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTensor's compilers and ArviZ give some
        module: Any = ModuleType("docs_from_pymc_marketing")
        sys.modules[module.__name__] = module
        for block in re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL):
            exec(compile(block, PAGE.name, "exec"), vars(module))
        yield module
    del sys.modules[module.__name__]


def test_purchases_and_value_agree(page: Any) -> None:
    ours = page.found.customers["expected_purchases"]
    theirs = page.purchases.rename(str).reindex(ours.index)
    assert len(page.purchases) == len(ours) == 2357
    assert theirs.sum() == pytest.approx(ours.sum(), rel=0.02)
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=0.3)
    future = page.value.customers["future"]
    assert float(page.lifetime.sum()) == pytest.approx(future.sum(), rel=0.03)
    assert f"{theirs.sum():,.0f} purchases and this package {ours.sum():,.0f}" in TEXT


def test_its_spend_leans_on_the_unit_of_money(page: Any) -> None:
    means = []
    for amount in (1, 100):  # dollars, cents
        data = page.data[page.data["monetary_value"] > 0]
        data = data.assign(monetary_value=data["monetary_value"] * amount)
        theirs = page.clv.GammaGammaModel()
        theirs.fit(data, method="map", progressbar=False)
        means.append(float(theirs.expected_new_customer_spend().mean()))
        ours = GammaGamma.fit(data["frequency"], data["monetary_value"])
        assert float(ours.process.expected_order_value()) == pytest.approx(35.17 * amount, rel=1e-3)
    assert means[0] == pytest.approx(36.38, abs=0.05)
    assert means[1] == pytest.approx(-68_591, rel=0.01)


def test_both_stand_in_one_table(page: Any) -> None:
    board = page.result.leaderboard()
    rmse = board.loc[["pymc_marketing", "BTYD"], "rmse"]
    assert rmse.iloc[0] == pytest.approx(rmse.iloc[1], rel=0.01)


def test_shipped_predictions_can_be_made_anew() -> None:
    """A shorter chain comes within its own error of the file that notebook 06 reads."""
    day = "2011-08-31"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = runpy.run_path(str(SAMPLE / "predict_with_pymc_marketing.py"))["predictions"](
            day, draws=200
        )
    shipped = pd.read_csv(SAMPLE / "pymc_marketing_predictions.csv.gz", dtype={"customer_id": str})
    shipped = shipped[shipped["cutoff"] == day]
    assert list(made) == list(shipped)
    assert made["customer_id"].tolist() == shipped["customer_id"].tolist()
    given = ["frequency", "recency", "T", "monetary_value"]
    np.testing.assert_allclose(made[given], shipped[given], rtol=1e-4)
    answers = [name for name in made if name.startswith("expected_")]
    np.testing.assert_allclose(made[answers].sum(), shipped[answers].sum(), rtol=0.01)
    np.testing.assert_allclose(made[answers], shipped[answers], rtol=0.05, atol=0.02)


def test_whole_weeks_are_another_table(page: Any) -> None:
    weeks = page.clv.rfm_summary(
        page.orders, "customer_id", "date", "amount",
        observation_period_end="1997-09-30", time_unit="W",
    )  # fmt: skip
    totals = []
    for data in (page.data, weeks):
        table = fc.read_summary(data, unit="weeks", cutoff="1997-09-30")
        model = fc.BTYD(purchases="bgnbd", spend="gamma_gamma").fit(table)
        totals.append(
            model.forecast("39W", draws=0).customers[["expected_purchases", "expected_value"]].sum()
        )
    assert (totals[1] / totals[0] - 1).tolist() == pytest.approx([0.04, 0.12], abs=0.01)


@pytest.mark.parametrize("row", ROWS)
def test_names_exist(page: Any, row: str) -> None:
    """Names are attributes or columns, and what is passed by keyword is a parameter."""
    owners = [page.clv, page.bgnbd, page.spend]
    others = {*page.data.columns, *page.bgnbd.default_model_config}
    for code in re.findall(r"`([^`]+)`", row):
        node: Any = ast.parse(code, mode="eval").body
        call, node = (node, node.func) if isinstance(node, ast.Call) else (None, node)
        name = getattr(node, "attr", getattr(node, "id", None))
        (thing, *_) = [getattr(each, name) for each in owners if hasattr(each, name)] or [None]
        assert thing is not None or name in others, name
        if call is not None:
            given = {each.arg for each in call.keywords}
            assert given <= set(inspect.signature(thing).parameters), code
