"""The verdict claims no more than the numbers carry."""

import dataclasses
import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from forecast.backtest import Backtest, Comparison, backtest
from forecast.backtest.checks import Check
from forecast.forecaster import Forecast
from forecast.ledger import Ledger, read_ledger
from forecast.report import report
from forecast.report.alerts import alerts
from forecast.report.leader import lead
from forecast.report.verdict import (
    Total,
    backtest_sentences,
    decision,
    forecast_sentences,
    off,
    same_model,
    standing,
    totals,
)


def fake_scores(
    bt: Backtest, errors: dict[str, float], in_set: tuple[str, ...], skill: float = 0.25
) -> Backtest:
    """The same backtest with scores and comparison made up, so that the lead is known."""

    class Made(Backtest):
        def leaderboard(self, *_: Any, **__: Any) -> Any:
            board = pd.DataFrame({"rmse": errors})
            board = board.assign(skill=skill, bias=0.031, bias_worst=-0.12, coverage=0.95)
            board = board.assign(total_coverage=1.0, origins=len(bt.origins), failed=0)
            return board.sort_values("rmse")

        def compare(self, metric: Any = "rmse", target: str = "purchases", **_: Any) -> Any:
            best = min(errors, key=lambda name: errors[name])
            table = pd.DataFrame({"score": errors}).sort_values("score")
            table = table.assign(
                ratio=table["score"] / errors[best],
                origins=len(bt.origins),
                in_set=table.index.isin(in_set),
            )
            return Comparison("rmse", target, best, 0.9, True, table, ("As it was found.",))

    given = {field.name: getattr(bt, field.name) for field in dataclasses.fields(Backtest)}
    return Made(**given)


def said(bt: Backtest) -> list[str]:
    return [sentence.replace("\u00a0", " ") for _, sentence in backtest_sentences(bt)]


def test_a_clear_lead_is_named_with_its_margin(tested: Backtest) -> None:
    made = fake_scores(tested, {"a": 1.0, "b": 1.25}, ("a",))
    found = lead(made, "purchases")
    assert found is not None
    assert (found.model, found.second, found.cutoffs, found.clear) == ("a", "b", 4, True)
    assert found.margin == pytest.approx(0.2)
    assert said(made)[0] == (
        "Tested on purchases over 8 weeks after each of 4 past cutoffs, a had the smallest error "
        "(RMSE 1.00 purchases a customer)."
    )
    assert (decision(made) or "").replace("\u00a0", " ") == (
        "Use a: it was the best of 2 models that answered at every cutoff. On purchases the error "
        "was 25.0 % below forecasting nothing, 20.0 % below the second, b; the total was 3.1 % "
        "too high on average, \u221212.0 % at worst. On value the error was 25.0 % below "
        "forecasting nothing, 20.0 % below the second, b; the total was 3.1 % too high on "
        "average, \u221212.0 % at worst."
    )


def test_a_lead_that_may_be_chance_is_called_equal(tested: Backtest) -> None:
    made = fake_scores(tested, {"a": 1.0, "b": 1.25, "c": 2.0}, ("a", "b"))
    first = decision(made)
    assert first is not None
    assert first.startswith("Use a, but do not count on it being the best (purchases and value: ")
    assert "others may be as good: b)" in first


def test_a_tiny_lead_is_called_equal_however_steady(tested: Backtest) -> None:
    made = fake_scores(tested, {"a": 1.0, "b": 1.002}, ("a",))
    assert "Its lead over b is too small to matter: take the two as equal" in said(made)[0]
    level = fake_scores(tested, {"a": 1.0, "b": 1.0002}, ("a", "b"))
    first = (decision(level) or "").replace("\u00a0", " ")
    assert "less than 0.1 % below the second, b" in first
    assert "0.0 %" not in first


def test_a_leader_that_leaks_is_not_recommended(tested: Backtest) -> None:
    made = fake_scores(tested, {"a": 1.0, "b": 1.25}, ("a",))
    accused = Check("L1-leak-suspected", "error", "x", "y", evidence={"a over 8W, value": {}})
    assert (decision(made, [accused]) or "").startswith("Do not use a, whose error is the smallest")
    other = Check("L1-leak-suspected", "error", "x", "y", evidence={"aa over 8W, value": {}})
    assert (decision(made, [other]) or "").startswith("Use a")


def test_nothing_beats_nothing(tested: Backtest) -> None:
    made = fake_scores(tested, {"a": 1.0, "b": 1.2}, ("a",), skill=-0.1)
    assert (decision(made) or "").startswith("Use none of these models")


