"""The models, one Forecaster a file, and the registry. A new model is a file and a line here."""

from copy import deepcopy

from forecast.forecaster import Forecaster
from forecast.models.btyd import BTYD
from forecast.models.cohort_curve import CohortCurve
from forecast.models.customer_regression import CustomerRegression
from forecast.models.naive import LastYear, OwnRate, Zero
from forecast.models.seasonal_series import SeasonalSeries

__all__ = [
    "BTYD",
    "MODELS",
    "CohortCurve",
    "CustomerRegression",
    "LastYear",
    "OwnRate",
    "SeasonalSeries",
    "Zero",
    "default_models",
]

MODELS: dict[str, Forecaster] = {
    "btyd": BTYD(purchases="mbgnbd", spend="gamma_gamma_all"),
    "bgnbd": BTYD(purchases="bgnbd", spend="gamma_gamma"),
    "bgnbd_lifetimes": BTYD(purchases="bgnbd", spend="gamma_gamma", engine="lifetimes"),
    "cohort_curve": CohortCurve(),
    "customer_regression": CustomerRegression(),
    "seasonal_series": SeasonalSeries(),
    "own_rate": OwnRate(),
    "last_year": LastYear(),
    "zero": Zero(),
}


def default_models() -> dict[str, Forecaster]:
    """Return fresh, unfitted copies of the models to compare, by name.

    All of the registry but ``zero``, which every leaderboard shows anyway.
    """
    return {name: deepcopy(model) for name, model in MODELS.items() if name != "zero"}
