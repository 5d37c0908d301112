"""One suite over every model of the registry."""

import pytest

from forecast.models import MODELS, default_models
from forecast.testing import check_forecaster


@pytest.mark.parametrize("name", MODELS)
def test_every_model_complies(name: str) -> None:
    check_forecaster(MODELS[name])


def test_the_registry_stays_unfitted() -> None:
    assert default_models() is not MODELS
    for name, model in default_models().items():
        assert model is not MODELS[name]
        assert not any(value for key, value in vars(model).items() if key.endswith("_"))
