"""How the numbers are made: what the page names exists, and its formulas give the code's numbers.

Each formula is written here as the page prints it, term by term, without the code's rearrangements.
"""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import beta, betainc, betaln, gamma, gammaln, hyp2f1

import forecast as fc
from forecast import processes
from forecast.backtest import accuracy, calibration, ranking
from forecast.backtest.diebold_mariano import diebold_mariano
from forecast.backtest.metrics import METRICS
from forecast.draws import crps, row_quantiles, smoothed
from forecast.forecaster import BOUNDS, EXPECTED
from forecast.jobs.monitoring.input_profile import psi
from forecast.models.btyd.levers import Levers
from forecast.models.cohorts.ladder import Ladder
from forecast.models.ensemble.level import age_factors, learn_level
from forecast.models.ensemble.stacking import learned_shares
from forecast.models.formulas.lapse import Activity
from forecast.models.rescaled import gained
from forecast.value.discounting import discount_factor
from forecast.value.response import Response
from forecast.value.sampling import unskewed
from forecast.value.spend_plan import SpendPlan

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "guide" / "numbers.md").read_text("utf-8")
SECTIONS = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
EVERY = [pytest.param(text, id=text.split("\n")[0]) for text in SECTIONS]


def _named(path: str) -> Any:
    """Return the object that a dotted name leads to, from the package down."""
    first, *rest = path.split(".")
    found: Any = fc if first in ("fc", "forecast") else None
    if first == "forecast":
        for size in range(len(rest), 0, -1):
            try:
                found = import_module(".".join([first, *rest[:size]]))
            except ModuleNotFoundError:
                continue
            rest = rest[size:]
            break
    for name in rest:
        fields = getattr(found, "__dataclass_fields__", {})
        found = fields[name] if name in fields else getattr(found, name)
    return found


@pytest.mark.parametrize("text", EVERY)
def test_each_section_has_a_formula_code_and_a_test_that_exist(text: str) -> None:
    assert "```text\n" in text
    assert "Code: " in text
    assert "Tests: " in text
    tests = re.findall(r"`(tests/[a-z_/]+\.py)`", text.split("Tests: ")[1])
    names = re.findall(r"`((?:fc|forecast)\.[A-Za-z_.]+)`", text)
    assert tests
    assert names
    assert [each for each in tests if not (ROOT / each).is_file()] == []
    for name in names:
        assert _named(name) is not None


def test_the_glossary_has_every_measure_and_column() -> None:
    glossary = (ROOT / "docs" / "guide" / "glossary.md").read_text("utf-8").lower()
    entries = "\n".join(re.findall(r"^(?!: ).+\n: [^\n]+(?:\n  [^\n]+)*", glossary, flags=re.M))
    names = [each.label.lower() for each in METRICS if each.name != "bias"] + [*EXPECTED, *BOUNDS]
    assert [name for name in names if name not in entries] == []


def test_a_formula_fits_on_a_phone() -> None:
    blocks = re.findall(r"```text\n(.*?)```", PAGE, flags=re.DOTALL)
    assert max(len(line) for block in blocks for line in block.splitlines()) <= 60


def test_summary() -> None:
    log = pd.DataFrame(
        {"customer": ["a"] * 5, "value": [10.0, 5.0, 20.0, -30.0, 40.0],
         "date": ["2024-01-01", "2024-01-01", "2024-01-11", "2024-01-20", "2024-01-31"]}
    )  # fmt: skip
    row = fc.customer_summary(fc.read_ledger(log, cutoff="2024-02-10", key=())).loc["a"]
    assert (row["frequency"], row["recency"], row["T"]) == (2, 30, 40)
    assert row["monetary_value"] == (20 + 40) / 2


R, ALPHA, A, B = 0.243, 4.414, 1.3, 2.426  # a above 1, where the textbook's quotient is plain
X, TX, T, AHEAD = 2.0, 30.43, 38.86, 39.0


def _bg_mean(t: float, r: float, alpha: float, a: float, b: float) -> float:
    tail = (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t))
    return float((a + b - 1) / (a - 1) * (1 - tail))


