"""Where a job's purchases come from and its predictions go: files, databases, object stores."""

from forecast.jobs.stores.reading import read_source
from forecast.jobs.stores.writing import upsert

__all__ = ["read_source", "upsert"]
