"""What only some systems have is named here, with why it does no harm on the others."""

import ast
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "forecast"
SOURCES = sorted(PACKAGE.rglob("*.py"))

POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = {  # of os, signal and socket
    "AF_UNIX", "O_DIRECTORY", "O_NOFOLLOW", "SIGALRM", "SIGHUP", "SIGKILL", "chown", "fchmod",
    "fork", "forkpty", "getegid", "geteuid", "getgid", "getloadavg", "getpgid", "getuid", "kill",
    "killpg", "mkfifo", "nice", "sched_getaffinity", "setsid", "statvfs", "sysconf", "uname",
}  # fmt: skip
RESERVED = {"CON", "PRN", "AUX", "NUL"} | {
    f"{each}{n}" for each in ("COM", "LPT") for n in range(10)
}
ALLOWED = {  # file -> name -> why it does no harm elsewhere
    "backtest/holding.py": {"fcntl": "caught: without it nothing is held"},
    "cli/installation.py": {
        "sched_getaffinity": "asked for by hasattr",
        "sysconf": "caught: memory is unknown",
    },
    "jobs/running/lock.py": {
        "fcntl": "Windows has msvcrt",
        "kill": "Windows asks its kernel",
    },
    "jobs/running/run.py": {"resource": "Windows does not tell"},
    "jobs/running/stages.py": {"kill": "tests' faults alone", "SIGKILL": "tests' faults alone"},
    "ledger/connection.py": {"sysconf": "caught: a fixed limit instead"},
}


def posix_only(tree: ast.AST) -> set[str]:
    """Return the names in code that Windows has not."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & POSIX_MODULES
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module} & POSIX_MODULES
            if node.module in ("os", "signal", "socket"):
                found |= {alias.name for alias in node.names} & POSIX_NAMES
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in (
            "os", "signal", "socket",
        ):  # fmt: skip
            found |= {node.attr} & POSIX_NAMES
    return found


def test_what_windows_lacks_stands_in_known_places() -> None:
    for path in SOURCES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        known = ALLOWED.get(path.relative_to(PACKAGE).as_posix(), {})
        assert posix_only(tree) == set(known), path
        at_import = ast.Module([node for node in tree.body if isinstance(node, ast.Import)], [])
        assert not posix_only(at_import), f"{path}: import it where it is used"


def test_the_search_finds_what_it_is_for() -> None:
    code = "import resource\nfrom os import fork\nimport os\nos.kill(1, 9)\nos.path.join('a')"
    assert posix_only(ast.parse(code)) == {"resource", "fork", "kill"}


def nameless_encodings(tree: ast.AST) -> list[int]:
    """Return the lines that open text without naming its encoding."""
    lines = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or "encoding" in {word.arg for word in node.keywords}:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        owner = getattr(getattr(node.func, "value", None), "id", "")
        modes = [each.value for each in node.args if isinstance(each, ast.Constant)]
        text = any(isinstance(each, str) and set(each) <= set("rwxa+t") for each in modes)
        opens = name in ("open", "fdopen") and text
        if opens or (name == "read_text" and owner and not node.args):
            lines.append(node.lineno)
        if name == "write_text" and owner and len(node.args) == 1:
            lines.append(node.lineno)
    return lines


def test_text_files_name_their_encoding() -> None:
    """Windows would take that of the country otherwise."""
    assert nameless_encodings(ast.parse("open('x', 'w')\np.read_text()\np.open('rb')")) == [1, 2]
    for path in SOURCES:
        assert not nameless_encodings(ast.parse(path.read_text(encoding="utf-8"))), path


def test_names_of_results_can_be_kept_on_windows() -> None:
    """No colon, no reserved name, no dot at the end, and none that differ in case alone."""
    from datetime import date

    from forecast.backtest.folder import Folder
    from forecast.calendar import Horizon

    models = ("a:b", "CON", "nul.x", "A", "a", "x. ", 'q"<>|?*', "ü", "..", "a/b\\c")
    folder = Folder(Path("out"), models)
    paths = [
        folder.forecasts(date(2024, 1, 1), Horizon.parse("26W"), model, "existing")
        for model in models
    ]
    assert len({str(path).lower() for path in paths}) == len(models)
    for path in paths:
        for part in path.parts:
            assert not set(part) & set('<>:"/\\|?*'), part
            assert part == part.rstrip(". "), part
            assert part.partition(".")[0].upper() not in RESERVED, part
