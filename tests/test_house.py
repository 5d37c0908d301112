"""The house keeps its own rules: imports run one way, fences hold, README tells the truth."""

import ast
import io
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import forecast as fc

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "forecast"

BELOW = {  # part -> parts it may import
    "errors": set(),
    "calendar": {"errors"},
    "display": set(),
    "exchange": {"display", "errors"},
    "ledger": {"display", "calendar", "errors"},
    "customer_days": {"ledger", "calendar"},
    "views": {"customer_days", "ledger", "calendar", "errors"},
    "draws": {"calendar"},
    "forecaster": {"display", "exchange", "draws", "ledger", "calendar", "errors"},
    "processes": {"errors"},
    "datasets": {"calendar", "errors"},
    "backtest": {"display", "exchange", "draws", "forecaster", "ledger", "calendar", "errors"},
    "models": {
        "customer_days",
        "draws",
        "views",
        "processes",
        "forecaster",
        "ledger",
        "calendar",
        "errors",
    },
    "report": {"backtest", "views", "forecaster", "ledger", "calendar", "errors"},
    "value": {"draws", "views", "forecaster", "ledger", "calendar", "errors"},
    "jobs": {
        "report",
        "value",
        "backtest",
        "models",
        "processes",
        "draws",
        "views",
        "forecaster",
        "ledger",
        "calendar",
        "errors",
    },
    "spark": {
        "jobs",
        "models",
        "processes",
        "views",
        "draws",
        "forecaster",
        "ledger",
        "calendar",
        "errors",
    },
    "testing": {"datasets", "models", "forecaster", "ledger", "calendar", "errors"},
}
BELOW["cli"] = set(BELOW) | {"__version__"}
FENCES = {  # third party -> files or folders that may import it
    "lifetimes": ["models/btyd/lifetimes_engine.py"],
    "statsmodels": ["models"],
    "sklearn": ["models"],
    "duckdb": ["ledger", "jobs"],
    "matplotlib": ["report"],
    "jinja2": ["report"],
    "arviz_base": ["processes"],
    "arviz_stats": ["processes"],
    "emcee": ["processes"],
    "pyspark": ["spark.py", "spark"],
    "rich": ["cli"],
    "cyclopts": ["cli"],
    "pydantic": ["jobs"],
    "skops": ["jobs"],
    "sqlite3": ["jobs"],
    "adbc_driver_postgresql": ["jobs"],
    "fsspec": ["jobs"],
}
PUBLIC = [
    "BTYD", "Backtest", "Check", "CohortCurve", "ContractRetention", "CustomerRegression",
    "Ensemble", "ExternalPredictions", "Forecast", "Forecaster", "GradientBoosting", "LTVFormula",
    "LastYear", "Ledger", "MODELS", "Margin", "OwnRate", "RateModel", "SeasonalSeries",
    "SegmentRules", "Zero", "__version__", "acquisition_cost", "allocate_budget", "backtest",
    "channel_table", "checks", "clv", "cohort_table", "compare_campaigns", "concentration",
    "customer_features", "customer_summary", "default_models", "formula_values", "funnel",
    "load_cdnow", "load_model", "load_sample", "migration", "monitor", "newcomer_value",
    "pareto_curve", "read_job", "read_ledger", "read_scenario", "read_summary", "report",
    "revenue_series", "run_job", "save_model", "scenario", "segments", "simulate_shop",
    "unit_economics", "uplift", "value_by_age",
]  # fmt: skip


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            if node.module == "forecast":
                found |= {f"forecast.{alias.name}" for alias in node.names}
            else:
                found.add(node.module)
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == "import_module"
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            found.add(str(node.args[0].value))
    return found


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    part = _part(path)
    if part == "__init__":
        return
    used = {name.split(".")[1] for name in _imports(path) if name.startswith("forecast.")}
    assert used - {part} <= BELOW[part]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_third_parties_stay_behind_their_fences(path: Path) -> None:
    inside = str(path.relative_to(PACKAGE))
    for name in {name.split(".")[0] for name in _imports(path)} & set(FENCES):
        assert any(inside == place or inside.startswith(f"{place}/") for place in FENCES[name])


def test_every_part_has_its_place() -> None:
    assert {_part(path) for path in SOURCES} - {"__init__"} == set(BELOW)


def test_public_names_are_pinned_and_all_load() -> None:
    assert sorted(fc.__all__) == sorted(PUBLIC)
    for name in PUBLIC:
        assert getattr(fc, name) is not None
    assert callable(fc.backtest)
    assert callable(fc.report)


def test_functions_win_over_modules_of_the_same_name() -> None:
    code = (
        "import forecast.backtest, forecast.report, forecast as fc;"
        "assert fc.backtest.__name__ == 'backtest' and fc.report.__name__ == 'report';"
        "from forecast.backtest import METRICS"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_import_is_light_and_silent() -> None:
    heavy = ["scipy.stats", "sklearn", "statsmodels", "matplotlib", "duckdb", "lifetimes", "rich"]
    code = (
        "import sys, warnings; before = list(warnings.filters); import forecast;"
        f"heavy = set({heavy}) & set(sys.modules);"
        "assert not heavy, heavy; assert warnings.filters == before"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == done.stderr == ""


def _readme_tree() -> list[tuple[str, str]]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"<!-- tree -->\n```text\n(.*?)```", text, flags=re.DOTALL)
    assert block, "README has no tree"
    lines, folder = [], ""
    for line in block[1].splitlines():
        name = line.split()[0]
        if not line.startswith(" "):
            folder = name if name.endswith("/") else ""
            lines.append(("", name))
        else:
            lines.append((folder, name))
    return lines


def _tracked() -> set[str]:
    shown = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return {name for name in shown.stdout.splitlines() if (ROOT / name).exists()}


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")
def test_readme_tree_is_the_folder() -> None:
    files = _tracked()
    top = {f"{name.split('/')[0]}/" if "/" in name else name for name in files}
    inside = {
        f"{name.split('/')[1]}/" if name.count("/") > 1 else name.split("/")[1]
        for name in files
        if name.startswith("forecast/")
    }
    tree = _readme_tree()
    assert {name for folder, name in tree if not folder} == top
    assert {name for folder, name in tree if folder == "forecast/"} == inside


def test_no_stray_words() -> None:
    banned = re.compile(
        "|".join([r"TO" + "DO", r"FIX" + "ME", r"X" * 3, r"NotImplemented" + "Error"])
    )
    for path in SOURCES:
        assert not banned.search(path.read_text(encoding="utf-8")), path


def test_long_files_are_few() -> None:
    long = [path.name for path in SOURCES if len(path.read_text().splitlines()) > 400]
    assert not long, "split a file when it holds two ideas"


def test_hash_seed_and_zone_do_not_matter(tmp_path: Path) -> None:
    code = (
        "import forecast as fc, numpy as np;"
        "log = fc.simulate_shop(60, days=400, seed=1, refunds=0.0).orders;"
        "f = fc.BTYD().fit(fc.read_ledger(log, key=())).forecast('6W', draws=50);"
        "print(f.customers.to_csv(), f.periods.to_csv())"
    )
    here = io.StringIO()  # by the seed and the zone of this process
    with redirect_stdout(here):
        exec(code, {})
    there = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True,
        env=os.environ | {"PYTHONHASHSEED": "2", "TZ": "Pacific/Auckland", "LANG": "C"},
    )  # fmt: skip
    assert len(here.getvalue()) > 1000
    assert there.stdout == here.getvalue()