@pytest.mark.parametrize("x", [0.0, 2.0])
def test_bgnbd(x: float) -> None:
    tx = TX if x else 0.0
    process = processes.BGNBD(R, ALPHA, A, B)
    shape = beta(A, B + x) / beta(A, B) * gamma(R + x) * ALPHA**R / gamma(R)
    gone = A / (B + x - 1) * (ALPHA + tx) ** -(R + x) if x else 0.0
    likelihood = shape * ((ALPHA + T) ** -(R + x) + gone)
    assert process.log_likelihood(x, tx, T) == pytest.approx(np.log(likelihood))
    odds = A / (B + x - 1) * ((ALPHA + T) / (ALPHA + tx)) ** (R + x) if x else 0.0
    alive = 1 / (1 + odds)
    assert process.p_alive(x, tx, T) == pytest.approx(alive)
    assert process.expected_purchases(AHEAD) == pytest.approx(_bg_mean(AHEAD, R, ALPHA, A, B))
    ahead = _bg_mean(AHEAD, R + x, ALPHA + T, A, B + x)
    assert process.expected_purchases(AHEAD, x, tx, T) == pytest.approx(alive * ahead)
    active = alive * (1 - ((ALPHA + T) / (ALPHA + T + AHEAD)) ** (R + x))
    assert process.p_active(AHEAD, x, tx, T) == pytest.approx(active)
    rho, kappa, delta, b = R + x, ALPHA + T, 0.01, B + x

    def bought(u: float) -> float:
        return quad(
            lambda p: p ** (A - 1) * (1 - p) ** (b - 1) / beta(A, b)
            * rho * kappa**rho / (kappa + p * u) ** (rho + 1), 0, 1,
        )[0]  # fmt: skip

    whole = quad(lambda u: np.exp(-delta * u) * bought(u), 0, 4000, limit=200)[0]
    assert process.dert(delta, x, tx, T) == pytest.approx(alive * whole, rel=1e-6)


def _nbd(n: float, t: float, r: float, alpha: float) -> float:
    rate = gamma(r + n) / (gamma(r) * gamma(n + 1))
    return float(rate * (alpha / (alpha + t)) ** r * (t / (alpha + t)) ** n)


def test_bgnbd_distribution_and_forward_parameters() -> None:
    process = processes.BGNBD(R, ALPHA, A, B)

    def new(n: int, r: float, alpha: float, b: float) -> float:
        upto = sum(_nbd(k, AHEAD, r, alpha) for k in range(n))
        left = beta(A + 1, b + n - 1) / beta(A, b) * (1 - upto) if n else 0.0
        return float(beta(A, b + n) / beta(A, b) * _nbd(n, AHEAD, r, alpha) + left)

    alive = float(process.p_alive(X, TX, T))
    for n in range(4):
        assert process.pmf(n, AHEAD) == pytest.approx(new(n, R, ALPHA, B))
        given = alive * new(n, R + X, ALPHA + T, B + X) + (1 - alive) * (n == 0)
        assert process.pmf(n, AHEAD, X, TX, T) == pytest.approx(given)


def test_mbgnbd() -> None:
    process = processes.MBGNBD(R, ALPHA, A, B)
    shape = beta(A, B + X + 1) / beta(A, B) * gamma(R + X) * ALPHA**R / gamma(R)
    stay, gone = (ALPHA + T) ** -(R + X), A / (B + X) * (ALPHA + TX) ** -(R + X)
    assert process.log_likelihood(X, TX, T) == pytest.approx(np.log(shape * (stay + gone)))
    alive = 1 / (1 + A / (B + X) * ((ALPHA + T) / (ALPHA + TX)) ** (R + X))
    assert process.p_alive(X, TX, T) == pytest.approx(alive)
    tail = hyp2f1(R, B + 1, A + B, AHEAD / (ALPHA + AHEAD)) * (ALPHA / (ALPHA + AHEAD)) ** R
    assert process.expected_purchases(AHEAD) == pytest.approx(B / (A - 1) * (1 - tail))
    ahead = _bg_mean(AHEAD, R + X, ALPHA + T, A, B + X + 1)
    assert process.expected_purchases(AHEAD, X, TX, T) == pytest.approx(alive * ahead)


