"""The distribution: what is in it, and that it works where nothing else is."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

import forecast as fc

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT / "data" / "sample" / "online_retail_ii.csv.gz"


def done(*words: Any, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(each) for each in words], cwd=cwd, env=os.environ | environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("dist")
    built = done(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    assert built.returncode == 0, built.stdout + built.stderr
    return out


@pytest.fixture(scope="module")
def empty(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel and the locked dependencies, and nothing else."""
    uv = shutil.which("uv") or str(ROOT / ".tools" / "bin" / "uv")
    place = tmp_path_factory.mktemp("environment") / "venv"
    install = (uv, "pip", "install", "-q", "--python", place)
    for words in (
        (uv, "venv", "-q", "--no-python-downloads", "--python", sys.executable, place),
        (*install, "--require-hashes", "-r", ROOT / "requirements.lock"),
        (*install, "--no-deps", *made.glob("*.whl")),
    ):
        found = done(*words, cwd=made)
        if found.returncode and os.environ.get("CI") != "true":
            pytest.skip(f"packages cannot be had here: {found.stderr.strip()[-200:]}")
        assert found.returncode == 0, found.stderr
    return place / ("Scripts" if sys.platform == "win32" else "bin")


def test_the_version_is_the_same_everywhere() -> None:
    for name, pattern in (
        ("pyproject.toml", r'^version = "(.+)"$'),
        ("CITATION.cff", r"^version: (.+)$"),
    ):
        found = re.findall(pattern, (ROOT / name).read_text("utf-8"), flags=re.MULTILINE)
        assert found == [fc.__version__], name


@pytest.mark.slow
def test_wheel_holds_the_package_and_nothing_else(made: Path) -> None:
    (wheel,) = made.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "forecast").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"forecast/py.typed", "forecast/report/templates/report.html.j2"} <= inside
    assert {name for name in names if ".dist-info/" not in name} == inside
    about = {name.partition("/")[2] for name in names if ".dist-info/" in name}
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= about


@pytest.mark.slow
def test_source_distribution_can_be_tested(made: Path) -> None:
    (source,) = made.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for name in (
        "pyproject.toml", "Makefile", "requirements.lock", "CITATION.cff", "CONTRIBUTING.md",
        "data/sample/online_retail_ii.csv.gz", "docs/api.md", "tests/test_build.py",
    ):  # fmt: skip
        assert name in names, name
    assert not [name for name in names if "__pycache__" in name or name.startswith("out/")]


@pytest.mark.slow
def test_it_works_in_an_empty_environment(empty: Path, tmp_path: Path) -> None:
    def ltv(*words: Any) -> str:
        found = done(empty / "ltv", *words, cwd=tmp_path, PYTHONPATH="", PYTHONWARNINGS="error")
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    assert ltv("--version") == f"ltv-forecast {fc.__version__}\n"
    assert "Ready." in ltv("doctor")
    assert "44,876" in ltv("audit", SAMPLE)
    orders = "import forecast as fc; fc.simulate_shop(80, days=420, seed=3).orders"
    code = f"{orders}.to_csv('orders.csv', index=False)"
    assert done(empty / "python", "-I", "-c", code, cwd=tmp_path).returncode == 0
    road = ("orders.csv", "--horizon", "8W", "--draws", "50", "--key", "order_id")
    ltv("backtest", *road, "--origins", "2", "--models", "btyd", "own_rate", "--out", "backtest")
    said = ltv("forecast", *road, "--model", "btyd", "--backtest", "backtest", "--out", "forecast")
    assert "report.html" in said
    assert (tmp_path / "forecast" / "report.html").stat().st_size > 10_000
    assert "all as ltv forecast wrote them" in ltv("verify", "forecast")
