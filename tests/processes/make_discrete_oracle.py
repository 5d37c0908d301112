"""Write discrete_oracle.npz: BG/BB and shifted-beta-geometric at 4,000 random points, by mpmath.

Run ``python tests/processes/make_discrete_oracle.py``; some minutes on one core. The formulas are
the textbook ones with 110 digits: Fader, Hardie & Shang (2010), eqs. 5 to 14, in Beta functions
and with their division by gamma - 1, and Fader & Hardie (2007, 2010).
"""

import sys
from pathlib import Path

import mpmath as mp
import numpy as np

POINTS = 4000


def _spread(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    drawn = np.exp(rng.uniform(np.log(low), np.log(high), POINTS))
    return np.array([float(f"{v:.5g}") for v in drawn])


def bgbb_points() -> np.ndarray:
    """Return alpha, beta, gamma, delta, x, tx, n, ahead, k, rate."""
    rng = np.random.default_rng(20101)
    parameters = [_spread(rng, 0.05, 50) for _ in range(3)] + [_spread(rng, 0.05, 500)]
    n = rng.integers(0, 61, POINTS)
    x = np.where(rng.random(POINTS) < 0.2, 0, np.floor((n + 1) * rng.random(POINTS)))
    tx = np.where(x > 0, x + np.floor((n - x + 1) * rng.random(POINTS)), 0)
    ahead = np.floor(_spread(rng, 1, 401))
    k = np.where(rng.random(POINTS) < 0.2, 0, np.floor((ahead + 1) * rng.random(POINTS) ** 3))
    return np.column_stack([*parameters, x, tx, n, ahead, k, _spread(rng, 1e-4, 1)])


def bgbb(point: np.ndarray) -> list[float]:
    """Return log-likelihood, P(alive), P(alive at), P(active), E new, conditional E, pmf, DERT."""
    alpha, beta, gamma, delta, _, _, _, _, _, rate = (mp.mpf(float(v)) for v in point)
    x, tx, n, ahead, k = (int(v) for v in point[4:9])

    def bought(purchases, seen):
        return mp.beta(alpha + purchases, beta + seen - purchases) / mp.beta(alpha, beta)

    def lived(seen):
        return mp.beta(gamma, delta + seen) / mp.beta(gamma, delta)

    def died(seen):
        return mp.beta(gamma + 1, delta + seen) / mp.beta(gamma, delta)

    total = bought(x, n) * lived(n) + mp.fsum(bought(x, s) * died(s) for s in range(tx, n))

    def chance(count):
        found = mp.binomial(ahead, count) * bought(x + count, n + ahead) * lived(n + ahead)
        found += mp.fsum(
            mp.binomial(i, count) * bought(x + count, n + i) * died(n + i)
            for i in range(count, ahead)
        )
        gone = total - bought(x, n) * lived(n)
        return (found + (gone if count == 0 else 0)) / total

    def purchases(buys, seen):
        front = buys * mp.gamma(gamma + delta) / mp.gamma(1 + delta) * delta / (gamma - 1)
        first = mp.gamma(1 + delta + seen) / mp.gamma(gamma + delta + seen)
        last = mp.gamma(1 + delta + seen + ahead) / mp.gamma(gamma + delta + seen + ahead)
        return front * (first - last)

    series = mp.hyp2f1(1, delta + n + 1, gamma + delta + n + 1, 1 / (1 + rate)) / (1 + rate)
    found = [
        mp.log(total),
        bought(x, n) * lived(n + 1) / total,
        bought(x, n) * lived(n + 1 + ahead) / total,
        1 - chance(0),
        purchases(alpha / (alpha + beta), 0),
        purchases(bought(x + 1, n + 1), n) / total,
        chance(k),
        bought(x + 1, n + 1) * lived(n + 1) * series / total,
    ]
    return [float(value) for value in found]


def sbg_points() -> np.ndarray:
    """Return alpha, beta, renewals, t, rate."""
    rng = np.random.default_rng(20071)
    renewals = rng.integers(0, 101, POINTS)
    ahead = np.floor(_spread(rng, 1, 2001))
    return np.column_stack(
        [_spread(rng, 0.05, 50), _spread(rng, 0.05, 500), renewals, ahead, _spread(rng, 1e-4, 1)]
    )


def sbg(point: np.ndarray) -> list[float]:
    """Return S(t), P(T = t), expected tenure, DEL and DERL, all but DEL given the renewals."""
    alpha, beta, renewals, t, rate = (mp.mpf(float(v)) for v in point)
    whole = mp.beta(alpha, beta + renewals)
    n = renewals + 1
    fall = mp.beta(alpha - 1, beta + renewals) if alpha != 1 else mp.nan
    found = [
        mp.beta(alpha, beta + renewals + t) / whole,
        mp.beta(alpha + 1, beta + renewals + t - 1) / whole,
        # the mean of (1 - (1 - theta)^t) / theta
        (fall - mp.beta(alpha - 1, beta + renewals + t)) / whole,
        mp.hyp2f1(1, beta, alpha + beta, 1 / (1 + rate)),
        (beta + n - 1) / (alpha + beta + n - 1)
        * mp.hyp2f1(1, beta + n, alpha + beta + n, 1 / (1 + rate)),
    ]  # fmt: skip
    return [float(value) for value in found]


def main() -> None:
    """Compute every point and save."""
    # a chance of 1e-45, as 1 minus its complement, needs the digits
    mp.mp.dps = 110
    one, two = bgbb_points(), sbg_points()
    np.savez_compressed(
        Path(__file__).with_name("discrete_oracle.npz"),
        bgbb_points=one,
        bgbb=np.array([bgbb(point) for point in one]),
        sbg_points=two,
        sbg=np.array([sbg(point) for point in two]),
    )


if __name__ == "__main__":
    sys.exit(main())
