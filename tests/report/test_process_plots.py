"""Plots of a fitted process draw what the process says."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

from forecast.datasets import load_cdnow
from forecast.errors import UnsupportedError, UsageError
from forecast.ledger import Ledger, read_ledger
from forecast.models import BTYD
from forecast.report import (
    conditional_expectation,
    frequency_histogram,
    frequency_recency_matrix,
    p_alive_history,
    posterior_pairs,
)
from forecast.views import customer_summary


@pytest.fixture(scope="module")
def whole() -> Ledger:
    return read_ledger(load_cdnow(sample=True), key=())


@pytest.fixture(scope="module")
def seen(whole: Ledger) -> Ledger:
    return whole.cut("1997-09-30")


@pytest.fixture(scope="module")
def model(seen: Ledger) -> BTYD:
    return BTYD(purchases="bgnbd").fit(seen)


def test_repeat_purchases_beside_the_model(model: BTYD, seen: Ledger) -> None:
    ax = frequency_histogram(model, seen, most=5, ax=Figure().add_subplot())
    people = customer_summary(seen)
    wanted = people["frequency"].clip(upper=5).value_counts().sort_index()
    assert_allclose([bar.get_height() for bar in ax.patches], wanted)
    # half of the customers: 1,411 never came back, as published for this sample
    assert wanted[0] == 1411
    model_line = ax.containers[1].lines[0].get_ydata()
    assert model_line.sum() == pytest.approx(len(people))
    one = model.purchases_.process.pmf(0, people["T"].to_numpy() / 7).sum()
    assert model_line[0] == pytest.approx(one)
    assert abs(model_line[0] - wanted[0]) < 50
    assert [each.get_text() for each in ax.get_xticklabels()][-1] == "5+"
    assert ax.get_ylabel() == "customers"


@pytest.mark.parametrize("kind", ["p_alive", "expected_purchases"])
def test_the_matrix_asks_the_process(model: BTYD, seen: Ledger, kind: Any) -> None:
    ax = frequency_recency_matrix(
        model, seen, kind=kind, horizon="13W", most=4, ax=Figure().add_subplot()
    )
    age = customer_summary(seen)["T"].max() / 7
    cells = ax.collections[0].get_array().reshape(-1, 5)
    process = model.purchases_.process
    wanted = (
        process.p_alive(4, age, age)
        if kind == "p_alive"
        else process.expected_purchases(13, 4, age, age)
    )
    assert cells[-1, 4] == pytest.approx(float(wanted))
    masked = np.ma.getmaskarray(np.ma.masked_invalid(cells))
    assert masked[1:, 0].all()  # nobody without a repeat purchase has a recency
    assert not masked[0, 0]
    assert masked[0, 1:].all()


def test_a_history_of_being_alive(model: BTYD, seen: Ledger) -> None:
    people = customer_summary(seen)
    name = str(people.index[people["frequency"] == 4][0])
    ax = p_alive_history(model, seen, name, ax=Figure().add_subplot())
    drawn = {line.get_label(): line for line in ax.get_lines()}
    course = drawn["probability to be alive"].get_ydata()
    who = people.loc[name]
    last = model.purchases_.process.p_alive(4, who["recency"] / 7, who["T"] / 7)
    assert course[-1] == pytest.approx(100 * float(last))
    assert len(course) == who["T"] + 1
    assert len(drawn["purchase"].get_xdata()) == 5
    assert course[0] == 100  # BG/NBD: who never came back cannot have left
    with pytest.raises(UsageError, match="'nobody' has no purchase"):
        p_alive_history(model, seen, "nobody")


def test_a_history_knows_no_later_day(model: BTYD, whole: Ledger, seen: Ledger) -> None:
    name = str(customer_summary(seen)["frequency"].idxmax())
    drawn = []
    for ledger in (seen, whole):
        ax = p_alive_history(model, ledger, name, ax=Figure().add_subplot())
        drawn.append(ax.get_lines()[0].get_ydata())
    assert_allclose(drawn[0], drawn[1][: len(drawn[0])])


@pytest.mark.parametrize("by", ["frequency", "recency"])
def test_conditional_expectations_are_group_means(
    model: BTYD, whole: Ledger, seen: Ledger, by: Any
) -> None:
    ahead = model.forecast("39W", draws=0)
    ax = conditional_expectation(ahead, whole, by=by, groups=4, ax=Figure().add_subplot())
    known = customer_summary(seen)
    came = whole.actuals("1997-09-30", "39W")["purchases"].reindex(known.index)
    expected = ahead.customers["expected_purchases"].reindex(known.index)
    heights = [bar.get_height() for bar in ax.patches]
    line = ax.get_lines()[-1].get_ydata()
    if by == "frequency":
        group = known["frequency"].clip(upper=3)
        assert_allclose(heights, came.groupby(group).mean())
        assert_allclose(line, expected.groupby(group).mean())
    else:
        again = known["frequency"] > 0
        group = pd.qcut(known.loc[again, "recency"], 4)
        assert_allclose(heights, came[again].groupby(group, observed=True).mean())
        assert_allclose(line, expected[again].groupby(group, observed=True).mean())


def test_a_window_past_the_log_is_refused(model: BTYD, seen: Ledger) -> None:
    with pytest.raises(Exception, match="cutoff"):
        conditional_expectation(model.forecast("39W", draws=0), seen)


def test_pairs_of_the_posterior(model: BTYD) -> None:
    figure = Figure()
    axes = posterior_pairs(model.purchases_, draws=300, seed=1, axes=figure.subplots(4, 4))
    draws = model.purchases_.posterior(draws=300, seed=1).draws
    assert_allclose(axes[2, 1].get_lines()[0].get_xdata(), draws[:, 1])
    assert_allclose(axes[2, 1].get_lines()[0].get_ydata(), draws[:, 2])
    assert axes[3, 1].get_xlabel() == "alpha, weeks"
    assert axes[3, 0].get_ylabel() == "b"
    assert not axes[0, 3].axison
    with pytest.raises(UsageError, match="4 parameters"):
        posterior_pairs(model.purchases_, axes=figure.subplots(2, 2))


def test_pairs_of_draws_as_arviz_keeps_them(model: BTYD) -> None:
    posterior = model.purchases_.posterior(draws=60, seed=1)
    chains = posterior.chains()
    chains["posterior"]["mean by customer"] = np.ones((1, 60, 3))
    chains["posterior"]["slope"] = -np.ones((1, 60))
    axes = posterior_pairs(chains, axes=Figure().subplots(4, 4))
    assert [ax.get_xlabel() for ax in axes[3]] == list(posterior.names)
    assert_allclose(axes[2, 1].get_lines()[0].get_ydata(), posterior.draws[:, 2])
    assert len(axes[2, 1].get_lines()) == 1  # no estimate is known
    with pytest.raises(UsageError, match="neither a fit nor ArviZ data"):
        posterior_pairs(3)
    with pytest.raises(UsageError, match="no positive single parameter among slope"):
        posterior_pairs({"posterior": {"slope": -np.ones((1, 60))}})


def test_what_one_process_cannot_show_is_refused(seen: Ledger) -> None:
    class Seasonal:
        purchases_ = object()
        clock_ = object()

    with pytest.raises(UnsupportedError, match="season"):
        frequency_histogram(Seasonal(), seen)
    with pytest.raises(UsageError, match="Fit it first"):
        frequency_histogram(BTYD(), seen)
