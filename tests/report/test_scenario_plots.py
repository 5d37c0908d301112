"""The tornado shows the widest lever on top, with its ends named."""

import pandas as pd
import pytest
from matplotlib.figure import Figure

from forecast.errors import UsageError
from forecast.report import tornado


def test_tornado() -> None:
    ends = {"low": [0.9, 0.9], "high": [1.1, 1.1], "at_low": [-50.0, -10.0], "at_high": [60.0, 9.0]}
    bounds = {
        f"at_{end}_{side}": [x + shift for x in ends[f"at_{end}"]]
        for end in ("low", "high")
        for side, shift in (("lo", -4.0), ("hi", 4.0))
    }
    table = pd.DataFrame(ends | bounds, index=["retention", "order_value"])
    table.attrs["measure"] = "clv"
    ax = tornado(table, ax=Figure().add_subplot())
    assert [each.get_text() for each in ax.get_yticklabels()] == [
        "order_value\n0.9 to 1.1", "retention\n0.9 to 1.1",
    ]  # fmt: skip
    assert sorted(bar.get_width() for bar in ax.patches) == [-50.0, -10.0, 9.0, 60.0]
    assert "clv" in ax.get_xlabel()
    assert "currency" in ax.get_xlabel()
    assert ax.xaxis.get_major_formatter()(-600_000, None) == "−600k"
    with pytest.raises(UsageError, match="tornado"):
        tornado(table.drop(columns="at_low"))
