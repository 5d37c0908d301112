"""Campaigns of a simulated shop: when they run, whom they reach, which orders fall in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from forecast.calendar import Window, parse_day
from forecast.datasets.settings import Channel, require

__all__ = ["Campaign", "campaign_of", "check_names", "draw_reach"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Campaign:
    """An action that makes the customers it reaches buy faster for a while.

    It reaches customers acquired before ``start``; those it does not reach are a fair control
    group, since they are left out at random.

    Parameters
    ----------
    name : str
        What it is called.
    start, end : str or date
        Its days, from ``start`` up to but not including ``end``.
    channel : str, optional
        Name of the channel whose customers it is for; everybody by default.
    uplift : float
        Relative change of the intensity of those reached; 0.5 is half as much again.
    reach : float
        Share of those it is for that it reaches, 0 to 1.
    """

    name: str
    start: str | date
    end: str | date
    channel: str | None = None
    uplift: float = 0.5
    reach: float = 1.0

    def __post_init__(self) -> None:
        where = f"Campaign {self.name!r}"
        require(self.window.days > 0, f"{where}: end {self.end} must be after start {self.start}.")
        require(
            -1 < self.uplift < np.inf, f"{where}: uplift {self.uplift} must be a number over -1."
        )
        require(0 <= self.reach <= 1, f"{where}: reach {self.reach} must be from 0 to 1.")

    @property
    def window(self) -> Window:
        """The days of the campaign, half-open."""
        return Window(parse_day(self.start, "start"), parse_day(self.end, "end"))


def check_names(channels: Sequence[Channel], campaigns: Sequence[Campaign]) -> None:
    """Refuse names given twice, shares that do not add up and campaigns for unknown channels."""
    for kind, items in (("channels", channels), ("campaigns", campaigns)):
        names: list[Any] = [item.name for item in items]
        require(len(set(names)) == len(names), f"{kind}: a name is given twice in {names}.")
    total = sum(channel.share for channel in channels)
    require(abs(total - 1) < 1e-9, f"channels: the shares add up to {total:g}, not to 1.")
    offered = [channel.name for channel in channels]
    for campaign in campaigns:
        known = campaign.channel is None or campaign.channel in offered
        require(known, f"Campaign {campaign.name!r}: no channel {campaign.channel!r} in {offered}.")


def draw_reach(
    rng: np.random.Generator,
    campaigns: Sequence[Campaign],
    channel: npt.NDArray[Any],
    arrived: FloatArray,
    first: date,
) -> BoolArray:
    """Whom each campaign reaches, shape (customers, campaigns)."""
    luck = rng.random((len(campaigns), len(arrived))).T  # one more campaign changes no other
    reached = np.zeros(luck.shape, dtype=bool)
    for position, campaign in enumerate(campaigns):
        meant = arrived < (campaign.window.start - first).days
        if campaign.channel is not None:
            meant &= channel == campaign.channel
        reached[:, position] = meant & (luck[:, position] < campaign.reach)
    return reached


def campaign_of(
    campaigns: Sequence[Campaign],
    reached: BoolArray,
    first: date,
    who: npt.NDArray[np.int64],
    moment: FloatArray,
) -> npt.NDArray[np.int64]:
    """Position of the first campaign each order belongs to, or their number if none."""
    found = np.full(len(who), len(campaigns))
    for position in reversed(range(len(campaigns))):
        window = campaigns[position].window
        inside = (moment >= (window.start - first).days) & (moment < (window.end - first).days)
        found[inside & reached[who, position]] = position
    return found
