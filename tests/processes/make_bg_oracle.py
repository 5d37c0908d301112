"""Write bg_oracle.npz: BG/NBD and MBG/NBD at 4,000 random points, by mpmath with 60 digits.

Run ``python tests/processes/make_bg_oracle.py [first] [last]``; about ten minutes on one core.
The formulas are the textbook ones (2F1 in its first form, plain Gamma functions), so they share
nothing with the package but the model: Fader, Hardie & Lee (2005), eqs. 6 to 10, and for MBG/NBD
Batislam, Denizel & Filiztekin (2007). The discounted sum is an integral over the purchase
rate.
"""

import sys
from pathlib import Path

import mpmath as mp
import numpy as np

POINTS, DISCOUNTED = 4000, 400
NAMES = ("r", "alpha", "a", "b", "x", "tx", "T", "t", "n", "rate")


def points() -> np.ndarray:
    """Return the box of reference: r in [.05, 20], alpha in [.1, 500], ... log-uniform."""
    rng = np.random.default_rng(20050224)
    size = POINTS

    def spread(low: float, high: float) -> np.ndarray:
        return np.array(
            [float(f"{v:.5g}") for v in np.exp(rng.uniform(np.log(low), np.log(high), size))]
        )

    r, alpha = spread(0.05, 20), spread(0.1, 500)
    a, b = spread(0.1, 50), spread(0.1, 500)
    x = np.where(rng.random(size) < 0.2, 0, np.floor(spread(1, 2001)))
    age = np.where(rng.random(size) < 0.5, spread(0.5, 300), np.round(rng.uniform(1, 300, size)))
    age = np.where((x == 0) & (rng.random(size) < 0.1), 0.0, age)
    share = np.where(rng.random(size) < 0.1, 1.0, rng.beta(3, 1, size))
    tx = np.where(x > 0, np.maximum(np.round(age * share, 4), 0.001), 0.0)
    n = np.where(rng.random(size) < 0.2, 0, np.floor(spread(1, 501)))
    return np.column_stack(
        [r, alpha, a, b, x, np.minimum(tx, age), age, spread(0.001, 1000), n, spread(1e-4, 1)]
    )


def oracle(point: np.ndarray, shift: int, discounted: bool) -> list[float]:
    """Return log-likelihood, P(alive), P(active), E, conditional E, P(alive at), pmf, DERT."""
    r, alpha, a, b, x, tx, age, t, n, rate = (mp.mpf(float(v)) for v in point)
    kept = mp.beta(a, b + x + shift) / mp.beta(a, b)
    left = mp.beta(a + 1, b + x + shift - 1) / mp.beta(a, b) if shift or x > 0 else mp.mpf(0)
    stayed, gone = kept * (alpha + age) ** -(r + x), left * (alpha + tx) ** -(r + x)
    likelihood = mp.gamma(r + x) / mp.gamma(r) * alpha**r * (stayed + gone)
    alive = stayed / (stayed + gone)
    ahead = (r + x, alpha + age, a, b + x + shift)
    new = b / (a + b) * expected(t, r, alpha, a, b + 1) if shift else expected(t, r, alpha, a, b)
    found = [
        mp.log(likelihood),
        alive,
        alive * (1 - ((alpha + age) / (alpha + age + t)) ** (r + x)),
        new,
        alive * expected(t, *ahead),
        alive * survival(t, *ahead),
        alive * pmf(int(n), t, *ahead) + (1 - alive if n == 0 else 0),
        alive * dert(rate, *ahead) if discounted else mp.nan,
    ]
    return [float(value) for value in found]


def expected(t, r, alpha, a, b):  # type: ignore[no-untyped-def]
    """Equation 9."""
    z, c = t / (alpha + t), a + b - 1
    # the two terms cancel when little is expected: spend digits on it
    with mp.extradps(40):
        return c / (a - 1) * (1 - (alpha / (alpha + t)) ** r * mp.hyp2f1(r, b, c, z))


def survival(t, r, alpha, a, b):  # type: ignore[no-untyped-def]
    """P(alive) after t: the mean of (1 + p t / alpha)^-r."""
    return (alpha / (alpha + t)) ** r * mp.hyp2f1(r, b, a + b, t / (alpha + t))


def pmf(n, t, r, alpha, a, b):  # type: ignore[no-untyped-def]
    """Equation 8."""
    z = t / (alpha + t)
    nbd = mp.gamma(r + n) / mp.gamma(r) / mp.factorial(n) * (1 - z) ** r * z**n
    total = mp.beta(a, b + n) / mp.beta(a, b) * nbd
    if n > 0:
        tail = mp.betainc(n, r, 0, z, regularized=True)
        total += mp.beta(a + 1, b + n - 1) / mp.beta(a, b) * tail
    return total


def dert(rate, r, alpha, a, b):  # type: ignore[no-untyped-def]
    """The mean of l / (rate + l p): over p in closed form, over l ~ Gamma by quadrature."""
    with mp.workdps(25):
        constant = mp.loggamma(r) - r * mp.log(alpha)

        def density(u):  # type: ignore[no-untyped-def]
            rated = mp.exp(u)
            inner = rated / rate * mp.hyp2f1(1, a, a + b, -rated / rate)
            return inner * mp.exp(r * u - alpha * rated - constant)

        centre, width = mp.log(r / alpha), 1 / mp.sqrt(r)
        steps = (-8, -4, -2, 0, 2, 4, 8)
        right = max(centre + 30 * width, mp.log(200 / alpha))
        edges = [centre - 60 / r - 20 * width, *(centre + width * each for each in steps), right]
        return mp.quad(density, sorted(edges))


def main() -> None:
    """Compute every point for both processes and save."""
    mp.mp.dps = 60
    grid = points()
    bg = [oracle(p, 0, i < DISCOUNTED) for i, p in enumerate(grid)]
    mbg = [oracle(p, 1, i < DISCOUNTED) for i, p in enumerate(grid)]
    np.savez_compressed(
        Path(__file__).with_name("bg_oracle.npz"), points=grid, bg=np.array(bg), mbg=np.array(mbg)
    )


if __name__ == "__main__":
    sys.exit(main())
