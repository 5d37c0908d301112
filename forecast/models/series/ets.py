"""Exponential smoothing, with or without a damped trend: statsmodels' ETSModel on logarithms."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.models.series.state import StateSpace

__all__ = ["fit_ets"]

FloatArray = npt.NDArray[np.float64]


def fit_ets(log: FloatArray, *, scale: float, shift: float, trend: bool) -> tuple[StateSpace, bool]:
    """Fit ETS(A,N,N) and, where a trend may be, ETS(A,Ad,N); keep the one of the lower AICc.

    In its innovations form (Hyndman, Koehler, Ord & Snyder 2008, ch. 2) with error e,

        y_t = l + phi b + e_t,    l' = l + phi b + alpha e_t,    b' = phi b + beta e_t,

    a state space model whose core is (l, b, e).

    Parameters
    ----------
    log : array of float, shape (steps,)
        Free of season and events; missing values are filled along a line.
    trend : bool
        Whether a damped trend may be: without a season a rising season looks like one.

    Returns
    -------
    state : StateSpace
    converged : bool
    """
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel
    from threadpoolctl import threadpool_limits

    steps, known = np.arange(len(log)), np.isfinite(log)
    whole = np.interp(steps, steps[known], log[known])
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # what matters, the end of the search, is returned
        # the heuristic starting values need ten steps
        start = "heuristic" if len(log) >= 10 else "estimated"
        forms: list[dict[str, Any]] = [{}]
        if trend:
            forms.append({"trend": "add", "damped_trend": True})
        tried = [
            ETSModel(whole, initialization_method=start, **form).fit(disp=False) for form in forms
        ]
    best = min(tried, key=lambda each: float(each.aicc))
    given = dict(zip(best.param_names, best.params, strict=True))
    alpha, beta = given["smoothing_level"], given.get("smoothing_trend", 0.0)
    phi = given.get("damping_trend", 0.0)
    level = float(best.level[-1])
    slope = float(best.slope[-1]) if "smoothing_trend" in given else 0.0
    errors = np.diag([0.0, 0.0, float(np.mean(best.resid**2))])
    state = StateSpace.of_one_model(
        scale=scale,
        shift=shift,
        transition=np.array([[1.0, phi, alpha], [0.0, phi, beta], [0.0, 0.0, 0.0]]),
        design=np.array([1.0, phi, 1.0]),
        core=np.array([level, slope, 0.0]),
        core_cov=errors,
        drift_cov=errors,
        effects=np.zeros(0),
    )
    return state, bool(best.mle_retvals.get("converged", False))
