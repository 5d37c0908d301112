"""Run a backtest: stand on past days, forecast forward, and compare with what happened."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Literal

from forecast.backtest.actuals import actuals, known_customers, period_actuals
from forecast.backtest.asked import plan_of
from forecast.backtest.book import tables_of
from forecast.backtest.folder import Folder, rows
from forecast.backtest.holding import held
from forecast.backtest.plan import Plan
from forecast.backtest.result import Backtest
from forecast.backtest.storage import check_empty, described, load, write_tables
from forecast.backtest.stored_tables import PART, TemporaryFolder, write_table, write_text
from forecast.backtest.task import Task, failure, run_task
from forecast.backtest.workers import in_processes
from forecast.calendar import Horizon
from forecast.errors import FileError, LockedError, TooLittleDataError, listed
from forecast.forecaster import Forecaster, Population
from forecast.ledger import Ledger

__all__ = ["backtest"]

Models = Forecaster | Mapping[str, Forecaster] | Sequence[Forecaster]
Progress = Callable[[int, int, str], object]


def backtest(
    ledger: Ledger,
    models: Models,
    *,
    horizon: str | Horizon | Sequence[str | Horizon] = "13W",
    origins: int | Iterable[Any] = 6,
    step: str | Horizon | None = None,
    history: str | Horizon | None = None,
    gap: str | Horizon | None = None,
    min_history: str | Horizon | None = None,
    burn_in: str | Horizon | None = None,
    populations: Sequence[Population] = ("existing", "all"),
    refit: bool | int | Literal["never"] = True,
    untouched: int = 0,
    draws: int = 200,
    seed: int = 0,
    workers: int = 1,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Backtest:
    """Forecast from past days with copies of the models and set beside it what happened.

    At each origin every model sees ``ledger.cut(origin)`` and nothing later. A model that breaks,
    or answers another question, is recorded in ``Backtest.runs`` and the run goes on. Customers
    known at an origin are one fixed set, the same for every model and horizon.

    Parameters
    ----------
    ledger : Ledger
        The whole log; its cutoff is the end of the last window.
    models : mapping of name to Forecaster, sequence of Forecasters, or one Forecaster
        Unfitted or not: copies are fitted. Without names a model is called after its class, the
        second of a class ``"Class 2"``. The order of a mapping does not matter.
    horizon : str or Horizon, or several
        Length of the window to forecast. Of several, every origin is scored over each.
    origins : int or dates
        How many origins, the last one (longest) horizon and the gap before the cutoff, or which
        days.
    step : str or Horizon, optional
        From one origin to the next; the longest horizon by default.
    history : str or Horizon, optional
        Let models see only the last so much before an origin, such as ``"52W"``; by default all
        of it. The log is then taken to begin there: existing customers are those with a purchase
        inside, older ones who return are new ones, and first purchases are the first ones seen.
        So its customers differ from those of an expanding history, and its scores too.
    gap : str or Horizon, optional
        Between the origin and the first day of the window, as when data arrive late. Expectations
        are then differences of two forecasts, bounds and P(active) come from draws; what neither
        tells is missing. Who is first seen in the gap is a new customer.
    min_history : str or Horizon, optional
        History the first origin needs; by default ``history`` or else the longest horizon.
    burn_in : str or Horizon, optional
        Customers first seen within this length from the beginning of the history are not scored
        in population ``"existing"``: in the first weeks of a log many are older than the log.
        Models see them; populations ``"new"`` and ``"all"`` are scored whole.
    populations : sequence of {"existing", "new", "all"}
        Whom to forecast; actuals are those of the same population.
    refit : bool, int or "never"
        True: fit at every origin. An integer k: at each k-th one. False or "never": at the first.
        In between a model with a method ``update(ledger)`` keeps its parameters and takes the new
        histories; without it the model is fitted anew, and ``runs`` says so.
    untouched : int
        So many last origins are kept apart: leaderboards use the others unless asked.
    draws : int
        Simulated futures behind each interval; 0 for expectations alone.
    seed : int
        Same ledger, models and seed give the same numbers, whatever the workers.
    workers : int
        Processes that share the work, of one thread each.
    folder : str or Path, optional
        Where results go as they are made, and stay. An interrupted run goes on when called again
        with the same folder; what is finished, failures too, is not run again. Without it they go
        to a temporary folder that lives as long as the result.
    progress : callable, optional
        Called as ``progress(done, total, label)`` after each model at each origin.

    Returns
    -------
    Backtest

    Raises
    ------
    HorizonError
        If a length has no unit or is a date.
    TooLittleDataError
        If the log is too short for the origins, or no customer or origin is left to be scored.
    CutoffError
        If an origin's window has not happened yet.
    UsageError
        If there are no models, a name is taken, or a setting cannot be honoured.
    LockedError
        If another run is busy in the folder, or it holds something else, or a backtest that was
        asked otherwise: the message says what differs.
    FileError
        If the folder cannot be written.

    Examples
    --------
    >>> import forecast as fc
    >>> ledger = fc.read_ledger(fc.load_cdnow(sample=True), key=())
    >>> models = {"own rate": fc.OwnRate(), "btyd": fc.BTYD()}
    >>> bt = fc.backtest(ledger, models, horizon=["4W", "13W"], origins=2, draws=0)
    >>> bt.leaderboard(horizon="13W").index.tolist()
    ['btyd', 'own rate', 'zero (forecast nothing)']
    """
    plan, named = plan_of(
        ledger, models,
        horizon=horizon, origins=origins, step=step, history=history, gap=gap,
        min_history=min_history, burn_in=burn_in, populations=populations, refit=refit,
        untouched=untouched, draws=draws, seed=seed, workers=workers,
    )  # fmt: skip
    owner = TemporaryFolder() if folder is None else None
    place = Folder(owner.path if owner else Path(str(folder)), plan.models)
    try:
        place.root.mkdir(parents=True, exist_ok=True)
        with held(place.root):
            _open(place, plan)
            if not place.runs.is_file():
                for day in plan.origins:
                    if not place.finished(day):
                        _look_after(ledger, day, plan, place)
                _run(named, ledger, plan, place, workers, progress)
                _close(place, plan)
    except OSError as error:
        raise FileError(f"The backtest cannot be written to {place.root}: {error}.") from error
    return Backtest(**load(place.root, owner))


def _open(folder: Folder, plan: Plan) -> None:
    """Say what is asked in a new folder, or check that an old one was asked the same."""
    text = json.dumps(described(plan), indent=2, ensure_ascii=False) + "\n"
    if not folder.meta.is_file():
        check_empty(folder.root)
        write_text(text, folder.meta)
        return
    try:
        there = _flat(json.loads(folder.meta.read_text(encoding="utf-8")))
    except ValueError as error:
        raise FileError(f"{folder.meta} is damaged: {error}. Choose a new folder.") from error
    asked = _flat(json.loads(text))
    differ = [
        f"{name} ({there.get(name)} there, {asked.get(name)} now)"
        for name in dict.fromkeys([*asked, *there])
        if there.get(name) != asked.get(name)
    ]
    if differ:
        raise LockedError(
            f"{folder.root} holds a backtest that was asked otherwise: "
            f"{listed(differ, write=str)}. Ask the same to go on with it, or choose a new folder."
        )


def _flat(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was asked without its nesting, so that a difference has a name."""
    settings = dict(asked.get("settings", {}))
    models = settings.pop("model_settings", {})
    rest = {name: value for name, value in asked.items() if name != "settings"}
    return rest | settings | {f"model {name}": text for name, text in models.items()}


