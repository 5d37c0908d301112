"""A process under levers: the past as it was, the future as the levers make it.

Given alive at the cutoff, a customer's rate and tendency to leave are independent and conjugate, so
the future is that of a new customer of a process with other parameters. Levers change those; the
probability of being alive stays. See :mod:`forecast.models.btyd.levers` for what each does.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from forecast.models.btyd.history import Floats
from forecast.models.btyd.levers import Levers
from forecast.processes import BGCNBD, BGNBD, NBD, Future, ParetoNBD
from forecast.processes.arrays import Numbers
from forecast.processes.future import draw_future
from forecast.processes.phases import phase_chances
from forecast.processes.race_future import draw_race
from forecast.processes.regular_dropout import RegularDropout
from forecast.processes.regular_future import draw_regular_future

__all__ = ["UnderLevers"]


@dataclass(frozen=True)
class UnderLevers:
    """A process whose future is changed; asked like the process itself.

    Times ahead are on the customers' faster clock: calendar time times ``purchase_frequency``.

    Attributes
    ----------
    process : object
        Of the BG family, Pareto/NBD or NBD; it explains the past.
    levers : Levers
        At their defaults every answer is that of the process, draws included.
    """

    process: Any
    levers: Levers

    def p_alive(self, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0) -> Floats:
        """Return the probability of being alive right after the cutoff, won back included."""
        alive = self.process.p_alive(frequency, recency, T)
        return np.asarray(alive + self.levers.win_back * (1.0 - alive))

    def p_active(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the probability of at least one purchase in (T, T + t]."""
        return self._mixed("p_active", t, frequency, recency, T)

    def expected_purchases(
        self, t: Numbers, frequency: Numbers = 0, recency: Numbers = 0, T: Numbers = 0
    ) -> Floats:
        """Return the expected purchases in (T, T + t]."""
        return self._mixed("expected_purchases", t, frequency, recency, T)

    def simulate(
        self,
        t: Numbers,
        frequency: Numbers,
        recency: Numbers,
        T: Numbers,
        *,
        rng: np.random.Generator,
    ) -> Future:
        """Return simulated purchases in (T, T + t] of every cell of a grid.

        Random numbers are used as by the process itself, so that a scenario and its base have
        them in common; those who are won back have a stream of their own.
        """
        (second,) = rng.spawn(1)  # leaves the stream of the first as it is
        future = self._stayed(t, frequency, recency, T, rng)
        if not self.levers.win_back:
            return future
        # given no purchase of one who had stayed, the chance of having been gone and won back
        alive = self.process.p_alive(frequency, recency, T)
        active = self._given_alive("p_active", t, frequency, recency, T)
        chance = self.levers.win_back * (1.0 - alive) / np.maximum(1.0 - active, 1e-300)
        back = self._gone(frequency, recency, T).simulate(t, rng=second, size=future.shape)
        cell = np.unravel_index(back.cell, future.shape)
        there = np.broadcast_to(chance, future.shape)[cell] > second.random(back.cell.size)
        return _together(future, back, there & ~np.isin(back.cell, future.cell))

    def _mixed(
        self, question: str, t: Numbers, frequency: Numbers, recency: Numbers, T: Numbers
    ) -> Floats:
        stayed = self._given_alive(question, t, frequency, recency, T)
        if not self.levers.win_back:
            return stayed
        gone = 1.0 - self.process.p_alive(frequency, recency, T)
        back = getattr(self._gone(frequency, recency, T), question)(t)
        return np.asarray(stayed + self.levers.win_back * gone * back)

    def _given_alive(
        self, question: str, t: Numbers, frequency: Numbers, recency: Numbers, T: Numbers
    ) -> Floats:
        """P(alive) times the answer for a customer who is alive, with the dropout changed."""
        alive = self.process.p_alive(frequency, recency, T)
        if isinstance(self.process, RegularDropout):
            # its hidden phase depends on the history, and not on a
            changed = replace(self.process, a=self.process.a / self.levers.retention)
            other = changed.p_alive(frequency, recency, T)
            answer = getattr(changed, question)(t, frequency, recency, T)
            return np.asarray(
                np.divide(alive * answer, other, out=np.zeros_like(answer), where=other > 0)
            )
        return np.asarray(alive * getattr(self._ahead(frequency, T), question)(t))

    def _ahead(self, frequency: Numbers, T: Numbers) -> Any:
        """Return the process of those alive, as of a new customer who has stayed."""
        process, kept = self.process, self.levers.retention
        x, age = np.asarray(frequency, dtype=float), np.asarray(T, dtype=float)
        if isinstance(process, NBD):
            return NBD(process.r + x, process.alpha + age)
        if isinstance(process, ParetoNBD):
            slower = kept * self.levers.purchase_frequency  # its dropout keeps calendar time
            return ParetoNBD(process.r + x, process.alpha + age, process.s, self._until(T, slower))
        return BGNBD(process.r + x, process.alpha + age, process.a / kept, self._stays(x))

    def _gone(self, frequency: Numbers, recency: Numbers, T: Numbers) -> Any:
        """Return the process of those who dropped out right after their last purchase."""
        process, kept = self.process, self.levers.retention
        x, last = np.asarray(frequency, dtype=float), np.asarray(recency, dtype=float)
        # BG/NBD: without a repeat purchase nobody is gone, and the answer has no weight
        stays = np.maximum(self._stays(x) - 1.0, np.minimum(process.b, 1.0))
        dropout = (process.a + 1.0) / kept
        if isinstance(process, RegularDropout):
            events = process.r + process.k * x
            return BGCNBD(process.k, events, process.alpha + last, dropout, stays)
        return BGNBD(process.r + x, process.alpha + last, dropout, stays)

    def _stays(self, x: Floats) -> Floats:
        return np.asarray(self.process.b + x + self.process.shift)

    def _until(self, T: Numbers, slower: float) -> Floats:
        return np.asarray((self.process.beta + np.asarray(T, dtype=float)) * slower)

    def _stayed(
        self, t: Numbers, frequency: Numbers, recency: Numbers, T: Numbers, rng: np.random.Generator
    ) -> Future:
        """Draw the futures of those who had not left, as the process itself would."""
        process, window = self.process, np.asarray(t, dtype=float)
        x, tx, age = (np.asarray(each, dtype=float) for each in (frequency, recency, T))
        if isinstance(process, NBD):
            return process.simulate(t, x, tx, age, rng=rng)
        alive, rate = process.p_alive(x, tx, age), np.asarray(process.alpha + age)
        if isinstance(process, ParetoNBD):
            shape = np.broadcast_shapes(window.shape, alive.shape, rate.shape)
            slower = self.levers.retention * self.levers.purchase_frequency

            def staying(at: tuple[Any, ...]) -> Floats:
                return np.asarray(np.broadcast_to(alive, shape)[at])

            events, s = np.asarray(process.r + x), np.asarray(process.s)
            return draw_race(rng, window, staying, events, rate, s, self._until(T, slower), shape)
        dropout, stays = np.asarray(process.a / self.levers.retention), self._stays(x)
        if isinstance(process, RegularDropout) and process.k > 1:
            events = np.asarray(process.r + process.k * x)
            chances, _ = phase_chances(process.k, events, (age - tx) / rate)
            shape = np.broadcast_shapes(window.shape, alive.shape, chances[0].shape, rate.shape)
            return draw_regular_future(
                rng, window, process.k, alive, chances, events, rate, dropout, stays, shape
            )
        events = np.asarray(process.r + x)  # of a regular process, k is 1
        shape = np.broadcast_shapes(window.shape, alive.shape, rate.shape)
        return draw_future(rng, window, alive, events, rate, dropout, stays, shape)


def _together(one: Future, other: Future, which: "np.ndarray[Any, np.dtype[np.bool_]]") -> Future:
    """Return one future with the chosen cells of another, which it has none of, in order."""
    order = np.argsort(np.concatenate((one.cell, other.cell[which])), kind="stable")
    joined: dict[str, Any] = {
        name: np.concatenate((getattr(one, name), getattr(other, name)[which]))[order]
        for name in ("cell", "count", "first", "horizon", "points")
    }
    return replace(one, **joined)