def test_pareto_nbd() -> None:
    r, alpha, s, b = 0.55327, 10.5778, 0.60602, 11.6639
    process = processes.ParetoNBD(r, alpha, s, b)
    stay = (alpha + T) ** -(r + X) * (b + T) ** -s
    dead = s * quad(lambda u: (alpha + u) ** -(r + X) * (b + u) ** -(s + 1), TX, T)[0]
    shape = gamma(r + X) * alpha**r * b**s / gamma(r)
    assert process.log_likelihood(X, TX, T) == pytest.approx(np.log(shape * (stay + dead)))
    alive = stay / (stay + dead)
    assert process.p_alive(X, TX, T) == pytest.approx(alive)
    new = r * b / (alpha * (s - 1)) * (1 - (b / (b + AHEAD)) ** (s - 1))
    assert process.expected_purchases(AHEAD) == pytest.approx(new)
    ahead = (r + X) * (b + T) / ((alpha + T) * (s - 1))
    ahead *= 1 - ((b + T) / (b + T + AHEAD)) ** (s - 1)
    assert process.expected_purchases(AHEAD, X, TX, T) == pytest.approx(alive * ahead)
    rho, kappa, eta = r + X, alpha + T, b + T
    won = quad(
        lambda u: rho / (kappa + u) * (kappa / (kappa + u)) ** rho * (eta / (eta + u)) ** s,
        0, AHEAD,
    )[0]  # fmt: skip
    assert process.p_active(AHEAD, X, TX, T) == pytest.approx(alive * won)


def test_regular_timing() -> None:
    k, gaps = 2, np.array([12.0, 18.43])
    process = processes.BGCNBD(k=k, r=R, alpha=ALPHA, a=A, b=B)
    evidence = R + k * X
    alive = sum(
        (T - TX) ** j / gamma(j + 1) * gamma(evidence + j) * (ALPHA + T) ** -(evidence + j)
        for j in range(k)
    )
    dead = A / (B + X - 1) * gamma(evidence) * (ALPHA + TX) ** -evidence
    front = beta(A, B + X) / beta(A, B) * ALPHA**R / gamma(R)
    front *= gaps.prod() ** (k - 1) / gamma(k) ** X
    found = process.log_likelihood(X, TX, T, log_gaps=np.log(gaps).sum())
    assert found == pytest.approx(np.log(front * (alive + dead)))
    assert process.p_alive(X, TX, T) == pytest.approx(alive / (alive + dead))
    j = np.arange(k)
    phase = gamma(evidence + j) / (gamma(evidence) * gamma(j + 1)) * ((T - TX) / (ALPHA + T)) ** j
    phase /= phase.sum()
    z, n, b = AHEAD / (ALPHA + T + AHEAD), np.arange(1, 400), B + X
    stay = np.exp(betaln(A, b + n - 1) - betaln(A, b))
    mean = sum(
        chance * float((stay * betainc(k * n - i, evidence + i, z)).sum())
        for i, chance in enumerate(phase)
    )
    expected = process.expected_purchases(AHEAD, X, TX, T)
    assert expected == pytest.approx(alive / (alive + dead) * mean)


def test_bgbb() -> None:
    a, b, g, d, x, tx, n = 1.204, 0.750, 0.657, 2.783, 4, 5, 6
    process = processes.BGBB(a, b, g, d)
    whole = beta(a + x, b + n - x) * beta(g, d + n)
    whole += sum(
        beta(a + x, b + tx - x + i) * beta(g + 1, d + tx + i) for i in range(n - tx)
    )  # i from 0 to n - tx - 1
    likelihood = whole / (beta(a, b) * beta(g, d))
    assert process.log_likelihood(x, tx, n) == pytest.approx(np.log(likelihood))
    alive = beta(a + x, b + n - x) * beta(g, d + n + 1) / (beta(a, b) * beta(g, d) * likelihood)
    assert process.p_alive(x, tx, n) == pytest.approx(alive)
    ahead = sum(beta(g, d + n + 1 + j) / beta(g, d + n + 1) for j in range(5))
    expected = alive * (a + x) / (a + b + n) * ahead
    assert process.expected_purchases(5, x, tx, n) == pytest.approx(expected)


def test_shifted_beta_geometric() -> None:
    a, b, d, n = 0.668, 3.806, 0.1, 3
    process = processes.ShiftedBetaGeometric(a, b)
    assert process.pmf(2) == pytest.approx(beta(a + 1, b + 1) / beta(a, b))
    assert process.survival(12) == pytest.approx(beta(a, b + 12) / beta(a, b))
    assert process.retention_rate(2) == pytest.approx((b + 1) / (a + b + 1))
    t = np.arange(2000)
    summed = float((np.exp(betaln(a, b + t) - betaln(a, b)) / (1 + d) ** t).sum())
    assert process.discounted_lifetime(d) == pytest.approx(summed)
    assert summed == pytest.approx(hyp2f1(1, b, a + b, 1 / (1 + d)))
    rest = (b + n - 1) / (a + b + n - 1) * hyp2f1(1, b + n, a + b + n, 1 / (1 + d))
    assert process.discounted_residual_lifetime(d, n - 1) == pytest.approx(rest)


