"""Log-likelihood of Pareto/NBD over distinct rows, with gradient and Hessian.

Schmittlein, Morrison & Colombo (1987), in the form of brucehardie.com note 009. With k = r + x,

    log L = log (r)_x + r log alpha - k log(alpha+T) + s log beta - s log(beta+T) + log(1 + e^lo)
    lo = log int_tx^T s/(beta+u) ((alpha+T)/(alpha+u))^k ((beta+T)/(beta+u))^s du

where (r)_x is the rising factorial and lo the log-odds of having dropped out. The integral is
positive, so its derivatives are means and covariances over the time u of dropout, taken at the
same nodes (see :mod:`forecast.processes.lomax_race`). alpha and beta may differ from row to row:
with covariates their logarithms are linear in the effects, so the rows' derivatives by
log alpha and log beta are all that is needed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats
from forecast.processes.histories import Histories
from forecast.processes.lomax_race import Race, wins_race

__all__ = [
    "ParetoNBDLikelihood",
    "log_odds_gone",
    "row_derivatives",
    "row_values",
]

# rows whose derivatives are held in memory together
_ROWS = 1 << 14


def log_odds_gone(
    x: Floats, tx: Floats, T: Floats, r: Floats, alpha: Floats, s: Floats, beta: Floats
) -> Floats:
    """Return the log-odds of having dropped out by T, minus infinity at tx = T."""
    k = r + x
    before = wins_race(T - tx, s, beta + tx, k, alpha + tx)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(before) + _waited(k, tx, T, alpha, s, beta))


def row_values(
    x: Floats, tx: Floats, T: Floats, r: Floats, alpha: Floats, s: Floats, beta: Floats
) -> Floats:
    """Return the log-likelihood of each row but for log (r)_x; arguments broadcast."""
    odds = log_odds_gone(x, tx, T, r, alpha, s, beta)
    # log(1 + e^odds), several times faster than logaddexp
    soft = np.maximum(odds, 0.0) + np.log1p(np.exp(-np.abs(odds)))
    fixed = -r * np.log1p(T / alpha) - x * np.log(alpha + T) - s * np.log1p(T / beta)
    return np.asarray(fixed + soft)


def row_derivatives(
    x: Floats, tx: Floats, T: Floats, r: float, alpha: Floats, s: float, beta: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return values, gradients and Hessians of each row but for log (r)_x.

    Derivatives are with respect to log r, log alpha, log s and log beta. ``alpha`` and ``beta``
    are rows, as the histories are.

    Returns
    -------
    value : array, shape (rows,)
    gradient : array, shape (4, rows)
    hessian : array, shape (4, 4, rows)
    """
    k = r + x
    after_a, after_b = alpha + tx, beta + tx
    won, mean, spread = _dropout_moments(T - tx, k, after_a, s, after_b)
    # waiting from tx on: log((alpha+T)/(alpha+tx)), and what of the scale is left of the whole
    wait_a, wait_b = np.log1p((T - tx) / after_a), np.log1p((T - tx) / after_b)
    now_a, now_b = alpha / (alpha + T), beta / (beta + T)
    then_a, then_b = alpha / after_a, beta / after_b
    # means over u of log((alpha+T)/(alpha+u)), log((beta+T)/(beta+u)), alpha/(alpha+u), ...
    log_a, log_b = wait_a - mean[0], wait_b - mean[1]
    part_a, part_b = then_a * (1 - mean[2]), then_b * (1 - mean[3])
    square_a = then_a**2 * ((1 - mean[2]) ** 2 + spread[2, 2])
    square_b = then_b**2 * ((1 - mean[3]) ** 2 + spread[3, 3])
    # slopes of the log-odds: means of those of the log-integrand
    slope = np.stack([r * log_a, k * (now_a - part_a), 1 + s * log_b, s * now_b - (s + 1) * part_b])
    size = np.stack(np.broadcast_arrays(-r, k * then_a, -s, (s + 1) * then_b))
    place = [0, 2, 1, 3]
    bend = size[:, None] * size[None, :] * spread[np.ix_(place, place)]
    bend[0, 0] += slope[0]
    cross_a, cross_b = r * (now_a - part_a), s * (now_b - part_b)
    bend[0, 1] += cross_a
    bend[1, 0] += cross_a
    bend[1, 1] += k * ((now_a - now_a**2) - (part_a - square_a))
    bend[2, 2] += s * log_b
    bend[2, 3] += cross_b
    bend[3, 2] += cross_b
    bend[3, 3] += s * (now_b - now_b**2) - (s + 1) * (part_b - square_b)
    with np.errstate(divide="ignore"):
        odds = np.log(won) + k * wait_a + s * wait_b
    small = np.exp(-np.abs(odds))
    dead = np.where(odds > 0, 1.0, small) / (1.0 + small)
    gone_a, gone_b = np.log1p(T / alpha), np.log1p(T / beta)
    value = np.maximum(odds, 0.0) + np.log1p(small)
    value += -r * gone_a - x * np.log(alpha + T) - s * gone_b
    gradient = dead * slope
    hessian = dead * (bend + (1 - dead) * slope[:, None] * slope[None, :])
    lag_a, lag_b = 1 - now_a, 1 - now_b
    gradient += [-r * gone_a, r * lag_a - x * now_a, -s * gone_b, s * lag_b]
    hessian[0, 0] -= r * gone_a
    hessian[0, 1] += r * lag_a
    hessian[1, 0] += r * lag_a
    hessian[1, 1] -= k * now_a * lag_a
    hessian[2, 2] -= s * gone_b
    hessian[2, 3] += s * lag_b
    hessian[3, 2] += s * lag_b
    hessian[3, 3] -= s * now_b * lag_b
    return value, gradient, hessian


