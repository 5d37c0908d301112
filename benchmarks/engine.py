"""The probability engine beside `lifetimes` in one run: processor time, memory, likelihood.

    python benchmarks/engine.py [--customers 1000000] [--largest 10000000] [--skip-lifetimes]

Each step runs in a process of its own; times are processor seconds, memory is the peak above what
the data need. Ratios are what counts: machines differ and are noisy.
"""

import argparse
import importlib.util
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

TRUTH = {"r": 0.25, "alpha": 31.5, "a": 0.8, "b": 2.4}  # alpha in days


def base(customers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulate a BG/NBD base in whole days: joined over 12 weeks, seen for 39."""
    from forecast.processes import BGNBD

    rng = np.random.default_rng(1)
    T = rng.integers(189, 273, customers).astype(float)
    x, tx = BGNBD(**TRUTH).simulate_customers(T, rng=rng)
    tx = np.where(x > 0, np.clip(np.ceil(tx), 1, T), 0.0)
    return np.minimum(x, tx), tx, T  # at most one purchase a day


def step_data(customers: int, file: str) -> dict[str, float]:
    np.save(file, np.stack(base(customers)))
    return {}


def cpu(*, children: bool = False) -> float:
    if not children:
        return time.process_time()
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def step_own(customers: int, file: str) -> dict[str, float]:
    from forecast.processes import BGNBD

    x, tx, T = np.load(file)
    BGNBD.fit(x[:1000], tx[:1000], T[:1000])  # imports and first calls are not the fit
    before, start = peak(), cpu()
    fit = BGNBD.fit(x, tx, T)
    spent = cpu() - start
    used, start = peak() - before, cpu()
    fit.process.expected_purchases(273.0, x, tx, T)
    fit.process.p_alive(x, tx, T)
    return {
        "cpu": spent, "mb": used, "log_likelihood": fit.log_likelihood, "predict": cpu() - start
    } | fit.params  # fmt: skip


def step_lifetimes(customers: int, file: str) -> dict[str, float]:
    warnings.simplefilter("ignore")
    import lifetimes

    x, tx, T = np.load(file)
    lifetimes.BetaGeoFitter().fit(x[:1000], tx[:1000], T[:1000])
    before, start = peak(), cpu()
    fit = lifetimes.BetaGeoFitter().fit(x, tx, T)
    spent = cpu() - start
    params = {name: float(value) for name, value in fit.params_.items()}
    shift = x.sum() * np.log(fit._scale)
    loglik = -fit._negative_log_likelihood_ * customers + shift
    return {"cpu": spent, "mb": peak() - before, "log_likelihood": float(loglik)} | params


def step_draws(customers: int, file: str) -> dict[str, float]:
    """200 predictive draws of purchases and value with 90 % bounds."""
    from datetime import date

    import pandas as pd

    from forecast.calendar import Horizon
    from forecast.forecaster import Forecast
    from forecast.models.btyd.draws import BTYDSampler
    from forecast.models.btyd.history import History
    from forecast.models.btyd.parameters import OneForAll
    from forecast.processes import BGNBD, GammaGamma

    x, tx, T = np.load(file)
    rng = np.random.default_rng(2)
    mean = rng.gamma(6.0, 1.0, customers) / rng.gamma(4.0, 1 / 16, customers)
    fit = BGNBD.fit(x, tx, T)
    spend = GammaGamma.fit(x[x > 0], mean[x > 0])
    start = cpu()
    summary = pd.DataFrame(
        {"frequency": x, "n_paid": x, "total_value": x * mean, "first_value": 0.0}
    )
    history = History.of(summary, tx, T, repeat_only=False)
    purchases, money = (OneForAll(each).drawn(None, 200, 0) for each in (fit, spend))
    sampler = BTYDSampler(
        history=history, edges=np.full((200, 1), 273.0), process=purchases,
        spend=money, zero_share=0.0, load=np.ones(customers), draws=200, seed=0,
    )  # fmt: skip
    horizon = Horizon.parse("273D")
    Forecast.build(
        model="m", cutoff=date(2024, 1, 1), horizon=horizon,
        windows=horizon.periods(date(2024, 1, 1), "273D"), population="existing",
        customers=pd.DataFrame(index=history.customers), period_purchases=[0.0],
        period_value=[0.0], sampler=sampler,
    )  # fmt: skip
    return {"cpu": cpu() - start, "mb": peak()}


def step_posterior(customers: int, file: str) -> dict[str, float]:
    """2,000 posterior draws on CDNOW's tenth."""
    from forecast.processes import BGNBD

    history = cdnow()
    BGNBD.fit(*history).posterior(100)
    start = cpu()
    posterior = BGNBD.fit(*history).posterior(2000)
    return {"cpu": cpu() - start, "size": posterior.effective_size, "k": posterior.pareto_k}


def step_nuts(customers: int, file: str) -> dict[str, float]:
    """The same by pymc-marketing's NUTS, with its own default priors: 4 chains, 1,000 + 500."""
    warnings.simplefilter("ignore")
    import pandas as pd
    from pymc_marketing.clv import BetaGeoModel

    columns = dict(zip(("frequency", "recency", "T"), cdnow(), strict=True))
    data = pd.DataFrame({"customer_id": np.arange(len(columns["T"])), **columns})
    model, start = BetaGeoModel(), cpu(children=True)
    model.fit(data, chains=4, draws=500, tune=1000, cores=2, progressbar=False, random_seed=1)
    return {"cpu": cpu(children=True) - start}


def cdnow() -> tuple[np.ndarray, ...]:
    import forecast as fc

    ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
    people = fc.customer_summary(ledger)
    return tuple(np.asarray(people[name]) / unit for name, unit in
                 (("frequency", 1), ("recency", 7), ("T", 7)))  # fmt: skip


def run(step: str, customers: int, folder: str) -> dict[str, float]:
    file = f"{folder}/{customers}.npy"
    if step != "data" and not Path(file).exists():
        run("data", customers, folder)  # apart, so that its memory is nobody's peak
    code = [sys.executable, __file__, "--customers", str(customers), "--step", step, "--file", file]
    done = subprocess.run(code, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--largest", type=int, default=10_000_000)
    parser.add_argument("--skip-lifetimes", action="store_true")
    parser.add_argument(
        "--step", choices=["data", "own", "lifetimes", "draws", "posterior", "nuts"]
    )
    parser.add_argument("--file", default="")
    asked = parser.parse_args()
    if asked.step:
        found = globals()[f"step_{asked.step}"](asked.customers, asked.file)
        print(json.dumps(found))
        return
    with tempfile.TemporaryDirectory() as folder:
        compare(asked, folder)


def compare(asked: argparse.Namespace, folder: str) -> None:
    size = 100_000
    while size <= asked.largest:
        own = run("own", size, folder)
        print(
            f"{size:>11,} customers: fit {own['cpu']:.2f} s, {own['mb']:.0f} MB; expectation and "
            f"P(alive) {own['predict']:.2f} s"
        )
        size *= 10
    own = run("own", asked.customers, folder)
    if not asked.skip_lifetimes:
        peer = run("lifetimes", asked.customers, folder)
        gap = (own["log_likelihood"] - peer["log_likelihood"]) / abs(peer["log_likelihood"])
        print(
            f"{asked.customers:,} customers beside lifetimes: {peer['cpu'] / own['cpu']:.1f} times "
            f"less processor time ({peer['cpu']:.2f} s against {own['cpu']:.2f} s), "
            f"{peer['mb'] / max(own['mb'], 1):.1f} times less memory ({peer['mb']:.0f} MB against "
            f"{own['mb']:.0f} MB), log-likelihood {gap:+.1e} relative"
        )
    drawn = run("draws", asked.customers, folder)
    print(
        f"{asked.customers:,} customers, 200 draws of purchases and value with 90 % bounds: "
        f"{drawn['cpu']:.0f} s, peak {drawn['mb']:.0f} MB"
    )
    own = run("posterior", 1000, folder)
    print(
        f"CDNOW's tenth, fit and 2,000 posterior draws: {own['cpu']:.2f} s, effective size "
        f"{own['size']:.0f}, Pareto k {own['k']:.2f}"
    )
    if importlib.util.find_spec("pymc_marketing"):
        nuts = run("nuts", 1000, folder)
        print(
            f"  beside pymc-marketing's NUTS: {nuts['cpu'] / own['cpu']:.0f} times less processor "
            f"time ({nuts['cpu']:.1f} s)"
        )
    else:
        print("  pymc-marketing is not installed: no comparison with NUTS")


if __name__ == "__main__":
    main()