def test_what_was_found_in_a_real_comparison_is_what_is_said(tested: Backtest) -> None:
    for target in ("purchases", "value"):
        found = lead(tested, target)
        assert found is not None
        board = tested.leaderboard(target)
        whole = tested.compare("rmse", target, reference=found.model).table
        best = set(whole.index[whole["in_set"].fillna(False).astype(bool)])
        assert found.model == board.index[0]
        assert found.clear == (best == {found.model} and found.margin >= 0.01)
        assert found.rivals == 2  # another failed at a cutoff, one lists no customers


@pytest.mark.parametrize("origins", [1, 2])
def test_too_few_cutoffs_name_no_best_model(ledger: Ledger, rate: Any, origins: int) -> None:
    few = backtest(ledger, {"a": rate(), "b": rate(level=3)}, horizon="8W", origins=origins)
    found = lead(few, "purchases")
    assert found is not None
    assert not found.clear
    assert "cannot tell which model is best" in said(few)[0]
    assert "too few cutoffs were tried" in (decision(few) or "")


def test_a_model_alone_leads_nobody(ledger: Ledger, rate: Any) -> None:
    alone = backtest(ledger, {"a": rate()}, horizon="8W", origins=3, populations=("existing",))
    found = lead(alone, "value")
    assert found is not None
    assert found.second is None
    assert "second" not in " ".join(said(alone))


def test_no_better_than_nothing_is_said(ledger: Ledger, rate: Any) -> None:
    wild = backtest(ledger, {"a": rate(level=9)}, horizon="8W", origins=3)
    assert "but no smaller than that of a forecast of nothing." in said(wild)[0]


def test_totals_come_from_draws(future: Forecast) -> None:
    known = totals(future)
    assert list(known) == ["purchases", "value"]
    interval = future.interval(0.9)
    for target, each in known.items():
        assert each == tuple(interval.loc[target, ["expected", "lo", "hi"]])
        assert each.lo < each.expected < each.hi
        narrow = future.periods[f"{target}_lo_90"].sum()
        assert each.lo > narrow  # bounds of periods do not add up
    bare = totals(dataclasses.replace(future, sampler=None))
    assert bare["purchases"].expected == known["purchases"].expected
    assert np.isnan(bare["purchases"].lo)


def test_the_forecast_in_words(future: Forecast) -> None:
    known = {"purchases": Total(1234.0, 1200.0, 1271.0)}
    first = forecast_sentences(future, known)[0]
    assert first == (
        "Over the 8 weeks from 1 July 2023 to 25 August 2023, the 80 customers seen by the cutoff "
        "are expected to make 1,230 purchases (90 % interval: 1,200 to 1,270), according to Rate."
    )


def test_without_amounts_nothing_is_said_of_value(unpriced: Ledger, rate: Any) -> None:
    known = totals(rate().fit(unpriced).forecast("8W", draws=50))
    assert list(known) == ["purchases"]
    tested = backtest(unpriced, {"a": rate(), "b": rate(level=2)}, horizon="8W", origins=3)
    assert lead(tested, "value") is None
    assert len(said(tested)) == 1


def test_where_the_model_of_the_forecast_came(future: Forecast, tested: Backtest) -> None:
    best = lead(tested, "purchases")
    assert best is not None
    other = {"Rate": "half", "half": "Rate"}[best.model]
    assert standing(dataclasses.replace(future, model=best.model), tested) == []
    text = standing(dataclasses.replace(future, model=other), tested)[0]
    assert text.startswith(f"{other}, which made the forecast, came number 2 of 3 on purchases")


def test_what_a_check_says_the_audit_does_not_say_again() -> None:
    old = pd.date_range("2022-01-01", "2022-01-30").repeat(20)
    new = pd.date_range("2022-02-01", "2022-12-31", freq="3D")
    days = old.append(new)
    log = pd.DataFrame({"customer_id": range(len(days)), "date": days})
    ledger = read_ledger(log, key=())
    assert "early customers" in set(ledger.audit.query("severity == 'warning'")["check"])
    said = "Early customers"
    assert said in " ".join(alerts(ledger, None, None))
    fired = [Check("D1-left-truncation", "warning", "Old ones.", "Leave them out.")]
    assert said not in " ".join(alerts(ledger, None, None, fired))


