"""Purchase and spend processes: closed-form probability, estimation and simulation.

NumPy and SciPy only; no ledger, no tables, no files.
"""

from forecast.processes.bgbb import BGBB
from forecast.processes.bgcnbd import BGCNBD
from forecast.processes.bgnbd import BGNBD
from forecast.processes.clock import Clock, Timeline
from forecast.processes.covariates import WithCovariates, fit_with_covariates
from forecast.processes.fitting import Fit
from forecast.processes.future import Future
from forecast.processes.gamma_gamma import GammaGamma
from forecast.processes.mbgcnbd import MBGCNBD
from forecast.processes.mbgnbd import MBGNBD
from forecast.processes.nbd import NBD
from forecast.processes.opportunity_future import OpportunityFuture
from forecast.processes.pareto_nbd import ParetoNBD
from forecast.processes.shifted_beta_geometric import ShiftedBetaGeometric

__all__ = [
    "BGBB",
    "BGCNBD",
    "BGNBD",
    "MBGCNBD",
    "MBGNBD",
    "NBD",
    "Clock",
    "Fit",
    "Future",
    "GammaGamma",
    "OpportunityFuture",
    "ParetoNBD",
    "ShiftedBetaGeometric",
    "Timeline",
    "WithCovariates",
    "fit_with_covariates",
]
