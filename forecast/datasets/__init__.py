"""Data to try things on: a shipped sample, CDNOW, and a shop simulated from known truth."""

from forecast.datasets.campaigns import Campaign
from forecast.datasets.files import load_cdnow, load_sample
from forecast.datasets.settings import Channel, Season
from forecast.datasets.shop import Shop
from forecast.datasets.simulate import simulate_shop

__all__ = [
    "Campaign",
    "Channel",
    "Season",
    "Shop",
    "load_cdnow",
    "load_sample",
    "simulate_shop",
]
