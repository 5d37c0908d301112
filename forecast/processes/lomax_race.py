"""Which of two waiting times ends first: the one integral behind Pareto/NBD.

A purchase rate lambda ~ Gamma(k, A) makes the time to the next purchase Lomax(k, A), and a
death rate mu ~ Gamma(s, B) makes the time to dropout Lomax(s, B). The chance that the first of
two such times ends by t, and before its rival,

    W(t; p, A; q, B) = int_0^t p/(A+u) (A/(A+u))^p (B/(B+u))^q du,

gives P(dropped out), P(active), the waiting time and the likelihood, which in the literature are
differences of two 2F1 (Schmittlein, Morrison & Colombo 1987; brucehardie.com note 009). The
integral itself has no difference to lose digits in. With m the smaller of A and B and
``z = log(1 + u/m)`` its integrand is log-concave, decreasing but for one factor, and analytic in
the strip |Im z| < pi, whatever the parameters. So Gauss-Legendre nodes up to where it has fallen
by e^-40 give twelve digits: 6 to 32 of them unless times differ by many orders of magnitude.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats, Integers, Numbers
from forecast.processes.gauss_legendre import panels

__all__ = ["Race", "wins_race"]

_FALL = 40.0


@dataclass(frozen=True)
class Race:
    """The integrals of many races, in ``z``.

    Attributes
    ----------
    p : array, shape (rows,)
        Shape of the waiting time whose end is asked for.
    near, far : array
        Shapes of the waiting times with the smaller and with the larger scale.
    small, ratio : array
        The smaller scale, and its ratio to the larger one.
    ahead : array of bool
        Whether the waiting time asked for has the smaller scale.
    reach, fall : array
        Where the integral ends, in ``z``, and by how much the exponent has fallen there.
    """

    p: Floats
    near: Floats
    far: Floats
    small: Floats
    ratio: Floats
    ahead: "np.typing.NDArray[np.bool_]"
    reach: Floats
    fall: Floats

    @classmethod
    def of(cls, t: Floats, p: Floats, A: Floats, q: Floats, B: Floats) -> "Race":
        """Prepare races from five rows of one length; ``t`` may be infinite."""
        ahead = A <= B
        small, large = np.minimum(A, B), np.maximum(A, B)
        ratio = small / large
        near, far = np.where(ahead, p, q), np.where(ahead, q, p)
        lag = -np.log(ratio)
        # far beyond both scales the integrand is a plain exponential: see `beyond`
        reach = np.minimum(np.log1p(t / small), lag + _FALL)
        fall = near * reach + far * np.log1p(ratio * np.expm1(reach))
        enough = np.where(ahead, _FALL, _FALL + lag)
        long = np.flatnonzero(fall > enough)
        if long.size:
            reach[long] = _cut(near[long], far[long], ratio[long], enough[long], reach[long])
        return cls(p, near, far, small, ratio, ahead, reach, np.minimum(fall, enough))

    def masses(self) -> Iterator[tuple[Integers, Floats, Floats]]:
        """Yield positions of rows, probability at each node, and exp(z) - 1 there.

        Both arrays have shape (nodes, rows); the probabilities sum to W over the nodes.
        """
        # found by trial over the box of the tests, for twelve digits
        bend = 0.43 * self.fall + 0.4 * np.minimum(self.fall, 2.0)
        wanted = 5.5 + 2.2 * self.reach + bend
        for rows, node, weight in panels(wanted):
            reach, ratio = self.reach[rows], self.ratio[rows]
            z = reach * node
            growth = np.exp(z)
            # the time over the larger scale: 1 + u / large
            wide = growth * ratio
            wide += 1 - ratio
            mass = np.log(wide)
            mass *= self.far[rows]
            z *= self.near[rows]
            mass += z
            np.exp(np.negative(mass, out=mass), out=mass)
            behind = np.flatnonzero(~self.ahead[rows])
            if behind.size:
                mass[:, behind] *= (ratio * growth / wide)[:, behind]
            mass *= weight[:, None]
            mass *= self.p[rows] * reach
            growth -= 1
            yield rows, mass, growth

    def beyond(self, t: Floats) -> Floats:
        """Return what lies between ``reach`` and ``t`` where both scales are long passed."""
        cap = -np.log(self.ratio) + _FALL
        total = self.near + self.far
        left = np.maximum(np.log1p(t / self.small) - cap, 0.0)
        wide = np.log1p(self.ratio * np.expm1(cap))
        height = self.p * np.exp(-self.near * cap - self.far * wide)
        return np.asarray(height * -np.expm1(-total * left) / total)


def wins_race(t: Numbers, p: Numbers, A: Numbers, q: Numbers, B: Numbers) -> Floats:
    """Return P(X <= min(t, Y)) for X ~ Lomax(p, A) and Y ~ Lomax(q, B); arguments broadcast.

    Parameters
    ----------
    t : array-like
        Time allowed; may be infinite.
    p, A : array-like
        Shape and scale of the waiting time that is to end first.
    q, B : array-like
        Shape and scale of its rival.

    Examples
    --------
    >>> round(float(wins_race(np.inf, 2.0, 5.0, 1.0, 5.0)), 12)  # equal scales: p / (p + q)
    0.666666666667
    """
    arguments = (np.asarray(each, dtype=float) for each in (t, p, A, q, B))
    together = np.broadcast_arrays(*arguments)
    allowed, *rest = (each.ravel() for each in together)
    race = Race.of(allowed, *rest)
    won = np.empty(allowed.size)
    for rows, mass, _ in race.masses():
        won[rows] = mass.sum(axis=0)
    far = np.flatnonzero(allowed / race.small > 1e15)
    if far.size:
        won[far] += Race.of(allowed[far], *(each[far] for each in rest)).beyond(allowed[far])
    return np.asarray(won.reshape(together[0].shape))


def _cut(near: Floats, far: Floats, ratio: Floats, enough: Floats, most: Floats) -> Floats:
    """Return where the exponent has fallen by ``enough``, or a little more.

    Its fall is convex, so Newton's method comes down to that place from the right.
    """
    z = np.minimum(enough / (near + far * ratio), most)
    for _ in range(60):
        growth = ratio * np.expm1(z)
        over = near * z + far * np.log1p(growth) - enough
        step = over / (near + far * (growth + ratio) / (1 + growth))
        step = np.where(over > 0, step, 0.0)
        z -= step
        if np.all(step < 0.05 * z):
            break
    return z
