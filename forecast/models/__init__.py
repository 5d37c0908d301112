"""The models, one Forecaster a file, and the registry. A new model is a file and a line here."""

from collections.abc import Iterator, Mapping
from copy import deepcopy

from forecast.forecaster import Forecaster
from forecast.models.btyd.btyd import BTYD
from forecast.models.cohorts.cohort_curve import CohortCurve
from forecast.models.contracts.contract_retention import ContractRetention
from forecast.models.ensemble.ensemble import Ensemble
from forecast.models.formulas.formula_values import formula_values
from forecast.models.formulas.ltv_formula import LTVFormula
from forecast.models.learned.boosting import GradientBoosting
from forecast.models.learned.customer_regression import CustomerRegression
from forecast.models.naive import LastYear, OwnRate, Zero
from forecast.models.newcomers.newcomer_value import newcomer_value
from forecast.models.rate_model import RateModel
from forecast.models.series.seasonal_series import SeasonalSeries

__all__ = [
    "BTYD",
    "MODELS",
    "CohortCurve",
    "ContractRetention",
    "CustomerRegression",
    "Ensemble",
    "GradientBoosting",
    "LTVFormula",
    "LastYear",
    "OwnRate",
    "RateModel",
    "SeasonalSeries",
    "Zero",
    "default_models",
    "formula_values",
    "newcomer_value",
]


class Registry(Mapping[str, Forecaster]):
    """Models by name; each look-up gives a fresh copy, so the registry stays unfitted."""

    def __init__(self, models: Mapping[str, Forecaster]) -> None:
        self._models = dict(models)

    def __getitem__(self, name: str) -> Forecaster:
        return deepcopy(self._models[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def __repr__(self) -> str:
        return f"MODELS({', '.join(self._models)})"


MODELS = Registry({
    "ensemble": Ensemble(),
    "btyd": BTYD(purchases="mbgnbd", spend="gamma_gamma_all"),
    "bgnbd": BTYD(purchases="bgnbd", spend="gamma_gamma"),
    "bgnbd_lifetimes": BTYD(purchases="bgnbd", spend="gamma_gamma", engine="lifetimes"),
    "cohort_curve": CohortCurve(),
    "customer_regression": CustomerRegression(),
    "hurdle_regression": CustomerRegression("hurdle"),
    "boosting": GradientBoosting(),
    "poisson_regression": CustomerRegression("poisson", around="btyd"),
    "seasonal_series": SeasonalSeries(),
    "ets": SeasonalSeries(method="ets"),
    "sarimax": SeasonalSeries(method="sarimax"),
    "formula_arpu": LTVFormula("arpu"),
    "formula_aov": LTVFormula("aov"),
    "own_rate": OwnRate(),
    "last_year": LastYear(),
    "zero": Zero(),
})  # fmt: skip


def default_models() -> dict[str, Forecaster]:
    """Return fresh, unfitted copies of the models to compare, by name.

    All of the registry but ``zero``, which every leaderboard shows anyway.
    """
    return {name: model for name, model in MODELS.items() if name != "zero"}
