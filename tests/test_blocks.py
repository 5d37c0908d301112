"""Every block on a page is run by somebody, as a reader would run it; one that is not fails here.

Commands run on a small log of the columns they name (`make slow`), the block of a page about
another package in an environment that has it (`make legs`), everything else with `make test`.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
from cyclopts import MissingArgumentError, UnknownOptionError
from markdown_it import MarkdownIt

import forecast as fc
from forecast.cli import _run
from forecast.cli.app import COMMANDS, app

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
TREE = "<!-- tree -->\n"
PEER = "docs/from_pymc_marketing.md"
ELSEWHERE = {  # kind of block and page -> the test of that page alone
    ("text", "docs/guide/numbers.md"): "test_numbers_page.py",  # formulas
    ("text", "docs/guide/questions.md"): "test_questions_page.py",  # a drawing
    ("pycon", "docs/guide/questions.md"): "test_questions_page.py",
    ("python", PEER): "test_from_pymc_marketing.py",
}
SITE = ("{toctree}", "{include}", "{eval-rst}")


@dataclass(frozen=True)
class Block:
    page: str
    line: int  # of the fence, counted from 0
    info: str  # what stands behind the fence; "indented" without one
    text: str

    @property
    def runner(self) -> str | None:
        """Who runs it; None is nobody."""
        if self.info == "python":
            if "pymc_marketing" in self.text:
                return "peer" if self.page == PEER else None
            found = [name for name in ("airflow", "pyspark") if name in self.text]
            return found[0] if found else "python"
        if self.info == "console":
            return "console"
        if self.page.startswith("docs/") and self.info.startswith(SITE):
            return "site"  # test_docs.py builds it
        if (self.info, self.page) in ELSEWHERE:
            return "page"
        if self.page != "README.md":
            return None
        before = "".join((ROOT / self.page).read_text("utf-8").splitlines(True)[: self.line])
        if self.info == "text" and before.endswith(TREE):
            return "tree"  # test_house.py compares it with the folder
        return (
            "nouns" if self.info == "indented" and self.text.startswith("purchases -> ") else None
        )


def _read(path: Path) -> tuple[list[Block], list[str]]:
    """The blocks of a page, and the code inside its sentences."""
    page, blocks, inline = path.relative_to(ROOT).as_posix(), [], []
    for token in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            info = token.info.strip() if token.type == "fence" else "indented"
            blocks.append(Block(page, token.map[0], info, token.content))
        inline += [each.content for each in token.children or () if each.type == "code_inline"]
    return blocks, inline


FOLDERS = ("docs", "data", "benchmarks", "notebooks")
PAGES = sorted([*ROOT.glob("*.md"), *(p for name in FOLDERS for p in (ROOT / name).rglob("*.md"))])
READ = [_read(path) for path in PAGES]
BLOCKS = [block for blocks, _ in READ for block in blocks]
INLINE = sorted({" ".join(code.split()) for _, inline in READ for code in inline})
README = (ROOT / "README.md").read_text(encoding="utf-8")


def of(runner: str) -> dict[str, list[Block]]:
    """The blocks that somebody runs, by page and in order."""
    found: dict[str, list[Block]] = {}
    for block in BLOCKS:
        if block.runner == runner:
            found.setdefault(block.page, []).append(block)
    return found


def lines(block: Block) -> list[str]:
    """The commands of a console block, without what is said about them."""
    joined = block.text.replace("\\\n", "").splitlines()
    return [said for line in joined if (said := re.sub(r"(^|\s+)# .*$", "", line).strip())]


def test_every_block_has_somebody_who_runs_it() -> None:
    assert [f"{b.page}:{b.line + 1}: {b.info}" for b in BLOCKS if b.runner is None] == []
    assert len(BLOCKS) > 30
    runners = ("python", "console", "airflow", "pyspark", "peer", "page", "tree", "nouns", "site")
    assert all(of(runner) for runner in runners)
    for (_, page), test in ELSEWHERE.items():
        assert Path(page).name in (ROOT / "tests" / test).read_text("utf-8")
    for path in PAGES:
        text = path.read_text("utf-8")
        assert not re.search("<pre|^:::", text, re.MULTILINE), path


@pytest.mark.parametrize("info", ["", "text", "python notest", "bash", "indented", "toml", "sh"])
def test_a_block_that_nobody_runs_is_found(info: str) -> None:
    for page in ("README.md", "CONTRIBUTING.md", "docs/index.md"):
        assert Block(page, 3, info, "ltv forecast orders.csv\n").runner is None


def _readme(page: Any) -> None:
    found = page.model.purchases_.params
    assert found == pytest.approx({"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, abs=1e-3)


def _from_lifetimes(page: Any) -> None:
    assert page.value.customers["future"].sum() == pytest.approx(page.clv.sum(), rel=0.02)
    found = page.model.purchases_.params
    assert found == pytest.approx(dict(page.bgf.params_ / [1, 7, 1, 1]), rel=1e-4)


CHECKS: dict[str, Callable[[Any], None]] = {
    "README.md": _readme,
    "docs/from_lifetimes.md": _from_lifetimes,
}


@pytest.mark.parametrize("page", of("python"))
def test_python_runs_in_order(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)  # dataclasses look their module up
    with warnings.catch_warnings():
        if page == "docs/from_lifetimes.md":  # lifetimes gives them by the dozen
            warnings.simplefilter("ignore")
        for block in of("python")[page]:
            code = "\n" * (block.line + 1) + block.text
            exec(compile(code, page, "exec"), vars(module))
    CHECKS.get(page, bool)(module)


def test_the_nouns_are_names() -> None:
    ((block,),) = of("nouns").values()
    for noun in re.findall(r"\b[A-Z]\w+", block.text):
        assert noun in fc.__all__, noun


NOT_HERE = ("pip install .",)  # test_build.py installs what is built, into an empty environment
COMMAND_LINES = [line for blocks in of("console").values() for b in blocks for line in lines(b)]


def test_commands_on_pages_are_understood() -> None:
    asked = [line for line in COMMAND_LINES + INLINE if re.match(r"ltv \w", line)]
    assert len(asked) > 15
    for line in asked:
        words = shlex.split(line)[1:]
        assert words[0] in COMMANDS, line
        if len(words) > 1:
            with suppress(MissingArgumentError):  # a sentence may leave some out
                app.parse_args(words, exit_on_error=False, print_error=False)
    with pytest.raises(UnknownOptionError):
        app.parse_args(["audit", "orders.csv", "--colour"], exit_on_error=False, print_error=False)


def test_make_on_pages_has_its_targets() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = [line for line in COMMAND_LINES + INLINE if line.startswith("make ")]
    for line in asked:
        assert re.search(rf"^{line.split()[1]}:", makefile, flags=re.MULTILINE), line
    runs = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {line for line in COMMAND_LINES if line.startswith("make ")} <= set(runs)


def shell(line: str, folder: Path) -> str:
    """Run a line as a shell does, and return what it printed."""
    paths = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", line], cwd=folder, env=os.environ | {"PATH": paths, "COLUMNS": "120"},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the files that the pages' commands name; the last order came yesterday."""
    made = fc.simulate_shop(60, days=730, seed=3, refunds=0.02)
    orders = made.orders[["customer_id", "date", "amount", "channel"]]
    late = pd.Timestamp.now().normalize() - pd.Timedelta(days=1) - orders["date"].max()
    orders = orders.assign(date=orders["date"] + late)
    made.spend["date"] += late
    orders.to_csv(tmp_path / "orders.csv", index=False)
    few = orders["customer_id"].isin(orders["customer_id"].unique()[:25])  # most models refuse
    orders[few].to_parquet(tmp_path / "cdnow_full.parquet")
    made.spend.to_csv(tmp_path / "spend.csv", index=False)
    (tmp_path / "scenario.toml").write_text('[scenario]\nname = "a"\nlevers = {retention = 1.2}\n')
    return tmp_path


