"""Shifted-beta-geometric retention: Fader & Hardie (2007, 2010), for contracts that are renewed."""

from dataclasses import dataclass, replace

import numpy as np

from forecast.errors import UsageError
from forecast.processes.arrays import (
    Floats,
    Integers,
    Numbers,
    check_positive,
    discount_rate,
    floats,
)
from forecast.processes.fitting import Fit
from forecast.processes.geometric_life import (
    death_chance,
    mean_discounted_life,
    mean_life,
    survival,
)
from forecast.processes.retention_counts import (
    Curves,
    count_churned,
    count_customers,
    count_survivors,
)
from forecast.processes.rising_factorial import log_rising
from forecast.processes.shifted_beta_geometric_estimate import estimate

__all__ = ["ShiftedBetaGeometric"]


@dataclass(frozen=True)
class ShiftedBetaGeometric:
    """A contract comes up for renewal every period and ends with a Beta chance each time.

    A customer leaves in period T = 1, 2, ... with P(T = t | theta) = theta (1 - theta)^(t-1), and
    theta ~ Beta(alpha, beta) across customers, which makes retention rates rise as the customers
    who leave easily are gone. Given ``renewals`` renewals, theta ~ Beta(alpha, beta + renewals).
    Everything broadcasts: parameters of shape (draws,) against periods of shape (periods, 1).

    Parameters
    ----------
    alpha, beta : float or array
        Churn probability of a period, theta ~ Beta(alpha, beta).

    Raises
    ------
    UsageError
        If a parameter is not positive and finite.

    Examples
    --------
    >>> high_end = ShiftedBetaGeometric(alpha=0.668, beta=3.806)
    >>> round(float(high_end.survival(12)), 3)
    0.378
    >>> round(float(high_end.discounted_lifetime(0.1)), 4)
    5.9226
    """

    alpha: float | Floats
    beta: float | Floats

    def __post_init__(self) -> None:
        check_positive(self)

    @classmethod
    def fit(cls, survivors: Curves, *, unit: str | None = None) -> Fit:
        """Estimate by maximum likelihood from survivor curves.

        Bands for S(t) come from the posterior:
        ``fit.posterior().process(ShiftedBetaGeometric).survival(t[:, None])`` has one column a
        draw.

        Parameters
        ----------
        survivors : array-like, shape (periods + 1,), or a sequence of these
            Customers at the start, after one period, after two, ...; one curve a cohort, as long
            as its age. Who is left at the end is censored. Counts, since the number of customers
            says how certain the curve is.
        unit : str, optional
            Name of the period, kept in the result.

        Raises
        ------
        BadRowsError
            If a count is missing, infinite or negative.
        TooLittleDataError
            If there are fewer than ten customers, or no period was lived through.
        NotIdentifiedError
            If nobody was lost.

        Warns
        -----
        DataWarning
            If a curve rises; it is then levelled, and the message of the fit says so.

        Examples
        --------
        >>> curve = [1000, 631, 468, 382, 326, 289, 262, 241]
        >>> fit = ShiftedBetaGeometric.fit(curve, unit="year")
        >>> round(fit.params["alpha"], 3), round(fit.params["beta"], 3)
        (0.704, 1.182)
        """
        likelihood, rises = count_survivors(survivors)
        fit = estimate(cls, likelihood, unit)
        if not rises:
            return fit
        return replace(fit, message=f"{fit.message} Survivors rose {rises} times; levelled.")

    @classmethod
    def fit_churn(cls, churned: Curves, retained: Numbers, *, unit: str | None = None) -> Fit:
        """Estimate from customers lost in each period and those left at the end.

        Parameters
        ----------
        churned : array-like, shape (periods,), or a sequence of these
            Customers lost in the first period, the second, ...; one row a cohort.
        retained : float or array-like, shape (cohorts,)
            Customers still there after the last period of each.
        unit : str, optional
            Name of the period, kept in the result.

        Raises
        ------
        BadRowsError, TooLittleDataError, NotIdentifiedError
            As :meth:`fit`.
        """
        return estimate(cls, count_churned(churned, retained), unit)

    @classmethod
    def fit_customers(
        cls,
        renewals: Numbers,
        churned: Numbers,
        *,
        weights: Numbers | None = None,
        unit: str | None = None,
    ) -> Fit:
        """Estimate from customers, one a row.

        Parameters
        ----------
        renewals : array-like, shape (customers,)
            Renewals made so far.
        churned : array-like of bool, shape (customers,)
            Whether the customer did not renew the next time; False is censored.
        weights : array-like, shape (customers,), optional
            How often each row counts.
        unit : str, optional
            Name of the period, kept in the result.

        Raises
        ------
        BadRowsError, TooLittleDataError, NotIdentifiedError
            As :meth:`fit`.
        """
        return estimate(cls, count_customers(renewals, churned, weights), unit)

    def log_likelihood(self, renewals: Numbers, churned: Numbers) -> Floats:
        """Return the log-likelihood of each customer's renewals, and whether gone after them.

        log S(renewals), plus the log of the churn rate of the next period for who is gone.
        """
        alpha, beta = self._given(0)
        n = np.asarray(renewals, dtype=float)
        stayed = log_rising(beta, n) - log_rising(alpha + beta, n)
        left = np.log(alpha) - np.log(alpha + beta + n)
        return np.asarray(stayed + np.where(np.asarray(churned, dtype=bool), left, 0.0))

    def survival(self, t: Numbers, renewals: Numbers = 0) -> Floats:
        """Return the probability of making the next ``t`` renewals, S(t) for a new customer.

        B(alpha, beta + t) / B(alpha, beta), Fader & Hardie (2007), eq. 6.
        """
        alpha, beta = self._given(renewals)
        return survival(_periods("t", t), alpha, beta)

    def retention_rate(self, t: Numbers) -> Floats:
        """Return the share of those at risk in period ``t`` who renew, t = 1, 2, ...

        (beta + t - 1) / (alpha + beta + t - 1), Fader & Hardie (2007), eq. 8.
        """
        alpha, beta = self._given(_periods("t", t, least=1) - 1)
        return np.asarray(beta / (alpha + beta))

    def pmf(self, t: Numbers, renewals: Numbers = 0) -> Floats:
        """Return the probability of leaving in the ``t``-th period from now, t = 1, 2, ...

        B(alpha + 1, beta + t - 1) / B(alpha, beta), Fader & Hardie (2007), eq. 5.
        """
        alpha, beta = self._given(renewals)
        return death_chance(_periods("t", t, least=1), alpha, beta)

    def expected_tenure(self, t: Numbers, renewals: Numbers = 0) -> Floats:
        """Return the expected number of periods as a customer out of the next ``t``.

        S(0) + ... + S(t - 1): the first of them is under contract already. ``t`` may be infinite:
        (alpha + beta - 1) / (alpha - 1), or infinite where alpha <= 1.
        """
        alpha, beta = self._given(renewals)
        return mean_life(_periods("t", t), alpha, beta)

    def discounted_lifetime(self, rate: Numbers) -> Floats:
        """Return DEL, the discounted expected lifetime of a new customer, in periods.

        S(0) + S(1)/(1+d) + ... = 2F1(1, beta; alpha + beta; 1 / (1 + d)), Fader & Hardie (2010).

        Parameters
        ----------
        rate : array-like, positive
            Effective discount rate d of a period: 0.1 is 10 % a period.
        """
        alpha, beta = self._given(0)
        d = discount_rate(rate)
        return np.asarray((1 + d) * mean_discounted_life(d, alpha, beta))

    def discounted_residual_lifetime(self, rate: Numbers, renewals: Numbers = 0) -> Floats:
        """Return DERL, seen just before the next renewal of a customer with ``renewals``.

        With n = renewals + 1, (beta + n - 1) / (alpha + beta + n - 1)
        2F1(1, beta + n; alpha + beta + n; 1 / (1 + d)), Fader & Hardie (2010): the next period,
        if renewed, counts in full and the later ones are discounted from there.

        Parameters
        ----------
        rate : array-like, positive
            Effective discount rate d of a period.
        renewals : array-like
            Renewals made so far.
        """
        alpha, beta = self._given(renewals)
        d = discount_rate(rate)
        renews = beta / (alpha + beta)
        return np.asarray(renews * (1 + d) * mean_discounted_life(d, alpha, beta + 1))

    def simulate(
        self,
        t: Numbers,
        renewals: Numbers = 0,
        *,
        rng: np.random.Generator,
        size: tuple[int, ...] | None = None,
    ) -> Integers:
        """Return simulated renewals out of the next ``t``, for every cell of a grid.

        Parameters
        ----------
        t : array-like
            Periods ahead.
        renewals : array-like
            Renewals made so far, as (customers, 1) against parameters of shape (draws,).
        rng : numpy.random.Generator
        size : tuple of int, optional
            Shape of the grid; by default that of all arguments together.
        """
        alpha, beta = self._given(renewals)
        t = _periods("t", t)
        shape = np.broadcast_shapes(t.shape, alpha.shape, beta.shape, size or ())
        theta = rng.beta(alpha, beta, shape)
        with np.errstate(divide="ignore", over="ignore"):
            made = np.floor(rng.standard_exponential(shape) / -np.log1p(-theta))
        return np.asarray(np.minimum(made, t).astype(np.int64))

    def simulate_customers(
        self, t: Numbers, *, rng: np.random.Generator
    ) -> tuple[Integers, "np.typing.NDArray[np.bool_]"]:
        """Return simulated (renewals, churned) of new customers watched for ``t`` renewals."""
        made = self.simulate(t, rng=rng)
        return made, np.asarray(made < np.asarray(t))

    def _given(self, renewals: Numbers) -> tuple[Floats, Floats]:
        """Parameters of theta given the renewals."""
        alpha, beta, n = floats(self.alpha, self.beta, renewals)
        return alpha, beta + n


def _periods(name: str, values: Numbers, *, least: int = 0) -> Floats:
    """Return periods as floats, refusing what is not a whole number."""
    t = np.asarray(values, dtype=float)
    if not np.all((t >= least) & (t == np.rint(t))):
        raise UsageError(f"{name}: {values!r} must be whole numbers of at least {least}.")
    return t
