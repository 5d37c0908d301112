"""Maximisation in a box by Newton steps in a trust region, for a handful of log-parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats

__all__ = ["BOX", "Derivatives", "Optimum", "climb", "settle"]

BOX = 15.0
Derivatives = Callable[[Floats], tuple[float, Floats, Floats]]


@dataclass(frozen=True)
class Optimum:
    """Where a climb ended: the point, the value and its derivatives."""

    eta: Floats
    value: float
    gradient: Floats
    hessian: Floats
    steps: int

    @property
    def at_box(self) -> "np.typing.NDArray[np.bool_]":
        """Which parameters stand at the edge of the box."""
        return np.asarray(np.abs(self.eta) >= BOX - 1e-9)

    @property
    def slope(self) -> float:
        """Largest gradient among the parameters that are free to follow it."""
        held = self.at_box & (self.gradient * np.sign(self.eta) > 0)
        return float(np.abs(np.where(held, 0.0, self.gradient)).max())


def climb(
    derivatives: Derivatives,
    start: Floats,
    *,
    basis: Floats | None = None,
    most: int = 100,
    radius: float = 1.0,
    precision: float = 1e-14,
) -> Optimum:
    """Climb from ``start`` to a maximum inside the box ``|eta| <= 15``.

    Each step maximises the local quadratic inside a ball (Nocedal & Wright 2006, section 4.3, by
    eigenvalues since there are few parameters) and is taken only if it gains what was predicted.

    Parameters
    ----------
    derivatives : callable
        Returns value, gradient and Hessian at a point.
    start : array, shape (p,)
    basis : array, shape (p, k), optional
        Columns spanning the directions that may be moved; all by default.
    most : int
        Most steps.
    radius : float
        Radius of the first ball.
    precision : float
        Stop when a step promises less than this, relative to the value (which has no more digits).
    """
    eta = np.clip(start, -BOX, BOX)
    value, gradient, hessian = derivatives(eta)
    whole = np.eye(eta.size) if basis is None else basis
    steps = 0
    while steps < most:
        move = _inside(eta, gradient, hessian, whole, radius)
        target = np.clip(eta + move, -BOX, BOX)
        promised = float(gradient @ move + 0.5 * move @ hessian @ move)
        if promised <= 1e-10 + precision * abs(value) or not np.isfinite(promised):
            break
        steps += 1
        new_value, new_gradient, new_hessian = derivatives(target)
        gained = (new_value - value) / promised if np.isfinite(new_value) else -1.0
        length = float(np.linalg.norm(move))
        if gained < 0.25:
            radius = 0.25 * length
        elif gained > 0.75 and length > 0.8 * radius:
            radius = min(2 * radius, 8.0)
        if gained > 1e-4:
            eta, value, gradient, hessian = target, new_value, new_gradient, new_hessian
        elif length < 1e-7:
            break
    return Optimum(eta, value, gradient, hessian, steps)


def settle(derivatives: Derivatives, found: Optimum) -> Optimum:
    """Take one more step, which gains no digit of the value but digits of the point.

    A climb stops where the value has no more to gain; along a ridge the point may still be a
    millionth off, and rounding decides by how much. The step is kept where the gradient shrinks.

    Parameters
    ----------
    derivatives : callable
        Those that were climbed.
    found : Optimum
        Where the climb ended.
    """
    whole = np.eye(found.eta.size)
    target = found.eta + _inside(found.eta, found.gradient, found.hessian, whole, 1e-2)
    value, gradient, hessian = derivatives(target)
    last = Optimum(target, value, gradient, hessian, found.steps + 1)
    close = np.isfinite(value) and abs(value - found.value) <= 1e-9 * (1.0 + abs(found.value))
    return last if close and last.slope < found.slope else found


def _inside(eta: Floats, gradient: Floats, hessian: Floats, basis: Floats, radius: float) -> Floats:
    """Return the best step that does not leave the box; parameters held at its edge stay."""
    held = np.zeros(eta.size, dtype=bool)
    for _ in range(eta.size):
        span = _without(basis, held) if held.any() else basis
        if span.shape[1] == 0:
            break
        move = np.asarray(span @ _step(span.T @ gradient, span.T @ hessian @ span, radius))
        outward = (np.abs(eta) >= BOX - 1e-9) & (move * np.sign(eta) > 0)
        if not (outward & ~held).any():
            # shortened as a whole: cutting one parameter alone would leave a ridge
            room = (BOX - eta * np.sign(move)) / np.maximum(np.abs(move), 1e-300)
            return np.asarray(move * min(1.0, float(np.where(held, np.inf, room).min())))
        held |= outward
    return np.zeros(eta.size)


def _without(basis: Floats, held: "np.typing.NDArray[np.bool_]") -> Floats:
    """Directions of the basis that leave the held parameters where they are."""
    _, size, rows = np.linalg.svd(basis[held])
    rank = int((size > 1e-12).sum())
    return np.asarray(basis @ rows[rank:].T)


def _step(gradient: Floats, hessian: Floats, radius: float) -> Floats:
    """Maximise the quadratic with this gradient and Hessian inside the ball."""
    curve, axes = np.linalg.eigh(-hessian)
    along = axes.T @ gradient

    def move(shift: float) -> Floats:
        bent = np.maximum(curve + shift, 1e-300)
        return np.where(along == 0, 0.0, along / bent)

    floor = max(0.0, -float(curve[0])) + 1e-12 * max(1.0, float(np.abs(curve).max()))
    low = 0.0 if curve[0] > floor else floor
    if np.linalg.norm(move(low)) <= radius:
        return np.asarray(axes @ move(low))
    high = low + float(np.linalg.norm(gradient)) / radius
    for _ in range(80):
        middle = 0.5 * (low + high)
        if np.linalg.norm(move(middle)) > radius:
            low = middle
        else:
            high = middle
        if high - low < 1e-6 * high:
            break
    return np.asarray(axes @ move(high))
