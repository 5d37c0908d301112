"""When simulated customers buy: renewals in operational time, with dropout at purchases."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from forecast.datasets.campaigns import Campaign
from forecast.datasets.settings import Season

__all__ = ["Clock", "draw_purchases", "weeks_elapsed"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Clock:
    """How much operational time has passed, for each group of customers.

    Attributes
    ----------
    elapsed : array, shape (groups, days + 1)
        Operational weeks from the first day to the start of each day; even within a day.
    group : array of int, shape (customers,)
        Which row is a customer's.
    """

    elapsed: FloatArray
    group: IntArray

    def weeks(self, who: IntArray, moment: FloatArray) -> FloatArray:
        """Return the operational weeks that have passed at a moment, in days."""
        days = np.arange(self.elapsed.shape[1], dtype=float)
        out, group = np.empty(len(who)), self.group[who]
        for number, elapsed in enumerate(self.elapsed):
            mine = group == number
            out[mine] = np.interp(moment[mine], days, elapsed)
        return out

    def moment(self, who: IntArray, weeks: FloatArray) -> FloatArray:
        """Return the moment, in days, at which so many operational weeks have passed."""
        days = np.arange(self.elapsed.shape[1], dtype=float)
        out, group = np.empty(len(who)), self.group[who]
        for number, elapsed in enumerate(self.elapsed):
            mine = group == number
            out[mine] = np.interp(weeks[mine], elapsed, days)
        return out


def weeks_elapsed(
    first: date,
    days: int,
    season: Season | None,
    campaigns: Sequence[Campaign],
    reached: BoolArray,
) -> Clock:
    """Integrate the intensity over the calendar, once for each set of campaigns that reached.

    Parameters
    ----------
    reached : array of bool, shape (customers, campaigns)
        Whom each campaign reached.
    """
    calendar = np.datetime64(first, "D") + np.arange(days).astype("timedelta64[D]")
    everybody = np.ones(days) if season is None else season.intensity(calendar)
    # a number for each combination; unique() on rows would sort them, which is slow
    code = reached @ (2 ** np.arange(len(campaigns), dtype=np.int64))
    combinations, one, group = np.unique(code, return_index=True, return_inverse=True)
    intensity = np.tile(everybody, (len(combinations), 1))
    for position, campaign in enumerate(campaigns):
        window = campaign.window
        running = (calendar >= np.datetime64(window.start)) & (calendar < np.datetime64(window.end))
        intensity[np.ix_(reached[one, position], running)] *= 1 + campaign.uplift
    elapsed = np.zeros((len(combinations), days + 1))
    elapsed[:, 1:] = np.cumsum(intensity, axis=1) / 7
    return Clock(elapsed, group)


def draw_purchases(
    rng: np.random.Generator,
    clock: Clock,
    arrived: FloatArray,
    rate: FloatArray,
    dropout: FloatArray,
    k: float,
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Draw all purchases, one round for every next purchase of those still there.

    Parameters
    ----------
    arrived : array, shape (customers,)
        Moment of the first purchase, in days.
    rate : array, shape (customers,)
        Purchases per operational week while alive.
    dropout : array, shape (customers,)
        Probability of leaving after each repeat purchase.
    k : float
        Shape of the time between purchases.

    Returns
    -------
    who, moment : arrays, shape (purchases,)
        Customer and time in days of each purchase, first ones included, sorted by time.
    died : array, shape (customers,)
        Time in days of the purchase after which a customer left; NaN if alive at the end.
    """
    who, last = np.arange(len(arrived)), float(clock.elapsed.shape[1] - 1)
    weeks, end = clock.weeks(who, arrived), clock.elapsed[clock.group, -1]
    rounds: list[tuple[IntArray, FloatArray, BoolArray]] = []
    while len(who):
        weeks = weeks + rng.standard_gamma(k, len(who)) / (k * rate[who])
        inside = weeks < end[who]
        who, weeks = who[inside], weeks[inside]
        leaves = rng.random(len(who)) < dropout[who]
        rounds.append((who, weeks, leaves))
        who, weeks = who[~leaves], weeks[~leaves]
    again = np.concatenate([each[0] for each in rounds])
    leaves = np.concatenate([each[2] for each in rounds])
    moment = clock.moment(again, np.concatenate([each[1] for each in rounds]))
    # there and back again costs a rounding error, which must not cross either end
    moment = np.clip(moment, arrived[again], np.nextafter(last, 0))
    died = np.full(len(arrived), np.nan)
    died[again[leaves]] = moment[leaves]
    who = np.concatenate([np.arange(len(arrived)), again])
    moment = np.concatenate([arrived, moment])
    order = np.argsort(moment, kind="stable")
    return who[order], moment[order], died
