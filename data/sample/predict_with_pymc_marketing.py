"""Make pymc_marketing_predictions.csv.gz: the sample's customers as pymc-marketing sees them.

Run it where requirements-pymc.lock is installed; `make legs` makes that environment, and makes the
predictions of one day anew to compare.
"""

import sys
from pathlib import Path

import pandas as pd
from pymc_marketing import clv

import forecast as fc

WEEKS = 13
DAYS = ["2010-11-30", "2011-02-28", "2011-05-31", "2011-08-31"]  # windows that touch, none overlaps


def predictions(day: str, draws: int = 500) -> pd.DataFrame:
    """One row a customer known on the day, with nothing later than it in view."""
    log = fc.read_ledger(fc.load_sample(), customer="customer_id", date="date", value="amount")
    purchases = log.cut(day).purchases()  # customer-days, refunds netted
    data = clv.rfm_summary(
        purchases,
        "customer_id",
        "date",
        "value",
        observation_period_end=day,
        time_unit="D",
        time_scaler=7,
    )
    buying = clv.BetaGeoModel()
    buying.fit(data, chains=4, draws=draws, tune=draws, random_seed=1, progressbar=False)
    spending = clv.GammaGammaModel()
    spending.fit(data[data["monetary_value"] > 0], method="map", progressbar=False)
    answers = {
        "expected_purchases": buying.expected_purchases(data, future_t=WEEKS),
        "expected_probability_alive": buying.expected_probability_alive(data),
        "expected_customer_spend": spending.expected_customer_spend(data),
    }
    for name, answer in answers.items():
        means = answer.mean(("chain", "draw")).to_series()
        data[name] = means.loc[data["customer_id"]].to_numpy()
    return data.assign(cutoff=day)


if __name__ == "__main__":
    made = pd.concat([predictions(day) for day in sys.argv[1:] or DAYS])
    path = Path(__file__).with_name("pymc_marketing_predictions.csv.gz")
    compression = {"method": "gzip", "mtime": 0}  # the same bytes whenever it is made
    made.to_csv(path, index=False, float_format="%.5g", compression=compression)
