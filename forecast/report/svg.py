"""A matplotlib figure as SVG to stand inside a page: themed, titled, small, free of outside links.

The drawing's colours become CSS variables, its identifiers get a prefix (a page holds several
drawings), and what nothing refers to is left out.
"""

import io
import re
import warnings
from xml.etree import ElementTree

import matplotlib as mpl
from matplotlib.figure import Figure

from forecast.report.style import PALETTE, SHADES, STYLE

__all__ = ["inline_svg", "svg_file"]

_THEME = PALETTE | SHADES
_ROLES = {light: f"var(--{role})" for role, (light, _) in _THEME.items()}
_COLOUR = re.compile("|".join(map(re.escape, _ROLES)))
_FONT = re.compile(r"font-family:[^;]*;?\s*|(font: [^;']*px) [^;]*")
_TARGET = re.compile(r"#([\w.-]+)")


def inline_svg(figure: Figure, *, name: str, title: str, description: str) -> str:
    """Return ``figure`` as one ``<svg>`` element for an HTML page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    name : str
        Prefix of every identifier inside; unique on the page.
    title, description : str
        What a screen reader says: the name of the drawing, and what it shows.

    Returns
    -------
    str
        The element; the same figure gives the same bytes.
    """
    buffer = io.StringIO()
    nothing = dict.fromkeys(["Date", "Creator", "Format", "Type"])
    with mpl.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # the reader's fonts write the text
        figure.savefig(buffer, format="svg", metadata=nothing)
    root = ElementTree.fromstring(buffer.getvalue())
    used = {
        target
        for node in root.iter()
        for value in node.attrib.values()
        for target in _TARGET.findall(value)
    }
    for node in root.iter():
        node.tag = _local(node.tag)
        node.attrib = {
            _local(key): _clean(key, value, name)
            for key, value in node.attrib.items()
            if key != "id" or value in used
        }
        if node.tag not in ("text", "tspan"):
            node.text = None
        node.tail = None
    for node in list(root):
        if node.tag == "defs" and node.find("style") is not None:
            root.remove(node)  # a rule for `*` would reach the whole page; the page has its own
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.attrib |= {"role": "img", "aria-labelledby": f"{name}-title {name}-desc"}
    for tag, text in (("desc", description), ("title", title)):
        node = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        node.text = text
        root.insert(0, node)
    return ElementTree.tostring(root, encoding="unicode")


def svg_file(element: str) -> str:
    """Return an inline drawing as a file of its own, with both themes inside."""
    light, dark = (
        ";".join(f"--{role}:{pair[side]}" for role, pair in _THEME.items()) for side in (0, 1)
    )
    style = (
        f"<style>svg{{font-family:sans-serif;background:var(--paper);{light}}}"
        f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>"
    )
    head, rest = element.split(">", 1)
    return f'{head} xmlns="http://www.w3.org/2000/svg">{style}{rest}\n'


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _clean(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == "style":
        value = _FONT.sub(lambda match: match[1] or "", value)
        value = _COLOUR.sub(lambda match: _ROLES[match[0]], value).replace(": ", ":")
        return re.sub(r"url\(#", f"url(#{name}-", value)
    if key == "clip-path" or _local(key) == "href":
        return value.replace("#", f"#{name}-")
    if key == "d":
        return " ".join(re.sub(r"\d+\.\d+", lambda match: f"{float(match[0]):.5g}", value).split())
    return value
