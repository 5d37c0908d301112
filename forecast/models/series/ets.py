"""Exponential smoothing, with or without a damped trend: statsmodels' ETSModel on logarithms."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.models.series.state import StateSpace

__all__ = ["SmoothingFilter"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SmoothingFilter:
    """The parameters of exponential smoothing, and the effects of events that it takes as known.

    Attributes
    ----------
    params : tuple of float
        In the order of statsmodels; with starting values where the series was short.
    trend : bool
        Whether there is a damped trend.
    start : str
        How statsmodels starts: ``"heuristic"`` or ``"estimated"``.
    variance : float
        Of an error, in squared logarithms.
    effects : array of float, shape (events,)
    """

    params: tuple[float, ...]
    trend: bool
    start: str
    variance: float
    effects: FloatArray

    @classmethod
    def learn(
        cls, log: FloatArray, columns: FloatArray, effects: FloatArray, *, trend: bool
    ) -> tuple["SmoothingFilter", bool]:
        """Fit ETS(A,N,N) and, where a trend may be, ETS(A,Ad,N); keep the one of the lower AICc.

        In its innovations form (Hyndman, Koehler, Ord & Snyder 2008, ch. 2) with error e,

            y_t = l + phi b + e_t,    l' = l + phi b + alpha e_t,    b' = phi b + beta e_t,

        a state space model whose core is (l, b, e).

        Parameters
        ----------
        log : array of float, shape (steps,)
            Free of season; missing values are filled along a line.
        columns : array of float, shape (steps, events)
        effects : array of float, shape (events,)
        trend : bool
            Whether a damped trend may be: without a season a rising season looks like one.

        Returns
        -------
        found : SmoothingFilter
        converged : bool
        """
        from threadpoolctl import threadpool_limits

        rest = _whole(log - columns @ effects)
        # the heuristic starting values need ten steps
        start = "heuristic" if len(log) >= 10 else "estimated"
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")  # what matters, the end of the search, is returned
            tried = [
                (_model(rest, start, damped).fit(disp=False), damped)
                for damped in ((False, True) if trend else (False,))
            ]
        best, damped = min(tried, key=lambda each: float(each[0].aicc))
        params = tuple(float(each) for each in best.params)
        found = cls(params, damped, start, float(np.mean(best.resid**2)), effects)
        return found, bool(best.mle_retvals.get("converged", False))

    def stand(
        self, log: FloatArray, columns: FloatArray, *, scale: float, shift: float
    ) -> StateSpace:
        """Return the model as it stands at the end of a series."""
        from threadpoolctl import threadpool_limits

        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore")
            model = _model(_whole(log - columns @ self.effects), self.start, self.trend)
            seen = model.smooth(np.array(self.params))
        given = dict(zip(seen.param_names, self.params, strict=True))
        alpha, beta = given["smoothing_level"], given.get("smoothing_trend", 0.0)
        phi = given.get("damping_trend", 0.0)
        slope = float(seen.slope[-1]) if self.trend else 0.0
        errors = np.diag([0.0, 0.0, self.variance])
        state = StateSpace.of_one_model(
            scale=scale,
            shift=shift,
            transition=np.array([[1.0, phi, alpha], [0.0, phi, beta], [0.0, 0.0, 0.0]]),
            design=np.array([1.0, phi, 1.0]),
            core=np.array([float(seen.level[-1]), slope, 0.0]),
            core_cov=errors,
            drift_cov=errors,
            effects=np.zeros(0),
        )
        return state.with_known(self.effects)


def _model(log: FloatArray, start: str, damped: bool) -> Any:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    form: dict[str, Any] = {"trend": "add", "damped_trend": True} if damped else {}
    return ETSModel(log, initialization_method=start, **form)


def _whole(log: FloatArray) -> FloatArray:
    steps, known = np.arange(len(log)), np.isfinite(log)
    return np.interp(steps, steps[known], log[known])
