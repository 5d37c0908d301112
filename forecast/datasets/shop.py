"""A simulated shop: what it can see, and the truth behind it."""

from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from forecast.calendar import Window, add, parse_day
from forecast.errors import UsageError

__all__ = ["Shop"]


@dataclass(frozen=True, eq=False)
class Shop:
    """A simulated shop: what it can see, and the truth behind it.

    Attributes
    ----------
    orders : pandas.DataFrame
        What a shop has: ``customer_id``, ``date``, ``amount`` (currency; negative for a refund),
        ``channel`` (of the customer), ``campaign`` (the campaign that reached the customer and
        was running, else missing) and ``order_id`` (order ``O000007`` has refund ``R000007``),
        sorted by date.
    customers : pandas.DataFrame
        The truth, index ``customer_id``: ``first_day``, ``channel``, ``rate`` (purchases a week
        while alive, at mean season), ``dropout`` (probability of leaving after each repeat
        purchase), ``mean_order_value`` (currency), ``died_on`` (day of the purchase after which
        the customer left; missing if alive at the end), ``cac`` (currency), ``margin`` (share of
        order value) and, for each campaign, ``reached_<name>`` (bool).
    spend : pandas.DataFrame
        ``date`` (first of the month), ``channel``, ``cost``: what the month's new customers cost.
    truth : dict
        Every setting of the simulation, by the name of the argument.
    """

    orders: pd.DataFrame
    customers: pd.DataFrame
    spend: pd.DataFrame
    truth: dict[str, Any]

    @property
    def window(self) -> Window:
        """The days simulated, half-open."""
        start = parse_day(self.truth["start"], "start")
        return Window(start, add(start, self.truth["days"], "D"))

    def alive(self, day: str | date) -> "pd.Series[bool]":
        """Return who is alive at the end of a day, for every customer acquired by then.

        Parameters
        ----------
        day : str or date
            A day of :attr:`window`.

        Returns
        -------
        pandas.Series
            Bool, index ``customer_id``.

        Raises
        ------
        UsageError
            If the day was not simulated.
        """
        last = parse_day(day, "day")
        if not self.window.start <= last < self.window.end:
            raise UsageError(
                f"day: {last} was not simulated; give one from {self.window.start} "
                f"to {self.window.last}."
            )
        seen = self.customers[self.customers["first_day"] <= pd.Timestamp(last)]
        alive = seen["died_on"].isna() | (seen["died_on"] >= pd.Timestamp(add(last, 1, "D")))
        return alive.rename("alive")
