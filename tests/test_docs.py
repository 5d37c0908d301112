"""The site builds without a warning, its links lead on, and what it names exists."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

import forecast as fc

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"


def test_every_question_has_an_answer() -> None:
    text = (DOCS / "guide" / "questions.md").read_text("utf-8")
    assert len(re.findall(r"^## .*\?\n\n[A-Z`\[]", text, flags=re.MULTILINE)) == 20
    assert len(re.findall(r"^## ", text, flags=re.MULTILINE)) == 20


def test_names_of_the_package_exist() -> None:
    pages = [*ROOT.glob("*.md"), *DOCS.rglob("*.md")]
    found = {
        (page.name, *each)
        for page in pages
        for each in re.findall(
            r"\b(fc|forecast\.(?:report|processes|spark|testing))\.([a-zA-Z_]+)\b(?!\.)",
            page.read_text("utf-8"),
        )
    }
    assert len(found) > 80
    homes = {"fc": fc} | {home: import_module(home) for _, home, _ in found if home != "fc"}
    assert [each for each in sorted(found) if not hasattr(homes[each[1]], each[2])] == []


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