def test_alerts_name_what_limits_the_use(
    ledger: Ledger, future: Forecast, tested: Backtest, rate: Any
) -> None:
    other = dataclasses.replace(future, model="Oracle", sampler=None)
    text = " ".join(alerts(ledger, other, tested))
    assert "without draws" in text
    assert "No model of the backtest is named Oracle" in text
    assert "late (1 of 4 cutoffs)" in text
    longer = rate().fit(ledger).forecast("12W", draws=0)
    assert "looks 8 weeks ahead, the forecast 12 weeks" in " ".join(alerts(None, longer, tested))
    high = backtest(ledger, {"a": rate(level=3)}, horizon="8W", origins=3)
    text = " ".join(alerts(None, None, high))
    assert "0 of 3 for purchases (a)" in text
    assert "worst past cutoff" in text
    warned = dataclasses.replace(
        ledger, audit=ledger.audit.assign(severity="info", check="x", what="y", count=1)
    )
    assert alerts(warned, None, None) == []


def test_checks_lead_the_alerts_and_consequences_stay_behind(ledger: Ledger) -> None:
    fired = [
        Check("D8-drift", "warning", "Levels move.", "Look.", causes=("L1-leak-suspected",)),
        Check("D3-few", "warning", "Few came back.", "Wait."),
        Check("L1-leak-suspected", "error", "A column knows.", "Drop it."),
    ]
    found = alerts(ledger, None, None, fired)
    assert found[:2] == ["A column knows. Drop it.", "Few came back. Wait."]
    assert not any("Levels move" in each for each in found)


def test_names_are_the_same_however_they_are_cased(future: Forecast, tested: Backtest) -> None:
    def found(name: str, names: tuple[str, ...]) -> str | None:
        made = dataclasses.replace(tested, models=names)
        return same_model(dataclasses.replace(future, model=name), made)

    assert found("OwnRate", ("zero", "own_rate")) == "own_rate"
    assert found("a", ("b",)) is None
    assert found("b", ("B", "b")) == "b"


def test_a_model_is_known_by_what_its_forecasts_call_it(
    ledger: Ledger, future: Forecast, rate: Any
) -> None:
    one = backtest(ledger, {"mine": rate()}, horizon="8W", origins=2)
    assert set(one.runs["called"]) == {"Rate", ""}  # nothing where the population is refused
    assert same_model(future, one) == "mine"
    assert not any(
        "No model of the backtest is named" in each for each in alerts(None, future, one)
    )
    two = backtest(ledger, {"mine": rate(), "half": rate(level=0.5)}, horizon="8W", origins=2)
    assert same_model(future, two) is None
    older = dataclasses.replace(one, runs=one.runs.drop(columns="called"))
    assert same_model(future, older) is None


@pytest.mark.parametrize(
    ("bias", "text"), [(0.031, "3.1 % too high"), (-0.2, "20.0 % too low"), (0.0, "right")]
)
def test_which_way_a_total_was_off(bias: float, text: str) -> None:
    assert off(bias).replace("\u00a0", " ") == text


@pytest.mark.parametrize("horizon", ["3M", "30D", "2023-08-11", "1Y"])
@pytest.mark.parametrize("priced", [True, False])
def test_any_horizon_with_or_without_amounts(
    tmp_path: Path, ledger: Ledger, unpriced: Ledger, rate: Any, horizon: str, priced: bool
) -> None:
    shop = ledger if priced else unpriced
    ahead = rate().fit(shop).forecast(horizon, draws=20)
    text = report(tmp_path / "r.html", ledger=shop, forecast=ahead).read_text(encoding="utf-8")
    assert ("Value a" in text) is priced
    assert text.count("<svg") == 1 + priced
    assert not re.search(r"\bnan\b|\bNaN\b|\bNone\b", re.sub(r"<style>.*?</style>", "", text))


def test_a_backtest_in_which_everything_failed(tmp_path: Path, ledger: Ledger, rate: Any) -> None:
    never = backtest(ledger, {"a": rate(fails_before=date.max)}, horizon="8W", origins=2)
    text = report(tmp_path / "r.html", backtest=never).read_text(encoding="utf-8")
    assert "No model of this backtest answered for them." in text
    assert "Models that failed, by name: a (2 of 2 cutoffs)" in text


def test_a_forecast_of_everybody_has_no_customers(
    tmp_path: Path, ledger: Ledger, rate: Any
) -> None:
    model = rate(populations=("all",), by_customer=False).fit(ledger)
    ahead = model.forecast("8W", population="all", draws=20)
    text = report(tmp_path / "r.html", ledger=ledger, forecast=ahead).read_text(encoding="utf-8")
    assert "it lists no customers" in text
    assert "Top customers" not in text
    assert "yet to come are not part" not in text
