"""Which models may be the best? The set that holds it with a stated confidence."""

import numpy as np
import pandas as pd

from forecast.backtest.bootstrap import Replicates

__all__ = ["model_confidence_set"]


def model_confidence_set(found: Replicates, level: float = 0.9) -> pd.DataFrame:
    """Drop the worst model until those left cannot be told apart.

    Hansen, Lunde & Nason (2011) with ``T_max``: each model's log score less the mean of those
    left, over its standard error; the largest is compared with the largest in each replicate, and
    while that is rare the model that has it is dropped.

    Parameters
    ----------
    found : Replicates
        Log scores of all models, drawn again.
    level : float
        Confidence that the best model is in the set.

    Returns
    -------
    pandas.DataFrame
        A row a model, in their order: ``p_value`` (the largest p-value on the way to the step
        that drops it; 1 for the last) and ``in_set`` (not below ``1 - level``).
    """
    count = len(found.logs)
    left = list(range(count))
    p_values = np.ones(count)
    highest = 0.0
    while len(left) > 1:
        weights = np.zeros((len(left), count))
        weights[:, left] = -1 / len(left)
        weights[np.arange(len(left)), left] += 1
        drawn = np.stack([found.contrast(each, level) for each in weights], axis=1)
        center, spread = weights @ found.logs, drawn.std(axis=0)
        if not (spread > 0).any() and not np.abs(center).max() > 0:
            break  # all that are left are the same forecast
        scale = np.maximum(spread, 1e-12 + 1e-12 * np.abs(center).max())
        statistic = center / scale
        worst = (drawn - drawn.mean(axis=0)) / scale
        p = (1 + int((worst.max(axis=1) >= statistic.max()).sum())) / (len(drawn) + 1)
        highest = max(highest, p)
        dropped = left.pop(int(np.argmax(statistic)))
        p_values[dropped] = highest
    return pd.DataFrame({"p_value": p_values, "in_set": p_values >= 1 - level})
