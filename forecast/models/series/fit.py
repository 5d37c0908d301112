"""From a series to a forecast of it: which season, which method, and what to say about it."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from forecast.models.series.ets import SmoothingFilter
from forecast.models.series.local_level import LevelFilter
from forecast.models.series.sarimax import ArimaFilter
from forecast.models.series.season import YearlySeason, ridge
from forecast.models.series.state import StateSpace
from forecast.models.series.stl import stl_season

__all__ = ["METHODS", "FittedSeries", "fit_series"]

FloatArray = npt.NDArray[np.float64]
Filter = LevelFilter | SmoothingFilter | ArimaFilter

METHODS = ("local_level", "ets", "sarimax", "stl")
PAIRS = 3
_SHRINKAGE = 0.1  # ridge penalty, as a share of the information, with one year of data
_SEASON_PRIOR = 0.35  # logarithms; the second pair has half of it, the third a third
_EVENT_PRIOR = 1.0  # logarithms, at the event's greatest value
_EVENT_PENALTY = 0.1  # observations
_DRIFT_A_YEAR, _UNKNOWN_DRIFT_A_YEAR = 0.2, 1.0  # logarithms: a season not known must drift too
_CONSTANT = 1e-6


@dataclass(frozen=True)
class FittedSeries:
    """A fitted series, asked for its next steps.

    Attributes
    ----------
    state : StateSpace
    season : YearlySeason
    events : int
        How many events it was fitted with.
    kind : str
        ``"season"``, ``"shrunk season"`` or ``"no season"``.
    converged : bool
    known : array of float
        Effects of the season, where it was taken off before.
    filter : LevelFilter, SmoothingFilter or ArimaFilter
        The parameters, with which the state follows from a series.
    """

    state: StateSpace
    season: YearlySeason
    events: int
    kind: str
    converged: bool
    known: FloatArray
    filter: Filter

    def stand(
        self, series: FloatArray, *, steps: float, events: FloatArray | None = None
    ) -> "FittedSeries":
        """Keep every parameter, and return the state at the end of another series.

        Parameters
        ----------
        series : array of float, shape (steps,)
            In the unit of the first one.
        steps : float
            From the end of the series it was learned on to that of this one.
        events : array of float, shape (steps, events), optional
        """
        season = replace(self.season, phase=steps)
        log, columns = _taken_off(
            _logarithms(series, self.state.scale, self.state.shift), season, self.known,
            np.zeros((len(series), self.events)) if events is None else events,
        )  # fmt: skip
        state = self.filter.stand(log, columns, scale=self.state.scale, shift=self.state.shift)
        return replace(self, state=state.with_known(self.known), season=season)

    def expect(self, steps: int, events: FloatArray | None = None) -> FloatArray:
        """Return the expectation of the next steps, in the series' unit.

        Parameters
        ----------
        steps : int
        events : array of float, shape (steps, events), optional
            Their values in the future; 0 by default.
        """
        return self.state.expect(self._regressors(steps, events))

    def draw(
        self, steps: int, draws: int, rng: np.random.Generator, events: FloatArray | None = None
    ) -> FloatArray:
        """Simulate the next steps; shape (draws, steps)."""
        return self.state.draw(self._regressors(steps, events), draws, rng)

    def spread(self) -> float:
        """Return the standard deviation of the next step, on the log scale."""
        mean, variance = self.state.moments(self._regressors(1, None))
        centre = self.state.weight @ mean[:, 0]
        return float(np.sqrt(self.state.weight @ (variance[:, 0] + (mean[:, 0] - centre) ** 2)))

    def _regressors(self, steps: int, events: FloatArray | None) -> FloatArray:
        given = np.zeros((steps, self.events)) if events is None else events
        return np.concatenate([self.season.columns(np.arange(steps)), given], axis=1)


def fit_series(
    series: FloatArray,
    *,
    cycle: float,
    shift: float,
    method: str = "local_level",
    season: bool = True,
    events: FloatArray | None = None,
) -> FittedSeries:
    """Fit a series of one value a step, the last one now.

    The season of the year is estimated from two years on, shrunk between one and two, and left
    out below one. From two years on ``local_level`` and ``sarimax`` estimate it together with the
    level. In the second year, and for ``ets``, it is taken off before, by a regression on a line
    and three Fourier pairs that is shrunk the more the shorter the history; ``stl`` takes off its
    own pattern and needs two years. What is taken off before is held at its estimate.

    Parameters
    ----------
    series : array of float, shape (steps,)
        At least one value above 0; missing values are allowed.
    cycle : float
        Steps a year.
    shift : float
        See :class:`forecast.models.series.state.StateSpace`; with 0 every value must be above 0.
    season : bool
        Whether to look for a season.
    events : array of float, shape (steps, events), optional
        Regressors of known events, of size 1 at most.

    Raises
    ------
    TooLittleDataError
        If ``method="stl"`` is given less than two years.
    """
    scale, size = float(np.nanmean(series)), len(series)
    log = _logarithms(series, scale, shift)
    given = np.zeros((size, 0)) if events is None else events
    past, years = np.arange(-size, 0), size / cycle
    kind = "no season" if not season or years < 1 else "shrunk season" if years < 2 else "season"
    found = YearlySeason(cycle, 0 if kind == "no season" else PAIRS)
    waves, known = found.columns(past), np.zeros(0)
    if method == "stl":
        found, known = stl_season(log, cycle), np.ones(1)
    elif kind == "shrunk season" or (kind == "season" and method == "ets"):
        penalty = np.full(waves.shape[1] + given.shape[1], _EVENT_PENALTY)
        penalty[: waves.shape[1]] = _SHRINKAGE * max(0.0, 2 - years) * np.isfinite(log).sum() / 2
        known = ridge(np.concatenate([waves, given], axis=1), log, penalty)[: waves.shape[1]]
    if len(known):
        log, waves = log - found.columns(past) @ known, waves[:, :0]
    use: Filter
    converged = True
    columns = np.concatenate([waves, given], axis=1)
    if method == "sarimax" and np.nanstd(log) > _CONSTANT:
        use, pairs, converged = ArimaFilter.learn(log, waves, given)
        if not len(known):
            found, columns = (
                YearlySeason(cycle, pairs),
                np.delete(columns, np.arange(2 * pairs, waves.shape[1]), axis=1),
            )
        state = use.stand(log, columns, scale=scale, shift=shift)
        return FittedSeries(
            state.with_known(known), found, given.shape[1], kind, converged, known, use
        )
    pair = 1 + np.arange(waves.shape[1]) // 2
    prior = np.concatenate([_SEASON_PRIOR / pair, np.full(given.shape[1], _EVENT_PRIOR)])
    drift = (_UNKNOWN_DRIFT_A_YEAR if kind == "no season" else _DRIFT_A_YEAR) / np.sqrt(cycle)
    use = LevelFilter.learn(log, columns, prior, drift=drift)
    state = use.stand(log, columns, scale=scale, shift=shift)
    if method == "ets" and np.nanstd(log) > _CONSTANT:
        effects = state.weight @ state.state[:, 1:]  # of events: the season is known
        use, converged = SmoothingFilter.learn(log, columns, effects, trend=kind != "no season")
        state = use.stand(log, columns, scale=scale, shift=shift)
    return FittedSeries(state.with_known(known), found, given.shape[1], kind, converged, known, use)


def _logarithms(series: FloatArray, scale: float, shift: float) -> FloatArray:
    # rounded, so that the same path is taken in any currency
    return np.asarray(np.round(np.log(series / scale + shift), 9), dtype=np.float64)


def _taken_off(
    log: FloatArray, season: YearlySeason, known: FloatArray, events: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return the series without a season that is known, and the regressors that are left."""
    waves = season.columns(np.arange(-len(log), 0))
    if len(known):
        log, waves = log - waves @ known, waves[:, :0]
    return log, np.concatenate([waves, events], axis=1)
