import numpy as np
import pytest

from forecast.backtest.bootstrap import LossSums, resample
from forecast.backtest.confidence_set import model_confidence_set


def judged(means, seed, *, groups=300, origins=6, season=0.0, level=0.9):
    """Confidence set of models whose expected losses are given."""
    rng = np.random.default_rng(seed)
    shared = rng.gamma(1, 1, (1, origins, groups))
    own = rng.gamma(2, 0.5, (len(means), origins, groups))
    waves = np.exp(rng.normal(0, season, (len(means), origins, 1)))
    losses = np.asarray(means)[:, None, None] * shared * own * waves
    sums = LossSums(losses, np.ones((origins, groups)), root=True)
    return model_confidence_set(resample(sums, replicates=200, seed=seed), level)


def test_clear_losers_are_dropped_worst_first():
    table = judged([1.0, 1.5, 4.0, 1.0], seed=1)
    assert table["in_set"].tolist() == [True, False, False, True]
    assert table["p_value"].max() == 1.0
    assert table.loc[2, "p_value"] <= table.loc[1, "p_value"] < 0.1


def test_equal_forecasts_stay_together_and_alone_is_best():
    losses = np.random.default_rng(0).random((1, 5, 300)).repeat(3, axis=0)
    sums = LossSums(losses, np.ones((5, 300)), root=False)
    assert model_confidence_set(resample(sums))["in_set"].all()
    alone = LossSums(losses[:1], np.ones((5, 300)), root=False)
    assert model_confidence_set(resample(alone)).loc[0].tolist() == [1.0, True]


def test_a_better_twin_beats_its_shadow():
    # the second loses a little more of every customer: no spread at all in their ratio
    losses = np.random.default_rng(0).random((1, 5, 300)) * np.array([1, 1.01])[:, None, None]
    sums = LossSums(losses, np.ones((5, 300)), root=False)
    assert model_confidence_set(resample(sums))["in_set"].tolist() == [True, False]


@pytest.mark.slow
@pytest.mark.parametrize(
    "means", [[1.0] * 5, [1.0, 1.05, 1.1, 1.2], [1.0, 1.0, 1.3]], ids=["equal", "steps", "two"]
)
@pytest.mark.parametrize("season", [0.0, 0.15])
def test_the_best_stays_as_often_as_it_says(means, season):
    count = 150
    kept = [judged(means, seed, season=season)["in_set"].to_numpy() for seed in range(count)]
    best = np.mean([each[0] for each in kept])
    assert best >= 0.9 - 2 * np.sqrt(0.09 / count)
    if means[-1] == 1.3 and season == 0:
        assert np.mean([each[-1] for each in kept]) < 0.2
