"""Questions people ask: every line on the page runs, in order, and prints what the page says."""

import doctest
import re
from pathlib import Path

import pytest

import forecast as fc

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "questions.md"


def test_every_answer_prints_what_the_page_says() -> None:
    blocks = re.findall(r"```pycon\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    examples = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, PAGE.name, str(PAGE), 0)
    assert sum(bool(each.want) for each in examples.examples) >= 20
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    runner.run(examples, out=said.append)
    assert not said, "".join(said)


def test_the_drawing_of_a_customer_is_right() -> None:
    (drawing,) = re.findall(r"```text\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    ledger = fc.read_ledger(fc.load_cdnow(sample=True), key=(), cutoff="1997-09-30")
    who = fc.customer_summary(ledger).loc["0001"]
    days = [f"{who[name]:%Y-%m-%d}" for name in ("first_purchase", "last_purchase")]
    spans = [int(days) for days in re.findall(r" (\d+) -", drawing)]
    assert re.findall(r"\d{4}-\d\d-\d\d", drawing) == [*days, "1997-09-30"]
    assert spans == [who["recency"], who["T"] - who["recency"], who["T"]]


@pytest.mark.slow
def test_what_the_page_tells_of_the_ensemble_and_of_silence() -> None:
    text = " ".join(PAGE.read_text("utf-8").split())
    whole = fc.read_ledger(fc.load_cdnow(sample=True), key=())
    ledger = whole.cut("1997-09-30")
    people = fc.customer_summary(ledger)
    silence = people["T"] - people["recency"]
    quiet = people.index[silence.between(90, 150) & (people["frequency"] >= 4)]
    came = whole.actuals("1997-09-30", "39W")["purchases"].reindex(quiet) > 0
    models = {name: fc.MODELS[name].fit(ledger) for name in ("btyd", "ensemble")}
    expected = {
        name: model.forecast("39W", draws=0).customers["p_active"].reindex(quiet).mean()
        for name, model in models.items()
    }
    assert f"of {len(quiet)} customers with four or more repeat purchases" in text
    assert (
        f"`btyd` expected {100 * expected['btyd']:.0f} % back within 39 weeks and "
        f"{100 * came.mean():.0f} % came; the ensemble says {100 * expected['ensemble']:.0f} %"
    ) in text
    totals = models["ensemble"].forecast("26W").interval(0.9).loc["purchases"]
    assert f"says {totals['lo']:,.0f} to {totals['hi']:,.0f}" in text


def test_the_readme_leads_to_every_question() -> None:
    titles = re.findall(r"^## (.*)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)
    slugs = [re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles]
    readme = (PAGE.parents[2] / "README.md").read_text("utf-8")
    assert sorted(re.findall(r"questions\.md#([^)]+)\)", readme)) == sorted(slugs)
    assert len(slugs) == 20
