"""A whole job over a Parquet log, beside DuckDB's bare group-by and the workflow of `lifetimes`.

    python benchmarks/scale.py [--rows 1e6 1e7] [--integer-ids] [--draws 200] [--folder DIR]

A tenth as many customers as rows; they join over two years, buy, leave at a purchase, and are seen
until the end of the third. Each step is a process of its own, from import to result on disk:

- group-by: DuckDB sums the amounts of every customer and day into a table, and no more;
- ours: read and audit, fit BTYD (MBG/NBD and Gamma-Gamma), forecast twelve months, write
  customers.parquet; again with 90 % bounds from simulated futures;
- lifetimes, up to 1e7 rows: pandas reads, its summary, BG/NBD, Gamma-Gamma, twelve months' CLV.

Seconds are of the clock, from start to exit, and of the processor; the best of ``--repeat`` runs
counts. Memory is the peak of the process. Ratios are what counts: machines differ and are noisy.
With other work on the machine only those of processor seconds mean much.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

TRUTH = {"r": 1.18, "alpha": 42.0, "a": 0.8, "b": 7.0}  # alpha in days
BLOCK = 500_000  # customers simulated at a time
LIFETIMES_ROWS = 10_000_000  # beyond, its summary does not fit memory


def step_data(file: str, asked: argparse.Namespace) -> None:
    """Write a log in order of time: customer_id, date, amount."""
    import duckdb

    rng, people = np.random.default_rng(1), asked.size // 10
    with tempfile.TemporaryDirectory(dir=Path(file).parent) as folder:
        for number, start in enumerate(range(0, people, BLOCK)):
            table = block(rng, start, min(BLOCK, people - start), integer=asked.integer_ids)
            table.to_parquet(f"{folder}/{number}.parquet", index=False)
        own = duckdb.connect(config={"temp_directory": folder, "memory_limit": "6GB"})
        own.execute(
            f"COPY (SELECT * FROM '{folder}/*.parquet' ORDER BY date, hash(customer_id)) "
            f"TO '{file}' (FORMAT parquet, COMPRESSION zstd)"
        )


def block(rng: np.random.Generator, start: int, size: int, *, integer: bool) -> Any:
    """Simulate the purchases of some customers; amounts are Gamma-Gamma, 1 % are refunds."""
    import pandas as pd

    from forecast.processes import MBGNBD

    joined = rng.integers(0, 731, size)
    future = MBGNBD(**TRUTH).simulate((1095 - joined).astype(float), rng=rng)
    event, time_of = future.times(rng)
    owner = np.concatenate((np.arange(size), future.cell[event]))
    day = joined[owner] + np.concatenate((np.zeros(size), np.ceil(time_of))).astype(np.int64)
    level = rng.gamma(3.0, 20.0, size) / rng.gamma(4.0, 0.25, size)
    amount = np.maximum(np.round(rng.gamma(4.0, 0.25, owner.size) * level[owner], 2), 0.01)
    amount[rng.random(owner.size) < 0.01] *= -1.0
    ids = np.int64(start) + owner
    return pd.DataFrame(
        {
            "customer_id": ids if integer else pd.Series(ids).map("C{:09d}".format),
            "date": (np.datetime64("2022-01-01") + day).astype("datetime64[s]"),
            "amount": amount,
        }
    ).astype({"date": "date32[pyarrow]"})


def step_groupby(file: str, asked: argparse.Namespace) -> dict[str, Any]:
    import duckdb

    own = duckdb.connect(config={"temp_directory": str(Path(file).parent)})
    own.execute(
        "CREATE TABLE days AS SELECT customer_id, date, sum(amount) AS amount, count(*) AS rows "
        "FROM read_parquet(?) GROUP BY ALL",
        [file],
    )
    return {"groups": own.execute("SELECT count(*) FROM days").fetchall()[0][0]}


def step_ours(file: str, asked: argparse.Namespace) -> dict[str, Any]:
    import forecast as fc

    laps, last = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal last
        laps[name], last = time.perf_counter() - last, time.perf_counter()

    ledger = fc.read_ledger(file, customer="customer_id", date="date", value="amount", key=())
    lap("read")
    model = fc.BTYD(purchases="mbgnbd", spend="gamma_gamma_all").fit(ledger)
    lap("fit")
    found = model.forecast("12M", every="12M" if asked.whole else None, draws=asked.draws)
    lap("forecast")
    assert found.customers is not None
    found.customers.to_parquet(Path(file).with_suffix(".customers"))
    lap("write")
    return {"laps": laps, "customers": len(found.customers), **model.purchases_.params}


def step_lifetimes(file: str, asked: argparse.Namespace) -> dict[str, Any]:
    warnings.simplefilter("ignore")
    import pandas as pd
    from lifetimes import BetaGeoFitter, GammaGammaFitter
    from lifetimes.utils import summary_data_from_transaction_data

    log = pd.read_parquet(file)
    log["date"] = pd.to_datetime(log["date"])
    people = summary_data_from_transaction_data(
        log, "customer_id", "date", monetary_value_col="amount", freq="D"
    )
    people = people[people["monetary_value"] >= 0]
    purchases = BetaGeoFitter()
    purchases.fit(people["frequency"], people["recency"], people["T"])
    paid = people[(people["frequency"] > 0) & (people["monetary_value"] > 0)]
    spend = GammaGammaFitter().fit(paid["frequency"], paid["monetary_value"])
    columns = [people[name] for name in ("frequency", "recency", "T", "monetary_value")]
    worth = spend.customer_lifetime_value(purchases, *columns, time=12, discount_rate=0.0, freq="D")
    worth.to_frame().to_parquet(Path(file).with_suffix(".clv"))
    return {"customers": len(people)}


def run(step: str, file: Path, asked: argparse.Namespace, **settings: Any) -> dict[str, Any]:
    """Run one step in a process of its own; seconds from start to exit, and peak memory in MB."""
    code = [sys.executable, __file__, "--step", step, "--file", str(file)]
    for name, value in (vars(asked) | settings).items():
        if name in ("size", "draws"):
            code += [f"--{name}", str(value)]
        elif name in ("integer_ids", "whole") and value:
            code.append(f"--{name.replace('_', '-')}")
    # compiled once, as an installed package is
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(file.parent / "pycache")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    start = time.perf_counter()
    child = subprocess.Popen(code, stdout=subprocess.PIPE, text=True, env=environment)
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{step} failed with {child.returncode}")
    lines = said.splitlines()
    found = json.loads(lines[-1]) if lines else {}
    return dict(found or {}) | {
        "seconds": time.perf_counter() - start,
        "cpu": used.ru_utime + used.ru_stime,
        "mb": used.ru_maxrss / 1024,
    }


def best(step: str, file: Path, asked: argparse.Namespace, **settings: Any) -> dict[str, Any]:
    return min(
        (run(step, file, asked, **settings) for _ in range(asked.repeat)),
        key=lambda found: found["seconds"],
    )


def log_of(size: int, folder: Path, asked: argparse.Namespace) -> Path:
    asked.size = size
    file = folder / f"{'integer' if asked.integer_ids else 'text'}-{size}.parquet"
    if not file.exists():
        run("data", file, asked)
    return file


def warm_up(folder: Path, asked: argparse.Namespace) -> None:
    """Run every step once, so that no measured one compiles a module."""
    file = log_of(10_000, folder, asked)
    for step in ("groupby", "ours", *(["lifetimes"] if not asked.skip_lifetimes else [])):
        run(step, file, asked, draws=0)


def compare(size: int, folder: Path, asked: argparse.Namespace) -> None:
    file = log_of(size, folder, asked)
    bare = best("groupby", file, asked)
    ours = best("ours", file, asked, draws=0)
    laps = ", ".join(f"{name} {seconds:.1f}" for name, seconds in ours["laps"].items())
    print(
        f"{size:,} rows, {ours['customers']:,} customers, {file.stat().st_size / 1e6:,.0f} MB\n"
        f"  DuckDB's group-by         {_cost(bare)}\n"
        f"  ours, expectations        {_cost(ours)}  {_ratio(ours, bare)} the group-by ({laps})",
        flush=True,
    )
    if asked.draws:
        bounds = run("ours", file, asked)
        print(
            f"  ours, {asked.draws} draws, bounds   {_cost(bounds)}  simulation "
            f"{bounds['laps']['forecast'] - ours['laps']['forecast']:.0f} s of it",
            flush=True,
        )
    if size <= LIFETIMES_ROWS and not asked.skip_lifetimes:
        peer = run("lifetimes", file, asked)
        print(
            f"  lifetimes                 {_cost(peer)}  {_ratio(peer, ours)} ours",
            flush=True,
        )


def _ratio(one: dict[str, Any], other: dict[str, Any]) -> str:
    clock, cpu = one["seconds"] / other["seconds"], one["cpu"] / other["cpu"]
    return f"{clock:.1f} times (processor: {cpu:.1f})"


def _cost(found: dict[str, Any]) -> str:
    return f"{found['seconds']:7.1f} s ({found['cpu']:6.1f} of processor), {found['mb']:6,.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, nargs="+", default=[1e6, 1e7])
    parser.add_argument("--draws", type=int, default=200, help="simulated futures; 0 for none")
    parser.add_argument("--integer-ids", action="store_true")
    parser.add_argument("--whole", action="store_true", help="one period instead of months")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--skip-lifetimes", action="store_true")
    parser.add_argument("--folder", help="where logs are kept; by default they are removed")
    parser.add_argument("--size", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--step", choices=["data", "groupby", "ours", "lifetimes"])
    parser.add_argument("--file", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.step:
        warnings.filterwarnings("ignore", module="forecast")
        print(json.dumps(globals()[f"step_{asked.step}"](asked.file, asked)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(asked.folder or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        warm_up(folder, asked)
        for rows in asked.rows:
            compare(int(rows), folder, asked)


if __name__ == "__main__":
    main()
