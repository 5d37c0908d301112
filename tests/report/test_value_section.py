"""Tables of money have headings in words, units where they are money, pictures of a fit size."""

import re

import numpy as np
import pandas as pd

from forecast.report.content import Figures, Table
from forecast.report.value_section import value_section
from forecast.value import concentration


def table(frame: pd.DataFrame) -> Table:
    [found] = [part for part in value_section({"name": frame}, "EUR").parts
               if isinstance(part, Table)]  # fmt: skip
    return found


def test_only_groups_with_a_cost_take_room_in_the_picture() -> None:
    ratio = pd.DataFrame(
        {
            name: [2.0, 3.0] + [np.nan] * 38
            for name in ("ltv_cac", "ltv_cac_lo_90", "ltv_cac_hi_90")
        },
        index=pd.Index([f"g{number}" for number in range(40)], name="channel"),
    )
    [figures] = [
        part for part in value_section({"ratio": ratio}, None).parts if isinstance(part, Figures)
    ]
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', figures.items[0].svg)
    assert box is not None
    assert float(box[2]) < 0.5 * float(box[1])


def test_shares_of_value_are_no_money() -> None:
    values = pd.Series([4.0, 3.0, 2.0, 1.0])
    shares = pd.DataFrame({"past": concentration(values), "predicted": concentration(values)})
    assert list(table(shares).head)[1:] == ["past", "predicted"]
    money = pd.DataFrame({"past": [10.0], "predicted": [5.0]}, index=pd.Index(["A"], name="abc"))
    assert list(table(money).head)[1:] == ["past, EUR", "predicted, EUR"]


def test_break_even_says_what_its_columns_mean() -> None:
    row = {
        "lever": "retention",
        "lowest": 1.0,
        "highest": 2.0,
        "at": 1.1,
        "at_05": 1.0,
        "at_95": 1.8,
    }
    assert list(table(pd.DataFrame([row])).head) == [
        "lever", "lowest tried", "highest tried", "pays on average from", "pays, 5 % chance from",
        "pays, 95 % chance from",
    ]  # fmt: skip
