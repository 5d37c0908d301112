"""The documentation's Python runs, the site builds without a warning, and its links lead on."""

import re
import subprocess
import sys
import warnings
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if "```python\n" in path.read_text("utf-8"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_python_blocks_run_in_order(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType(f"docs_{page.stem}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL)
    with warnings.catch_warnings():
        if page.stem == "from_lifetimes":  # which it gives by the dozen
            warnings.simplefilter("ignore")
        for block in blocks:
            exec(compile(block, page.name, "exec"), vars(module))
    if page.stem == "from_lifetimes":
        peer, ours = module.clv.sum(), module.value.customers["future"].sum()
        assert ours == pytest.approx(peer, rel=0.02)
        assert module.model.purchases_.params == pytest.approx(
            dict(module.bgf.params_ / [1, 7, 1, 1]), rel=1e-4
        )


def test_every_question_has_an_answer() -> None:
    text = (DOCS / "guide" / "questions.md").read_text("utf-8")
    assert len(re.findall(r"^[^:\s#].*\?$", text, flags=re.MULTILINE)) == 20
    assert len(re.findall(r"^: \S", text, flags=re.MULTILINE)) == 20


def test_tests_that_are_named_exist() -> None:
    text = (DOCS / "guide" / "numbers.md").read_text("utf-8")
    folder = ""
    for name in re.findall(r"(?:tests/[a-z]+/)?(?:tests/)?test_[a-z_]+\.py", text):
        folder = name.rpartition("/")[0] or folder
        assert (ROOT / folder / name.rpartition("/")[2]).is_file(), name


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", DOCS, out],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.slow
def test_links_of_the_site_lead_somewhere(site: Path) -> None:
    pages = {
        path: path.read_text("utf-8")
        for path in site.rglob("*.html")
        if "_static" not in path.parts
    }
    assert len(pages) > 60
    names = {path: set(re.findall(r'\bid="([^"]+)"', text)) for path, text in pages.items()}
    lost = []
    for path, text in pages.items():
        for link in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file() or (
                target in names and parts.fragment and unquote(parts.fragment) not in names[target]
            ):
                lost.append(f"{path.relative_to(site)}: {link}")
    assert not lost
