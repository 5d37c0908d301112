"""What an optimum is worth: its covariance, a status and a message in words."""

import numpy as np

from forecast.processes.arrays import Floats
from forecast.processes.limits import Limit
from forecast.processes.newton import BOX, Optimum

__all__ = ["covariance_at", "verdict"]

_WIDE = 3.0
_ILL = 1e8


def covariance_at(
    point: Optimum, limit: Limit | None, names: tuple[str, ...]
) -> tuple[Floats, str | None]:
    """Return the inverse of the negative log-scale Hessian, or NaN and the reason.

    On a face the inverse is taken over the directions that stay free, and only the parameters
    that stay determined get an entry. A matrix that is no covariance is never repaired.
    """
    size = len(names)
    basis = np.eye(size) if limit is None else limit.basis
    curve, axes = np.linalg.eigh(-(basis.T @ point.hessian @ basis))
    unknown = np.full((size, size), np.nan)
    if curve[0] <= 0:
        return unknown, "the Hessian is not positive definite"
    if curve[-1] / curve[0] > _ILL:
        return unknown, f"the Hessian is ill-conditioned ({curve[-1] / curve[0]:.1g})"
    wide = basis @ axes
    covariance = (wide / curve) @ wide.T
    if limit is not None:
        lost = [i for i, name in enumerate(names) if name not in limit.keeps]
        covariance[lost, :] = covariance[:, lost] = np.nan
    return np.asarray(covariance), None


def verdict(
    point: Optimum,
    covariance: Floats,
    *,
    names: tuple[str, ...],
    n_customers: int,
    agreed: bool,
    limit: Limit | None,
    at_limit: bool,
    trouble: str | None,
) -> tuple[str, str]:
    """Return status and message of an estimate.

    Parameters
    ----------
    point : Optimum
        Where the climb ended.
    covariance : array, shape (p, p)
        Of the log-parameters.
    names : tuple of str
        Parameters, in order.
    n_customers : int
        Customers behind the estimate: gradients are judged by their square root.
    agreed : bool
        Whether two starts reached the same value.
    limit : Limit or None
        The simpler process that does as well.
    at_limit : bool
        Whether the estimate stands on that face.
    trouble : str or None
        Why there is no covariance.
    """
    labels = np.array(names)
    if limit is not None and at_limit:
        lost = ", ".join(name for name in names if name not in limit.keeps)
        return "limit", (
            f"The likelihood tends to its limit '{limit.name}'. Predictions are stable; "
            f"{lost} stand next to the limit and are not numbers to interpret, so their "
            "standard errors are missing."
        )
    steep = point.slope / np.sqrt(max(1, n_customers))
    if steep > 1e-3:
        return "failed", (
            f"No maximum was reached: the largest log-scale gradient is {point.slope:.3g} "
            f"after {point.steps} steps."
        )
    notes: list[str] = []
    if limit is not None:
        notes.append(f"the simpler '{limit.name}' is within half a unit of log-likelihood")
    edge = labels[point.at_box]
    if edge.size:
        notes.append(f"{', '.join(edge)} at the edge of the box (exp(+-{BOX:g}))")
    if trouble is not None:
        notes.append(f"{trouble}, so standard errors are missing")
    else:
        wide = labels[np.sqrt(np.diag(covariance)) > _WIDE]
        if wide.size:
            notes.append(f"{', '.join(wide)} hardly determined (log-scale error above {_WIDE:g})")
    if not agreed:
        notes.append("no two starts agreed within 1e-4")
    if steep > 1e-4:
        notes.append(f"largest gradient {point.slope:.3g}")
    if notes:
        return "weak", "A maximum, but " + "; ".join(notes) + ". Predictions are usable."
    return "converged", "Converged: gradient zero, Hessian positive definite, starts agree."
