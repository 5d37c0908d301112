"""Write bg_oracle.npz and pareto_nbd_oracle.npz: 4,000 random points each, by mpmath.

Run ``python tests/processes/make_poisson_oracles.py``; some ten minutes on one core. The formulas
are the textbook ones with 60 digits, so they share nothing with the package but the model.

BG/NBD: Fader, Hardie & Lee (2005), eqs. 6 to 10, with 2F1 in its first form and plain Gamma
functions; MBG/NBD: Batislam, Denizel & Filiztekin (2007). Their discounted sum, at the first 400
points, is an integral over the purchase rate. Pareto/NBD: brucehardie.com notes 009 and 018 (A0 as
a difference of two 2F1, DERT by Tricomi's function). Its distribution of counts, at the first 300
points, is an integral over the time of dropout on two meshes that must agree.
"""

from pathlib import Path

import mpmath as mp
import numpy as np

POINTS, DISCOUNTED, COUNTED = 4000, 400, 300


def spread(rng: np.random.Generator, low: float, high: float) -> np.ndarray:
    """Return log-uniform numbers of five digits."""
    drawn = np.exp(rng.uniform(np.log(low), np.log(high), POINTS))
    return np.array([float(f"{v:.5g}") for v in drawn])


def asked(rng: np.random.Generator) -> list[np.ndarray]:
    """Return x, tx, T, t, n and the discount rate."""
    x = np.where(rng.random(POINTS) < 0.2, 0, np.floor(spread(rng, 1, 2001)))
    uneven = rng.random(POINTS) < 0.5
    age = np.where(uneven, spread(rng, 0.5, 300), np.round(rng.uniform(1, 300, POINTS)))
    age = np.where((x == 0) & (rng.random(POINTS) < 0.1), 0.0, age)
    share = np.where(rng.random(POINTS) < 0.1, 1.0, rng.beta(3, 1, POINTS))
    tx = np.where(x > 0, np.maximum(np.round(age * share, 4), 0.001), 0.0)
    n = np.where(rng.random(POINTS) < 0.2, 0, np.floor(spread(rng, 1, 501)))
    return [x, np.minimum(tx, age), age, spread(rng, 0.001, 1000), n, spread(rng, 1e-4, 1)]


def bg_points() -> np.ndarray:
    """Return the box of reference: r in [.05, 20], alpha in [.1, 500], ... log-uniform."""
    rng = np.random.default_rng(20050224)
    parameters = [spread(rng, *box) for box in ((0.05, 20), (0.1, 500), (0.1, 50), (0.1, 500))]
    return np.column_stack([*parameters, *asked(rng)])


def pareto_points() -> np.ndarray:
    """Return the box of reference: r, s in [.05, 20], alpha, beta in [.1, 500], ... log-uniform."""
    rng = np.random.default_rng(19870101)
    r, alpha, s, beta = (spread(rng, *box) for box in ((0.05, 20), (0.1, 500)) * 2)
    # the two branches meet at alpha = beta, and the expectation has a removable pole at s = 1
    beta = np.where(rng.random(POINTS) < 0.05, alpha, beta)
    near = np.where(rng.random(POINTS) < 0.5, 0.0, spread(rng, 1e-14, 1e-3))
    s = np.where(rng.random(POINTS) < 0.05, 1 + near, s)
    return np.column_stack([r, alpha, s, beta, *asked(rng)])


def bg_oracle(point: np.ndarray, shift: int, discounted: bool) -> list[float]:
    """Return log-likelihood, P(alive), P(active), E, conditional E, P(alive at), pmf, DERT."""
    r, alpha, a, b, x, tx, age, t, n, rate = (mp.mpf(float(v)) for v in point)
    kept = mp.beta(a, b + x + shift) / mp.beta(a, b)
    left = mp.beta(a + 1, b + x + shift - 1) / mp.beta(a, b) if shift or x > 0 else mp.mpf(0)
    stayed, gone = kept * (alpha + age) ** -(r + x), left * (alpha + tx) ** -(r + x)
    likelihood = mp.gamma(r + x) / mp.gamma(r) * alpha**r * (stayed + gone)
    alive = stayed / (stayed + gone)
    ahead = (r + x, alpha + age, a, b + x + shift)
    new = (
        b / (a + b) * bg_expected(t, r, alpha, a, b + 1)
        if shift
        else bg_expected(t, r, alpha, a, b)
    )
    found = [
        mp.log(likelihood),
        alive,
        alive * (1 - ((alpha + age) / (alpha + age + t)) ** (r + x)),
        new,
        alive * bg_expected(t, *ahead),
        alive * bg_survival(t, *ahead),
        alive * bg_pmf(int(n), t, *ahead) + (1 - alive if n == 0 else 0),
        alive * bg_dert(rate, *ahead) if discounted else mp.nan,
    ]
    return [float(value) for value in found]


def bg_expected(t, r, alpha, a, b):
    """Equation 9."""
    z, c = t / (alpha + t), a + b - 1
    # the two terms cancel when little is expected: spend digits on it
    with mp.extradps(40):
        return c / (a - 1) * (1 - (alpha / (alpha + t)) ** r * mp.hyp2f1(r, b, c, z))


