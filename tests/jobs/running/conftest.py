"""A job and its log in a folder, and what a run leaves there."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.datasets import simulate_shop

JOB = """
name = "weekly"
{top}
[source]
path = "orders.csv"
[columns]
customer = "customer_id"
date = "date"
value = "amount"
key = ["order_id"]
customer_columns = ["channel"]
[forecast]
horizons = {horizons}
model = "{model}"
draws = 20
[outputs]
folder = "{folder}"
report = {report}
{outputs}
{more}
"""


@pytest.fixture(scope="session")
def shop() -> Any:
    return simulate_shop(60, days=400, seed=3, refunds=0.02)


@pytest.fixture
def make(tmp_path: Path, shop: Any) -> Callable[..., Path]:
    """Write a job with its log into a folder, and return the job file."""

    def write(
        name: str = "a", *, top: str = "", horizons: Any = ("8W",), model: str = "own_rate",
        folder: str = "out", report: bool = False, outputs: str = "", more: str = "",
    ) -> Path:  # fmt: skip
        root = tmp_path / name
        if not root.exists():
            root.mkdir()
            shop.orders.to_csv(root / "orders.csv", index=False)
            shop.spend.to_csv(root / "spend.csv", index=False)
        text = JOB.format(
            top=top, horizons=json.dumps(list(horizons)), model=model, folder=folder,
            report=str(report).lower(), outputs=outputs, more=more,
        )  # fmt: skip
        (root / "job.toml").write_text(text)
        return root / "job.toml"

    return write


@pytest.fixture(scope="session")
def bytes_of() -> Callable[[Path], dict[str, str]]:
    """Return a function: every file of a folder by its hash; of the manifest all but the times."""

    def look(folder: Path) -> dict[str, str]:
        found = {
            str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in folder.rglob("*")
            if path.is_file() and path.name != "manifest.json"
        }
        facts = json.loads((folder / "manifest.json").read_text())
        del facts["timings"], facts["checksum"]
        return found | {"manifest.json": json.dumps(facts)}

    return look
