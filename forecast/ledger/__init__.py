"""From any source of rows to a validated, audited, cuttable ledger of purchases."""

from forecast.ledger.ledger import Ledger
from forecast.ledger.reading import read_ledger

__all__ = ["Ledger", "read_ledger"]
