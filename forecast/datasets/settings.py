"""What a simulated shop can be given: channels and a season."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from forecast.calendar import DAYS_PER_YEAR
from forecast.errors import UsageError

__all__ = ["CHANNELS", "SEASON", "Channel", "Season", "require"]


def require(sound: bool, message: str) -> None:
    """Raise a UsageError with this message unless the setting is sound."""
    if not sound:
        raise UsageError(message)


@dataclass(frozen=True)
class Channel:
    """A way in which customers come to the shop.

    Parameters
    ----------
    name : str
        What it is called.
    share : float
        Share of the shop's new customers, over 0; the shares of all channels add up to 1.
    rate : float
        Factor on the purchase rate of its customers; 1 changes nothing.
    spend : float
        Factor on their order values; 1 changes nothing.
    cac : float
        Cost of acquiring one customer, in the currency of the orders.
    margin : float
        Share of an order's value left after the cost of goods and delivery, 0 to 1.
    """

    name: str
    share: float = 1.0
    rate: float = 1.0
    spend: float = 1.0
    cac: float = 0.0
    margin: float = 0.4

    def __post_init__(self) -> None:
        where = f"Channel {self.name!r}"
        require(0 < self.share <= 1, f"{where}: share {self.share} must be over 0, at most 1.")
        for name in ("rate", "spend"):
            value = getattr(self, name)
            require(0 < value < np.inf, f"{where}: {name} {value} must be a positive number.")
        require(0 <= self.cac < np.inf, f"{where}: cac {self.cac} must be at least 0.")
        require(0 <= self.margin <= 1, f"{where}: margin {self.margin} must be from 0 to 1.")


CHANNELS = (
    Channel("organic", share=0.35, rate=1.0, spend=1.0, cac=0.0),
    Channel("search", share=0.30, rate=0.9, spend=1.05, cac=18.0),
    Channel("social", share=0.20, rate=0.7, spend=0.9, cac=12.0),
    Channel("referral", share=0.15, rate=1.25, spend=1.1, cac=8.0),
)


@dataclass(frozen=True)
class Season:
    """A yearly wave in how fast everybody buys.

    The intensity on a day is ``1 + amplitude * cos(2 pi (day of year - peak) / 365.25)`` with the
    peak in the middle of ``peak_month``; over whole years it averages 1.

    Parameters
    ----------
    amplitude : float
        Height of the wave, 0 (none) to below 1; 0.4 makes the peak 40 % busier than the mean.
    peak_month : int
        The busiest month, 1 to 12.
    """

    amplitude: float = 0.4
    peak_month: int = 12

    def __post_init__(self) -> None:
        amplitude, month = self.amplitude, self.peak_month
        require(0 <= amplitude < 1, f"amplitude: {amplitude} must be from 0 to below 1.")
        require(month in range(1, 13), f"peak_month: {month} is no month; give 1 to 12.")

    def intensity(self, days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.float64]:
        """Return the intensity of each day, an array like ``days``."""
        of_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(float)
        peak = (self.peak_month - 0.5) / 12 * DAYS_PER_YEAR
        wave: npt.NDArray[np.float64] = np.cos(2 * np.pi * (of_year + 0.5 - peak) / DAYS_PER_YEAR)
        return 1 + self.amplitude * wave


SEASON = Season()
