"""On every log at hand, at every monthly origin: a fit or a named limit model, never a NaN."""

import os
import warnings
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import forecast as fc
from forecast.calendar import add
from forecast.errors import NotIdentifiedError
from forecast.ledger import Ledger
from forecast.processes import BGNBD, MBGNBD, NBD, GammaGamma, ParetoNBD

DATA = os.environ.get("LTV_DATA")
LOGS = [
    "apparel_clvtools_sim", "cdnow_full", "cdnow_sample", "complete_journey_2017",
    "grocery_btydplus", "intendo_iap_sim", "online_retail_ii",
]  # fmt: skip
PROCESSES = [BGNBD, MBGNBD, ParetoNBD, NBD]


def read(name: str) -> Ledger:
    log = pd.read_parquet(Path(str(DATA)) / f"{name}.parquet")
    value = None if log["amount"].isna().all() else "amount"
    return fc.read_ledger(log, customer="customer_id", date="date", value=value, key=())


def check(ledger: Ledger) -> list[str]:
    """Fit everything to one ledger and return the statuses."""
    found = []
    people = fc.customer_summary(ledger)
    history = people["frequency"], people["recency"] / 7, people["T"] / 7
    for process in PROCESSES:
        fit = process.fit(*history, unit="weeks")
        found.append(fit.status)
        assert fit.status in ("converged", "weak", "limit"), (process, ledger.cutoff, fit.message)
        assert fit.status != "limit" or fit.limit
        assert np.isfinite(list(fit.params.values())).all()
        assert np.isfinite(fit.log_likelihood)
        for values in (
            fit.process.p_alive(*history),
            fit.process.p_active(13.0, *history),
            fit.process.expected_purchases(13.0, *history),
            fit.process.expected_purchases(13.0),
        ):
            assert np.isfinite(values).all(), (process, ledger.cutoff)
    if ledger.has_value:
        paid = people["n_paid"] > 0
        mean = people["total_value"][paid] / people["n_paid"][paid]
        fit = GammaGamma.fit(people["n_paid"][paid], mean)
        assert fit.status in ("converged", "weak", "limit"), (ledger.cutoff, fit.message)
        assert np.isfinite(list(fit.params.values())).all()
    return found


@pytest.mark.skipif(DATA is None, reason="LTV_DATA names no folder of logs")
@pytest.mark.parametrize("name", LOGS)
def test_every_log_has_a_fit(name: str) -> None:
    check(read(name))


def months(ledger: Ledger) -> list[date]:
    last = ledger.cutoff.replace(day=1)
    days = [add(last, -back, "M") for back in range(60)]
    return [add(day, -1, "D") for day in days if (day - ledger.first_day).days > 20]


@pytest.mark.slow
@pytest.mark.skipif(DATA is None, reason="LTV_DATA names no folder of logs")
@pytest.mark.parametrize("name", ["online_retail_ii", "cdnow_full", "cdnow_sample"])
def test_every_monthly_origin_has_a_fit(name: str) -> None:
    whole = read(name)
    origins = months(whole)
    assert len(origins) >= 15
    for origin in origins:
        check(whole.cut(origin))


def test_a_base_where_nobody_leaves_and_one_where_all_leave_at_once() -> None:
    rng = np.random.default_rng(1)
    stays = pd.DataFrame(
        [
            {"customer_id": f"c{who:03d}", "date": day}
            for who in range(200)
            for day in pd.date_range("2023-01-01", "2023-12-31")[rng.random(365) < 0.2]
        ]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        statuses = check(fc.read_ledger(stays, key=()))
    assert "limit" in statuses
    once = stays.groupby("customer_id").head(1)
    with pytest.raises(NotIdentifiedError):
        check(fc.read_ledger(once, key=()))
