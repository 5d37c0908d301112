"""What version 1.0 promises: every public name is documented, and every signature is pinned.

After a change that is meant, write the signatures anew: ``python tests/test_api.py``.
"""

import dataclasses
import inspect
import re
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import forecast as fc
from forecast import processes, spark, testing
from forecast.cli import app
from forecast.cli.app import COMMANDS
from forecast.cli.log import Log
from forecast.cli.money import Job, Terms

ROOT = Path(__file__).parents[1]
PINNED = Path(__file__).with_name("api.txt")
PARTS = {
    "fc": fc,
    "processes": processes,
    "plots": import_module("forecast.report"),  # fc.report is the function of that name
    "spark": spark,
    "testing": testing,
}


def signature(thing: Any) -> str:
    """Return names, kinds and defaults of parameters; annotations may become more exact."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return ""
    plain = [
        each.replace(annotation=inspect.Parameter.empty, default=_shown(each.default))
        for each in found.parameters.values()
    ]
    return str(found.replace(parameters=plain, return_annotation=inspect.Signature.empty))


class _Word(str):
    __slots__ = ()
    __repr__ = str.__str__


def _shown(default: Any) -> Any:
    """Return a default whose text is the same everywhere."""
    if isinstance(default, str | int | float | bool | tuple | None | type(inspect.Parameter.empty)):
        return default
    return _Word(f"<{type(default).__name__}>" if dataclasses.is_dataclass(default) else "<...>")


def signatures() -> list[str]:
    """Return a line for each public name, method, property, model and command."""
    lines = [f"fc.MODELS[{name!r}]" for name in fc.MODELS]
    lines += [f"ltv {name}{signature(app[name].default_command)}" for name in COMMANDS]
    lines += [f"ltv options {each.__name__}{signature(each)}" for each in (Log, Terms, Job)]
    for part, module in PARTS.items():
        for name in module.__all__:
            thing = getattr(module, name)
            lines.append(f"{part}.{name}{signature(thing) if callable(thing) else ''}")
            if inspect.isclass(thing):
                lines += [f"{part}.{name}.{member}" for member in _members(thing)]
    return sorted(lines)


def _members(thing: type) -> list[str]:
    """Return the public methods, with their parameters, and properties of a class of ours."""
    found = []
    for each in thing.__mro__:
        for name, member in vars(each).items() if each.__module__.startswith("forecast") else ():
            if name.startswith("_"):
                continue
            if isinstance(member, FunctionType | classmethod | staticmethod):
                found.append(name + signature(getattr(thing, name)))
            elif isinstance(member, property | cached_property):
                found.append(name)
    return list(dict.fromkeys(found))


def test_every_public_name_is_documented() -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    missing = [name for name in fc.__all__ if not re.search(rf"\b{name}\b", text)]
    assert not missing


def test_signatures_are_those_that_are_promised() -> None:
    promised, found = PINNED.read_text(encoding="utf-8").splitlines(), signatures()
    gone, new = sorted(set(promised) - set(found)), sorted(set(found) - set(promised))
    assert not gone and not new, "if that is meant: python tests/test_api.py"  # noqa: PT018


if __name__ == "__main__":
    PINNED.write_text("\n".join(signatures()) + "\n", encoding="utf-8", newline="\n")
