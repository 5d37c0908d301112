"""Write regular_oracle.npz: BG/CNBD-k and MBG/CNBD-k at 4,000 random points, by mpmath.

Run ``python tests/processes/make_regular_oracle.py [processes]``; about ten minutes on two
cores. Nothing is shared with the package but the model: purchases are counted through the number e
of hidden events since the last purchase. Seen from there, e in (0, d + t] with d = T - tx is
negative binomial of shape R = r + k x and rate alpha + tx, and each event falls into the silence d
with probability d / (d + t), where fewer than k may. So

    P(e, alive) ~ NB(e) P(Binomial(e, d / (d + t)) < k),   N = floor(e / k),

summed term by term with 40 digits (in Decimal, which is fast). The discounted sum is an integral
over the event rate of a hypergeometric function (120 points).
"""

import sys
from decimal import Decimal, getcontext
from multiprocessing import Pool
from pathlib import Path

import mpmath as mp
import numpy as np

POINTS, DISCOUNTED = 4000, 120
NAMES = ("k", "r", "alpha", "a", "b", "x", "tx", "T", "t", "n", "rate", "log_gaps")
# hidden events a sum may run over
MOST = 12_000


def points() -> np.ndarray:
    """Return log-uniform points: the box of BG/NBD's oracle as far as the sums can reach."""
    rng = np.random.default_rng(20160610)
    kept: list[list[float]] = []
    while len(kept) < POINTS:

        def spread(low: float, high: float) -> float:
            return float(f"{np.exp(rng.uniform(np.log(low), np.log(high))):.5g}")

        k = int(rng.integers(2, 13)) if rng.random() < 0.5 else int(rng.integers(2, 5))
        r, alpha, a, b = spread(0.05, 20), spread(0.1, 500), spread(0.1, 50), spread(0.1, 500)
        x = 0 if rng.random() < 0.2 else int(spread(1, 501))
        age = spread(0.5, 300) if rng.random() < 0.5 else float(np.round(rng.uniform(1, 300)))
        age = 0.0 if x == 0 and rng.random() < 0.1 else age
        share = 1.0 if rng.random() < 0.15 else rng.beta(3, 1)
        tx = min(max(round(age * share, 4), 0.001), age) if x else 0.0
        t, n = spread(0.001, 1000), 0 if rng.random() < 0.2 else int(spread(1, 201))
        if reach(k, r, alpha, x, tx, age, t) <= MOST:
            even = x * np.log(tx / x) if x else 0.0
            gaps = even if x <= 1 else even - x * float(f"{rng.exponential(0.5):.5g}")
            kept.append([k, r, alpha, a, b, x, tx, age, t, n, spread(1e-4, 1), gaps])
    return np.array(kept)


def reach(k: int, r: float, alpha: float, x: int, tx: float, age: float, t: float) -> float:
    """Return how many events hold all but 1e-25 of the probability, roughly."""
    odds, shape = (age - tx + t) / (alpha + tx), r + k * x
    mean = shape * odds
    return float(mean + 12 * np.sqrt(mean * (1 + odds)) + 60 * (1 + odds) + 13 * k)


def oracle(case: tuple[np.ndarray, int, bool]) -> list[float]:
    """Return log L with and without gaps, P(alive), P(active), E, P(alive at), pmf, DERT."""
    mp.mp.dps = 40
    point, shift, discounted = case
    k, x, n = int(point[0]), int(point[5]), int(point[9])
    r, alpha, a, b, tx, age, t, rate, gaps = (
        mp.mpf(float(point[i])) for i in (1, 2, 3, 4, 6, 7, 8, 10, 11)
    )
    shape, quiet = r + k * x, age - tx
    kept = mp.beta(a, b + x + shift) / mp.beta(a, b)
    left = mp.beta(a + 1, b + x + shift - 1) / mp.beta(a, b) if shift or x > 0 else mp.mpf(0)
    silent = [
        quiet**j / mp.factorial(j) * mp.gamma(shape + j) * (alpha + age) ** -(shape + j)
        for j in range(k)
    ]
    stayed = kept * mp.fsum(silent)
    gone = left * mp.gamma(shape) * (alpha + tx) ** -shape
    log_free = mp.log(alpha**r / mp.gamma(r) * (stayed + gone))
    log_known = log_free + (k - 1) * gaps - x * mp.loggamma(k)
    if x:
        log_free += mp.loggamma(x) + x * (k - 1) * mp.log(tx) - mp.loggamma(k * x)
    alive = stayed / (stayed + gone)
    count = sums(point, k, shape, quiet, alpha + tx, a, b + x + shift, t, n)
    pmf = alive * count[3] + (1 - alive if n == 0 else 0)
    total = mp.nan
    if discounted:
        weights = [each / mp.fsum(silent) for each in silent]
        total = alive * mp.fsum(
            w * dert(rate, k, j, shape + j, alpha + age, a, b + x + shift)
            for j, w in enumerate(weights)
            if w > 0
        )
    found = [log_known, log_free, alive, *(alive * each for each in count[:3]), pmf, total]
    return [float(value) for value in found]


