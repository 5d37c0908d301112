"""``--redact``: what the screen shows names no customer."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROLES = ("--customer", "id", "--date", "day", "--value", "paid")


def _hash(value: str) -> str:
    return f"#{hashlib.sha256(value.encode()).hexdigest()[:12]}"


@pytest.mark.parametrize(
    ("row", "shown"),
    [
        ("anna@shop.test,,3", "id=anna@shop.test"),
        ("ben,2024-01-01,anna@shop.test", "anna@shop.test"),
        ("ben,anna@shop.test,1", "anna@shop.test"),
    ],
    ids=["beside", "amount", "date"],
)
def test_errors_show_hashes(row: str, shown: str, ltv: Callable[..., Any], tmp_path: Path):
    log = tmp_path / "orders.csv"
    log.write_text(f"id,day,paid\nb,2024-01-01,1\n{row}\nb,2024-01-09,1\n")
    plain, hashed = ltv("audit", log, *ROLES), ltv("audit", log, *ROLES, "--redact")
    assert plain.code == hashed.code == 3
    assert shown in plain.err
    assert "anna" not in hashed.err
    assert _hash(shown) in hashed.err
    for known in ("paid", "day"):
        assert (f"'{known}'" in plain.err) == (f"'{known}'" in hashed.err)


def test_warnings_and_the_audit_show_hashes(ltv: Callable[..., Any], tmp_path: Path) -> None:
    log = tmp_path / "orders.csv"
    log.write_text("id,day,paid\nb,2024-01-01,1\nanna,2024-01-02,1\nanna ,2024-01-09,1\n")
    plain, hashed = ltv("audit", log, *ROLES), ltv("audit", log, *ROLES, "--redact")
    assert plain.code == hashed.code == 0
    assert "'anna', 'anna '" in plain.out
    assert "'anna', 'anna '" in plain.err
    for text in (hashed.out, hashed.err):
        assert "anna" not in text
        assert _hash("anna") in text.replace("\n", "")


def test_without_it_the_next_command_shows_them_again(
    ltv: Callable[..., Any], tmp_path: Path
) -> None:
    log = tmp_path / "orders.csv"
    log.write_text("id,day,paid\nb,2024-01-01,x9\n")
    assert "x9" not in ltv("audit", log, *ROLES, "--redact").err
    assert "x9" in ltv("audit", log, *ROLES).err


def test_reports_of_runs_do_not_keep_the_option(ltv: Callable[..., Any], shop: Path) -> None:
    from forecast.cli.log import Log

    assert Log(redact=True).chosen() == {}
    assert ltv("audit", shop, "--redact").code == 0
