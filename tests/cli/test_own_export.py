"""A shop's own export on the command line: each message names the option that leads on."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.jobs.job_file.configuration import read_job
from forecast.jobs.stores import read_source
from forecast.ledger import read_ledger


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export with a decimal comma, a currency sign and an offset in every row."""
    rows = [
        f'k{at % 40};2024-0{at % 6 + 1}-{at % 27 + 1:02d} 23:30:00 +0000;"1.{at:03d},50 €"'
        for at in range(400)
    ]
    path = tmp_path / "export.csv"
    path.write_text("\n".join(["Kunde;Created at;Summe", *rows]) + "\n", encoding="cp1252")
    return path


ROLES = ("--customer", "Kunde", "--date", "Created at", "--value", "Summe")
STEPS = [
    ("--encoding", "cp1252"),
    ("--delimiter", ";"),
    ("--timezone", "Europe/Berlin"),
    ("--decimal", ","),
]


def test_each_message_leads_to_the_next_option(
    ltv: Callable[..., Any], export: Path, tmp_path: Path
) -> None:
    given: list[str] = [*ROLES]
    for option, value in STEPS:
        ended = ltv("audit", export, *given)
        assert ended.code == 3
        assert re.search(rf"{option}\b", ended.err), ended.err
        given += [option, value]
    assert '--decimal "," and --thousands "." reads \'1.000,50 €\' as 1000.5' in ended.err
    given += ["--thousands", "."]
    ended = ltv("audit", export, *given)
    assert ended.code == 0, ended.err
    assert "Every amount carries '€', which is left out." in ended.out
    job = tmp_path / "job.toml"
    assert ltv("init", export, *given, "--out", job).code == 0
    kept = read_job(job)
    ledger = read_source(kept.source, kept.columns, None, root=tmp_path)
    named: dict[str, Any] = {
        "customer": "Kunde",
        "date": "Created at",
        "value": "Summe",
        "thousands": ".",
    }
    options: dict[str, Any] = {option[2:]: value for option, value in STEPS}
    assert ledger.summary_hash() == read_ledger(export, **named, **options).summary_hash()
    bought = ledger.purchases()
    assert bought["value"].sum() == sum(1000.5 + at for at in range(400))
    assert str(ledger.first_day) == "2024-01-02"  # half past midnight in Berlin
