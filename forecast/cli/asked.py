"""Checks of what was asked, before long work begins; and facts of it for the manifest."""

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forecast.cli.log import Log
from forecast.errors import UsageError, listed

if TYPE_CHECKING:
    from forecast.backtest import Backtest
    from forecast.ledger import Ledger

__all__ = ["check_apart", "check_numbers", "chosen_models", "load_proof", "recorded"]


def chosen_models(names: Sequence[str]) -> dict[str, Any]:
    """Return fresh models by name; all of them where none is named."""
    from forecast.models import default_models

    available = default_models()
    for name in names:
        if name not in available:
            near = difflib.get_close_matches(name, available, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise UsageError(f"No model {name!r}.{hint} Models: {listed(sorted(available), 20)}.")
    return {name: available[name] for name in names or available}


def check_numbers(*, draws: int, seed: int) -> None:
    """Refuse numbers that no model can honour."""
    if draws < 0 or draws == 1:
        raise UsageError(f"draws: {draws} must be 0 (no intervals) or at least 2.")
    if seed < 0:
        raise UsageError(f"seed: {seed} must be 0 or more.")


def check_apart(file: str, out: Path) -> None:
    """Refuse results inside the folder that is read: the next run would read them as purchases."""
    source = Path(file)
    if source.is_dir() and out.resolve().is_relative_to(source.resolve()):
        raise UsageError(f"--out {out} lies inside {file}, which is read. Choose another folder.")


def load_proof(folder: Path | None) -> "Backtest | None":
    """Return the backtest in a folder that ``ltv backtest`` made, after checking its files."""
    from forecast.backtest import Backtest
    from forecast.jobs import check_files

    if folder is None:
        return None
    if not (folder / "backtest").is_dir():
        raise UsageError(f"{folder} is not a folder made by ltv backtest.")
    check_files(folder, but=("report.html",))
    return Backtest.load(folder / "backtest")


def recorded(command: str, file: str, log: Log, ledger: "Ledger") -> dict[str, Any]:
    """Return what every manifest says: the command, the data and how they were read."""
    rows = ledger.audit.loc[ledger.audit["check"] == "rows", "count"]
    return {
        "command": command,
        "input": file,
        "reading": log.chosen(),
        "data": ledger.summary_hash(),
        "cutoff": str(ledger.cutoff),
        "rows": int(rows.iloc[0]),
    }
