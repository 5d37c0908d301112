"""How accurate are the models on held-out time, beside lifetimes as its users run it?

    LTV_DATA=folder python benchmarks/accuracy.py [--logs cdnow,grocery] [--models ensemble,...]

Logs: CDNOW (39/39 weeks), Grocery (52/52), Online Retail II (origins a quarter apart, 13, 26 and
52 weeks), The Complete Journey (26 weeks). Peers: BG/NBD, MBG/NBD and Pareto/NBD of lifetimes with
its Gamma-Gamma on repeat purchases. Prints, for each case and target, the RMSE over that of the
best peer with a paired bootstrap interval (90 %, customers resampled), Gini against the best
peer's, bias, coverage of randomised PITs, and whether totals lie inside their 90 % intervals; the
long table goes to ``benchmarks/accuracy.csv``.
"""

# ruff: noqa: E402  (the number of threads is set before NumPy loads)
import argparse
import os
import time
import warnings
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np
import pandas as pd

import forecast as fc
from forecast.backtest import paired_ratio
from forecast.backtest.accuracy import rmse, tweedie_deviance
from forecast.backtest.ranking import gini
from forecast.errors import ForecastError

FILES = {
    "cdnow": "cdnow_full",
    "grocery": "grocery_btydplus",
    "online_retail": "online_retail_ii",
    "complete_journey": "complete_journey_2017",
}
PEERS = {
    f"lifetimes {name}": fc.BTYD(name, "gamma_gamma", engine="lifetimes")
    for name in ("bgnbd", "mbgnbd", "pareto_nbd")
}
QUICK = {name: fc.BTYD(model.purchases, "gamma_gamma") for name, model in PEERS.items()}


def read(log: str) -> fc.Ledger:
    """Read one of the logs."""
    rows = pd.read_parquet(Path(os.environ["LTV_DATA"]) / f"{FILES[log]}.parquet")
    value = "amount" if rows["amount"].notna().any() else None
    return fc.read_ledger(rows, customer="customer_id", date="date", value=value, key=())


def cases(log: str) -> Iterator[tuple[date, str]]:
    """Yield origins and horizons."""
    fixed = {
        "cdnow": (date(1997, 9, 30), "39W"),
        "grocery": (date(2006, 12, 31), "52W"),
        "complete_journey": (date(2017, 7, 2), "26W"),
    }
    if log in fixed:
        yield fixed[log]
        return
    first, end = date(2009, 12, 1), date(2011, 12, 9)
    for weeks in (13, 26, 52):
        origin = end - timedelta(weeks=weeks)
        while (origin - first).days >= 26 * 7:
            yield origin, f"{weeks}W"
            origin -= timedelta(days=91)


