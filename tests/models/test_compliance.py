"""One suite over every model of the registry."""

import pytest

from forecast.datasets import load_cdnow
from forecast.ledger import read_ledger
from forecast.models import MODELS, default_models
from forecast.testing import check_forecaster

SLOW = {"ensemble"}  # fits every member at every past origin
NAMES = [pytest.param(name, marks=[pytest.mark.slow] * (name in SLOW)) for name in MODELS]


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize("name", NAMES)
def test_every_model_complies(name: str) -> None:
    check_forecaster(MODELS[name])


def test_the_registry_stays_unfitted() -> None:
    fitted = MODELS["own_rate"].fit(read_ledger(load_cdnow(sample=True), key=()))
    assert fitted is not MODELS["own_rate"]
    assert set(default_models()) == set(MODELS) - {"zero"}
    for name, model in default_models().items():
        assert not any(value for key, value in vars(model).items() if key.endswith("_")), name
