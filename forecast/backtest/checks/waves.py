"""How the rate of repeat purchases moves with the calendar, among customers of equal age."""

import math
from dataclasses import dataclass

import numpy as np

from forecast.backtest.checks.check import tail
from forecast.backtest.checks.histories import Floats, Histories
from forecast.calendar import DAYS_PER_YEAR

__all__ = ["Movement", "movement"]

PAIRS = 2
MOST_PERIODS = 160
FEWEST_REPEATS = 100
SHORTEST = 300  # days of log below which a year's wave cannot be told from growth
ILL = 1e5


@dataclass(frozen=True)
class Movement:
    """Log-linear movement of the repeat rate with the calendar, age held equal.

    Attributes
    ----------
    trend, trend_error : float
        Change of the log-rate a year, and its standard error.
    wave : array, shape (2 * PAIRS,)
        Coefficients of sine and cosine of the year, then of the half year, on the log-rate.
    p_trend, p_wave : float
        Of no trend (two-sided, normal) and of no wave (chi-square).
    """

    trend: float
    trend_error: float
    wave: Floats
    p_trend: float
    p_wave: float

    def height(self, day: Floats) -> Floats:
        """Return the wave on the log-rate at days since 1970-01-01."""
        return np.asarray(_fourier(day) @ self.wave)


def movement(histories: Histories, burn_in: int = 0) -> Movement | None:
    """Estimate trend and wave of the year by one efficient scoring step.

    Without either, customers of age a repeat at a rate f(a) whatever the day; f is free, so no
    model of dropout is needed. With ``f(a) exp(z(t) theta)``, the score of customer i at theta = 0
    is ``sum_t (N_it - f(a)) (z(t) - mean of z at age a)``; theta is the sum of scores over their
    information, and its error comes from the squares of the customers' scores, since each
    customer is independent of the others but not of himself. Periods are weeks, or longer where
    the log is, counted back from the cutoff. None where trend and wave cannot be told apart from
    age: one cohort, less than 300 days, or fewer than 100 repeat purchases.

    Parameters
    ----------
    burn_in : int
        Customers first seen in that many first days are left out, as they may be older than the
        log.
    """
    if histories.days < SHORTEST:
        return None
    grain = 7 * math.ceil(histories.days / 7 / MOST_PERIODS)
    periods = histories.days // grain
    begin = histories.cutoff + 1 - periods * grain
    settled = histories.first >= max(begin, histories.start + burn_in)
    use = histories.repeat & settled[histories.owner]
    if use.sum() < FEWEST_REPEATS:
        return None
    cohort = np.where(settled, (histories.first - begin) // grain, -1)
    who, t = histories.owner[use], (histories.day[use] - begin) // grain
    size = np.bincount(cohort[settled], minlength=periods).astype(float)

    start = np.arange(periods)
    age = start[None, :] - start[:, None]  # [cohort, period]
    lived, old = age >= 0, np.maximum(age, 0)
    exposed = np.where(lived, size[:, None], 0.0)
    at_age = np.bincount(old[lived], exposed[lived], minlength=periods)
    bought = np.bincount(t - cohort[who], minlength=periods)
    rate = np.divide(bought, at_age, out=np.zeros(periods), where=at_age > 0)[old] * lived

    middle = np.asarray(begin + (start + 0.5) * grain, dtype=float)
    z = np.column_stack([(middle - middle.mean()) / DAYS_PER_YEAR, _fourier(middle)])
    weighted = [np.bincount(old[lived], (exposed * each)[lived], periods) for each in z.T]
    mean = np.stack(weighted, axis=1) / np.maximum(at_age, 1e-300)[:, None]
    away = z[None, :, :] - mean[old]  # [cohort, period, term]
    expected = (rate[:, :, None] * away).sum(axis=1)
    seen = away[cohort[who], t]
    score = np.stack(
        [np.bincount(who, each, minlength=settled.size) for each in seen.T], axis=1
    )[settled] - expected[cohort[settled]]  # fmt: skip
    information = np.einsum("ct,ctk,ctl->kl", exposed * rate, away, away)
    scale = np.sqrt(np.diag(information))
    if (scale == 0).any() or np.linalg.cond(information / np.outer(scale, scale)) > ILL:
        return None
    inverse = np.linalg.inv(information)
    theta = inverse @ score.sum(axis=0)
    covariance = inverse @ (score.T @ score) @ inverse
    wave, error = theta[1:], float(np.sqrt(covariance[0, 0]))
    wald = float(wave @ np.linalg.solve(covariance[1:, 1:], wave))
    return Movement(
        trend=float(theta[0]),
        trend_error=error,
        wave=wave,
        p_trend=2 * tail(abs(float(theta[0])) / error),
        # the tail of chi-square with 2 m degrees of freedom is a Poisson sum of m terms
        p_wave=math.exp(-wald / 2)
        * sum((wald / 2) ** order / math.factorial(order) for order in range(PAIRS)),
    )


def _fourier(day: Floats) -> Floats:
    angle = 2 * np.pi * np.asarray(day, dtype=float)[:, None] / DAYS_PER_YEAR
    orders = np.arange(1, PAIRS + 1)
    return np.concatenate([np.sin(angle * orders), np.cos(angle * orders)], axis=1)