def test_gamma_gamma() -> None:
    p, q, v, n, m = 6.25, 3.74, 15.44, 2, 22.35
    process = processes.GammaGamma(p, q, v)
    log = -betaln(p * n, q) - np.log(m) - q * np.log1p(n * m / v) - p * n * np.log1p(v / (n * m))

    # the same from the model itself: the density of the mean of n orders, averaged over nu
    def density(nu: float) -> float:
        orders = (p * n) * np.log(nu * n) - gammaln(p * n) + (p * n - 1) * np.log(m) - nu * n * m
        return float(np.exp(orders + q * np.log(v) - gammaln(q) + (q - 1) * np.log(nu) - v * nu))

    assert log == pytest.approx(np.log(quad(density, 0, 10)[0]))
    assert process.log_likelihood(n, m) == pytest.approx(log)
    assert process.expected_order_value(n, m) == pytest.approx(p * (v + n * m) / (p * n + q - 1))
    level = float(process.order_value_quantile(0.9, n, m, orders=3)) / (v + n * m)
    assert betainc(p * 3, p * n + q, level / (1 + level)) == pytest.approx(0.9)


def test_clock() -> None:
    weights, day = np.array([0.3, -0.1, 0.05, 0.2]), 9000
    clock = processes.Clock(start=0, pairs=2, weights=weights, covariance=np.zeros((4, 4)),
                            level=0.07)  # fmt: skip
    turn = 2 * np.pi * day / 365.25
    log = 0.3 * np.sin(turn) - 0.1 * np.cos(turn) + 0.05 * np.sin(2 * turn)
    log += 0.2 * np.cos(2 * turn) - 0.07
    assert clock.intensity(np.array([day]))[0] == pytest.approx(np.exp(log))
    passed = clock.intensity(np.arange(day + 1, day + 6)).sum()
    assert clock.elapsed(day, day + 5) == pytest.approx(passed)


def test_prior() -> None:
    prior = str(processes.BGNBD.fit([0, 0, 0, 0, 0, 1, 1, 2, 3, 4], [0] * 5 + [1, 9, 4, 7, 9],
                                    [10] * 10).prior)  # fmt: skip
    assert prior == (
        "log r ~ N(0, 2), log(alpha / median T) ~ N(0, 2), log(a + b) ~ N(1, 2), "
        "log(a / b) ~ N(-1, 2)"
    )


def test_bounds_are_order_statistics() -> None:
    drawn = np.random.default_rng(0).permutation(101)[None, :]
    lo, hi = row_quantiles(drawn, [0.05, 0.95])[0]
    in_order = np.sort(drawn[0])
    assert (lo, hi) == (in_order[int(np.ceil(0.05 * 101)) - 1], in_order[int(np.ceil(95.95)) - 1])


def test_ensemble_shares() -> None:
    rng = np.random.default_rng(1)
    y = rng.poisson(1.0, 300).astype(float)
    said = np.column_stack([y + rng.normal(0, 1, 300), y + rng.normal(0, 2, 300)]) + 2.0
    prior, trust = np.array([0.4, 0.6]), 0.5 * 0.8
    errors = said * (y.sum() / said.sum(axis=0)) - y[:, None]
    square = errors.T @ errors / (300 * np.mean((errors @ prior) ** 2))
    grid = np.linspace(0, 1, 100_001)
    w = np.stack([grid, 1 - grid])
    loss = np.einsum("ig,ij,jg->g", w, square, w) + 0.02 * ((w - prior[:, None]) ** 2).sum(axis=0)
    best = w[:, np.argmin(loss)]
    found = learned_shares([said], [y], prior, trust)
    assert found == pytest.approx((1 - trust) * prior + trust * best, abs=1e-4)


