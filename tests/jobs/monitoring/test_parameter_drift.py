"""Differences of parameters in standard errors, by hand."""

import math

import pandas as pd
import pytest

from forecast.jobs.monitoring.parameter_drift import parameter_drift

DAYS = [pd.Timestamp("2023-01-01"), pd.Timestamp("2023-07-02"), pd.Timestamp("2024-01-01")]


def table(value: float, error: float = 0.03) -> pd.DataFrame:
    return pd.DataFrame({"name": ["r"], "value": [value], "standard_error": [error]})


def test_z_by_hand() -> None:
    found = parameter_drift({DAYS[0]: table(0.5, 0.03), DAYS[2]: table(0.75, 0.04)}).loc["r"]
    assert found["change"] == pytest.approx(0.5)
    assert found["z"] == pytest.approx(0.25 / 0.05)
    assert found["p_value"] == pytest.approx(math.erfc(5 / math.sqrt(2)))
    assert found["drifted"]
    assert math.isnan(found["trend"])


def test_neither_chance_nor_trifles_are_drift() -> None:
    noisy = parameter_drift({DAYS[0]: table(0.5, 0.2), DAYS[2]: table(0.75, 0.2)}).loc["r"]
    assert not noisy["drifted"]
    small = parameter_drift({DAYS[0]: table(0.5, 0.001), DAYS[2]: table(0.55, 0.001)}).loc["r"]
    assert small["p_value"] < 1e-9
    assert not small["drifted"]
    unknown = parameter_drift({DAYS[0]: table(0.5, math.nan), DAYS[2]: table(5.0)}).loc["r"]
    assert math.isnan(unknown["z"])
    assert not unknown["drifted"]


def test_a_trend_is_a_change_a_year() -> None:
    tables = {day: table(value) for day, value in zip(DAYS, (1.0, 1.1, 1.2), strict=True)}
    found = parameter_drift(tables).loc["r"]
    assert found["trend"] == pytest.approx(0.2, rel=0.01)
    backwards = parameter_drift(dict(reversed(tables.items()))).loc["r"]
    assert backwards.equals(found)


def test_a_single_run_has_nothing_to_compare() -> None:
    assert parameter_drift({DAYS[0]: table(0.5)}).empty
    assert parameter_drift({}).empty
