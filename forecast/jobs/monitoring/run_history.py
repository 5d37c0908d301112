"""What every run forecast, kept in a DuckDB file until it can be compared with what happened."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecast.errors import DataError, UsageError, listed
from forecast.forecaster import BOUNDS, EXPECTED, Forecast
from forecast.jobs.folders.manifest import versions
from forecast.jobs.monitoring.history_file import TABLES, connected
from forecast.jobs.monitoring.input_profile import input_profile
from forecast.ledger import Ledger
from forecast.views import customer_summary

if TYPE_CHECKING:
    import duckdb

__all__ = ["RunHistory", "open_history", "record_run", "rows_of"]

TARGETS = ("purchases", "value")


def record_run(
    history: str | Path,
    *,
    run_id: str,
    job_name: str,
    forecast: Forecast,
    ledger: Ledger,
    parameters: "pd.DataFrame | Mapping[str, Any] | None" = None,
    labels: "pd.DataFrame | pd.Series[Any] | None" = None,
    fitted: date | None = None,
) -> None:
    """Keep what a run forecast, in one transaction; the same run once more replaces itself.

    Parameters
    ----------
    history : str or Path
        A DuckDB file; made where it does not exist.
    run_id : str
        Name of the run. A run may be recorded once for each of its horizons.
    job_name : str
        Name of the job; runs of one job are compared with one another.
    forecast : Forecast
        What was forecast, from this ledger's cutoff; one read back from disk will do.
    ledger : Ledger
        What the run saw.
    parameters : DataFrame or mapping, optional
        Parameter name to ``value`` and ``standard_error``: columns of a frame, a pair in a
        mapping, where the value may stand alone.
    labels : Series or DataFrame, optional
        Labels of customers to judge by, such as segment and channel, indexed by ``customer_id``.
    fitted : date, optional
        Last day the parameters were estimated from; by default the cutoff.

    Raises
    ------
    UsageError
        If forecast and ledger do not belong together.
    LockedError
        If another process has the file open.

    Examples
    --------
    >>> import tempfile, forecast as fc
    >>> from forecast.jobs.monitoring.run_history import open_history, record_run
    >>> ledger = fc.read_ledger(fc.simulate_shop(80, seed=1).orders, key=())
    >>> found = fc.OwnRate().fit(ledger).forecast("4W", draws=20)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record_run(f"{folder}/h.duckdb", run_id="1", job_name="weekly", forecast=found,
    ...                ledger=ledger)
    ...     with open_history(f"{folder}/h.duckdb") as kept:
    ...         kept.runs()[["run_id", "job", "horizon", "model"]].values.tolist()
    [['1', 'weekly', '4W', 'OwnRate']]
    """
    if forecast.cutoff != ledger.cutoff:
        raise UsageError(
            f"record_run: the forecast was made on {forecast.cutoff}, the ledger ends on "
            f"{ledger.cutoff}. Record a run with the ledger it saw."
        )
    if not run_id or not job_name:
        raise UsageError("record_run: run_id and job_name must not be empty.")
    summary = customer_summary(ledger)
    key = {"run_id": run_id, "horizon": str(forecast.horizon)}
    totals, periods = _totals_and_periods(forecast)
    facts = {
        "job": job_name, "model": forecast.model, "population": forecast.population,
        "data_hash": ledger.summary_hash(), "versions": json.dumps(versions()),
        "cutoff": forecast.cutoff, "window_start": forecast.window.start,
        "window_last": forecast.window.last, "fitted": fitted or forecast.cutoff,
        "first_day": ledger.first_day, "last_day": summary["last_purchase"].max().date(),
        "customers": len(summary), "purchases": int(summary["n_purchases"].sum()),
        "value": float(summary["total_value"].sum()) if ledger.has_value else None,
        "has_value": ledger.has_value, "seed": getattr(forecast.sampler, "seed", None),
        "draws": getattr(forecast.sampler, "draws", None),
    }  # fmt: skip
    tables = {
        "runs": pd.DataFrame([facts]),
        "totals": totals,
        "periods": periods,
        "profile": input_profile(summary, ledger),
        "parameters": _parameters(parameters),
    }
    if forecast.customers is not None:
        tables["customers"] = _customers(forecast.customers, summary)
        tables["labels"] = _labels(labels, forecast.customers.index)
    with connected(Path(history), write=True) as connection:
        connection.execute("BEGIN")
        for table in TABLES:
            connection.execute(
                f'DELETE FROM "{table}" WHERE run_id = ? AND horizon = ?', list(key.values())
            )
        for table, frame in tables.items():
            _insert(connection, table, frame.assign(**key))
        connection.execute("COMMIT")


@dataclass(frozen=True)
class RunHistory:
    """A history that is open for reading."""

    _connection: "duckdb.DuckDBPyConnection"

    def runs(self, job: str | None = None) -> pd.DataFrame:
        """Return one row a run and horizon, oldest cutoff first; of one job where named."""
        order = "ORDER BY cutoff, run_id, window_last, horizon"
        where = "" if job is None else "WHERE job = ?"
        found = self._connection.execute(
            f"SELECT * FROM runs {where} {order}", [] if job is None else [job]
        ).df()
        for name in ("cutoff", "window_start", "window_last", "fitted", "first_day", "last_day"):
            found[name] = pd.to_datetime(found[name]).dt.date
        return found

    def table(self, name: str, run: Any) -> pd.DataFrame:
        """Return a table of one run, without the columns that say which.

        Parameters
        ----------
        name : str
            ``totals``, ``periods``, ``parameters`` or ``profile``; sorted by its first column.
        run : row of :meth:`runs`
            Anything with ``run_id`` and ``horizon``.
        """
        if name not in TABLES:
            raise UsageError(f"history: no table {name!r}; there are {', '.join(TABLES)}.")
        first = list(TABLES[name])[2]
        return self._connection.execute(
            f'SELECT * EXCLUDE (run_id, horizon) FROM "{name}" '
            f'WHERE run_id = ? AND horizon = ? ORDER BY "{first}"',
            [run.run_id, run.horizon],
        ).df()

    def customers(self, run: Any) -> pd.DataFrame | None:
        """Return the customers of a run by ``customer_id``; None where none are kept."""
        found = self.table("customers", run)
        if found.empty:
            return None
        return found.set_index("customer_id")

    def labels(self, run: Any, customers: pd.Index) -> "dict[str, pd.Series[Any]]":
        """Return the labels of a run's customers by name, in the order of ``customers``."""
        names = self._connection.execute(
            "SELECT DISTINCT label FROM labels WHERE run_id = ? AND horizon = ? ORDER BY label",
            [run.run_id, run.horizon],
        ).fetchall()
        found = {}
        for (name,) in names:
            rows = self._connection.execute(
                "SELECT customer_id, value FROM labels "
                "WHERE run_id = ? AND horizon = ? AND label = ? ORDER BY customer_id",
                [run.run_id, run.horizon, name],
            ).df()
            found[str(name)] = rows.set_index("customer_id")["value"].reindex(customers)
        return found


