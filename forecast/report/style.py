"""How every plot looks: colours, marks, sizes.

Colours follow Okabe and Ito's colour-blind-safe set, darkened until each has a contrast of at
least 3:1 on white; what they tell apart is told apart by mark or dash too, so a grey print loses
nothing. Each hue is a *role* of the page: :mod:`forecast.report.svg` turns it into a CSS variable,
and so one drawing serves light and dark screens. Text stays text (``svg.fonttype: none``): it can
be read aloud, searched and selected, takes the page's font, and makes a tenth of the bytes.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, Literal

import matplotlib.dates
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from forecast.report.formats import short_day

__all__ = [
    "COLOUR",
    "DASHES",
    "PALETTE",
    "SERIES",
    "SHADES",
    "STYLE",
    "Target",
    "band",
    "cutoff_line",
    "day_ticks",
    "drawing",
    "finish",
    "in_style",
    "look",
    "on_axes",
    "short_number",
]

# role: (on light, on dark); every light colour must be unique, since it names the role in a drawing
PALETTE = {
    "paper": ("#ffffff", "#12161c"),
    "ink": ("#1c2430", "#e8ecf1"),
    "muted": ("#596475", "#a6b0bd"),
    "grid": ("#dfe4ea", "#2f3844"),
    "bar": ("#b9c2ce", "#56616f"),
    "blue": ("#0b67b2", "#62b4f7"),
    "red": ("#c4400b", "#ff9466"),
    "green": ("#00775b", "#3fd0a2"),
    "purple": ("#8b4a9f", "#d4a3e4"),
    "gold": ("#8a6a00", "#e3c04a"),
    "teal": ("#0f7c8c", "#58cfe0"),
    "pink": ("#b03a6f", "#f498c0"),
}

SHADES = {  # behind numbers in cells: from too low to too high; the numbers say it in grey
    "low2": ("#9cc7ea", "#1d4a72"),
    "low1": ("#d3e6f6", "#1b3448"),
    "near": ("#eef1f5", "#232a33"),
    "high1": ("#fbe2cf", "#47301f"),
    "high2": ("#f3b78d", "#733f1d"),
}

DASHES = (0, (5, 1.5))  # of what was expected, beside what came
COLOUR = {role: light for role, (light, _) in (PALETTE | SHADES).items()}
Target = Literal["purchases", "value"]

_dates: Any = matplotlib.dates  # not typed yet

SERIES = tuple(
    (COLOUR[role], mark, dash)
    for role, mark, dash in [
        ("blue", "o", "-"),
        ("red", "s", "--"),
        ("green", "^", "-."),
        ("purple", "D", ":"),
        ("gold", "v", "-"),
        ("teal", "P", "--"),
        ("pink", "X", "-."),
        ("muted", "*", ":"),
    ]
)

STYLE: Any = {  # as text keys; matplotlib types each one by name
    "axes.edgecolor": COLOUR["muted"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "axes.labelcolor": COLOUR["muted"],
    "axes.labelsize": 9.5,
    "axes.prop_cycle": cycler(color=[color for color, _, _ in SERIES]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": COLOUR["ink"],
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "figure.figsize": (6.4, 3.5),
    "font.family": ["DejaVu Sans"],  # ships with matplotlib: the same measures everywhere
    "font.size": 9.5,
    "grid.color": COLOUR["grid"],
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": COLOUR["ink"],
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "forecast",
    "text.color": COLOUR["ink"],
    "text.parse_math": False,  # a dollar in a name is a dollar
    "xtick.color": COLOUR["muted"],
    "xtick.labelsize": 9,
    "ytick.color": COLOUR["muted"],
    "ytick.labelsize": 9,
}


@contextmanager
def in_style() -> Iterator[None]:
    """Draw in this style, as a context or a decorator.

    In a notebook, the first figure loads a backend that turns interactive mode on, and
    ``rc_context`` alone would turn it off again on leaving: no later figure would be shown.
    """
    interactive = matplotlib.is_interactive()
    try:
        with matplotlib.rc_context(STYLE):
            try:
                yield
            finally:
                interactive = matplotlib.is_interactive()
    finally:
        matplotlib.interactive(interactive)


def drawing(*, height: float = 3.5) -> tuple[Figure, Axes]:
    """Return a new figure and its axes in this style, outside pyplot's registry."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.4, height), layout="constrained")
        return figure, figure.add_subplot()


