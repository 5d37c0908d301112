"""Whatever is done to a model file, reading it ends in a model or in an error with a name."""

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.datasets import simulate_shop
from forecast.errors import DataError, FileError
from forecast.jobs.saved_models import model_file
from forecast.jobs.saved_models.saved_model import load_model, save_model
from forecast.ledger import read_ledger
from forecast.models import BTYD, CohortCurve, Ensemble, OwnRate, SeasonalSeries

HORIZON = "4W"
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 1 << 70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from([
        [], {}, {"$array": 0}, {"$array": 10**9}, {"$array": True}, {"$number": "nan"},
        {"$estimator": 0}, {"$function": "falling_tail"}, {"$date": "2024-02-30"}, {"$list": 3},
        {"$tuple": [1, "a"]}, {"$map": [[{"$list": []}, 1]]}, {"$map": [["a", 1], ["a", 2]]},
        {"$part": "BTYD", "fields": {}}, {"$part": "NBD", "fields": {"r": -1.0, "alpha": 1.0}},
        {"$part": "NBD", "fields": {"r": 1.0, "alpha": {"$array": 0}}}, {"$frame": {}},
    ]),
)  # fmt: skip
KINDS = st.sampled_from(["replace", "drop", "rename", "swap"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    shop = simulate_shop(60, days=400, seed=1, refunds=0.0).orders
    ledger, found = read_ledger(shop, key=()), []
    for name, model in {
        "btyd": BTYD("mbgcnbd"),
        "series": SeasonalSeries(),
        "curve": CohortCurve(),
        "mixture": Ensemble({"own": OwnRate(), "btyd": BTYD(by="cohort")}, None),
    }.items():
        model.fit(ledger)
        population = "all" if name == "series" else "existing"
        model.forecast(HORIZON, population=population, draws=0)
        found.append(save_model(model, tmp_path_factory.mktemp(name)))
    return found


def places(node: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Return every (container, key) of a document."""
    inside = node.items() if isinstance(node, dict) else enumerate(node)
    for key, each in list(inside):
        found.append((node, key))
        if isinstance(each, dict | list):
            places(each, found)
    return found


def outcome(file: Path) -> None:
    with suppress(DataError, FileError):
        load_model(file)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_document_of_anything(files: list[Path], tmp_path: Path, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(files))
    facts = json.loads(source.read_text())
    facts.pop("sha256")
    found = places(facts, [])
    for _ in range(data.draw(st.integers(1, 3))):
        node, key = found[data.draw(st.integers(0, len(found) - 1))]
        kind = data.draw(KINDS)
        if isinstance(node, dict) and key in node:
            if kind == "drop":
                del node[key]
            elif kind == "rename":
                node[data.draw(st.text(max_size=5))] = node.pop(key)
            elif kind == "swap":
                other, there = found[data.draw(st.integers(0, len(found) - 1))]
                if isinstance(other, list) or there in other:
                    node[key] = json.loads(json.dumps(other[there]))
            else:
                node[key] = data.draw(VALUES)
        elif isinstance(node, list):
            node[key] = data.draw(VALUES)
    facts["sha256"] = model_file._digest(facts)
    for each in source.parent.iterdir():
        shutil.copy(each, tmp_path)
    (tmp_path / "model.json").write_text(json.dumps(facts))
    outcome(tmp_path / "model.json")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_bytes_of_anything(files: list[Path], tmp_path: Path, data: st.DataObject) -> None:
    source = data.draw(st.sampled_from(files))
    for each in source.parent.iterdir():
        shutil.copy(each, tmp_path)
    hit = tmp_path / data.draw(
        st.sampled_from(sorted(each.name for each in source.parent.iterdir()))
    )
    content = bytearray(hit.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    hit.write_bytes(content)
    outcome(tmp_path / "model.json")