def rows_of(table: pd.DataFrame) -> Iterator[Any]:
    """Yield the rows of a table, each with its columns as attributes."""
    yield from table.itertuples()


@contextmanager
def open_history(path: str | Path) -> Iterator[RunHistory]:
    """Open a history for reading.

    Raises
    ------
    FileError
        If it does not exist.
    LockedError
        If a run is writing in it.
    DataError
        If it is no history, or was written by a newer version.
    """
    with connected(Path(path)) as connection:
        yield RunHistory(connection)


def _insert(connection: "duckdb.DuckDBPyConnection", table: str, frame: pd.DataFrame) -> None:
    """Insert a frame; columns it lacks stay missing."""
    names = ", ".join(f'"{name}"' for name in frame.columns)
    connection.register("new_rows", frame)
    connection.execute(f'INSERT INTO "{table}" ({names}) SELECT {names} FROM new_rows')
    connection.unregister("new_rows")


def _totals_and_periods(forecast: Forecast) -> tuple[pd.DataFrame, pd.DataFrame]:
    periods = forecast.periods.copy()
    periods.insert(0, "period", np.arange(len(periods)))
    for name in ("start", "end"):
        periods[name] = periods[name].dt.date
    drawn = None if forecast.sampler is None else forecast.totals()
    rows = []
    for target in TARGETS:
        expected = float(periods[f"expected_{target}"].sum(skipna=False))
        row: dict[str, Any] = {"target": target, "expected": expected}
        cube = None if drawn is None else getattr(drawn, target)
        if cube is not None:
            reached = cube.sum(axis=1).cumsum(axis=1)
            lo, hi = np.quantile(reached, [0.05, 0.95], axis=0)
            periods[f"cumulative_{target}_lo_90"] = lo
            periods[f"cumulative_{target}_hi_90"] = hi
            row |= {"sd": float(reached[:, -1].std(ddof=1)), "lo_90": lo[-1], "hi_90": hi[-1]}
        if not np.isnan(expected):
            rows.append(row)
    return pd.DataFrame(rows, columns=["target", "expected", "sd", "lo_90", "hi_90"]), periods


def _customers(customers: pd.DataFrame, summary: pd.DataFrame) -> pd.DataFrame:
    strange = customers.index.difference(summary.index)
    if len(strange):
        raise UsageError(
            f"record_run: {len(strange):,} forecast customers are not in the ledger: "
            f"{listed(list(strange))}. Record a run with the ledger it saw."
        )
    known = summary.reindex(customers.index)
    kept = known[["cohort", "n_purchases", "total_value"]].astype({"cohort": str})
    for name in ("first_purchase", "last_purchase"):
        kept[name] = known[name].to_numpy().astype("datetime64[s]")
    return kept.join(customers[EXPECTED + BOUNDS]).rename_axis("customer_id").reset_index()


def _labels(labels: "pd.DataFrame | pd.Series[Any] | None", customers: pd.Index) -> pd.DataFrame:
    columns = ["customer_id", "label", "value"]
    if labels is None:
        return pd.DataFrame(columns=columns, dtype=str)
    table = labels.to_frame(labels.name or "segment") if isinstance(labels, pd.Series) else labels
    if table.index.has_duplicates:
        raise DataError("labels: a customer is named more than once. Give one row a customer.")
    table = table.reindex(customers).rename_axis("customer_id").reset_index()
    long = table.melt("customer_id", var_name="label", value_name="value")
    return long.dropna(subset=["value"]).astype(str)[columns]


def _parameters(given: "pd.DataFrame | Mapping[str, Any] | None") -> pd.DataFrame:
    if given is None:
        table = pd.DataFrame(columns=["value", "standard_error"], dtype=float)
    elif isinstance(given, pd.DataFrame):
        table = given.reindex(columns=["value", "standard_error"])
    else:
        rows = {
            name: each if isinstance(each, tuple | list) else (each, np.nan)
            for name, each in given.items()
        }
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "standard_error"])
    table = table.astype(float).rename_axis("name").reset_index()
    return table.assign(name=table["name"].astype(str))
