"""What may stand in a model file: classes and functions by name, and the fields that are kept.

Only what is listed here is written or read; a file cannot name anything else. A class that is not
here, such as a model of one's own, is refused by name.
"""

from collections.abc import Callable
from typing import Any

from forecast.models.analogue import Analogues
from forecast.models.btyd.btyd import BTYD
from forecast.models.btyd.covariates import Category, Coding, Number, WithTraits
from forecast.models.btyd.fit import BTYDFit
from forecast.models.btyd.lifetimes_engine import LifetimesProcess, LifetimesSpend
from forecast.models.btyd.parameters import OneForAll
from forecast.models.btyd.pooling import Effects, PartiallyPooled
from forecast.models.btyd.spend import OrderDrift
from forecast.models.cohorts.age_curve import falling_tail, level_tail
from forecast.models.cohorts.cohort_curve import CohortCurve
from forecast.models.cohorts.cohorts import Developments
from forecast.models.cohorts.ladder import Development
from forecast.models.contracts.contract_retention import ContractRetention
from forecast.models.contracts.payments import Pricing
from forecast.models.ensemble.ensemble import Ensemble
from forecast.models.ensemble.evidence import Evidence
from forecast.models.formulas.flow import Pace
from forecast.models.formulas.ltv_formula import LTVFormula
from forecast.models.kept_fit import KeptFit
from forecast.models.learned.boosting import Boosted, GradientBoosting
from forecast.models.learned.customer_regression import CustomerRegression
from forecast.models.learned.day_models import DayModels, Money
from forecast.models.learned.lesson import Lesson
from forecast.models.learned.regressions import Hurdle, LinearModel, Scaled, Scaling
from forecast.models.lessons import Lessons
from forecast.models.naive import LastYear, OwnRate, Zero
from forecast.models.series.ets import SmoothingFilter
from forecast.models.series.events import StepEvents
from forecast.models.series.fit import FittedSeries
from forecast.models.series.line import Line
from forecast.models.series.local_level import LevelFilter
from forecast.models.series.sarimax import ArimaFilter
from forecast.models.series.season import YearlySeason
from forecast.models.series.seasonal_series import SeasonalSeries
from forecast.models.series.state import StateSpace
from forecast.processes import (
    BGCNBD,
    BGNBD,
    MBGCNBD,
    MBGNBD,
    NBD,
    Clock,
    GammaGamma,
    ParetoNBD,
    ShiftedBetaGeometric,
    WithCovariates,
)
from forecast.processes.posterior import Posterior

__all__ = ["ANY_NUMBER", "DROPPED", "FUNCTIONS", "MODELS", "PARTS", "learned_on"]

# model -> what it learned, beside its settings
MODELS: dict[type, tuple[str, ...]] = {
    BTYD: ("fitted_", "learned_on_"),
    CohortCurve: ("developments_", "lessons_"),
    ContractRetention: ("retention_", "others_", "late_", "pricing_", "learned_on_"),
    CustomerRegression: ("lessons_",),
    Ensemble: ("fitted_", "failed_", "lessons_"),
    GradientBoosting: ("lessons_",),
    LTVFormula: ("pace_", "lessons_"),
    LastYear: (),
    OwnRate: (),
    SeasonalSeries: ("learned_on_", "total_", "groups_", "events_"),
    Zero: (),
}
PARTS: dict[str, Any] = {
    each.__name__: each
    for each in (
        *MODELS,
        Analogues, ArimaFilter, BGCNBD, BGNBD, BTYDFit, Boosted, Category, Clock, Coding, DayModels,
        Development, Developments, Effects, Evidence, FittedSeries, GammaGamma, Hurdle, KeptFit,
        Lesson, Lessons, LevelFilter, LifetimesProcess, LifetimesSpend, Line, LinearModel, MBGCNBD,
        MBGNBD, Money, NBD, Number, OneForAll, OrderDrift, Pace, ParetoNBD, PartiallyPooled,
        Posterior, Pricing, Scaled, Scaling, ShiftedBetaGeometric, SmoothingFilter, StateSpace,
        StepEvents, WithCovariates, WithTraits, YearlySeason,
    )
}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {"falling_tail": falling_tail, "level_tail": level_tail}
# fields that hold the customers the model was learned from
DROPPED: dict[type, tuple[str, ...]] = {KeptFit: ("source",), Lessons: ("ledger",)}
# fields in which a number may be missing or infinite; anywhere else that is damage
ANY_NUMBER = {
    "KeptFit": ("standard_errors", "covariance_log", "by_k"),
    "Posterior": ("pareto_k", "effective_size"),
}


def learned_on(model: Any) -> Any:
    """Return the last day a model learned from, None if it has not been fitted."""
    lessons, ledger = getattr(model, "lessons_", None), getattr(model, "ledger_", None)
    if lessons is not None:
        return lessons.cutoff
    given = getattr(model, "learned_on_", None) or getattr(model, "cutoff_", None)
    return given if given is not None or ledger is None else ledger.cutoff
