"""Checks that accuse: what in the data, the models or the backtest misleads, and what to do."""

from dataclasses import replace

from forecast.backtest.checks.change import drift, season_unmodelled
from forecast.backtest.checks.check import MAY_FOLLOW_FROM, Check
from forecast.backtest.checks.failings import intervals_miss, worse_than_naive
from forecast.backtest.checks.histories import Histories
from forecast.backtest.checks.knowing_columns import knowing_columns
from forecast.backtest.checks.leak import leak_suspected
from forecast.backtest.checks.log_facts import (
    few_repeat_buyers,
    one_customer_carries,
    returns_heavy,
)
from forecast.backtest.checks.reach import far_extrapolation, limit_model
from forecast.backtest.checks.rhythm import contractual_pattern
from forecast.backtest.checks.spend import spend_follows_frequency
from forecast.backtest.checks.totals import total_errors
from forecast.backtest.checks.track_record import track_records
from forecast.backtest.checks.truncation import EARLY_LIFE, left_truncation
from forecast.backtest.checks.waves import movement
from forecast.backtest.result import Backtest
from forecast.errors import UsageError
from forecast.forecaster import Forecast
from forecast.ledger import Ledger

__all__ = ["Check", "checks"]


def checks(
    ledger: Ledger | None = None,
    forecast: Forecast | None = None,
    backtest: Backtest | None = None,
) -> tuple[Check, ...]:
    """Return what is wrong, causes before their consequences; nothing where nothing is.

    Every test has a size of 0.001 and a floor below which no effect is accused, so a log drawn
    from the model itself is accused in about 1 % of cases and a large log not of trifles.

    Parameters
    ----------
    ledger : Ledger, optional
        The whole log, as given to :func:`forecast.backtest`. It is looked at as a whole: checks
        judge data and models, no forecast is made from them.
    forecast : Forecast, optional
        The forecast to be used.
    backtest : Backtest, optional
        Where models were tried. Customers are judged in the population ``"existing"``.

    Returns
    -------
    tuple of Check
        What cannot be judged from what is given is not accused.

    Raises
    ------
    UsageError
        If an argument is something else than its name says.
    UnsupportedError
        If the ledger lives on Spark.

    Examples
    --------
    >>> import forecast as fc
    >>> sound = fc.simulate_shop(1500, seed=3, season=None, channels=(), refunds=0.0)
    >>> fc.checks(fc.read_ledger(sound.orders, key=()))
    ()
    >>> wavy = fc.simulate_shop(1500, seed=3, channels=())
    >>> [check.id for check in fc.checks(fc.read_ledger(wavy.orders, key=()))]
    ['D2-returns-heavy', 'D7-season-unmodelled']
    """
    given: dict[type, object] = {Ledger: ledger, Forecast: forecast, Backtest: backtest}
    for kind, each in given.items():
        if each is not None and not isinstance(each, kind):
            raise UsageError(
                f"checks: a {type(each).__name__} was given as {kind.__name__.lower()}; call "
                "checks(ledger, forecast=..., backtest=...)."
            )
    found: list[Check | None] = []
    histories = moves = None
    columns: dict[str, float] = {}
    if ledger is not None:
        histories = Histories.of(ledger)
        truncated = left_truncation(histories)
        moves = movement(histories, burn_in=EARLY_LIFE if truncated else 0)
        columns = knowing_columns(ledger, histories)
        found += [
            truncated,
            returns_heavy(ledger),
            few_repeat_buyers(histories),
            one_customer_carries(histories),
            spend_follows_frequency(histories),
            contractual_pattern(histories),
        ]
    records = [] if backtest is None else list(track_records(backtest, histories))
    totals = [] if backtest is None else total_errors(backtest)
    found += [
        season_unmodelled(moves, backtest),
        leak_suspected(records, columns),
        drift(moves, totals, backtest),
        limit_model(forecast, backtest),
        worse_than_naive(records),
        intervals_miss(records, totals),
        far_extrapolation(forecast, ledger, backtest),
    ]
    fired = [check for check in found if check is not None]
    ids = {check.id for check in fired}
    named = [
        replace(
            check,
            causes=tuple(each for each in MAY_FOLLOW_FROM.get(check.id, ()) if each in ids),
        )
        for check in fired
    ]
    return tuple(sorted(named, key=lambda check: bool(check.causes)))
