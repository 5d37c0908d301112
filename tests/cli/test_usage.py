"""Help, wrong words, exit codes, and what goes to which stream."""

import errno
import os
import re
import resource
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.errors import DataWarning, ForecastError, ModelError

Run = Callable[..., Any]
COMMANDS = [
    "audit", "forecast", "backtest", "value", "segments", "scenario", "report", "init", "run",
    "verify", "monitor", "doctor",
]  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example_and_explains_every_option(command: str, ltv: Run) -> None:
    ended = ltv(command, "--help")
    assert ended.code == 0
    assert re.search(rf"Example: ltv {command}\s", ended.out)
    assert ended.err == ""
    options = [line for line in ended.out.splitlines() if re.match(r"│ [* ]*--", line)]
    unexplained = [line for line in options if not re.search(r"--\S+.*  +\S", line)]
    assert not unexplained
    assert len(options) > 5 or command in ("report", "verify", "doctor")


def test_help_of_the_whole_names_every_command(ltv: Run) -> None:
    ended = ltv("--help")
    assert ended.code == 0
    assert "Example: ltv " in ended.out
    for command in COMMANDS:
        assert f"│ {command} " in ended.out


def test_examples_of_the_help_are_commands_that_exist(ltv: Run, tmp_path: Path) -> None:
    for command in COMMANDS[:-1]:  # the doctor reads no file
        # an example may be wrapped: it ends with an empty line
        shown = re.search(r"Example: ltv (.*?)\n *\n", ltv(command, "--help").out, re.DOTALL)
        assert shown
        words = shown[1].split()
        # the file is missing, so the command is understood and ends with 6, or 2 for a folder
        words[1] = str(tmp_path / "missing.csv")
        words = [str(tmp_path / each) if words[at - 1] == "--out" else each
                 for at, each in enumerate(words)]  # fmt: skip
        ended = ltv(*words)
        assert ended.code == (2 if command == "report" else 6)
        assert re.search(r"missing\.csv|spend\.csv|scenario\.toml", ended.err)


def test_no_arguments_says_what_to_try(ltv: Run) -> None:
    ended = ltv()
    assert ended.code == 0
    for command in ("audit", "backtest", "forecast"):
        assert f"ltv {command}" in ended.out
    assert ended.err == ""


def test_version(ltv: Run) -> None:
    assert re.fullmatch(r"ltv-forecast \d+\.\d+\.\d+\n", ltv("--version").out)