def briefly(benchmark: str, folder: Path) -> str:
    """A benchmark on one log by one model, in place of the hour that all of them take."""
    named = re.findall(r"--models (\S+)", benchmark)
    assert set(",".join(named).split(",")) <= {"", *fc.MODELS}
    data = os.environ.get("LTV_DATA", "")
    if not data:
        return "true"
    line = benchmark.replace("LTV_DATA=...", f"LTV_DATA={shlex.quote(data)}")
    line = line.replace("benchmarks/", f"{shlex.quote(str(ROOT))}/benchmarks/")
    return f"{line} --logs cdnow --models own_rate --out {shlex.quote(str(folder / 'scores.csv'))}"


@pytest.mark.slow
@pytest.mark.parametrize("page", of("console"))
def test_commands_run(page: str, shop: Path) -> None:
    for line in (line for block in of("console")[page] for line in lines(block)):
        if line in NOT_HERE or line.startswith("make "):
            continue
        if line.startswith("LTV_DATA=... "):
            line = briefly(line, shop)
        for made in (shop / "results").glob("*/_SUCCESS"):  # the day is the log's last
            line = re.sub(r"results/\d{4}-\d\d-\d\d", f"results/{made.parent.name}", line)
        shell(line, shop)


@pytest.mark.slow
def test_commands_in_the_readmes_sentences_run(shop: Path) -> None:
    shutil.copy(shop / "orders.csv", shop / "new.csv")
    asked = re.findall(r"`(ltv forecast [^`]* --out \w+)`", README)
    assert len(asked) == 2  # the second takes the model that the first has saved
    for line in asked:
        shell(line, shop)
    for line in re.findall(r"`(ltv report FOLDER [^`]+)`", README):
        shell(line.replace("FOLDER", "next"), shop)


