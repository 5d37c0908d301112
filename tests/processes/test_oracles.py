"""BG/NBD, MBG/NBD and Pareto/NBD at random points against mpmath; see make_poisson_oracles.py."""

from pathlib import Path

import numpy as np
import pytest

from forecast.processes import BGNBD, MBGNBD, ParetoNBD

CALLS = ("log L", "p_alive", "p_active", "E new", "E", "p_alive_at", "pmf", "dert")
BG, PARETO = (
    np.load(Path(__file__).with_name(name)) for name in ("bg_oracle.npz", "pareto_nbd_oracle.npz")
)


@pytest.mark.parametrize(
    ("family", "points", "truths", "costly"),
    [
        # ``costly`` is computed at the first points alone
        pytest.param(BGNBD, BG["points"], BG["bg"], "dert", id="BGNBD"),
        pytest.param(MBGNBD, BG["points"], BG["mbg"], "dert", id="MBGNBD"),
        pytest.param(ParetoNBD, PARETO["points"], PARETO["values"], "pmf", id="ParetoNBD"),
    ],
)
@pytest.mark.parametrize(
    "rows", [slice(0, 400), pytest.param(slice(400, None), marks=pytest.mark.slow)]
)
def test_every_formula_agrees_with_mpmath(family, points, truths, costly, rows):
    point, truth = points[rows].T, truths[rows].T
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
        assert known.all() or name == costly
        assert np.all(np.isfinite(mine)), name
        # numbers below the smallest normal double cannot have eight digits
        np.testing.assert_allclose(mine[known], right[known], rtol=1e-8, atol=1e-300, err_msg=name)
