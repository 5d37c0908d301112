"""What a report is made of, before it becomes HTML: sections of prose, tables and figures.

All text here is plain text; escaping is the page's work.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pandas as pd
from matplotlib.axes import Axes

from forecast.report.style import drawing
from forecast.report.svg import inline_svg

__all__ = [
    "Alerts",
    "Drawing",
    "Figures",
    "Fold",
    "Heading",
    "Listing",
    "Part",
    "Prose",
    "Section",
    "Table",
    "Tiles",
    "figure",
]


@dataclass(frozen=True)
class Heading:
    """A heading inside a section."""

    kind: ClassVar[str] = "heading"
    text: str


@dataclass(frozen=True)
class Prose:
    """Paragraphs; ``small`` ones are remarks on what stands before."""

    kind: ClassVar[str] = "prose"
    paragraphs: tuple[str, ...]
    small: bool = False


@dataclass(frozen=True)
class Listing:
    """Sentences that stand side by side."""

    kind: ClassVar[str] = "listing"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Alerts:
    """What a reader must know before using the numbers."""

    kind: ClassVar[str] = "alerts"
    items: tuple[str, ...]


@dataclass(frozen=True)
class Tiles:
    """A few headline numbers: label, number, remark."""

    kind: ClassVar[str] = "tiles"
    items: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Table:
    """A table of finished text.

    Attributes
    ----------
    caption : str
    head : tuple of str
        Headings, with units.
    rows : tuple of rows
        The first cell of each row is its heading.
    numeric : tuple of bool
        Which columns are aligned as numbers.
    strong : int or None
        Row to set apart.
    folded : bool
        Whether the page shows it only on demand.
    """

    kind: ClassVar[str] = "table"
    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[bool, ...]
    strong: int | None = None
    folded: bool = False

    @classmethod
    def of(
        cls,
        frame: pd.DataFrame,
        *,
        caption: str,
        columns: Mapping[str, tuple[str, Callable[[Any], str] | None]],
        strong: int | None = None,
        folded: bool = False,
    ) -> "Table":
        """Make a table from some columns of a frame.

        Parameters
        ----------
        columns : mapping
            Column of the frame to its heading and its format; None for text.
        """
        cells = [
            [str(value) if show is None else show(value) for value in frame[column]]
            for column, (_, show) in columns.items()
        ]
        return cls(
            caption=caption,
            head=tuple(heading for heading, _ in columns.values()),
            rows=tuple(zip(*cells, strict=True)),
            numeric=tuple(show is not None for _, show in columns.values()),
            strong=strong,
            folded=folded,
        )


@dataclass(frozen=True)
class Drawing:
    """One figure: its name on the page, the SVG element and the sentence under it."""

    name: str
    svg: str
    caption: str


@dataclass(frozen=True)
class Figures:
    """Figures that belong side by side."""

    kind: ClassVar[str] = "figures"
    items: tuple[Drawing, ...]


@dataclass(frozen=True)
class Fold:
    """Parts that the page shows on demand, and on paper."""

    kind: ClassVar[str] = "fold"
    summary: str
    parts: "tuple[Part, ...]"


Part = Heading | Prose | Listing | Alerts | Tiles | Table | Figures | Fold


@dataclass(frozen=True)
class Section:
    """A part of the report with a name, reachable by ``#anchor``.

    Attributes
    ----------
    files : mapping of name to DataFrame
        Its tables as numbers, for those who ask for files.
    """

    anchor: str
    title: str
    parts: Sequence[Part]
    files: Mapping[str, pd.DataFrame] = field(default_factory=dict)


def figure(name: str, plot: Callable[..., Axes], *, caption: str, height: float = 3.5) -> Drawing:
    """Draw ``plot`` on a new figure and return it as SVG with its caption.

    Parameters
    ----------
    name : str
        Unique on the page.
    plot : callable
        Draws on the axes it is given as ``ax``.
    height : float
        Of the drawing, in inches; it is 6.4 wide.
    """
    canvas, ax = drawing(height=height)
    plot(ax=ax)
    svg = inline_svg(canvas, name=name, title=ax.get_title(loc="left"), description=caption)
    return Drawing(name, svg, caption)