@pytest.fixture
def job(shop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a small job."""
    monkeypatch.chdir(shop)
    assert _run(["init", "orders.csv"]) == 0
    text = (shop / "job.toml").read_text("utf-8")
    (shop / "job.toml").write_text(text.replace('model = "ensemble"', 'model = "own_rate"'))
    return shop


def test_the_cron_line_runs(job: Path) -> None:
    (found,) = re.findall(r"\*cron\*: `([^`]+)`", README)
    minute, hour, *days, command = found.split(maxsplit=5)
    assert (int(minute) in range(60), int(hour) in range(24), days) == (True, True, ["*"] * 3)
    said = shell(command.replace("/srv/ltv", shlex.quote(str(job))), job)
    assert json.loads(said)["exit_code"] == 0
    assert (job / "run.log").read_text("utf-8").count('"kind": "outcome"') >= 1
    assert list((job / "results").glob("*/_SUCCESS"))


def test_airflows_tasks_run(
    job: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    order: list[Any] = []

    class BashOperator:
        def __init__(self, *, task_id: str, bash_command: str) -> None:
            self.task_id, self.bash_command = task_id, bash_command

        def __rshift__(self, after: Any) -> Any:
            order.extend(each for each in (self, after) if each not in order)
            return after

    ((block,),) = of("airflow").values()
    (path,) = re.findall(r"^from (airflow\S+) import BashOperator$", block.text, re.MULTILINE)
    for end in (match.start() for match in re.finditer(r"\.|$", path)):
        monkeypatch.setitem(sys.modules, path[:end], ModuleType(path[:end]))
    monkeypatch.setattr(sys.modules[path], "BashOperator", BashOperator, raising=False)
    exec(compile(block.text, block.page, "exec"), {})
    assert [task.task_id for task in order] == ["run", "monitor"]
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))  # the paths are whole
    for task in order:
        program, *words = shlex.split(task.bash_command.replace("/srv/ltv", str(job)))
        assert program == "ltv"
        assert not set(task.bash_command) & set("|&;<>()$`*?!~#\\")  # nothing for the shell to do
        assert _run(words) == 0, task.bash_command
    assert list((job / "results").glob("*/_SUCCESS"))


@pytest.mark.slow
@pytest.mark.spark
def test_the_spark_script_is_submitted_and_scores(tmp_path: Path) -> None:
    """With its own command, less the archive of an environment, which is this one."""
    if not shutil.which("java") and os.environ.get("CI") != "true":
        pytest.skip("no Java")
    ((block,),) = of("pyspark").values()
    comment = " ".join(re.findall(r"^# ?(.+)$", block.text, re.MULTILINE)).replace("\\", "")
    command = comment.replace("--archives env.tar.gz#env", "--master local[1]")
    command = command.replace("./env/bin/python", shlex.quote(sys.executable))
    assert (command.split()[0], command.split()[-1]) == ("spark-submit", "score.py")
    (tmp_path / "score.py").write_text(block.text.replace("s3a://shop", tmp_path.as_uri()))
    orders = fc.simulate_shop(60, days=500, seed=3, refunds=0.02).orders
    orders = orders.assign(date=orders["date"].dt.date)
    orders.to_parquet(tmp_path / "orders")
    quiet = "spark-submit --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=1 "
    shell(f"export SPARK_LOCAL_IP=127.0.0.1; {command.replace('spark-submit ', quiet)}", tmp_path)
    scores = pd.read_parquet(tmp_path / "scores").set_index("customer_id").sort_index()
    model = fc.BTYD("mbgnbd", "gamma_gamma_all").fit(fc.read_ledger(orders, key=()))
    expected = model.forecast("26W", draws=0).customers
    assert scores.index.tolist() == expected.index.tolist()
    for name in ("expected_purchases", "expected_value"):
        assert scores[name].to_numpy() == pytest.approx(expected[name].to_numpy(), rel=1e-6)
    assert (scores["value_hi_90"] >= scores["value_lo_90"]).all()
