"""The section of checks: what in data, models or backtest misleads, and what to do about it."""

from collections.abc import Sequence

import pandas as pd

from forecast.backtest.checks import Check
from forecast.report.content import Part, Prose, Section, Table
from forecast.report.formats import MISSING

__all__ = ["checks_section"]


def checks_section(fired: Sequence[Check]) -> Section:
    """Return the checks that fired, causes first, each with its remedy."""
    frame = pd.DataFrame(
        [
            (check.id, check.severity, check.sentence, check.remedy, ", ".join(check.causes))
            for check in fired
        ],
        columns=["id", "severity", "sentence", "remedy", "causes"],
    )
    parts: list[Part] = []
    if fired:
        columns = {
            "id": ("Check", None),
            "severity": ("Severity", None),
            "sentence": ("What is wrong", None),
            "remedy": ("What to do", None),
            "causes": ("May follow from", None),
        }
        shown = frame.replace({"causes": {"": MISSING}})
        parts.append(Table.of(shown, caption="Checks that fired", columns=columns))
    else:
        parts.append(Prose(("No check fired. What could not be judged is not accused.",)))
    rule = (
        "Every check has a size of one in a thousand and a floor below which no effect is "
        "accused. A check that may follow from another is mended by mending that one first."
    )
    return Section("checks", "Checks", [*parts, Prose((rule,), small=True)], {"checks": frame})
