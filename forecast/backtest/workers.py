"""Tasks in other processes: one executor a worker, so that a death costs its own task alone."""

import re
import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from pickle import PicklingError
from typing import Any

from forecast.backtest.folder import Folder
from forecast.backtest.plan import Plan
from forecast.backtest.task import Task, run_task
from forecast.forecaster import Forecaster
from forecast.ledger import Ledger

__all__ = ["in_processes"]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_here: dict[str, Any] = {}  # what a worker process was given when it began


def in_processes(
    tasks: list[Task],
    models: Mapping[str, Forecaster],
    ledger: Ledger,
    plan: Plan,
    folder: Folder,
    workers: int,
) -> Iterator[tuple[Task, str]]:
    """Run tasks in ``workers`` processes; yield each when it ends, with what made it end badly.

    The ledger goes to a process once, when it begins; results go to the folder. On any way out,
    Ctrl-C too, no process is left.

    Parameters
    ----------
    tasks : list of Task
        What to do; it is emptied on the way, and the caller may add to it.
    models, ledger, plan, folder
        As :func:`run_task` takes them.
    workers : int
        How many processes, of one thread each.
    """
    idle: list[Any] = []
    alive: set[Any] = set()
    running: dict[Future[None], tuple[Any, Task]] = {}

    def begin() -> Any:
        from joblib.externals.loky import ProcessPoolExecutor  # type: ignore[import-untyped]

        return ProcessPoolExecutor(
            max_workers=1,
            initializer=_begin,
            initargs=(ledger, plan, folder),
            env=dict.fromkeys(_THREADS, "1"),
        )

    try:
        while tasks or running:
            while tasks and len(running) < workers:
                worker = idle.pop() if idle else begin()
                alive.add(worker)
                task = tasks.pop(0)
                running[worker.submit(_run, task, models[task.model])] = (worker, task)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                worker, task = running.pop(future)
                death = ""
                try:
                    future.result()
                    idle.append(worker)
                except BrokenProcessPool as error:
                    codes = re.search(r"SIG[A-Z]+[(]-?\d+[)]|EXIT[(]\d+[)]", str(error))
                    death = f"Its process died ({codes[0] if codes else 'no exit code'})"
                    death += "; it may have run out of memory."
                    alive.discard(worker)
                    worker.shutdown(wait=True, kill_workers=True)
                except PicklingError as error:
                    death = f"It cannot be sent to another process: {error}"
                    idle.append(worker)
                yield task, death
    finally:
        for worker in alive:
            worker.shutdown(wait=True, kill_workers=True)


def _begin(ledger: Ledger, plan: Plan, folder: Folder) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that asks
    _here.update(ledger=ledger, plan=plan, folder=folder)


def _run(task: Task, model: Forecaster) -> None:
    for _ in run_task(task, model, **_here):
        pass
