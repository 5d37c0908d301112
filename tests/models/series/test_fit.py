"""Every method: level, season and events recovered where known, and drawn as expected."""

import numpy as np
import pytest

from forecast.errors import TooLittleDataError
from forecast.models.series.fit import METHODS, fit_series

YEAR = 365.25 / 7


def series(weeks: int, seed: int = 0, *, noise: float = 0.1, height: float = 0.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    season = height * np.cos(2 * np.pi * np.arange(weeks) / YEAR)
    return np.asarray(80 * np.exp(season + noise * rng.standard_normal(weeks)))


@pytest.mark.parametrize(
    ("weeks", "kind"),
    [
        (30, "no season"),
        (52, "no season"),
        (53, "shrunk season"),
        (104, "shrunk season"),
        (105, "season"),
    ],
)
def test_history_decides_the_season(weeks: int, kind: str) -> None:
    fitted = fit_series(series(weeks), cycle=YEAR, shift=0.2)
    assert fitted.kind == kind
    assert fitted.season.pairs == (0 if kind == "no season" else 3)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("weeks", [90, 130])
def test_season_is_carried_on(weeks: int, method: str) -> None:
    if method == "stl" and weeks < 104:
        with pytest.raises(TooLittleDataError, match="needs two years of history, 104"):
            fit_series(series(weeks), cycle=YEAR, shift=0.2, method=method)
        return
    truth = 80 * np.exp(0.5 * np.cos(2 * np.pi * np.arange(weeks, weeks + 52) / YEAR))
    fitted = fit_series(series(weeks), cycle=YEAR, shift=0.2, method=method)
    expected = fitted.expect(52)
    assert fitted.converged
    assert np.corrcoef(expected, truth)[0, 1] > 0.93
    assert expected.sum() == pytest.approx(truth.sum(), rel=0.1)
    assert fitted.spread() == pytest.approx(0.1, rel=0.45)


@pytest.mark.parametrize("method", METHODS)
def test_draws_have_the_expectation_as_mean(method: str) -> None:
    values = series(130, 3, noise=0.3)
    values[5] = 0.01
    fitted = fit_series(values, cycle=YEAR, shift=0.2, method=method)
    drawn = fitted.draw(12, 20_000, np.random.default_rng(1))
    assert (drawn >= 0).all()
    error = drawn.std(axis=0) / np.sqrt(len(drawn))
    assert (np.abs(drawn.mean(axis=0) - fitted.expect(12)) < 4.5 * error).all()


@pytest.mark.parametrize("method", METHODS)
def test_an_event_is_found_and_repeated(method: str) -> None:
    values, events = series(120, 5), np.zeros((120, 1))
    events[[20, 47, 80, 101], 0] = 1.0
    values *= np.exp(0.6 * events[:, 0])
    fitted = fit_series(values, cycle=YEAR, shift=0.0, method=method, events=events)
    future = np.zeros((8, 1))
    without = fitted.expect(8, future)
    future[3] = 1.0
    raised = fitted.expect(8, future) / without
    # a pattern by loess takes a part of what it saw in but two years for a season
    assert np.log(raised[3]) == pytest.approx(0.6, abs=0.35 if method == "stl" else 0.15)
    np.testing.assert_allclose(np.delete(raised, 3), 1.0)
    np.testing.assert_allclose(fitted.expect(8), without)


def test_pairs_are_chosen_by_what_they_explain() -> None:
    flat = fit_series(series(130, 6, height=0.0), cycle=YEAR, shift=0.0, method="sarimax")
    round_ = fit_series(series(130, 6), cycle=YEAR, shift=0.0, method="sarimax")
    assert flat.season.pairs == 0
    assert round_.season.pairs >= 1


@pytest.mark.parametrize("method", METHODS[:3])
def test_unit_is_irrelevant_and_gaps_are_allowed(method: str) -> None:
    values = series(70, 4)
    values[10] = np.nan
    one, other = (
        fit_series(values * unit, cycle=YEAR, shift=0.0, method=method).expect(6)
        for unit in (1, 37.3)
    )
    np.testing.assert_allclose(other, 37.3 * one, rtol=1e-9)


@pytest.mark.parametrize("method", METHODS[:3])
def test_constant_and_shortest_series(method: str) -> None:
    fitted = fit_series(np.full(20, 7.0), cycle=YEAR, shift=0.2, method=method)
    np.testing.assert_allclose(fitted.expect(5), 7.0)
    short = fit_series(series(8), cycle=YEAR, shift=0.2, method=method).expect(4)
    assert (np.abs(np.log(short / 120)) < 0.2).all()


@pytest.mark.parametrize("method", METHODS)
def test_at_a_later_end_the_season_stays_in_its_weeks(method: str) -> None:
    values = series(160, noise=0.05, height=0.6)
    fitted = fit_series(values[:130], cycle=YEAR, shift=0.2, method=method)
    same = fitted.stand(values[:130], steps=0.0)
    np.testing.assert_allclose(same.expect(30), fitted.expect(30), rtol=1e-12)
    later = fitted.stand(values[:143], steps=13.0)
    truth = 80 * np.exp(0.6 * np.cos(2 * np.pi * np.arange(143, 160) / YEAR))
    np.testing.assert_allclose(later.expect(17), truth, rtol=0.25)
    refit = fit_series(values[:143], cycle=YEAR, shift=0.2, method=method)
    np.testing.assert_allclose(later.expect(17), refit.expect(17), rtol=0.2)


@pytest.mark.parametrize("method", METHODS)
def test_at_a_later_end_the_level_follows_the_data(method: str) -> None:
    drift = np.cumsum(np.random.default_rng(1).normal(0, 0.15, 143))
    longer = series(143, noise=0.05, height=0.6) * np.exp(drift)
    fitted = fit_series(longer[:130], cycle=YEAR, shift=0.2, method=method)
    doubled = longer * np.repeat([1.0, 2.0], [130, 13])
    one, two = (fitted.stand(each, steps=13.0).expect(4).sum() for each in (longer, doubled))
    assert two > 1.5 * one


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "size", "least"),
    [("local_level", 300, 0.84), ("sarimax", 40, 0.65), ("ets", 100, 0.6), ("stl", 80, 0.55)],
)
def test_intervals_cover_a_drifting_season(method: str, size: int, least: float) -> None:
    """Half-year totals of simulated businesses of two years and a half.

    Methods that hold what they estimated are too sure of it; the model's docstring says so.
    """
    hits = 0
    for seed in range(size):
        rng = np.random.default_rng([seed, 9])
        steps = np.arange(156)
        level = np.cumsum(0.2 / np.sqrt(52) * rng.standard_normal(156))
        turn = 2 * np.pi * steps / YEAR + rng.uniform(0, 6)
        log = level + 0.3 * np.cos(turn) + 0.12 * rng.standard_normal(156)
        values = 50 * np.exp(log)
        fitted = fit_series(values[:130], cycle=YEAR, shift=0.0, method=method)
        total = fitted.draw(26, 400, np.random.default_rng(seed)).sum(axis=1)
        low, high = np.quantile(total, [0.05, 0.95])
        hits += low <= values[130:].sum() <= high
    assert least <= hits / size <= 0.98
