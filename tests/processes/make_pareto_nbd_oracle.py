"""Write pareto_nbd_oracle.npz: Pareto/NBD at 4,000 random points, by mpmath with 60 digits.

Run ``python tests/processes/make_pareto_nbd_oracle.py``; some minutes on one core. The formulas
are the textbook ones (A0 as a difference of two 2F1, DERT by Tricomi's function), so they share
nothing with the package but the model: brucehardie.com notes 009 and 018. The distribution of
counts, at the first 300 points, is an integral over the time of dropout on two meshes that must
agree.
"""

import sys
from pathlib import Path

import mpmath as mp
import numpy as np

POINTS, COUNTED = 4000, 300
NAMES = ("r", "alpha", "s", "beta", "x", "tx", "T", "t", "n", "rate")


def points() -> np.ndarray:
    """Return the box of reference: r, s in [.05, 20], alpha, beta in [.1, 500], ... log-uniform."""
    rng = np.random.default_rng(19870101)
    size = POINTS

    def spread(low: float, high: float) -> np.ndarray:
        return np.array(
            [float(f"{v:.5g}") for v in np.exp(rng.uniform(np.log(low), np.log(high), size))]
        )

    r, alpha, s, beta = spread(0.05, 20), spread(0.1, 500), spread(0.05, 20), spread(0.1, 500)
    # the two branches meet at alpha = beta, and the expectation has a removable pole at s = 1
    beta = np.where(rng.random(size) < 0.05, alpha, beta)
    near = np.where(rng.random(size) < 0.5, 0.0, spread(1e-14, 1e-3))
    s = np.where(rng.random(size) < 0.05, 1 + near, s)
    x = np.where(rng.random(size) < 0.2, 0, np.floor(spread(1, 2001)))
    age = np.where(rng.random(size) < 0.5, spread(0.5, 300), np.round(rng.uniform(1, 300, size)))
    age = np.where((x == 0) & (rng.random(size) < 0.1), 0.0, age)
    share = np.where(rng.random(size) < 0.1, 1.0, rng.beta(3, 1, size))
    tx = np.where(x > 0, np.maximum(np.round(age * share, 4), 0.001), 0.0)
    n = np.where(rng.random(size) < 0.2, 0, np.floor(spread(1, 501)))
    return np.column_stack(
        [r, alpha, s, beta, x, np.minimum(tx, age), age, spread(0.001, 1000), n, spread(1e-4, 1)]
    )


def oracle(point: np.ndarray, counted: bool) -> list[float]:
    """Return log-likelihood, P(alive), P(active), E, conditional E, P(alive at), pmf, DERT."""
    r, alpha, s, beta, x, tx, age, t, n, rate = (mp.mpf(float(v)) for v in point)
    stayed, gone = parts(r, alpha, s, beta, x, tx, age)
    likelihood = mp.gamma(r + x) / mp.gamma(r) * alpha**r * beta**s * (stayed + gone)
    alive = stayed / (stayed + gone)
    ahead = (r + x, alpha + age, s, beta + age)
    none = sum(parts(*ahead, 0, 0, t)) * ahead[1] ** ahead[0] * ahead[3] ** s
    found = [
        mp.log(likelihood),
        alive,
        alive * (1 - none),
        expected(t, r, alpha, s, beta),
        alive * expected(t, *ahead),
        alive * ((beta + age) / (beta + age + t)) ** s,
        alive * (none if n == 0 else pmf(n, t, *ahead)) + (1 - alive if n == 0 else 0)
        if counted
        else mp.nan,
        alive * dert(rate, *ahead),
    ]
    return [float(value) for value in found]


def parts(r, alpha, s, beta, x, tx, age):  # type: ignore[no-untyped-def]
    """The likelihood of being alive and of being gone, but for a common factor (note 009)."""
    k = r + x
    stayed = (alpha + age) ** -k * (beta + age) ** -s
    second = s + 1 if alpha >= beta else k
    large, gap = max(alpha, beta), abs(alpha - beta)

    def term(y):  # type: ignore[no-untyped-def]
        return mp.hyp2f1(k + s, second, k + s + 1, gap / (large + y)) / (large + y) ** (k + s)

    return stayed, s / (k + s) * (term(tx) - term(age))


def expected(t, r, alpha, s, beta):  # type: ignore[no-untyped-def]
    """Equation 27."""
    if s == 1:
        return r * beta / alpha * mp.log((beta + t) / beta)
    return r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))


def pmf(n, t, r, alpha, s, beta):  # type: ignore[no-untyped-def]
    """Alive all the time, or dropped out at exp(w)."""
    with mp.workdps(25):
        constant = mp.loggamma(r + n) - mp.loggamma(r) - mp.loggamma(n + 1)

        def nbd(u):  # type: ignore[no-untyped-def]
            return mp.exp(constant + r * mp.log(alpha / (alpha + u)) + n * mp.log(u / (alpha + u)))

        def dropped(w):  # type: ignore[no-untyped-def]
            u = mp.exp(w)
            return nbd(u) * s * (beta / (beta + u)) ** s / (beta + u) * u

        # equal panels over where the integrand is above e^-90 of its peak, and twice as many
        grid = np.linspace(float(mp.log(t)) - 60, float(mp.log(t)), 3001)
        heights = np.array([float(mp.log(dropped(w))) for w in grid])
        low = grid[max(int(np.argmax(heights > heights.max() - 90)) - 1, 0)]
        high = grid[min(int(3001 - np.argmax(heights[::-1] > heights.max() - 90)), 3000)]
        top = mp.log(t) if high == grid[-1] else mp.mpf(high)
        panels = [mp.linspace(mp.mpf(low), top, count) for count in (25, 37)]
        # quad stops by absolute size, so the peak is brought to 1
        peak = mp.exp(heights.max())
        areas = [
            mp.quad(lambda w: dropped(w) / peak, edges, method="gauss-legendre") for edges in panels
        ]
        assert abs(areas[0] / areas[1] - 1) < 1e-12, (n, t, r, alpha, s, beta, areas)
        return nbd(t) * (beta / (beta + t)) ** s + areas[1] * peak


def dert(rate, r, alpha, s, beta):  # type: ignore[no-untyped-def]
    """Note 018."""
    z = rate * beta
    return r / alpha * beta * z ** (s - 1) * mp.hyperu(s, s, z)


def main() -> None:
    """Compute every point and save."""
    mp.mp.dps = 60
    grid = points()
    values = [oracle(p, i < COUNTED) for i, p in enumerate(grid)]
    np.savez_compressed(
        Path(__file__).with_name("pareto_nbd_oracle.npz"), points=grid, values=np.array(values)
    )


if __name__ == "__main__":
    sys.exit(main())