def test_ensemble_level_ages_and_moves() -> None:
    now, e = {"members": 100.0, "seasonal": 120.0}, [-0.2, -0.1]
    past = [{"members": each, "seasonal": each / 2} for each in e]
    found = learn_level(now, past, windows=1.5, reach=0.5)
    logs, precision, pooled = [], [], np.zeros(2)
    for name, factor in (("members", 1.0), ("seasonal", 0.5)):
        errors = factor * np.array(e)
        noise = max(0.15, errors.std()) ** 2 / min(1.5, 2)
        lasting = errors.mean() * 0.15**2 / (0.15**2 + noise)
        variance = (2 * 0.15**2 + ((errors - lasting) ** 2).sum()) / (2 + 2)
        variance = max(variance, 0.35**2) if name == "members" else variance
        logs.append(np.log(now[name]) + lasting * np.sqrt(0.5))
        precision.append(1 / variance)
        pooled += errors / variance
    total = np.exp(np.dot(logs, precision) / sum(precision))
    assert found.total == pytest.approx(total)
    pooled /= sum(precision)
    spread = (4 * 0.15**2 + (pooled**2).sum()) / (4 + 2) / np.sqrt(0.5)
    assert found.spread == pytest.approx(np.sqrt(spread))

    young = np.zeros(100, dtype=int)
    factor = age_factors([np.r_[young, young + 1]], [np.ones(200)], [np.r_[young, young + 2.0]])[1]
    trust = 0.1**2 / (0.1**2 + 0.1**2 / 1 + 3 / 200)
    assert factor == pytest.approx((201 / 101) ** trust)
    assert [each.item() for each in gained(np.array([4.0]))] == [1.0, 2.0]


def test_cohort_ladder() -> None:
    rng, ages = np.random.default_rng(2), np.arange(6)
    people = rng.integers(20, 60, 6).astype(float)
    lived = np.where(ages[:, None] + ages < 6, 30.0 * people[:, None], 0.0)
    seen = rng.poisson(lived * 0.02 * 0.8**ages).astype(float)
    found = Ladder.fit(
        seen, lived, weight=people, credibility=50.0, pooled=6,
        extend=lambda pool, exposure, size: pool / exposure,
    )  # fmt: skip
    level = np.ones(6)
    for _ in range(10):
        rate = seen.sum(axis=0) / (level @ lived)
        level = (seen.sum(axis=1) + 50) / (lived @ rate + 50)
        level /= np.average(level, weights=people)
    assert found.level == pytest.approx(level)
    assert found.rate(6) * level.mean() == pytest.approx(rate * level.mean(), rel=1e-3)
    mean = lived * found.rate(6) * level[:, None]
    inside = mean > 0
    free = inside.sum() - 6 - 6 + 1
    scatter = ((seen[inside] / mean[inside] - 1) ** 2 * mean[inside]).sum() / free
    assert found.scatter == pytest.approx(scatter)


def test_scores() -> None:
    a, e = np.array([0.0, 2.0, 5.0, 1.0]), np.array([0.5, 1.0, 3.0, 1.5])
    assert accuracy.rmse(a, e) == pytest.approx(np.sqrt(((e - a) ** 2).sum() / 4))
    assert accuracy.bias(a, e) == pytest.approx((6.0 - 8.0) / 8.0)
    assert accuracy.wape(a, e) == pytest.approx(np.abs(e - a).sum() / 8)
    logs = np.array([0.0, 2 * np.log(2), 5 * np.log(5 / 3), np.log(1 / 1.5)])
    assert accuracy.poisson_deviance(a, e) == pytest.approx(np.mean(2 * (logs - a + e)))
    ranks, best = np.array([1.0, 2, 4, 3]), np.array([1.0, 3, 4, 2])
    assert ranking.gini(a, e) == pytest.approx((a @ (ranks - 2.5)) / (a @ (best - 2.5)))
    assert ranking.capture(a, e, 0.25) == pytest.approx(5 / 8)
    assert calibration.brier(a, [0.1, 0.9, 0.8, 0.6]) == pytest.approx(
        np.mean((np.array([0.1, 0.9, 0.8, 0.6]) - [0, 1, 1, 1]) ** 2)
    )
    drawn, seen = np.array([0.0, 0.0, 1.0, 4.0]), 1.0
    j = np.arange(1, 5)
    plain = np.abs(drawn - seen).sum() / 4 - ((2 * j - 4 - 1) * drawn).sum() / 16
    pairs = np.abs(drawn[:, None] - drawn[None, :]).mean() / 2
    assert plain == pytest.approx(np.abs(drawn - seen).mean() - pairs)
    assert crps(drawn[None, :], np.array([seen]))[0] == pytest.approx(plain)
    stop = 1 / (2 + drawn.mean())
    chance = (4 * 0.25 + stop * (1 - stop)) / 5
    assert smoothed(drawn[None, :], np.array([seen]), np.array([0.25]))[0] == pytest.approx(chance)


