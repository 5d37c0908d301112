"""Which files a path names, and each of them as Parquet or as plain UTF-8 CSV with a known header.

Gzip and other encodings are unpacked here, in Python, which checks what it unpacks: DuckDB reads
past a wrong checksum, and past a last line that is too long for it.
"""

import codecs
import csv
import difflib
import glob
import gzip
import os
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from forecast.errors import ColumnError, DataError, FileError, UsageError, listed

__all__ = [
    "SUFFIXES",
    "check_text_options",
    "files_of",
    "header_of",
    "kind_of",
    "plain_text",
    "refuse_doubles",
    "refuse_many_columns",
]

SUFFIXES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".txt.gz", ".parquet")
MOST_FILES = 50_000
MOST_COLUMNS = 10_000
MOST_RATIO, _SMALL = 250, 1 << 26  # of unpacked to packed; what is small may be anything
_CHUNK = 1 << 20
_FOREIGN = {
    b"PK\x03\x04": "a spreadsheet or zip archive",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ": "compressed with xz",
    b"PAR1": "Parquet, compressed as a whole",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"ARROW1": "an Arrow file",
    b"<": "a web page or XML",
    b"{": "JSON",
    b"[": "JSON",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
}


def files_of(text: str) -> list[Path]:
    """Return the files that a path, a folder or a glob names, in order of their names.

    Names that begin with a dot or an underscore are left out of folders, as Spark and Hive do.

    Raises
    ------
    FileError
        If there is none, or more than 50,000.
    UsageError
        If the path is empty or a web address.
    """
    found = _found(text)
    if len(found) > MOST_FILES:
        raise FileError(
            f"{text}: {len(found):,} files, where {MOST_FILES:,} are the most that are read "
            "together. Write them into fewer."
        )
    return found


def _found(text: str) -> list[Path]:
    if not text.strip():
        raise UsageError("source: the path is empty.")
    if "://" in text:
        raise UsageError(
            f"source: {text!r} is an address; download the file and give its path, or let a job "
            "read it: ltv run."
        )
    path = Path(text).expanduser()
    try:
        if path.is_dir():
            if found := _inside(path):
                return found
            raise FileError(f"{path}: the folder holds no file named {', '.join(SUFFIXES)}.")
        if path.exists():
            return [path]
        matches = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(text) else []
        found = [each for match in matches for each in _matched(Path(match))]
        if found:
            return list(dict.fromkeys(found))
        if glob.has_magic(text):
            raise FileError(f"{text}: no file matches.")
        folder = sorted(os.listdir(path.parent)) if path.parent.is_dir() else []
    except OSError as error:
        raise FileError(f"{text[:200]}: cannot be opened ({error.strerror}).") from None
    if path.name in folder:
        raise FileError(f"{text}: a link that leads nowhere.")
    near = difflib.get_close_matches(path.name, folder)
    hint = f" Did you mean {listed(near)}?" if near else ""
    raise FileError(f"{text}: no such file or folder.{hint}")


def _inside(folder: Path) -> list[Path]:
    return [
        each
        for each in sorted(folder.rglob("*"))
        if each.name.lower().endswith(SUFFIXES) and not each.is_dir() and not _hidden(each, folder)
    ]


def _hidden(path: Path, folder: Path) -> bool:
    return any(part[0] in "._" for part in path.relative_to(folder).parts)


def _matched(path: Path) -> list[Path]:
    return _inside(path) if path.is_dir() else [path]


def kind_of(path: Path) -> str:
    """Tell "csv", "gzip" and "parquet" by the first bytes, whatever the name says.

    Raises
    ------
    FileError
        If the file cannot be opened, or is a pipe or device.
    DataError
        If it is empty, or of another format.
    """
    if path.exists() and not path.is_file():
        raise FileError(f"{path}: is not a regular file but a pipe, device or the like.")
    with _opening(path), path.open("rb") as file:
        start = file.read(4096)
    if not start:
        raise DataError(f"{path}: the file is empty.")
    if start[:4] == b"PAR1":
        return "parquet"
    if start[:2] == b"\x1f\x8b":
        return "gzip"
    if path.suffix.lower() == ".parquet":
        raise DataError(f"{path}: is named Parquet but is none. Give it its own ending, e.g. .csv.")
    _refuse_foreign(start, path)
    return "csv"


def _refuse_foreign(start: bytes, path: Path) -> None:
    head = start.removeprefix(codecs.BOM_UTF8).lstrip()
    for magic, what in _FOREIGN.items():
        if start.startswith(magic) or (len(magic) == 1 and head.startswith(magic)):
            raise DataError(f"{path}: is {what}, not a table as text. Save it as CSV or Parquet.")
    if not head:
        raise DataError(f"{path}: the file is empty.")


