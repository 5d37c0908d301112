"""Whatever stands in a job file, it is a job or refused by name; no value is repeated at length."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.errors import FileError, UsageError
from forecast.jobs.job_file.configuration import Job, parse_job, read_job
from forecast.jobs.job_file.keys import _all_keys

SOUND: dict[str, Any] = {
    "name": "weekly",
    "cutoff": "last complete week",
    "source": {"path": "orders.csv", "returns": "net", "max_bad_rows": 0},
    "columns": {"customer": "id", "date": "day", "value": "amount", "key": ["order"]},
    "forecast": {"horizons": ["26W"], "model": "btyd", "draws": 500, "seed": 0},
    "backtest": {"horizon": "13W", "origins": 6},
    "economics": {"margin": 0.4, "spend": "spend.csv", "by": "month"},
    "outputs": {"folder": "out", "destination": {"database": "sqlite", "file": "p", "table": "t"}},
    "monitoring": {"history": "history.duckdb", "max_bias": 0.2},
}


@dataclass(frozen=True)
class Raw:
    """TOML as it stands, not text."""

    text: str


NAMES = st.sampled_from([*Job.model_fields, *_all_keys(Job), "root", "url", ""]) | st.text(
    st.characters(codec="utf-8"), max_size=8
)
PLAIN = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.sampled_from(["26W", "../..", "/", "~", "s3://a:b@c", "{cutoff}", "today", "10%", "a\0b"]),
    st.integers(),
    st.integers(min_value=10**400, max_value=10**401),
    st.floats(),
    st.booleans(),
    st.dates().map(lambda day: Raw(day.isoformat())),
    st.datetimes().map(lambda day: Raw(day.isoformat())),
    st.times().map(lambda time: Raw(time.isoformat())),
    st.sampled_from(["1e999", "-inf", "nan", "0x" + "f" * 4_000]).map(Raw),
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)


def toml(value: Any) -> str:
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(k))} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(sign):08X}" for sign in value) + '"'
    return hex(value) if isinstance(value, int) and value > 10**100 else str(value)


def document(table: dict[str, Any]) -> str:
    return "".join(f"{toml(str(name))} = {toml(value)}\n" for name, value in table.items())


def is_told(text: str, root: Path) -> Job | None:
    try:
        return parse_job(text, root=root)
    except UsageError as error:
        said = str(error)
        assert said
        assert len(said) < 20_000
        assert "pydantic" not in said
        return None


@st.composite
def changed(draw: st.DrawFn) -> dict[str, Any]:
    """A sound job with up to three keys changed, added or taken out."""
    table = {name: dict(each) if isinstance(each, dict) else each for name, each in SOUND.items()}
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from([table, *(v for v in table.values() if type(v) is dict)]))
        name = draw(st.sampled_from(sorted(place)) | NAMES if place else NAMES)
        if draw(st.booleans()):
            place[name] = draw(VALUES)
        else:
            place.pop(name, None)
    return table


def test_the_sound_job_is_one(tmp_path: Path) -> None:
    job = is_told(document(SOUND), tmp_path)
    assert job is not None
    assert is_told(document(job.settings()), tmp_path) == job


FUZZ = settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@settings(FUZZ, max_examples=150)
@given(changed())
def test_changed_keys_are_accepted_or_told(tmp_path: Path, table: dict[str, Any]) -> None:
    job = is_told(document(table), tmp_path)
    if job is not None:
        again = parse_job(document(job.settings()), root=tmp_path)
        assert again.settings() == job.settings()
        for path in (job.outputs.folder, job.source.file):
            assert path is None or path.is_relative_to(tmp_path)


@settings(FUZZ, max_examples=60)
@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_any_toml_is_accepted_or_told(tmp_path: Path, table: dict[str, Any]) -> None:
    is_told(document(table), tmp_path)


@settings(FUZZ, max_examples=60)
@given(st.data())
def test_damaged_text_is_accepted_or_told(tmp_path: Path, data: st.DataObject) -> None:
    text = document(SOUND).encode()
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 30))
        text = text[:start] + data.draw(st.binary(max_size=8)) + text[start + cut :]
    path = tmp_path / "job.toml"
    path.write_bytes(text)
    with suppress(UsageError, FileError):
        read_job(path)


@pytest.mark.slow
def test_any_of_these_at_length(tmp_path: Path, for_a_while: Callable[..., int]) -> None:
    def ask(table: dict[str, Any], data: st.DataObject) -> None:
        text = document(table)
        if data.draw(st.booleans()):
            start = data.draw(st.integers(0, len(text)))
            middle = data.draw(st.text(max_size=6))
            text = text[:start] + middle + text[start + data.draw(st.integers(0, 20)) :]
        is_told(text, tmp_path)

    tables = changed() | st.dictionaries(NAMES, VALUES, max_size=5)
    assert for_a_while(ask, tables, st.data()) > 0
