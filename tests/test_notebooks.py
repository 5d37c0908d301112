"""Every notebook runs from top to bottom, quietly, and shows what it stored."""

import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
NUMBER = re.compile(r"(?<![\w.])-?\$?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
SECONDS = re.compile(r"\d[\d,.]*(?= ?(?:s|ms|seconds?)\b)")
TOLERANCE = 0.02  # optimisers and random generators of other versions may move a last digit


RUNNER = """
import sys
import nbformat
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

class ThisPython(AsyncKernelManager):  # whatever kernels are installed
    @property
    def kernel_spec(self):
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=argv, display_name="this Python", language="python")

path, made, folder = sys.argv[1:]
notebook = nbformat.read(path, as_version=4)
for cell in notebook.cells:
    if cell.cell_type == "code":
        cell.outputs = []
place = {"metadata": {"path": folder}}
NotebookClient(
    notebook, timeout=300, km=ThisPython(), resources=place, record_timing=False
).execute()
nbformat.write(notebook, made)
"""


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _code(notebook: Any) -> list[Any]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def _text(cell: Any) -> str:
    """What a cell printed and showed as text, with timings left out."""
    parts: list[str] = []
    for output in cell["outputs"]:
        found = output.get("text", output.get("data", {}).get("text/plain", ""))
        parts.append(found if isinstance(found, str) else "".join(found))
    return SECONDS.sub("#", "\n".join(parts))


def _shows(cell: Any) -> list[list[str]]:
    """In which forms a cell shows its results; what it prints may come in several parts."""
    return [sorted(each["data"]) for each in cell["outputs"] if "data" in each]


def _differs(stored: str, fresh: str) -> str:
    """Say where two texts differ beyond spaces and rounding; nothing if they do not."""
    words = [" ".join(NUMBER.sub("#", each).split()) for each in (stored, fresh)]
    if words[0] != words[1]:
        return f"stored {words[0]!r}\nfresh  {words[1]!r}"
    pairs = zip(*(NUMBER.findall(each) for each in (stored, fresh)), strict=True)
    numbers = [[float(re.sub(r"[$,]", "", each)) for each in pair] for pair in pairs]
    moved = [
        f"{old} became {new}"
        for old, new in numbers
        if not math.isclose(old, new, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    ]
    return "; ".join(moved[:5])


def _run(path: Path, folder: Path) -> Any:
    """Execute a copy in ``folder`` and return it."""
    made = folder.parent / "fresh.ipynb"
    # a process of its own, since Jupyter's packages warn and leave sockets open
    command = [sys.executable, "-W", "ignore", "-c", RUNNER, str(path), str(made), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return _read(made)


def test_there_are_notebooks() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_stores_clean_outputs(path: Path) -> None:
    notebook = _read(path)
    outputs = [output for cell in _code(notebook) for output in cell["outputs"]]
    counts = [cell["execution_count"] for cell in _code(notebook)]
    kinds = {key for output in outputs for key in output.get("data", {})}
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert counts == list(range(1, len(counts) + 1)), "not run once from top to bottom"
    assert not [each for each in outputs if each["output_type"] == "error"]
    assert not [each for each in outputs if each.get("name") == "stderr"]
    assert "image/png" in kinds, "a notebook shows something"
    assert not [cell for cell in notebook["cells"] if cell["metadata"]], "timings and the like"
    assert not re.search(r"(?:/home/|/Users/|/root/|/tmp/|[A-Z]:\\\\)", path.read_text("utf-8"))
    assert path.stat().st_size < 1_000_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_stored(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_spark = "local_session" in path.read_text(encoding="utf-8")
    if with_spark and not shutil.which("java") and os.environ.get("CI") != "true":
        pytest.skip("no Java")
    # a relative path that works only beside the sources would fail in the temporary folder
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    monkeypatch.delenv("MPLBACKEND", raising=False)  # figures are to be shown, as in a browser
    folder = tmp_path / "run"
    folder.mkdir()
    stored, fresh = _code(_read(path)), _code(_run(path, folder))
    noise = [o for cell in fresh for o in cell["outputs"] if o.get("name") == "stderr"]
    assert noise == []
    assert list(folder.iterdir()) == [], "a notebook writes only into temporary folders"
    moved = {
        number: what
        for number, (old, new) in enumerate(zip(stored, fresh, strict=True), start=1)
        if (what := _differs(_text(old), _text(new)))
    }
    assert moved == {}, "run the notebook anew and store it"
    assert [_shows(cell) for cell in stored] == [_shows(cell) for cell in fresh]


def test_differences_are_found() -> None:
    assert _differs("total  1,234.50 in a", "total 1,234.51 in a") == ""
    assert "1234.5 became 1334.5" in _differs("total 1,234.50", "total 1,334.50")
    assert "fresh" in _differs("total 3", "sum 3")
    assert _differs(_text(_shown("took 3.2 s")), _text(_shown("took 41 s"))) == ""


def _shown(text: str) -> dict[str, Any]:
    return {"outputs": [{"output_type": "stream", "name": "stdout", "text": [text]}]}
