"""What a single value of a job file may be: a column, a length of time, a share, a model."""

import difflib
import os
import re
from datetime import date, datetime
from typing import Any

from forecast.calendar import Horizon, parse_day
from forecast.errors import HorizonError, UsageError, listed
from forecast.jobs.job_file.keys import settled

__all__ = [
    "CUTOFFS",
    "currency",
    "cutoff",
    "day",
    "delimiter",
    "encoding",
    "folder",
    "horizon",
    "length",
    "margin",
    "model",
    "name",
    "rate",
    "source_path",
    "time_zone",
    "variable",
    "written_dates",
]

CUTOFFS = ("today", "yesterday", "last complete week", "last complete month")
_LENGTH = 'write "26W", "12M", "90D" or "1Y"'


def name(value: str) -> str:
    """Refuse a name of a column, table or job that is empty or cannot be printed."""
    if not value.strip() or "\0" in value or len(value) > 255:
        raise ValueError("must be a name of 1 to 255 signs.")
    return value


def day(value: Any) -> date:
    """Accept a day, with or without quotes."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    try:
        return parse_day(value if isinstance(value, str) else None)
    except UsageError:
        raise ValueError("must be a day, 2026-11-15.") from None


def cutoff(value: Any) -> date | str:
    """Accept a day, or a rule that names one."""
    if isinstance(value, str) and value in CUTOFFS:
        return value
    try:
        return day(value)
    except ValueError:
        offered = ", ".join(f'"{each}"' for each in CUTOFFS)
        raise ValueError(f"must be a day, 2026-11-15, or one of {offered}.") from None


def horizon(value: Any) -> str:
    """Accept a length of time with its unit, or the last day."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    try:
        return str(Horizon.parse(value if isinstance(value, str) else None))
    except HorizonError:
        seen = f"{value} is" if type(value) is int and abs(value) < 10**6 else "is"
        raise ValueError(
            f"{seen} not a length of time with a unit; {_LENGTH}, or a last day YYYY-MM-DD."
        ) from None


def length(value: Any) -> str:
    """Accept a length of time with its unit."""
    text = horizon(value)
    if Horizon.parse(text).until is not None:
        raise ValueError(f"is a date; {_LENGTH}.")
    return text


def model(value: str) -> str:
    """Refuse a model that is not in the registry."""
    from forecast.models import MODELS

    if value not in MODELS:
        near = difflib.get_close_matches(value, MODELS, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"no model {listed([value])}.{hint} Models: {', '.join(sorted(MODELS))}.")
    return value


def margin(value: Any) -> float | str:
    """Accept a share of value, or the name of a column."""
    if isinstance(value, str):
        if re.fullmatch(r"\s*[-+]?[\d.,]+\s*%?\s*", value):
            raise ValueError("must be a share without quotes, 0.4 for 40 %, or a column's name.")
        return name(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("must be a share, 0.4 for 40 %, or a column's name in quotes.")
    if not -1e6 <= value <= 1:
        raise ValueError("must be a share of at most 1; write 0.4 for 40 %.")
    return float(value)


def rate(value: Any) -> float:
    """Accept an annual effective rate as a share."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value < 1:
        raise ValueError("must be a share a year, 0 or more and under 1; write 0.1 for 10 %.")
    return float(value)


def variable(value: str) -> str:
    """Refuse what is no name of an environment variable, above all an address itself."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,127}", value):
        raise ValueError(
            "must be the name of an environment variable that holds the address, "
            'url_env = "SHOP_URL"; the address itself does not belong in a file.'
        )
    return value


def source_path(value: Any) -> str:
    """Accept a path, a glob or an address without a password."""
    if not isinstance(value, str | os.PathLike):
        raise ValueError("must be a path in quotes.")
    text = os.fspath(value)
    if not isinstance(text, str) or not text.strip() or "\0" in text:
        raise ValueError("must be a path, a glob or an address, in quotes.")
    if "://" in text and re.search(r"://[^/]*@|[?&#]", text):
        raise ValueError(
            "holds a user, password or token; take it out. The store's own environment variables "
            "(AWS_..., GOOGLE_...) are read, or name one that holds a database's address: url_env."
        )
    return text


def folder(value: Any) -> str:
    """Refuse a folder's name with another placeholder than ``{cutoff}``."""
    text = os.fspath(value) if isinstance(value, str | os.PathLike) else ""
    if not isinstance(text, str) or not text.strip():
        raise ValueError("must be a path in quotes.")
    if re.search(r"[{}\0]", text.replace("{cutoff}", "")):
        raise ValueError('must be a folder, with no placeholder but {cutoff}: "out/{cutoff}".')
    return text


def delimiter(value: str) -> str:
    """Refuse a delimiter that is not one sign."""
    from forecast.ledger.files import check_text_options

    settled(check_text_options, value, "utf-8")
    return value


def encoding(value: str) -> str:
    """Refuse an encoding nobody knows."""
    from forecast.ledger.files import check_text_options

    settled(check_text_options, ",", value)
    return value


def written_dates(value: str) -> str:
    """Refuse a format that names no whole day."""
    from forecast.ledger.dates import check_date_options

    settled(check_date_options, value, None)
    return value


def currency(value: str) -> str:
    """Refuse a name of a currency that is long, or not to be seen."""
    from forecast.ledger.currency import check_currency

    settled(check_currency, value)
    return value


def time_zone(value: str) -> str:
    """Refuse a time zone nobody knows."""
    from forecast.ledger.dates import check_date_options

    settled(check_date_options, None, value)
    return value
