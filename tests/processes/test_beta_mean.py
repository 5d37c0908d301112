"""The quadrature over a dropout probability holds where one Beta parameter is nearly 0."""

import mpmath as mp
import pytest

from forecast.processes import BGNBD


@pytest.mark.parametrize("a", [1e-6, 1e-4, 0.005, 0.02, 0.5])
@pytest.mark.parametrize("b", [1e-6, 1e-3, 0.05, 0.3, 3.0, 100.0])
def test_new_customers_expectation_against_the_closed_form(a: float, b: float) -> None:
    # FHL eq. 9 at 40 digits; in double precision its hypergeometric overflows for a + b < 1
    with mp.workdps(40):
        r, alpha, t, ma, mb = (mp.mpf(each) for each in (0.5, 5, 39, a, b))
        share = (alpha / (alpha + t)) ** r * mp.hyp2f1(r, mb, ma + mb - 1, t / (alpha + t))
        exact = float((ma + mb - 1) / (ma - 1) * (1 - share))
    found = float(BGNBD(r=0.5, alpha=5.0, a=a, b=b).expected_purchases(39.0))
    assert found == pytest.approx(exact, rel=1e-8)
