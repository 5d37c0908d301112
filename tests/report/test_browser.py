"""The page in a real browser: it renders, in light and dark, it prints, and nothing complains."""

import os
import re
import shutil
import subprocess
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from forecast.backtest import Backtest
from forecast.forecaster import Forecast
from forecast.ledger import Ledger
from forecast.report import report

pytestmark = pytest.mark.browser
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
QUIET = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--enable-logging=stderr"),
]


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed; CI must have it.")
        pytest.skip("Chromium is not installed.")
    return found


@pytest.fixture(scope="module")
def page(
    tmp_path_factory: pytest.TempPathFactory, ledger: Ledger, future: Forecast, tested: Backtest
) -> Path:
    path = tmp_path_factory.mktemp("browser") / "report.html"
    return report(path, ledger=ledger, forecast=future, backtest=tested)


def run(browser: str, page: Path, profile: Path, *options: str) -> None:
    """Open the page and fail on anything the console has to say."""
    command = [browser, *QUIET, f"--user-data-dir={profile}", *options, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=True)
    said = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_renders_without_complaint(
    browser: str, page: Path, tmp_path: Path, scheme: str
) -> None:
    import matplotlib.image as images

    shot = tmp_path / "shot.png"
    option = f"--blink-settings=preferredColorScheme={int(scheme == 'light')}"
    run(browser, page, tmp_path, option, "--window-size=1200,4000", f"--screenshot={shot}")
    pixels = images.imread(shot)[..., :3]
    assert pixels.shape[:2] == (4000, 1200)
    grey = pixels.mean(axis=2)
    background = float(np.median(grey))
    assert background > 0.95 if scheme == "light" else background < 0.15
    inked = np.abs(grey - background) > 0.3
    assert 0.01 < inked.mean() < 0.3
    assert (inked.any(axis=1)).mean() > 0.4  # text and figures all the way down
    colours = {tuple(each) for each in (pixels[::3, ::3].reshape(-1, 3) * 15).astype(int)}
    assert len(colours) > 30


def test_it_prints(browser: str, page: Path, tmp_path: Path) -> None:
    paper = tmp_path / "report.pdf"
    run(browser, page, tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={paper}")
    content = paper.read_bytes()
    assert content.startswith(b"%PDF-")
    pages = [int(number) for number in re.findall(rb"/Count (\d+)", content)]
    assert max(pages) >= 3
    assert len(content) > 30_000


@pytest.fixture(scope="module")
def axe_core() -> str:
    """Deque's axe-core: the file that AXE_CORE names, or the one that axe-core-python carries."""
    named = os.environ.get("AXE_CORE")
    if named:
        return Path(named).read_text(encoding="utf-8")
    if find_spec("axe_core_python") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("axe-core-python is not installed; CI must have it.")
        pytest.skip("axe-core-python is not installed.")
    return files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (360, "dark")])
def test_axe_finds_nothing(
    browser: str, page: Path, axe_core: str, tmp_path: Path, scheme: str, width: int
) -> None:
    """A copy without the policy that forbids scripts, its folds open, read by axe-core."""
    text = re.sub(r"<meta http-equiv=[^>]*>", "", page.read_text(encoding="utf-8"))
    text = text.replace("<details>", "<details open>")
    run_axe = (
        "<script>axe.run(document).then(r => {document.documentElement.innerHTML = "
        "'<pre>' + r.passes.length + ' passed; ' + JSON.stringify(r.violations.map(v => [v.id, "
        "v.nodes.length, v.nodes[0].html.slice(0, 200).replace(/</g, '(')])) + '</pre>';})"
        "</script>"
    )
    script = axe_core.replace("</script", "<\\/script")
    copy = tmp_path / "axe.html"
    copy.write_text(text.replace("</body>", f"<script>{script}</script>{run_axe}</body>"), "utf-8")
    options = [
        *QUIET, f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900",
        f"--blink-settings=preferredColorScheme={int(scheme == 'light')}",
        "--virtual-time-budget=60000", "--dump-dom",
    ]  # fmt: skip
    done = subprocess.run(
        [browser, *options, copy.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    found = re.search(r"(\d+) passed; (.*?)</pre>", done.stdout, flags=re.DOTALL)
    assert found is not None, "axe did not end"
    assert int(found[1]) > 20
    assert found[2] == "[]"


@pytest.mark.slow
def test_axe_finds_what_is_wrong(browser: str, page: Path, axe_core: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    text = page.read_text(encoding="utf-8").replace('<html lang="en">', "<html>")
    broken.write_text(text.replace("--muted: #596475", "--muted: #aaabbb"), encoding="utf-8")
    with pytest.raises(AssertionError, match=r"html-has-lang|color-contrast"):
        test_axe_finds_nothing(browser, broken, axe_core, tmp_path, "light", 1200)


def test_a_console_error_would_be_noticed(browser: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.html"
    policy = "default-src 'none'"
    broken.write_text(
        f'<meta http-equiv="Content-Security-Policy" content="{policy}"><img src="x.png">',
        encoding="utf-8",
    )
    with pytest.raises(AssertionError):
        run(browser, broken, tmp_path, f"--screenshot={tmp_path / 'x.png'}")