def test_diebold_mariano() -> None:
    rng = np.random.default_rng(3)
    one, two = rng.gamma(2.0, size=(2, 12))
    h, n, d = 2, 12, one - two
    apart = d - d.mean()
    variance = apart @ apart / n + 2 * (apart[1:] @ apart[:-1] / n)
    small = np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    statistic = d.mean() / np.sqrt(variance / n) * small
    assert diebold_mariano(one, two, overlap=h).statistic == pytest.approx(statistic)


@pytest.fixture(scope="module")
def shop() -> tuple[fc.Ledger, Any, Any]:
    made = fc.simulate_shop(300, seed=3, refunds=0.0)
    ledger = fc.read_ledger(made.orders, customer_columns=["channel"], key=())
    return ledger, fc.BTYD().fit(ledger).forecast("12M", draws=200), made


def test_money(shop: tuple[fc.Ledger, Any, Any]) -> None:
    ledger, found, made = shop
    terms, rate = fc.Margin(0.4, per_order=2.0), 0.10
    value = fc.clv(found, ledger, margin=terms, rate=rate)
    bought = ledger.purchases().groupby("customer_id")["value"]
    past = 0.4 * bought.sum() - 2.0 * bought.size()
    assert value.customers["past"].to_numpy() == pytest.approx(past.to_numpy())
    rows = found.periods
    middle = rows["start"] + (rows["end"] - rows["start"]) / 2 - rows["start"].iloc[0]
    factor = 1.1 ** -(middle.dt.total_seconds() / 86400 / 365.25)
    future = (0.4 * rows["expected_value"] - 2.0 * rows["expected_purchases"]) * factor
    assert value.customers["future"].sum() == pytest.approx(future.sum())
    assert discount_factor(rate, 365.25) == pytest.approx(1 / 1.1)

    economics = fc.unit_economics(found, ledger, made.spend, margin=terms, rate=rate)
    row = economics.table.loc["social"]
    group = ledger.attributes()["channel"] == "social"
    ltv = value.customers["total"][group].mean()
    assert row["cac"] == pytest.approx(row["cost"] / group.sum())
    assert row["ltv"] == pytest.approx(ltv)
    assert row["ltv_cac"] == pytest.approx(ltv / row["cac"])
    assert row["roi"] == pytest.approx(ltv / row["cac"] - 1)
    assert row["max_cac"] == pytest.approx(economics.draws["social"].quantile(0.1) / 3)
    months = economics.payback()["social"]
    assert ((months >= 0.5).idxmax()) == row["payback_months"]


def test_skewness_correction() -> None:
    z, a = 1.645, 3.0 / np.sqrt(100)
    t = float(unskewed(z, 3.0, 100))
    assert t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6 == pytest.approx(z)


def test_value_by_age() -> None:
    log = pd.DataFrame(
        {"customer": ["a", "a", "b", "c"], "value": [10.0, 30.0, 20.0, 40.0],
         "date": ["2024-01-01", "2024-02-20", "2024-01-05", "2024-01-25"]}
    )  # fmt: skip
    table = fc.value_by_age(fc.read_ledger(log, cutoff="2024-04-03"), margin=1.0,
                            ages=["30D", "90D"])  # fmt: skip
    # all three have passed 30 days; a and b 90
    assert table["value"].to_list() == pytest.approx([70 / 3, 70 / 3 + 30 / 2])


