import numpy as np
import pytest
from scipy.stats import ttest_1samp

from forecast.backtest.diebold_mariano import diebold_mariano
from forecast.errors import UsageError


def overlapping(rng, count, origins, overlap):
    """Differences that are moving sums, as those of windows which share days."""
    steps = rng.normal(size=(count, origins + overlap - 1))
    window = np.lib.stride_tricks.sliding_window_view(steps, overlap, axis=1)
    return window.sum(axis=2)


def test_without_overlap_it_is_the_t_test():
    # sqrt((n - 1) / n) of Harvey, Leybourne & Newbold turns the plug-in variance unbiased
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 12))
    found, known = diebold_mariano(a, b), ttest_1samp(a - b, 0)
    assert found.statistic == pytest.approx(known.statistic)
    assert found.p_value == pytest.approx(known.pvalue)
    assert (found.origins, found.lags) == (12, 0)
    turned = diebold_mariano(b, a)
    assert turned.statistic == pytest.approx(-found.statistic)
    assert turned.p_value == pytest.approx(found.p_value)


def test_overlap_by_hand():
    # mean 2; apart -1 0 1 0 -1 1 0 0; autocovariances 4/8 and -1/8
    d = np.array([1.0, 2, 3, 2, 1, 3, 2, 2])
    variance = (4 - 2 * 1) / 8 / 8
    small = (8 + 1 - 4 + 2 / 8) / 8
    found = diebold_mariano(d, np.zeros(8), overlap=2)
    assert found.statistic == pytest.approx(2 / np.sqrt(variance) * np.sqrt(small))
    assert found.lags == 1


def test_a_negative_variance_falls_back_on_bartlett():
    d = np.array([1.0, -1, 1, -1, 1.5, -1, 1, -1])
    apart = d - d.mean()
    plain = [apart[k:] @ apart[: 8 - k] / 8 for k in (0, 1)]
    assert plain[0] + 2 * plain[1] < 0
    variance = (plain[0] + plain[1]) / 8
    found = diebold_mariano(d, np.zeros(8), overlap=2)
    small = (8 + 1 - 4 + 2 / 8) / 8
    assert found.statistic == pytest.approx(d.mean() / np.sqrt(variance) * np.sqrt(small))


def test_where_it_cannot_be_made():
    assert np.isnan(diebold_mariano([1, 2, 4], [2, 1, 3]).statistic)
    assert np.isnan(diebold_mariano([1, 2, 3, 4], [1, 2, 3, 4]).p_value)
    assert np.isnan(diebold_mariano([2, 3, 4, 5, 6], [1, 2, 3, 4, 5]).p_value)
    rng = np.random.default_rng(1)
    for origins, known in ((7, False), (8, True)):
        assert np.isfinite(diebold_mariano(*rng.random((2, origins)), overlap=2).p_value) == known
    with pytest.raises(UsageError, match="overlap"):
        diebold_mariano([1, 2, 3], [2, 1, 3], overlap=0)


@pytest.mark.parametrize(
    ("origins", "overlap", "bounds"),
    [(6, 1, (0.04, 0.06)), (12, 1, (0.04, 0.06)), (24, 2, (0.04, 0.08)), (48, 4, (0.04, 0.09))],
)
def test_its_size_is_nearly_nominal(origins, overlap, bounds):
    rng = np.random.default_rng(origins)
    nothing = np.zeros(origins)
    p = [
        diebold_mariano(each, nothing, overlap=overlap).p_value
        for each in overlapping(rng, 4000, origins, overlap)
    ]
    assert bounds[0] <= np.mean(np.array(p) < 0.05) <= bounds[1]


def test_ignoring_the_overlap_would_accuse_by_chance():
    rng = np.random.default_rng(9)
    nothing = np.zeros(24)
    drawn = overlapping(rng, 1500, 24, 4)
    naive = np.mean([diebold_mariano(each, nothing).p_value < 0.05 for each in drawn])
    aware = np.mean([diebold_mariano(each, nothing, overlap=4).p_value < 0.05 for each in drawn])
    assert naive > 0.25
    assert aware < 0.5 * naive
