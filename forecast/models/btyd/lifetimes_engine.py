"""The package ``lifetimes`` as a reference engine: its estimates and its own expectations.

The only file that imports it. Importing ``lifetimes`` switches warnings off for the whole process
and sets a pandas option; both are undone here. Its optimiser gives up where the optimum lies at a
boundary, which is said by name.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from forecast.errors import ModelError, NotIdentifiedError, UsageError
from forecast.processes import BGBB, BGNBD, MBGNBD, GammaGamma, ParetoNBD

__all__ = ["LIFETIMES", "LifetimesFit", "LifetimesProcess", "LifetimesSpend", "from_lifetimes"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LifetimesFit:
    """What ``lifetimes`` estimated, under the names our own fits use."""

    process: Any
    params: dict[str, float]
    log_likelihood: float
    unit: str | None
    standard_errors: dict[str, float]
    status: str = "converged"
    limit: str | None = None
    message: str = ""


@dataclass(frozen=True)
class LifetimesProcess:
    """A purchase process of ``lifetimes``; ``fitter`` names its class."""

    fitter: str
    fitted: Any = None

    @classmethod
    def of(cls, fitter: str, params: dict[str, float]) -> "LifetimesProcess":
        """Return a process of known parameters; the package needs no data to be asked."""
        return cls(fitter, _known(fitter, params))

    @property
    def params(self) -> dict[str, float]:
        """The package's estimates."""
        return {name: float(each) for name, each in self.fitted.params_.items()}

    def fit(self, frequency: Floats, recency: Floats, T: Floats, *, unit: str) -> LifetimesFit:
        """Estimate with the package's defaults, without a penalty."""
        if not (frequency > 0).any():
            raise NotIdentifiedError("Nobody bought again: no transaction rate is determined.")
        with _quietly(self.fitter):
            fitted = getattr(import_module("lifetimes"), self.fitter)()
            fitted.fit(frequency, recency, T)
            errors = getattr(fitted, "standard_errors_", {})  # ParetoNBDFitter gives none
        # its stored value is a mean over customers, on time multiplied by _scale
        shift = float(frequency.sum() * np.log(fitted._scale))
        return LifetimesFit(
            process=LifetimesProcess(self.fitter, fitted),
            params={name: float(each) for name, each in fitted.params_.items()},
            log_likelihood=float(-fitted._negative_log_likelihood_ * frequency.size + shift),
            unit=unit,
            standard_errors={name: float(each) for name, each in dict(errors).items()},
        )

    def p_alive(self, frequency: Floats, recency: Floats, T: Floats) -> Floats:
        """Return the package's probability of being alive."""
        with _quietly(self.fitter):
            return np.asarray(self.fitted.conditional_probability_alive(frequency, recency, T))

    def p_active(self, t: float, frequency: Floats, recency: Floats, T: Floats) -> Floats:
        """Return missing values: the package has no such probability."""
        return np.full(np.shape(frequency), np.nan)

    def expected_purchases(self, t: float, frequency: Floats, recency: Floats, T: Floats) -> Floats:
        """Return the package's expected purchases up to ``t``."""
        name = "conditional_expected_number_of_purchases_up_to_time"
        with _quietly(self.fitter):
            found = np.asarray(getattr(self.fitted, name)(t, frequency, recency, T))
        if missing := int(np.isnan(found).sum()):
            raise ModelError(
                f"lifetimes' {self.fitter} gives no number for {missing:,} histories, as it does "
                'where a + b < 1. Use engine="own".'
            )
        return found


class LifetimesSpend:
    """The package's Gamma-Gamma model."""

    def __init__(self, fitted: Any) -> None:
        self.fitted = fitted

    @classmethod
    def fit(cls, n: Floats, mean: Floats) -> LifetimesFit:
        """Estimate with the package's defaults, without a penalty."""
        with _quietly("GammaGammaFitter"):
            fitted = import_module("lifetimes").GammaGammaFitter()
            fitted.fit(n, mean)
            summary = fitted.summary
        return LifetimesFit(
            process=cls(fitted),
            params={name: float(each) for name, each in fitted.params_.items()},
            log_likelihood=float(-fitted._negative_log_likelihood_ * n.size),
            unit=None,
            standard_errors={name: float(each) for name, each in summary["se(coef)"].items()},
        )

    @classmethod
    def of(cls, params: dict[str, float]) -> "LifetimesSpend":
        """Return a spend model of known parameters."""
        return cls(_known("GammaGammaFitter", params))

    @property
    def params(self) -> dict[str, float]:
        """The package's estimates."""
        return {name: float(each) for name, each in self.fitted.params_.items()}

    def expected_order_value(self, n: Floats, mean: Floats) -> Floats:
        """Return the package's expected average order value."""
        with _quietly("GammaGammaFitter"):
            return np.asarray(self.fitted.conditional_expected_average_profit(n, mean))


def from_lifetimes(fitter: Any) -> Any:
    """Return our process with the parameters that a model of ``lifetimes`` was fitted to.

    Parameters
    ----------
    fitter : a fitted BetaGeoFitter, ModifiedBetaGeoFitter, ParetoNBDFitter, GammaGammaFitter or
        BetaGeoBetaBinomFitter

    Raises
    ------
    UsageError
        If the object is none of these, or not fitted.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> fitter = type("BetaGeoFitter", (SimpleNamespace,), {})(
    ...     params_={"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426})
    >>> from_lifetimes(fitter)
    BGNBD(r=0.243, alpha=4.414, a=0.793, b=2.426)
    """
    name = type(fitter).__name__
    if name not in _OURS or not hasattr(fitter, "params_"):
        raise UsageError(f"A fitted {' or '.join(_OURS)} is needed, not {name}.")
    return _OURS[name](**{key: float(value) for key, value in dict(fitter.params_).items()})


_OURS = {
    "BetaGeoFitter": BGNBD,
    "ModifiedBetaGeoFitter": MBGNBD,
    "ParetoNBDFitter": ParetoNBD,
    "GammaGammaFitter": GammaGamma,
    "BetaGeoBetaBinomFitter": BGBB,
}
LIFETIMES = {
    "bgnbd": LifetimesProcess("BetaGeoFitter"),
    "mbgnbd": LifetimesProcess("ModifiedBetaGeoFitter"),
    "pareto_nbd": LifetimesProcess("ParetoNBDFitter"),
}


def _known(fitter: str, params: dict[str, float]) -> Any:
    """Return a fitter of the package that knows its parameters and nothing else."""
    if fitter not in _OURS:
        raise UsageError(f"{fitter} is not one of {', '.join(_OURS)}.")
    with _quietly(fitter):
        known = getattr(import_module("lifetimes"), fitter)()
        known.params_ = pd.Series(params)
        return known


@contextmanager
def _quietly(fitter: str) -> Iterator[None]:
    """Keep the package's warnings, prints and global settings inside; name its failures."""
    with warnings.catch_warnings(), redirect_stdout(StringIO()):
        warnings.simplefilter("ignore")
        option = pd.get_option("mode.chained_assignment")
        try:
            import_module("lifetimes")
            yield
        except ImportError as error:
            raise ModelError(
                f"The reference package lifetimes cannot be imported: {error}."
            ) from None
        except import_module("lifetimes.utils").ConvergenceError:
            raise ModelError(
                f"lifetimes' {fitter} did not converge, as it does where the optimum lies at a "
                'boundary. Use engine="own", which names the limit model.'
            ) from None
        finally:
            pd.set_option("mode.chained_assignment", option)
