"""The pictures of unit economics show each group's numbers, its cost, and the ratio to reach."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from forecast.errors import UsageError
from forecast.report import ltv_to_cac, payback_curves
from forecast.report.style import drawing


def economics() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ltv_cac": [4.0, np.nan, 2.0],
            "ltv_cac_lo_90": [3.5, np.nan, 1.5],
            "ltv_cac_hi_90": [5.0, np.nan, 2.5],
            "p_above_2.5": [1.0, np.nan, 0.05],
        },
        index=pd.Index(["search", "organic", "social"], name="channel"),
    )


def curves(groups: int) -> pd.DataFrame:
    names = [*(f"g{number}" for number in range(groups)), "(all)"]
    rows = [(name, month, 100 - place, 10.0 * month) for place, name in enumerate(names)
            for month in (1, 2, 3)]  # fmt: skip
    table = pd.DataFrame(
        rows, columns=["channel", "age_months", "customers", "margin_per_customer"]
    )
    return table.assign(lo=table["margin_per_customer"] - 1, hi=table["margin_per_customer"] + 1)


def test_ratio_of_groups_with_a_cost_and_the_ratio_to_reach() -> None:
    ax = ltv_to_cac(economics(), ax=Figure().add_subplot())
    assert [each.get_text() for each in ax.get_yticklabels()] == ["search", "social"]
    assert ax.lines[0].get_xdata().tolist() == [4.0, 2.0]
    segments = [each.tolist() for each in ax.collections[0].get_segments()]
    assert segments == [[[3.5, 0.0], [5.0, 0.0]], [[1.5, 1.0], [2.5, 1.0]]]
    assert [line.get_xdata()[0] for line in ax.lines[1:]] == [1, 2.5]


def test_the_ratio_of_all_is_shown_where_every_cost_is_known() -> None:
    everybody = pd.DataFrame(
        {"ltv_cac": [3.0], "ltv_cac_lo_90": [2.0], "ltv_cac_hi_90": [4.0], "p_above_2.5": [0.7]},
        index=pd.Index(["(all)"], name="channel"),
    )
    for table, shown in (
        (economics(), ["search", "social"]),  # organic has no cost: (all) would count it as free
        (economics().dropna(), ["search", "social", "(all)"]),
        (economics().loc[["organic"]], ["(all)"]),
    ):
        ax = ltv_to_cac(pd.concat([table, everybody]), ax=Figure().add_subplot())
        assert [each.get_text() for each in ax.get_yticklabels()] == shown


@pytest.mark.parametrize("name", ["search", "United Kingdom", "a channel of a long name"])
def test_names_of_groups_leave_room_for_the_legend(name: str) -> None:
    figure, ax = drawing(height=2.5)
    table = economics().rename(index={"search": name}, columns={"p_above_2.5": "p_above_3"})
    ltv_to_cac(table, ax=ax)
    figure.draw_without_rendering()
    legend = ax.get_legend()
    assert legend is not None
    assert legend.get_window_extent().x1 <= figure.bbox.x1


def test_ratio_needs_a_cost() -> None:
    for table in (economics().drop(columns="ltv_cac"), economics().loc[["organic"]]):
        with pytest.raises(UsageError, match="unit_economics"):
            ltv_to_cac(table)


def test_cost_lines_end_where_the_cost_is_paid_back() -> None:
    cac = pd.Series({"g0": 15.0, "g1": 99.0, "(all)": 40.0})
    ax = payback_curves(curves(2), cac, ax=Figure().add_subplot())
    assert [line.get_label() for line in ax.lines] == ["g0", "g1"]  # not everybody beside groups
    lines = [each for each in ax.collections if isinstance(each, LineCollection)]
    levels = [each.get_segments()[0].tolist() for each in lines]
    assert levels == [[[0.0, 15.0], [1.5, 15.0]], [[0.0, 99.0], [3.0, 99.0]]]
    assert "currency" in ax.get_ylabel()
    assert "months of 30 days" in ax.get_xlabel()


def test_the_eight_largest_groups_are_drawn_and_said() -> None:
    ax = payback_curves(curves(12), ax=Figure().add_subplot())
    assert [line.get_label() for line in ax.lines] == [f"g{number}" for number in range(8)]
    assert "8 largest" in ax.get_title(loc="left") + ax.get_title()


def test_everybody_alone() -> None:
    ax = payback_curves(curves(0), ax=Figure().add_subplot())
    assert [line.get_label() for line in ax.lines] == ["(all)"]
    with pytest.raises(UsageError, match="curves"):
        payback_curves(curves(0).head(0))
