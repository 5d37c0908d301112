"""ARIMA errors around Fourier terms and events: statsmodels' SARIMAX on logarithms."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.models.series.state import StateSpace

__all__ = ["ArimaFilter"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ArimaFilter:
    """The parameters of ARIMA errors around regressors.

    Attributes
    ----------
    order : tuple of int
        Of the ARIMA.
    params : tuple of float
        In the order of statsmodels: effects first.
    effects_cov : array of float, shape (effects, effects)
    """

    order: tuple[int, int, int]
    params: tuple[float, ...]
    effects_cov: FloatArray

    @classmethod
    def learn(
        cls, log: FloatArray, waves: FloatArray, events: FloatArray
    ) -> tuple["ArimaFilter", int, bool]:
        """Fit ARIMA(0,1,1) or (1,1,1) errors around regressors, all by AICc.

        Pairs are added while AICc falls; the autoregression is tried last. A season by Fourier
        terms instead of a seasonal ARIMA: with a year of 52.18 weeks that has no whole number of
        lags (Hyndman & Athanasopoulos 2021, 12.1). Effects carry their standard errors into the
        forecast; the ARIMA parameters are held.

        Parameters
        ----------
        log : array of float, shape (steps,)
            Missing values are allowed.
        waves : array of float, shape (steps, 2 * pairs)
            Cosine and sine of 1, 2, ... cycles a year, as many as may be taken.
        events : array of float, shape (steps, events)

        Returns
        -------
        found : ArimaFilter
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
        known = np.nan_to_num(cov[: columns.shape[1], : columns.shape[1]])
        params = tuple(float(each) for each in best.params)
        found = cls(tuple(best.model.order), params, (known + known.T) / 2)
        return found, taken, bool(best.mle_retvals.get("converged", False))

    def stand(
        self, log: FloatArray, columns: FloatArray, *, scale: float, shift: float
    ) -> StateSpace:
        """Return the model as it stands at the end of a series."""
        from threadpoolctl import threadpool_limits

        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            seen = _model(log, columns, self.order).smooth(np.array(self.params))
        system = seen.model.ssm
        selection = system["selection"]
        return StateSpace.of_one_model(
            scale=scale,
            shift=shift,
            transition=system["transition"],
            design=system["design"][0],
            core=seen.predicted_state[:, -1],
            core_cov=seen.predicted_state_cov[:, :, -1],
            drift_cov=selection @ system["state_cov"] @ selection.T,
            effects=np.array(self.params[: columns.shape[1]]),
            effects_cov=self.effects_cov,
        )


def _model(log: FloatArray, columns: FloatArray, order: tuple[int, int, int]) -> Any:
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    exog = columns if columns.shape[1] else None
    return SARIMAX(log, exog, order=order, enforce_invertibility=True)


def _fitted(log: FloatArray, columns: FloatArray, order: tuple[int, int, int]) -> Any:
    return _model(log, columns, order).fit(disp=False, maxiter=100, cov_type="approx")