def test_marketing_formulas() -> None:
    ledger = fc.read_ledger(fc.load_cdnow(sample=True), cutoff="1997-09-30", key=())
    people, active = fc.customer_summary(ledger), Activity.learn(ledger, "13W")
    left, days = (~active.active).sum(), active.days.sum()
    life = round(days / left)
    aov = people["total_value"].sum() / people["n_purchases"].sum()
    repeat = people["frequency"].sum() / days
    first, again = people["first_value"], people["total_value"] - people["first_value"]
    arpu = first.mean() / (days / left) + again.sum() / days
    a_day = left / days + repeat
    values = fc.formula_values(ledger, silence="13W")["value"]
    by_hand = [people["total_value"].mean(), life * arpu, aov * life * repeat,
               aov * 365.25 * a_day * life / 365.25, aov * a_day * life]  # fmt: skip
    assert values.to_list() == pytest.approx(by_hand)
    printed = re.search(r"give ([\d., ]+) and ([\d.]+) dollars", PAGE.replace("\n", " "))
    assert printed
    shown = [*printed[1].split(", "), printed[2]]
    assert shown == [f"{value:.2f}" for value in values]

    a, b, t = active.lapse_rate, active.return_rate, 273.0
    settled, drift = b / (a + b), (1 - np.exp(-(a + b) * t)) / (a + b)
    lapsed, staying = active.active_days(np.array([t]))[:, 0]
    assert staying == pytest.approx(t * b / (a + b) + a / (a + b) * drift)
    assert lapsed == pytest.approx(settled * (t - drift))


def test_segments(shop: tuple[fc.Ledger, Any, Any]) -> None:
    ledger, found, _ = shop
    made = fc.segments(found, ledger)
    ordered = np.sort(made.customers["past"].to_numpy())[::-1]
    reached = np.cumsum(ordered) / ordered.sum()
    cut = ordered[np.argmax(reached >= 0.80)]
    assert (made.customers["abc_past"] == "A").sum() == (made.customers["past"] >= cut).sum()
    keep = (made.customers["past"] >= cut) & (made.customers["p_active"] >= 0.5)
    assert (made.customers["portfolio"] == "keep").equals(keep)
    v, size = np.sort(made.customers["past"].to_numpy()), len(made.customers)
    gini = ((2 * np.arange(1, size + 1) - size - 1) @ v) / (size * v.sum())
    assert fc.concentration(made.customers["past"])["gini"] == pytest.approx(gini)


def test_uplift() -> None:
    value = pd.Series([3.0, 5.0, 4.0, 6.0, 7.0, 1.0, 2.0, 3.0, 2.0, 2.0])
    found = fc.uplift(value, pd.Series([True] * 5 + [False] * 5), cost=10.0)
    assert found["uplift"] == pytest.approx(5.0 - 2.0)
    assert found["total"] == pytest.approx(3.0 * 5)
    assert found["roi"] == pytest.approx(3.0 * 5 / 10 - 1)


def test_levers(shop: tuple[fc.Ledger, Any, Any]) -> None:
    ledger, _, _ = shop
    model = fc.BTYD("bgnbd").fit(ledger)
    people, p = fc.customer_summary(ledger), model.purchases_.process
    unit = {"weeks": 7.0, "days": 1.0}[model.purchases_.unit]
    x, tx, age = people["frequency"], people["recency"] / unit, people["T"] / unit
    alive = p.p_alive(x, tx, age)
    ahead = 26 * 7 / unit
    kept = model.forecast("26W", scenario={"retention": 2.0}, draws=0).customers
    by_hand = [
        chance * float(processes.BGNBD(p.r + n, p.alpha + t, p.a / 2, p.b + n)
                       .expected_purchases(ahead))
        for chance, n, t in zip(alive, x, age, strict=True)
    ]  # fmt: skip
    assert kept["expected_purchases"].to_numpy() == pytest.approx(np.array(by_hand))
    faster = model.forecast("26W", scenario={"purchase_frequency": 1.5}, draws=0).customers
    assert faster["expected_purchases"].to_numpy() == pytest.approx(
        np.asarray(p.expected_purchases(1.5 * ahead, x, tx, age))
    )
    assert Levers.read({"win_back": 0.5}, ["win_back"]).win_back == 0.5


def test_budget_and_psi() -> None:
    curve = Response("power", np.array([2.0, 3.0]), np.array([0.5, 0.7]))
    assert curve.customers(100.0) == pytest.approx([2 * 10.0, 3 * 100**0.7])
    plan = SpendPlan(np.array([[5.0], [4.0]]), [curve])
    assert plan.net(np.array([100.0]))[:, 0] == pytest.approx(
        [5 * 20.0 - 100, 4 * 3 * 100**0.7 - 100]
    )
    assert psi([0.5, 0.5], [0.25, 0.75]) == pytest.approx(-0.25 * np.log(0.5) + 0.25 * np.log(1.5))
