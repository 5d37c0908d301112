"""The report as Markdown: the same content, drawings as files beside it."""

import re
from collections.abc import Iterable

from forecast.report.content import (
    Alerts,
    Drawing,
    Figures,
    Fold,
    Heading,
    Listing,
    Part,
    Prose,
    Section,
    Table,
    Tiles,
)
from forecast.report.svg import svg_file

__all__ = ["markdown"]

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$!])")


def markdown(
    title: str, subtitle: str, sections: Iterable[Section], folder: str
) -> tuple[str, dict[str, str]]:
    """Return the page's text, and its drawings by file name.

    Parameters
    ----------
    folder : str
        Where the drawings will lie, beside the page.

    Returns
    -------
    tuple of str and dict of str
        Markdown with tables, and SVG files that follow light and dark.
    """
    drawings: dict[str, str] = {}
    blocks = [f"# {_text(title)}", _text(subtitle)]
    for section in sections:
        blocks.append(f"## {_text(section.title)}")
        blocks += _parts(section.parts, folder, drawings)
    return "\n\n".join(filter(None, blocks)) + "\n", drawings


def _parts(parts: Iterable[Part], folder: str, drawings: dict[str, str]) -> list[str]:
    blocks: list[str] = []
    for part in parts:
        match part:
            case Heading():
                blocks.append(f"### {_text(part.text)}")
            case Prose():
                blocks += [_text(each) for each in part.paragraphs]
            case Listing():
                blocks.append(_list(part.items))
            case Alerts():
                blocks += ["**Know before use**", _list(part.items)]
            case Tiles():
                rows = tuple(part.items)
                blocks.append(_table(Table("", ("What", "Number", "Remark"), rows, (False,) * 3)))
            case Table():
                blocks.append(_table(part))
            case Figures():
                blocks += [_figure(each, folder, drawings) for each in part.items]
            case Fold():
                blocks.append(f"### {_text(part.summary)}")
                blocks += _parts(part.parts, folder, drawings)
    return blocks


def _text(text: str) -> str:
    """Escape what Markdown or HTML would take for markup, and keep to one line."""
    plain = " ".join(text.split())
    plain = plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"^([-+]|\d+[.)])(?=\s)", r"\\\1", _SPECIAL.sub(r"\\\1", plain))


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {_text(each)}" for each in items)


def _table(table: Table) -> str:
    rule = ("---:" if numeric else "---" for numeric in table.numeric)
    lines = [_row(map(_text, table.head)), _row(rule), *(_row(map(_text, r)) for r in table.rows)]
    caption = f"**{_text(table.caption)}**\n\n" if table.caption else ""
    return caption + "\n".join(lines)


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _figure(drawing: Drawing, folder: str, drawings: dict[str, str]) -> str:
    file = f"{drawing.name}.svg"
    drawings[file] = svg_file(drawing.svg)
    return f"![{_text(drawing.caption)}]({folder}/{file})\n\n*{_text(drawing.caption)}*"
