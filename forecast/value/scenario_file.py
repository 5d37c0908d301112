"""A scenario written down: a small table in TOML, or no more than its levers."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from forecast.errors import FileError, UsageError, listed

__all__ = ["ScenarioPlan", "read_scenario"]

KEYS = ("name", "high_margin", "levers", "break_even")
BESIDE = KEYS[:2]  # what may stand beside levers without a table
ASKED = ("lever", "cost_per_customer", "bounds")


@dataclass(frozen=True)
class ScenarioPlan:
    """What a TOML table asks for.

    Attributes
    ----------
    name : str or None
        What the scenario is called.
    levers : dict
        Value of each lever by name.
    high_margin : float or None
        What ``product_mix`` moves value to: margin as a share of value.
    break_even : tuple of dict
        ``lever``, ``cost_per_customer`` and, where given, ``bounds`` of each question.
    """

    name: str | None
    levers: dict[str, Any]
    high_margin: float | None
    break_even: tuple[dict[str, Any], ...]


def read_scenario(source: str | Path) -> ScenarioPlan:
    """Read a scenario from TOML.

    Parameters
    ----------
    source : str or Path
        A file, or the text itself: a str that holds a table's opening bracket or several lines,
        or levers in one line, ``"retention=1.1, order_value=1.05"``. Lines without any table are
        those of ``[scenario.levers]``, but for ``name`` and ``high_margin``.

    Raises
    ------
    FileError
        If the file cannot be read.
    UsageError
        If it is no TOML, or a key is missing, unknown or of the wrong kind; it is named.

    Examples
    --------
    >>> plan = read_scenario('''
    ... [scenario]
    ... name = "loyalty programme"
    ... [scenario.levers]
    ... retention = 1.1
    ... [[scenario.break_even]]
    ... lever = "retention"
    ... cost_per_customer = 2.0
    ... ''')
    >>> plan.levers, plan.break_even[0]["cost_per_customer"]
    ({'retention': 1.1}, 2.0)
    >>> read_scenario("retention=1.1, order_value=1.05").levers
    {'retention': 1.1, 'order_value': 1.05}
    """
    where, whole = _loaded(source)
    plain = not any(isinstance(each, dict | list) for each in whole.values())
    if whole and plain and "scenario" not in whole:
        bare = {name: each for name, each in whole.items() if name not in BESIDE}
        beside = {name: each for name, each in whole.items() if name in BESIDE}
        whole = {"scenario": beside | ({"levers": bare} if bare else {})}
    _check_keys(where, whole, ("scenario",))
    table = _table(where, "scenario", whole.get("scenario"))
    _check_keys(where, table, KEYS, "scenario.")
    levers = _table(where, "scenario.levers", table.get("levers"))
    name, high = table.get("name"), table.get("high_margin")
    if name is not None and not isinstance(name, str):
        raise UsageError(f"{where}: scenario.name = {name!r} must be text in quotes.")
    if high is not None and not _number(high):
        raise UsageError(f"{where}: scenario.high_margin = {high!r} must be a number.")
    asked = table.get("break_even", [])
    if not isinstance(asked, list) or not all(isinstance(each, dict) for each in asked):
        raise UsageError(f"{where}: write [[scenario.break_even]], one table a question.")
    return ScenarioPlan(
        name, dict(levers), None if high is None else float(high),
        tuple(_question(where, each) for each in asked),
    )  # fmt: skip


def _loaded(source: str | Path) -> tuple[str, dict[str, Any]]:
    """Return what to call a source in messages, and what is in it."""
    where, text = "the scenario", str(source)
    if isinstance(source, str) and ("[" in source or "\n" in source):
        pass
    elif isinstance(source, str) and "=" in source and not Path(source).is_file():
        where, text = f"scenario: {source!r}", source.replace(",", "\n")
    else:
        where = str(source)
        try:
            text = Path(source).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "not UTF-8"
            raise FileError(f"{where} cannot be read ({why}).") from None
    try:
        return where, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            f"{where} is no TOML: {error}. A line is a lever, such as retention = 1.1."
        ) from None


def _question(where: str, asked: dict[str, Any]) -> dict[str, Any]:
    key = "scenario.break_even."
    _check_keys(where, asked, ASKED, key)
    for name in ASKED[:2]:
        if name not in asked:
            raise UsageError(f"{where}: {key}{name} is missing.")
    bounds = asked.get("bounds", [1, 2])
    sound = isinstance(bounds, list) and len(bounds) == 2 and all(map(_number, bounds))
    if not isinstance(asked["lever"], str):
        raise UsageError(f"{where}: {key}lever = {asked['lever']!r} must be a name in quotes.")
    if not _number(asked["cost_per_customer"]):
        raise UsageError(
            f"{where}: {key}cost_per_customer = {asked['cost_per_customer']!r} must be a number."
        )
    if not sound:
        raise UsageError(f"{where}: {key}bounds = {bounds!r} must be two numbers, [1.0, 1.5].")
    return asked | ({"bounds": tuple(map(float, bounds))} if "bounds" in asked else {})


def _table(where: str, key: str, found: Any) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise UsageError(
            f"{where}: write a table [{key}]. The least that it takes is a line with a lever, such "
            "as retention = 1.1, and no table."
        )
    return found


def _check_keys(
    where: str, table: Mapping[str, Any], known: tuple[str, ...], before: str = ""
) -> None:
    odd = sorted(set(table) - set(known))
    if odd:
        raise UsageError(
            f"{where}: unknown key {listed([before + each for each in odd])}; known: "
            f"{', '.join(before + each for each in known)}."
            + ("" if known == ASKED else " Levers stand below a line [scenario.levers].")
        )


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
