"""Questions people ask: every line on the page runs, in order, and prints what the page says."""

import doctest
import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "questions.md"


def test_every_answer_prints_what_the_page_says() -> None:
    blocks = re.findall(r"```pycon\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert sum(bool(each.want) for each in examples.examples) >= 20
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(examples, out=said.append)
    assert not said, "".join(said)
