"""What ``ltv doctor`` looks at: the installation and the machine, never the user's data."""

import locale
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

__all__ = ["Finding", "findings"]

_DISTRIBUTION = "ltv-forecast"
_MODULES = {"scikit-learn": "sklearn"}  # elsewhere a package has the name of its module
_LEAST_JAVA, _LEAST_GIGABYTES = 17, 1.0


@dataclass(frozen=True)
class Finding:
    """One thing looked at.

    Attributes
    ----------
    state : {"ok", "note", "problem"}
        A note costs comfort or an extra; a problem stops work.
    what : str
        What was looked at.
    found : str
        What is there: versions and sizes, no paths, names or values of the environment.
    remedy : str
        What to do about it; empty where nothing is to be done.
    """

    state: Literal["ok", "note", "problem"]
    what: str
    found: str
    remedy: str = ""


def findings() -> Iterator[Finding]:
    """Look at everything, the quick things first."""
    bits = platform.architecture()[0]
    python = f"{platform.python_version()}, {platform.system()} {platform.machine()}, {bits}"
    yield Finding("ok", "Python", python)
    known = [Requirement(text) for text in metadata.requires(_DISTRIBUTION) or ()]
    known = [each for each in known if each.marker is None or _for_here(each)]
    for each in known:
        if each.marker is None or "extra" not in str(each.marker):
            yield _package(each)
    for each in known:
        if each.marker is not None and "extra" in str(each.marker):
            yield _extra(each)
    if _version("pyspark"):
        yield _java()
    yield _processors()
    yield _memory()
    yield _folder("temporary files", tempfile.gettempdir(), "TMPDIR names another place for them.")
    yield _folder("this folder", os.curdir, "Write elsewhere: --out.")
    yield _encoding()
    yield _time_zones()
    yield _trial()


def _for_here(asked: Requirement) -> bool:
    """Whether a requirement with a condition is meant for this machine, extras included."""
    marker = str(asked.marker)
    extra = re.search(r'extra == "([\w-]+)"', marker)
    return asked.marker is not None and asked.marker.evaluate({"extra": extra[1] if extra else ""})


def _package(asked: Requirement) -> Finding:
    """Look at a package that everything needs: there, new enough, and it loads."""
    version = _version(asked.name)
    again = f'pip install --upgrade "{asked.name}{asked.specifier}"'
    if version is None:
        return Finding("problem", asked.name, "is not installed", again)
    if not asked.specifier.contains(version, prereleases=True):
        return Finding("problem", asked.name, f"{version}, needed {asked.specifier}", again)
    try:
        import_module(_MODULES.get(asked.name, asked.name.replace("-", "_")))
    except Exception as error:  # whatever a broken build may raise
        found = f"{version} does not load ({type(error).__name__})"
        return Finding("problem", asked.name, found, f"pip install --force-reinstall {asked.name}")
    return Finding("ok", asked.name, version)


def _extra(asked: Requirement) -> Finding:
    """Look at a package that one extra needs; it may be missing, but not too old."""
    name = re.findall(r'extra == "([\w-]+)"', str(asked.marker))[0]
    version, get = _version(asked.name), f'pip install "{_DISTRIBUTION}[{name}]"'
    if version is None:
        return Finding("note", f"extra {name}", f"{asked.name} is not installed", get)
    if not asked.specifier.contains(version, prereleases=True):
        found = f"{asked.name} {version}, needed {asked.specifier}"
        return Finding("note", f"extra {name}", found, get)
    return Finding("ok", f"extra {name}", f"{asked.name} {version}")


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _java() -> Finding:
    """Java, which Spark runs on."""
    home = os.environ.get("JAVA_HOME")
    program = shutil.which("java", path=str(Path(home) / "bin") if home else None)
    get = f"Install Java {_LEAST_JAVA} or newer; JAVA_HOME names its folder."
    if program is None:
        return Finding("note", "Java", "is not found; the extra spark needs it", get)
    try:
        told = subprocess.run(
            [program, "-version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return Finding("note", "Java", "does not start; the extra spark needs it", get)
    number = re.search(r'version "(?:1\.)?(\d+)[\w.+-]*', told.stderr + told.stdout)
    if number is None:
        return Finding("note", "Java", "does not tell its version", get)
    if int(number[1]) < _LEAST_JAVA:
        return Finding("note", "Java", f"{number[1]}; the extra spark needs {_LEAST_JAVA}", get)
    return Finding("ok", "Java", number[1])


def _processors() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    limit = os.environ.get("OMP_NUM_THREADS", "")
    told = f"; OMP_NUM_THREADS is {limit}" if limit.isdigit() else ""
    return Finding("ok", "processors", f"{usable or 'unknown'}{told}")


def _memory() -> Finding:
    try:
        page = os.sysconf("SC_PAGE_SIZE") / 1e9
        whole, free = (page * os.sysconf(f"SC_{kind}PHYS_PAGES") for kind in ("", "AV"))
    except (AttributeError, OSError, ValueError):  # Windows; macOS does not tell what is free
        return Finding("ok", "memory", "unknown on this system")
    found = f"{whole:.1f} GB, {free:.1f} GB unused"
    if whole < _LEAST_GIGABYTES:
        return Finding("note", "memory", found, "Lower --draws, and read fewer columns.")
    return Finding("ok", "memory", found)


def _folder(what: str, folder: str, remedy: str) -> Finding:
    """Whether a folder can be written, and how much it takes."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"written")
        free = shutil.disk_usage(folder).free / 1e9
    except OSError as error:
        return Finding("problem", what, f"cannot be written ({error.strerror or error})", remedy)
    found = f"can be written, {free:.1f} GB free"
    return Finding("ok" if free >= _LEAST_GIGABYTES else "note", what, found,
                   "" if free >= _LEAST_GIGABYTES else remedy)  # fmt: skip


def _encoding() -> Finding:
    """Letters beyond ASCII: of the screen, of files that others open, and of file names."""
    names = {
        "screen": getattr(sys.stdout, "encoding", None) or "unknown",
        "text": locale.getpreferredencoding(False),
        "file names": sys.getfilesystemencoding(),
    }
    found = ", ".join(f"{what} {name.lower()}" for what, name in names.items())
    if all(name.lower().replace("-", "") == "utf8" for name in names.values()):
        return Finding("ok", "encoding", found)
    return Finding("note", "encoding", found, "PYTHONUTF8=1 makes them UTF-8.")


def _time_zones() -> Finding:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo("Europe/London")
    except Exception:  # none that is documented covers a damaged database
        return Finding("note", "time zones", "are not known here", "pip install tzdata")
    return Finding("ok", "time zones", "known")


def _trial() -> Finding:
    """Forecast a simulated shop: whether the parts work together."""
    begun = time.perf_counter()
    try:
        import forecast as fc

        orders = fc.simulate_shop(60, days=400, seed=1).orders
        found = fc.BTYD().fit(fc.read_ledger(orders, key=())).forecast("8W", draws=50)
        total = float(found.periods["expected_purchases"].sum())
    except Exception as error:  # the doctor reports every illness
        told = f"failed: {type(error).__name__}: {error}"
        return Finding("problem", "trial forecast", told, "Mend what stands above; else report it.")
    seconds = time.perf_counter() - begun
    return Finding("ok", "trial forecast", f"{total:.0f} purchases expected, {seconds:.1f} s")
