"""What was estimated, and how well: parameters and convergence of the fits inside a model."""

from collections.abc import Mapping
from typing import Any

__all__ = ["fits_of", "parameters_of"]

_FITS = ("purchases_", "spend_")


def fits_of(model: Any) -> dict[str, dict[str, Any]]:
    """Return every fit of a model, or of the members of an ensemble, by name.

    Returns
    -------
    dict
        Name, such as ``purchases`` or ``bgnbd purchases``, to ``status`` ("converged", "weak",
        "limit", "failed"), ``params`` and, where known, ``standard_errors``, ``log_likelihood``
        and ``limit``; empty for models that estimate nothing.

    Examples
    --------
    >>> import forecast as fc
    >>> ledger = fc.read_ledger(fc.simulate_shop(200, seed=1).orders, key=())
    >>> fits_of(fc.BTYD().fit(ledger))["spend"]["status"]
    'converged'
    >>> fits_of(fc.OwnRate().fit(ledger))
    {}
    """
    members = getattr(model, "fitted_", None)
    named = members if isinstance(members, Mapping) else {"": model}
    found = {}
    for member, each in named.items():
        for name in _FITS:
            fit = getattr(each, name, None)
            if getattr(fit, "status", None) is not None and getattr(fit, "params", None):
                found[f"{member} {name[:-1]}".strip()] = _facts(fit)
    return found


def parameters_of(fits: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return parameters with standard errors (NaN where unknown) under one name each."""
    return {
        f"{name} {parameter}": (
            float(value),
            float(fit.get("standard_errors", {}).get(parameter) or "nan"),
        )
        for name, fit in fits.items()
        for parameter, value in fit["params"].items()
    }


def _facts(fit: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {"status": str(fit.status), "params": _numbers(fit.params)}
    errors, likelihood = getattr(fit, "standard_errors", None), getattr(fit, "log_likelihood", None)
    if errors:
        facts["standard_errors"] = _numbers(errors)
    if likelihood is not None:
        facts |= _numbers({"log_likelihood": likelihood})
    if getattr(fit, "limit", None):
        facts["limit"] = str(fit.limit)
    return facts


def _numbers(named: Mapping[str, Any]) -> dict[str, float | None]:
    """Return plain numbers; None where there is none, since JSON knows no NaN."""
    plain = {name: float(value) for name, value in named.items()}
    return {name: value if value == value else None for name, value in plain.items()}
