"""Log-likelihood of BG/BB over distinct cells, with gradient and Hessian.

With (z)_n the rising factorial, a cell (x, tx, n) has the terms

    died after s opportunities, s = tx, ..., n - 1:  P(x, s) gamma (delta)_s / (gamma+delta)_(s+1)
    alive at all of them:                            P(x, n) (delta)_n / (gamma+delta)_n

with P(x, s) = (alpha)_x (beta)_(s-x) / (alpha+beta)_s, whose sum is eq. 5 of Fader, Hardie &
Shang (2010). Rising factorials and their derivatives are running sums over whole numbers, so they
come from tables and need no gamma function.
"""

from dataclasses import dataclass

import numpy as np

from forecast.processes.arrays import Floats, Integers
from forecast.processes.opportunities import Cells

__all__ = ["BGBBLikelihood"]

# terms worked on at once
_BLOCK = 1_000_000


@dataclass(frozen=True)
class _Block:
    """Terms of some cells, one after the other; ``first`` is where each cell begins."""

    x: "np.typing.NDArray[np.int16]"
    s: "np.typing.NDArray[np.int16]"
    died: "np.typing.NDArray[np.bool_]"
    first: Integers
    size: Integers
    weight: Floats


@dataclass(frozen=True)
class BGBBLikelihood:
    """Likelihood of log(alpha, beta, gamma, delta) given distinct cells."""

    blocks: tuple[_Block, ...]
    n_customers: int
    most: int

    names = ("alpha", "beta", "gamma", "delta")
    timed = (0, 0, 0, 0)
    # an opportunity is an opportunity: nothing is rescaled
    scale = 1.0

    @classmethod
    def of(cls, cells: Cells) -> "BGBBLikelihood":
        """Lay out the terms of the cells."""
        return cls(_blocks(cells), cells.n_customers, int(cells.n.max()))

    def unit_change(self) -> float:
        """Return 0: opportunities have no unit to change."""
        return 0.0

    def value(self, eta: Floats) -> float:
        """Return the log-likelihood at log-parameters ``eta``."""
        theta = np.exp(eta)
        logs = _tables(theta, self.most, 0)
        total = 0.0
        for block in self.blocks:
            top, share = _summed(self._terms(block, theta, logs), block)
            total += float(block.weight @ (top + np.log(share)))
        return total

    def derivatives(self, eta: Floats) -> tuple[float, Floats, Floats]:
        """Return log-likelihood, gradient and Hessian with respect to ``eta``."""
        theta = np.exp(eta)
        logs, once, twice = (_tables(theta, self.most, order) for order in range(3))
        value, gradient, hessian = 0.0, np.zeros(4), np.zeros((4, 4))
        for block in self.blocks:
            term = self._terms(block, theta, logs)
            top, total = _summed(term, block)
            value += float(block.weight @ (top + np.log(total)))
            share = np.exp(term - np.repeat(top + np.log(total), block.size))
            heavy = share * np.repeat(block.weight, block.size)
            slope = self._slopes(block, theta, once)
            mean = np.stack([np.add.reduceat(each * share, block.first) for each in slope])
            gradient += mean @ block.weight
            hessian += (slope * heavy) @ slope.T - (mean * block.weight) @ mean.T
            hessian += self._bends(block, theta, twice, heavy)
        along = theta * gradient
        return value, along, hessian * np.outer(theta, theta) + np.diag(along)

    def _terms(self, block: _Block, theta: Floats, logs: list[Floats]) -> Floats:
        """Return the logarithm of each term."""
        x, s, died = block.x, block.s, block.died
        alpha, beta, both, delta, whole = logs
        bought = alpha[x] + beta[s - x] - both[s]
        lived = delta[s] - whole[s + died]
        return np.asarray(bought + lived + died * np.log(theta[2]))

    def _slopes(self, block: _Block, theta: Floats, once: list[Floats]) -> Floats:
        """Return the derivative of each term by alpha, beta, gamma, delta, shape (4, terms)."""
        x, s, died = block.x, block.s, block.died
        alpha, beta, both, delta, whole = once
        ended = whole[s + died]
        return np.stack(
            [alpha[x] - both[s], beta[s - x] - both[s], died / theta[2] - ended, delta[s] - ended]
        )

    def _bends(self, block: _Block, theta: Floats, twice: list[Floats], heavy: Floats) -> Floats:
        """Return the weighted sum of the terms' own second derivatives."""
        x, s, died = block.x, block.s, block.died
        alpha, beta, both, delta, whole = twice
        bought, ended = heavy @ both[s], heavy @ whole[s + died]
        bend = np.zeros((4, 4))
        bend[:2, :2], bend[2:, 2:] = bought, ended
        bend[0, 0] -= heavy @ alpha[x]
        bend[1, 1] -= heavy @ beta[s - x]
        bend[2, 2] -= heavy @ died / theta[2] ** 2
        bend[3, 3] -= heavy @ delta[s]
        return bend


def _blocks(cells: Cells) -> tuple[_Block, ...]:
    """Terms of all cells, five bytes each, in blocks of bounded size."""
    size = cells.n - cells.tx + 1
    part = np.cumsum(size) // _BLOCK
    found = []
    for rows in np.split(np.arange(size.size), np.flatnonzero(np.diff(part)) + 1):
        count = size[rows]
        first = np.cumsum(count) - count
        step = np.arange(count.sum()) - np.repeat(first, count)
        s = np.repeat(cells.tx[rows], count) + step
        # the last term of a cell, s = n, is being alive: no death follows
        died = s < np.repeat(cells.n[rows], count)
        x = np.repeat(cells.x[rows], count).astype(np.int16)
        weight = cells.weight[rows]
        found.append(_Block(x, s.astype(np.int16), died, first, count, weight))
    return tuple(found)


def _tables(theta: Floats, most: int, order: int) -> list[Floats]:
    """Tables over m of sum_(i<m) of log(z+i), 1/(z+i) or 1/(z+i)^2.

    For z = alpha, beta, alpha + beta, delta and gamma + delta.
    """
    alpha, beta, gamma, delta = theta
    i = np.arange(most + 1)
    found = []
    for start in (alpha, beta, alpha + beta, delta, gamma + delta):
        each = np.log(start + i) if order == 0 else (start + i) ** -float(order)
        found.append(np.concatenate(([0.0], np.cumsum(each))))
    return found


def _summed(term: Floats, block: _Block) -> tuple[Floats, Floats]:
    """Largest term of each cell, and the sum of all relative to it."""
    top = np.maximum.reduceat(term, block.first)
    relative = np.exp(term - np.repeat(top, block.size))
    return top, np.add.reduceat(relative, block.first)
