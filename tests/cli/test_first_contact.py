"""What somebody meets first: a quick start, completion, the doctor, colours and width."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from forecast.cli import installation
from forecast.cli.app import COMMANDS, app
from forecast.cli.installation import Finding

Run = Callable[..., Any]
PROCESSOR_SECONDS = 3  # of a second on a quiet machine; imports alone take .25


def told(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ltv with a pipe for a screen."""
    return subprocess.run(
        [str(Path(sys.executable).parent / "ltv"), *words],
        capture_output=True, text=True, encoding="utf-8", check=False,
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"} | environment,
    )  # fmt: skip


class TestQuickStart:
    def test_help_needs_neither_pandas_nor_numpy(self) -> None:
        code = (
            "import sys, time, forecast.cli as cli;"
            "cli._run(['--help']); cli._run([]);"
            "heavy = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'duckdb', 'scipy'};"
            "assert not heavy & set(sys.modules), heavy & set(sys.modules);"
            f"assert time.process_time() < {PROCESSOR_SECONDS}"
        )
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

    def test_import_takes_under_a_second_of_the_processor(self) -> None:
        code = "import time, forecast; assert time.process_time() < 1"
        subprocess.run([sys.executable, "-c", code], check=True)

    def test_no_arguments_name_three_commands_in_order(self, ltv: Run) -> None:
        shown = re.findall(r"^  ltv (\w+) ", ltv().out, flags=re.MULTILINE)
        assert shown == ["audit", "backtest", "forecast"]


class TestCompletion:
    @pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
    def test_script_knows_every_command_and_options(
        self, shell: str, ltv: Run, tmp_path: Path
    ) -> None:
        place = tmp_path / "script"
        ended = ltv("--install-completion", "--shell", shell, "--output", place)
        assert ended.code == 0
        assert str(place) in ended.out.replace("\n", "")
        script = place.read_text(encoding="utf-8")
        for word in (*COMMANDS, "horizon", "max-bad-rows"):
            assert re.search(rf"\b{word}\b", script), word

    def test_bash_completes(self, tmp_path: Path) -> None:
        script = tmp_path / "ltv"
        app.install_completion(shell="bash", output=script, add_to_startup=False)
        ask = (
            f"source {script}; COMP_WORDS=(ltv fore); COMP_CWORD=1; _ltv; echo ${{COMPREPLY[@]}};"
            "COMP_WORDS=(ltv forecast --hor); COMP_CWORD=2; _ltv; echo ${COMPREPLY[@]}"
        )
        done = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True)
        assert done.stdout.split() == ["forecast", "--horizon"]

    def test_startup_file_gets_one_line_however_often(self, tmp_path: Path) -> None:
        (tmp_path / ".bashrc").write_text("alias mine=ls\n", encoding="utf-8")
        for _ in range(2):
            done = told("--install-completion", "--shell", "bash", HOME=str(tmp_path))
            assert done.returncode == 0, done.stderr
        lines = (tmp_path / ".bashrc").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "alias mine=ls"
        assert len([line for line in lines if "completions/ltv" in line]) == 1

    def test_unknown_shell_is_a_question_of_usage(
        self, ltv: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import cyclopts.completion.detect as detect

        def unknown() -> None:
            raise detect.ShellDetectionError

        monkeypatch.setattr(detect, "detect_shell", unknown)
        ended = ltv("--install-completion")
        assert ended.code == 2
        assert "--shell" in ended.err


class TestDoctor:
    def test_this_installation_is_well_and_keeps_secrets(
        self, ltv: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name, value in {"LTV_SECRET": "hunter2", "USER": "somebody"}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        done = ltv("doctor")
        assert done.code == 0, done.out + done.err
        assert "Ready." in done.out
        for word in ("pandas", "extra spark", "memory", "temporary files", "trial forecast"):
            assert word in done.out
        for secret in ("hunter2", "somebody", str(Path.home()), str(tmp_path), "/tmp"):
            assert secret not in done.out
        assert "\x1b" not in done.out
        assert max(map(len, done.out.splitlines())) <= 120

    @pytest.mark.parametrize(("state", "code"), [("ok", 0), ("note", 0), ("problem", 1)])
    def test_only_problems_fail(
        self, state: Any, code: int, ltv: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        found = [Finding(state, "thing", "is [red] \x1b[2J", "Mend it." * (state != "ok"))]
        monkeypatch.setattr(installation, "findings", lambda: iter(found))
        ended = ltv("doctor")
        assert ended.code == code
        assert r"is [red] \x1b[2J" in ended.out  # neither markup nor control signs get through
        assert ("Ready." in ended.out) == (code == 0)

    def test_missing_and_old_packages_are_named_with_a_remedy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = ["pandas>=99", "numpy", "gone>=1", 'lost>=2; extra == "new"', 'x; os_name == "no"']
        monkeypatch.setattr(installation.metadata, "requires", lambda _: asked)
        found = {each.what: each for each in installation.findings()}
        assert found["pandas"].state == found["gone"].state == "problem"
        assert 'pip install --upgrade "pandas>=99"' in found["pandas"].remedy
        assert found["numpy"].state == "ok"
        assert found["extra new"].state == "note"
        assert found["extra new"].remedy == 'pip install "ltv-forecast[new]"'
        assert "x" not in found

    def test_package_that_does_not_load(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "broken.py").write_text("raise OSError('a library is missing')")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(installation.metadata, "version", lambda _: "1.0")
        found = installation._package(installation.Requirement("broken>=1"))
        assert found.state == "problem"
        assert "OSError" in found.found

    @pytest.mark.parametrize(
        ("says", "state"),
        [
            ('openjdk version "17.0.9" 2023-10-17', "ok"),
            ('openjdk version "21" 2023-09-19', "ok"),
            ('java version "1.8.0_381"', "note"),
            ("nonsense", "note"),
        ],
    )
    def test_java(self, says: str, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(installation.shutil, "which", lambda *_, **__: "java")
        monkeypatch.setattr(
            installation.subprocess, "run", lambda *_, **__: SimpleNamespace(stderr=says, stdout="")
        )
        assert installation._java().state == state

    def test_no_java(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        assert installation._java().state == "note"

    def test_folder_that_cannot_be_written(self, tmp_path: Path) -> None:
        found = installation._folder("this folder", str(tmp_path / "missing"), "Go elsewhere.")
        assert (found.state, found.remedy) == ("problem", "Go elsewhere.")
        assert str(tmp_path) not in found.found


class TestColoursAndWidth:
    def test_a_pipe_gets_plain_text(self) -> None:
        for words in ((), ("--help",), ("audit", "--help"), ("forcast",)):
            done = told(*words)
            assert "\x1b" not in done.stdout + done.stderr, words

    @pytest.mark.parametrize("width", [40, 80])
    def test_help_keeps_to_the_width(self, width: int) -> None:
        shown = told("forecast", "--help", COLUMNS=str(width)).stdout
        assert max(map(len, shown.splitlines())) <= width
        assert "--horizon" in shown

    def test_tables_are_whole_at_80_columns(self, shop: Path) -> None:
        shown = told("audit", str(shop), COLUMNS="80").stdout
        assert max(map(len, shown.splitlines())) <= 80
        assert "…" not in shown