def score(log: str, ledger: fc.Ledger, origin: date, horizon: str, models: dict) -> list[dict]:
    """Forecast one case with every model; one row a model and target."""
    cut, actual = ledger.cut(origin), ledger.actuals(origin, horizon)
    past = fc.customer_summary(cut)
    cap = float(past["total_value"].quantile(0.999)) if ledger.has_value else np.nan
    rows, losses = [], {}
    for name, model in models.items():
        started = time.process_time()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                forecast = model.fit(cut).forecast(horizon, draws=0 if name in PEERS else 500)
        except (ForecastError, ArithmeticError, ValueError) as error:
            print(f"{log} {origin} {horizon} {name}: {type(error).__name__}: {error}"[:160])
            continue
        seconds = time.process_time() - started
        table = forecast.customers
        assert table is not None
        pits = None if forecast.sampler is None else forecast.score(actual)
        bounds = None if forecast.sampler is None else forecast.interval(0.9)
        cohorts = None
        if forecast.sampler is not None:
            month = past["cohort"]
            cohorts = forecast.totals(by=month).table(0.9)
            cohorts = cohorts.join(actual.groupby(month).sum().add_suffix("_seen"))
        for target in ("purchases", "value") if ledger.has_value else ("purchases",):
            expected = table[f"expected_{target}"].to_numpy(float)
            seen = actual[target].reindex(table.index).to_numpy(float)
            if not np.isfinite(expected).all():
                continue
            row = {"log": log, "origin": origin, "horizon": horizon, "model": name}
            row |= {"target": target, "customers": len(seen), "seconds": seconds}
            row |= {"rmse": rmse(seen, expected), "gini": gini(seen, expected)}
            row["bias"] = expected.sum() / seen.sum() - 1
            row["tweedie"] = tweedie_deviance(
                np.maximum(seen, 0), np.maximum(expected, 1e-9 * seen.mean())
            )
            if target == "value":
                row["capped_rmse"] = rmse(np.minimum(seen, cap), np.minimum(expected, cap))
            if pits is not None and bounds is not None and cohorts is not None:
                row["pit"] = pits[f"pit_{target}"].between(0.05, 0.95).mean()
                row["total_inside"] = (
                    bounds.loc[target, "lo"] <= seen.sum() <= bounds.loc[target, "hi"]
                )
                big = cohorts[past.groupby("cohort").size().reindex(cohorts.index) >= 30]
                inside = big[f"{target}_seen"].between(big[f"{target}_lo"], big[f"{target}_hi"])
                row |= {"cohorts": len(big), "cohorts_inside": int(inside.sum())}
            losses[name, target] = (expected - seen) ** 2
            rows.append(row)
    for row in rows:
        peers = [
            each for each in rows if each["model"] in PEERS and each["target"] == row["target"]
        ]
        best = min(peers, key=lambda each: each["rmse"])
        pair = losses[row["model"], row["target"]], losses[best["model"], row["target"]]
        ratio = paired_ratio(*pair, replicates=500, seed=0)
        row |= {"ratio": ratio.ratio, "ratio_lo": ratio.lo, "ratio_hi": ratio.hi}
        row["best_peer"] = best["model"]
        row["gini_gain"] = row["gini"] - max(each["gini"] for each in peers)
        if row["target"] == "value":
            row["capped_ratio"] = row["capped_rmse"] / min(each["capped_rmse"] for each in peers)
        row["tweedie_ratio"] = row["tweedie"] / min(each["tweedie"] for each in peers)
    return rows


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Average over cases, by model and target."""
    own = table.assign(absolute_bias=table["bias"].abs(), near=table["bias"].abs() < 0.1)
    kept = ["ratio", "capped_ratio", "tweedie_ratio", "gini_gain", "absolute_bias", "near", "pit"]
    out = own.groupby(["target", "model"])[kept].mean()
    grouped = own.groupby(["target", "model"])
    out["worst_ratio"] = grouped["ratio"].max()
    out["totals_inside"] = grouped["total_inside"].mean()
    out["cohorts_inside"] = grouped["cohorts_inside"].sum() / grouped["cohorts"].sum()
    return out.sort_values(["target", "ratio"])


def main() -> None:
    """Run every case and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logs", default=",".join(FILES))
    parser.add_argument("--models", default="", help="names in fc.MODELS; the default set if empty")
    parser.add_argument("--quick", action="store_true", help="peers fitted by our own engine")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".csv"))
    asked = parser.parse_args()
    names = [name for name in asked.models.split(",") if name]
    rows = []
    for log in asked.logs.split(","):
        ledger = read(log)
        for origin, horizon in cases(log):
            own = {name: fc.MODELS[name] for name in names} or fc.default_models()
            done = score(log, ledger, origin, horizon, (QUICK if asked.quick else PEERS) | own)
            rows += done
            for row in done:
                if row["model"] not in PEERS and row["model"] in {*names, "ensemble"}:
                    print(
                        f"{log} {origin} {horizon} {row['model']} {row['target']}: ratio "
                        f"{row['ratio']:.3f} ({row['ratio_lo']:.3f} to {row['ratio_hi']:.3f}), "
                        f"Gini {row['gini_gain']:+.4f}, bias {row['bias']:+.1%}, "
                        f"PIT {row.get('pit', np.nan):.3f}, {row['seconds']:.0f} s",
                        flush=True,
                    )
            pd.DataFrame(rows).to_csv(asked.out, index=False, float_format="%.6g")
    with pd.option_context("display.width", 200, "display.max_columns", 20):
        print(summary(pd.DataFrame(rows)).round(4).to_string())


if __name__ == "__main__":
    main()
