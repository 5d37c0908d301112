"""The bias of one model over ten origins: what a single cutoff hides."""

import numpy as np

import forecast as fc

MONTH_ENDS = [
    "1997-06-30", "1997-07-31", "1997-08-31", "1997-09-30", "1997-10-31",
    "1997-11-30", "1997-12-31", "1998-01-31", "1998-02-28", "1998-03-31",
]  # fmt: skip
BIAS = [0.4, -0.2, -14.9, -13.5, -9.3, -1.6, -7.1, -4.3, 2.9, 26.2]  # per cent, published


def test_bias_of_bgnbd_over_ten_month_ends() -> None:
    orders = fc.load_cdnow(sample=True)
    ledger = fc.read_ledger(orders, customer="customer_id", date="date", key=())
    bt = fc.backtest(
        ledger, {"bgnbd": fc.BTYD("bgnbd")}, horizon="13W", origins=MONTH_ENDS, draws=0,
        populations=("existing",),
    )  # fmt: skip
    curve = bt.by_origin("purchases", "existing")
    bias = curve[curve["model"] == "bgnbd"].sort_values("cutoff")["bias"].to_numpy() * 100
    np.testing.assert_allclose(bias, BIAS, atol=1.0)
