"""Level and season: recovered where known, and drawn as expected."""

import numpy as np
import pytest

from forecast.models.local_level import fit_local_level

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
    assert fit_local_level(series(weeks), cycle=YEAR, shift=0.2).kind == kind


@pytest.mark.parametrize("weeks", [90, 130, 210])
def test_season_is_carried_on(weeks: int) -> None:
    truth = 80 * np.exp(0.5 * np.cos(2 * np.pi * np.arange(weeks, weeks + 52) / YEAR))
    expected = fit_local_level(series(weeks), cycle=YEAR, shift=0.2).expect(52)
    assert np.corrcoef(expected, truth)[0, 1] > 0.95
    assert expected.sum() == pytest.approx(truth.sum(), rel=0.12)


def test_constant_series_goes_on_without_spread() -> None:
    fitted = fit_local_level(np.full(20, 7.0), cycle=YEAR, shift=0.2)
    np.testing.assert_allclose(fitted.expect(5), 7.0)
    np.testing.assert_allclose(fitted.draw(5, 3, np.random.default_rng(0)), 7.0)


@pytest.mark.parametrize(("weeks", "shift"), [(40, 0.2), (80, 0.2), (130, 0.2), (60, 0.0)])
def test_draws_have_the_expectation_as_mean(weeks: int, shift: float) -> None:
    values = series(weeks, 3, noise=0.4)
    values[5] = 0.01
    fitted = fit_local_level(values, cycle=YEAR, shift=shift, season=shift > 0)
    drawn = fitted.draw(12, 40_000, np.random.default_rng(1))
    assert (drawn >= 0).all()
    error = drawn.std(axis=0) / 200
    assert (np.abs(drawn.mean(axis=0) - fitted.expect(12)) < 4.5 * error).all()


def test_an_uncertain_level_does_not_raise_the_forecast() -> None:
    rng = np.random.default_rng(2)
    walk = np.exp(np.cumsum(0.25 * rng.standard_normal(45)))
    fitted = fit_local_level(walk, cycle=YEAR, shift=0.0)
    expected = fitted.expect(60)
    np.testing.assert_allclose(expected, expected[0])
    spread = fitted.draw(60, 2000, rng).std(axis=0)
    assert spread[-1] > 2 * spread[0]


def test_unit_is_irrelevant_and_gaps_are_allowed() -> None:
    values = series(70, 4)
    values[10] = np.nan
    one, other = (
        fit_local_level(values * unit, cycle=YEAR, shift=0.0).expect(6) for unit in (1, 37.3)
    )
    np.testing.assert_allclose(other, 37.3 * one, rtol=1e-9)


def test_a_closed_week_is_no_catastrophe() -> None:
    values = series(60, 5, height=0.0)
    usual = fit_local_level(values, cycle=YEAR, shift=0.2).expect(8).sum()
    values[30] = 0.0
    closed = fit_local_level(values, cycle=YEAR, shift=0.2).expect(8).sum()
    assert closed == pytest.approx(usual, rel=0.25)
