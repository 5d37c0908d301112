"""A figure becomes one clean element of the page."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.report.style import COLOUR, drawing
from forecast.report.svg import inline_svg


def make(name: str = "one", title: str = "T", label: str = "a < b") -> str:
    figure, ax = drawing()
    ax.plot([1, 2, 3], [1, 4, 2], "o-", color=COLOUR["blue"], label=label)
    ax.fill_between([1, 2, 3], [0, 3, 1], [2, 5, 3], color=COLOUR["red"], alpha=0.2)
    ax.set_xlabel(label)
    return inline_svg(figure, name=name, title=title, description="D & d")


def test_it_is_one_element_named_and_themed() -> None:
    root = ElementTree.fromstring(make())
    assert root.tag == "svg"
    assert root.attrib["aria-labelledby"] == "one-title one-desc"
    assert [(each.tag, each.text) for each in root][:2] == [("title", "T"), ("desc", "D & d")]
    assert "width" not in root.attrib
    text = make()
    assert "var(--blue)" in text
    assert "var(--red)" in text
    assert not re.search(r"(fill|stroke):#", text)
    assert "font-family" not in text
    assert "<style" not in text
    assert "xlink" not in text


def test_identifiers_of_two_figures_differ() -> None:
    def names(text: str) -> set[str]:
        return set(re.findall(r'id="([^"]+)"', text))

    assert names(make("one")) & names(make("two")) == set()
    used = set(re.findall(r"#([\w-]+)", re.sub(r">[^<]*<", "><", make("one"))))
    assert used <= names(make("one"))


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert make() == make()


@settings(max_examples=10, deadline=None)
@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1))
def test_any_label_stays_text(label: str) -> None:
    root = ElementTree.fromstring(make(title=label, label="x"))
    assert root[0].text == label


@pytest.mark.parametrize(
    "label", ["$x_1$ < $y$", "</text><script>", 'a" onload="b', "#0b67b2", "円", "บาท"]
)
def test_labels_are_not_markup_nor_maths(label: str) -> None:
    root = ElementTree.fromstring(make(label=label))
    assert label in [node.text for node in root.iter("text")]
    assert {node.tag for node in root.iter()} <= {
        *("svg", "title", "desc", "g", "path", "defs", "use", "text", "clipPath", "rect")
    }
