"""BTYD where the rows live: the same summary, estimates and scores on a Spark cluster.

>>> from forecast import spark
>>> model = spark.fit(fc.BTYD("mbgnbd"), ledger)  # doctest: +SKIP
>>> spark.score(model, ledger, "26W").write.parquet("scores")  # doctest: +SKIP
"""

from forecast.spark.customers import summary
from forecast.spark.estimation import fit
from forecast.spark.scoring import score
from forecast.spark.session import local_session

__all__ = ["fit", "local_session", "score", "summary"]
