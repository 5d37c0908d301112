"""What the settings of a buy-till-you-die model may be, and which go together."""

from typing import Any

import numpy as np

from forecast.errors import UnsupportedError, UsageError
from forecast.ledger import SummaryTable
from forecast.models.btyd.spend import SPENDS
from forecast.processes import BGCNBD, BGNBD, MBGCNBD, MBGNBD, NBD, GammaGamma, ParetoNBD

__all__ = ["IRREGULAR", "PROCESSES", "check_days", "check_settings", "engine_of"]

PROCESSES: dict[str, Any] = {
    "bgnbd": BGNBD,
    "mbgnbd": MBGNBD,
    "bgcnbd": BGCNBD,
    "mbgcnbd": MBGCNBD,
    "pareto_nbd": ParetoNBD,
    "nbd": NBD,
}
IRREGULAR = {"bgcnbd": BGNBD, "mbgcnbd": MBGNBD}  # the same at k = 1, to estimate a clock with
CALENDAR_DEATH = ("pareto_nbd",)  # customers who leave in calendar time know no other clock


def engine_of(model: Any) -> tuple[dict[str, Any], Any]:
    """Return the purchase processes by name and the spend model of an engine.

    Raises
    ------
    UsageError
        If there is no such engine.
    """
    if model.engine == "own":
        return PROCESSES, GammaGamma
    if model.engine == "lifetimes":
        from forecast.models.btyd.lifetimes_engine import LIFETIMES, LifetimesSpend

        return LIFETIMES, LifetimesSpend
    raise UsageError(f"engine: {model.engine!r} is neither 'own' nor 'lifetimes'.")


def check_days(model: Any, table: SummaryTable) -> None:
    """Refuse by name what a summary table cannot tell."""
    asked = {
        "season": model.season,
        "events": model.events is not None,
        "burn_in": model.burn_in,
        "purchases": model.purchases in (*IRREGULAR, "auto"),
        "spend": table.has_value and model.spend == "drift",
    }
    for name, needs_days in asked.items():
        if needs_days:
            value = "" if name == "events" else f"={getattr(model, name)!r}"
            table.refuse(f"{name}{value}")


def check_settings(model: Any, processes: dict[str, Any]) -> None:
    """Refuse by name what does not exist or does not go together."""
    own, season = model.engine == "own", model.season != 0 or model.events is not None
    if model.purchases not in processes and not (own and model.purchases == "auto"):
        known = ", ".join([*processes, *(["auto"] if own else [])])
        raise UsageError(f"purchases: {model.purchases!r} is not one of {known}.")
    if model.spend not in SPENDS:
        raise UsageError(
            f"spend: {model.spend!r} is not one of {', '.join(SPENDS)}. To forecast purchases "
            "alone, read the log without its value column."
        )
    if model.season != "auto" and not (
        isinstance(model.season, int | np.integer) and model.season >= 0
    ):
        raise UsageError(f"season: {model.season!r} must be 0, a number of pairs, or 'auto'.")
    if not own and (season or model.covariates or model.by or model.spend == "drift"):
        raise UnsupportedError(
            "engine='lifetimes' knows neither season nor events, covariates, groups or drift."
        )
    if season and model.purchases in CALENDAR_DEATH:
        raise UnsupportedError(
            f"{model.purchases} knows neither season nor events: its customers leave in "
            "calendar time, not at purchases. Use bgnbd or mbgnbd."
        )
    if isinstance(model.covariates, str):
        raise UsageError(f"covariates: write ({model.covariates!r},), a sequence of columns.")
    if model.covariates and model.by is not None:
        raise UnsupportedError(
            f"covariates and by do not go together: add {model.by!r} to the covariates, or fit "
            "its groups alone."
        )
