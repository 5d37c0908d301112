"""What Spark does not have is refused by name, before anything is computed."""

from typing import Any

import pandas as pd
import pytest

import forecast as fc
from forecast import spark
from forecast.errors import UnsupportedError, UsageError
from forecast.spark.estimation import check_model


@pytest.fixture(scope="module")
def ledger() -> fc.Ledger:
    return fc.read_ledger(fc.load_cdnow(sample=True), key=())


@pytest.mark.parametrize("name", list(fc.MODELS))
def test_other_models(name: str) -> None:
    model = fc.MODELS[name]
    if isinstance(model, fc.BTYD) and model.engine == "own":
        check_model(model)
        return
    with pytest.raises(UnsupportedError, match=r"BTYD alone|not on Spark"):
        check_model(model)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"engine": "lifetimes"}, "engine='lifetimes'"),
        ({"purchases": "auto", "season": "auto"}, "purchases='auto', season='auto'"),
        ({"spend": "drift"}, "spend='drift'"),
        ({"covariates": ("channel",)}, "covariates: not on Spark"),
        ({"by": "channel"}, "by: not on Spark"),
    ],
)
def test_settings_that_need_each_customer(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UnsupportedError, match=says):
        check_model(fc.BTYD(**settings))


def test_settings_that_exist_nowhere() -> None:
    with pytest.raises(UsageError, match="'bgnb' is not one of bgnbd"):
        check_model(fc.BTYD("bgnb"))
    with pytest.raises(UnsupportedError, match="pareto_nbd knows neither season"):
        check_model(fc.BTYD("pareto_nbd", season=1))


def test_a_local_ledger_or_a_table(ledger: fc.Ledger) -> None:
    model = fc.BTYD().fit(ledger)
    for ask in (spark.summary, lambda each: spark.fit(fc.BTYD(), each)):
        with pytest.raises(UnsupportedError, match="The ledger is local"):
            ask(ledger)
        with pytest.raises(UsageError, match=r"not a DataFrame: call fc\.read_ledger"):
            ask(pd.DataFrame())
    with pytest.raises(UsageError, match=r"share: 0 must be above 0"):
        spark.fit(fc.BTYD(), ledger, share=0)
    with pytest.raises(UnsupportedError, match="The ledger is local"):
        spark.score(model, ledger, "26W")
