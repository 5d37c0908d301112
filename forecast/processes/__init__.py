"""Purchase and spend processes: closed-form probability, estimation and simulation.

NumPy and SciPy only; no ledger, no tables, no files.
"""

from forecast.processes.bgnbd import BGNBD
from forecast.processes.fitting import Fit
from forecast.processes.future import Future
from forecast.processes.gamma_gamma import GammaGamma
from forecast.processes.mbgnbd import MBGNBD

__all__ = ["BGNBD", "MBGNBD", "Fit", "Future", "GammaGamma"]
