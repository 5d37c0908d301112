"""What moves between machines when a cluster's customers are fitted and scored: rows and bytes.

    python benchmarks/spark.py [--check]

The driver collects counts of customers who are alike. How many kinds there are among N customers
follows from the closed form: with p the probability of a kind, sum(1 - exp(-N p)). `--check` counts
the kinds of simulated customers beside it.
"""

import argparse

import numpy as np
from scipy.special import gammaln

from forecast.forecaster import BOUNDS, EXPECTED
from forecast.processes import BGNBD, GammaGamma
from forecast.spark.counting import EXACT, STEP

DAYS = 7.0
SHOPS = {  # parameters in weeks; the second buys some twenty times a year
    "as CDNOW": BGNBD(r=0.2426, alpha=4.4136, a=0.7929, b=2.4259),
    "a grocer": BGNBD(r=1.2, alpha=3.0, a=0.2, b=4.0),
}
SPEND = GammaGamma(p=6.25, q=3.74, v=15.44)
SIZES = (1e6, 1e7, 1e8, 1e9)
HISTORY_BYTES, PAIR_BYTES = 4 * 8, 3 * 8  # whole numbers of eight bytes
AGES = 40  # ages at which kinds are counted, of all the days of the log


def kinds(process: BGNBD, days: int) -> dict[float, float]:
    """Expected distinct (frequency, recency, age) of customers who joined evenly over some days."""
    shop = process.scaled(DAYS)
    ages = np.unique(np.linspace(1, days, AGES).astype(int))
    each = np.zeros((len(SIZES), ages.size))
    for place, age in enumerate(ages):
        last = np.arange(1.0, age + 1)
        nobody = np.exp(shop.log_likelihood(0, 0, float(age)))
        each[:, place] += [-np.expm1(-size / days * nobody) for size in SIZES]
        for x in range(1, age + 1):
            density = shop.log_likelihood(x, last, float(age))
            density = density + (x - 1) * np.log(last) - gammaln(x)
            chance = np.where(last >= x, np.exp(density), 0.0)  # at most one purchase a day
            each[:, place] += [-np.expm1(-size / days * chance).sum() for size in SIZES]
            if x > 5 and chance.sum() * max(SIZES) / days < 1e-3:
                break
    everywhere = np.arange(1, days + 1)
    return {
        size: float(np.interp(everywhere, ages, row).sum())
        for size, row in zip(SIZES, each, strict=True)
    }


def cells(process: BGNBD, days: int) -> dict[float, float]:
    """Expected cells of (orders, mean order value) on the grid, of all purchases."""
    n = np.arange(0, days)
    share = process.scaled(DAYS).pmf(n, days / 2.0)
    level = np.arange(np.log(0.01), np.log(1e6), STEP) + STEP / 2
    found = dict.fromkeys(SIZES, 0.0)
    for count, chance in zip(n + 1, share, strict=True):
        if chance * max(SIZES) < 1e-3:
            continue
        inside = np.exp(SPEND.log_likelihood(count, np.exp(level)) + level) * STEP
        for size in SIZES:
            found[size] += float(-np.expm1(-size * chance * inside).sum())
    return found


def simulated(process: BGNBD, days: int, customers: int) -> int:
    """Distinct histories of simulated customers in whole days."""
    rng = np.random.default_rng(1)
    age = rng.integers(1, days + 1, customers).astype(float)
    x, last = process.scaled(DAYS).simulate_customers(age, rng=rng)
    last = np.where(x > 0, np.clip(np.ceil(last), 1, age), 0.0)
    return len(np.unique(np.stack((np.minimum(x, last), last, age)), axis=1).T)


def size_of(number: float) -> str:
    return f"{number / 1e6:,.0f} MB" if number >= 1e6 else f"{number / 1e3:,.0f} kB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="count simulated customers too")
    check = parser.parse_args().check
    print("to the driver, once a fit (distinct kinds, bytes):")
    for years in (1, 2, 5):
        days = 365 * years
        days_bytes = 2 * PAIR_BYTES * days * (days + 1) / 2
        for name, shop in SHOPS.items():
            histories, orders = kinds(shop, days), cells(shop, days)
            for size in SIZES:
                print(
                    f"{name}, {years} years, {size:.0e} customers: histories {histories[size]:,.0f}"
                    f" ({size_of(histories[size] * HISTORY_BYTES)}), cells of spend "
                    f"{orders[size]:,.0f} ({size_of(orders[size] * PAIR_BYTES)})"
                )
            if check:
                print(f"  simulated, 1e6 customers: histories {simulated(shop, days, 10**6):,}")
        print(f"  season and regular timing, at most: {size_of(days_bytes)}")
    print(f"  distinct (orders, total) are collected as they are up to {EXACT:,}")
    draws, parameters = 1000, 7
    print(f"to each worker: {draws} posterior draws, {size_of(8 * draws * (parameters + 1))}")
    columns = len(EXPECTED) + len(BOUNDS)
    print(f"scores stay where they are: {columns} numbers a customer")


if __name__ == "__main__":
    main()