@contextmanager
def _opening(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({error.strerror}).") from error


def check_text_options(delimiter: str, encoding: str) -> None:
    """Refuse a delimiter that is not one sign, and an encoding nobody knows."""
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise UsageError(f"delimiter: {delimiter!r} must be one sign, such as ';' or '\\t'.")
    try:
        "".encode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, TypeError, ValueError):
        raise UsageError(
            f"encoding: {encoding!r} is not known. Usual ones are utf-8, utf-16, cp1252, latin-1."
        ) from None


def plain_text(path: Path, kind: str, encoding: str, folder: Path) -> Path:
    """Return the file itself if it is plain UTF-8, else a copy of its text in ``folder``.

    Raises
    ------
    DataError
        If the text is not in this encoding, compressed data is damaged, or a line has no end.
    """
    plain = kind == "csv" and codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")
    target = folder / f"{len(os.listdir(folder))}.csv"
    decoder = codecs.getincrementaldecoder(encoding)()
    with _opening(path), (gzip.open if kind == "gzip" else open)(path, "rb") as raw:
        if plain:
            for _ in _chunks(raw, path):
                pass
            return path
        with target.open("wb") as copy:
            try:
                for chunk in _chunks(raw, path):
                    copy.write(decoder.decode(chunk).encode())
                copy.write(decoder.decode(b"", final=True).encode())
            except UnicodeError:
                raise DataError(not_encoded(path, encoding)) from None
    return target


def _chunks(raw: BinaryIO | gzip.GzipFile, path: Path) -> Iterator[bytes]:
    """Read all of a file in pieces, and refuse what is neither text nor whole, or a bomb."""
    first, unpacked, most = True, 0, max(_SMALL, MOST_RATIO * path.stat().st_size)
    try:
        while chunk := raw.read(_CHUNK):
            unpacked += len(chunk)
            if unpacked > most:
                raise DataError(
                    f"{path}: unpacks to more than {MOST_RATIO} times its size, as no log of "
                    "purchases does. If it is one, unpack it first."
                )
            if first:
                _refuse_foreign(chunk[:4096], path)
            elif len(chunk) == _CHUNK and b"\n" not in chunk and b"\r" not in chunk:
                raise DataError(
                    f"{path}: a line is longer than a million signs. Is a quote left open?"
                )
            first = False
            yield chunk
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise DataError(
            f"{path}: the compressed file is damaged or cut short. Copy it again."
        ) from None
    if first:
        raise DataError(f"{path}: the file is empty.")


def not_encoded(path: Path | str, encoding: str) -> str:
    """Return the sentence for text that is not in the encoding said."""
    others = '"cp1252" (as Excel writes), "utf-16"'
    if not encoding.lower().startswith("utf"):
        others = '"utf-8", "utf-16"'
    return f"{path}: the text is not {encoding}. Say how it is encoded, e.g. encoding={others}."


def header_of(text: Path, path: Path, delimiter: str) -> list[str]:
    """Return the names in the first line of plain text.

    Parameters
    ----------
    text : Path
        The plain UTF-8 text of the file.
    path : Path
        The file as the user knows it.
    delimiter : str
        One sign.

    Raises
    ------
    ColumnError
        If there is one name only, or names are not told apart.
    DataError
        If the first line is empty or not text.
    """
    try:
        with _opening(path), text.open(encoding="utf-8-sig", newline="") as lines:
            start = lines.read(4096)
            lines.seek(0)
            first = next(csv.reader(lines, delimiter=delimiter, strict=True), [])
    except UnicodeDecodeError:
        raise DataError(not_encoded(path, "utf-8")) from None
    except csv.Error as error:
        raise DataError(
            f"{path}: line 1, with the names of the columns, is not CSV ({error})."
        ) from None
    if "\0" in start:
        raise DataError(f'{path}: holds NUL signs; it is not text, or needs encoding="utf-16".')
    if not any(name.strip() for name in first):
        raise DataError(f"{path}: line 1 is empty; it must hold the names of the columns.")
    refuse_many_columns(len(first), str(path))
    names = [name.strip() or f"column_{place}" for place, name in enumerate(first, start=1)]
    refuse_doubles(names, str(path))
    if len(names) == 1:
        other = next((sign for sign in ";\t|," if sign in names[0] and sign != delimiter), None)
        hint = f"Did you mean delimiter={other!r}?" if other else "A log has two or more."
        raise ColumnError(f"{path}: 1 column found, {listed(names)}. {hint}")
    return names


def refuse_many_columns(count: int, where: str) -> None:
    """Refuse more columns than a log of purchases has."""
    if count > MOST_COLUMNS:
        raise ColumnError(
            f"{where}: {count:,} columns, where {MOST_COLUMNS:,} are the most. A log has a row a "
            "purchase; keep the columns that are needed."
        )


def refuse_doubles(names: list[str], where: str) -> None:
    """Refuse names that are equal, or differ in upper and lower case alone."""
    times = Counter(name.lower() for name in names)
    doubled = sorted({name for name in names if times[name.lower()] > 1})
    if doubled:
        raise ColumnError(
            f"{where}: column names must differ by more than case; not told apart: "
            f"{listed(doubled)}. Rename them."
        )