def bg_survival(t, r, alpha, a, b):
    """P(alive) after t: the mean of (1 + p t / alpha)^-r."""
    return (alpha / (alpha + t)) ** r * mp.hyp2f1(r, b, a + b, t / (alpha + t))


def bg_pmf(n, t, r, alpha, a, b):
    """Equation 8."""
    z = t / (alpha + t)
    nbd = mp.gamma(r + n) / mp.gamma(r) / mp.factorial(n) * (1 - z) ** r * z**n
    total = mp.beta(a, b + n) / mp.beta(a, b) * nbd
    if n > 0:
        tail = mp.betainc(n, r, 0, z, regularized=True)
        total += mp.beta(a + 1, b + n - 1) / mp.beta(a, b) * tail
    return total


def bg_dert(rate, r, alpha, a, b):
    """The mean of l / (rate + l p): over p in closed form, over l ~ Gamma by quadrature."""
    with mp.workdps(25):
        constant = mp.loggamma(r) - r * mp.log(alpha)

        def density(u):
            rated = mp.exp(u)
            inner = rated / rate * mp.hyp2f1(1, a, a + b, -rated / rate)
            return inner * mp.exp(r * u - alpha * rated - constant)

        centre, width = mp.log(r / alpha), 1 / mp.sqrt(r)
        steps = (-8, -4, -2, 0, 2, 4, 8)
        right = max(centre + 30 * width, mp.log(200 / alpha))
        edges = [centre - 60 / r - 20 * width, *(centre + width * each for each in steps), right]
        return mp.quad(density, sorted(edges))


def pareto_oracle(point: np.ndarray, counted: bool) -> list[float]:
    """Return log-likelihood, P(alive), P(active), E, conditional E, P(alive at), pmf, DERT."""
    r, alpha, s, beta, x, tx, age, t, n, rate = (mp.mpf(float(v)) for v in point)
    stayed, gone = pareto_parts(r, alpha, s, beta, x, tx, age)
    likelihood = mp.gamma(r + x) / mp.gamma(r) * alpha**r * beta**s * (stayed + gone)
    alive = stayed / (stayed + gone)
    ahead = (r + x, alpha + age, s, beta + age)
    none = sum(pareto_parts(*ahead, 0, 0, t)) * ahead[1] ** ahead[0] * ahead[3] ** s
    found = [
        mp.log(likelihood),
        alive,
        alive * (1 - none),
        pareto_expected(t, r, alpha, s, beta),
        alive * pareto_expected(t, *ahead),
        alive * ((beta + age) / (beta + age + t)) ** s,
        alive * (none if n == 0 else pareto_pmf(n, t, *ahead)) + (1 - alive if n == 0 else 0)
        if counted
        else mp.nan,
        alive * pareto_dert(rate, *ahead),
    ]
    return [float(value) for value in found]


def pareto_parts(r, alpha, s, beta, x, tx, age):
    """The likelihood of being alive and of being gone, but for a common factor (note 009)."""
    k = r + x
    stayed = (alpha + age) ** -k * (beta + age) ** -s
    second = s + 1 if alpha >= beta else k
    large, gap = max(alpha, beta), abs(alpha - beta)

    def term(y):
        return mp.hyp2f1(k + s, second, k + s + 1, gap / (large + y)) / (large + y) ** (k + s)

    return stayed, s / (k + s) * (term(tx) - term(age))


def pareto_expected(t, r, alpha, s, beta):
    """Equation 27."""
    if s == 1:
        return r * beta / alpha * mp.log((beta + t) / beta)
    return r * beta / (alpha * (s - 1)) * (1 - (beta / (beta + t)) ** (s - 1))


def pareto_pmf(n, t, r, alpha, s, beta):
    """Alive all the time, or dropped out at exp(w)."""
    with mp.workdps(25):
        constant = mp.loggamma(r + n) - mp.loggamma(r) - mp.loggamma(n + 1)

        def nbd(u):
            return mp.exp(constant + r * mp.log(alpha / (alpha + u)) + n * mp.log(u / (alpha + u)))

        def dropped(w):
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


def pareto_dert(rate, r, alpha, s, beta):
    """Note 018."""
    z = rate * beta
    return r / alpha * beta * z ** (s - 1) * mp.hyperu(s, s, z)


def main() -> None:
    """Compute every point of every process and save."""
    mp.mp.dps = 60
    grid = bg_points()
    bg, mbg = (
        np.array([bg_oracle(p, shift, i < DISCOUNTED) for i, p in enumerate(grid)])
        for shift in (0, 1)
    )
    here = Path(__file__)
    np.savez_compressed(here.with_name("bg_oracle.npz"), points=grid, bg=bg, mbg=mbg)
    grid = pareto_points()
    values = np.array([pareto_oracle(p, i < COUNTED) for i, p in enumerate(grid)])
    np.savez_compressed(here.with_name("pareto_nbd_oracle.npz"), points=grid, values=values)


if __name__ == "__main__":
    main()
