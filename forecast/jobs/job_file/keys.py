"""What is wrong with which key of a job file, in one sentence each; no secret is repeated."""

import difflib
import re
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from forecast.errors import UsageError, listed

__all__ = ["Problem", "problems_of", "refuse", "settled", "told"]

Problem = tuple[str, str]  # the key, and what is wrong with it
_MOST = 20
_KINDS = {
    "string_type": "must be text in quotes",
    "path_type": "must be a path in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": 'must be a list, ["..."]',
    "date_type": "must be a day, 2026-11-15 without quotes",
    "finite_number": "must be a finite number",
}


def refuse(problems: Sequence[Problem]) -> None:
    """Raise, inside a validator, what is wrong with several keys of a section at once."""
    if problems:
        raise PydanticCustomError("keys", "wrong together", {"problems": list(problems)})


def settled(check: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a check returns; its ``UsageError`` counts as a wrong value of the key."""
    try:
        return check(*arguments)
    except UsageError as error:
        raise ValueError(re.sub(r"^\w+: ", "", str(error))) from None


def told(where: str, problems: Sequence[Problem]) -> str:
    """Return the message for all that is wrong with a file, a line a key.

    Examples
    --------
    >>> print(told("job.toml", [("forecast.seed", "-1 must be 0 or more.")]))
    job.toml: forecast.seed: -1 must be 0 or more.
    """
    lines = [f"{key}: {text}" if key else text for key, text in problems]
    if len(lines) == 1:
        return f"{where}: {lines[0]}"
    more = [f"and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return "\n  ".join([f"{where}: {len(lines)} keys are wrong.", *lines[:_MOST], *more])


def problems_of(error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Return what is wrong with which key, in the order of the file's sections."""
    return [each for detail in error.errors() for each in _of_one(detail, model)]


def _of_one(detail: ErrorDetails, model: type[BaseModel]) -> Iterator[Problem]:
    key, kind, context = _path(detail["loc"]), detail["type"], detail.get("ctx", {})
    value = detail["input"]
    if kind == "keys":
        for inner, text in context["problems"]:
            yield f"{key}.{inner}" if key else inner, text
    elif kind == "extra_forbidden":
        yield key, _unknown(detail["loc"], model)
    elif kind == "missing":
        section = _section(model, detail["loc"]) is not None
        yield key, f"is missing; write a table [{key}]." if section else "is missing."
    elif kind in ("model_type", "model_attributes_type"):
        yield key, f"must be a table, written [{key}]."
    elif kind == "value_error":
        yield key, str(context["error"])
    elif kind == "literal_error":
        yield key, f"{_seen(value)}must be {context['expected']}."
    elif kind in _KINDS:
        hint = '; a share is written 0.1 for "10%"' if _percentage(value) else ""
        yield key, f"{_seen(value)}{_KINDS[kind]}{hint}."
    else:
        rule = detail["msg"].removeprefix("Input should ").removeprefix("be ")
        yield key, f"{_seen(value)}must be {rule}."


def _seen(value: Any) -> str:
    """Show a plain value that cannot be a secret."""
    if isinstance(value, str):
        return "" if re.search(r"://|@|=", value) else f"{listed([value])} "
    if isinstance(value, bool):
        return f"{str(value).lower()} "
    if isinstance(value, int) and abs(value) >= 10**18:
        return ""
    return f"{value} " if isinstance(value, int | float | date | time) else ""


def _percentage(value: Any) -> bool:
    return isinstance(value, str) and value.strip().endswith("%")


def _path(location: Sequence[str | int]) -> str:
    """Write where a key stands as TOML would.

    Examples
    --------
    >>> _path(("forecast", "horizons", 1)), _path(("outputs", "a b"))
    ('forecast.horizons[1]', "outputs.'a b'")
    """
    text = ""
    for each in location:
        plain = isinstance(each, str) and re.fullmatch(r"[A-Za-z0-9_-]{1,60}", each)
        if isinstance(each, int):
            text += f"[{each}]"
        else:
            text += ("." if text else "") + (each if plain else listed([each]))
    return text


def _unknown(location: Sequence[str | int], model: type[BaseModel]) -> str:
    *above, name = (str(each) for each in location)
    if re.search("password|passwd|secret|token|url|uri", name, flags=re.IGNORECASE):
        return (
            "is not read: secrets do not belong in a job file. Put the address in an environment "
            'variable and name that: url_env = "SHOP_URL".'
        )
    here = _section(model, above) or model
    everywhere = dict(_all_keys(model))
    near = difflib.get_close_matches(name, here.model_fields, n=1)
    found = [".".join([*above, each]) for each in near] or everywhere.get(name, [])
    hint = f" Did you mean {listed(found)}?" if found else ""
    return f"is not a known key.{hint} Known here: {', '.join(here.model_fields)}."


def _all_keys(model: type[BaseModel]) -> Mapping[str, list[str]]:
    keys: dict[str, list[str]] = {}
    for section in model.model_fields:
        if inner := _section(model, [section]):
            for name in inner.model_fields:
                keys.setdefault(name, []).append(f"{section}.{name}")
    return keys


def _section(model: type[BaseModel], location: Sequence[str | int]) -> type[BaseModel] | None:
    """Return the class of the table at a place of the file, if a table stands there."""
    for name in location:
        field = model.model_fields.get(str(name))
        kind = None if field is None else field.annotation
        found = [
            each
            for each in (kind, *typing.get_args(kind))
            if isinstance(each, type) and issubclass(each, BaseModel)
        ]
        if not found:
            return None
        model = found[0]
    return model
