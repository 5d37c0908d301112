"""The simpler processes that BG/NBD and MBG/NBD tend to, in log(r, alpha, a, b)."""

from forecast.processes.limits import Limit

__all__ = ["BG_LIMITS"]

_RATES = ((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0))
_RATIO = (0.0, 0.0, 1.0, -1.0)

# fewest free directions first: the simplest process that does as well gives the name
BG_LIMITS = (
    Limit(
        name="Poisson: one purchase rate and no dropout",
        escape=(1.0, 1.0, -1.0, 0.0),
        at=(11.0, 11.0, -15.0, 0.0),
        free=((1.0, -1.0, 0.0, 0.0),),
    ),
    Limit(
        name="NBD: no dropout",
        escape=(0.0, 0.0, -1.0, 0.0),
        at=(0.0, 0.0, -15.0, 0.0),
        free=_RATES,
        keeps=("r", "alpha"),
    ),
    Limit(
        name="dropout at the first occasion",
        escape=(0.0, 0.0, 1.0, -1.0),
        at=(0.0, 0.0, 8.0, -8.0),
        free=_RATES,
        keeps=("r", "alpha"),
    ),
    Limit(
        name="one purchase rate and constant dropout",
        escape=(1.0, 1.0, 1.0, 1.0),
        at=(11.0, 11.0, 10.0, 10.0),
        free=((1.0, -1.0, 0.0, 0.0), _RATIO),
    ),
    Limit(
        name="constant dropout: a, b to infinity",
        escape=(0.0, 0.0, 1.0, 1.0),
        at=(0.0, 0.0, 10.0, 10.0),
        free=(*_RATES, _RATIO),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="dropout at the first occasion or never: a, b to 0",
        escape=(0.0, 0.0, -1.0, -1.0),
        at=(0.0, 0.0, -10.0, -10.0),
        free=(*_RATES, _RATIO),
        keeps=("r", "alpha"),
    ),
    Limit(
        name="one purchase rate: r, alpha to infinity",
        escape=(1.0, 1.0, 0.0, 0.0),
        at=(11.0, 11.0, 0.0, 0.0),
        free=((1.0, -1.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0, 1.0)),
        keeps=("a", "b"),
    ),
)
