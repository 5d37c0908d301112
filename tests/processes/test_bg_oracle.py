"""BG/NBD and MBG/NBD at random points against mpmath; see make_bg_oracle.py."""

from pathlib import Path

import numpy as np
import pytest

from forecast.processes import BGNBD, MBGNBD

ORACLE = np.load(Path(__file__).with_name("bg_oracle.npz"))
CALLS = ("log L", "p_alive", "p_active", "E new", "E", "p_alive_at", "pmf", "dert")


@pytest.mark.parametrize(("family", "key"), [(BGNBD, "bg"), (MBGNBD, "mbg")])
@pytest.mark.parametrize(
    "rows", [slice(0, 400), pytest.param(slice(400, None), marks=pytest.mark.slow)]
)
def test_every_formula_agrees_with_mpmath(family, key, rows):
    point, truth = ORACLE["points"][rows].T, ORACLE[key][rows].T
    process, (x, tx, age, t, n, rate) = family(*point[:4]), point[4:]
    got = [
        process.log_likelihood(x, tx, age),
        process.p_alive(x, tx, age),
        process.p_active(t, x, tx, age),
        process.expected_purchases(t),
        process.expected_purchases(t, x, tx, age),
        process.p_alive_at(t, x, tx, age),
        process.pmf(n, t, x, tx, age),
        process.dert(rate, x, tx, age),
    ]
    np.testing.assert_allclose(got[0], truth[0], rtol=0, atol=1e-7, err_msg="log L")
    for name, mine, right in zip(CALLS[1:], got[1:], truth[1:], strict=True):
        known = np.isfinite(right)
        assert np.all(np.isfinite(mine)), name
        # numbers below the smallest normal double cannot have eight digits
        np.testing.assert_allclose(mine[known], right[known], rtol=1e-8, atol=1e-300, err_msg=name)
    assert np.isfinite(truth[:7]).all()
