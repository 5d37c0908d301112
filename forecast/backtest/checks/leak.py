"""Whether a forecast, or a column of the log, knows what it cannot know."""

from collections.abc import Mapping, Sequence
from typing import Any

from forecast.backtest.checks.check import LEAK, LEVEL, Check
from forecast.backtest.checks.track_record import TrackRecord

__all__ = ["leak_suspected"]

TOO_GOOD = 0.9
TOO_CLOSE = 0.35
FEWEST = 100


def leak_suspected(records: Sequence[TrackRecord], columns: Mapping[str, float]) -> Check | None:
    """Accuse models that are better than chance allows, and columns that know the future.

    *Too good.* Whatever is known by the origin, the count of a customer who buys at random at some
    rate has a variance of at least its mean, and his value one of at least the mean of the sum of
    squared order values, itself at least value squared over count. So ``sum (actual -
    expected)^2`` falls 10 % below ``sum actual`` (or ``sum value^2 / count``) only where forecasts
    hold some of the future's own noise.

    *Too close.* Among customers of equal frequency, recency and age, forecast and actual
    purchases correlate above 0.35: see :func:`.foresight.foresight`. Honest models reach 0.1, a
    forecast mixed with a tenth of the truth 0.9.

    Regular timing can be foreseen honestly, so the contractual pattern may be the cause.

    Parameters
    ----------
    columns : mapping of str to float
        Customer columns that know the future, from :func:`.knowing_columns.knowing_columns`.
    """
    said: list[str] = []
    evidence: dict[str, Any] = {}
    level = LEVEL / max(1, 3 * len(records))
    for record in records:
        if record.customers < FEWEST:
            continue
        for target, (ratio, p_value) in record.noise.items():
            if ratio < TOO_GOOD and p_value < level:
                said.append(
                    f"{record.name} has {ratio:.2f} of the squared error in {target} that chance "
                    "alone leaves"
                )
                evidence[f"{record.name}, {target}"] = {"ratio": ratio, "p_value": p_value}
        if record.foresight is not None:
            correlation, p_value = record.foresight
            if correlation > TOO_CLOSE and p_value < level:
                said.append(
                    f"{record.name} tells customers of equal histories apart (correlation "
                    f"{correlation:.2f} with what they then bought)"
                )
                evidence[f"{record.name}, foresight"] = {
                    "correlation": correlation,
                    "p_value": p_value,
                }
    for name, correlation in columns.items():
        said.append(
            f"customer column {name!r} correlates {correlation:.2f} with later purchases beyond "
            "what the history tells"
        )
        evidence[f"column {name}"] = {"correlation": correlation}
    if not said:
        return None
    return Check(
        LEAK,
        "error",
        f"Too good to be true: {'; '.join(said)}.",
        "Let the model see nothing but the ledger given to fit(); look for columns, features and "
        "files made after the origin, and for rows dated back.",
        evidence=evidence,
    )