def look(number: int) -> tuple[str, str, str]:
    """Return colour, mark and dash of the n-th series; no two of the first 64 are the same."""
    color, _, dash = SERIES[number % len(SERIES)]
    return color, SERIES[(number + 3 * (number // len(SERIES))) % len(SERIES)][1], dash


def on_axes(ax: Axes | None) -> Axes:
    """Return ``ax``, or the axes of a new pyplot figure."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    # paper, since notebooks show figures on dark pages too; a report's own are transparent
    return plt.subplots(layout="constrained", facecolor=COLOUR["paper"])[1]


def band(
    ax: Axes, x: "pd.Series[Any]", table: pd.DataFrame, target: str, label: str | None
) -> None:
    """Draw the 90 % bounds of a target in a table of periods, where there are any."""
    lo, hi = (table[f"{target}_{side}_90"].to_numpy(float) for side in ("lo", "hi"))
    if np.isfinite(lo).any():
        ax.fill_between(x, lo, hi, color=COLOUR["blue"], alpha=0.22, linewidth=0, label=label)


def cutoff_line(ax: Axes, cutoff: date, *, named: bool = True) -> None:
    """Draw the last day a model saw as a vertical line, with its name in the legend."""
    ax.axvline(
        _dates.date2num(cutoff),
        color=COLOUR["muted"],
        linewidth=1,
        linestyle=(0, (2, 2)),
        zorder=1,
        label="cutoff" if named else None,
    )


def finish(
    ax: Axes,
    *,
    title: str,
    unit: str,
    x: str = "",
    dates: bool = False,
    floor: bool = True,
    order: Sequence[str] = ("observed", "actual", "expected"),
    beside: int = 0,
) -> Axes:
    """Name an axes and its units, number its y axis for people (12k, 3.5M), put the legend on top.

    The legend stands between title and plot, where it never covers data; names of so many letters
    ``beside`` the plot leave it less room.
    """
    entries = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    rank = {label: place for place, label in enumerate(order)}
    labels = sorted(entries, key=lambda label: rank.get(label, len(rank)))
    letters, most = sum(map(len, labels)), max(map(len, labels), default=0)
    columns = 2
    if letters <= 56 - max(beside - 6, 0):
        columns = 4
    elif most <= 20 - max(beside - 14, 0):
        columns = 3
    lines = -(-len(labels) // columns)
    ax.set_title(title, pad=9 + 14 * lines)
    if labels:
        ax.legend(
            [entries[label] for label in labels],
            labels,
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            borderaxespad=0.2,
            ncols=columns,
            columnspacing=1.2,
            handlelength=2.2,
        )
    ax.set_ylabel(unit)
    ax.set_xlabel(x)
    if floor:
        ax.set_ylim(bottom=min(0.0, ax.dataLim.y0), top=None)
    ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
    if not unit.startswith("%"):
        ax.yaxis.set_major_formatter(FuncFormatter(short_number))
    if dates:
        locator = _dates.AutoDateLocator(minticks=3, maxticks=7)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(_dates.ConciseDateFormatter(locator))
    return ax


def day_ticks(ax: Axes, days: Sequence[pd.Timestamp]) -> None:
    """Put a tick at each of a few days, named in full."""
    ax.set_xticks([_dates.date2num(day) for day in days], [short_day(day) for day in days])


def short_number(number: float, _position: int = 0) -> str:
    """Return the number of a tick: 12k, 3.5M, −400."""
    for unit, letter in ((1e9, "bn"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= unit:
            text = f"{number / (1e3 if letter == 'k' else unit):,.3g}{letter}"
            break
    else:
        text = f"{number:,.4g}"
    return text.replace("-", "\u2212")
