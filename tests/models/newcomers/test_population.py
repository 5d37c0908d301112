"""Who can be asked about: every model of existing customers knows those still to come too."""

import pytest

import forecast as fc
from forecast.errors import NotFittedError
from forecast.ledger import Ledger
from forecast.models.newcomers.population import CustomerModel

MODELS = {
    "own_rate": fc.OwnRate(),
    "boosting": fc.GradientBoosting(trees=5),
    "regression": fc.CustomerRegression(),
}


@pytest.mark.parametrize("name", MODELS)
def test_scenarios_reach_the_newcomers_of_any_of_them(name: str, cut: Ledger) -> None:
    model = MODELS[name].fit(cut)
    found = fc.scenario(model, cut, "8W", {"acquisition_volume": 1.5}, margin=0.4, draws=10)
    came = found.table.loc["new_customers"]
    assert came["scenario"] == pytest.approx(1.5 * came["base"])
    assert came["base"] > 0


def test_a_model_of_existing_customers_must_say_what_it_expects_of_them() -> None:
    with pytest.raises(TypeError, match="_existing"):
        CustomerModel()  # type: ignore[abstract]
    with pytest.raises(NotFittedError, match="OwnRate"):
        fc.OwnRate().forecast("8W", population="new")