ROAD = ("forecast", "{shop}", "--horizon", "8W", "--out", "{out}")
TEST = ("backtest", "{shop}", "--horizon", "8W", "--origins", "2", "--out", "{out}")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("forcast", "x"), "Did you mean 'forecast'?"),
        (("--frobnicate",), "--frobnicate"),
        (("audit",), "FILE"),
        (("audit", "{shop}", "more"), "'more'"),
        (("audit", "{shop}", "--bogus", "1"), "--bogus"),
        (("audit", "{shop}", "--returns", "maybe"), "--returns"),
        (("audit", "{shop}", "--max-bad-rows", "-1"), "--max-bad-rows: -1"),
        (("audit", "{shop}", "--max-bad-rows", "x"), "--max-bad-rows"),
        (("audit", "{shop}", "--delimiter", "ab"), "--delimiter: 'ab'"),
        (("audit", "{shop}", "--timezone", "Mars/North"), "--timezone"),
        (("audit", "{shop}", "--as-of", "today"), "--as-of: 'today'"),
        (("audit", "{shop}", "--customer"), "--customer requires"),
        (("audit",), "FILE is missing, e.g. ltv audit orders.csv"),
        (("forecast", "{shop}", "--horizon", "8W"), "--out is missing, e.g. --out forecast. See"),
        (("forecast", "{shop}", "--out={out}"), "--horizon is missing, e.g. --horizon 26W. See"),
        (("forecast", "{shop}"), "--horizon and --out are missing, e.g. --horizon 26W --out f"),
        (("segments", "--horizon"), "--horizon requires"),
        ((*ROAD[:2], "--horizn", *ROAD[3:]), "Did you mean --horizon by '--horizn'?"),
        (("value", "--by", "x"), "FILE, --spend, --margin and --out are missing, e.g. ltv value"),
        (("report",), "FOLDER is missing"),
        ((*ROAD[:3], "26", *ROAD[4:]), "--horizon: '26'"),
        ((*ROAD[:3], "-8W", *ROAD[4:]), "--horizon requires"),
        ((*ROAD[:3], "0W", *ROAD[4:]), "--horizon: '0W'"),
        ((*ROAD[:3], "nan", *ROAD[4:]), "--horizon: 'nan'"),
        ((*ROAD[:3], "9999Y", *ROAD[4:]), "beyond the calendar"),
        ((*ROAD[:3], "2001-01-01", *ROAD[4:]), "not after the cutoff"),
        ((*ROAD, "--model", "oracle"), "No model 'oracle'. Models: 'bgnbd'"),
        ((*ROAD, "--model", "bytd"), "No model 'bytd'. Did you mean 'btyd'? Models: "),
        ((*ROAD, "--draws", "1"), "--draws: 1"),
        ((*ROAD, "--draws", "-1"), "--draws: -1"),
        ((*ROAD, "--draws", "many"), "--draws"),
        ((*ROAD, "--seed", "-1"), "--seed: -1"),
        ((*ROAD, "--every", "7"), "--every: '7'"),
        ((*ROAD, "--every", "2030-01-01"), "--every"),
        ((*ROAD, "--cutoff", "03/02/2022"), "--cutoff: '03/02/2022'"),
        ((*ROAD, "--backtest", "{out}"), "not a folder made by ltv backtest"),
        ((*TEST, "--models", "btyd", "oracle"), "No model 'oracle'"),
        ((*TEST, "--origins", "0"), "--origins"),
        ((*TEST, "--step", "13"), "--step: '13'"),
        ((*TEST[:3], "2030-01-01", *TEST[4:]), "--horizon: 2030-01-01 is a date"),
        (("report", "{out}"), "not a folder made by ltv"),
        (("report", "{here}"), "not a folder made by ltv"),
        ((*ROAD[:-1], "."), "folder you are in"),
        ((*ROAD[:-1], "{here}/.."), "folder you are in"),
    ],
)
def test_wrong_words_end_with_2(
    words: tuple[str, ...],
    said: str,
    ltv: Run,
    shop: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = ltv(*(each.format(shop=shop, out=tmp_path / "out", here=tmp_path) for each in words))
    assert ended.code == 2, ended.err
    assert said in ended.err
    assert ended.err.startswith("error: ")
    assert ended.err.count("\n") == 1
    assert ended.out == ""
    assert list(tmp_path.iterdir()) == []


def test_results_inside_the_folder_that_is_read_are_refused(
    ltv: Run, shop: Path, tmp_path: Path
) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    shutil.copy(shop, logs)
    ended = ltv("forecast", logs, "--horizon", "8W", "--out", logs / "out")
    assert ended.code == 2
    assert "inside" in ended.err
    assert [path.name for path in logs.iterdir()] == ["orders.csv"]


def test_too_many_origins_end_with_3_and_say_how_many_fit(
    ltv: Run, shop: Path, tmp_path: Path
) -> None:
    ended = ltv("backtest", shop, "--horizon", "8W", "--origins", 99, "--out", tmp_path / "out")
    assert ended.code == 3
    assert re.search(r"Ask for --origins \d", ended.err)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_page")
def test_models_that_all_fail_end_with_4(
    ltv: Run, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from forecast.models import OwnRate

    def refuse(*_: Any, **__: Any) -> None:
        raise ModelError("No number to believe.")

    monkeypatch.setattr(OwnRate, "fit", refuse)
    test = ("backtest", shop, "--horizon", "8W", "--origins", "1", "--draws", 0, "--models")
    ended = ltv(*test, "own_rate", "--out", tmp_path / "out")
    assert ended.code == 4
    assert "No number to believe." in ended.err
    assert list(tmp_path.iterdir()) == []
    road = ("forecast", shop, "--horizon", "8W", "--model", "own_rate", "--out", tmp_path / "out")
    assert ltv(*road).code == 4
    assert list(tmp_path.iterdir()) == []
    # one that can is enough, and the other is named
    ended = ltv(*test, "own_rate", "btyd", "--out", tmp_path / "out")
    assert ended.code == 0
    assert "note: own_rate failed at 1 of 1 origins: No number to believe." in ended.err


class TestPlaces:
    """Where results go: exit codes 5 and 6."""

    road = ("--horizon", "8W", "--draws", 0, "--model", "own_rate", "--out")

    def test_existing_folder(self, ltv: Run, shop: Path, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("mine")
        for more in ((), ("--overwrite",)):
            ended = ltv("forecast", shop, *self.road, tmp_path, *more)
            assert ended.code == 5
            assert "'mine.txt'" in ended.err
            assert "--overwrite" not in ended.err
        assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]

    def test_overwrite_replaces_only_what_ltv_wrote(
        self, ltv: Run, shop: Path, tmp_path: Path
    ) -> None:
        out = tmp_path / "out"
        assert ltv("forecast", shop, *self.road, out).code == 0
        ended = ltv("forecast", shop, *self.road, out)
        assert ended.code == 5
        assert "--overwrite it" in ended.err
        first = (out / "manifest.json").stat().st_ino
        assert ltv("forecast", shop, *self.road, out, "--overwrite").code == 0
        assert (out / "manifest.json").stat().st_ino != first
        (out / "notes.txt").write_text("mine")
        ended = ltv("forecast", shop, *self.road, out, "--overwrite")
        assert ended.code == 5
        assert "'notes.txt'" in ended.err
        assert (out / "notes.txt").read_text() == "mine"
        assert [path.name for path in tmp_path.iterdir()] == ["out"]

    def test_empty_folder_is_filled(self, ltv: Run, shop: Path, tmp_path: Path) -> None:
        (tmp_path / "out").mkdir()
        assert ltv("forecast", shop, *self.road, tmp_path / "out").code == 0

    def test_file_in_the_way(self, ltv: Run, shop: Path, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("mine")
        assert ltv("forecast", shop, *self.road, tmp_path / "file").code == 5
        assert ltv("forecast", shop, *self.road, tmp_path / "file", "--overwrite").code == 5
        assert ltv("forecast", shop, *self.road, tmp_path / "file" / "out").code == 6
        assert (tmp_path / "file").read_text() == "mine"

    def test_no_permission(
        self, ltv: Run, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(os, "access", lambda *_: False)  # root may write everywhere
        ended = ltv("forecast", shop, *self.road, tmp_path / "deep" / "out")
        assert ended.code == 6
        assert f"no permission to write in {tmp_path}" in ended.err
        assert list(tmp_path.iterdir()) == []

    def test_place_that_the_system_refuses(self, ltv: Run, shop: Path) -> None:
        ended = ltv("forecast", shop, *self.road, "/proc/ltv/out")
        assert ended.code == 6
        assert "/proc/ltv/out cannot be written" in ended.err

    def test_disk_full(
        self, ltv: Run, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        usual = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, usual[1]))
        try:
            ended = ltv("forecast", shop, *self.road, "deep/out")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
        err = ended.err
        assert ended.code == 6, err
        assert err.count("\n") == 1
        assert "deep/out" in err
        assert "File too large" in err
        assert ".part" not in err
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ZeroDivisionError("a surprise"), 1, "Internal error; please report it"),
        (ForecastError("no home"), 1, "no home"),
        (MemoryError(), 6, "Out of memory"),
        (OSError(errno.EIO, "Input/output error", "disk"), 6, "disk: Input/output error."),
        (KeyboardInterrupt(), 130, "Stopped"),
    ],
)
def test_trouble_inside_is_one_sentence(
    error: BaseException, code: int, said: str, ltv: Run, shop: Path, monkeypatch: Any
) -> None:
    import forecast.ledger

    def fail(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr(forecast.ledger, "read_ledger", fail)
    ended = ltv("audit", shop)
    assert ended.code == code
    assert ended.err.startswith("error: ")
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert ended.out == ""


def test_warnings_are_sentences_on_standard_error(
    ltv: Run, tmp_path: Path, shop: Path, monkeypatch: Any
) -> None:
    rows = shop.read_text().splitlines()
    (tmp_path / "log.csv").write_text("\n".join([*rows, rows[-1]]) + "\n")
    ended = ltv("audit", tmp_path / "log.csv")
    assert ended.code == 0
    assert ended.err.startswith("warning: 1 ")
    assert "--key COLUMN" in ended.err
    assert ended.err.count("\n") == 1
    assert "Warning" not in ended.err
    assert "Audit" in ended.out
    assert ltv("audit", tmp_path / "log.csv", "--no-key").err == ""
    assert ltv("audit", tmp_path / "log.csv", "--key", "order_id").err == ""

    import forecast.ledger

    read = forecast.ledger.read_ledger

    def loud(*given: Any, **named: Any) -> Any:
        warnings.warn("[bold]not markup[/bold] \x1b[2J", DataWarning, stacklevel=1)
        warnings.warn("of another package", RuntimeWarning, stacklevel=1)
        return read(*given, **named)

    monkeypatch.setattr(forecast.ledger, "read_ledger", loud)
    assert ltv("audit", shop).err == "warning: [bold]not markup[/bold] \\x1b[2J\n"


def test_horizon_longer_than_the_log_is_warned_about(ltv: Run, shop: Path, tmp_path: Path) -> None:
    road = ("--model", "own_rate", "--draws", 0, "--out", tmp_path / "out")
    ended = ltv("forecast", shop, "--horizon", "3Y", *road)
    assert ended.code == 0
    assert "warning: The horizon of 3Y is 1,09" in ended.err


def test_a_pipe_gets_results_alone_and_no_control_signs(
    program: Run, shop: Path, tmp_path: Path
) -> None:
    test = ("backtest", shop, "--horizon", "8W", "--origins", "1", "--draws", "0", "--models")
    ended = program(*test, "own_rate", "--out", "bt", env={"LC_ALL": "C", "PYTHONUTF8": "0"})
    out, err = ended.communicate(timeout=60)
    assert ended.returncode == 0
    assert err == ""
    assert "own_rate" in out
    assert out.endswith("Report: bt/report.html\n")
    assert not re.search(r"[^\n -~\u2500-\u257f]", out)


@pytest.mark.parametrize("colour", [True, False])
def test_no_color_is_respected(colour: bool, program: Run, tmp_path: Path) -> None:
    env = {"FORCE_COLOR": "1", "TERM": "xterm-256color"} | ({} if colour else {"NO_COLOR": "1"})
    _, err = program("audit", "none.csv", env=env).communicate(timeout=60)
    assert ("\x1b[1;31m" in err) == colour
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", err) or colour


def test_a_reader_that_leaves_early_is_no_trouble(program: Run, shop: Path) -> None:
    ended = program("audit", shop)
    assert ended.stdout is not None
    ended.stdout.close()
    with ended:
        assert ended.stderr is not None
        assert ended.stderr.read() == ""
    assert ended.returncode == 141
