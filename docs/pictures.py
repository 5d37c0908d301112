"""Draw the pictures of `guide/reading_the_report.md` from the sample: `python docs/pictures.py`."""

from collections.abc import Callable
from pathlib import Path

from matplotlib.axes import Axes

import forecast as fc
from forecast.report import (
    bias_by_origin,
    cohort_bias,
    decile_calibration,
    error_ratios,
    forecast_periods,
    lift_curve,
    pit_histogram,
    reliability,
    tracking,
    tracking_cumulative,
)
from forecast.report.style import drawing

FOLDER = Path(__file__).parent / "guide" / "pictures"
MODELS = ("btyd", "customer_regression", "own_rate")

ledger = fc.read_ledger(fc.load_sample(), customer="customer_id", date="date", value="amount")
found = fc.MODELS["btyd"].fit(ledger).forecast("26W", draws=500, seed=0)
bt = fc.backtest(
    ledger, {name: fc.MODELS[name] for name in MODELS}, horizon="13W", origins=4, draws=200, seed=0
)
pictures: dict[str, Callable[[Axes], Axes]] = {
    "forecast": lambda ax: forecast_periods(found, ledger, ax=ax),
    "error_ratios": lambda ax: error_ratios(bt.compare(), ax=ax),
    "bias_by_origin": lambda ax: bias_by_origin(bt, ax=ax),
    "tracking": lambda ax: tracking(bt, "btyd", ax=ax),
    "tracking_cumulative": lambda ax: tracking_cumulative(bt, "btyd", ax=ax),
    "cohort_bias": lambda ax: cohort_bias(bt, "btyd", ax=ax),
    "decile_calibration": lambda ax: decile_calibration(bt, "btyd", ax=ax),
    "reliability": lambda ax: reliability(bt, "btyd", ax=ax),
    "pit_histogram": lambda ax: pit_histogram(bt, "btyd", ax=ax),
    "lift_curve": lambda ax: lift_curve(bt, list(MODELS), ax=ax),
}
for name, draw in pictures.items():
    figure, axes = drawing(height=5.0 if name == "cohort_bias" else 3.2)
    draw(axes)
    figure.savefig(FOLDER / f"{name}.png", dpi=110, facecolor="white", metadata={"Software": None})