@dataclass(frozen=True)
class ParetoNBDLikelihood:
    """Likelihood of log(r, alpha, s, beta) given compressed histories in rescaled time."""

    scale: float
    n_customers: int
    purchases: float
    reached: Floats
    x: Floats
    tx: Floats
    T: Floats
    weight: Floats

    names = ("r", "alpha", "s", "beta")
    timed = (0, 1, 0, 1)

    @classmethod
    def of(cls, histories: Histories) -> "ParetoNBDLikelihood":
        """Prepare sums that do not depend on the parameters."""
        x, tx, age = histories.columns()
        return cls(
            scale=histories.scale,
            n_customers=histories.n_customers,
            purchases=float(histories.weight @ x),
            reached=histories.reaching(),
            x=x,
            tx=tx,
            T=age,
            weight=histories.weight,
        )

    def unit_change(self) -> float:
        """Return what turns a log-likelihood in rescaled time into the data's unit."""
        return -self.purchases * float(np.log(self.scale))

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at log-parameters ``eta``, in rescaled time."""
        theta = np.exp(eta)
        rising = self.reached @ np.log(theta[0] + np.arange(self.reached.size))
        return float(rising + self.weight @ row_values(self.x, self.tx, self.T, *theta))

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian with respect to ``eta``."""
        r, alpha, s, beta = np.exp(eta).tolist()
        rate = 1 / (r + np.arange(self.reached.size))
        value = -float(self.reached @ np.log(rate))
        gradient, hessian = np.zeros(4), np.zeros((4, 4))
        gradient[0] = r * (self.reached @ rate)
        hessian[0, 0] = gradient[0] - r * r * (self.reached @ rate**2)
        for rows in self._slices():
            x, tx, age, w = self.x[rows], self.tx[rows], self.T[rows], self.weight[rows]
            same_alpha, same_beta = np.full(x.size, alpha), np.full(x.size, beta)
            each = row_derivatives(x, tx, age, r, same_alpha, s, same_beta)
            value += float(each[0] @ w)
            gradient += each[1] @ w
            hessian += each[2] @ w
        return value, gradient, hessian

    def _slices(self) -> Iterator[slice]:
        for start in range(0, self.x.size, _ROWS):
            yield slice(start, start + _ROWS)


def _waited(k: Floats, tx: Floats, T: Floats, alpha: Floats, s: Floats, beta: Floats) -> Floats:
    """Minus the log-probability that neither purchase nor dropout comes between tx and T."""
    gap = T - tx
    return np.asarray(k * np.log1p(gap / (alpha + tx)) + s * np.log1p(gap / (beta + tx)))


def _dropout_moments(
    gap: Floats, k: Floats, A: Floats, s: float, B: Floats
) -> tuple[Floats, Floats, Floats]:
    """P(dropout before purchase and within ``gap``), and moments over its time u.

    Means and covariances are of log(1 + u/A), log(1 + u/B), u/(A+u) and u/(B+u).
    """
    shape = np.full(gap.size, s)
    race = Race.of(gap, shape, B, k, A)
    won = np.empty(gap.size)
    mean, spread = np.empty((4, gap.size)), np.empty((4, 4, gap.size))
    for rows, mass, growth in race.masses():
        total = mass.sum(axis=0)
        won[rows] = total
        share = mass / np.where(total > 0, total, 1.0)
        u = race.small[rows] * growth
        wide_a, wide_b = 1 + u / A[rows], 1 + u / B[rows]
        values = [np.log(wide_a), np.log(wide_b), 1 - 1 / wide_a, 1 - 1 / wide_b]
        for i, each in enumerate(values):
            mean[i, rows] = np.einsum("nr,nr->r", share, each)
            each -= mean[i, rows]
        for i in range(4):
            weighted = share * values[i]
            for j in range(i, 4):
                both = np.einsum("nr,nr->r", weighted, values[j])
                spread[i, j, rows] = spread[j, i, rows] = both
    return won, mean, spread
