"""From a forecast to money and decisions: value, cost, segments, campaigns, scenarios."""

from forecast.value.acquisition import Acquisition, acquisition_cost
from forecast.value.age_value import value_by_age
from forecast.value.budget import Budget, allocate_budget
from forecast.value.channels import channel_table
from forecast.value.comparison import compare_campaigns
from forecast.value.concentration import concentration, pareto_curve
from forecast.value.control_group import uplift
from forecast.value.economics import UnitEconomics, unit_economics
from forecast.value.funnels import funnel
from forecast.value.lifetime_value import CustomerValue, clv
from forecast.value.margin import Margin
from forecast.value.scenario_file import ScenarioPlan, read_scenario
from forecast.value.scenario_result import ScenarioResult
from forecast.value.scenarios import scenario
from forecast.value.segment_rules import SegmentRules
from forecast.value.segmenting import Segments, migration, segments

__all__ = [
    "Acquisition",
    "Budget",
    "CustomerValue",
    "Margin",
    "ScenarioPlan",
    "ScenarioResult",
    "SegmentRules",
    "Segments",
    "UnitEconomics",
    "acquisition_cost",
    "allocate_budget",
    "channel_table",
    "clv",
    "compare_campaigns",
    "concentration",
    "funnel",
    "migration",
    "pareto_curve",
    "read_scenario",
    "scenario",
    "segments",
    "unit_economics",
    "uplift",
    "value_by_age",
]