def _look_after(ledger: Ledger, origin: date, plan: Plan, folder: Folder) -> None:
    """Write who was known at an origin and what happened after it."""
    log = plan.log(ledger, origin)
    first_scored = plan.first_scored(log)
    known = known_customers(log, origin, first_scored)
    if "existing" in plan.populations and not known["scored"].any():
        raise TooLittleDataError(
            f"All {len(known):,} customers known on {origin} came before {first_scored}, within "
            f"the burn-in of {plan.burn_in}. Shorten it or leave out early origins."
        )
    write_table(known, folder.customers(origin))
    record: list[dict[Any, Any]] = []
    for horizon in plan.horizons:
        opening = origin if plan.gap is None else plan.gap.window(origin).last
        windows = horizon.periods(opening)
        for population in plan.populations:
            happened = actuals(log, origin, horizon, population, plan=plan, known=known)
            write_table(happened, folder.actuals(origin, horizon, population))
            table = period_actuals(log, origin, windows, population, first_scored)
            record += rows(table.assign(horizon=str(horizon), population=population))
    folder.write({"period_actuals": record}, origin)


def _run(
    models: Mapping[str, Forecaster],
    ledger: Ledger,
    plan: Plan,
    folder: Folder,
    workers: int,
    progress: Progress | None,
) -> None:
    """Run every task that is not finished, here or in other processes."""
    tasks = [
        Task(model, group)
        for group in plan.groups
        for model in plan.models
        if not all(folder.finished(day, model) for day in group)
    ]
    total = len(plan.origins) * len(plan.models)
    told = {
        (day, model) for day in plan.origins for model in plan.models if folder.finished(day, model)
    }
    steps = _here(tasks, models, ledger, plan, folder)
    if workers > 1:
        steps = in_processes(tasks, models, ledger, plan, folder, workers)
    for task, death in steps:
        left = [day for day in task.origins if not folder.finished(day, task.model)]
        if death and left:
            folder.write(failure(plan, death), left[0], task.model)
            if left[1:]:
                tasks.append(task)
        for day in task.origins:
            if folder.finished(day, task.model) and (day, task.model) not in told:
                told.add((day, task.model))
                if progress is not None:
                    progress(len(told), total, f"{task.model} at {day}")


def _here(
    tasks: Iterable[Task],
    models: Mapping[str, Forecaster],
    ledger: Ledger,
    plan: Plan,
    folder: Folder,
) -> Iterator[tuple[Task, str]]:
    for task in tasks:
        for _ in run_task(task, models[task.model], ledger, plan, folder):
            yield task, ""


def _close(folder: Folder, plan: Plan) -> None:
    """Write the tables of the complete backtest; records and partial files have had their day."""
    write_tables(tables_of(folder, plan), folder)
    shutil.rmtree(folder.trials)
    for part in folder.root.rglob(f"*{PART}"):
        part.unlink()
