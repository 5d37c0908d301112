"""What models said and where they failed is told once, with the cutoffs it was said at."""

import dataclasses

import pandas as pd

from forecast.backtest import Backtest
from forecast.report.backtest_section import backtest_section
from forecast.report.content import Heading, Section, Table


def tables(section: Section) -> dict[str, Table]:
    return {part.caption: part for part in section.parts if isinstance(part, Table)}


def noted(tested: Backtest, notes: dict[str, list[str]]) -> Backtest:
    """The same backtest, in which all went well and these models said this at each cutoff."""
    runs = tested.runs.assign(status="ok", error="", notes="")
    for model, said in notes.items():
        for cutoff, text in zip(tested.origins, said, strict=True):
            mine = (runs["model"] == model) & (runs["cutoff"] == pd.Timestamp(cutoff))
            runs.loc[mine, "notes"] = text
    return dataclasses.replace(tested, runs=runs)


def test_equal_notes_are_one_line(tested: Backtest) -> None:
    common = "Zeros count; so they do."
    said = {
        "Rate": [common, f"Old.; {common}", f"{common}; Old.", f"New.; {common}"],
        "half": ["careful; no sentence", "", "", ""],
    }
    section = backtest_section(noted(tested, said))
    assert tables(section)["What the models said"].rows == (
        ("Rate", "existing, all", "5 May 2023", "New."),
        ("Rate", "existing, all", "13 January 2023, 10 March 2023", "Old."),
        ("Rate", "existing, all", "all 4", common),
        ("half", "existing, all", "18 November 2022", "careful; no sentence"),
    )
    assert not {"Runs that failed", "Not supported"} & set(tables(section))
    assert Heading("Failures") not in section.parts


def test_failures_stand_in_the_open_and_refusals_do_not(tested: Backtest, evil: str) -> None:
    section = backtest_section(tested)
    found = tables(section)
    assert Heading("Failures") in section.parts
    text = f"Too little history for {evil}."
    assert found["Runs that failed"].rows == (("late", "existing, all", "18 November 2022", text),)
    assert not found["Runs that failed"].folded
    assert found["Not supported"].folded
    assert ("Rate", "all", "all 4") in {row[:3] for row in found["Not supported"].rows}
