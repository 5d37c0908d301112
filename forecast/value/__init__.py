"""From a forecast to money and decisions: value, cost, payback, segments, campaigns."""

from forecast.value.acquisition import Acquisition, acquisition_cost
from forecast.value.age_value import value_by_age
from forecast.value.channels import channel_table
from forecast.value.comparison import compare_campaigns
from forecast.value.concentration import concentration, pareto_curve
from forecast.value.control_group import uplift
from forecast.value.economics import UnitEconomics, unit_economics
from forecast.value.funnels import funnel
from forecast.value.lifetime_value import CustomerValue, clv
from forecast.value.margin import Margin
from forecast.value.segmenting import SegmentRules, Segments, migration, segments

__all__ = [
    "Acquisition",
    "CustomerValue",
    "Margin",
    "SegmentRules",
    "Segments",
    "UnitEconomics",
    "acquisition_cost",
    "channel_table",
    "clv",
    "compare_campaigns",
    "concentration",
    "funnel",
    "migration",
    "pareto_curve",
    "segments",
    "unit_economics",
    "uplift",
    "value_by_age",
]
