"""Make pages of Sphinx readable: long names on phones, tables of notebooks, links of names."""

import inspect
import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util.nodes import make_refnode

NAME = re.compile(r"(?:fc|forecast\.(?:processes|report|spark|testing))\.[\w.]+")
NUMBER = re.compile(r"[-+−$]?[\d.,]+(?:e[-+]\d+)?\s*%?|NaN|")
LONG = 16  # signs that every column and phone has room for
VERY_LONG = 24
ENDING = r"(?:py|md|toml|csv|json|ipynb|parquet)$"  # of a file: stays with its name


class Words(SphinxPostTransform):
    """Link names of the package in sentences to the reference; keep a number and its % together."""

    default_priority = 900
    formats = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Change the page in place."""
        for text in list(self.document.findall(nodes.Text)):
            if not isinstance(text.parent, nodes.literal | nodes.FixedTextElement | nodes.raw):
                text.parent.replace(text, nodes.Text(re.sub(r"(?<=\d) (?=%)", "\u00a0", text)))
        for literal in list(self.document.findall(nodes.literal)):
            self.link(literal)

    def link(self, literal: nodes.literal) -> None:
        """Wrap a name that the reference holds in a link to it."""
        name, parent = literal.astext(), literal.parent
        if not NAME.fullmatch(name) or isinstance(parent, nodes.reference | nodes.title):
            return
        domain = self.env.domains["py"]
        assert isinstance(domain, PythonDomain)
        found = domain.objects.get(re.sub(r"^fc\.", "forecast.", name))
        if found:
            page = self.env.docname
            link = make_refnode(
                self.app.builder, page, found.docname, found.node_id, literal.deepcopy()
            )
            parent.replace(literal, link)


def breakable(found: re.Match[str]) -> str:
    """Let a long name break after its dots and underscores; a long one only on narrow screens."""
    name = found[1]
    if len(name) <= LONG:
        return found[0]
    chance = "<wbr>" if len(name) > VERY_LONG else '<wbr class="narrow">'
    broken = re.sub(rf"([/._(\[=,]+)(?=[^\s/._(\[=,])(?!{ENDING})", rf"\1{chance}", name)
    return f'<span class="pre">{broken}</span>'


def aligned(table: re.Match[str]) -> str:
    """Tell columns of words in a table of pandas from columns of numbers."""
    rows = re.findall(r"<tr.*?</tr>", table[0], flags=re.DOTALL)
    found = (re.findall(r"<td>(.*?)</td>", row, flags=re.DOTALL) for row in rows)
    cells = [row for row in found if row]
    if len({len(row) for row in cells}) != 1:
        return table[0]
    words = [not all(map(NUMBER.fullmatch, column)) for column in zip(*cells, strict=True)]

    def marked(row: re.Match[str]) -> str:
        kind = "td" if "<td>" in row[0] else "th"
        opened = iter([False] * (row[0].count(f"<{kind}>") - len(words)) + words)
        return re.sub(
            f"<{kind}>", lambda each: f'<{kind} class="words">' if next(opened) else each[0], row[0]
        )

    return re.sub(r"<tr.*?</tr>", marked, table[0], flags=re.DOTALL)


def html(app: Sphinx, page: str, template: str, context: dict[str, Any], tree: Any) -> None:
    """Mend the page that is about to be written."""
    body = context.get("body", "")
    body = re.sub(r'<span class="pre">([^<]*)</span>', breakable, body)
    if page.startswith("notebooks/"):
        body = re.sub(r'<table border="1" class="dataframe">.*?</table>', aligned, body, flags=re.S)
    context["body"] = body


def signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, arguments: str, returns: str
) -> tuple[str, str] | None:
    """Show a class without its private fields, and a protocol without the arguments it has not."""
    if what != "class" or not arguments:
        return None
    if getattr(thing, "_is_protocol", False):
        return "", returns
    kept = inspect.signature(thing).parameters
    if not any(each.startswith("_") for each in kept):
        return None
    return re.sub(r", _\w+(?:=[^,)]*)?", "", arguments), returns


def setup(app: Sphinx) -> dict[str, bool]:
    """Join the build."""
    app.add_post_transform(Words)
    app.connect("html-page-context", html)
    app.connect("autodoc-process-signature", signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
