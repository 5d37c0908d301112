"""ARIMA errors around Fourier terms and events: statsmodels' SARIMAX on logarithms."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.models.series.state import StateSpace

__all__ = ["fit_sarimax"]

FloatArray = npt.NDArray[np.float64]


def fit_sarimax(
    log: FloatArray, waves: FloatArray, events: FloatArray, *, scale: float, shift: float
) -> tuple[StateSpace, int, bool]:
    """Fit ARIMA(0,1,1) or (1,1,1) errors around regressors, all by AICc.

    Pairs are added while AICc falls; the autoregression is tried last. A season by Fourier terms
    instead of a seasonal ARIMA: with a year of 52.18 weeks that has no whole number of lags
    (Hyndman & Athanasopoulos 2021, 12.1). Effects carry their standard errors into the forecast;
    the ARIMA parameters are held.

    Parameters
    ----------
    log : array of float, shape (steps,)
        Missing values are allowed.
    waves : array of float, shape (steps, 2 * pairs)
        Cosine and sine of 1, 2, ... cycles a year, as many as may be taken.
    events : array of float, shape (steps, events)

    Returns
    -------
    state : StateSpace
        Its effects are those of the pairs taken, then of the events.
    taken : int
        How many pairs.
    converged : bool
    """
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # what matters, the end of the search, is returned
        best, taken = _fitted(log, events, (0, 1, 1)), 0
        for count in range(1, waves.shape[1] // 2 + 1):
            columns = np.concatenate([waves[:, : 2 * count], events], axis=1)
            more = _fitted(log, columns, (0, 1, 1))
            if more.aicc >= best.aicc:
                break
            best, taken = more, count
        columns = np.concatenate([waves[:, : 2 * taken], events], axis=1)
        best = min(best, _fitted(log, columns, (1, 1, 1)), key=lambda each: float(each.aicc))
        cov = np.asarray(best.cov_params())
    effects, system = columns.shape[1], best.model.ssm
    selection = system["selection"]
    known = np.nan_to_num(cov[:effects, :effects])
    state = StateSpace.of_one_model(
        scale=scale,
        shift=shift,
        transition=system["transition"],
        design=system["design"][0],
        core=best.predicted_state[:, -1],
        core_cov=best.predicted_state_cov[:, :, -1],
        drift_cov=selection @ system["state_cov"] @ selection.T,
        effects=np.asarray(best.params[:effects]),
        effects_cov=(known + known.T) / 2,
    )
    return state, taken, bool(best.mle_retvals.get("converged", False))


def _fitted(log: FloatArray, columns: FloatArray, order: tuple[int, int, int]) -> Any:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    exog = columns if columns.shape[1] else None
    model = SARIMAX(log, exog, order=order, enforce_invertibility=True)
    return model.fit(disp=False, maxiter=100, cov_type="approx")
