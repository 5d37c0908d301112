"""From any source of rows to a validated, audited, cuttable ledger of purchases."""

from forecast.ledger.ledger import Ledger
from forecast.ledger.reading import read_ledger
from forecast.ledger.summary_table import SummaryTable, read_summary

__all__ = ["Ledger", "SummaryTable", "read_ledger", "read_summary"]