def sums(point, k, shape, quiet, since, a, b, t, n):
    """Given alive: P(N >= 1), E[purchases], P(still alive), P(exactly n purchases)."""
    getcontext().prec = 40
    window = quiet + t
    z, early = exact(window / (since + window)), exact(quiet / window)
    top = int(reach(*(float(point[i]) for i in (0, 1, 2, 5, 6, 7, 8)))) + k * (n + 2)
    nb, late = exact((since / (since + window)) ** shape), exact(t / window)
    shape, a, b = exact(shape), exact(a), exact(b)
    # binomial chances of j events in the silence, j < k
    inside = [Decimal(1)] + [Decimal(0)] * (k - 1)
    whole = active = purchases = alive = exactly = made = Decimal(0)
    before = stays = Decimal(1)
    for e in range(top + 1):
        p = nb * sum(inside)
        count = e // k
        if e and e % k == 0:
            # the chance to have been there for the purchase, and to be there after it
            before, made = stays, made + stays
            stays *= (b + count - 1) / (a + b + count - 1)
        whole += p
        active += p if count else 0
        purchases += p * made
        alive += p * stays
        if count == n:
            exactly += p * before
            leave = before - stays
        elif count > n > 0:
            # more could have come, but the n-th was the last
            exactly += p * leave
        nb *= (shape + e) / (e + 1) * z
        for j in reversed(range(k)):
            inside[j] = inside[j] * late + (inside[j - 1] * early if j else 0)
    return [mp.mpf(str(each / whole)) for each in (active, purchases, alive, exactly)]


def exact(value: mp.mpf) -> Decimal:
    """Return 40 digits of a number."""
    return Decimal(mp.nstr(value, 40))


def dert(rate, k, j, r, alpha, a, b):
    """E[u^(k-j) / (1 - (1-p) u^k)], u = l / (l + rate): over p in closed form, l by quadrature."""
    with mp.workdps(25):
        constant = mp.loggamma(r) - r * mp.log(alpha)

        def density(v):
            rated = mp.exp(v)
            if alpha * rated > 1000 + 3 * r:
                return mp.mpf(0)
            u = rated / (rated + rate)
            inner = u ** (k - j) * mp.hyp2f1(1, b, a + b, u**k)
            return inner * mp.exp(r * v - alpha * rated - constant)

        centre, width = mp.log(r / alpha), 1 / mp.sqrt(r)
        steps = (-8, -4, -2, 0, 2, 4, 8)
        right = max(centre + 30 * width, mp.log(200 / alpha))
        edges = [centre - 60 / r - 20 * width, *(centre + width * each for each in steps), right]
        return mp.quad(density, sorted(edges))


def main() -> None:
    """Compute every point for both processes and save."""
    grid = points()
    cases = [(p, s, i < DISCOUNTED) for s in (0, 1) for i, p in enumerate(grid)]
    with Pool(int(sys.argv[1]) if len(sys.argv) > 1 else 1) as pool:
        found = np.array(pool.map(oracle, cases, chunksize=20))
    np.savez_compressed(
        Path(__file__).with_name("regular_oracle.npz"),
        points=grid,
        bg=found[:POINTS],
        mbg=found[POINTS:],
    )


if __name__ == "__main__":
    main()
