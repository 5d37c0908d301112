"""Simpler processes that a likelihood may tend to as parameters run to the edge.

Some data hold no sign of a parameter: dropout that is the same for everyone lets a and b grow
together without end, no dropout lets a vanish. The likelihood then has no maximum inside, but it
has a supremum on a *face*, where the process is a simpler one with a name. Predictions on the
face are stable although the parameters that ran away are not numbers to interpret.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats
from forecast.processes.newton import Derivatives, Optimum, climb

__all__ = ["AT_LIMIT", "NEAR_LIMIT", "Limit", "nearest_limit"]

NEAR_LIMIT = 0.5
AT_LIMIT = 5e-3
# log-scale standard error from which a walk to a face may cost less than NEAR_LIMIT
_FLAT = 0.7


@dataclass(frozen=True)
class Limit:
    """A face of the parameter space, in log-parameters.

    Attributes
    ----------
    name : str
        The simpler process, as a reader knows it.
    escape : tuple of float
        Direction in which the log-parameters run away.
    at : tuple of float
        A point of the face, 0 along the free directions.
    free : tuple of tuple of float
        Directions that stay free on the face.
    keeps : tuple of str
        Parameters that stay determined, so that they keep a standard error.
    """

    name: str
    escape: tuple[float, ...]
    at: tuple[float, ...]
    free: tuple[tuple[float, ...], ...]
    keeps: tuple[str, ...] = ()

    @property
    def basis(self) -> Floats:
        """Orthonormal columns spanning the free directions."""
        columns = np.array(self.free, dtype=float).T
        return np.asarray(columns / np.linalg.norm(columns, axis=0))

    def fit(self, derivatives: Derivatives, eta: Floats) -> Optimum:
        """Return the maximum on the face, starting next to ``eta``."""
        start = np.array(self.at) + self.basis @ (self.basis.T @ eta)
        return climb(derivatives, start, basis=self.basis)


def nearest_limit(
    limits: Sequence[Limit], derivatives: Derivatives, best: Optimum
) -> tuple[Limit, Optimum] | None:
    """Return the limit process whose likelihood comes within reach of the best, if there is one.

    Only faces towards which the likelihood is flat are tried: where it bends, the maximum is
    well inside. Of several faces that are reached, or else come near, the first of ``limits`` wins.
    """
    near: list[tuple[Limit, Optimum]] = []
    for limit in limits:
        if best.at_box.any() or _flat(best.hessian, np.array(limit.escape, dtype=float)):
            on_face = limit.fit(derivatives, best.eta)
            if best.value - on_face.value <= NEAR_LIMIT:
                near.append((limit, on_face))
    if not near:
        return None
    top = max(best.value, *(on_face.value for _, on_face in near))
    reached = [pair for pair in near if top - pair[1].value <= AT_LIMIT]
    return (reached or near)[0]


def _flat(hessian: Floats, escape: Floats) -> bool:
    """Whether the profile likelihood along ``escape`` bends too little to rule the face out."""
    curve, axes = np.linalg.eigh(-hessian)
    if curve[0] <= 1e-9 * curve[-1]:
        return True
    spread = axes.T @ escape / np.sqrt(curve)
    return bool(np.linalg.norm(spread) / (escape @ escape) > _FLAT)
