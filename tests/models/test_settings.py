"""scikit-learn's conventions: settings by name, clones that are unfitted and equal."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import PoissonRegressor, Ridge
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from forecast.errors import UsageError
from forecast.ledger import Ledger
from forecast.models import BTYD, MODELS, CustomerRegression, Ensemble
from forecast.models.learned.regressions import regressor


@pytest.mark.parametrize("name", sorted(MODELS))
def test_every_model_can_be_cloned_and_set(name: str) -> None:
    model = MODELS[name]
    settings = model.get_params(deep=False)
    copy = clone(model)
    assert copy is not model
    assert type(copy) is type(model)
    assert repr(copy) == repr(model)
    assert copy.set_params(**settings) is copy
    assert repr(copy) == repr(model)


def test_clones_are_unfitted(cut: Ledger) -> None:
    events = pd.DataFrame({"sale": [1.0]}, index=pd.to_datetime(["2023-11-24"]))
    model = BTYD(purchases="mbgnbd", covariates=("channel",), events=events)
    assert clone(model).events.equals(events)
    fitted = BTYD(purchases="mbgnbd").fit(cut)
    assert clone(fitted).fitted_ is None
    assert clone(fitted).purchases == "mbgnbd"


def test_settings_inside_settings() -> None:
    model = Ensemble(seasonal=BTYD(season=2))
    assert model.get_params()["seasonal__season"] == 2
    assert "seasonal__season" not in model.get_params(deep=False)
    copy = clone(model).set_params(seasonal__season=1)
    assert (copy.seasonal.season, model.seasonal.season) == (1, 2)
    regression = CustomerRegression(make_pipeline(StandardScaler(), Ridge(alpha=2.0)))
    regression.set_params(method__ridge__alpha=3.0)
    assert regression.get_params()["method__ridge__alpha"] == 3.0


def test_unknown_settings_are_refused_by_name() -> None:
    for wrong in ("sesaon", "fitted_", "purchases__r"):
        with pytest.raises(UsageError, match=f"BTYD has no setting '{wrong}', but 'purchases'"):
            BTYD().set_params(**{wrong: 1})


def test_a_grid_of_settings(cut: Ledger) -> None:
    grid = ParameterGrid({"purchases": ["bgnbd", "mbgnbd"], "season": [0]})
    found = [clone(BTYD()).set_params(**each).fit(cut).fitted_.purchases for each in grid]
    assert found == ["bgnbd", "mbgnbd"]


@pytest.mark.parametrize("around", ["mean", "btyd"])
def test_regressions_take_a_pipeline(cut: Ledger, around: str) -> None:
    pipeline = make_pipeline(PolynomialFeatures(1), PoissonRegressor(alpha=0.1, max_iter=500))
    found = CustomerRegression(pipeline, around=around).fit(cut).forecast("13W", draws=0)
    expected = CustomerRegression("linear", around=around).fit(cut).forecast("13W", draws=0)
    assert not hasattr(pipeline[-1], "coef_")
    one, other = (each.customers["expected_purchases"] for each in (found, expected))
    assert one.sum() == pytest.approx(other.sum(), rel=1e-6)  # both at the level of BTYD
    assert np.corrcoef(one, other)[0, 1] > 0.7


def test_weights_reach_the_last_step_of_a_pipeline() -> None:
    rng = np.random.default_rng(0)
    features, target = rng.normal(size=(80, 3)), rng.gamma(2.0, size=80)
    weight = rng.gamma(1.0, size=80)
    same = PolynomialFeatures(1, include_bias=False)
    kinds = [Ridge(), make_pipeline(same, Ridge()), make_pipeline(make_pipeline(same, Ridge()))]
    plain, piped, nested = (
        regressor(each)(features, target, weight).predict(features) for each in kinds
    )
    np.testing.assert_allclose(piped, plain)
    np.testing.assert_allclose(nested, plain)
    even = regressor(Ridge())(features, target, np.ones(80)).predict(features)
    assert not np.allclose(plain, even)
